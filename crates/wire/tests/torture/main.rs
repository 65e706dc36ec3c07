//! RFC 4475 and RFC 5118, each message a row, judged as parse: taken and read so, or refused for this. How the exchange answers
//! them is judged by `crates/sip/tests/torture`. The messages are in the text files beside this one.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod invalid;
mod ipv6;
#[path = "../table/mod.rs"]
mod table;
mod used;
mod valid;

use wire::sip::{Contacts, MalformedKind, Message, NameAddr, SipUri, Uri};

/// One message of an RFC.
pub struct Row {
    /// The RFC's name of it.
    name: &'static str,
    reads: Reads,
    /// Where this is not what the RFC suggests: why. Empty when it is.
    differs: &'static str,
}

enum Reads {
    Taken(fn(&Message)),
    Refused(MalformedKind),
}

impl Row {
    const fn taken(name: &'static str, check: fn(&Message)) -> Row {
        Row { name, reads: Reads::Taken(check), differs: "" }
    }

    const fn refused(name: &'static str, why: MalformedKind) -> Row {
        Row { name, reads: Reads::Refused(why), differs: "" }
    }

    const fn but(self, differs: &'static str) -> Row {
        Row { differs, ..self }
    }
}

/// Every message has its row and every row its message.
fn judge(text: &str, rows: &[Row]) {
    let cases = table::cases(text);
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, rows.iter().map(|row| row.name).collect::<Vec<_>>());
    for (case, row) in cases.into_iter().zip(rows) {
        match (Message::parse(case.bytes.into()), &row.reads) {
            (Ok(message), Reads::Taken(check)) => check(&message),
            (Err(why), Reads::Refused(kind)) => assert_eq!(why.kind, *kind, "{} {}", row.name, row.differs),
            (Ok(_), Reads::Refused(_)) => panic!("{} is taken", row.name),
            (Err(why), Reads::Taken(_)) => panic!("{} is refused: {why}", row.name),
        }
    }
}

#[test]
fn both_rfcs_are_here_whole() {
    let count = |text| table::cases(text).iter().filter(|case| !case.name.contains(' ')).count();
    assert_eq!(count(include_str!("rfc4475_valid.txt")), 13);
    assert_eq!(count(include_str!("rfc4475_invalid.txt")), 19);
    assert_eq!(count(include_str!("rfc4475_use.txt")), 17);
    assert_eq!(count(include_str!("rfc5118.txt")), 11);
}

/// The Request-URI.
fn target(message: &Message) -> SipUri<'_> {
    sip(message.request_uri().unwrap())
}

fn sip(uri: &[u8]) -> SipUri<'_> {
    *Uri::parse(uri).unwrap().sip().unwrap()
}

fn contacts(message: &Message) -> Vec<NameAddr<'_>> {
    match message.contacts().unwrap() {
        Contacts::Star => panic!("a star"),
        Contacts::List(list) => list.into_iter().collect(),
    }
}

fn sdp(message: &Message) -> wire::sdp::Session {
    assert!(message.has_content_type("application/sdp"));
    wire::sdp::Session::parse(message.body()).unwrap()
}
