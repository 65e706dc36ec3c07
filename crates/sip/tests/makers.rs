//! Habits of makers: a typical message of each, with who documents it, how it is read and how it is answered.
//!
//! `docs/tolerances.md` shows the same list to administrators. Single deviations, whoever has them, are in `tolerances.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod phone;
#[path = "../../wire/tests/table/mod.rs"]
mod table;

use phone::{Office, proof, udp};
use wire::sip::{Message, Name, Refresher};

struct Row {
    name: &'static str,
    /// Where the habit is documented.
    source: &'static str,
    /// The answer once credentials were shown; 0: another part of the exchange judges it.
    status: u16,
    reads: fn(&Message),
}

const ROWS: &[Row] = &[
    Row {
        name: "Yealink registers",
        source: "message examples in the administrator's guide of the SIP-T2 to T5 series",
        status: 200,
        reads: |m| {
            assert_eq!(m.top_via().unwrap().rport(), None);
            assert_eq!(m.values(Name::AllowEvents).count(), 5);
        },
    },
    Row {
        name: "Yealink watches a lamp",
        source: "the dialog subscription in the same guide",
        status: 0,
        reads: |m| {
            assert_eq!(m.event().unwrap().package, b"dialog");
            assert_eq!(m.expires(), Ok(Some(60)));
        },
    },
    Row {
        name: "Snom registers",
        source: "registration traces in Snom's user wiki",
        status: 200,
        reads: |m| {
            let contact = m.addresses(Name::Contact).next().unwrap().unwrap();
            let instance = &b"<urn:uuid:2f1c7a52-0000-4d7b-8c2d-000413260001>"[..];
            assert_eq!(contact.param("+sip.instance"), Some(Some(instance)));
            assert_eq!(contact.param("methods"), Some(Some(&b"INVITE,ACK,CANCEL,BYE"[..])));
            assert_eq!(m.other("x-real-ip").next(), Some(&b"192.0.2.77"[..]));
        },
    },
    Row {
        name: "Polycom calls in compact form",
        source: "`sendCompactHdrs` in the administrator's guide of SIP 1.4 and 2.2",
        status: 100,
        reads: |m| {
            assert!(m.supports("100rel") && m.supports("replaces"));
            assert_eq!(m.values(Name::AllowEvents).count(), 3);
        },
    },
    Row {
        name: "Polycom holds the old way",
        source: "\"Hold Implementation\" and `useRFC2543hold` in the same guides",
        status: 481,
        reads: |m| {
            let sdp = wire::sdp::Session::parse(m.body()).unwrap();
            assert!(sdp.rtp_address(&sdp.media[0]).unwrap().ip().is_unspecified());
        },
    },
    Row {
        name: "Grandstream forgets all registrations at its start",
        source: "\"Unregister On Reboot\" in the GXP1100 user manual",
        status: 200,
        reads: |m| assert!(matches!(m.contacts(), Ok(wire::sip::Contacts::Star))),
    },
    Row {
        name: "Grandstream calls a tel URI",
        source: "\"Tel URI\" in the GXP1100 user manual",
        status: 100,
        reads: |m| {
            assert!(m.asks_privacy("none"));
            assert_eq!(m.addresses(Name::PPreferredIdentity).filter(Result::is_ok).count(), 1);
        },
    },
    Row {
        name: "Cisco SPA calls",
        source: "dynamic payload types in Sipura's SPA-2000 user guide, whose firmware it is",
        status: 100,
        reads: |m| {
            assert!(m.supports("x-sipura"));
            let sdp = wire::sdp::Session::parse(m.body()).unwrap();
            assert!(sdp.media[0].codecs().iter().any(|codec| codec.payload == 100 && codec.name == "NSE"));
        },
    },
    Row {
        name: "Cisco SPA hangs up with its statistics",
        source: "the P-RTP-Stat header in the same guide",
        status: 481,
        reads: |m| assert!(m.other("P-RTP-Stat").next().unwrap().starts_with(b"PS=207,")),
    },
    Row {
        name: "AVM calls over IPv6 names",
        source: "a trace of a FRITZ!Box 7590 in issue 85 of haumacher/phoneblock",
        status: 100,
        reads: |m| {
            assert!(m.call_id().ends_with(b":fe34:c1e6"));
            let timer = m.session_expires().unwrap().unwrap();
            assert_eq!(
                (timer.seconds, timer.refresher, m.min_se()),
                (600, Some(Refresher::Uac), Ok(Some(90)))
            );
        },
    },
    Row {
        name: "MicroSIP registers",
        source: "outbound in issues 1020 and 5146 of pjsip/pjproject, on which it is built",
        status: 200,
        reads: |m| {
            assert!(m.supports("outbound") && m.supports("path"));
            let contact = m.addresses(Name::Contact).next().unwrap().unwrap();
            assert_eq!(contact.uri().unwrap().sip().unwrap().param("ob"), Some(None));
            assert_eq!(contact.param("reg-id"), Some(Some(&b"1"[..])));
        },
    },
    Row {
        name: "Zoiper registers",
        source: "a trace in issue 207 of drachtio/drachtio-server",
        status: 200,
        reads: |m| {
            let contact = m.addresses(Name::Contact).next().unwrap().unwrap();
            let uri = contact.uri().unwrap();
            assert_eq!(uri.sip().unwrap().param("transport"), Some(Some(&b"UDP"[..])));
        },
    },
];

#[test]
fn each_maker_s_messages_are_read_and_answered() {
    let cases = table::cases(include_str!("makers.txt"));
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ROWS.iter().map(|row| row.name).collect::<Vec<_>>());
    for (case, row) in cases.iter().zip(ROWS) {
        let about = format!("{} ({})", row.name, row.source);
        (row.reads)(&Message::parse(case.bytes.clone().into()).expect(&about));
        let mut office = Office::new();
        let answer = proof::answer_proven(&mut office, udp("192.0.2.77:5060"), &case.bytes, "101");
        if row.status != 0 {
            assert_eq!(answer.and_then(|answer| answer.status()), Some(row.status), "{about}");
        }
    }
}

#[test]
fn each_row_of_a_maker_is_shown_to_administrators() {
    let shown = include_str!("../../../docs/tolerances.md");
    for row in ROWS {
        let maker = row.name.split(' ').next().unwrap();
        assert!(shown.contains(&format!("| {maker}")), "docs/tolerances.md says nothing of {maker}");
    }
}
