//! Text tables: whole messages in, what is read from them out (`snapshots/`), so that a change of reading is seen.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod table;

use std::fmt::Write as _;

use bytes::Bytes;
use wire::sip::{Contacts, Message, Name, NameAddr, Uri, bad_request};

#[test]
fn messages_of_the_field_are_read_right() {
    insta::assert_snapshot!(describe_all(include_str!("messages/phones.txt")));
}

#[test]
fn messages_with_two_readings_or_none_are_refused() {
    let text = include_str!("messages/refused.txt");
    for case in table::cases(text) {
        assert!(Message::parse(case.bytes.clone().into()).is_err(), "accepted: {}", case.name);
    }
    insta::assert_snapshot!(describe_all(text));
}

fn describe_all(text: &str) -> String {
    let mut out = String::new();
    for case in table::cases(text) {
        writeln!(out, "=== {}", case.name).unwrap();
        match Message::parse(Bytes::from(case.bytes.clone())) {
            Ok(message) => describe(&mut out, &message),
            Err(why) => {
                writeln!(out, "refused: {} {why}", why.status()).unwrap();
                match bad_request(&case.bytes, &why) {
                    None => writeln!(out, "answer: none").unwrap(),
                    Some(answer) => {
                        // A Via of another version is given back as it came, and is then no Via of ours.
                        if why.status() != 505 {
                            let parsed =
                                Message::parse(answer.clone().into()).expect("the answer is a message");
                            assert_eq!(parsed.status(), Some(why.status()));
                        }
                        let answer = String::from_utf8_lossy(&answer).replace("\r\n", "\n  ");
                        writeln!(out, "answer: {}", answer.trim_end()).unwrap();
                    }
                }
            }
        }
    }
    out
}

fn describe(out: &mut String, message: &Message) {
    match message.status() {
        Some(status) => writeln!(out, "{status} {:?}", text(message.reason())).unwrap(),
        None => {
            let uri = message.request_uri().unwrap();
            writeln!(out, "{:?} {}", message.method().unwrap(), text(message.method_text())).unwrap();
            writeln!(out, "uri: {}", describe_uri(uri)).unwrap();
        }
    }
    for via in message.vias() {
        let via = via.unwrap();
        let (magic, rport, received) = (via.has_magic_branch(), via.rport(), via.received());
        let branch = text(via.branch().unwrap_or(b"(none)"));
        let (transport, host, port) = (text(via.transport), via.host, via.port);
        writeln!(out, "via: {transport} {host} {port:?} branch={branch} magic={magic} rport={rport:?} received={received:?}")
            .unwrap();
    }
    writeln!(out, "from: {}", describe_address(&message.from().unwrap())).unwrap();
    writeln!(out, "to: {}", describe_address(&message.to().unwrap())).unwrap();
    let cseq = message.cseq().unwrap();
    writeln!(out, "call-id: {} cseq: {} {}", text(message.call_id()), cseq.number, text(cseq.token)).unwrap();
    writeln!(out, "max-forwards: {:?} expires: {:?}", message.max_forwards(), message.expires()).unwrap();
    match message.contacts().unwrap() {
        Contacts::Star => writeln!(out, "contact: *").unwrap(),
        Contacts::List(list) => {
            for contact in &list {
                writeln!(out, "contact: {}", describe_address(contact)).unwrap();
            }
        }
    }
    for name in [Name::Route, Name::RecordRoute, Name::PAssertedIdentity, Name::Diversion, Name::ReferTo] {
        for address in message.addresses(name) {
            writeln!(out, "{}: {}", name.text().to_lowercase(), describe_address(&address.unwrap())).unwrap();
        }
    }
    let supported: Vec<_> = message.values(Name::Supported).map(text).collect();
    writeln!(out, "supported: {supported:?}").unwrap();
    for header in message.headers().filter(|header| header.name == Name::Other) {
        writeln!(out, "other: {} = {}", text(header.raw_name), text(header.value)).unwrap();
    }
    writeln!(out, "body: {} bytes of {:?}", message.body().len(), message.content_type().map(text)).unwrap();
}

fn describe_address(address: &NameAddr<'_>) -> String {
    let params: Vec<_> =
        address.params.iter().map(|p| format!("{}={:?}", text(p.name), p.value.map(text))).collect();
    format!("{:?} {} [{}]", address.display_text(), describe_uri(address.uri), params.join(" "))
}

fn describe_uri(uri: &[u8]) -> String {
    match Uri::parse(uri).unwrap() {
        Uri::Sip(sip) => {
            let params: Vec<_> =
                sip.params.iter().map(|p| format!("{}={:?}", text(p.name), p.value.map(text))).collect();
            let scheme = if sip.secure { "sips" } else { "sip" };
            let (user, decoded) = (sip.user.map(text), text(&sip.user_decoded()));
            let password = sip.password.map(text);
            let headers = text(sip.headers);
            let params = params.join(" ");
            format!(
                "{scheme} user={user:?}={decoded} password={password:?} host={} port={:?} [{params}] ?{headers}",
                sip.host, sip.port
            )
        }
        Uri::Tel { number, params } => format!("tel {} {}", text(number), text(params.raw())),
        Uri::Other { scheme, rest } => format!("other {} {}", text(scheme), text(rest)),
    }
}

fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
