//! INVITE both ways, and how sessions end.
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
use model::{Flow, FlowId};
use phone::dialog::*;
use phone::{Office, SDP, Text, response, summary, tcp, udp};
use sip::{Cause, End, Refusal, SessionEvent};
use wire::sip::Name;

#[test]
fn nobody_calls_without_a_password() {
    let mut office = Office::new();
    let invite = Text::invite("101", "102", caller());
    office.receive(caller(), &invite.to_string());
    let challenge = office.one();
    office.receive(caller(), &invite.next().answering(&challenge, "wrong").to_string());
    assert_eq!(office.sent().pop().unwrap().1.status(), Some(403));
    assert!(office.events().is_empty());
    assert_eq!(office.stack.transactions(), 0);
}

#[test]
fn a_repeated_invite_gets_the_last_response_and_rings_once() {
    let mut office = Office::new();
    let (session, invite) = incoming(&mut office);
    office.stack.progress(office.now, session, 180, None);
    assert_eq!(summary(&office.sent()), ["180"]);
    office.receive(caller(), &invite.to_string());
    assert_eq!(summary(&office.sent()), ["180"]);
    assert!(office.events().is_empty());
}

#[test]
fn an_accepted_call_repeats_its_200_until_the_ack_comes() {
    let mut office = Office::new();
    let (_, ok) = accepted(&mut office);
    office.pass(Duration::from_millis(1_600));
    assert_eq!(summary(&office.sent()), ["200", "200"]);
    office.receive(caller(), &inside("ACK", 2, &ok, caller()).to_string());
    office.pass(Duration::from_secs(60));
    assert!(office.sent().is_empty());
    assert!(matches!(office.events().as_slice(), [SessionEvent::Confirmed { .. }]));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 1));
}

#[test]
fn a_200_that_is_never_acknowledged_ends_the_call_with_bye() {
    let mut office = Office::new();
    accepted(&mut office);
    office.pass(Duration::from_secs(33));
    assert!(summary(&office.sent()).contains(&"BYE".to_owned()));
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::Timeout, .. }]));
    office.pass(Duration::from_secs(40));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn a_bye_ends_the_call_once_and_its_repetition_is_answered_alike() {
    let mut office = Office::new();
    let (_, ok) = confirmed(&mut office);
    let bye = inside("BYE", 3, &ok, caller()).to_string();
    office.receive(caller(), &bye);
    office.receive(caller(), &bye);
    assert_eq!(summary(&office.sent()), ["200", "200"]);
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::Bye, .. }]));
    office.pass(Duration::from_secs(40));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn a_bye_from_elsewhere_is_challenged_and_ends_nothing() {
    let mut office = Office::new();
    let (_, ok) = confirmed(&mut office);
    let stranger = udp("203.0.113.66:5060");
    office.receive(stranger, &inside("BYE", 3, &ok, stranger).to_string());
    assert_eq!(summary(&office.sent()), ["401"]);
    assert!(office.events().is_empty());
    let wrong_tag = inside("BYE", 3, &ok, caller()).to_string().replace("from-101", "from-666");
    office.receive(caller(), &wrong_tag);
    assert_eq!(summary(&office.sent()), ["481"]);
    assert_eq!(office.stack.dialogs(), 1);
}

#[test]
fn a_phone_whose_port_changed_goes_on_after_it_proved_itself() {
    let mut office = Office::new();
    let (session, ok) = confirmed(&mut office);
    let moved = udp("192.0.2.1:7777");
    let info = inside("INFO", 3, &ok, moved);
    office.receive(moved, &info.to_string());
    let challenge = office.one();
    let mut info = info.next().answering(&challenge, "password-of-101");
    info.body = "Signal=1".into();
    office.receive(moved, &info.header("Content-Type: application/dtmf-relay").to_string());
    assert_eq!(summary(&office.sent()), ["200"]);
    let events = office.events();
    assert!(matches!(events.as_slice(), [SessionEvent::FlowChanged { .. }, SessionEvent::Info { .. }]));
    assert_eq!(office.stack.flow(session), Some(moved));
}

#[test]
fn a_cancelled_call_gets_487_and_its_ack_ends_the_repetitions() {
    let mut office = Office::new();
    let (_, invite) = incoming(&mut office);
    let mut cancel = invite.clone();
    cancel.method = "CANCEL".into();
    cancel.body.clear();
    let cancel = cancel.without("Content-Type");
    let stranger = udp("203.0.113.66:5060");
    office.receive(stranger, &cancel.to_string());
    assert_eq!(summary(&office.sent()), ["481"]);
    office.receive(caller(), &cancel.to_string());
    assert_eq!(summary(&office.sent()), ["200", "487"]);
    assert!(matches!(office.events().as_slice(), [SessionEvent::Cancelled { .. }]));
    office.pass(Duration::from_millis(600));
    assert_eq!(summary(&office.sent()), ["487"]);
    let mut ack = invite;
    ack.method = "ACK".into();
    ack.body.clear();
    office.receive(caller(), &ack.without("Content-Type").to_string());
    office.pass(Duration::from_secs(40));
    assert!(office.sent().is_empty());
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn a_re_invite_of_the_peer_is_offered_and_answered() {
    let mut office = Office::new();
    let (session, ok) = confirmed(&mut office);
    let mut reinvite = inside("INVITE", 3, &ok, caller()).header("Content-Type: application/sdp");
    reinvite.body = SDP.into();
    office.receive(caller(), &reinvite.to_string());
    assert_eq!(summary(&office.sent()), ["100"]);
    assert!(matches!(office.events().as_slice(), [SessionEvent::Reoffer { offer: Some(_), .. }]));
    let mut second = reinvite.clone().next();
    second.cseq = 4;
    office.receive(caller(), &second.to_string());
    assert_eq!(summary(&office.sent()), ["500"]);
    office.stack.accept_reoffer(office.now, session, Bytes::from_static(SDP.as_bytes()));
    assert_eq!(summary(&office.sent()), ["200"]);
    office.receive(caller(), &inside("ACK", 3, &ok, caller()).to_string());
    office.pass(Duration::from_secs(40));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 1));
}

#[test]
fn a_re_invite_answered_after_our_bye_is_acknowledged() {
    let mut office = Office::new();
    let (session, _) = answered(&mut office);
    office.stack.reoffer(office.now, session, Bytes::from_static(SDP.as_bytes())).unwrap();
    let reinvite = office.one();
    office.stack.end(office.now, session, Cause::Normal);
    let bye = office.one();
    assert_eq!(bye.method_text(), b"BYE");
    office.receive(udp(PHONE), &response(&bye, 200, "", ""));
    let accepted = response(&reinvite, 200, "", SDP);
    office.receive(udp(PHONE), &accepted);
    office.receive(udp(PHONE), &accepted);
    assert_eq!(summary(&office.sent()), ["ACK", "ACK"]);
    office.pass(Duration::from_secs(40));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn two_re_invites_at_once_are_refused_491_and_ours_is_tried_again() {
    let mut office = Office::new();
    let (session, ok) = confirmed(&mut office);
    office.stack.reoffer(office.now, session, Bytes::from_static(SDP.as_bytes())).unwrap();
    let ours = office.one();
    let mut theirs = inside("INVITE", 3, &ok, caller()).header("Content-Type: application/sdp");
    theirs.body = SDP.into();
    office.receive(caller(), &theirs.to_string());
    assert_eq!(summary(&office.sent()), ["491"]);
    office.receive(caller(), &response(&ours, 491, "", ""));
    assert_eq!(summary(&office.sent()), ["ACK"]);
    assert!(office.events().is_empty());
    office.pass(Duration::from_millis(2_001));
    let sent = office.sent();
    let again = sent.iter().map(|(_, message)| message).find(|m| m.method_text() == b"INVITE").unwrap();
    office.receive(caller(), &response(again, 200, "", SDP));
    assert_eq!(summary(&office.sent()), ["ACK"]);
    assert!(matches!(office.events().as_slice(), [SessionEvent::ReofferAnswered { .. }]));
}

#[test]
fn a_peer_that_has_forgotten_the_call_ends_it() {
    let mut office = Office::new();
    let (session, _) = answered(&mut office);
    office.stack.info(office.now, session, "application/dtmf-relay", Bytes::from_static(b"Signal=5"));
    let info = office.one();
    office.receive(udp(PHONE), &response(&info, 481, "", ""));
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::PeerForgot, .. }]));
}

#[test]
fn a_call_whose_connection_closed_waits_for_its_phone() {
    let mut office = Office::new();
    let old = tcp("192.0.2.1:40000", 7);
    let invite = Text::invite("101", "102", old);
    let answer = office.authenticated(old, &invite, "password-of-101");
    assert_eq!(answer.status(), Some(100));
    let session = match office.events().as_slice() {
        [SessionEvent::Incoming { session, .. }] => *session,
        other => panic!("{other:?}"),
    };
    office.stack.accept(office.now, session, Bytes::from_static(SDP.as_bytes()));
    let ok = office.one();
    office.receive(old, &inside("ACK", 2, &ok, old).to_string());
    office.events();
    office.stack.closed(office.now, old.id);
    office.pass(Duration::from_secs(20));
    assert!(office.events().is_empty());
    let back = Flow { id: FlowId(8), ..tcp("192.0.2.1:40001", 8) };
    office.register(back, "101");
    assert_eq!(office.stack.flow(session), Some(back));
    assert!(matches!(office.events().as_slice(), [SessionEvent::FlowChanged { .. }]));
    office.stack.closed(office.now, back.id);
    office.pass(Duration::from_secs(33));
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::FlowClosed, .. }]));
}

#[test]
fn what_can_not_be_dialled_is_refused_with_a_reason() {
    let rows = [("Require: precondition", 420), ("Content-Type: text/plain", 415)];
    for (header, status) in rows {
        let mut office = Office::new();
        let name = header.split(':').next().unwrap();
        let invite = Text::invite("101", "102", caller()).without(name).header(header);
        assert_eq!(
            office.authenticated(caller(), &invite, "password-of-101").status(),
            Some(status),
            "{header}"
        );
        assert!(office.events().is_empty());
    }
    for (uri, status) in
        [("sip:102@elsewhere.example", 404), ("sip:pbx.example.com", 484), ("http://x/", 416)]
    {
        let mut office = Office::new();
        let mut invite = Text::invite("101", "102", caller());
        invite.uri = uri.into();
        assert_eq!(
            office.authenticated(caller(), &invite, "password-of-101").status(),
            Some(status),
            "{uri}"
        );
    }
}

#[test]
fn a_server_that_stops_refuses_new_calls_and_keeps_old_ones() {
    let mut office = Office::new();
    let (session, ok) = confirmed(&mut office);
    office.stack.drain();
    let mut invite = Text::invite("101", "102", caller());
    invite.call_id = "new".into();
    assert_eq!(office.authenticated(caller(), &invite, "password-of-101").status(), Some(503));
    office.receive(caller(), &inside("OPTIONS", 3, &ok, caller()).to_string());
    assert_eq!(summary(&office.sent()), ["200"]);
    office.stack.end(office.now, session, Cause::Administrator);
    assert_eq!(summary(&office.sent()), ["BYE"]);
}

#[test]
fn a_refusal_carries_its_phrase_and_pause() {
    let mut office = Office::new();
    let (session, _) = incoming(&mut office);
    let pause = Some(Duration::from_secs(7));
    let refusal = Refusal { status: 503, phrase: Some("No media port is free"), retry_after: pause };
    office.stack.refuse(office.now, session, refusal);
    let answer = office.one();
    assert_eq!(
        (answer.reason(), answer.first(Name::RetryAfter)),
        (&b"No media port is free"[..], Some(&b"7"[..]))
    );
}

#[test]
fn methods_outside_dialogs_are_answered_without_asking_who() {
    let rows = [("OPTIONS", 200), ("MESSAGE", 405), ("BYE", 481), ("FANCY", 501), ("PUBLISH", 405)];
    for (method, status) in rows {
        let mut office = Office::new();
        office.receive(
            caller(),
            &Text::new(method, "sip:x@pbx.example.com", "x", "<sip:x@y>", caller()).to_string(),
        );
        assert_eq!(summary(&office.sent()), [status.to_string()], "{method}");
        assert_eq!(office.stack.transactions(), 0);
    }
}

#[test]
fn a_re_invite_that_is_never_answered_finally_ends_the_call() {
    let mut office = Office::new();
    let (session, _) = confirmed(&mut office);
    office.stack.reoffer(office.now, session, Bytes::from_static(SDP.as_bytes())).unwrap();
    let reinvite = office.one();
    office.receive(caller(), &response(&reinvite, 100, "", ""));
    office.pass(Duration::from_secs(70));
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::Timeout, .. }]));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn a_phone_that_listens_elsewhere_than_it_sends_is_answered_where_it_listens() {
    let mut office = Office::new();
    let sends = udp("192.0.2.1:49152");
    let mut invite = Text::invite("101", "102", sends).without("Contact");
    invite.headers.push("Contact: <sip:101@192.0.2.1:5060>".into());
    office.authenticated(sends, &invite, "password-of-101");
    let session = match office.events().as_slice() {
        [SessionEvent::Incoming { session, .. }] => *session,
        other => panic!("{other:?}"),
    };
    office.stack.accept(office.now, session, Bytes::from_static(SDP.as_bytes()));
    let ok = office.one();
    office.receive(sends, &inside("ACK", 2, &ok, sends).to_string());
    office.stack.end(office.now, session, Cause::Normal);
    let (flow, bye) = office.sent().remove(0);
    assert_eq!((flow.remote.to_string().as_str(), bye.method_text()), ("192.0.2.1:5060", &b"BYE"[..]));
}
