//! Properties over mutated and generated messages: never a panic, bounded memory, bytes preserved, written text read back.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod table;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use wire::digest::{Challenge, Credentials};
use wire::sip::{
    Contacts, Frame, Host, Message, Name, NameAddr, Params, StreamFramer, Uri, Values, Via, Writer,
    bad_request, percent_decode, quote, unescape,
};

fn corpus() -> Vec<Vec<u8>> {
    [
        include_str!("messages/phones.txt"),
        include_str!("torture/rfc4475_valid.txt"),
        include_str!("torture/rfc4475_invalid.txt"),
        include_str!("torture/rfc4475_use.txt"),
        include_str!("torture/rfc5118.txt"),
        include_str!("messages/refused.txt"),
    ]
    .iter()
    .flat_map(|text| table::cases(text))
    .map(|case| {
        assert!(!case.name.is_empty());
        case.bytes
    })
    .collect()
}

/// One change of a message: bytes that grammar hangs on are likelier than others.
#[derive(Debug, Clone)]
enum Change {
    Put(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
}

fn grammar_byte() -> impl Strategy<Value = u8> {
    prop_oneof![3 => prop::sample::select(b"\r\n \t\0:;,<>\"\\@?=/[]%*".to_vec()), 1 => any::<u8>()]
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), grammar_byte()).prop_map(|(at, byte)| Change::Put(at, byte)),
        (at(), vec(grammar_byte(), 1..4)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), 1_usize..30).prop_map(|(at, n)| Change::Remove(at, n)),
        (at(), 1_usize..60).prop_map(|(at, n)| Change::Repeat(at, n)),
    ]
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    (prop::sample::select(corpus()), vec(change(), 0..6)).prop_map(|(mut bytes, changes)| {
        for change in changes {
            match change {
                Change::Put(at, byte) if !bytes.is_empty() => {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
                Change::Put(_, byte) => bytes.push(byte),
                Change::Insert(at, new) => {
                    let at = at.index(bytes.len() + 1);
                    bytes.splice(at..at, new);
                }
                Change::Remove(at, n) => {
                    let at = at.index(bytes.len() + 1);
                    bytes.drain(at..(at + n).min(bytes.len()));
                }
                Change::Repeat(at, n) => {
                    let at = at.index(bytes.len() + 1);
                    let piece = bytes[at..(at + n).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        bytes
    })
}

/// Reads everything there is to read.
fn exercise(message: &Message) {
    let _ = (message.max_forwards(), message.expires(), message.reason(), message.content_type());
    for via in message.vias().flatten() {
        let _ = (via.received(), via.rport(), via.host.to_string());
    }
    for header in message.headers() {
        let _ = NameAddr::parse(header.value).map(|a| (a.display_text().len(), a.uri().is_ok()));
        let _ = (Credentials::parse(header.value), Challenge::parse(header.value));
        assert!(Values::new(header.value).count() <= header.value.len());
    }
    if let Ok(Contacts::List(list)) = message.contacts() {
        assert!(list.iter().all(|contact| contact.uri().is_ok()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_message_causes_a_panic_and_none_costs_more_than_a_multiple(bytes in mutated()) {
        let bytes = Bytes::from(bytes);
        match Message::parse(bytes.clone()) {
            Ok(message) => {
                exercise(&message);
                prop_assert!(message.index_capacity() <= 24 + bytes.len());
                prop_assert!(message.top_via().is_ok() && message.from().is_ok() && message.to().is_ok());
                prop_assert!(message.cseq().is_ok() && !message.call_id().is_empty());
                prop_assert!(message.request_uri().is_none_or(|uri| Uri::parse(uri).is_ok()));
            }
            Err(why) => {
                if let Some(answer) = bad_request(&bytes, &why) {
                    prop_assert!(answer.len() <= bytes.len() + 256);
                    if why.status() != 505 {
                        let answer = Message::parse(answer.into()).unwrap();
                        prop_assert_eq!(answer.status(), Some(why.status()));
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_read_and_written_again_is_read_the_same(bytes in mutated()) {
        let Ok(message) = Message::parse(bytes.into()) else { return Ok(()) };
        let mut writer = match message.status() {
            Some(status) => Writer::response(status, message.reason()),
            None => Writer::request(message.method_text(), message.request_uri().unwrap()),
        };
        for header in message.headers() {
            writer.raw(header.raw_name, header.value);
        }
        let written = writer.finish();
        let again = Message::parse(written).unwrap();
        prop_assert_eq!(again.request_uri(), message.request_uri());
        prop_assert_eq!(again.method_text(), message.method_text());
        let without_length = |m: &Message| -> Vec<(Vec<u8>, Vec<u8>)> {
            m.headers()
                .filter(|header| header.name != Name::ContentLength)
                .map(|header| {
                    let unfolded = header.value.iter().map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { *b });
                    (header.raw_name.to_vec(), unfolded.collect())
                })
                .collect()
        };
        prop_assert_eq!(without_length(&again), without_length(&message));
    }

    #[test]
    fn an_answer_to_any_request_is_a_message_with_one_more_tag(bytes in mutated()) {
        let Ok(message) = Message::parse(bytes.into()) else { return Ok(()) };
        let source = "198.51.100.9:40001".parse().unwrap();
        let answer = Writer::answer(&message, 404, "Not Found", Some(source), Some("tag")).finish();
        let answer = Message::parse(answer).unwrap();
        prop_assert_eq!(answer.vias().count(), message.vias().count());
        prop_assert_eq!(answer.call_id(), message.call_id());
        let tag = message.to().unwrap().tag().map_or(b"tag".to_vec(), <[u8]>::to_vec);
        let answered = answer.to().unwrap().tag().map(<[u8]>::to_vec);
        prop_assert_eq!(answered, Some(tag));
    }

    #[test]
    fn a_stream_of_any_bytes_is_cut_without_a_panic(pieces in vec(vec(grammar_byte(), 0..40), 0..20), message in mutated()) {
        let mut framer = StreamFramer::new();
        for piece in pieces.iter().chain([&message]) {
            if framer.push(piece).is_err() {
                return Ok(());
            }
            loop {
                match framer.next() {
                    Ok(Some(Frame::Message(bytes))) => { let _ = Message::parse(bytes); }
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
        }
    }

    #[test]
    fn no_field_parser_panics(bytes in vec(grammar_byte(), 0..60)) {
        let _ = (NameAddr::parse(&bytes), Via::parse(&bytes), Uri::parse(&bytes), Host::parse(&bytes), Params::parse(&bytes));
        let _ = (unescape(&bytes), percent_decode(&bytes), Values::new(&bytes).count());
        let _ = (Credentials::parse(&bytes), Challenge::parse(&bytes));
        let mut digest = b"Digest ".to_vec();
        digest.extend(&bytes);
        let _ = (Credentials::parse(&digest), Challenge::parse(&digest));
    }

    #[test]
    fn any_name_can_be_quoted(name in "\\PC*", user in "[a-z0-9]{1,8}") {
        let address = format!("{} <sip:{user}@b.example>;tag=1", quote(&name));
        let address = NameAddr::parse(address.as_bytes()).unwrap();
        prop_assert_eq!(address.display_text(), name);
        let uri = format!("sip:{user}@b.example");
        prop_assert_eq!(address.uri, uri.as_bytes());
    }

    #[test]
    fn a_uri_matches_itself(bytes in "sips?:([a-z0-9%;=+#-]{1,9}@)?[a-z.]{1,9}(:[0-9]{1,4})?(;[a-z]{1,4}(=[a-z0-9]{1,4})?){0,3}") {
        if let Ok(uri) = Uri::parse(bytes.as_bytes()) {
            prop_assert!(uri.matches(&uri));
        }
    }
}
