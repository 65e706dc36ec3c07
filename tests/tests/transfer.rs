//! Transfer among three softphones: who is sent on talks to the third, by the spectrum of what both heard.

use blackbox::call::offer;
use blackbox::{Baresip, Office, Pbx, RawPhone, Sipp, lamp, sipp};

/// Three phones that play different tones.
fn three(pbx: &Pbx) -> [Baresip; 3] {
    let phones = [("101", 800), ("102", 1000), ("103", 1600)];
    phones.map(|(number, tone)| Baresip::phone(number, pbx.sip).playing(tone).start())
}

#[test]
fn a_blind_transfer_connects_the_two_others_and_the_lamp_of_the_third_burns() {
    let pbx = Pbx::start(Office::of(101, 4).with_old_phones());
    let [mut one, mut other, third] = three(&pbx);
    let mut watcher = RawPhone::new("104", pbx.sip);
    let mut watched = lamp::subscribe(&mut watcher, "103", "dialog");
    one.call("102");
    one.expect_tone(1000);
    other.expect_tone(800);

    one.transfer("103");
    lamp::expect(&watcher, &watched, "a burning lamp", |m| m.body().contains("confirmed"));
    third.expect_tone(1000);
    other.expect_tone(1600);
    one.expect_event("CALL_CLOSED");
    assert_eq!(pbx.calls().len(), 1);

    other.hang_up();
    third.expect_event("CALL_CLOSED");
    lamp::end(&mut watcher, &mut watched, "dialog");
    pbx.expect_records(2);
    pbx.expect_nothing_held();
}

#[test]
fn an_attended_transfer_connects_the_other_sides_of_two_calls() {
    let pbx = Pbx::start(Office::of(101, 3).with_old_phones());
    let [mut one, mut other, third] = three(&pbx);
    let (at_other, at_third) = (other.ear(), third.ear());
    one.call("102");
    at_other.expect_tone(800);
    one.hold();
    at_other.expect_silence();
    one.dial("103");
    one.expect_events("CALL_ESTABLISHED", 2);
    at_third.expect_tone(800);

    one.transfer_attended("102");
    at_third.expect_tone(1000);
    at_other.expect_tone(1600);
    one.expect_events("CALL_CLOSED", 2);
    assert_eq!(pbx.calls().len(), 1);

    other.hang_up();
    third.expect_event("CALL_CLOSED");
    let records = pbx.expect_records(2);
    for (record, to) in records.iter().zip(["102", "103"]) {
        assert_eq!((&record["from"], &record["to"]), (&"101".into(), &to.into()), "{record:#}");
        assert_eq!(record["result"], "answered");
    }
    pbx.expect_nothing_held();
}

#[test]
fn a_transfer_to_a_phone_without_a_common_codec_is_told_to_have_failed() {
    let pbx = Pbx::start(Office::of(101, 3).with_old_phones());
    let phone = |number: &str, tone| Baresip::phone(number, pbx.sip).playing(tone);
    let (mut one, other) = (phone("101", 800).start(), phone("102", 1000).start());
    let _third = phone("103", 1600).speaking("G722/16000/1").start();
    one.call("102");
    one.expect_tone(1000);
    one.transfer("103");
    one.expect_event("TRANSFER_FAILED");
    // This phone then hangs up by itself; that the call would go on is shown in crates/sim/tests.
    other.expect_event("CALL_CLOSED");
    pbx.expect_records(2);
    pbx.expect_nothing_held();
}

#[test]
fn refer_is_answered_202_its_progress_is_told_and_who_was_sent_on_talks_to_the_target() {
    let pbx = Pbx::start(Office::of(101, 3));
    let sent_on = sipp::phone("callee_is_sent_on", "102", pbx.sip).start().listening();
    let target = sipp::phone("callee_hangs_up", "103", pbx.sip).with("HOLD_MS", "1000").start().listening();
    Sipp::new("caller_refers", pbx.sip).with("REFER_TO", "103").row("101", "102").run();
    target.succeed();
    sent_on.succeed();
    pbx.expect_records(2);
    pbx.expect_nothing_held();
}

#[test]
fn a_call_goes_on_at_another_phone_of_its_extension_by_replaces() {
    let pbx = Pbx::start(Office::of(101, 2));
    let phone = |number| {
        let mut phone = RawPhone::new(number, pbx.sip);
        assert_eq!(phone.register(600).status(), 200);
        phone
    };
    let (mut desk, other, mut soft) = (phone("101"), phone("102"), phone("101"));
    let mut at_desk = desk.dial("102", "");
    let called = other.ring();
    other.take(&called);
    desk.expect_answer(&mut at_desk);

    let mut at_soft = soft.dial("102", &format!("Replaces: {}\r\n", at_desk.replaces()));
    // The other side is told of the new partner, and who offers anew gets an answer.
    let told = other.expect_request("INVITE");
    assert!(told.header("To").is_some_and(|to| to.contains(";tag=")), "inside its call: {}", told.0);
    let contact = format!("Contact: <sip:raw@{}>\r\nContent-Type: application/sdp\r\n", other.address);
    other.send(&told.answer(200, "", &contact, &offer(other.address, 2)));
    soft.expect_answer(&mut at_soft);
    desk.agree(&desk.expect_request("BYE"));
    assert_eq!(pbx.calls().len(), 1);

    assert_eq!(soft.ask_inside(&mut at_soft, "BYE", "", "").status(), 200);
    other.agree(&other.expect_request("BYE"));
    let records = pbx.expect_records(1);
    assert_eq!((&records[0]["from"], &records[0]["to"]), (&"101".into(), &"102".into()));
    pbx.expect_nothing_held();
}
