//! Calls of phones on TCP, whose connections end.

use std::time::Duration;

use model::record::CallResult;

use crate::ALICE;
use crate::office::{Office, Phone, directory};
use crate::phone::{connected, dial, pick_up, respond};

const DAVE: Phone = Phone("104", 40_104);
const EVE: Phone = Phone("105", 40_105);

fn office() -> Office {
    Office::with_phones(directory(), &[ALICE, DAVE, EVE])
}

#[test]
fn a_call_whose_phone_does_not_come_back_ends() {
    let mut office = office();
    dial(&mut office, ALICE, "104");
    let invite = office.request(DAVE, "INVITE");
    pick_up(&mut office, DAVE, &invite);
    connected(&mut office, ALICE);
    office.cut_connection(DAVE);
    office.silent(ALICE);
    office.pass(Duration::from_secs(40));
    office.request(ALICE, "BYE");
    let record = office.close_one();
    assert_eq!(record.result, Some(CallResult::Answered));
    assert_eq!(record.reason, "the connection of 104 was lost");
}

#[test]
fn a_caller_whose_connection_ends_stops_the_ringing() {
    let mut office = office();
    dial(&mut office, DAVE, "105");
    let invite = office.request(EVE, "INVITE");
    respond(&mut office, EVE, &invite, 180, None);
    office.cut_connection(DAVE);
    office.request(EVE, "CANCEL");
    assert_eq!(office.close_one().result, Some(CallResult::Cancelled));
}

#[test]
fn a_ringing_phone_whose_connection_ends_is_unreachable() {
    let mut office = office();
    dial(&mut office, ALICE, "104");
    office.request(DAVE, "INVITE");
    office.cut_connection(DAVE);
    office.response(ALICE, 480);
    assert_eq!(office.close_one().reason, "no phone of 104 could be reached");
}
