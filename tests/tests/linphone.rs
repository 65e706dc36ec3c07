//! Linphone, which is strict where baresip is lenient, talks through the server.

use blackbox::way::Transport;
use blackbox::{Baresip, Linphone, Office, Pbx};

#[test]
fn linphone_calls_and_is_called_and_a_tone_is_heard_both_ways() {
    let pbx = Pbx::start(Office::of(101, 2).with_old_phones());
    let linphone = Linphone::phone("101", pbx.sip).over(Transport::Tcp).playing(1000).start();
    let other = Baresip::phone("102", pbx.sip).playing(1600).start();
    talk(&pbx, linphone, other);
}

/// One call each way, and nothing of them left behind.
fn talk(pbx: &Pbx, mut linphone: Linphone, mut other: Baresip) {
    pbx.expect_registrations(2);
    linphone.call("102");
    linphone.expect_tone(1600);
    other.expect_tone(1000);
    linphone.hang_up();
    other.expect_event("CALL_CLOSED");
    pbx.expect_records(1);

    other.dial("101");
    linphone.answer();
    linphone.expect_tone(1600);
    other.expect_tone(1000);
    other.hang_up();
    let records = pbx.expect_records(2);
    assert!(records.iter().all(|r| r["result"] == "answered"), "{records:#?}");
    pbx.expect_nothing_held();
}
