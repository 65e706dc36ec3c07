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
use phone::{Office, proof, udp};
use wire::sip::Message;

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
    let flow = udp("192.0.2.77:5060");
    for (case, row) in cases.iter().zip(rows) {
        let mut office = Office::with(directory());
        let first = proof::answer(&mut office, flow, &case.bytes);
        let stranger = first.as_ref().and_then(Message::status);
        let proven = match first.filter(|first| first.status() == Some(401)) {
            Some(challenge) => {
                proof::answer(&mut office, flow, &proof::proving(&case.bytes, &challenge, "user"))
                    .and_then(|a| a.status())
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
