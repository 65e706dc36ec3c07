//! Wrong passwords at the stack: in what order rulings and answers leave, and what is answered to whom.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod phone;

use std::collections::BTreeSet;
use std::time::Duration;

use guard::{Ruling, Scope};
use model::Flow;
use phone::{Office, Text, udp};
use sip::Output;
use wire::sip::Message;

/// What leaves the stack after a wrong password, in words and in order.
fn fail(office: &mut Office, flow: Flow, user: &str) -> Vec<String> {
    let request = Text::register(user, flow);
    office.receive(flow, &request.to_string());
    let challenge = office.one();
    office.receive(flow, &request.next().answering(&challenge, "wrong").to_string());
    let outputs = std::iter::from_fn(|| office.stack.poll());
    let words = outputs.map(|output| match output {
        Output::Ruling(Ruling::Block(block)) => match block.scope {
            Scope::Address => format!("block {}", block.shown()),
            Scope::Account(account) => format!("refuse {account}"),
        },
        Output::Ruling(Ruling::Event(event)) | Output::Event(event) => event.kind.name.to_owned(),
        Output::Send { bytes, .. } => Message::parse(bytes).unwrap().status().unwrap().to_string(),
        other => format!("{other:?}"),
    });
    words.collect()
}

#[test]
fn the_block_leaves_before_the_answer_to_the_failure_that_led_to_it_and_nothing_is_answered_after_it() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    for _ in 0..4 {
        assert_eq!(fail(&mut office, flow, "101"), ["auth.failed", "403"]);
    }
    let last = fail(&mut office, flow, "101");
    assert_eq!(last, ["auth.failed", "guard.blocked", "block 192.0.2.1", "403"]);
    for text in [Text::register("101", flow), Text::register("nobody", flow).next()] {
        office.receive(flow, &text.to_string());
        assert!(office.sent().is_empty());
    }
    let beside = udp("192.0.2.2:5060");
    assert_eq!(fail(&mut office, beside, "101"), ["auth.failed", "403"]);
}

#[test]
fn a_block_ends_by_the_wall_clock_though_it_jumps() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    for _ in 0..5 {
        fail(&mut office, flow, "101");
    }
    office.pass(Duration::from_secs(60));
    assert_eq!(office.stack.blocked(), 1);
    office.now.wall = office.now.wall.after(Duration::from_secs(3_600));
    office.pass(Duration::from_secs(31));
    assert_eq!(office.stack.blocked(), 0);
    let lifts = std::iter::from_fn(|| office.stack.poll())
        .filter(|output| matches!(output, Output::Ruling(Ruling::Lift(_))))
        .count();
    assert_eq!(lifts, 1);
    office.register(flow, "101");
}

#[test]
fn an_account_refused_at_an_address_is_answered_like_a_wrong_password_and_its_phone_goes_on() {
    let mut office = Office::new();
    let (good, other) = (udp("192.0.2.1:5060"), udp("192.0.2.1:7000"));
    office.register(good, "101");
    while office.stack.poll().is_some() {}
    for _ in 0..4 {
        assert_eq!(fail(&mut office, other, "101"), ["auth.failed", "403"]);
    }
    assert_eq!(
        fail(&mut office, other, "101"),
        ["auth.failed", "guard.account-refused", "refuse 101", "403"]
    );
    let right = office.authenticated(other, &Text::register("101", other), "password-of-101");
    assert_eq!(right.status(), Some(403));
    let wrong = office.authenticated(other, &Text::register("102", other), "wrong");
    let headers = |message: &Message| phone::shape(message).into_keys().collect::<BTreeSet<_>>();
    assert_eq!((right.reason(), headers(&right)), (wrong.reason(), headers(&wrong)));
    while office.stack.poll().is_some() {}
    let mut again = Text::register("101", good).next().next();
    for welcome in [good, udp("192.0.2.9:5060")] {
        let answer = office.authenticated(welcome, &again, "password-of-101");
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        again = again.next().next();
    }
}

/// Lines of a kind that wait to be written.
fn lines(office: &mut Office, kind: &model::event::Kind) -> Vec<String> {
    let outputs = std::iter::from_fn(|| office.stack.poll());
    let events = outputs.filter_map(|output| match output {
        Output::Event(event) if event.kind.name == kind.name => Some(event.line()),
        _ => None,
    });
    events.collect()
}

#[test]
fn each_try_of_a_refused_account_is_a_line_or_counted_in_one() {
    let mut office = Office::new();
    let other = udp("192.0.2.1:7000");
    office.register(udp("192.0.2.1:5060"), "101");
    for _ in 0..5 {
        fail(&mut office, other, "101");
    }
    lines(&mut office, &model::event::AUTHENTICATION_FAILED);
    let mut said = Vec::new();
    for _ in 0..30 {
        let request = Text::register("101", other);
        office.receive(other, &request.to_string());
        let challenge = office.one();
        office.receive(other, &request.next().answering(&challenge, "wrong").to_string());
        said.extend(lines(&mut office, &model::event::AUTHENTICATION_FAILED));
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains("Authentication failed") && said[0].contains("is refused from there"),
        "{said:?}"
    );
    office.pass(Duration::from_secs(61));
    let rest = lines(&mut office, &model::event::AUTHENTICATION_FAILED);
    assert!(matches!(&rest[..], [line] if line.contains("tries=29")), "{rest:?}");
    office.pass(Duration::from_secs(600));
    assert!(lines(&mut office, &model::event::AUTHENTICATION_FAILED).is_empty());
}

#[test]
fn a_call_from_where_the_line_is_not_registered_is_a_line_of_the_auth_log_once_an_hour() {
    let mut office = Office::new();
    let (home, abroad) = (udp("192.0.2.1:5060"), udp("198.51.100.7:5060"));
    office.register(home, "101");
    let calls = |office: &mut Office, flow: Flow, count: usize| {
        let mut said = Vec::new();
        let mut invite = Text::invite("101", "102", flow);
        for _ in 0..count {
            office.receive(flow, &invite.to_string());
            let challenge = office.one();
            invite = invite.next();
            office.receive(flow, &invite.clone().answering(&challenge, "password-of-101").to_string());
            invite = invite.next();
            said.extend(lines(office, &model::event::SIGNED_IN));
        }
        said
    };
    assert!(calls(&mut office, home, 2).is_empty());
    let said = calls(&mut office, abroad, 3);
    assert!(matches!(&said[..], [line] if line.contains("source=198.51.100.7:5060")), "{said:?}");
    office.pass(Duration::from_secs(3_601));
    let rest = lines(&mut office, &model::event::SIGNED_IN);
    assert!(matches!(&rest[..], [line] if line.contains("times=2")), "{rest:?}");
}

#[test]
fn somebody_signed_in_anywhere_in_an_ipv6_network_makes_it_known() {
    let mut office = Office::new();
    office.register(udp("[2001:db8:1:2::7]:5060"), "102");
    while office.stack.poll().is_some() {}
    let beside = udp("[2001:db8:1:2::8]:5060");
    for _ in 0..4 {
        assert_eq!(fail(&mut office, beside, "101"), ["auth.failed", "403"]);
    }
    assert!(fail(&mut office, beside, "101").contains(&"refuse 101".to_owned()));
    assert_eq!(office.stack.blocks(office.now.wall)[0].shown(), "2001:db8:1:2::/64");
}
