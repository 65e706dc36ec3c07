//! Several phones ring for one number.

use std::time::Duration;

use model::record::CallResult;

use crate::office::{Office, directory, text};
use crate::phone::{connected, dial, hang_up, pick_up, respond};
use crate::{ALICE, ALICE_ALSO, BOB};

fn everybody() -> Office {
    Office::with_phones(directory(), &[ALICE, ALICE_ALSO, BOB])
}

#[test]
fn all_phones_ring_one_answers_the_other_is_told_who_was_faster() {
    let mut office = everybody();
    dial(&mut office, BOB, "101");
    let (desk, mobile) = (office.request(ALICE, "INVITE"), office.request(ALICE_ALSO, "INVITE"));
    respond(&mut office, ALICE, &desk, 180, None);
    respond(&mut office, ALICE_ALSO, &mobile, 180, None);
    office.response(BOB, 180);
    office.silent(BOB);
    pick_up(&mut office, ALICE_ALSO, &mobile);
    let cancel = office.request(ALICE, "CANCEL");
    assert!(text(&cancel).contains("Call completed elsewhere"), "{}", text(&cancel));
    let (bob, _) = connected(&mut office, BOB);
    assert_eq!(office.exchange.held().media_ports, 2);
    hang_up(&mut office, &bob);
    office.request(ALICE_ALSO, "BYE");
    assert_eq!(office.close_one().result, Some(CallResult::Answered));
}

#[test]
fn who_answers_at_the_same_moment_but_second_is_hung_up() {
    let mut office = everybody();
    dial(&mut office, BOB, "101");
    let (desk, mobile) = (office.request(ALICE, "INVITE"), office.request(ALICE_ALSO, "INVITE"));
    pick_up(&mut office, ALICE, &desk);
    pick_up(&mut office, ALICE_ALSO, &mobile);
    let bye = office.request(ALICE_ALSO, "BYE");
    assert!(text(&bye).contains("Call completed elsewhere"), "{}", text(&bye));
    let (bob, _) = connected(&mut office, BOB);
    hang_up(&mut office, &bob);
    office.close_one();
}

#[test]
fn one_busy_phone_does_not_stop_the_other_but_a_declined_call_does() {
    let mut office = everybody();
    dial(&mut office, BOB, "101");
    let (desk, mobile) = (office.request(ALICE, "INVITE"), office.request(ALICE_ALSO, "INVITE"));
    respond(&mut office, ALICE, &desk, 486, None);
    office.silent(BOB);
    respond(&mut office, ALICE_ALSO, &mobile, 180, None);
    office.response(BOB, 180);
    respond(&mut office, ALICE_ALSO, &mobile, 603, None);
    office.response(BOB, 603);
    assert_eq!(office.close_one().reason, "declined by 101");
    let mut office = everybody();
    dial(&mut office, BOB, "101");
    let (desk, mobile) = (office.request(ALICE, "INVITE"), office.request(ALICE_ALSO, "INVITE"));
    respond(&mut office, ALICE, &desk, 180, None);
    respond(&mut office, ALICE_ALSO, &mobile, 603, None);
    office.request(ALICE, "CANCEL");
    office.response(BOB, 180);
    office.response(BOB, 603);
    assert_eq!(office.close_one().result, Some(CallResult::Busy));
}

#[test]
fn the_best_of_several_refusals_is_told() {
    let mut office = everybody();
    dial(&mut office, BOB, "101");
    let (desk, _) = (office.request(ALICE, "INVITE"), office.request(ALICE_ALSO, "INVITE"));
    respond(&mut office, ALICE, &desk, 486, None);
    // The other one never says anything.
    office.pass(Duration::from_secs(40));
    office.response(BOB, 486);
    assert_eq!(office.close_one().reason, "101 is busy");
}

#[test]
fn calling_oneself_rings_the_other_phones() {
    let mut office = everybody();
    dial(&mut office, ALICE, "101");
    let invite = office.request(ALICE_ALSO, "INVITE");
    office.silent(ALICE);
    pick_up(&mut office, ALICE_ALSO, &invite);
    let (alice, _) = connected(&mut office, ALICE);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn calling_oneself_with_one_phone_finds_nobody() {
    let mut office = everybody();
    dial(&mut office, BOB, "102");
    office.response(BOB, 480);
    assert_eq!(office.close_one().result, Some(CallResult::Failed));
}

#[test]
fn a_phone_whose_answer_makes_no_sense_is_given_up_and_the_other_rings_on() {
    let mut office = everybody();
    dial(&mut office, BOB, "101");
    let (desk, mobile) = (office.request(ALICE, "INVITE"), office.request(ALICE_ALSO, "INVITE"));
    respond(&mut office, ALICE, &desk, 200, Some("this is no description"));
    office.request(ALICE, "BYE");
    pick_up(&mut office, ALICE_ALSO, &mobile);
    let (bob, _) = connected(&mut office, BOB);
    hang_up(&mut office, &bob);
    office.close_one();
}
