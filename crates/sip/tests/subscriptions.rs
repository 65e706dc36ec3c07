//! SUBSCRIBE and NOTIFY: lamps and mailboxes.
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

use model::FlowId;
use model::directory::DigestPolicy;
use phone::dialog::caller;
use phone::watch::{
    body, expiring, inside, lamp, one_call, publish, send, subscribe, topic, value, watching,
};
use phone::{Office, Text, directory, line, response, summary, tcp, udp};
use sip::{Package, Published, Watch};
use wire::dialog_info::State;
use wire::message_summary::Summary;
use wire::sip::Name;

#[test]
fn a_lamp_is_told_at_once_and_at_each_change() {
    let mut office = Office::new();
    let (ok, first) = watching(&mut office, caller(), &lamp());
    assert_eq!(value(&ok, Name::Expires), "600");
    assert!(!value(&ok, Name::Contact).is_empty());
    assert_eq!(value(&first, Name::Event), "dialog");
    assert_eq!(value(&first, Name::SubscriptionState), "active;expires=600");
    assert_eq!(value(&first, Name::ContentType), "application/dialog-info+xml");
    assert_eq!(first.request_uri(), Some(&b"sip:101@192.0.2.1:5060"[..]));
    assert_eq!(value(&first, Name::From), value(&ok, Name::To));
    assert_eq!(value(&first, Name::To), value(&ok, Name::From));
    assert!(body(&first).contains("version=\"0\" state=\"full\" entity=\"sip:102@pbx.example.com\""));
    publish(&mut office, one_call(5, State::Early));
    let early = office.one();
    assert!(body(&early).contains("version=\"1\""), "{}", body(&early));
    assert!(body(&early).contains("direction=\"recipient\"><state>early</state>"), "{}", body(&early));
    assert!(early.cseq().unwrap().number > first.cseq().unwrap().number);
    publish(&mut office, one_call(5, State::Early));
    assert!(office.sent().is_empty(), "nothing changed");
}

#[test]
fn a_call_that_is_over_is_told_once_as_terminated() {
    let mut office = Office::new();
    watching(&mut office, caller(), &lamp());
    publish(&mut office, one_call(5, State::Confirmed));
    let notify = office.one();
    office.receive(caller(), &response(&notify, 200, "", ""));
    office.pass(Duration::from_secs(1));
    publish(&mut office, Published::Dialogs(Vec::new()));
    let over = office.one();
    assert!(body(&over).contains("0005\"><state>terminated</state>"), "{}", body(&over));
    office.receive(caller(), &response(&over, 200, "", ""));
    office.pass(Duration::from_secs(1));
    publish(&mut office, one_call(6, State::Early));
    assert!(!body(&office.one()).contains("terminated"));
}

#[test]
fn one_notify_is_under_way_at_a_time_and_the_newest_state_follows() {
    let mut office = Office::new();
    watching(&mut office, caller(), &lamp());
    publish(&mut office, one_call(5, State::Trying));
    let first = office.one();
    publish(&mut office, one_call(5, State::Early));
    publish(&mut office, one_call(5, State::Confirmed));
    assert!(office.sent().is_empty());
    office.receive(caller(), &response(&first, 200, "", ""));
    assert!(office.sent().is_empty(), "not so soon after the last one");
    office.pass(Duration::from_millis(600));
    let second = office.one();
    assert!(body(&second).contains("version=\"2\""), "{}", body(&second));
    assert!(body(&second).contains("confirmed"), "{}", body(&second));
    office.receive(caller(), &response(&second, 200, "", ""));
    office.pass(Duration::from_secs(60));
    assert!(office.sent().is_empty());
}

#[test]
fn a_lost_notify_is_repeated_and_a_silent_phone_is_given_up() {
    let mut office = Office::new();
    watching(&mut office, caller(), &lamp());
    publish(&mut office, one_call(5, State::Early));
    office.pass(Duration::from_secs(2));
    assert!(office.sent().len() > 1);
    office.pass(Duration::from_secs(40));
    assert_eq!((office.stack.subscriptions(), office.stack.transactions()), (0, 0));
    assert_eq!(office.stack.poll_watch(), Some(Watch::Ended(topic(Package::Dialog, "102"))));
}

#[test]
fn a_notify_answered_481_ends_the_subscription() {
    let mut office = Office::new();
    watching(&mut office, caller(), &lamp());
    publish(&mut office, one_call(5, State::Early));
    let notify = office.one();
    office.receive(caller(), &response(&notify, 481, "", ""));
    assert_eq!(office.stack.subscriptions(), 0);
    publish(&mut office, one_call(5, State::Confirmed));
    assert!(office.sent().is_empty());
}

#[test]
fn a_phone_that_challenges_our_notify_gets_no_credentials_and_is_given_up() {
    let mut office = Office::new();
    watching(&mut office, caller(), &lamp());
    for round in 0..3 {
        publish(&mut office, one_call(round, State::Early));
        let notify = office.one();
        assert!(notify.first(Name::Authorization).is_none());
        office.receive(caller(), &response(&notify, 401, "", ""));
        office.pass(Duration::from_secs(1));
    }
    assert_eq!(office.stack.subscriptions(), 0);
}

#[test]
fn a_refresh_prolongs_and_expires_zero_ends() {
    let mut office = Office::new();
    let request = lamp();
    let (ok, _) = watching(&mut office, caller(), &request);
    office.pass(Duration::from_secs(500));
    office.receive(caller(), &inside(&request, &ok, 10).to_string());
    let sent = office.sent();
    assert_eq!(summary(&sent), ["200", "NOTIFY"]);
    assert_eq!(value(&sent[1].1, Name::SubscriptionState), "active;expires=600");
    office.receive(caller(), &response(&sent[1].1, 200, "", ""));
    office.pass(Duration::from_secs(500));
    assert_eq!(office.stack.subscriptions(), 1);
    office.receive(caller(), &expiring(inside(&request, &ok, 11), 0).to_string());
    let sent = office.sent();
    assert_eq!(summary(&sent), ["200", "NOTIFY"]);
    assert_eq!(value(&sent[0].1, Name::Expires), "0");
    assert_eq!(value(&sent[1].1, Name::SubscriptionState), "terminated;reason=timeout");
    assert_eq!(office.stack.subscriptions(), 0);
}

#[test]
fn a_subscription_that_nobody_refreshes_ends_with_a_notify() {
    let mut office = Office::new();
    watching(&mut office, caller(), &lamp());
    office.pass(Duration::from_secs(599));
    let last = office.one();
    assert_eq!(value(&last, Name::SubscriptionState), "terminated;reason=timeout");
    assert_eq!(office.stack.subscriptions(), 0);
    office.receive(caller(), &response(&last, 200, "", ""));
    office.pass(Duration::from_secs(40));
    assert_eq!((office.stack.transactions(), office.stack.next_wake()), (0, None));
}

#[test]
fn who_only_looks_is_told_once() {
    let mut office = Office::new();
    let sent = send(&mut office, caller(), &expiring(lamp(), 0), one_call(5, State::Confirmed));
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!(value(&sent[0], Name::Expires), "0");
    assert_eq!(value(&sent[1], Name::SubscriptionState), "terminated;reason=timeout");
    assert!(body(&sent[1]).contains("confirmed"));
    assert_eq!(office.stack.subscriptions(), 0);
}

#[test]
fn a_stranger_is_challenged_whatever_he_wants_to_watch() {
    for (watched, event) in
        [("102", "dialog"), ("999", "dialog"), ("101", "message-summary"), ("102", "wild")]
    {
        let mut office = Office::new();
        office.receive(caller(), &subscribe("101", watched, event, caller()).to_string());
        assert_eq!(summary(&office.sent()), ["401"], "{watched} {event}");
        assert_eq!((office.stack.transactions(), office.stack.subscriptions()), (0, 0));
    }
}

#[test]
fn what_can_not_be_watched_is_refused_with_its_cure() {
    let long = "x".repeat(300);
    let rows = [
        (subscribe("101", "999", "dialog", caller()), 404, Name::Event, ""),
        (subscribe("101", "102", "presence", caller()), 489, Name::AllowEvents, "dialog, message-summary"),
        (lamp().without("Event"), 489, Name::AllowEvents, "dialog, message-summary"),
        (lamp().header("Accept: application/pidf+xml"), 406, Name::Accept, "application/dialog-info+xml"),
        (expiring(lamp(), 5), 423, Name::MinExpires, "60"),
        (lamp().header("Require: eventlist"), 420, Name::Unsupported, "eventlist"),
        (lamp().without("Contact"), 400, Name::Contact, ""),
        (Text { call_id: long, ..lamp() }, 400, Name::Contact, ""),
        (subscribe("101", "102", "message-summary", caller()), 403, Name::Event, ""),
        (subscribe("101", "999", "message-summary", caller()), 403, Name::Event, ""),
        (Text { uri: "sip:102@elsewhere.example".into(), ..lamp() }, 404, Name::Event, ""),
    ];
    for (request, status, name, expected) in rows {
        let mut office = Office::new();
        let sent = send(&mut office, caller(), &request, Published::Dialogs(Vec::new()));
        assert_eq!(sent.len(), 1, "{request}: {sent:?}");
        assert_eq!(sent[0].status(), Some(status), "{request}");
        assert_eq!(value(&sent[0], name), expected, "{request}");
        assert_eq!(office.stack.subscriptions(), 0);
    }
}

#[test]
fn a_wide_accept_and_a_long_wish_are_met_halfway() {
    let mut office = Office::new();
    let request = expiring(lamp(), 86_400).header("Accept: text/plain, application/*;q=0.5");
    let (ok, notify) = watching(&mut office, caller(), &request);
    assert_eq!(value(&ok, Name::Expires), "3600");
    assert_eq!(value(&notify, Name::SubscriptionState), "active;expires=3600");
}

#[test]
fn the_id_of_an_event_comes_back_in_each_notify() {
    let mut office = Office::new();
    let request = lamp().without("Event").header("Event: dialog;id=17");
    let (ok, notify) = watching(&mut office, caller(), &request);
    assert_eq!(value(&notify, Name::Event), "dialog;id=17");
    let other = inside(&request, &ok, 10).without("Event").header("Event: dialog;id=18");
    office.receive(caller(), &other.to_string());
    assert_eq!(summary(&office.sent()), ["481"]);
}

#[test]
fn one_s_own_mailbox_is_told_in_plain_text() {
    let mut office = Office::new();
    let request = subscribe("101", "101", "message-summary", caller());
    let sent = send(&mut office, caller(), &request, Published::Messages(Summary::default()));
    assert_eq!(value(&sent[1], Name::ContentType), "application/simple-message-summary");
    assert_eq!(
        body(&sent[1]),
        "Messages-Waiting: no\r\nMessage-Account: sip:101@pbx.example.com\r\nVoice-Message: 0/0 (0/0)\r\n"
    );
    office.receive(caller(), &response(&sent[1], 200, "", ""));
    office.pass(Duration::from_secs(1));
    let summary = Summary { new: 1, ..Summary::default() };
    office.stack.publish(office.now, &Arc::from("101"), Published::Messages(summary));
    assert!(body(&office.one()).starts_with("Messages-Waiting: yes\r\n"));
}

#[test]
fn a_refresh_from_elsewhere_is_challenged_and_a_stranger_ends_nothing() {
    let mut office = Office::new();
    let request = lamp();
    let (ok, _) = watching(&mut office, caller(), &request);
    let stranger = udp("203.0.113.66:5060");
    let end = expiring(inside(&request, &ok, 10), 0);
    office.receive(stranger, &end.to_string());
    let challenge = office.one();
    assert_eq!(challenge.status(), Some(401));
    let mut other = end.clone().next();
    other.user = "102".into();
    office.receive(stranger, &other.answering(&challenge, "password-of-102").to_string());
    assert_eq!(summary(&office.sent()), ["481"]);
    let wrong_call = Text { call_id: "guessed".into(), ..end.clone() };
    office.receive(caller(), &wrong_call.to_string());
    assert_eq!(summary(&office.sent()), ["481"]);
    assert_eq!(office.stack.subscriptions(), 1);
}

#[test]
fn a_phone_whose_port_changed_watches_on_after_it_proved_itself() {
    let mut office = Office::new();
    let request = lamp();
    let (ok, _) = watching(&mut office, caller(), &request);
    let moved = udp("192.0.2.1:7777");
    let refresh = inside(&request, &ok, 10).without("Contact").header("Contact: <sip:101@192.0.2.1:7777>");
    office.receive(moved, &refresh.to_string());
    let challenge = office.one();
    office.receive(moved, &refresh.next().answering(&challenge, "password-of-101").to_string());
    let sent = office.sent();
    assert_eq!(summary(&sent), ["200", "NOTIFY"]);
    assert_eq!(sent[1].0, moved);
}

#[test]
fn a_subscribe_of_before_a_restart_gets_481() {
    let mut office = Office::new();
    let request = lamp();
    let (ok, _) = watching(&mut office, caller(), &request);
    let mut restarted = Office::new();
    restarted.receive(caller(), &inside(&request, &ok, 10).to_string());
    assert_eq!(summary(&restarted.sent()), ["481"]);
}

#[test]
fn a_repeated_subscribe_gets_the_same_answer_and_no_second_subscription() {
    let mut office = Office::new();
    let request = lamp();
    office.receive(caller(), &request.to_string());
    let challenge = office.one();
    let request = request.next().answering(&challenge, "password-of-101").to_string();
    office.receive(caller(), &request);
    let ok = office.one();
    office.receive(caller(), &request);
    assert_eq!(value(&office.one(), Name::To), value(&ok, Name::To));
    assert_eq!(office.stack.subscriptions(), 1);
}

#[test]
fn a_phone_whose_connection_broke_is_told_what_it_missed_once_it_is_back() {
    let mut office = Office::new();
    let (old, new) = (tcp("192.0.2.1:5060", 7), tcp("192.0.2.1:6001", 8));
    watching(&mut office, old, &subscribe("101", "102", "dialog", old));
    assert!(office.stack.is_in_use(FlowId(7)));
    office.stack.closed(office.now, FlowId(7));
    publish(&mut office, one_call(5, State::Confirmed));
    assert!(office.sent().is_empty());
    assert_eq!(office.stack.subscriptions(), 1);
    let mut register = Text::register("101", new).without("Contact");
    register.headers.push("Contact: <sip:101@192.0.2.1:5060>".into());
    office.receive(new, &register.to_string());
    let challenge = office.one();
    office.receive(new, &register.next().answering(&challenge, "password-of-101").to_string());
    let sent = office.sent();
    assert_eq!(summary(&sent), ["NOTIFY", "200"]);
    assert_eq!(sent[0].0, new);
    assert!(body(&sent[0].1).contains("confirmed"));
    assert!(!office.stack.is_in_use(FlowId(7)));
}

#[test]
fn a_lost_subscription_whose_phone_stays_away_ends_in_silence() {
    let mut office = Office::new();
    let old = tcp("192.0.2.1:5060", 7);
    watching(&mut office, old, &subscribe("101", "102", "dialog", old));
    office.stack.closed(office.now, FlowId(7));
    office.pass(Duration::from_secs(600));
    assert!(office.sent().is_empty());
    assert_eq!((office.stack.subscriptions(), office.stack.transactions()), (0, 0));
}

#[test]
fn a_line_that_is_gone_or_has_another_password_watches_no_more_and_learns_nothing() {
    for remove in [true, false] {
        let mut office = Office::new();
        watching(&mut office, caller(), &lamp());
        let mut changed = directory();
        if remove {
            changed.lines.remove("101");
        } else {
            let mut line = (*line("101", "101", DigestPolicy::Both)).clone();
            line.password = model::Secret::new("another".into());
            changed.lines.insert("101".into(), Arc::new(line));
        }
        office.stack.set_directory(office.now, Arc::new(changed));
        let last = office.one();
        assert_eq!(value(&last, Name::SubscriptionState), "terminated;reason=rejected");
        assert!(last.body().is_empty());
        assert_eq!(office.stack.subscriptions(), 0);
    }
}

#[test]
fn an_extension_that_is_gone_is_watched_no_more() {
    let mut office = Office::new();
    watching(&mut office, caller(), &lamp());
    let mut changed = directory();
    changed.extensions.remove("102");
    office.stack.set_directory(office.now, Arc::new(changed));
    assert_eq!(value(&office.one(), Name::SubscriptionState), "terminated;reason=noresource");
    assert_eq!(office.stack.subscriptions(), 0);
}

#[test]
fn the_oldest_subscriptions_of_a_line_make_room() {
    let mut office = Office::new();
    let limit = sip::limits::MAX_SUBSCRIPTIONS_PER_LINE;
    for number in 0..limit {
        let request = Text { call_id: format!("key-{number}"), ..lamp() };
        watching(&mut office, caller(), &request);
    }
    assert_eq!(office.stack.subscriptions(), limit);
    let request = Text { call_id: "one-more".into(), ..lamp() };
    let sent = send(&mut office, caller(), &request, Published::Dialogs(Vec::new()));
    assert_eq!(office.stack.subscriptions(), limit);
    let states: Vec<String> = sent.iter().map(|message| value(message, Name::SubscriptionState)).collect();
    assert!(states.contains(&"terminated;reason=probation".to_owned()), "{states:?}");
}

#[test]
fn topics_begin_with_the_first_watcher_and_end_with_the_last() {
    let mut office = Office::new();
    let one = lamp();
    office.receive(caller(), &one.to_string());
    let challenge = office.one();
    office.receive(caller(), &one.clone().next().answering(&challenge, "password-of-101").to_string());
    assert_eq!(office.stack.poll_watch(), Some(Watch::Began(topic(Package::Dialog, "102"))));
    publish(&mut office, Published::Dialogs(Vec::new()));
    office.sent();
    let two = Text { call_id: "second-key".into(), ..lamp() };
    let sent = send(&mut office, caller(), &two, one_call(1, State::Early));
    assert!(!body(&sent[1]).contains("early"), "the state is known, nobody is asked again");
    let ok = sent[0].clone();
    office.receive(caller(), &expiring(inside(&two, &ok, 10), 0).to_string());
    assert_eq!(office.stack.poll_watch(), None);
    office.pass(Duration::from_secs(700));
    assert_eq!(office.stack.poll_watch(), Some(Watch::Ended(topic(Package::Dialog, "102"))));
}

#[test]
fn lamps_follow_a_phone_that_registers_from_another_port() {
    let mut office = Office::new();
    let (old, new) = (udp("192.0.2.1:5060"), udp("192.0.2.1:7777"));
    let contact = "Contact: <sip:101@phone.local>";
    let named = |text: Text| text.without("Contact").header(contact);
    office.authenticated(old, &named(Text::register("101", old)), "password-of-101");
    watching(&mut office, old, &named(lamp()));
    let mut again = named(Text::register("101", new));
    (again.cseq, again.branch) = (10, 10);
    office.authenticated(new, &again, "password-of-101");
    publish(&mut office, one_call(5, State::Early));
    let (flow, notify) = office.sent().remove(0);
    assert_eq!((flow, notify.method_text()), (new, &b"NOTIFY"[..]));
}

#[test]
fn a_watcher_that_is_shut_out_or_blocked_is_sent_nothing_more_and_what_was_under_way_not_again() {
    for by_row in [true, false] {
        let mut office = Office::new();
        let sent = send(&mut office, caller(), &lamp(), one_call(1, State::Confirmed));
        assert_eq!(sent.len(), 2, "{sent:?}");
        assert!(sent.iter().any(|message| message.status().is_none()), "a NOTIFY waits for its answer");
        if by_row {
            let row = guard::AddressSet::of(["10.0.0.0/8".parse().unwrap()]);
            office.stack.set_row(Arc::new(guard::Row::Only(row)));
        } else {
            let source = ipnet::IpNet::from(caller().remote.ip());
            office.stack.block(office.now, source, None, "anna", "a test");
        }
        assert_eq!(office.stack.subscriptions(), 0);
        assert!(office.stack.established().is_empty(), "there is nothing to finish");
        office.pass(Duration::from_secs(40));
        assert!(office.sent().is_empty(), "by a row: {by_row}");
        assert_eq!(office.stack.transactions(), 0);
    }
}
