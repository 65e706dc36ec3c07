//! Streams are cut where the lengths say, however the bytes arrive.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use wire::sip::limits::{MAX_MESSAGE, MAX_PENDING};
use wire::sip::{Frame, FrameError, MalformedKind, Message, StreamFramer};

const FIRST: &str = "MESSAGE sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:a@b.c>\r\n\
    To: <sip:a@b.c>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\nl :\r\n 8\r\n\r\na\r\n\r\nb\r\n";
const SECOND: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h\r\nFrom: <sip:a@b.c>\r\n\
    To: <sip:a@b.c>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n";

fn frames(stream: &[u8], step: usize) -> Vec<Frame> {
    let mut framer = StreamFramer::new();
    let mut frames = Vec::new();
    for piece in stream.chunks(step) {
        framer.push(piece).unwrap();
        while let Some(frame) = framer.next().unwrap() {
            frames.push(frame);
        }
    }
    assert_eq!(framer.pending(), 0);
    frames
}

fn error(stream: &[u8]) -> MalformedKind {
    let mut framer = StreamFramer::new();
    framer.push(stream).unwrap();
    loop {
        match framer.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error"),
            Err(why) => return why.kind,
        }
    }
}

#[test]
fn messages_and_keep_alives_come_out_in_order() {
    let stream = format!("{FIRST}\r\n\r\n{SECOND}\r\n{FIRST}");
    let expected = [
        Frame::Message(FIRST.into()),
        Frame::KeepAlivePing,
        Frame::Message(SECOND.into()),
        Frame::KeepAlivePong,
        Frame::Message(FIRST.into()),
    ];
    assert_eq!(frames(stream.as_bytes(), stream.len()), expected);
    for frame in &expected {
        if let Frame::Message(bytes) = frame {
            assert_eq!(Message::parse(bytes.clone()).unwrap().bytes(), bytes);
        }
    }
}

#[test]
fn messages_are_the_same_however_the_bytes_arrive() {
    let stream = format!("{FIRST}{SECOND}{FIRST}{FIRST}");
    let whole = frames(stream.as_bytes(), stream.len());
    assert_eq!(whole.len(), 4);
    for step in 1..40 {
        assert_eq!(frames(stream.as_bytes(), step), whole, "in pieces of {step}");
    }
}

#[test]
fn a_ping_in_two_pieces_is_answered() {
    let mut framer = StreamFramer::new();
    framer.push(b"\r").unwrap();
    assert_eq!(framer.next(), Ok(None));
    framer.push(b"\n").unwrap();
    assert_eq!(framer.next(), Ok(Some(Frame::KeepAlivePong)));
    framer.push(b"\r\n").unwrap();
    assert_eq!(framer.next(), Ok(Some(Frame::KeepAlivePing)));
    framer.push(b"\r\n\r\n").unwrap();
    assert_eq!(framer.next(), Ok(Some(Frame::KeepAlivePing)));
    assert_eq!(framer.next(), Ok(None));
}

#[test]
fn a_message_whose_end_is_not_known_ends_the_stream() {
    let without = SECOND.replace("Content-Length: 0\r\n", "");
    assert_eq!(error(without.as_bytes()), MalformedKind::NoContentLength);
    let twice = SECOND.replace("Content-Length: 0\r\n", "Content-Length: 0\r\nl: 5\r\n");
    assert!(matches!(error(twice.as_bytes()), MalformedKind::Conflicting(_)));
    for bad in ["-1", "1x", "0x10", "", "99999999999999999999"] {
        let bad = SECOND.replace("Content-Length: 0", &format!("Content-Length: {bad}"));
        assert!(matches!(error(bad.as_bytes()), MalformedKind::Field(..)), "{bad}");
    }
    for huge in ["65535", "4294967295", "18446744073709551615"] {
        let huge = SECOND.replace("Content-Length: 0", &format!("Content-Length: {huge}"));
        assert_eq!(error(huge.as_bytes()), MalformedKind::TooLarge, "{huge}");
    }
}

#[test]
fn what_is_not_sip_is_refused_early() {
    assert_eq!(error(b"\x16\x03\x01"), MalformedKind::StartLine);
    assert_eq!(error(b" INVITE"), MalformedKind::StartLine);
    assert_eq!(error(&[b'x'; 10_000]), MalformedKind::LineTooLong);
    assert_eq!(error(&b"X: y\r\n".repeat(MAX_MESSAGE / 6 + 2)), MalformedKind::TooLarge);
    assert_eq!(error(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), MalformedKind::StartLine);
}

#[test]
fn pending_bytes_are_bounded() {
    let mut framer = StreamFramer::new();
    assert_eq!(framer.push(&vec![b'x'; MAX_PENDING]), Ok(()));
    assert_eq!(framer.push(b"x"), Err(FrameError));
    assert_eq!(framer.pending(), MAX_PENDING);
}
