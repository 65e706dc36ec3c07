//! Session timers (RFC 4028) and UPDATE (RFC 3311).
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
use phone::dialog::*;
use phone::{Office, SDP, Text, response, summary, udp};
use sip::{End, Refusal, SessionEvent, SessionId};
use wire::sip::{Message, Name};

const HALF: Duration = Duration::from_secs(900);

fn text(message: &Message, name: Name) -> String {
    String::from_utf8_lossy(message.first(name).unwrap_or_default()).into_owned()
}

/// A response with more headers.
fn with(response: &str, headers: &str) -> String {
    response.replacen("Contact:", &format!("{headers}\r\nContact:"), 1)
}

/// A phone that answered our INVITE with these headers in its 200.
fn answered_with(office: &mut Office, headers: &str) -> SessionId {
    let (session, invite) = outgoing(office);
    office.receive(udp(PHONE), &with(&response(&invite, 200, "callee", SDP), headers));
    assert_eq!(summary(&office.sent()), ["ACK"]);
    office.events();
    session
}

/// A caller whose INVITE carried these headers; the 200 it got.
fn called_with(office: &mut Office, headers: &[&str]) -> Message {
    let mut invite = Text::invite("101", "102", caller());
    for header in headers {
        invite = invite.header(header);
    }
    office.receive(caller(), &invite.to_string());
    let challenge = office.one();
    office.receive(caller(), &invite.next().answering(&challenge, "password-of-101").to_string());
    let first = office.one();
    let events = office.events();
    let [SessionEvent::Incoming { session, .. }] = events.as_slice() else { return first };
    office.stack.accept(office.now, *session, Bytes::from_static(SDP.as_bytes()));
    let ok = office.one();
    office.receive(caller(), &inside("ACK", 2, &ok, caller()).to_string());
    office.events();
    ok
}

#[test]
fn our_invite_asks_for_a_session_timer_and_a_longer_one_is_granted_once() {
    let mut office = Office::new();
    let (_, invite) = outgoing(&mut office);
    assert_eq!(text(&invite, Name::SessionExpires), "1800;refresher=uac");
    assert_eq!(text(&invite, Name::MinSe), "90");
    assert!(invite.supports("timer"));
    office.receive(udp(PHONE), &with(&response(&invite, 422, "callee", ""), "Min-SE: 3600"));
    let sent = office.sent();
    assert_eq!(summary(&sent), ["ACK", "INVITE"]);
    let again = &sent[1].1;
    assert_eq!(text(again, Name::SessionExpires), "3600;refresher=uac");
    assert_eq!(text(again, Name::CSeq), "2 INVITE");
    assert_eq!((again.call_id(), again.body()), (invite.call_id(), invite.body()));
    assert_ne!(again.top_via().unwrap().branch(), invite.top_via().unwrap().branch());
    office.receive(udp(PHONE), &response(again, 200, "callee", SDP));
    let ack = office.one();
    assert_eq!(text(&ack, Name::CSeq), "2 ACK");
    assert!(matches!(office.events().as_slice(), [SessionEvent::Answered { .. }]));
}

#[test]
fn a_phone_that_is_never_content_with_the_interval_fails_the_call() {
    let mut office = Office::new();
    let (_, invite) = outgoing(&mut office);
    office.receive(udp(PHONE), &with(&response(&invite, 422, "callee", ""), "Min-SE: 3600"));
    let again = office.sent().pop().unwrap().1;
    office.receive(udp(PHONE), &with(&response(&again, 422, "callee", ""), "Min-SE: 7200"));
    assert_eq!(summary(&office.sent()), ["ACK"]);
    assert!(matches!(office.events().as_slice(), [SessionEvent::Failed { .. }]));
}

#[test]
fn a_phone_that_knows_update_is_refreshed_by_it_for_as_long_as_it_answers() {
    let mut office = Office::new();
    answered_with(&mut office, "Allow: INVITE, UPDATE");
    for _ in 0..3 {
        office.pass(HALF);
        let update = office.one();
        assert_eq!(update.method_text(), b"UPDATE");
        assert_eq!(text(&update, Name::SessionExpires), "1800;refresher=uac");
        assert!(update.body().is_empty());
        office.receive(udp(PHONE), &response(&update, 200, "", ""));
    }
    assert!(office.events().is_empty());
    office.pass(HALF + Duration::from_secs(40));
    assert!(office.sent().iter().any(|(_, m)| m.method_text() == b"BYE"));
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::Timeout, .. }]));
    office.pass(Duration::from_secs(40));
    assert_eq!((office.stack.transactions(), office.stack.dialogs()), (0, 0));
}

#[test]
fn a_phone_that_does_not_know_update_is_refreshed_by_a_re_invite() {
    let mut office = Office::new();
    let session = answered_with(&mut office, "Allow: INVITE, BYE");
    office.pass(HALF);
    assert!(office.sent().is_empty());
    assert!(matches!(office.events().as_slice(), [SessionEvent::RefreshDue { .. }]));
    office.stack.reoffer(office.now, session, Bytes::from_static(SDP.as_bytes())).unwrap();
    let reinvite = office.one();
    assert_eq!(text(&reinvite, Name::SessionExpires), "1800;refresher=uac");
    office.receive(udp(PHONE), &response(&reinvite, 200, "", SDP));
    office.sent();
    office.events();
    office.pass(HALF - Duration::from_secs(1));
    assert!(office.events().is_empty());
    office.pass(Duration::from_secs(1));
    assert!(matches!(office.events().as_slice(), [SessionEvent::RefreshDue { .. }]));
}

#[test]
fn a_phone_that_lists_update_and_refuses_it_gets_a_re_invite() {
    let mut office = Office::new();
    answered_with(&mut office, "Allow: INVITE, UPDATE");
    office.pass(HALF);
    let update = office.one();
    office.receive(udp(PHONE), &response(&update, 405, "", ""));
    assert!(matches!(office.events().as_slice(), [SessionEvent::RefreshDue { .. }]));
}

#[test]
fn a_phone_that_forgot_the_call_ends_it_with_its_refresh() {
    let mut office = Office::new();
    answered_with(&mut office, "Allow: UPDATE");
    office.pass(HALF);
    let update = office.one();
    office.receive(udp(PHONE), &response(&update, 481, "", ""));
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::PeerForgot, .. }]));
}

#[test]
fn who_knows_nothing_of_timers_lives_on_any_answer_and_who_does_needs_a_good_one() {
    for (headers, alive) in
        [("Allow: UPDATE", true), ("Session-Expires: 1800;refresher=uac\r\nAllow: UPDATE", false)]
    {
        let mut office = Office::new();
        answered_with(&mut office, headers);
        let end = office.now.mono + Duration::from_secs(1_801);
        while office.now.mono < end {
            office.pass(Duration::from_secs(5));
            for (_, message) in office.sent() {
                if message.method_text() == b"UPDATE" {
                    office.receive(udp(PHONE), &response(&message, 500, "", ""));
                }
            }
        }
        let ended = office.events();
        assert_eq!(ended.is_empty(), alive, "{headers}: {ended:?}");
        if !alive {
            assert!(matches!(ended.as_slice(), [SessionEvent::Ended { end: End::NotRefreshed, .. }]));
        }
    }
}

#[test]
fn a_peer_that_promised_to_refresh_and_does_not_is_hung_up() {
    let mut office = Office::new();
    answered_with(&mut office, "Session-Expires: 300;refresher=uas\r\nRequire: timer");
    office.pass(Duration::from_secs(267));
    assert!(office.sent().is_empty());
    office.pass(Duration::from_secs(2));
    let bye = &office.sent()[0].1;
    assert_eq!(text(bye, Name::Reason), "SIP;cause=408;text=\"Session not refreshed\"");
    assert!(matches!(office.events().as_slice(), [SessionEvent::Ended { end: End::NotRefreshed, .. }]));
}

#[test]
fn nobody_puts_off_for_ever_that_his_death_is_noticed() {
    for headers in [
        "Session-Expires: 4294967295;refresher=uas\r\nRequire: timer",
        "Min-SE: 4294967295",
        "Session-Expires: 4294967295;refresher=uac\r\nMin-SE: 4294967295\r\nAllow: INVITE, UPDATE",
    ] {
        let mut office = Office::new();
        answered_with(&mut office, headers);
        office.pass(Duration::from_secs(43_201));
        let updated = office.sent().iter().any(|(_, m)| m.method_text() == b"UPDATE");
        let due = office.events().iter().any(|event| matches!(event, SessionEvent::RefreshDue { .. }));
        assert!(updated || due, "{headers}");
    }
}

#[test]
fn a_caller_that_wants_to_refresh_may_and_is_held_to_it() {
    let mut office = Office::new();
    let headers = ["Supported: timer", "Session-Expires: 200;refresher=uac"];
    let ok = called_with(&mut office, &headers);
    assert_eq!(text(&ok, Name::SessionExpires), "200;refresher=uac");
    assert!(ok.requires("timer"));
    office.pass(Duration::from_secs(100));
    let update = inside("UPDATE", 3, &ok, caller())
        .header("Supported: timer")
        .header("Session-Expires: 200;refresher=uac")
        .header("Contact: <sip:101@192.0.2.1:5070>");
    office.receive(caller(), &update.to_string());
    let refreshed = office.one();
    assert_eq!(
        (refreshed.status(), text(&refreshed, Name::SessionExpires).as_str()),
        (Some(200), "200;refresher=uac")
    );
    office.pass(Duration::from_secs(150));
    assert!(office.sent().is_empty());
    office.pass(Duration::from_secs(20));
    assert_eq!(summary(&office.sent())[0], "BYE");
}

#[test]
fn a_caller_that_leaves_it_open_is_refreshed_by_us() {
    for headers in [&["Supported: timer", "Session-Expires: 600", "Allow: UPDATE"][..], &["Allow: UPDATE"]] {
        let mut office = Office::new();
        let ok = called_with(&mut office, headers);
        let told = text(&ok, Name::SessionExpires);
        assert_eq!(told, if headers.len() > 1 { "600;refresher=uas" } else { "" });
        office.pass(if headers.len() > 1 { Duration::from_secs(300) } else { HALF });
        assert_eq!(office.one().method_text(), b"UPDATE");
    }
}

#[test]
fn an_interval_below_ours_is_refused_422_with_the_least_we_take() {
    let mut office = Office::new();
    let refused = called_with(&mut office, &["Supported: timer", "Session-Expires: 60"]);
    assert_eq!((refused.status(), text(&refused, Name::MinSe).as_str()), (Some(422), "90"));
    let mut office = Office::new();
    let (_, ok) = confirmed(&mut office);
    let update = inside("UPDATE", 3, &ok, caller()).header("Supported: timer").header("Session-Expires: 89");
    office.receive(caller(), &update.to_string());
    assert_eq!(office.one().status(), Some(422));
}

#[test]
fn an_extension_that_nobody_knows_is_refused_and_named_alone() {
    let mut office = Office::new();
    let refused = called_with(&mut office, &["Require: timer, precondition"]);
    assert_eq!((refused.status(), text(&refused, Name::Unsupported).as_str()), (Some(420), "precondition"));
}

#[test]
fn switched_off_we_ask_for_no_timer_and_still_keep_to_the_peers() {
    let mut directory = phone::directory();
    directory.times.session_expires = Duration::ZERO;
    let mut office = Office::with(directory);
    let (_, invite) = outgoing(&mut office);
    assert_eq!(text(&invite, Name::SessionExpires), "");
    office.receive(udp(PHONE), &response(&invite, 200, "callee", SDP));
    office.sent();
    office.events();
    office.pass(Duration::from_secs(7_200));
    assert!(office.sent().is_empty() && office.events().is_empty());
    let ok = called_with(&mut office, &["Supported: timer", "Session-Expires: 200;refresher=uac"]);
    assert_eq!(text(&ok, Name::SessionExpires), "200;refresher=uac");
}

#[test]
fn an_offer_in_an_update_is_answered_in_its_200_and_repeated_alike() {
    let mut office = Office::new();
    let (session, ok) = confirmed(&mut office);
    let mut update = inside("UPDATE", 3, &ok, caller()).header("Content-Type: application/sdp");
    update.body = SDP.into();
    office.receive(caller(), &update.to_string());
    assert!(matches!(office.events().as_slice(), [SessionEvent::Reoffer { offer: Some(_), .. }]));
    assert!(office.sent().is_empty());
    let mut second = inside("UPDATE", 4, &ok, caller()).header("Content-Type: application/sdp");
    second.body = SDP.into();
    office.receive(caller(), &second.to_string());
    let later = office.one();
    assert_eq!(later.status(), Some(500));
    assert!(later.first(Name::RetryAfter).is_some());
    office.stack.accept_reoffer(office.now, session, Bytes::from_static(SDP.as_bytes()));
    let answer = office.one();
    assert_eq!((answer.status(), answer.body()), (Some(200), SDP.as_bytes()));
    office.receive(caller(), &update.to_string());
    assert_eq!(office.one().bytes(), answer.bytes());
    office.pass(Duration::from_secs(40));
    assert!(office.sent().is_empty(), "no ACK is waited for");
}

#[test]
fn an_offer_in_an_update_that_meets_ours_is_told_so_and_one_refused_changes_nothing() {
    let mut office = Office::new();
    let (session, ok) = confirmed(&mut office);
    office.stack.reoffer(office.now, session, Bytes::from_static(SDP.as_bytes())).unwrap();
    office.sent();
    let mut update = inside("UPDATE", 3, &ok, caller()).header("Content-Type: application/sdp");
    update.body = SDP.into();
    office.receive(caller(), &update.to_string());
    assert_eq!(office.one().status(), Some(491));
    let mut office = Office::new();
    let (session, ok) = confirmed(&mut office);
    office.receive(caller(), &update_like(&update, &ok).to_string());
    office.stack.refuse_reoffer(office.now, session, Refusal::new(488));
    assert_eq!(office.one().status(), Some(488));
}

fn update_like(update: &Text, ok: &Message) -> Text {
    let mut again = inside("UPDATE", 3, ok, caller()).header("Content-Type: application/sdp");
    again.body.clone_from(&update.body);
    again
}

#[test]
fn an_update_before_the_first_answer_is_told_to_come_later() {
    let mut office = Office::new();
    let (session, _) = incoming(&mut office);
    office.stack.progress(office.now, session, 180, None);
    let ringing = office.one();
    let mut update = inside("UPDATE", 3, &ringing, caller()).header("Content-Type: application/sdp");
    update.body = SDP.into();
    office.receive(caller(), &update.to_string());
    let later = office.one();
    assert_eq!(later.status(), Some(500));
    assert!(later.first(Name::RetryAfter).is_some());
    let plain = inside("UPDATE", 4, &ringing, caller()).header("Contact: <sip:101@192.0.2.1:5080>");
    office.receive(caller(), &plain.to_string());
    assert_eq!(office.one().status(), Some(200));
    // The ACK has the number of the INVITE, whatever came in between.
    office.stack.accept(office.now, session, Bytes::from_static(SDP.as_bytes()));
    let ok = office.one();
    office.receive(caller(), &inside("ACK", 2, &ok, caller()).to_string());
    assert!(matches!(office.events().as_slice(), [SessionEvent::Confirmed { .. }]));
}

#[test]
fn nobody_makes_us_refresh_faster_than_the_least_we_take() {
    let mut office = Office::new();
    answered_with(&mut office, "Session-Expires: 1;refresher=uac\r\nAllow: UPDATE");
    office.pass(Duration::from_secs(44));
    assert!(office.sent().is_empty());
    office.pass(Duration::from_secs(2));
    assert_eq!(summary(&office.sent())[0], "UPDATE");
}

#[test]
fn timers_of_calls_long_over_do_not_pile_up() {
    let mut office = Office::new();
    for _ in 0..3_000 {
        let session = answered_with(&mut office, "Allow: UPDATE");
        office.stack.end(office.now, session, sip::Cause::Normal);
        office.pass(Duration::ZERO);
        let bye = office.sent().pop().unwrap().1;
        office.receive(udp(PHONE), &response(&bye, 200, "", ""));
        office.pass(Duration::from_millis(50));
    }
    assert!(office.stack.timers() < 2_000, "{}", office.stack.timers());
}
