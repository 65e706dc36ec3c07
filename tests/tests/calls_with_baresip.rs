//! Two softphones talk through the server: what one plays the other hears, by the spectrum of what it recorded, and after a hold of what
//! arrives at its port.

use blackbox::{Baresip, Office, Pbx, wait};

#[test]
fn over_udp_a_tone_is_heard_both_ways_hold_is_silence_resume_is_the_tone_and_keys_arrive() {
    let pbx = Pbx::start(Office::of(101, 2).with_old_phones());
    let one = Baresip::phone("101", pbx.sip).playing(1000).start();
    let other = Baresip::phone("102", pbx.sip).playing(1600).start();
    talk(&pbx, one, other);
}

#[test]
fn over_tcp_a_tone_is_heard_both_ways_hold_is_silence_resume_is_the_tone_and_keys_arrive() {
    let pbx = Pbx::start(Office::of(101, 2).with_old_phones());
    let one = Baresip::phone("101", pbx.sip).playing(1000).over_tcp().start();
    let other = Baresip::phone("102", pbx.sip).playing(1600).over_tcp().start();
    talk(&pbx, one, other);
}

#[test]
fn a_phone_on_udp_talks_to_a_phone_on_tcp() {
    let pbx = Pbx::start(Office::of(101, 2).with_old_phones());
    let one = Baresip::phone("101", pbx.sip).playing(1000).start();
    let other = Baresip::phone("102", pbx.sip).playing(1600).over_tcp().start();
    talk(&pbx, one, other);
}

#[test]
fn g722_and_opus_pass_as_they_are() {
    for codec in ["G722/16000/1", "opus/48000/2"] {
        let pbx = Pbx::start(Office::of(101, 2).with_old_phones());
        let mut one = Baresip::phone("101", pbx.sip).playing(1000).speaking(codec).start();
        let other = Baresip::phone("102", pbx.sip).playing(1600).speaking(codec).start();
        one.call("102");
        one.expect_tone(1600);
        other.expect_tone(1000);
        one.hang_up();
        other.expect_event("CALL_CLOSED");
    }
}

fn expect_state(pbx: &Pbx, state: &str) {
    wait::until(state, || pbx.calls().iter().any(|call| call["state"] == state).then_some(()));
}

/// A whole call with everything a person does in it, and nothing of it left behind.
fn talk(pbx: &Pbx, mut one: Baresip, mut other: Baresip) {
    pbx.expect_registrations(2);
    one.call("102");
    one.expect_tone(1600);
    other.expect_tone(1000);
    assert_eq!(pbx.calls().len(), 1);

    let (at_one, at_other) = (one.ear(), other.ear());
    at_one.expect_tone(1600);
    at_other.expect_tone(1000);
    one.hold();
    expect_state(pbx, "held");
    at_other.expect_silence();
    one.resume();
    expect_state(pbx, "answered");
    at_one.expect_tone(1600);
    at_other.expect_tone(1000);
    other.hold();
    expect_state(pbx, "held");
    at_one.expect_silence();
    other.resume();
    at_other.expect_tone(1000);
    at_one.expect_tone(1600);

    one.press("5");
    other.expect_keys("5");
    other.press("#");
    one.expect_keys("#");

    other.hang_up();
    one.expect_event("CALL_CLOSED");
    let records = pbx.expect_records(1);
    assert_eq!(records[0]["from"], "101");
    assert_eq!(records[0]["to"], "102");
    assert_eq!(records[0]["result"], "answered");
    pbx.expect_nothing_held();
}
