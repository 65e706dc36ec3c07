//! INVITEs of ours: what phones answer, and how they end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod phone;

use std::time::Duration;

use bytes::Bytes;
use model::directory::Nat;
use phone::dialog::*;
use phone::{Office, SDP, Text, response, summary, tcp, tls, udp};
use sip::{Cause, End, Invite, Party, SessionEvent, Target};
use wire::sip::Name;

#[test]
fn an_invite_of_ours_is_repeated_until_something_is_heard_and_fails_after_32_seconds() {
    let mut office = Office::new();
    let (_, invite) = outgoing(&mut office);
    assert_eq!(invite.method_text(), b"INVITE");
    assert_eq!(invite.from().unwrap().display_text(), "Alice \"A\" Archer");
    office.pass(Duration::from_millis(1_600));
    assert_eq!(summary(&office.sent()), ["INVITE", "INVITE"]);
    office.pass(Duration::from_secs(32));
    assert!(matches!(office.events().as_slice(), [SessionEvent::Failed { end: End::Timeout, .. }]));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn a_refusal_is_acknowledged_each_time_it_comes() {
    let mut office = Office::new();
    let (_, invite) = outgoing(&mut office);
    let busy = response(&invite, 486, "callee", "");
    office.receive(udp(PHONE), &busy);
    office.receive(udp(PHONE), &busy);
    let sent = office.sent();
    assert_eq!(summary(&sent), ["ACK", "ACK"]);
    assert_eq!(sent[0].1.top_via().unwrap().branch(), invite.top_via().unwrap().branch());
    assert!(matches!(office.events().as_slice(), [SessionEvent::Failed { .. }]));
}

#[test]
fn a_refusal_on_a_connection_is_acknowledged_and_leaves_nothing() {
    let mut office = Office::new();
    let flow = tcp(PHONE, 7);
    let (_, invite) = outgoing_on(&mut office, flow);
    office.receive(flow, &response(&invite, 486, "callee", ""));
    assert_eq!(summary(&office.sent()), ["ACK"]);
    office.pass(Duration::ZERO);
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn a_call_answered_on_another_connection_lives_on_that_one() {
    let mut office = Office::new();
    let (old, new) = (tcp(PHONE, 7), tcp("192.0.2.2:40001", 8));
    let (session, invite) = outgoing_on(&mut office, old);
    office.receive(new, &response(&invite, 200, "callee", SDP));
    assert_eq!(office.sent()[0].0, new);
    assert!(office.stack.is_in_use(new.id) && !office.stack.is_in_use(old.id));
    office.stack.end(office.now, session, Cause::Normal);
    assert!(!office.stack.is_in_use(new.id));
}

#[test]
fn a_call_given_up_before_anything_was_heard_is_cancelled_once_something_is() {
    let mut office = Office::new();
    let (session, invite) = outgoing(&mut office);
    office.stack.end(office.now, session, Cause::CompletedElsewhere);
    assert!(office.sent().is_empty());
    office.receive(udp(PHONE), &response(&invite, 180, "callee", ""));
    let cancel = office.one();
    assert_eq!(cancel.method_text(), b"CANCEL");
    assert_eq!(cancel.first(Name::Reason), Some(&b"SIP;cause=200;text=\"Call completed elsewhere\""[..]));
    office.receive(udp(PHONE), &response(&cancel, 200, "callee", ""));
    office.receive(udp(PHONE), &response(&invite, 487, "callee", ""));
    assert_eq!(summary(&office.sent()), ["ACK"]);
    office.pass(Duration::from_secs(40));
    assert!(office.events().is_empty());
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn a_phone_that_answers_while_it_is_cancelled_gets_ack_and_bye() {
    let mut office = Office::new();
    let (session, invite) = outgoing(&mut office);
    office.receive(udp(PHONE), &response(&invite, 180, "callee", ""));
    office.stack.end(office.now, session, Cause::Normal);
    assert_eq!(summary(&office.sent()), ["CANCEL"]);
    office.events();
    office.receive(udp(PHONE), &response(&invite, 200, "callee", SDP));
    assert_eq!(summary(&office.sent()), ["ACK", "BYE"]);
    assert!(office.events().is_empty());
    assert_eq!(office.stack.dialogs(), 0);
}

#[test]
fn a_second_fork_that_answers_is_acknowledged_and_ended() {
    let mut office = Office::new();
    let (_, invite) = answered(&mut office);
    office.receive(udp(PHONE), &response(&invite, 200, "callee", SDP));
    assert_eq!(summary(&office.sent()), ["ACK"]);
    office.receive(udp(PHONE), &response(&invite, 200, "another", SDP));
    let sent = office.sent();
    assert_eq!(summary(&sent), ["ACK", "BYE"]);
    assert_eq!(sent[1].1.to().unwrap().tag(), Some(&b"another"[..]));
    assert_eq!(office.stack.dialogs(), 1);
}

#[test]
fn a_cancelled_call_ends_even_if_the_phone_only_rings_on() {
    let mut office = Office::new();
    let (session, invite) = outgoing(&mut office);
    office.receive(udp(PHONE), &response(&invite, 180, "callee", ""));
    office.stack.end(office.now, session, Cause::Normal);
    office.receive(udp(PHONE), &response(&invite, 180, "callee", ""));
    office.pass(Duration::from_secs(70));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn a_phone_that_rings_can_not_end_the_call_by_a_bye() {
    let mut office = Office::new();
    let (_, invite) = outgoing(&mut office);
    office.receive(udp(PHONE), &response(&invite, 180, "callee", ""));
    office.events();
    let from = String::from_utf8_lossy(invite.first(Name::From).unwrap()).into_owned();
    let mut bye = Text::new("BYE", "sip:198.51.100.1", "102", &from, udp(PHONE));
    bye.call_id = String::from_utf8_lossy(invite.call_id()).into_owned();
    office.receive(udp(PHONE), &bye.to_string().replace(";tag=from-102", ""));
    assert_eq!(summary(&office.sent()), ["481"]);
    assert!(office.events().is_empty());
}

#[test]
fn an_answer_from_another_host_is_no_answer_and_one_from_another_port_is() {
    let mut office = Office::new();
    let (_, invite) = outgoing(&mut office);
    let elsewhere = udp("203.0.113.66:5060");
    for status in [180, 200, 486] {
        office.receive(elsewhere, &response(&invite, status, "forger", SDP));
    }
    assert!(office.sent().is_empty() && office.events().is_empty());
    let mut moved: std::net::SocketAddr = PHONE.parse().unwrap();
    moved.set_port(4999);
    office.receive(udp(&moved.to_string()), &response(&invite, 180, "callee", ""));
    assert_eq!(office.events().len(), 1);
}

#[test]
fn what_was_asked_over_tls_is_not_answered_in_clear() {
    let mut office = Office::new();
    let encrypted = tls(PHONE, 7);
    let (_, invite) = outgoing_on(&mut office, encrypted);
    for bare in [udp(PHONE), tcp(PHONE, 8)] {
        office.receive(bare, &response(&invite, 200, "callee", SDP));
        assert!(office.sent().is_empty() && office.events().is_empty(), "{bare:?}");
    }
    office.receive(tls(PHONE, 9), &response(&invite, 200, "callee", SDP));
    assert_eq!(summary(&office.sent()), ["ACK"]);
}

#[test]
fn a_phone_picked_up_after_its_connection_broke_gets_ack_and_bye() {
    let mut office = Office::new();
    let old = tcp(PHONE, 7);
    let target =
        Target { flow: old, uri: format!("sip:102@{PHONE}"), line: "102".into(), nat: Nat::Off, q: 1_000 };
    let (from, to) = (Party::default(), Party::default());
    let offer = Bytes::from_static(SDP.as_bytes());
    office
        .stack
        .invite(
            office.now,
            Invite {
                target,
                from,
                to,
                identity: Default::default(),
                max_forwards: 69,
                offer,
                referred_by: None,
            },
        )
        .unwrap();
    let invite = office.one();
    office.receive(old, &response(&invite, 180, "callee", ""));
    office.events();
    office.stack.closed(office.now, old.id);
    assert!(matches!(office.events().as_slice(), [SessionEvent::Failed { end: End::FlowClosed, .. }]));
    office.receive(tcp(PHONE, 8), &response(&invite, 200, "callee", SDP));
    assert_eq!(summary(&office.sent()), ["ACK", "BYE"]);
    office.pass(Duration::from_secs(70));
    assert!(office.events().is_empty());
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}
