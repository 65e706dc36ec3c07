//! Sections 3.2 to 3.4: readable, and for a transaction, a user agent or a registrar to judge.

use wire::digest::Credentials;
use wire::sip::{MalformedKind, Name, Uri};

use super::{Row, contacts, judge, sdp, sip, target};

#[test]
fn messages_for_higher_layers_are_read_right() {
    judge(include_str!("rfc4475_use.txt"), ROWS);
}

const ROWS: &[Row] = &[
    Row::taken("badbranch", |m| {
        assert_eq!(m.top_via().unwrap().branch(), Some(&b"z9hG4bK"[..]));
        assert!(!m.top_via().unwrap().has_magic_branch());
    }),
    Row::refused("insuf", MalformedKind::Missing(Name::From)),
    Row::taken("unkscm", |m| {
        let uri = Uri::parse(m.request_uri().unwrap()).unwrap();
        assert!(matches!(
            uri,
            Uri::Other { scheme: b"nobodyKnowsThisScheme", rest: b"totallyopaquecontent" }
        ));
    }),
    Row::taken("novelsc", |m| {
        let uri = Uri::parse(m.request_uri().unwrap()).unwrap();
        assert!(matches!(uri, Uri::Other { scheme: b"soap.beep", rest: b"//192.0.2.103:3002" }));
    }),
    Row::taken("unksm2", |m| {
        assert_eq!(m.to().unwrap().uri, b"isbn:2983792873");
        assert_eq!(m.from().unwrap().uri, b"http://www.example.com");
        assert_eq!(contacts(m)[0].uri, b"name:John_Smith");
    }),
    Row::taken("bext01", |m| {
        assert!(m.requires("nothingSupportsThis") && m.requires("NothingSupportsThisEither"));
        assert_eq!(m.values(Name::ProxyRequire).count(), 2);
    }),
    Row::taken("invut", |m| {
        assert!(m.has_content_type("application/unknownformat"));
        assert!(m.body().starts_with(b"<audio>"));
    }),
    Row::taken("regaut01", |m| {
        let value = m.first(Name::Authorization).unwrap();
        assert_eq!(value, b"NoOneKnowsThisScheme opaque-data=here");
        assert!(Credentials::parse(value).is_err());
    }),
    Row::refused("multi01", MalformedKind::Conflicting(Name::CSeq)),
    Row::refused("mcl01", MalformedKind::Conflicting(Name::ContentLength)),
    Row::taken("bcast", |m| {
        assert_eq!(m.status(), Some(200));
        let hosts: Vec<_> = m.vias().map(|via| via.unwrap().host.to_string()).collect();
        assert_eq!(hosts, ["192.0.2.198", "255.255.255.255"]);
    }),
    Row::taken("zeromf", |m| assert_eq!(m.max_forwards(), Ok(Some(0)))),
    Row::taken("cparam01", |m| {
        assert_eq!(contacts(m)[0].uri, b"sip:+19725552222@gw1.example.net");
        assert_eq!(contacts(m)[0].param("unknownparam"), Some(None));
    }),
    Row::taken("cparam02", |m| {
        assert!(contacts(m)[0].params.is_empty());
        assert_eq!(sip(contacts(m)[0].uri).param("unknownparam"), Some(None));
    }),
    Row::taken("regescrt", |m| {
        let uri = sip(contacts(m)[0].uri);
        assert_eq!(uri.headers, b"Route=%3Csip:sip.example.com%3E");
        let (name, value) = uri.uri_headers().next().unwrap();
        assert_eq!((&*name, &*value), (&b"Route"[..], &b"<sip:sip.example.com>"[..]));
    }),
    Row::taken("sdp01", |m| {
        assert_eq!(m.values(Name::Accept).next(), Some(&b"text/nobodyKnowsThis"[..]));
        assert_eq!(sdp(m).media.len(), 2);
    }),
    Row::taken("inv2543", |m| {
        assert_eq!((m.top_via().unwrap().branch(), m.from().unwrap().tag()), (None, None));
        assert_eq!(m.max_forwards(), Ok(None));
        assert_eq!(m.to().unwrap().uri, b"sip:+16505552222@ss1.example.net");
        assert_eq!(m.to().unwrap().param("user"), Some(Some(&b"phone"[..])));
        let route = m.record_routes().next().unwrap().unwrap();
        assert_eq!(sip(route.uri).param("maddr"), Some(Some(&b"ss1.example.com"[..])));
        assert_eq!((target(m).user, sdp(m).media.len()), (Some(&b"UserB"[..]), 1));
    }),
];
