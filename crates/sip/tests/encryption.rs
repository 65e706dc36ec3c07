//! Extensions that require encryption (SPEC R4.15), and phones that keep several flows (RFC 5626).
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

use model::directory::{Directory, Encryption};
use model::{Flow, Transport};
use phone::{Office, Text, directory, tcp, tls, udp};
use wire::sip::{Message, Name};

/// The office in which 101 must encrypt.
fn strict() -> Directory {
    let mut directory = directory();
    let mut line = (*directory.lines["101"]).clone();
    line.encryption = Encryption::Required;
    directory.lines.insert("101".into(), Arc::new(line));
    directory
}

#[test]
fn a_phone_that_must_encrypt_is_refused_without_and_only_once_it_has_proven_who_it_is() {
    for flow in [udp("192.0.2.1:5060"), tcp("192.0.2.1:40000", 7)] {
        let mut office = Office::with(strict());
        let request = Text::register("101", flow);
        office.receive(flow, &request.to_string());
        let challenge = office.one();
        assert_eq!(challenge.status(), Some(401), "a stranger learns nothing");
        office.receive(flow, &request.next().answering(&challenge, "password-of-101").to_string());
        let logged = std::iter::from_fn(|| office.stack.poll());
        let (mut line, mut refused) = (String::new(), None);
        for output in logged {
            match output {
                sip::Output::Event(event) => line = event.line(),
                sip::Output::Send { bytes, .. } => refused = Some(Message::parse(bytes).unwrap()),
                _ => {}
            }
        }
        let refused = refused.unwrap();
        assert_eq!((refused.status(), refused.reason()), (Some(403), &b"Encryption required, use TLS"[..]));
        assert!(line.contains("auth.not-encrypted") && line.contains("line=101"), "{line}");
        assert_eq!(office.stack.registrations(office.now).len(), 0);
    }
    let mut office = Office::with(strict());
    let flow = tls("192.0.2.1:40000", 7);
    office.register(flow, "101");
    assert_eq!(office.stack.registrations(office.now)[0].transport, Transport::Tls);
}

#[test]
fn requiring_encryption_drops_the_plain_registrations_of_that_line_alone() {
    let mut office = Office::new();
    office.register(udp("192.0.2.1:5060"), "101");
    office.register(udp("192.0.2.2:5060"), "102");
    let mut secured = Text::register("101", tls("192.0.2.3:40000", 9));
    secured.call_id = "secured".into();
    let flow = tls("192.0.2.3:40000", 9);
    assert_eq!(office.authenticated(flow, &secured, "password-of-101").status(), Some(200));
    let extension = directory().extensions["101"].clone();
    assert_eq!(office.stack.targets(&extension).len(), 2);
    office.stack.set_directory(office.now, strict().into());
    let mut left: Vec<_> =
        office.stack.registrations(office.now).iter().map(|row| row.source.port()).collect();
    left.sort_unstable();
    assert_eq!(left, [5060, 40_000]);
    assert_eq!(office.stack.targets(&extension)[0].flow, flow);
}

fn flow_of(office: &mut Office, flow: Flow, reg_id: u32) -> Message {
    let contact = "Contact: <sip:101@192.0.2.1:5061;transport=tls;ob>;+sip.instance=\"<urn:uuid:0>\"";
    let contact = format!("{contact};reg-id={reg_id}");
    let text =
        Text::register("101", flow).without("Contact").header(&contact).header("Supported: path, outbound");
    let text = Text { call_id: format!("flow-{}", flow.id.0), ..text };
    office.authenticated(flow, &text, "password-of-101")
}

#[test]
fn several_flows_of_a_phone_are_kept_apart_and_ring_as_one() {
    let mut office = Office::new();
    let (first, second) = (tls("192.0.2.1:40001", 1), tls("192.0.2.1:40002", 2));
    for (flow, reg_id) in [(first, 1), (second, 2)] {
        let answer = flow_of(&mut office, flow, reg_id);
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        assert!(answer.lists(Name::Require, "outbound"));
        assert_eq!(answer.other("Flow-Timer").next(), Some(&b"120"[..]));
    }
    assert_eq!(office.stack.registrations(office.now).len(), 2);
    let extension = directory().extensions["101"].clone();
    let ringing = |office: &Office| {
        let targets = office.stack.targets(&extension);
        targets.iter().map(|target| target.flow).collect::<Vec<_>>()
    };
    assert_eq!(ringing(&office), [first]);
    office.stack.closed(office.now, first.id);
    assert_eq!(ringing(&office), [second], "the next flow is used when one fails");
    let anew = tls("192.0.2.1:40003", 3);
    assert_eq!(flow_of(&mut office, anew, 1).status(), Some(200));
    assert_eq!(office.stack.registrations(office.now).len(), 2, "the flow of the same number is replaced");
    assert_eq!(ringing(&office), [anew]);
}

#[test]
fn flows_are_promised_to_who_asks_over_a_stream_alone() {
    let mut office = Office::new();
    let answer = flow_of(&mut office, udp("192.0.2.1:5060"), 1);
    assert_eq!((answer.status(), answer.first(Name::Require)), (Some(200), None));
    let flow = tls("192.0.2.1:40001", 5);
    let plain = Text::register("101", flow);
    let plain = Text { call_id: "plain".into(), ..plain };
    let answer = office.authenticated(flow, &plain, "password-of-101");
    assert_eq!((answer.status(), answer.first(Name::Require)), (Some(200), None));
    let other = Text { call_id: "other".into(), ..Text::register("101", flow).header("Require: gruu") };
    assert_eq!(office.authenticated(flow, &other, "password-of-101").status(), Some(420));
}

#[test]
fn two_contacts_on_one_connection_go_with_it_even_if_one_signed_off() {
    let mut office = Office::new();
    let flow = tls("192.0.2.1:40001", 5);
    let contact = |name: &str, expires: u32| {
        let contact = format!("Contact: <sip:{name}@192.0.2.1;transport=tls>;expires={expires}");
        let text = Text::register("101", flow).without("Contact").without("Expires").header(&contact);
        Text { call_id: name.into(), cseq: 10 + expires, ..text }
    };
    for name in ["one", "two"] {
        assert_eq!(office.authenticated(flow, &contact(name, 120), "password-of-101").status(), Some(200));
    }
    let leaving = Text { cseq: 200, ..contact("one", 0) };
    assert_eq!(office.authenticated(flow, &leaving, "password-of-101").status(), Some(200));
    assert_eq!(office.stack.registrations(office.now).len(), 1);
    office.stack.closed(office.now, flow.id);
    assert!(!office.stack.registrations(office.now)[0].reachable, "it hangs on a dead connection");
}

#[test]
fn a_phone_of_several_flows_that_keeps_one_rings_once() {
    let mut office = Office::new();
    for id in [1, 2] {
        assert_eq!(
            flow_of(&mut office, tls(&format!("192.0.2.1:4000{id}"), u64::from(id)), id).status(),
            Some(200)
        );
    }
    let flow = udp("192.0.2.1:5060");
    let contact = "Contact: <sip:101@192.0.2.1:5060>;+sip.instance=\"<urn:uuid:0>\"";
    let plain = Text::register("101", flow).without("Contact").header(contact);
    let plain = Text { call_id: "plain".into(), ..plain };
    assert_eq!(office.authenticated(flow, &plain, "password-of-101").status(), Some(200));
    let targets = office.stack.targets(&directory().extensions["101"]);
    assert_eq!(targets.iter().map(|target| target.flow).collect::<Vec<_>>(), [flow]);
}
