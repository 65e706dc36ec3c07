//! Busy lamps: what a phone that watches another is told while that one is called (RFC 6665, RFC 4235), and the mailbox
//! lamp (RFC 3842). The phones that call are baresips; who watches is a raw phone, because baresip knows no dialog-info.

use blackbox::raw::Message;
use blackbox::{Baresip, Office, Pbx, RawPhone, lamp};

#[test]
fn a_lamp_blinks_while_a_phone_rings_burns_while_it_talks_and_goes_out() {
    let pbx = Pbx::start(Office::of(101, 3).with_old_phones());
    let mut one = Baresip::phone("101", pbx.sip).playing(1000).start();
    let mut other = Baresip::phone("102", pbx.sip).playing(1600).answering_by_hand().start();
    let mut watcher = RawPhone::new("103", pbx.sip);
    assert_eq!(watcher.register(600).status(), 200);
    let mut watched = lamp::subscribe(&mut watcher, "102", "dialog");
    let dark = |m: &Message| m.body().contains("<dialog-info") && !m.body().contains("<state>");
    lamp::expect(&watcher, &watched, "a dark lamp", dark);

    one.dial("102");
    lamp::expect(&watcher, &watched, "a blinking lamp", |m| m.body().contains("early"));
    other.answer();
    lamp::expect(&watcher, &watched, "a burning lamp", |m| m.body().contains("confirmed"));
    one.expect_tone(1600);
    one.hang_up();
    let out = |m: &Message| dark(m) || m.body().contains("terminated");
    lamp::expect(&watcher, &watched, "a lamp that goes out", out);
    lamp::end(&mut watcher, &mut watched, "dialog");
    pbx.expect_nothing_held();
}

#[test]
fn a_mailbox_lamp_says_that_there_is_nothing_new() {
    let pbx = Pbx::start(Office::of(101, 1));
    let mut phone = RawPhone::new("101", pbx.sip);
    assert_eq!(phone.register(600).status(), 200);
    let mut watched = lamp::subscribe(&mut phone, "101", "message-summary");
    lamp::expect(&phone, &watched, "a dark lamp", |m| m.body().contains("Messages-Waiting: no"));
    lamp::end(&mut phone, &mut watched, "message-summary");
}
