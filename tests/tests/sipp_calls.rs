//! One call each, by the letter: SIPp at both ends with scenarios of our own, and what history says afterwards.

use blackbox::link::Doubling;
use blackbox::sipp::COMPLETED_ELSEWHERE;
use blackbox::{Office, Pbx, Sipp, sipp};

/// One call by these two scenarios must leave one record with this result, and nothing held.
fn one_call(caller: &str, callee: &str, ring_ms: &str, result: &str) {
    let pbx = Pbx::start(Office::of(101, 2));
    let phone = sipp::phone(callee, "102", pbx.sip).with("RING_MS", ring_ms).start().listening();
    Sipp::new(caller, pbx.sip).row("101", "102").run();
    phone.succeed();
    let records = pbx.expect_records(1);
    assert_eq!(records[0]["result"], result, "{records:#?}");
    pbx.expect_nothing_held();
}

#[test]
fn a_call_is_answered_and_the_caller_hangs_up() {
    one_call("caller", "callee", "100", "answered");
}

#[test]
fn a_call_is_answered_and_the_callee_hangs_up() {
    one_call("caller_is_hung_up_on", "callee_hangs_up", "100", "answered");
}

#[test]
fn the_caller_gives_up_while_it_rings() {
    one_call("caller_gives_up", "callee_is_cancelled", "100", "cancelled");
}

#[test]
fn hold_and_resume_pass_as_they_were_offered() {
    one_call("caller_holds", "callee_is_held", "100", "answered");
}

#[test]
fn a_refusal_reaches_the_caller_and_history() {
    for (code, reason, result) in [
        ("486", "Busy Here", "busy"),
        ("603", "Decline", "busy"),
        ("480", "Temporarily Unavailable", "no-answer"),
    ] {
        let pbx = Pbx::start(Office::of(101, 2));
        let refusing =
            sipp::phone("callee_refuses", "102", pbx.sip).with("CODE", code).with("REASON", reason);
        let phone = refusing.start().listening();
        Sipp::new("caller_is_refused", pbx.sip).with("CODE", code).row("101", "102").run();
        phone.succeed();
        assert_eq!(pbx.expect_records(1)[0]["result"], result, "{code}");
        pbx.expect_nothing_held();
    }
}

#[test]
fn nobody_answers_and_the_call_ends_by_the_ring_timeout() {
    let mut office = Office::of(101, 2);
    office.more = "[sip]\nring_timeout = \"2s\"\n".into();
    let pbx = Pbx::start(office);
    let phone = sipp::phone("callee_is_cancelled", "102", pbx.sip).start().listening();
    Sipp::new("caller_is_refused", pbx.sip).with("CODE", "480").row("101", "102").run();
    phone.succeed();
    assert_eq!(pbx.expect_records(1)[0]["result"], "no-answer");
    pbx.expect_nothing_held();
}

#[test]
fn an_unknown_number_and_a_phone_that_is_away_are_refused_at_once() {
    let pbx = Pbx::start(Office::of(101, 2));
    Sipp::new("caller_is_refused", pbx.sip).with("CODE", "404").row("101", "999").run();
    Sipp::new("caller_is_refused", pbx.sip).with("CODE", "480").row("101", "102").run();
    pbx.expect_records(2);
    pbx.expect_nothing_held();
}

#[test]
fn of_two_ringing_phones_one_answers_and_the_other_is_cancelled_as_completed_elsewhere() {
    let pbx = Pbx::start(Office::of(101, 2));
    let slow = sipp::phone("callee_is_cancelled", "102", pbx.sip).with("MATCH", COMPLETED_ELSEWHERE);
    let slow = slow.start().listening();
    let fast = sipp::phone("callee", "102", pbx.sip).with("RING_MS", "500").start().listening();
    pbx.expect_registrations(2);
    Sipp::new("caller", pbx.sip).row("101", "102").run();
    fast.succeed();
    slow.succeed();
    assert_eq!(pbx.expect_records(1)[0]["result"], "answered");
    pbx.expect_nothing_held();
}

#[test]
fn a_busy_phone_forwards_to_another() {
    let office = Office::of(101, 3).with("102", "forwarding = { busy = \"103\" }");
    let pbx = Pbx::start(office);
    let busy = sipp::phone("callee_refuses", "102", pbx.sip).start().listening();
    let taking = sipp::phone("callee", "103", pbx.sip).start().listening();
    Sipp::new("caller", pbx.sip).row("101", "102").run();
    busy.succeed();
    taking.succeed();
    let records = pbx.expect_records(1);
    assert_eq!((records[0]["to"].as_str(), records[0]["result"].as_str()), (Some("102"), Some("answered")));
    pbx.expect_nothing_held();
}

#[test]
fn an_unanswered_phone_forwards_to_another_and_a_disturbed_one_is_busy() {
    let office = Office::of(101, 4)
        .with("102", "forwarding = { no_answer = { to = \"103\", after = \"1s\" } }")
        .with("104", "do_not_disturb = true");
    let pbx = Pbx::start(office);
    let ringing = sipp::phone("callee_is_cancelled", "102", pbx.sip).start().listening();
    let taking = sipp::phone("callee", "103", pbx.sip).start().listening();
    Sipp::new("caller", pbx.sip).row("101", "102").run();
    ringing.succeed();
    taking.succeed();
    Sipp::new("caller_is_refused", pbx.sip).row("101", "104").run();
    assert_eq!(pbx.expect_records(2)[1]["result"], "busy");
    pbx.expect_nothing_held();
}

#[test]
fn calls_survive_lost_messages() {
    let pbx = Pbx::start(Office::of(101, 2));
    // A BYE whose answer was lost comes again after half a second, and more than once: a phone that has forgotten the call by
    // then would take it for a new one, count it among its twenty, and never answer the last.
    // And where each ACK was lost until the caller hung up, the BYE is the first that it hears (RFC 3261 section 15).
    let phone = sipp::phone("callee", "102", pbx.sip).calls(20).with("LINGER_MS", "10000");
    let phone = phone.with("ACK_MAY_MISS", "true");
    // SIPp knows an INVITE again by what it answered to it: where its 180 and its 200 were both lost, the next one is new to it,
    // and it never answers. One call in 156 is like that.
    let phone = phone.with("RINGING_LOST", "0");
    let phone = phone.arguments(&["-lost", "8"]).start().listening();
    let caller =
        Sipp::new("caller", pbx.sip).row("101", "102").calls(20).rate(10, 20).with("HOLD_MS", "6000");
    caller.arguments(&["-lost", "8"]).run();
    phone.succeed();
    pbx.expect_records(20);
    pbx.expect_nothing_held();
}

#[test]
fn calls_survive_doubled_messages() {
    let pbx = Pbx::start(Office::of(101, 2));
    let phone = sipp::phone("callee", "102", pbx.sip).calls(20).start().listening();
    let link = Doubling::to(pbx.sip);
    let caller = Sipp::new("caller", pbx.sip).row("101", "102").calls(20).rate(10, 20);
    // SIPp itself takes some doubled answers for unexpected ones; what it must do is end every call by the script.
    caller.arguments(&["-rsa", &link.near.to_string(), "-default_behaviors", "all,-abortunexp"]).run();
    phone.succeed();
    assert!(link.carried() >= 20 * 8, "{} datagrams took the bad cable", link.carried());
    pbx.expect_records(20);
    pbx.expect_nothing_held();
}
