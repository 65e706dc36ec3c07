//! What is written can be read back, and nothing written can add a line.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::SocketAddr;

use wire::sip::{Malformed, MalformedKind, Message, Name, Writer, bad_request, quote};

fn invite(top_via: &str) -> Message {
    let text = format!(
        "INVITE sip:202@pbx.example.com SIP/2.0\r\n\
         Via: {top_via}, SIP/2.0/TCP a.example;branch=z9hG4bKa\r\n\
         v: SIP/2.0/TCP b.example;branch=z9hG4bKb\r\n\
         From: \"A\r\n B\" <sip:201@pbx.example.com>;tag=1\r\n\
         To: <sip:202@pbx.example.com>\r\n\
         Call-ID: 1@192.0.2.1\r\n\
         CSeq: 7 INVITE\r\n\
         Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n\
         Record-Route: <sip:p3.example;lr>\r\n\r\n"
    );
    Message::parse(text.into()).unwrap()
}

fn top_via_of_answer(top_via: &str, source: &str) -> String {
    let source: SocketAddr = source.parse().unwrap();
    let bytes = Writer::answer(&invite(top_via), 200, "OK", Some(source), Some("t")).finish();
    let answer = Message::parse(bytes).unwrap();
    assert_eq!(answer.vias().count(), 3);
    String::from_utf8(answer.values(Name::Via).next().unwrap().to_vec()).unwrap()
}

#[test]
fn an_answer_goes_back_where_the_request_came_from() {
    let source = "198.51.100.9:40001";
    for (sent, answered) in [
        ("SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKx", "SIP/2.0/UDP 198.51.100.9:5060;branch=z9hG4bKx"),
        (
            "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx",
            "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx;received=198.51.100.9",
        ),
        (
            "SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bKx",
            "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKx;received=198.51.100.9;rport=40001",
        ),
        (
            "SIP/2.0/UDP 192.0.2.1;received=203.0.113.66;rport=1;branch=z9hG4bKx;x=\"a;b\"",
            "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx;x=\"a;b\";received=198.51.100.9;rport=40001",
        ),
        (
            "SIP/2.0/WS x.invalid;branch=z9hG4bKx",
            "SIP/2.0/WS x.invalid;branch=z9hG4bKx;received=198.51.100.9",
        ),
    ] {
        assert_eq!(top_via_of_answer(sent, source), answered);
    }
    assert_eq!(
        top_via_of_answer("SIP/2.0/UDP [2001:db8::1];branch=z9hG4bKx;rport", "[2001:db8::2]:5062"),
        "SIP/2.0/UDP [2001:db8::1];branch=z9hG4bKx;received=2001:db8::2;rport=5062"
    );
    assert_eq!(
        top_via_of_answer("SIP/2.0/UDP 198.51.100.9;branch=z9hG4bKx", "[::ffff:198.51.100.9]:5060"),
        "SIP/2.0/UDP 198.51.100.9;branch=z9hG4bKx"
    );
}

#[test]
fn an_answer_carries_what_the_rfc_asks_for() {
    let request = invite("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx");
    let mut writer = Writer::answer(&request, 180, "Ringing", None, Some("tag1"));
    let bytes = writer.copy_all(&request, Name::RecordRoute).finish();
    let answer = Message::parse(bytes).unwrap();
    assert_eq!((answer.status(), answer.reason()), (Some(180), &b"Ringing"[..]));
    assert_eq!(answer.to().unwrap().tag(), Some(&b"tag1"[..]));
    assert_eq!(answer.from().unwrap().display_text(), "A   B");
    assert_eq!(answer.call_id(), request.call_id());
    assert_eq!(answer.cseq().unwrap(), request.cseq().unwrap());
    assert_eq!(answer.record_routes().count(), 3);
    let text = String::from_utf8(request.bytes().to_vec()).unwrap();
    let empty =
        text.replace("To: <sip:202@pbx.example.com>", "To: x <sip:202@pbx.example.com> ;a=\"1\";tag=;b");
    let empty = Message::parse(empty.into()).unwrap();
    let filled = Message::parse(Writer::answer(&empty, 180, "", None, Some("t")).finish()).unwrap();
    assert_eq!(filled.first(Name::To), Some(&b"x <sip:202@pbx.example.com> ;a=\"1\";b;tag=t"[..]));
    let tagged = Writer::answer(&answer, 100, "Trying", None, Some("other")).finish();
    assert_eq!(Message::parse(tagged).unwrap().to().unwrap().tag(), Some(&b"tag1"[..]));
}

#[test]
fn no_value_can_add_a_line() {
    let evil = "x\r\nEvil: 1\r\n\r\nbody\0";
    let mut writer = Writer::request("INFO\r\nEvil: 1", "sip:x y\r\nEvil: 1");
    writer
        .header(Name::Via, "SIP/2.0/UDP 192.0.2.1")
        .header(Name::From, format!("{} <sip:a@b.example>;tag=1", quote(evil)))
        .header(Name::To, "<sip:a@b.example>")
        .header(Name::CallId, "1")
        .header(Name::Subject, evil)
        .header_fmt(Name::UserAgent, format_args!("{evil}"))
        .raw("X-Any", evil)
        .raw("Evil\r\n", "1")
        .raw("Evil: 1\r\nX", "1")
        .raw("", "1")
        .raw("Content-Length", "99")
        .raw("l", "99")
        .header(Name::ContentLength, "99")
        .header(Name::Other, "99")
        .header_fmt(Name::Other, format_args!("99"));
    let text = writer.body(evil, evil).finish();
    let head = text.split(|b| *b == b'\n').take_while(|line| line != b"\r");
    for line in head {
        let line = String::from_utf8_lossy(line);
        assert!(!line.starts_with("Evil") && !line.starts_with("99") && !line.starts_with(':'), "{line}");
    }
    let lines = text.split(|b| *b == b'\n').filter(|line| line.starts_with(b"Content-Length")).count();
    assert_eq!(lines, 1);
    assert!(text.starts_with(b"INFO--Evil--1 sip:x%20y%0D%0AEvil:%201 SIP/2.0\r\n"));
    assert!(text.ends_with(b"Content-Length: 19\r\n\r\nx\r\nEvil: 1\r\n\r\nbody\0"));
}

#[test]
fn a_body_is_carried_byte_by_byte() {
    let body: Vec<u8> = (0..=255).collect();
    let mut writer = Writer::request("MESSAGE", "sip:a@b.example");
    writer
        .header(Name::Via, "SIP/2.0/UDP 192.0.2.1")
        .header(Name::From, "<sip:a@b.example>")
        .header(Name::To, "<sip:a@b.example>")
        .header(Name::CallId, "1")
        .header(Name::CSeq, "1 MESSAGE");
    let message = Message::parse(writer.body("application/octet-stream", &body).finish()).unwrap();
    assert_eq!(message.body(), body);
    assert_eq!(message.content_type(), Some(&b"application/octet-stream"[..]));
}

#[test]
fn a_retransmitted_bad_request_gets_the_same_tag() {
    let bytes = b"OPTIONS sip:a b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b.c>\r\nTo: <sip:a@b.c>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
    let why = Message::parse(bytes.to_vec().into()).unwrap_err();
    assert_eq!(bad_request(bytes, &why), bad_request(bytes, &why));
    assert!(bad_request(bytes, &why).is_some());
    let ack = String::from_utf8(bytes.to_vec()).unwrap().replace("OPTIONS", "ACK");
    assert_eq!(bad_request(ack.as_bytes(), &why), None);
    assert_eq!(bad_request(b"", &Malformed { kind: MalformedKind::Empty }), None);
}
