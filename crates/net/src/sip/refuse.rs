//! Saying no when more comes in than can be served: to whom, how often, and at what cost.
//!
//! A refusal that costs as much as service serves nobody, so: an answer while there are few to give, then silence
//! over UDP, before anything is parsed. Only requests of whoever shows no credentials are judged by a glance; what
//! has an unusual look is parsed as ever. Not here: who waits, and how long (`inbox`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;
use model::Mono;
use wire::sip::{Message, Method, Name, Writer};

use crate::inbox::Urgency;

/// Refusals over UDP, to all together: 5,000 a second. Each costs some 20 microseconds with its ACK, so they take a tenth
/// of a core. Beyond it there is silence, and the sender's own timers ask again.
const EACH_NS: u64 = 200_000;
/// What may come at once: 1,000 of them.
const BURST: Duration = Duration::from_millis(200);
/// When who was refused may come back, in seconds.
const RETRY_AFTER: Range<u64> = 2..10;

/// How many refusals are left: kept as the time at which all are back (the generic cell rate algorithm).
#[derive(Default)]
pub(crate) struct Refusals {
    all_back_ns: AtomicU64,
}

impl Refusals {
    /// Whether none is left.
    pub(crate) fn are_spent(&self, now: Mono) -> bool {
        self.all_back_ns.load(Ordering::Relaxed) > now.after(BURST).as_nanos()
    }

    /// Takes one; false: say nothing.
    pub(crate) fn take(&self, now: Mono) -> bool {
        let next = |all_back: u64| {
            let next = all_back.max(now.as_nanos()) + EACH_NS;
            (all_back <= now.after(BURST).as_nanos()).then_some(next)
        };
        self.all_back_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

/// Whether a datagram is, at a glance, a request that begins something and shows no credentials. False wherever a
/// glance can't tell.
pub(crate) fn is_stranger(datagram: &[u8]) -> bool {
    let begins = |method: &&[u8]| datagram.starts_with(method);
    let methods: [&[u8]; 4] = [b"INVITE ", b"REGISTER ", b"OPTIONS ", b"SUBSCRIBE "];
    if !methods.iter().any(begins) {
        return false;
    }
    let head = memmem::find(datagram, b"\r\n\r\n").and_then(|end| datagram.get(..end)).unwrap_or(datagram);
    // Credentials have one spelling in practice; any other case of letters is for the parser.
    let shows_credentials =
        memmem::find(head, b"uthorization").or_else(|| memmem::find(head, b"UTHORIZATION"));
    let to = memmem::find(head, b"\r\nTo:").and_then(|at| head.get(at.saturating_add(5)..));
    let whole = |rest: &[u8]| {
        let end = memmem::find(rest, b"\r\n").unwrap_or(rest.len());
        let (line, next) = rest.split_at(end);
        // It goes on in the next line (RFC 3261 section 7.3.1): no glance.
        let is_folded = next.get(2).is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        !is_folded && memmem::find(&line.to_ascii_lowercase(), b"tag").is_none()
    };
    shows_credentials.is_none() && to.is_some_and(whole)
}

/// 503 to a request that is new (RFC 3261 section 21.5.4), the same to its retransmissions.
pub(crate) fn refusal(request: &Message) -> Option<Bytes> {
    if Urgency::of(request) == Urgency::InProgress {
        return None;
    }
    let hash = hash(request);
    let mut answer = Writer::answer(request, 503, "Overloaded", None, Some(&tag(hash)));
    // Spread, so that those who were refused together don't come back together.
    let wait = RETRY_AFTER.start + hash % (RETRY_AFTER.end - RETRY_AFTER.start);
    Some(answer.header_fmt(Name::RetryAfter, format_args!("{wait}")).finish())
}

/// Whether this is the ACK to a [`refusal`]: nobody waits for it.
pub(crate) fn ends_refusal(message: &Message) -> bool {
    message.method() == Some(Method::Ack)
        && message.to().is_ok_and(|to| to.tag().is_some_and(|found| found == tag(hash(message)).as_bytes()))
}

fn hash(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    (message.call_id(), message.cseq().ok().map(|cseq| cseq.number)).hash(&mut hasher);
    hasher.finish()
}

fn tag(hash: u64) -> String {
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, to: &str, more: &str) -> Vec<u8> {
        format!(
            "{method} sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
             {to}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    #[test]
    fn at_a_glance_only_a_new_request_without_credentials_is_a_stranger() {
        for (method, to, more, expected) in [
            ("INVITE", "To: <sip:b@x>", "", true),
            ("REGISTER", "To: <sip:b@x>", "", true),
            ("INVITE", "To: <sip:b@x>;tag=2", "", false),
            ("INVITE", "To: <sip:b@x> ; TAG=2", "", false),
            ("INVITE", "t: <sip:b@x>", "", false),
            ("INVITE", "TO : <sip:b@x>;tag=2", "", false),
            ("INVITE", "To: <sip:b@x>\r\n ;tag=2", "", false),
            ("INVITE", "To: <sip:b@x>", "Authorization: Digest username=\"a\"\r\n", false),
            ("REGISTER", "To: <sip:b@x>", "Proxy-Authorization: Digest username=\"a\"\r\n", false),
            ("REGISTER", "To: <sip:b@x>", "authorization: Digest username=\"a\"\r\n", false),
            ("REGISTER", "To: <sip:b@x>", "AUTHORIZATION: Digest username=\"a\"\r\n", false),
            ("ACK", "To: <sip:b@x>", "", false),
            ("BYE", "To: <sip:b@x>", "", false),
            ("CANCEL", "To: <sip:b@x>", "", false),
        ] {
            let request = request(method, to, more);
            assert_eq!(is_stranger(&request), expected, "{method} {to} {more}");
            let parsed = Message::parse(request.into()).unwrap();
            assert!(!expected || Urgency::of(&parsed) == Urgency::Unknown, "as the parser has it");
        }
        assert!(!is_stranger(b"SIP/2.0 200 OK\r\nTo: <sip:b@x>\r\n\r\n") && !is_stranger(b""));
    }

    #[test]
    fn the_ack_to_a_refusal_is_known_and_no_other() {
        let parse = |bytes: Vec<u8>| Message::parse(bytes.into()).unwrap();
        let invite = parse(request("INVITE", "To: <sip:b@x>", ""));
        let answer = Message::parse(refusal(&invite).unwrap()).unwrap();
        let tag = answer.to().unwrap().tag().map(String::from_utf8_lossy).unwrap().into_owned();
        let ack = |to: &str| parse(request("ACK", to, "").to_vec());
        assert!(ends_refusal(&ack(&format!("To: <sip:b@x>;tag={tag}"))));
        assert!(
            !ends_refusal(&ack("To: <sip:b@x>;tag=0123456789abcdef")) && !ends_refusal(&ack("To: <sip:b@x>"))
        );
        assert!(!ends_refusal(&parse(request("BYE", &format!("To: <sip:b@x>;tag={tag}"), ""))));
    }

    #[test]
    fn refusals_have_a_pace() {
        let (refusals, now) = (Refusals::default(), Mono::ZERO + Duration::from_secs(1));
        let given = |now| (0..10_000).filter(|_| refusals.take(now)).count();
        assert!(!refusals.are_spent(now));
        assert_eq!(given(now), 1_001);
        assert!(refusals.are_spent(now));
        assert_eq!(given(now + Duration::from_millis(100)), 500);
        assert!(!refusals.are_spent(now + Duration::from_millis(101)));
    }
}
