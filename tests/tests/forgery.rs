//! Somebody who has seen a call's messages, but sends from another address, changes nothing in it.

use blackbox::call::Call;
use blackbox::{Office, Pbx, RawPhone};
use std::time::Duration;

/// What a forger may be told: nothing, or a refusal.
fn refused(forger: &RawPhone) {
    if let Some(answer) = forger.receive_within(Duration::from_millis(500)) {
        assert!(answer.status() >= 400, "{}", answer.0);
    }
}

/// A server, two registered phones, and a third address that is nobody's.
fn world() -> (Pbx, RawPhone, RawPhone, RawPhone) {
    let pbx = Pbx::start(Office::of(101, 3));
    let phone = |number| {
        let mut phone = RawPhone::new(number, pbx.sip);
        assert_eq!(phone.register(600).status(), 200);
        phone
    };
    let (one, other, forger) = (phone("101"), phone("102"), RawPhone::new("forger", pbx.sip));
    (pbx, one, other, forger)
}

fn established(one: &mut RawPhone, other: &RawPhone) -> (Call, Call) {
    let mut calling = one.dial("102", "");
    let called = other.ring();
    other.take(&called);
    one.expect_answer(&mut calling);
    (calling, called)
}

/// Hangs up in order, which only works when the call is still there.
fn end(pbx: &Pbx, one: &mut RawPhone, other: &RawPhone, calling: &mut Call) {
    assert_eq!(pbx.calls().len(), 1);
    assert_eq!(one.ask_inside(calling, "BYE", "", "").status(), 200);
    other.agree(&other.expect_request("BYE"));
    assert_eq!(pbx.expect_records(1)[0]["result"], "answered");
    pbx.expect_nothing_held();
}

#[test]
fn a_bye_from_elsewhere_ends_no_call() {
    let (pbx, mut one, other, forger) = world();
    let (mut calling, called) = established(&mut one, &other);
    for call in [&calling, &called] {
        forger.send(&call.inside("BYE", call.sequence + 1, forger.address, "", ""));
        refused(&forger);
        // As if it came from the phone itself: Via and Contact lie, the packet's source does not.
        forger.send(&call.inside("BYE", call.sequence + 1, one.address, "", ""));
        refused(&forger);
    }
    end(&pbx, &mut one, &other, &mut calling);
}

#[test]
fn an_invite_inside_a_call_from_elsewhere_redirects_no_media() {
    let (pbx, mut one, other, forger) = world();
    let (mut calling, called) = established(&mut one, &other);
    for call in [&calling, &called] {
        let body = blackbox::call::offer(forger.address, 2);
        forger.send(&call.inside("INVITE", call.sequence + 1, forger.address, "", &body));
        refused(&forger);
    }
    assert!(other.receive_within(Duration::from_millis(500)).is_none_or(|m| m.method() != "INVITE"));
    end(&pbx, &mut one, &other, &mut calling);
}

#[test]
fn a_cancel_from_elsewhere_stops_no_ringing() {
    let (pbx, mut one, other, forger) = world();
    let mut calling = one.dial("102", "");
    let called = other.ring();
    forger.send(&calling.cancel());
    refused(&forger);
    other.take(&called);
    one.expect_answer(&mut calling);
    end(&pbx, &mut one, &other, &mut calling);
}

#[test]
fn an_answer_from_elsewhere_is_no_answer() {
    let (pbx, mut one, other, forger) = world();
    let mut calling = one.dial("102", "");
    let called = other.ring();
    let body = blackbox::call::offer(forger.address, 1);
    forger.send(&called.response(200, forger.address, &body));
    forger.send(&called.response(603, forger.address, ""));
    refused(&forger);
    assert_eq!(pbx.calls()[0]["state"], "ringing");
    other.take(&called);
    one.expect_answer(&mut calling);
    end(&pbx, &mut one, &other, &mut calling);
}

#[test]
fn a_registered_phone_cannot_transfer_somebody_elses_call() {
    let (pbx, mut one, other, _) = world();
    let (mut calling, called) = established(&mut one, &other);
    let mut third = RawPhone::new("103", pbx.sip);
    assert_eq!(third.register(600).status(), 200);
    for call in [&calling, &called] {
        let refer = format!("Refer-To: <sip:103@{}>\r\n", pbx.sip);
        let status = third.ask_inside(&mut call.clone(), "REFER", &refer, "").status();
        assert!((400..500).contains(&status), "{status}");
    }
    assert!(third.receive_within(Duration::from_millis(500)).is_none_or(|m| m.method() != "INVITE"));
    end(&pbx, &mut one, &other, &mut calling);
}

#[test]
fn a_registered_phone_cannot_replace_somebody_elses_call() {
    let (pbx, mut one, other, _) = world();
    let (mut calling, called) = established(&mut one, &other);
    let mut third = RawPhone::new("103", pbx.sip);
    for call in [&calling, &called] {
        let mut taking = third.dial("102", &format!("Replaces: {}\r\n", call.replaces()));
        let answer = third.expect_response(&mut taking);
        assert!((400..500).contains(&answer.status()), "{}", answer.0);
    }
    assert_eq!(pbx.calls().len(), 1);
    assert_eq!(one.ask_inside(&mut calling, "BYE", "", "").status(), 200);
    other.agree(&other.expect_request("BYE"));
}

#[test]
fn a_phone_that_challenges_whatever_it_is_asked_gets_no_credentials_and_leaves_nothing() {
    let (pbx, mut one, other, _) = world();
    let challenge = "WWW-Authenticate: Digest realm=\"elsewhere\", nonce=\"tell-me\"\r\n";
    let mut refused = one.dial("102", "");
    let invite = other.expect_request("INVITE");
    other.send(&invite.answer(401, "challenger", challenge, ""));
    other.expect_request("ACK");
    let answer =
        one.expect("the end of it", |m| m.status() >= 300 && m.header("Call-ID") == Some(&refused.id));
    assert!(answer.status() >= 400 && answer.challenges().is_empty(), "{}", answer.0);
    refused.remote = answer.header("To").expect("a To").into();
    one.send(&refused.inside("ACK", refused.invite.sequence(), one.address, "", ""));
    let (mut calling, _) = established(&mut one, &other);
    assert_eq!(one.ask_inside(&mut calling, "BYE", "", "").status(), 200);
    let bye = other.expect_request("BYE");
    other.send(&bye.answer(401, "", challenge, ""));
    while let Some(again) = other.receive_within(Duration::from_secs(1)) {
        assert!(again.header("Authorization").is_none() && again.method() != "BYE", "{}", again.0);
    }
    pbx.expect_records(2);
    pbx.expect_nothing_held();
}
