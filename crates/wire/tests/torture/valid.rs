//! Section 3.1.1: what a parser must take.

use wire::sip::{MalformedKind, Method, Name, percent_decode};

use super::{Row, contacts, judge, sdp, sip, target};

#[test]
fn valid_messages_are_read_right() {
    judge(include_str!("rfc4475_valid.txt"), ROWS);
}

const ROWS: &[Row] = &[
    Row::taken("wsinv", |m| {
        assert_eq!(m.method(), Some(Method::Invite));
        assert_eq!(target(m).user, Some(&b"vivekg"[..]));
        assert_eq!(target(m).param("unknownparam"), Some(None));
        assert_eq!(m.to().unwrap().tag(), Some(&b"1918181833n"[..]));
        assert_eq!(m.from().unwrap().display_text(), "J Rosenberg \\\"");
        assert_eq!(m.from().unwrap().tag(), Some(&b"98asjd8"[..]));
        assert_eq!((m.max_forwards(), m.cseq().unwrap().number), (Ok(Some(68)), 9));
        assert_eq!(m.cseq().unwrap().token, b"INVITE");
        let vias: Vec<_> = m.vias().map(Result::unwrap).collect();
        assert_eq!(vias.iter().map(|via| via.transport).collect::<Vec<_>>(), [&b"UDP"[..], b"TCP", b"UDP"]);
        assert_eq!(vias[0].branch(), Some(&b"390skdjuw"[..]));
        assert_eq!(vias[1].branch(), Some(&b"z9hG4bK9ikj8"[..]));
        assert_eq!(vias[2].branch(), Some(&b"z9hG4bK30239"[..]));
        assert_eq!(m.first(Name::Subject), Some(&b""[..]));
        assert_eq!(m.other("unknownheaderwithunusualvalue").next(), Some(&b";;,,;;,;"[..]));
        let route = m.routes().next().unwrap().unwrap();
        assert_eq!(sip(route.uri).param("unknownwith"), Some(Some(&b"value"[..])));
        assert_eq!(contacts(m)[0].display_text(), "Quoted string \"\"");
        assert_eq!(contacts(m)[0].param("newparam"), Some(Some(&b"newvalue"[..])));
        assert_eq!(contacts(m)[0].param("q"), Some(Some(&b"0.33"[..])));
        assert_eq!(sdp(m).media.len(), 2);
    }),
    Row::refused("intmeth", MalformedKind::Nul)
        .but("an escaped NUL ends the text for readers in C: two readings"),
    Row::taken("intmeth without its NUL", |m| {
        assert_eq!(m.method(), Some(Method::Other));
        assert_eq!(m.method_text(), b"!interesting-Method0123456789_*+`.%indeed'~");
        let uri = target(m);
        assert_eq!(uri.user, Some(&b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"[..]));
        assert_eq!(uri.password, Some(&b"&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"[..]));
        assert_eq!(uri.host.to_string(), "example.com");
        assert_eq!(m.to().unwrap().display_text(), "BEL:\u{7} DEL:\u{7f}");
        let from = m.from().unwrap();
        assert_eq!(from.display_text(), "token1~` token2'+_ token3*%!.-");
        assert_eq!(from.param("fromParam''~+*_!.-%"), Some(Some("работающий".as_bytes())));
        assert_eq!(from.tag(), Some(&b"_token~1'+`*%!-."[..]));
        assert_eq!(m.call_id(), b"intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
        assert_eq!((m.cseq().unwrap().number, m.max_forwards()), (139_122_385, Ok(Some(255))));
        let extension = m.other("extensionHeader-!.%*+_`'~").next();
        assert_eq!(extension, Some("\u{feff}大停電".as_bytes()));
    }),
    Row::taken("esc01", |m| {
        let uri = target(m);
        assert!(!uri.secure);
        assert_eq!(&*uri.user_decoded(), b"sips:user@example.com");
        assert_eq!(uri.host.to_string(), "example.net");
        assert_eq!(&*sip(m.to().unwrap().uri).user_decoded(), b"user");
        assert_eq!(&*sip(m.from().unwrap().uri).user_decoded(), b"I have spaces");
        let contact = contacts(m)[0];
        assert_eq!(&*sip(contact.uri).user_decoded(), b"caller");
        assert_eq!(sip(contact.uri).param("lr"), None); // an escaped name is not `lr` until decoded
        let decoded: Vec<_> = sip(contact.uri)
            .params
            .iter()
            .map(|param| {
                let value = param.value.unwrap_or_default();
                (percent_decode(param.name).into_owned(), percent_decode(value).into_owned())
            })
            .collect();
        assert_eq!(decoded, [(b"lr".to_vec(), vec![]), (b"name".to_vec(), b"value%41".to_vec())]);
        assert_eq!(m.has_content_type("application/sdp"), !m.body().is_empty());
    }),
    Row::taken("escnull", |m| {
        assert_eq!(&*sip(m.to().unwrap().uri).user_decoded(), b"null-\0-null");
        let users: Vec<_> = contacts(m).iter().map(|c| sip(c.uri).user_decoded().into_owned()).collect();
        assert_eq!(users, [b"\0".to_vec(), b"\0\0".to_vec()]);
        assert!(!sip(contacts(m)[0].uri).matches(&sip(contacts(m)[1].uri)));
    }),
    Row::taken("esc02", |m| {
        assert_eq!((m.method(), m.method_text()), (Some(Method::Other), &b"RE%47IST%45R"[..]));
        assert_eq!(m.to().unwrap().display_text(), "%Z%45");
        assert_eq!(m.top_via().unwrap().branch(), Some(&b"z9hG4bK209%fzsnel234"[..]));
        assert_eq!(contacts(m).len(), 2); // C%6Fntact is another header
        assert_eq!(m.other("C%6Fntact").count(), 1);
    }),
    Row::taken("lwsdisp", |m| {
        assert_eq!(m.from().unwrap().display_text(), "caller");
        assert_eq!(m.from().unwrap().uri, b"sip:caller@example.com");
    }),
    Row::taken("longreq", |m| {
        let to = m.to().unwrap();
        assert_eq!(to.display_text().len(), "I have a user name of  proportion".len() + 30 * 7);
        assert_eq!(sip(to.uri).port, Some(6000));
        assert_eq!(sip(to.uri).params.iter().count(), 3);
        assert_eq!(m.from().unwrap().tag().unwrap().len(), 2 + 25 * 6);
        assert_eq!(m.from().unwrap().params.iter().count(), 3);
        assert_eq!(m.vias().filter(Result::is_ok).count(), 34);
        assert_eq!(m.vias().last().unwrap().unwrap().received(), Some("192.0.2.5".parse().unwrap()));
        assert_eq!(m.vias().last().unwrap().unwrap().branch().unwrap().len(), 40 * 4 + 15);
        assert_eq!(m.headers().filter(|h| h.name == Name::Other && h.raw_name.len() > 60).count(), 1);
        assert_eq!(m.call_id(), format!("longreq.one{}longcallid", "really".repeat(20)).as_bytes());
        assert_eq!(sdp(m).media.len(), 2);
    }),
    Row::taken("dblreq", |m| {
        assert_eq!((m.method(), m.body().len()), (Some(Method::Register), 0));
        assert_eq!(m.call_id(), b"dblreq.0ha0isndaksdj99sdfafnl3lk233412");
        assert!(m.bytes().ends_with(b"Content-Length: 0\r\n\r\n")); // the second request is surplus
    }),
    Row::taken("semiuri", |m| {
        let uri = target(m);
        assert_eq!(uri.user, Some(&b"user;par=u%40example.net"[..]));
        assert_eq!(&*uri.user_decoded(), b"user;par=u@example.net");
        assert!(uri.params.is_empty());
        assert_eq!(m.values(Name::Accept).count(), 6);
    }),
    Row::taken("transports", |m| {
        let transports: Vec<_> = m.vias().map(|via| via.unwrap().transport).collect();
        assert_eq!(transports, [&b"UDP"[..], b"SCTP", b"TLS", b"UNKNOWN", b"TCP"]);
    }),
    // The signature's bytes are stand-ins of ours with everything that could end a text; the frame around them is the RFC's.
    Row::taken("mpart01", |m| {
        assert_eq!(m.method(), Some(Method::Message));
        assert!(m.has_content_type("multipart/mixed"));
        assert!(m.body().starts_with(b"--7a9cbec02ceef655\r\n"));
        assert!(m.body().windows(6).any(|bytes| bytes == b"\0\0\r\r\n\n"));
        assert!(m.body().ends_with(b"--7a9cbec02ceef655--\r\n"));
    }),
    Row::taken("unreason", |m| {
        assert_eq!(m.status(), Some(200));
        assert_eq!(m.reason(), "= 2**3 * 5**2 но сто девяносто девять - простое".as_bytes());
        assert_eq!(sdp(m).media.len(), 2);
    }),
    Row::taken("noreason", |m| assert_eq!((m.status(), m.reason()), (Some(100), &b""[..]))),
];
