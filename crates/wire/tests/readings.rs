//! Readings on which an exchange's safety hangs, each said outright.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use bytes::Bytes;
use wire::sip::limits::{MAX_HEADERS, MAX_LINE, MAX_MESSAGE, MAX_VIAS};
use wire::sip::{
    Contacts, FieldError, Host, MalformedKind, Message, Method, Name, NameAddr, Params, Uri, Values, Via,
    quote, reason_phrase, seconds, unescape, value_and_params,
};

const REQUEST: &str = "INVITE sip:202@pbx.example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n\
    From: <sip:201@pbx.example.com>;tag=1\r\n\
    To: <sip:202@pbx.example.com>\r\n\
    Call-ID: 1@192.0.2.1\r\n\
    CSeq: 1 INVITE\r\n";

fn parse(text: &str) -> Result<Message, MalformedKind> {
    Message::parse(Bytes::copy_from_slice(text.as_bytes())).map_err(|why| why.kind)
}

fn with(lines: &str) -> Result<Message, MalformedKind> {
    parse(&format!("{REQUEST}{lines}\r\n"))
}

fn user_of(address: &[u8]) -> Vec<u8> {
    match NameAddr::parse(address).unwrap().uri().unwrap() {
        Uri::Sip(uri) => uri.user_decoded().into_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_uri_inside_a_quoted_display_name_is_not_the_caller() {
    for address in [
        &br#""x, <sip:boss@corp.example>;tag=no" <sip:intruder@evil.example>;tag=yes"#[..],
        br#""\"<sip:boss@corp.example>\"" <sip:intruder@evil.example>;tag=yes"#,
        br#""\\" <sip:intruder@evil.example>;tag=yes;x="<sip:boss@corp.example>;tag=no""#,
    ] {
        assert_eq!(user_of(address), b"intruder");
        assert_eq!(NameAddr::parse(address).unwrap().tag(), Some(&b"yes"[..]));
        assert_eq!(Values::new(address).count(), 1);
    }
}

#[test]
fn an_address_with_two_readings_is_refused() {
    for address in [
        "x, <sip:boss@corp.example>",
        "sip:boss@corp.example <sip:intruder@evil.example>",
        "<sip:boss@corp.example> <sip:intruder@evil.example>",
        "<sip:boss@corp.example",
        "sip:boss@corp.example>",
        "\"boss <sip:boss@corp.example>",
        "<>",
        "",
        "boss",
        "<boss>",
        "*",
        "sip:boss@corp.example,x",
        "sip:boss@corp.example?Replaces=x",
        "<sip:boss@corp.example>;",
        "<sip:boss@corp.example>;;x",
        "<sip:boss@corp.example>;tag=a;Tag=b",
        "<sip:boss@corp.example>tag=a",
        "<sip:a@b@c.example>",
        "<sip:a@c.example;p=1;P=2>",
        "<sip:a%4@c.example>",
        "<sip:a%zz@c.example>",
        "<sip:@c.example>",
        "<sip:a@>",
        "<sip:>",
        "<sip:a@c.example:>",
        "<sip:a@c.example:x>",
        "<sip:a@c..example>",
        "<sip:a@1.2.3>",
        "<sip:a@[::1>",
        "<sip:a@[::1]x>",
        "<sip:a@[192.0.2.1]>",
        "<1sip:a@c.example>",
        "<tel:>",
        "<tel:12a;x=y;X=z>",
        "<tel:boss>",
    ] {
        assert!(NameAddr::parse(address.as_bytes()).is_err(), "{address}");
    }
}

#[test]
fn without_brackets_parameters_belong_to_the_header() {
    let address = NameAddr::parse(b"sip:a@b.example;tag=1;transport=tcp").unwrap();
    assert_eq!(address.uri, b"sip:a@b.example");
    assert_eq!(address.tag(), Some(&b"1"[..]));
    assert_eq!(address.param("TRANSPORT"), Some(Some(&b"tcp"[..])));
    let address = NameAddr::parse(b"<sip:a@b.example;tag=1>;lr").unwrap();
    assert_eq!(address.tag(), None);
    assert_eq!(address.param("lr"), Some(None));
}

#[test]
fn an_empty_tag_is_no_tag() {
    assert_eq!(NameAddr::parse(b"<sip:a@b.example>;tag=").unwrap().tag(), None);
}

#[test]
fn two_differing_single_values_are_refused_and_two_equal_ones_are_one() {
    for (line, name) in [
        ("Call-ID: 2", Name::CallId),
        ("i: 2", Name::CallId),
        ("CSeq: 2 INVITE", Name::CSeq),
        ("From: <sip:boss@pbx.example.com>;tag=1", Name::From),
        ("f: <sip:boss@pbx.example.com>;tag=1", Name::From),
        ("To: <sip:203@pbx.example.com>", Name::To),
    ] {
        assert_eq!(with(&format!("{line}\r\n")).unwrap_err(), MalformedKind::Conflicting(name), "{line}");
    }
    for (lines, name) in [
        ("Max-Forwards: 1\r\nMax-Forwards: 2\r\n", Name::MaxForwards),
        ("Content-Length: 0\r\nl: 1\r\n", Name::ContentLength),
        ("Expires: 0\r\nExpires: 1\r\n", Name::Expires),
        ("Refer-To: <sip:1@x.example>\r\nr: <sip:2@x.example>\r\n", Name::ReferTo),
    ] {
        assert_eq!(with(lines).unwrap_err(), MalformedKind::Conflicting(name), "{lines}");
    }
    assert!(with("i: 1@192.0.2.1\r\nMax-Forwards: 7\r\nMAX-FORWARDS : 7\r\n").is_ok());
}

#[test]
fn a_message_larger_than_a_datagram_is_refused() {
    let message = format!("{REQUEST}\r\n{}", "x".repeat(MAX_MESSAGE));
    assert_eq!(parse(&message).unwrap_err(), MalformedKind::TooLarge);
    let fits = format!("{REQUEST}\r\n{}", "x".repeat(MAX_MESSAGE - REQUEST.len() - 2));
    assert_eq!(parse(&fits).unwrap().body().len(), MAX_MESSAGE - REQUEST.len() - 2);
}

#[test]
fn headers_vias_and_lines_have_limits() {
    let lines = "X: y\r\n".repeat(MAX_HEADERS - 5);
    assert!(with(&lines).is_ok());
    assert_eq!(with(&format!("{lines}X: y\r\n")).unwrap_err(), MalformedKind::TooManyHeaders);

    let vias = format!("Via: {}\r\n", vec!["SIP/2.0/UDP a.example"; MAX_VIAS - 1].join(","));
    assert!(with(&vias).is_ok());
    assert_eq!(with(&format!("{vias}v: SIP/2.0/UDP b.example\r\n")).unwrap_err(), MalformedKind::TooManyVias);

    assert!(with(&format!("X:{}\r\n", "y".repeat(MAX_LINE))).is_ok());
    assert_eq!(with(&format!("X:{}\r\n", "y".repeat(MAX_LINE + 1))).unwrap_err(), MalformedKind::LineTooLong);
    let folds = format!("X: {}\r\n", "\r\n y".repeat(MAX_LINE / 4));
    assert_eq!(with(&folds).unwrap_err(), MalformedKind::LineTooLong);
    assert_eq!(with(&format!("{}: y\r\n", "n".repeat(256))).unwrap_err(), MalformedKind::HeaderName);
    assert!(with(&format!("{}: y\r\n", "n".repeat(255))).is_ok());
}

#[test]
fn the_index_grows_with_the_lines_there_are_and_not_with_what_is_claimed() {
    let few = with("Content-Length: 0\r\n").unwrap();
    assert!(few.index_capacity() <= 24);
    let many = with(&"X: y\r\n".repeat(100)).unwrap();
    assert!(many.index_capacity() <= 2 * 105, "{}", many.index_capacity());
    assert_eq!(with("Content-Length: 4000000000\r\n").unwrap_err(), MalformedKind::BodyTooShort);
    assert_eq!(
        with("Content-Length: 99999999999999999999999\r\n").unwrap_err(),
        MalformedKind::Field(Name::ContentLength, FieldError::Range)
    );
}

#[test]
fn bodies_end_where_content_length_says() {
    let message = parse(&format!("{REQUEST}Content-Length: 4\r\n\r\nbodyINVITE sip:x SIP/2.0\r\n")).unwrap();
    assert_eq!(message.body(), b"body");
    assert_eq!(message.body_bytes(), "body");
    assert!(message.bytes().ends_with(b"\r\n\r\nbody"));
    let rest = parse(&format!("{REQUEST}\r\nall of\r\n\r\nit")).unwrap();
    assert_eq!(rest.body(), b"all of\r\n\r\nit");
}

#[test]
fn headers_without_their_end_are_refused() {
    assert_eq!(parse(REQUEST).unwrap_err(), MalformedKind::NoEndOfHeaders);
    assert_eq!(parse(&format!("{REQUEST}\r")).unwrap_err(), MalformedKind::NoEndOfHeaders);
    assert_eq!(parse(&format!("{REQUEST}X: y")).unwrap_err(), MalformedKind::NoEndOfHeaders);
    assert_eq!(parse("").unwrap_err(), MalformedKind::Empty);
    assert_eq!(parse(&"\r\n".repeat(40)).unwrap_err(), MalformedKind::Empty);
}

#[test]
fn each_mandatory_field_must_be_there() {
    for (line, name) in
        REQUEST.lines().skip(1).zip([Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq])
    {
        let without = REQUEST.replace(&format!("{line}\r\n"), "");
        assert_eq!(parse(&format!("{without}\r\n")).unwrap_err(), MalformedKind::Missing(name));
    }
}

#[test]
fn methods_have_case_and_names_do_not() {
    let lower = REQUEST.replace("INVITE", "invite").replace("Call-ID", "cALL-iD");
    let message = parse(&format!("{lower}\r\n")).unwrap();
    assert_eq!(message.method(), Some(Method::Other));
    assert_eq!(message.method_text(), b"invite");
    assert_eq!(message.call_id(), b"1@192.0.2.1");
}

#[test]
fn a_version_other_than_two_is_said_to_be_one() {
    let other = REQUEST.replacen("SIP/2.0\r\n", "SIP/3.0\r\n", 1);
    assert_eq!(parse(&format!("{other}\r\n")).unwrap_err(), MalformedKind::Version);
    assert_eq!(parse("SIP/1.0 200 OK\r\n\r\n").unwrap_err(), MalformedKind::Version);
    assert_eq!(parse("OPTIONS * HTTP/1.1\r\n\r\n").unwrap_err(), MalformedKind::StartLine);
}

#[test]
fn numbers_have_bounds() {
    assert_eq!(with("Max-Forwards: 255\r\n").unwrap().max_forwards(), Ok(Some(255)));
    assert_eq!(with("Max-Forwards: 256\r\n").unwrap().max_forwards(), Err(FieldError::Range));
    assert_eq!(with("Max-Forwards: -1\r\n").unwrap().max_forwards(), Err(FieldError::Syntax));
    assert_eq!(with("Expires: 99999999999999999999999\r\n").unwrap().expires(), Ok(Some(u32::MAX)));
    assert_eq!(seconds(b"4294967296"), Ok(u32::MAX));
    assert_eq!(seconds(b"3600s"), Err(FieldError::Syntax));
    let highest = REQUEST.replace("CSeq: 1 ", "CSeq: 2147483647 ");
    assert_eq!(parse(&format!("{highest}\r\n")).unwrap().cseq().unwrap().number, 2_147_483_647);
}

#[test]
fn a_star_stands_alone() {
    assert!(matches!(with("Contact: *\r\n").unwrap().contacts(), Ok(Contacts::Star)));
    for lines in [
        "Contact: *, <sip:a@b.example>\r\n",
        "Contact: <sip:a@b.example>\r\nm: *\r\n",
        "Contact: *\r\nm: *\r\n",
    ] {
        assert_eq!(with(lines).unwrap().contacts().unwrap_err(), FieldError::Syntax, "{lines}");
    }
    let many = format!("Contact: {}\r\n", vec!["<sip:a@b.example>"; 65].join(","));
    assert_eq!(with(&many).unwrap().contacts().unwrap_err(), FieldError::TooMany);
}

#[test]
fn comma_lists_honour_quotes_and_brackets() {
    let values: Vec<_> =
        Values::new(b" <sip:a,b@x.example>;q=\"1,2\" , \"c,\\\",d\" <sip:e@x.example>,, f ").collect();
    assert_eq!(values, [&b"<sip:a,b@x.example>;q=\"1,2\""[..], b"\"c,\\\",d\" <sip:e@x.example>", b"f"]);
    assert_eq!(Values::new(b"a, \"b, c").collect::<Vec<_>>(), [&b"a"[..], b"\"b, c"]);
    assert_eq!(Values::new(b"").count(), 0);
}

#[test]
fn vias_are_read_in_all_their_forms() {
    let via = Via::parse(
        b"SIP / 2.0 / TLS [2001:db8::1] : 5061 ; rport = 1 ; received = 2001:db8::2;branch=z9hG4bKx",
    )
    .unwrap();
    assert_eq!(
        (via.transport, via.host, via.port),
        (&b"TLS"[..], Host::V6("2001:db8::1".parse().unwrap()), Some(5061))
    );
    assert_eq!(via.received(), Some("2001:db8::2".parse().unwrap()));
    assert_eq!(via.rport(), Some(Some(1)));
    assert_eq!(via.sent_by, b"[2001:db8::1] : 5061");
    for bad in [
        "SIP/2.0/UDP",
        "SIP/2.0/UDP;branch=x",
        "SIP/2.0/UDP:host",
        "SIP/3.0/UDP host",
        "HTTP/2.0/UDP host",
        "SIP/2.0/UDP host:99999",
        "SIP/2.0/UDP host;rport=x",
        "SIP/2.0/UDP host other",
        "SIP/2.0/UDP host;branch=a;branch=b",
        "SIP/2.0/UDP 2001:db8::1",
    ] {
        assert!(Via::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn parameters_are_found_without_case_and_limited() {
    let params = Params::parse(b" ; Flag ; Q = \"a;b\\\"c\" ;x=[::1]:5060").unwrap();
    assert_eq!(params.find("flag"), Some(None));
    assert_eq!(params.find("q"), Some(Some(&b"a;b\\\"c"[..])));
    assert_eq!(params.find("X"), Some(Some(&b"[::1]:5060"[..])));
    assert_eq!(params.find("y"), None);
    let many: String = (0..65).map(|n| format!(";p{n}=1")).collect();
    assert_eq!(Params::parse(many.as_bytes()), Err(FieldError::TooMany));
    let (value, params) = value_and_params(b"SIP ;cause=200;text=\"Call completed elsewhere\"").unwrap();
    assert_eq!((value, params.value("cause")), (&b"SIP"[..], Some(&b"200"[..])));
}

#[test]
fn uris_match_as_the_rfc_says() {
    for (a, b) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0:0::1]"),
        ("tel:+1-201-555-0123", "tel:+12015550123"),
        ("urn:service:sos", "URN:service:sos"),
    ] {
        assert!(same(a, b) && same(b, a), "{a} {b}");
    }
    for (a, b) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:a%3Bb@biloxi.com", "sip:a;b@biloxi.com"),
        ("sip:null-%00-null@example.com", "sip:null--null@example.com"),
        ("sip:bob:secret@biloxi.com", "sip:bob@biloxi.com"),
        ("sip:bob@biloxi.com;maddr=192.0.2.1", "sip:bob@biloxi.com"),
        ("tel:+1", "tel:1"),
        ("tel:100;phone-context=a.example", "tel:100"),
        ("urn:service:sos", "urn:service:sos.fire"),
        ("sip:100@a.example", "tel:100"),
    ] {
        assert!(!same(a, b) && !same(b, a), "{a} {b}");
    }
}

fn same(a: &str, b: &str) -> bool {
    Uri::parse(a.as_bytes()).unwrap().matches(&Uri::parse(b.as_bytes()).unwrap())
}

#[test]
fn unknown_and_listed_fields_are_found() {
    let message = with("X-Phone: a\r\nSupported: Timer, 100rel\r\nk: path\r\nx-phone: b\r\nContent-Type: Application / SDP ; a=b\r\n").unwrap();
    assert_eq!(message.other("X-PHONE").collect::<Vec<_>>(), [b"a", b"b"]);
    assert!(message.lists(Name::Supported, "timer") && message.lists(Name::Supported, "path"));
    assert!(!message.lists(Name::Supported, "gruu"));
    assert!(message.has_content_type("application/sdp"));
    assert!(!message.has_content_type("application/sdpx"));
}

#[test]
fn quoting_and_unescaping_are_inverse() {
    for text in ["", "plain", "\"", "\\", "a\"b\\c", "Müller"] {
        let quoted = quote(text);
        let inside = &quoted.as_bytes()[1..quoted.len() - 1];
        assert_eq!(unescape(inside), text.as_bytes());
        let address = format!("{quoted} <sip:a@b.example>");
        assert_eq!(NameAddr::parse(address.as_bytes()).unwrap().display_text(), text);
    }
    assert_eq!(quote("a\r\nb\0"), "\"ab\"");
    assert_eq!(unescape(b"a\r\n b"), &b"a  b"[..]);
}

#[test]
fn reason_phrases_exist_for_every_status() {
    for status in 0..1000 {
        assert!(!reason_phrase(status).is_empty());
    }
    assert_eq!(reason_phrase(486), "Busy Here");
    assert_eq!(reason_phrase(499), "Bad Request");
}

#[test]
fn a_message_is_shared_between_threads_without_a_copy() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let message = with("").unwrap();
    shared(&message);
    assert_eq!(message.clone().bytes().as_ptr(), message.bytes().as_ptr());
}

#[test]
fn showing_a_message_shows_no_header() {
    let message = with("Authorization: Digest response=\"secret\"\r\n").unwrap();
    assert_eq!(format!("{message:?}"), "Message(INVITE)");
}
