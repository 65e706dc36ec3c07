//! Lamps follow calls.

use std::time::Duration;

use calls::Command;
use model::DialString;
use wire::message_summary::Summary;
use wire::sip::Message;

use crate::office::{Office, change, directory};
use crate::phone::{ask, connected, described, dial, hang_up, pick_up, respond, watch};
use crate::{ALICE, BOB, CAROL, office};

/// The direction and state of each call in a NOTIFY.
fn lamp(notify: &Message) -> Vec<(String, String)> {
    let body = String::from_utf8_lossy(notify.body()).into_owned();
    let dialogs = body.split("<dialog ").skip(1);
    let between = |text: &str, start: &str, end: &str| {
        text.split_once(start).and_then(|(_, rest)| rest.split_once(end)).map(|(value, _)| value.to_owned())
    };
    dialogs
        .map(|dialog| {
            let direction = between(dialog, "direction=\"", "\"").unwrap_or_default();
            (direction, between(dialog, "<state>", "</state>").unwrap())
        })
        .collect()
}

/// What Carol's lamp shows after a while.
fn shown(office: &mut Office) -> Vec<(String, String)> {
    office.pass(Duration::from_secs(1));
    lamp(&office.request(CAROL, "NOTIFY"))
}

fn one(direction: &str, state: &str) -> Vec<(String, String)> {
    vec![(direction.to_owned(), state.to_owned())]
}

#[test]
fn a_lamp_blinks_while_it_rings_burns_while_they_talk_and_goes_out() {
    let mut office = office(directory());
    assert!(lamp(&watch(&mut office, CAROL, "dialog", "102")).is_empty());
    office.pass(Duration::from_secs(1));
    dial(&mut office, ALICE, "102");
    office.pass(Duration::from_secs(1));
    office.silent(CAROL);
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 180, None);
    assert_eq!(shown(&mut office), one("recipient", "early"));
    office.response(ALICE, 180);
    let bob = pick_up(&mut office, BOB, &invite);
    let (alice, _) = connected(&mut office, ALICE);
    assert_eq!(shown(&mut office), one("recipient", "confirmed"));
    let hold = described(21_101, "8 0 101", "sendonly");
    ask(&mut office, &alice, "INVITE", Some(("application/sdp", &hold)));
    office.pass(Duration::from_secs(1));
    office.silent(CAROL);
    let _ = bob;
    office.request(BOB, "INVITE");
    ask(&mut office, &alice, "BYE", None);
    assert_eq!(shown(&mut office), one("", "terminated"));
    assert_eq!(office.close_one().from, "101");
}

#[test]
fn the_caller_s_lamp_burns_from_the_moment_he_dials() {
    let mut office = office(directory());
    watch(&mut office, CAROL, "dialog", "101");
    office.pass(Duration::from_secs(1));
    dial(&mut office, ALICE, "102");
    assert_eq!(shown(&mut office), one("initiator", "trying"));
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 180, None);
    assert_eq!(shown(&mut office), one("initiator", "early"));
    respond(&mut office, BOB, &invite, 486, None);
    assert_eq!(shown(&mut office), one("", "terminated"));
    office.close_one();
}

#[test]
fn who_begins_to_watch_in_the_middle_of_a_call_sees_it() {
    let mut office = office(directory());
    let (alice, _) = crate::talking(&mut office);
    assert_eq!(lamp(&watch(&mut office, CAROL, "dialog", "102")), one("recipient", "confirmed"));
    assert_eq!(lamp(&watch(&mut office, CAROL, "dialog", "101")), one("initiator", "confirmed"));
    assert!(lamp(&watch(&mut office, CAROL, "dialog", "104")).is_empty());
    assert_eq!(office.exchange.held().subscriptions, 3);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn a_forwarded_call_leaves_one_lamp_for_the_other() {
    let mut directory = directory();
    change(&mut directory, "102", |bob| {
        bob.forwarding.busy = Some(DialString::parse(b"101").unwrap());
    });
    let mut office = office(directory);
    watch(&mut office, CAROL, "dialog", "102");
    watch(&mut office, CAROL, "dialog", "101");
    office.pass(Duration::from_secs(1));
    dial(&mut office, CAROL, "102");
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 180, None);
    office.response(CAROL, 180);
    assert_eq!(shown(&mut office), one("recipient", "early"));
    respond(&mut office, BOB, &invite, 486, None);
    let invite = office.request(ALICE, "INVITE");
    respond(&mut office, ALICE, &invite, 180, None);
    assert_eq!(shown(&mut office), one("", "terminated"), "102");
    assert_eq!(lamp(&office.request(CAROL, "NOTIFY")), one("recipient", "early"), "101");
    respond(&mut office, ALICE, &invite, 486, None);
    office.response(CAROL, 486);
    assert_eq!(shown(&mut office), one("", "terminated"));
    office.close_one();
}

#[test]
fn two_calls_of_an_extension_are_both_shown_and_the_ringing_one_first() {
    let mut office = office(directory());
    let (alice, _) = crate::talking(&mut office);
    watch(&mut office, CAROL, "dialog", "102");
    office.pass(Duration::from_secs(1));
    dial(&mut office, CAROL, "102");
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 180, None);
    office.response(CAROL, 180);
    let both = [one("recipient", "early"), one("recipient", "confirmed")].concat();
    assert_eq!(shown(&mut office), both);
    hang_up(&mut office, &alice);
    let rest = [one("recipient", "early"), one("", "terminated")].concat();
    assert_eq!(shown(&mut office), rest);
    respond(&mut office, BOB, &invite, 486, None);
    assert_eq!(office.close().len(), 2);
}

#[test]
fn a_mailbox_is_empty_until_somebody_says_otherwise() {
    let mut office = office(directory());
    let text = |notify: &Message| String::from_utf8_lossy(notify.body()).into_owned();
    let first = watch(&mut office, CAROL, "message-summary", "103");
    assert!(text(&first).starts_with("Messages-Waiting: no\r\n"));
    office.pass(Duration::from_secs(1));
    let summary = Summary { new: 2, ..Summary::default() };
    office.command(Command::Mailbox { extension: "103".into(), summary });
    office.command(Command::Mailbox { extension: "102".into(), summary });
    assert!(text(&office.request(CAROL, "NOTIFY")).contains("Voice-Message: 2/0 (0/0)"));
    office.silent(CAROL);
    assert!(text(&watch(&mut office, BOB, "message-summary", "102")).contains("Messages-Waiting: yes"));
}
