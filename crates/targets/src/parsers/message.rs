//! SIP messages and the streams that carry them.

use bytes::Bytes;
use wire::sip::limits::MAX_PENDING;
use wire::sip::{Frame, Message, Name, StreamFramer, Uri, Writer, bad_request};

/// A datagram: mandatory fields are readable, the index is no larger than its lines, an answer is a message, and written again it is
/// the same message.
pub fn message(input: &[u8]) {
    let bytes = Bytes::copy_from_slice(input);
    let message = match Message::parse(bytes.clone()) {
        Ok(message) => message,
        Err(why) => {
            if let Some(answer) = bad_request(&bytes, &why) {
                assert!(answer.len() <= input.len() + 256, "the answer is {} bytes", answer.len());
                let readable = Message::parse(answer.into()).is_ok();
                assert!(readable || why.status() == 505, "the answer can't be read");
            }
            return;
        }
    };
    assert!(message.index_capacity() <= 24 + input.len());
    assert!(message.top_via().is_ok() && message.from().is_ok() && message.to().is_ok());
    assert!(message.cseq().is_ok() && !message.call_id().is_empty());
    assert!(message.request_uri().is_none_or(|uri| Uri::parse(uri).is_ok()));
    assert!(input.len() >= message.bytes().len());
    typed(&message);
    let again = rewritten(&message);
    assert_eq!(again.method_text(), message.method_text());
    assert_eq!(again.request_uri(), message.request_uri());
    assert_eq!((again.status(), again.body()), (message.status(), message.body()));
    assert_eq!(fields_of(&again), fields_of(&message));
    if message.is_request() {
        let source = "198.51.100.9:40001".parse().ok();
        let answer = Writer::answer(&message, 404, "Not Found", source, Some("tag")).finish();
        let answer = Message::parse(answer).expect("an answer is a message");
        assert_eq!(answer.vias().count(), message.vias().count());
        assert!(answer.to().is_ok_and(|to| to.tag().is_some()));
    }
}

/// Every typed field is read, whatever it holds.
fn typed(message: &Message) {
    let _ = (message.max_forwards(), message.expires(), message.contacts().is_ok(), message.rseq());
    let _ = (message.rack(), message.session_expires(), message.min_se(), message.replaces());
    let _ = (message.referred_by().is_ok(), message.event().is_ok(), message.subscription_state().is_ok());
    let _ = (message.reasons().count(), message.asks_privacy("id"), message.supports("timer"));
    if let Ok(refer) = message.refer_to() {
        let _ = (refer.replaces(), refer.uri().is_ok());
    }
    for name in [Name::Route, Name::RecordRoute, Name::Diversion, Name::PAssertedIdentity, Name::HistoryInfo]
    {
        for address in message.addresses(name).flatten() {
            assert!(address.uri().is_ok());
        }
    }
}

fn rewritten(message: &Message) -> Message {
    let mut writer = match message.status() {
        Some(status) => Writer::response(status, message.reason()),
        None => Writer::request(message.method_text(), message.request_uri().unwrap_or_default()),
    };
    for header in message.headers().filter(|header| header.name != Name::ContentType) {
        writer.raw(header.raw_name, header.value);
    }
    let kind = message.content_type().unwrap_or(b"x/y");
    Message::parse(writer.body(kind, message.body()).finish()).expect("what was written is a message")
}

/// Fields in order, folds taken out; those that the writer makes itself left out.
fn fields_of(message: &Message) -> Vec<(Vec<u8>, Vec<u8>)> {
    let ours = |name| matches!(name, Name::ContentLength | Name::ContentType);
    let unfolded =
        |value: &[u8]| value.iter().map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { *b }).collect();
    let theirs = message.headers().filter(|header| !ours(header.name));
    theirs.map(|header| (header.raw_name.to_vec(), unfolded(header.value))).collect()
}

/// A stream: however its bytes arrive, the same comes out of it, and what waits is bounded.
pub fn stream(input: &[u8]) {
    let whole = frames(&[input]);
    let middle = input.len() / 3;
    let (a, b) = input.split_at(middle);
    let halves = frames(&[a, b]);
    let single: Vec<&[u8]> = input.chunks(1).collect();
    if let (Some(whole), Some(halves)) = (&whole, &halves) {
        assert_eq!(whole, halves);
    }
    if input.len() < 2_000
        && let (Some(whole), Some(single)) = (&whole, &frames(&single))
    {
        assert_eq!(whole, single);
    }
}

/// The messages; `None` when the stream was given up.
fn frames(pieces: &[&[u8]]) -> Option<Vec<Bytes>> {
    let mut framer = StreamFramer::new();
    let mut messages = Vec::new();
    for piece in pieces {
        framer.push(piece).ok()?;
        assert!(framer.pending() <= MAX_PENDING);
        while let Some(frame) = framer.next().ok()? {
            if let Frame::Message(bytes) = frame {
                messages.push(bytes);
            }
        }
    }
    Some(messages)
}
