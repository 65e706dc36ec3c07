//! RFC 4475 and RFC 5118, each message a row, judged as answer: what the stack says to it from a stranger, and what it says
//! when the same bytes come with the credentials of a line. How the messages are read is judged by `crates/wire/tests/torture`,
//! where they also are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod ipv6;
#[path = "../phone/mod.rs"]
mod phone;
mod rfc4475;
#[path = "../../../wire/tests/table/mod.rs"]
mod table;

use std::sync::Arc;

use model::directory::{DigestPolicy, Directory};
use phone::{Office, udp};
use wire::digest::{Answer, Challenge, Request, ha1};
use wire::sip::{Message, Name, bad_request};

/// One message of an RFC, and the status it is answered with; `None` is silence.
struct Row {
    name: &'static str,
    stranger: Option<u16>,
    proven: Option<u16>,
    /// What the RFC asks for; where we differ, why.
    why: &'static str,
}

/// The same answer for everybody.
const fn all(name: &'static str, answer: Option<u16>, why: &'static str) -> Row {
    Row { name, stranger: answer, proven: answer, why }
}

/// A stranger is challenged; who has proven to be a line gets `proven`.
const fn asked(name: &'static str, proven: u16, why: &'static str) -> Row {
    Row { name, stranger: Some(401), proven: Some(proven), why }
}

/// The line of the RFCs' examples, in the domain of most of them.
fn directory() -> Directory {
    let mut directory = phone::directory();
    directory.domain = "example.com".into();
    directory.realm = "example.com".into();
    let extension = model::directory::Extension {
        number: "user".into(),
        lines: vec!["user".into()],
        ..model::directory::Extension::clone(&directory.extensions["101"])
    };
    directory.extensions.insert("user".into(), Arc::new(extension));
    directory.lines.insert("user".into(), phone::line("user", "user", DigestPolicy::Both));
    directory
}

fn judge(text: &str, rows: &[Row]) {
    let cases = table::cases(text);
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, rows.iter().map(|row| row.name).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (case, row) in cases.iter().zip(rows) {
        let mut office = Office::with(directory());
        let first = answer(&mut office, &case.bytes);
        let stranger = first.as_ref().and_then(Message::status);
        let proven = match first.filter(|first| first.status() == Some(401)) {
            Some(challenge) => {
                answer(&mut office, &proving(&case.bytes, &challenge)).and_then(|a| a.status())
            }
            None => stranger,
        };
        if (stranger, proven) != (row.stranger, row.proven) {
            wrong.push(format!("{}: {stranger:?}, {proven:?} ({})", row.name, row.why));
        }
        nothing_is_left(&mut office, row.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first answer to these bytes, as `net` would have it given.
fn answer(office: &mut Office, bytes: &[u8]) -> Option<Message> {
    match Message::parse(bytes.to_vec().into()) {
        Ok(message) => {
            office.stack.receive(office.now, udp("192.0.2.77:5060"), &message);
            let sent: Vec<_> = office.sent().into_iter().map(|(_, message)| message).collect();
            sent.into_iter().next()
        }
        Err(why) => {
            let answer = bad_request(bytes, &why)?;
            // The Via of another version is no Via of ours.
            let answer = String::from_utf8_lossy(&answer).replace("SIP/7.0", "SIP/2.0");
            Some(Message::parse(answer.into_bytes().into()).expect("the answer is a message"))
        }
    }
}

/// The same bytes with credentials of the line `user` in front of the other headers.
fn proving(bytes: &[u8], challenge: &Message) -> Vec<u8> {
    let message = Message::parse(bytes.to_vec().into()).unwrap();
    let challenge = Challenge::parse(challenge.first(Name::WwwAuthenticate).unwrap()).unwrap();
    let key = ha1(challenge.algorithm, b"user", challenge.realm.as_bytes(), b"password-of-user");
    let answer = Answer { username: "user", ha1: &key, nc: 1, cnonce: "0a4f113b" };
    let uri = message.request_uri().unwrap();
    let request = Request { method: message.method_text(), uri, body: message.body() };
    let line = format!("Authorization: {}\r\n", challenge.answer(&answer, &request));
    let at = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2;
    [&bytes[..at], line.as_bytes(), &bytes[at..]].concat()
}

/// Whatever the message began is over when the caller was never heard of again.
fn nothing_is_left(office: &mut Office, name: &str) {
    for event in office.events() {
        if let sip::SessionEvent::Incoming { session, .. } = event {
            office.stack.refuse(office.now, session, sip::Refusal::new(480));
        }
    }
    office.pass(std::time::Duration::from_secs(3_600 * 24));
    assert_eq!((office.stack.dialogs(), office.stack.transactions()), (0, 0), "{name}");
    assert!(office.stack.registrations(office.now).is_empty(), "{name}");
}
