//! Who is shut out by the firewall's row finishes his call and gets nothing new (SPEC R4.3).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod phone;

use std::sync::Arc;
use std::time::Duration;

use guard::{AddressSet, Row};
use model::Transport;
use phone::dialog::*;
use phone::{Office, Text, directory, response, summary, tcp, udp};
use sip::{Cause, End, SessionEvent};

impl Office {
    /// Only this network reaches SIP from now on.
    fn only(&mut self, network: &str) {
        let row = Row::Only(AddressSet::of([network.parse().unwrap()]));
        self.stack.set_row(Arc::new(row));
    }

    fn shut_out(&mut self) {
        self.only("10.0.0.0/8");
    }
}

#[test]
fn a_running_call_can_be_hung_up_by_the_phone_that_is_shut_out() {
    let mut office = Office::new();
    let (_, ok) = confirmed(&mut office);
    office.shut_out();
    assert_eq!(office.stack.established(), [caller()]);
    office.receive(caller(), &inside("BYE", 3, &ok, caller()).to_string());
    assert_eq!(summary(&office.sent()), ["200"]);
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::Bye, .. }]));
    assert!(office.stack.established().is_empty(), "it has nothing to finish any more");
}

#[test]
fn a_running_call_can_be_hung_up_by_us_and_the_answer_is_heard() {
    let mut office = Office::new();
    let (session, _) = confirmed(&mut office);
    office.shut_out();
    office.stack.end(office.now, session, Cause::Normal);
    let bye = office.one();
    assert_eq!(office.stack.established(), [caller()], "the answer to BYE may still come");
    office.receive(caller(), &response(&bye, 200, "", ""));
    office.pass(Duration::from_secs(40));
    assert!(office.sent().is_empty(), "BYE is not repeated");
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
    assert!(office.stack.established().is_empty());
}

#[test]
fn a_phone_that_rings_when_it_is_shut_out_can_still_answer() {
    let mut office = Office::new();
    let (_, invite) = outgoing(&mut office);
    office.shut_out();
    assert_eq!(office.stack.established(), [udp(PHONE)]);
    office.receive(udp(PHONE), &response(&invite, 200, "callee", phone::SDP));
    assert_eq!(summary(&office.sent()), ["ACK"]);
}

#[test]
fn a_caller_who_is_shut_out_before_the_answer_can_give_up() {
    let mut office = Office::new();
    let (_, invite) = incoming(&mut office);
    office.shut_out();
    let mut cancel = invite.clone().without("Content-Type").without("Authorization");
    (cancel.method, cancel.body) = ("CANCEL".into(), String::new());
    office.receive(caller(), &cancel.to_string());
    assert_eq!(summary(&office.sent()), ["200", "487"]);
}

#[test]
fn who_is_shut_out_gets_no_answer_to_anything_new() {
    let mut office = Office::new();
    let (_, ok) = confirmed(&mut office);
    office.register(caller(), "101");
    office.shut_out();
    let elsewhere = udp("192.0.2.1:5099");
    let strange = {
        let mut text = inside("BYE", 9, &ok, caller());
        text.call_id = "another".into();
        text
    };
    for (flow, request) in [
        (caller(), Text::register("101", caller())),
        (caller(), Text::invite("101", "102", caller())),
        (caller(), Text::new("OPTIONS", "sip:pbx.example.com", "101", "<sip:x@pbx.example.com>", caller())),
        (caller(), inside("REFER", 4, &ok, caller()).header("Refer-To: <sip:102@pbx.example.com>")),
        (caller(), inside("SUBSCRIBE", 4, &ok, caller())),
        (caller(), strange),
        (elsewhere, inside("BYE", 5, &ok, elsewhere)),
    ] {
        office.receive(flow, &request.to_string());
        assert_eq!(summary(&office.sent()), [""; 0], "{request}");
        assert!(office.events().is_empty(), "{request}");
    }
    assert_eq!(office.stack.dialogs(), 1, "the call goes on");
    office.receive(caller(), &inside("INFO", 6, &ok, caller()).to_string());
    assert_eq!(summary(&office.sent()), ["200"]);
}

#[test]
fn a_phone_that_is_shut_out_is_not_rung_and_rings_again_when_it_is_let_in() {
    let mut office = Office::new();
    let extension = directory().extensions["102"].clone();
    let phone = tcp(PHONE, 7);
    assert_eq!(phone.transport, Transport::Tcp);
    office.register(phone, "102");
    assert_eq!(office.stack.targets(&extension).len(), 1);
    office.shut_out();
    assert!(office.stack.targets(&extension).is_empty());
    assert_eq!(office.stack.registrations(office.now).len(), 1, "it is shown until it runs out");
    office.only("192.0.2.0/24");
    assert_eq!(office.stack.targets(&extension).len(), 1);
}

#[test]
fn who_is_inside_notices_nothing_of_a_row() {
    let mut office = Office::new();
    office.only("192.0.2.0/24");
    let (_, ok) = confirmed(&mut office);
    assert!(office.stack.established().is_empty());
    office.receive(caller(), &inside("BYE", 3, &ok, caller()).to_string());
    assert_eq!(summary(&office.sent()), ["200"]);
}
