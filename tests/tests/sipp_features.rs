//! What calls can do beyond ringing and talking, each by the letter: SIPp at all ends with scenarios of our own.

use blackbox::{Office, Pbx, Sipp, sipp};

/// One call by these two scenarios must leave one answered record, and nothing held.
fn one_call(caller: &str, callee: &str) {
    let pbx = Pbx::start(Office::of(101, 2));
    let phone = sipp::phone(callee, "102", pbx.sip).start().listening();
    Sipp::new(caller, pbx.sip).row("101", "102").run();
    phone.succeed();
    let records = pbx.expect_records(1);
    assert_eq!(records[0]["result"], "answered", "{records:#?}");
    pbx.expect_nothing_held();
}

#[test]
fn a_hold_by_update_reaches_a_phone_that_knows_only_invite_and_so_does_its_end() {
    one_call("caller_updates", "callee_is_held");
}

#[test]
fn an_offer_that_comes_late_is_answered_in_the_ack() {
    one_call("caller_offers_late", "callee");
}

#[test]
fn of_three_phones_with_early_media_one_answers_and_the_others_are_cancelled() {
    let pbx = Pbx::start(Office::of(101, 2));
    let others = [(); 2]
        .map(|()| sipp::phone("callee_has_early_media_is_cancelled", "102", pbx.sip).start().listening());
    let taking =
        sipp::phone("callee_has_early_media", "102", pbx.sip).with("RING_MS", "1000").start().listening();
    pbx.expect_registrations(3);
    Sipp::new("caller_hears_early", pbx.sip).row("101", "102").run();
    taking.succeed();
    others.into_iter().for_each(sipp::Running::succeed);
    assert_eq!(pbx.expect_records(1)[0]["result"], "answered");
    pbx.expect_nothing_held();
}

#[test]
fn a_phone_that_challenges_our_invite_as_a_registrar_gets_no_credentials_and_the_call_ends() {
    challenged("401", "Unauthorized", "WWW-Authenticate");
}

#[test]
fn a_phone_that_challenges_our_invite_as_a_proxy_gets_no_credentials_and_the_call_ends() {
    challenged("407", "Proxy Authentication Required", "Proxy-Authenticate");
}

fn challenged(code: &str, reason: &str, field: &str) {
    let pbx = Pbx::start(Office::of(101, 2));
    let phone = sipp::phone("callee_challenges", "102", pbx.sip);
    let phone = phone.with("CODE", code).with("REASON", reason).with("CHALLENGE", field).start().listening();
    Sipp::new("caller_is_refused", pbx.sip).with("CODE", "480").row("101", "102").run();
    phone.succeed();
    let records = pbx.expect_records(1);
    assert_ne!(records[0]["result"], "answered", "{records:#?}");
    pbx.expect_nothing_held();
}
