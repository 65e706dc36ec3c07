//! RFC 4475.

use super::{Row, all, asked, judge};

#[test]
fn valid_messages_are_answered() {
    judge(include_str!("../../../wire/tests/torture/rfc4475_valid.txt"), VALID);
}

#[test]
fn invalid_messages_are_refused_or_dropped() {
    judge(include_str!("../../../wire/tests/torture/rfc4475_invalid.txt"), INVALID);
}

#[test]
fn messages_a_user_agent_must_judge_are_judged() {
    judge(include_str!("../../../wire/tests/torture/rfc4475_use.txt"), USED);
}

const VALID: &[Row] = &[
    all("wsinv", Some(481), "taken; its To tag names no call of ours"),
    all("intmeth", Some(400), "the RFC has it taken; a NUL makes two readings"),
    all("intmeth without its NUL", Some(501), "an unknown method"),
    asked("esc01", 404, "taken; its domain is not ours"),
    asked("escnull", 403, "taken; not the line's own address"),
    all("esc02", Some(501), "an unknown method, not REGISTER"),
    all("lwsdisp", Some(200), "taken"),
    asked("longreq", 100, "taken"),
    asked("dblreq", 403, "the first request is taken, the second is surplus; not the line's own address"),
    all("semiuri", Some(200), "taken"),
    all("transports", Some(200), "taken"),
    all("mpart01", Some(405), "taken; we have no messages"),
    all("unreason", None, "a response to nothing we sent"),
    all("noreason", None, "a response to nothing we sent"),
];

const INVALID: &[Row] = &[
    all("badinv01", None, "the RFC suggests 400; without a Via that can be read there is nobody to answer"),
    all("clerr", Some(400), "the body ends too early"),
    all("ncl", Some(400), "a negative length"),
    all("scalar02", None, "the RFC suggests 400; no client matches an answer with this CSeq"),
    all("scalarlg", None, "responses are never answered"),
    all("quotbal", None, "the RFC suggests 400; To can't be given back"),
    all("ltgtruri", Some(400), "brackets are no URI"),
    all("lwsruri", Some(400), "a space ends the URI"),
    all("lwsstart", Some(400), "two spaces"),
    all("trws", None, "the RFC suggests 400; the line is none of a request"),
    asked("escruri", 100, "the RFC prefers 400 and allows to ignore the headers, as we do"),
    asked("baddate", 100, "the RFC allows to ignore a date that nobody needs"),
    asked("regbadct", 400, "the contact has no brackets"),
    all("badaspec", None, "the RFC suggests 400; To can't be given back"),
    all("baddn", None, "the RFC suggests 400; From can't be given back"),
    all("badvers", Some(505), "another version"),
    all("mismatch01", Some(400), "two methods"),
    all("mismatch02", Some(400), "two methods; the RFC allows 501 as well"),
    all("bigcode", None, "responses are never answered"),
];

const USED: &[Row] = &[
    all("badbranch", Some(200), "a branch as before RFC 3261"),
    all("insuf", None, "the RFC suggests 400; without From, To and Call-ID the answer would be no message"),
    all("unkscm", Some(416), "an unknown scheme"),
    all("novelsc", Some(416), "a scheme that is known, and not ours"),
    asked("unksm2", 403, "the RFC suggests 400 or 404; not the line's own address"),
    all("bext01", Some(420), "unknown extensions required"),
    asked("invut", 415, "a body of a type we don't know"),
    asked("regaut01", 403, "an authentication scheme we don't know is none; not the line's own address"),
    all("multi01", None, "the RFC suggests 400; which of two Call-IDs to answer is not ours to choose"),
    all("mcl01", Some(400), "two lengths"),
    all("bcast", None, "a response to nothing we sent"),
    all("zeromf", Some(200), "it has arrived: nobody forwards it"),
    asked("cparam01", 403, "taken; not the line's own address"),
    asked("cparam02", 403, "taken; not the line's own address"),
    asked("regescrt", 200, "the contact is kept with its header, which is not used"),
    asked("sdp01", 100, "the RFC suggests 406; who offers SDP reads SDP"),
    asked("inv2543", 400, "taken as before RFC 3261; without Contact there is no dialog"),
];
