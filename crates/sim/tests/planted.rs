//! Planted bugs are found: else the walker's silence means nothing.

use sim::Bug;
use sim::walk::walk;

/// Each planted bug is found within so many walks.
const FOUND_WITHIN: u64 = 40;

fn finds(bug: Bug) {
    let found = (0..FOUND_WITHIN).find_map(|seed| walk(seed, Some(bug)).err());
    assert!(found.is_some(), "{bug:?} was not found in {FOUND_WITHIN} walks");
}

#[test]
fn a_lost_timer_is_found() {
    finds(Bug::LostTimer);
}

#[test]
fn crossed_wires_are_found() {
    finds(Bug::CrossedWires);
}

#[test]
fn exchanged_payload_types_are_found() {
    finds(Bug::ExchangedPayloads);
}

#[test]
fn a_lost_record_is_found() {
    finds(Bug::LostRecord);
}

#[test]
fn a_record_closed_twice_is_found() {
    finds(Bug::DoubleRecord);
}

#[test]
fn a_leg_that_is_not_closed_is_found() {
    finds(Bug::LeftLeg);
}

#[test]
fn an_ack_that_is_not_sent_is_found() {
    finds(Bug::LostAck);
}

#[test]
fn a_cancel_that_is_not_sent_is_found() {
    finds(Bug::LostCancel);
}

#[test]
fn a_bye_that_is_not_sent_is_found() {
    finds(Bug::LostBye);
}

#[test]
fn a_second_final_answer_is_found() {
    finds(Bug::ChangedMind);
}

#[test]
fn a_media_port_that_is_not_ours_is_found() {
    finds(Bug::WrongPort);
}

#[test]
fn a_lamp_that_is_not_told_of_the_end_is_found() {
    finds(Bug::StuckLamp);
}

#[test]
fn an_offer_that_does_not_come_with_the_answer_is_found() {
    finds(Bug::LostOffer);
}

#[test]
fn a_refer_that_gets_no_answer_is_found() {
    finds(Bug::LostRefer);
}

#[test]
fn a_transfer_whose_end_is_told_twice_is_found() {
    finds(Bug::ToldTwice);
}

#[test]
fn timers_that_come_late_are_found() {
    finds(Bug::SlowTimer);
}
