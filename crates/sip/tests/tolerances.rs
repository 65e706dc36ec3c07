//! The tolerance table: what phones get wrong and we take all the same, each with who needs it.
//!
//! A row is a name, who needs it, and how an ordinary REGISTER or INVITE is bent; the bent message must be taken like
//! the straight one. `docs/tolerances.md` shows the same list to administrators.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod phone;

use phone::{Office, Text, udp};

struct Row {
    what: &'static str,
    who: &'static str,
    bend: fn(&str) -> String,
}

const REGISTER: &[Row] = &[
    Row {
        what: "no Max-Forwards",
        who: "RFC 2543 phones; RFC 3261 section 16.3 tells proxies to take it",
        bend: |text| text.replace("Max-Forwards: 70\r\n", ""),
    },
    Row {
        what: "whitespace before the colon",
        who: "allowed by RFC 3261 section 7.3.1 (HCOLON)",
        bend: |text| text.replace("Expires:", "Expires \t:"),
    },
    Row {
        what: "compact and oddly cased header names",
        who: "RFC 3261 section 7.3.3",
        bend: |text| text.replace("Via:", "v:").replace("From:", "f:").replace("Contact:", "CONTACT:"),
    },
    Row {
        what: "a folded header",
        who: "RFC 3261 section 7.3.1; Cisco 79xx fold Contact",
        bend: |text| text.replace("Contact: ", "Contact:\r\n "),
    },
    Row {
        what: "a branch without the magic cookie",
        who: "RFC 2543 phones (RFC 3261 section 17.2.3)",
        bend: |text| text.replace("branch=z9hG4bK-", "branch=1-"),
    },
    Row {
        what: "no rport in Via",
        who: "Cisco SPA and older Polycom without NAT settings (RFC 3581 is optional)",
        bend: |text| text.replace(";rport", ""),
    },
    Row {
        what: "no angle brackets around From and To",
        who: "RFC 3261 section 20.10 allows addr-spec",
        bend: |text| text.replace("To: <sip:101@pbx.example.com>", "To: sip:101@pbx.example.com"),
    },
    Row {
        what: "empty lines before the message",
        who: "RFC 3261 section 7.5; phones glue a keep-alive to it",
        bend: |text| format!("\r\n\r\n{text}"),
    },
    Row {
        what: "bytes that are no UTF-8 in a display name",
        who: "AVM and older Snom send Latin-1",
        // The byte itself is put in by the test: a Rust string can't hold it.
        bend: |text| text.replace("From: <", "From: \"J\u{1}rgen\" <"),
    },
    Row {
        what: "the algorithm in quotes",
        who: "Zoiper and some Panasonic",
        bend: |text| text.replace("algorithm=MD5", "algorithm=\"MD5\""),
    },
    Row {
        what: "qop without quotes and a short nonce count",
        who: "older X-Lite; RFC 2617 wants eight digits",
        bend: |text| text.replace("qop=\"auth\"", "qop=auth"),
    },
    Row {
        what: "unknown headers and parameters",
        who: "everybody",
        bend: |text| {
            text.replace("Expires:", "X-Vendor: a;b=\"c,d\"\r\nExpires:").replace(";rport", ";rport;x=y")
        },
    },
    Row {
        what: "an Expires parameter on the Contact instead of the header",
        who: "Yealink, Snom, Linphone",
        bend: |text| {
            text.replace("Expires: 120\r\n", "").replace("192.0.2.1:5060>", "192.0.2.1:5060>;expires=120")
        },
    },
];

#[test]
fn each_bent_register_is_taken_like_a_straight_one() {
    for row in REGISTER {
        let mut office = Office::new();
        let flow = udp("192.0.2.1:5060");
        let request = Text::register("101", flow);
        receive(&mut office, flow, &(row.bend)(&request.to_string()));
        let challenge = office.one();
        assert_eq!(challenge.status(), Some(401), "{} ({})", row.what, row.who);
        let answered = request.next().answering(&challenge, "password-of-101").to_string();
        receive(&mut office, flow, &(row.bend)(&answered));
        let answer = office.sent().pop().unwrap().1;
        assert_eq!(answer.status(), Some(200), "{} ({})", row.what, row.who);
        assert_eq!(office.stack.registrations(office.now).len(), 1, "{}", row.what);
    }
}

#[test]
fn a_user_part_in_the_request_uri_of_a_register_is_passed_over() {
    // Older Grandstream and Cisco SPA firmware.
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    let mut request = Text::register("101", flow);
    request.uri = "sip:101@pbx.example.com".into();
    assert_eq!(office.authenticated(flow, &request, "password-of-101").status(), Some(200));
}

#[test]
fn a_digest_uri_without_a_user_is_taken_and_one_for_another_host_is_not() {
    for (digest_uri, status) in
        [("sip:pbx.example.com:5060", 100), ("sip:elsewhere.example", 400), ("sip:103@pbx.example.com", 400)]
    {
        let mut office = Office::new();
        let flow = udp("192.0.2.1:5060");
        let invite = Text::invite("101", "102", flow);
        office.receive(flow, &invite.to_string());
        let challenge = office.one();
        let mut asked = invite.clone();
        asked.uri = digest_uri.into();
        let mut answered = asked.next().answering(&challenge, "password-of-101");
        answered.uri = invite.uri;
        office.receive(flow, &answered.to_string());
        assert_eq!(office.one().status(), Some(status), "{digest_uri}");
    }
}

#[test]
fn an_extensions_number_may_stand_in_to_when_a_line_of_it_authenticates() {
    let mut directory = phone::directory();
    let line = phone::line("101-mobile", "101", model::directory::DigestPolicy::Both);
    directory.lines.insert("101-mobile".into(), line);
    let mut office = Office::with(directory);
    let flow = udp("192.0.2.1:5060");
    let mut request = Text::register("101-mobile", flow);
    request.to = "<sip:101@pbx.example.com>".into();
    let answer = office.authenticated(flow, &request, "password-of-101-mobile");
    assert_eq!(answer.status(), Some(200));
}

#[test]
fn cseq_numbers_may_have_gaps_in_a_dialog_and_start_anywhere() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    let mut invite = Text::invite("101", "102", flow);
    invite.cseq = 2_147_000_000;
    assert_eq!(office.authenticated(flow, &invite, "password-of-101").status(), Some(100));
}

#[test]
fn a_response_without_rport_goes_to_the_port_in_via_unless_a_router_translated() {
    let mut office = Office::new();
    let flow = udp("192.0.2.1:5060");
    let mut options = Text::new("OPTIONS", "sip:pbx.example.com", "x", "<sip:x@y>", flow);
    options.via = "SIP/2.0/UDP 192.0.2.1:7000".into();
    office.receive(flow, &options.to_string());
    assert_eq!(office.sent()[0].0.remote.to_string(), "192.0.2.1:7000");
    options.via = "SIP/2.0/UDP 10.0.0.7:5060".into();
    office.receive(flow, &options.next().to_string());
    assert_eq!(office.sent()[0].0.remote.to_string(), "192.0.2.1:5060");
}

fn receive(office: &mut Office, flow: model::Flow, text: &str) {
    let bytes: Vec<u8> = text.bytes().map(|byte| if byte == 1 { 0xfc } else { byte }).collect();
    let message = wire::sip::Message::parse(bytes.into()).expect(text);
    office.stack.receive(office.now, flow, &message);
}
