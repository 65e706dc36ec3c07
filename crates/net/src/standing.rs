//! Who has standing: addresses to which we have sent a request of our own, or progress or success of one of theirs. Somebody
//! there has signed in or is in a call, so what comes from there may claim to belong to it (SPEC R4.17).
//!
//! Written by the control thread when it sends, asked by the reading threads for each message, without locks: a table of hashes
//! in sets of four. It forgets by being overwritten; an address that it forgot, or takes for another one's, is treated a little
//! worse or better under overload, and not at all differently otherwise. Not here: connections (`guard`), the queues (`inbox`).

use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use guard::Source;
use wire::sip::{Message, Method};

/// Sets of four places: 65,536 in all, half a megabyte; ten times the phones of the largest office.
const SETS: usize = 16_384;
const PLACES: usize = 4;

/// The table.
pub(crate) struct Standing {
    /// The lower bits alone choose the set: with one seed in 23 the fast hash crowds neighbouring addresses into few.
    hasher: foldhash::quality::RandomState,
    sets: Box<[[AtomicU64; PLACES]]>,
}

impl Default for Standing {
    fn default() -> Standing {
        let sets = std::iter::repeat_with(Default::default).take(SETS).collect();
        Standing { hasher: foldhash::quality::RandomState::default(), sets }
    }
}

impl Standing {
    /// Whether somebody at this address is known.
    pub fn has(&self, address: IpAddr) -> bool {
        let hash = self.hash(address);
        self.set(hash).iter().any(|place| place.load(Ordering::Relaxed) == hash)
    }

    /// Somebody at this address is known from now on.
    pub fn give(&self, address: IpAddr) {
        if self.has(address) {
            return;
        }
        let hash = self.hash(address);
        let set = self.set(hash);
        let free = set.iter().find(|place| place.load(Ordering::Relaxed) == 0);
        // The upper bits choose whom to forget: they are as random as those that chose the set.
        let oldest = set.get(usize::try_from(hash >> 62).unwrap_or_default());
        if let Some(place) = free.or(oldest) {
            place.store(hash, Ordering::Relaxed);
        }
    }

    /// The same, if what is sent there shows it.
    pub fn learn(&self, address: IpAddr, sent: &Bytes) {
        let is_answer = sent.starts_with(b"SIP/2.0 ");
        // Mostly he is known: nothing is parsed then.
        if (is_answer && !is_good_news(sent)) || self.has(address) {
            return;
        }
        if !is_answer || proves(sent) {
            self.give(address);
        }
    }

    fn hash(&self, address: IpAddr) -> u64 {
        // 0 is an empty place.
        self.hasher.hash_one(Source::of(address)).max(1)
    }

    fn set(&self, hash: u64) -> &[AtomicU64] {
        let index = usize::try_from(hash).unwrap_or_default() % SETS;
        self.sets.get(index).map_or(&[], |set| set.as_slice())
    }
}

fn is_good_news(sent: &Bytes) -> bool {
    sent.starts_with(b"SIP/2.0 1") || sent.starts_with(b"SIP/2.0 2")
}

/// Whether what we send shows that somebody has signed in: progress of a request or success, to anything but OPTIONS, which
/// asks for no password. The method is the one of CSeq; other headers name methods too.
pub(crate) fn proves(bytes: &Bytes) -> bool {
    is_good_news(bytes)
        && Message::parse(bytes.clone())
            .is_ok_and(|sent| sent.cseq().is_ok_and(|cseq| cseq.method != Method::Options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_and_success_prove_a_connection_unless_they_answer_options() {
        for (status, method, expected) in [
            ("200 OK", "INVITE", true),
            ("200 OK", "REGISTER", true),
            ("180 Ringing", "INVITE", true),
            ("200 OK", "OPTIONS", false),
            ("401 Unauthorized", "REGISTER", false),
            ("486 Busy Here", "INVITE", false),
        ] {
            // As long a Via as a stranger likes, and the list of methods that every answer of ours carries.
            for padding in ["", &"x".repeat(4_000)] {
                let answer = format!(
                    "SIP/2.0 {status}\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{padding}\r\n\
                     Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\nFrom: <sip:a@x>;tag=1\r\n\
                     To: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
                );
                assert_eq!(proves(&answer.into_bytes().into()), expected, "{status} to {method}");
            }
        }
    }

    #[test]
    fn who_was_called_or_let_in_has_standing_and_who_was_refused_has_none() {
        let answer = |status: &str, method: &str| {
            let answer = format!(
                "SIP/2.0 {status}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
                 To: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
            );
            Bytes::from(answer.into_bytes())
        };
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let standing = Standing::default();
        for refused in [answer("401 Unauthorized", "INVITE"), answer("200 OK", "OPTIONS")] {
            standing.learn(address("192.0.2.1"), &refused);
        }
        assert!(!standing.has(address("192.0.2.1")));
        standing.learn(address("192.0.2.1"), &answer("200 OK", "REGISTER"));
        standing.learn(address("2001:db8::5"), &Bytes::from_static(b"INVITE sip:b@x SIP/2.0"));
        assert!(standing.has(address("::ffff:192.0.2.1")) && standing.has(address("2001:db8::6")));
        assert!(!standing.has(address("192.0.2.2")));
    }

    #[test]
    fn an_office_has_room_and_strangers_take_nobodys_place() {
        let phone = |number: u32| IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number));
        // Each table hashes with a seed of its own.
        for _ in 0..100 {
            let standing = Standing::default();
            (0..10_000).for_each(|number| standing.give(phone(number)));
            let kept = (0..10_000).filter(|number| standing.has(phone(*number))).count();
            assert!(kept > 9_900, "{kept}");
            let taken_for_another =
                (0..10_000).filter(|number| standing.has(phone(0x10_0000 + number))).count();
            assert_eq!(taken_for_another, 0);
        }
    }
}
