//! Reliable provisional responses (RFC 3262), from both ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod phone;

use std::time::Duration;

use bytes::Bytes;
use phone::dialog::*;
use phone::{Office, SDP, Text, response, summary, udp};
use sip::{End, SessionEvent, SessionId};
use wire::sip::{Message, Name};

fn text(message: &Message, name: Name) -> String {
    String::from_utf8_lossy(message.first(name).unwrap_or_default()).into_owned()
}

fn sdp() -> Bytes {
    Bytes::from_static(SDP.as_bytes())
}

/// A call whose INVITE has this header.
fn called_with(office: &mut Office, header: &str) -> SessionId {
    let invite = Text::invite("101", "102", caller()).header(header);
    office.receive(caller(), &invite.to_string());
    let challenge = office.one();
    office.receive(caller(), &invite.next().answering(&challenge, "password-of-101").to_string());
    office.sent();
    match office.events().as_slice() {
        [SessionEvent::Incoming { session, .. }] => *session,
        other => panic!("{other:?}"),
    }
}

fn prack(cseq: u32, to: &Message, rack: &str) -> Text {
    inside("PRACK", cseq, to, caller()).header(&format!("RAck: {rack}"))
}

fn rack(response: &Message) -> String {
    format!("{} 2 INVITE", text(response, Name::RSeq))
}

#[test]
fn early_media_is_repeated_until_its_prack_and_the_answer_waits_for_that() {
    let mut office = Office::new();
    let session = called_with(&mut office, "Supported: 100rel");
    office.stack.progress(office.now, session, 180, None);
    assert!(!office.one().requires("100rel"), "nothing in it that must arrive");
    office.stack.progress(office.now, session, 183, Some(sdp()));
    let early = office.one();
    assert!(early.requires("100rel"));
    office.pass(Duration::from_millis(1_600));
    assert_eq!(summary(&office.sent()), ["183", "183"]);
    office.stack.accept(office.now, session, sdp());
    assert!(office.sent().is_empty());
    office.receive(caller(), &prack(3, &early, &rack(&early)).to_string());
    let sent = office.sent();
    assert_eq!(summary(&sent), ["200", "200"]);
    assert_eq!(text(&sent[0].1, Name::CSeq), "3 PRACK");
    assert_eq!((text(&sent[1].1, Name::CSeq).as_str(), sent[1].1.body()), ("2 INVITE", &b""[..]));
    office.receive(caller(), &inside("ACK", 2, &early, caller()).to_string());
    assert!(matches!(office.events().as_slice(), [SessionEvent::Confirmed { .. }]));
    office.pass(Duration::from_secs(60));
    assert_eq!((office.sent().len(), office.stack.dialogs(), office.stack.transactions()), (0, 1, 0));
}

#[test]
fn who_insists_is_told_all_reliably_one_after_the_other() {
    let mut office = Office::new();
    let session = called_with(&mut office, "Require: 100rel");
    office.stack.progress(office.now, session, 181, None);
    office.stack.progress(office.now, session, 180, None);
    let first = office.one();
    assert_eq!(first.status(), Some(181));
    office.receive(caller(), &prack(3, &first, &rack(&first)).to_string());
    let sent = office.sent();
    assert_eq!(summary(&sent), ["200", "180"]);
    let numbers = [&first, &sent[1].1].map(|m| m.rseq().unwrap().unwrap());
    assert_eq!(numbers[0] + 1, numbers[1]);
    // A PRACK that came after the answer would meet a call without provisional responses: the answer waits for it.
    office.stack.accept(office.now, session, sdp());
    assert!(office.sent().is_empty());
    let ringing = &sent[1].1;
    office.receive(caller(), &prack(4, ringing, &rack(ringing)).to_string());
    let sent = office.sent();
    assert_eq!(summary(&sent), ["200", "200"]);
    let ok = &sent[1].1;
    assert_eq!((ok.cseq().unwrap().token, ok.body()), (&b"INVITE"[..], SDP.as_bytes()));
    office.pass(Duration::from_millis(400));
    assert!(office.sent().is_empty(), "the 180 is history");
}

#[test]
fn a_prack_for_something_else_is_refused_481_and_repetition_goes_on() {
    let mut office = Office::new();
    let session = called_with(&mut office, "Supported: 100rel");
    office.stack.progress(office.now, session, 183, Some(sdp()));
    let early = office.one();
    let rseq = early.rseq().unwrap().unwrap();
    for (cseq, wrong) in [(3, format!("{} 2 INVITE", rseq + 1)), (4, format!("{rseq} 1 INVITE"))] {
        office.receive(caller(), &prack(cseq, &early, &wrong).to_string());
        assert_eq!(summary(&office.sent()), ["481"], "{wrong}");
    }
    office.pass(Duration::from_millis(600));
    assert_eq!(summary(&office.sent()), ["183"]);
    office.receive(caller(), &prack(5, &early, &rack(&early)).to_string());
    assert_eq!(summary(&office.sent()), ["200"]);
    office.receive(caller(), &prack(6, &early, &rack(&early)).to_string());
    assert_eq!(summary(&office.sent()), ["481"]);
}

#[test]
fn a_call_whose_early_answer_is_never_acknowledged_is_refused() {
    let mut office = Office::new();
    let session = called_with(&mut office, "Supported: 100rel");
    office.stack.progress(office.now, session, 183, Some(sdp()));
    office.stack.accept(office.now, session, sdp());
    office.pass(Duration::from_millis(32_100));
    let sent = summary(&office.sent());
    assert_eq!(sent.iter().filter(|line| *line == "183").count(), 7);
    assert_eq!(sent.iter().filter(|line| *line == "504").count(), 1);
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::Timeout, .. }]));
    office.pass(Duration::from_secs(40));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn an_offer_in_a_prack_or_an_update_after_it_is_answered() {
    let mut office = Office::new();
    let session = called_with(&mut office, "Supported: 100rel");
    office.stack.progress(office.now, session, 183, Some(sdp()));
    let early = office.one();
    let mut with_offer = prack(3, &early, &rack(&early)).header("Content-Type: application/sdp");
    with_offer.body = SDP.into();
    office.receive(caller(), &with_offer.to_string());
    assert!(matches!(office.events().as_slice(), [SessionEvent::Reoffer { offer: Some(_), .. }]));
    office.stack.accept_reoffer(office.now, session, sdp());
    let ok = office.one();
    assert_eq!((ok.status(), ok.body()), (Some(200), SDP.as_bytes()));
    let mut update = inside("UPDATE", 4, &early, caller()).header("Content-Type: application/sdp");
    update.body = SDP.into();
    office.receive(caller(), &update.to_string());
    assert!(matches!(office.events().as_slice(), [SessionEvent::Reoffer { offer: Some(_), .. }]));
    office.stack.accept_reoffer(office.now, session, sdp());
    assert_eq!(summary(&office.sent()), ["200"]);
}

/// A reliable response of a fork of the phone that we call.
fn reliable(invite: &Message, status: u16, tag: &str, rseq: u32, body: &str) -> String {
    let headers = format!("Require: 100rel\r\nRSeq: {rseq}\r\nContact:");
    response(invite, status, tag, body).replacen("Contact:", &headers, 1)
}

#[test]
fn what_phones_say_reliably_is_acknowledged_in_order_each_fork_by_itself() {
    let mut office = Office::new();
    let (_, invite) = outgoing(&mut office);
    assert!(invite.supports("100rel"));
    let mut said = |tag: &str, rseq: u32, body: &str| {
        office.receive(udp(PHONE), &reliable(&invite, 183, tag, rseq, body));
        let racks = office.sent().into_iter().map(|(_, message)| {
            assert_eq!(message.method_text(), b"PRACK");
            assert_eq!(message.to().unwrap().tag(), Some(tag.as_bytes()));
            text(&message, Name::RAck)
        });
        (racks.collect::<Vec<_>>(), office.events().len())
    };
    assert_eq!(said("one", 7, SDP), (vec!["7 1 INVITE".to_owned()], 1));
    assert_eq!(said("one", 7, SDP), (vec![], 0), "repeated: its PRACK is on its way");
    assert_eq!(said("one", 9, ""), (vec![], 0), "out of order");
    assert_eq!(said("two", 100, ""), (vec!["100 1 INVITE".to_owned()], 1));
    assert_eq!(said("one", 8, ""), (vec!["8 1 INVITE".to_owned()], 1));
    assert_eq!(said("one", 9, ""), (vec!["9 1 INVITE".to_owned()], 1));
    // The answer came early; the 2xx has none.
    office.receive(udp(PHONE), &response(&invite, 200, "one", ""));
    let ack = office.one();
    assert_eq!(text(&ack, Name::CSeq), "1 ACK");
    assert!(matches!(office.events().as_slice(), [SessionEvent::Answered { answer: Some(_), .. }]));
}

#[test]
fn a_prack_is_repeated_until_it_is_answered() {
    let mut office = Office::new();
    let (_, invite) = outgoing(&mut office);
    office.receive(udp(PHONE), &reliable(&invite, 180, "one", 1, ""));
    let prack = office.one();
    office.pass(Duration::from_millis(600));
    assert_eq!(summary(&office.sent()), ["PRACK"]);
    office.receive(udp(PHONE), &response(&prack, 200, "", ""));
    office.pass(Duration::from_secs(20));
    assert!(office.sent().is_empty());
}

/// A call whose INVITE has no offer, from a phone that knows PRACK.
fn called_late(office: &mut Office) -> SessionId {
    let mut invite = Text::invite("101", "102", caller()).header("Supported: 100rel");
    invite.body.clear();
    office.receive(caller(), &invite.to_string());
    let challenge = office.one();
    office.receive(caller(), &invite.next().answering(&challenge, "password-of-101").to_string());
    office.sent();
    match office.events().as_slice() {
        [SessionEvent::Incoming { session, offer: None, .. }] => *session,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_offer_to_a_caller_who_made_none_is_answered_by_his_prack_and_the_2xx_has_none() {
    let mut office = Office::new();
    let session = called_late(&mut office);
    assert!(office.stack.takes_early_offer(session));
    office.stack.progress(office.now, session, 183, Some(sdp()));
    let early = office.one();
    assert!(early.requires("100rel") && early.body() == SDP.as_bytes());
    office.receive(caller(), &prack(3, &early, &rack(&early)).to_string());
    assert_eq!(summary(&office.sent()), ["400"], "an offer wants an answer");
    assert!(office.events().is_empty());
    let mut answer = prack(4, &early, &rack(&early)).header("Content-Type: application/sdp");
    answer.body = SDP.into();
    office.receive(caller(), &answer.to_string());
    let ok = office.one();
    assert_eq!((ok.status(), ok.body()), (Some(200), &b""[..]));
    assert!(matches!(office.events().as_slice(), [SessionEvent::EarlyAnswered { .. }]));
    office.stack.accept(office.now, session, sdp());
    let ok = office.one();
    assert_eq!((ok.status(), ok.body()), (Some(200), &b""[..]));
}

#[test]
fn a_phone_that_rings_may_update_what_it_has_answered_each_fork_in_its_own_count() {
    let mut office = Office::new();
    let (session, invite) = outgoing(&mut office);
    let update = |cseq: u32, tag: &str, body: &str| {
        let ours = String::from_utf8_lossy(invite.first(Name::From).unwrap()).into_owned();
        let theirs = String::from_utf8_lossy(invite.first(Name::To).unwrap()).into_owned();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "UPDATE sip:198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP {PHONE};branch=z9hG4bKu{tag}{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: {theirs};tag={tag}\r\nTo: {ours}\r\nCall-ID: {}\r\nCSeq: {cseq} UPDATE\r\n\
             Contact: <sip:102@{PHONE}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            String::from_utf8_lossy(invite.call_id()),
            body.len()
        )
    };
    office.receive(udp(PHONE), &update(1, "one", SDP));
    assert_eq!(summary(&office.sent()), ["481"], "no dialog before it says something");
    office.receive(udp(PHONE), &response(&invite, 180, "one", ""));
    office.receive(udp(PHONE), &reliable(&invite, 183, "two", 1, SDP));
    office.sent();
    office.events();
    office.receive(udp(PHONE), &update(10, "one", SDP));
    assert_eq!(summary(&office.sent()), ["491"], "our offer has no answer yet");
    office.receive(udp(PHONE), &update(5, "two", SDP));
    assert!(matches!(office.events().as_slice(), [SessionEvent::Reoffer { offer: Some(_), .. }]));
    office.stack.accept_reoffer(office.now, session, sdp());
    let ok = office.one();
    assert_eq!((ok.status(), ok.body()), (Some(200), SDP.as_bytes()));
    office.receive(udp(PHONE), &update(4, "two", ""));
    assert_eq!(summary(&office.sent()), ["500"], "older than what it said last");
    office.receive(udp(PHONE), &response(&invite, 200, "two", ""));
    assert_eq!(summary(&office.sent()), ["ACK"]);
    office.events();
    office.receive(udp(PHONE), &update(3, "two", ""));
    assert_eq!(summary(&office.sent()), ["500"], "the count goes on");
    office.receive(udp(PHONE), &update(11, "one", ""));
    assert_eq!(summary(&office.sent()), ["481"], "the other fork is over");
}
