//! Sessions brought as far as a test wants them.

use bytes::Bytes;
use model::Flow;
use model::directory::Nat;
use sip::{Invite, Party, SessionEvent, SessionId, Target};
use wire::sip::{Message, Name};

use super::{Office, SDP, Text, response, summary, udp};

pub const PHONE: &str = "192.0.2.2:5060";

pub fn caller() -> Flow {
    udp("192.0.2.1:5060")
}

/// An authenticated INVITE of 101 to 102; gives its session and the INVITE's text.
pub fn incoming(office: &mut Office) -> (SessionId, Text) {
    let invite = Text::invite("101", "102", caller());
    office.receive(caller(), &invite.to_string());
    let challenge = office.one();
    assert_eq!(challenge.status(), Some(401));
    let invite = invite.next().answering(&challenge, "password-of-101");
    office.receive(caller(), &invite.to_string());
    assert_eq!(summary(&office.sent()), ["100"]);
    match office.events().as_slice() {
        [SessionEvent::Incoming { session, dialled, caller, offer, .. }] => {
            assert_eq!((dialled.as_slice(), &*caller.username), (&b"102"[..], "101"));
            assert!(offer.is_some());
            (*session, invite)
        }
        other => panic!("{other:?}"),
    }
}

/// A request of the caller inside the dialog that `ok` opened.
pub fn inside(method: &str, cseq: u32, ok: &Message, flow: Flow) -> Text {
    let to = String::from_utf8_lossy(ok.first(Name::To).unwrap()).into_owned();
    let mut text = Text::new(method, "sip:198.51.100.1", "101", &to, flow);
    text.call_id = String::from_utf8_lossy(ok.call_id()).into_owned();
    (text.cseq, text.branch) = (cseq, cseq + 100);
    text
}

pub fn accepted(office: &mut Office) -> (SessionId, Message) {
    let (session, _) = incoming(office);
    office.stack.accept(office.now, session, Bytes::from_static(SDP.as_bytes()));
    let ok = office.one();
    assert_eq!(ok.status(), Some(200));
    (session, ok)
}

pub fn confirmed(office: &mut Office) -> (SessionId, Message) {
    let (session, ok) = accepted(office);
    office.receive(caller(), &inside("ACK", 2, &ok, caller()).to_string());
    assert!(matches!(office.events().as_slice(), [SessionEvent::Confirmed { .. }]));
    (session, ok)
}

pub fn outgoing(office: &mut Office) -> (SessionId, Message) {
    outgoing_on(office, udp(PHONE))
}

pub fn outgoing_on(office: &mut Office, flow: Flow) -> (SessionId, Message) {
    let target =
        Target { flow, uri: format!("sip:102@{PHONE}"), line: "102".into(), nat: Nat::Off, q: 1_000 };
    let from = Party { user: "101".into(), display: "Alice \"A\" Archer".into() };
    let to = Party { user: "102".into(), display: String::new() };
    let offer = Bytes::from_static(SDP.as_bytes());
    let session = office
        .stack
        .invite(
            office.now,
            Invite {
                target,
                from,
                to,
                identity: Default::default(),
                max_forwards: 69,
                offer,
                referred_by: None,
            },
        )
        .unwrap();
    (session, office.one())
}

pub fn answered(office: &mut Office) -> (SessionId, Message) {
    let (session, invite) = outgoing(office);
    office.receive(udp(PHONE), &response(&invite, 200, "callee", SDP));
    assert_eq!(summary(&office.sent()), ["ACK"]);
    assert!(matches!(office.events().as_slice(), [SessionEvent::Answered { answer: Some(_), .. }]));
    (session, invite)
}
