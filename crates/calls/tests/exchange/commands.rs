//! What administrators do to running calls.

use std::sync::Arc;

use calls::Command;
use model::record::CallResult;

use crate::office::{directory, text};
use crate::phone::{dial, hang_up, respond};
use crate::{ALICE, BOB, office, talking};

#[test]
fn an_administrator_hangs_up_a_call() {
    let mut office = office(directory());
    talking(&mut office);
    let id = office.only_call().id;
    office.command(Command::Hangup { call: id, author: "anna".into() });
    for phone in [ALICE, BOB] {
        let bye = office.request(phone, "BYE");
        assert!(text(&bye).contains("administrator"), "{}", text(&bye));
    }
    assert_eq!(office.told("call.hung-up"), 1);
    assert!(office.events.iter().any(|event| event.fields.contains(&("author", "anna".into()))));
    office.command(Command::Hangup { call: id, author: "anna".into() });
    assert_eq!(office.told("call.hung-up"), 1);
    let record = office.close_one();
    assert_eq!(record.result, Some(CallResult::Answered));
    assert_eq!(record.reason, "hung up by an administrator");
}

#[test]
fn a_ringing_call_can_be_hung_up_too() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 180, None);
    office.response(ALICE, 180);
    let call = office.only_call().id;
    office.command(Command::Hangup { call, author: "anna".into() });
    office.response(ALICE, 503);
    office.request(BOB, "CANCEL");
    assert_eq!(office.close_one().result, Some(CallResult::Cancelled));
}

#[test]
fn a_server_that_stops_takes_no_new_call_and_ends_the_running_ones() {
    let mut office = office(directory());
    talking(&mut office);
    office.command(Command::Drain);
    dial(&mut office, ALICE, "103");
    office.response(ALICE, 503);
    assert_eq!(office.exchange.calls(office.now).len(), 1);
    office.command(Command::EndAll);
    office.request(ALICE, "BYE");
    office.request(BOB, "BYE");
    assert_eq!(office.close_one().reason, "the server stopped");
}

#[test]
fn a_running_call_survives_a_change_that_removes_its_extension() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    let mut smaller = directory();
    smaller.extensions.remove("102");
    smaller.lines.remove("102");
    office.command(Command::Directory(Arc::new(smaller)));
    assert_eq!(office.exchange.calls(office.now).len(), 1);
    hang_up(&mut office, &alice);
    office.request(BOB, "BYE");
    dial(&mut office, ALICE, "102");
    office.response(ALICE, 404);
    assert_eq!(office.close().len(), 2);
}

#[test]
fn a_line_that_is_forgotten_does_not_ring() {
    let mut office = office(directory());
    office.command(Command::ForgetLine("102".into()));
    assert_eq!(office.exchange.registrations(office.now).len(), 2);
    dial(&mut office, ALICE, "102");
    office.response(ALICE, 480);
    office.close_one();
}
