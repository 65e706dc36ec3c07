//! The fields of PRACK, session timers, transfer, events, reasons: what is read, what is refused, and that what is written is read.

#![allow(missing_docs, clippy::unwrap_used)]

use wire::sip::{
    Event, FieldError, Message, RAck, Reason, ReferTo, Refresher, Replaces, SessionExpires,
    SubscriptionPhase, SubscriptionState,
};

/// A request with these lines besides the mandatory ones.
fn with(lines: &str) -> Message {
    let text = format!(
        "INVITE sip:200@pbx.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:201@pbx.test>;tag=1\r\n\
         To: <sip:200@pbx.test>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{lines}\r\n"
    );
    Message::parse(text.into_bytes().into()).unwrap()
}

#[test]
fn rack_and_rseq_are_numbers_in_their_range() {
    let message = with("RSeq: 988789\r\nRAck: 776656  1 INVITE\r\n");
    assert_eq!(message.rseq(), Ok(Some(988_789)));
    let rack = message.rack().unwrap();
    assert_eq!((rack.rseq, rack.cseq.number, rack.cseq.token), (776_656, 1, &b"INVITE"[..]));
    assert_eq!(RAck::parse(rack.to_string().as_bytes()), Ok(rack));
    assert_eq!(with("").rseq(), Ok(None));
    assert_eq!(with("").rack(), Err(FieldError::Missing));
    for (value, why) in [
        ("0 1 INVITE", FieldError::Range),
        ("4294967296 1 INVITE", FieldError::Range),
        ("1 2147483648 INVITE", FieldError::Range),
        ("1", FieldError::Syntax),
        ("1 2", FieldError::Syntax),
        ("-1 2 INVITE", FieldError::Syntax),
        ("1 2 INVITE x", FieldError::Syntax),
    ] {
        assert_eq!(RAck::parse(value.as_bytes()), Err(why), "{value}");
    }
    assert_eq!(with("RSeq: 0\r\n").rseq(), Err(FieldError::Range));
}

#[test]
fn session_timers_have_an_interval_and_perhaps_a_refresher() {
    let message = with("x: 1800 ; Refresher=UAS;unknown\r\nMin-SE: 120;a=b\r\n");
    let timer = message.session_expires().unwrap().unwrap();
    assert_eq!(timer, SessionExpires { seconds: 1_800, refresher: Some(Refresher::Uas) });
    assert_eq!(timer.to_string(), "1800;refresher=uas");
    assert_eq!(message.min_se(), Ok(Some(120)));
    assert_eq!((with("").session_expires(), with("").min_se()), (Ok(None), Ok(None)));
    assert_eq!(
        SessionExpires::parse(b"99999999999"),
        Ok(SessionExpires { seconds: u32::MAX, refresher: None })
    );
    for value in ["", ";refresher=uac", "90;refresher=both", "90;refresher", "1h", "-90"] {
        assert_eq!(SessionExpires::parse(value.as_bytes()), Err(FieldError::Syntax), "{value}");
    }
    assert_eq!(SessionExpires::parse(b"90;refresher=uac;refresher=uas"), Err(FieldError::DuplicateParam));
}

#[test]
fn replaces_needs_both_tags_once() {
    let message = with("Replaces: 425928@bobster.example.org;to-tag=7743 ;from-tag=6472;early-only\r\n");
    let replaces = message.replaces().unwrap().unwrap();
    assert_eq!(
        replaces,
        Replaces {
            call_id: b"425928@bobster.example.org",
            to_tag: b"7743",
            from_tag: b"6472",
            early_only: true
        }
    );
    assert_eq!(Replaces::parse(&replaces.value()), Ok(replaces));
    assert_eq!(with("").replaces(), Ok(None));
    for value in [
        "a;to-tag=1",
        "a;from-tag=1",
        ";to-tag=1;from-tag=2",
        "a;to-tag=;from-tag=2",
        "a b;to-tag=1;from-tag=2",
    ] {
        assert_eq!(Replaces::parse(value.as_bytes()), Err(FieldError::Syntax), "{value}");
    }
    assert_eq!(Replaces::parse(b"a;to-tag=1;to-tag=2;from-tag=3"), Err(FieldError::DuplicateParam));
    let long = [vec![b'c'; 513], b";to-tag=1;from-tag=2".to_vec()].concat();
    assert_eq!(Replaces::parse(&long), Err(FieldError::TooMany));
}

#[test]
fn refer_to_holds_an_escaped_replaces() {
    let replaces = Replaces { call_id: b"a/b@192.0.2.1", to_tag: b"t=1", from_tag: b"f%", early_only: false };
    let value =
        [b"\"Carol\" <sip:202@pbx.test;user=phone?X=1&", &replaces.uri_header()[..], b">;x=y"].concat();
    let refer = ReferTo::parse(&value).unwrap();
    assert_eq!(refer.replaces(), Some(replaces));
    assert_eq!(refer.method, None);
    assert_eq!(refer.uri().unwrap().sip().unwrap().user, Some(&b"202"[..]));
    let message = with("r: <sip:203@pbx.test;method=BYE>\r\nb: <sip:201@pbx.test>;cid=\"x@y\"\r\n");
    let refer = message.refer_to().unwrap();
    assert_eq!((refer.method, refer.replaces()), (Some(&b"BYE"[..]), None));
    assert_eq!(message.referred_by().unwrap().unwrap().uri, b"sip:201@pbx.test");
    assert_eq!(with("Refer-To: <tel:+4930123>\r\n").refer_to().unwrap().replaces(), None);
    assert_eq!(with("").refer_to().unwrap_err(), FieldError::Missing);
    assert!(with("").referred_by().unwrap().is_none());
}

#[test]
fn refer_to_with_two_orders_or_a_broken_one_is_refused() {
    let one = "Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2";
    for uri in [
        format!("sip:202@pbx.test?{one}&replaces=b%3Bto-tag%3D1%3Bfrom-tag%3D2"),
        "sip:202@pbx.test?Replaces=a%3Bto-tag%3D1".to_owned(),
        "sip:202@pbx.test?Replaces".to_owned(),
        "sip:202@pbx.test?Replaces=a%0D%0ABcc%3B%3Bto-tag%3D1%3Bfrom-tag%3D2".to_owned(),
    ] {
        assert!(ReferTo::parse(format!("<{uri}>").as_bytes()).is_err(), "{uri}");
    }
}

#[test]
fn events_are_compared_by_bytes() {
    let message = with("o: presence.winfo;id=7\r\nSubscription-State: Active;expires=600\r\n");
    let event = message.event().unwrap();
    assert_eq!((event.package, event.id), (&b"presence.winfo"[..], Some(&b"7"[..])));
    assert!(event.matches(&Event::parse(b"presence.winfo;x;id=7").unwrap()));
    for other in ["Presence.winfo;id=7", "presence.winfo", "presence.winfo;id=8"] {
        assert!(!event.matches(&Event::parse(other.as_bytes()).unwrap()), "{other}");
    }
    for value in ["", ";id=1", "dia log", "dialog,presence"] {
        assert_eq!(Event::parse(value.as_bytes()).unwrap_err(), FieldError::Syntax, "{value}");
    }
    let state = message.subscription_state().unwrap();
    assert_eq!((state.phase, state.expires, state.reason), (SubscriptionPhase::Active, Some(600), None));
    let state = SubscriptionState::parse(b"terminated;reason=timeout;retry-after=5").unwrap();
    assert_eq!(state.phase, SubscriptionPhase::Terminated);
    assert_eq!((state.reason, state.retry_after), (Some(&b"timeout"[..]), Some(5)));
    assert_eq!(SubscriptionState::parse(b"waiting").unwrap().phase, SubscriptionPhase::Other);
    assert!(SubscriptionState::parse(b"active;expires=soon").is_err());
}

#[test]
fn option_tags_are_lists_over_several_lines() {
    let message = with("k: timer, Replaces\r\nSupported: path\r\nRequire: 100rel,nothing-known\r\n");
    assert!(message.supports("timer") && message.supports("replaces") && message.supports("path"));
    assert!(message.supports("100rel") && message.requires("100rel") && !message.requires("timer"));
    assert!(message.not_understood(&["100rel", "timer"]).eq([b"nothing-known"]));
}

#[test]
fn reasons_and_privacy_are_read() {
    let message = with(
        "Reason: SIP ;cause=200;text=\"Call completed elsewhere\", Q.850;cause=16\r\nPrivacy: id; critical\r\n",
    );
    let reasons: Vec<_> = message.reasons().collect();
    let elsewhere = Some(&b"Call completed elsewhere"[..]);
    assert_eq!(reasons[0], Ok(Reason { protocol: b"SIP", cause: Some(200), text: elsewhere }));
    assert_eq!(reasons[1], Ok(Reason { protocol: b"Q.850", cause: Some(16), text: None }));
    assert!(
        message.asks_privacy("ID") && message.asks_privacy("critical") && !message.asks_privacy("header")
    );
    assert!(Reason::parse(b"SIP;cause=x").is_err());
}
