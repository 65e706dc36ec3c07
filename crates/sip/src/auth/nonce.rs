//! Nonces that need no memory until they are answered: dated, bound to the source, authenticated.
//!
//! A nonce is base64 of: 6 bytes time (monotonic milliseconds), 6 bytes salt, 16 bytes HMAC-SHA-256 (cut) over both
//! and the source. The source is an address for UDP, the connection for streams (SPEC R6.2), so
//! that a nonce is worth nothing elsewhere. Remembered is only which counts of answered nonces were used.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use model::{Entropy, Flow, Mono, Weakness, planted};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::limits::{MAX_ANSWERED_NONCES, NONCE_LIFE, NONCE_WINDOW};

const TIME: usize = 6;
const SALT: usize = 6;
const MAC: usize = 16;
const RAW: usize = TIME + SALT + MAC;

/// A nonce that is ours and current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Nonce {
    mac: [u8; MAC],
    issued_ms: u64,
}

/// What became of a nonce count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Never used before.
    First,
    /// Used before.
    Again,
    /// Too old to tell.
    OutOfWindow,
}

/// Which counts of a nonce were used. In the table's rows, of which there are many, without a gap for alignment.
#[derive(Clone, Copy, Debug)]
struct Counts {
    highest: u32,
    /// Bit n: `highest - n` was used; big-endian.
    used: [u8; 8],
}

/// The row of a nonce: the first half of its MAC, which nobody but us can choose.
type Row = [u8; 8];

/// Makes nonces and remembers which counts of them were used.
pub(crate) struct Nonces {
    key: Hmac<Sha256>,
    entropy: Entropy,
    answered: HashMap<Row, Counts, foldhash::fast::RandomState>,
    order: VecDeque<(Row, u64)>,
    /// Nonces issued at or before this are stale: their counts may have been forgotten.
    horizon_ms: u64,
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nonces").field("answered", &self.answered.len()).finish_non_exhaustive()
    }
}

impl Nonces {
    pub(crate) fn new(mut entropy: Entropy) -> Nonces {
        let mut key = [0; 64];
        entropy.fill(&mut key);
        Nonces {
            key: Hmac::new(&key.into()),
            entropy,
            answered: HashMap::default(),
            order: VecDeque::new(),
            horizon_ms: 0,
        }
    }

    /// A new nonce for whoever sends on this flow. Times start at 1, so that the horizon's 0 excludes nothing.
    pub(crate) fn make(&mut self, now: Mono, flow: &Flow) -> String {
        let mut raw = [0; RAW];
        let mut salt = [0; SALT];
        self.entropy.fill(&mut salt);
        let time = millis(now).to_be_bytes();
        let mac = self.mac(&time, &salt, flow);
        let parts = time.iter().skip(2).chain(&salt).chain(&mac);
        for (place, byte) in raw.iter_mut().zip(parts) {
            *place = *byte;
        }
        URL_SAFE_NO_PAD.encode(raw)
    }

    /// Reads a nonce; `None`: forged, expired, or given to another source.
    pub(crate) fn recognise(&self, now: Mono, flow: &Flow, text: &[u8]) -> Option<Nonce> {
        if planted(Weakness::AnyNonce) {
            let mut mac = [0; MAC];
            mac.iter_mut().zip(text.iter().rev()).for_each(|(byte, given)| *byte = *given);
            return Some(Nonce { mac, issued_ms: millis(now) });
        }
        let mut raw = [0; RAW];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut raw).ok()?;
        if length != RAW {
            return None;
        }
        let (time, rest) = raw.split_first_chunk::<TIME>()?;
        let (salt, rest) = rest.split_first_chunk::<SALT>()?;
        let mac = *rest.first_chunk::<MAC>()?;
        let [a, b, c, d, e, f] = *time;
        let issued = [0, 0, a, b, c, d, e, f];
        if !bool::from(self.mac(&issued, salt, flow).ct_eq(&mac)) {
            return None;
        }
        let issued_ms = u64::from_be_bytes(issued);
        let life = u64::try_from(NONCE_LIFE.as_millis()).unwrap_or(u64::MAX);
        let current = issued_ms > self.horizon_ms && issued_ms.saturating_add(life) >= millis(now);
        current.then_some(Nonce { mac, issued_ms })
    }

    /// Marks a nonce count as used. Answers without a count (RFC 2069) count as 0 and so pass once.
    pub(crate) fn use_up(&mut self, now: Mono, nonce: Nonce, count: u32) -> Use {
        let row = nonce.row();
        if let Some(counts) = self.answered.get_mut(&row) {
            return counts.use_up(count);
        }
        self.forget_expired(now);
        while self.answered.len() >= MAX_ANSWERED_NONCES {
            let Some((oldest, issued_ms)) = self.order.pop_front() else { break };
            self.answered.remove(&oldest);
            self.horizon_ms = self.horizon_ms.max(issued_ms);
        }
        self.answered.insert(row, Counts { highest: count, used: 1_u64.to_be_bytes() });
        self.order.push_back((row, nonce.issued_ms));
        Use::First
    }

    fn forget_expired(&mut self, now: Mono) {
        let life = u64::try_from(NONCE_LIFE.as_millis()).unwrap_or(u64::MAX);
        while let Some(&(oldest, issued_ms)) = self.order.front() {
            if issued_ms.saturating_add(life) >= millis(now) {
                break;
            }
            self.answered.remove(&oldest);
            self.order.pop_front();
        }
    }

    fn mac(&self, time: &[u8; 8], salt: &[u8; SALT], flow: &Flow) -> [u8; MAC] {
        let mut mac = self.key.clone();
        mac.update(time);
        mac.update(salt);
        if flow.transport.is_reliable() {
            mac.update(b"c");
            mac.update(&flow.id.0.to_be_bytes());
        } else {
            match flow.remote.ip().to_canonical() {
                IpAddr::V4(v4) => mac.update(&v4.octets()),
                // The whole address, also where a /64 is counted as one: inside, each address is counted for itself, and nobody must be
                // counted for what a neighbour was asked.
                IpAddr::V6(v6) => mac.update(&v6.octets()),
            }
        }
        let full = mac.finalize().into_bytes();
        full.first_chunk::<MAC>().copied().unwrap_or([0; MAC])
    }
}

impl Nonce {
    fn row(&self) -> Row {
        self.mac.first_chunk().copied().unwrap_or_default()
    }
}

impl Counts {
    fn use_up(&mut self, count: u32) -> Use {
        let used = u64::from_be_bytes(self.used);
        if count > self.highest {
            let ahead = count.saturating_sub(self.highest);
            self.used = (used.checked_shl(ahead).unwrap_or(0) | 1).to_be_bytes();
            self.highest = count;
            return Use::First;
        }
        let behind = self.highest.saturating_sub(count);
        if behind >= NONCE_WINDOW {
            return Use::OutOfWindow;
        }
        let bit = 1_u64.checked_shl(behind).unwrap_or(0);
        if used & bit != 0 {
            return Use::Again;
        }
        self.used = (used | bit).to_be_bytes();
        Use::First
    }
}

fn millis(now: Mono) -> u64 {
    (now.as_nanos() / 1_000_000).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use model::{FlowId, Transport};

    use super::*;

    fn flow(remote: &str, transport: Transport, id: u64) -> Flow {
        let local: SocketAddr = "127.0.0.1:5060".parse().unwrap();
        Flow { id: FlowId(id), transport, local, remote: remote.parse().unwrap() }
    }

    fn nonces() -> Nonces {
        Nonces::new(Entropy::from_seed([5; 32]))
    }

    #[test]
    fn a_nonce_is_worth_something_only_where_it_was_given() {
        let mut nonces = nonces();
        let udp = flow("192.0.2.1:5060", Transport::Udp, 1);
        let other_port = flow("192.0.2.1:9999", Transport::Udp, 1);
        let elsewhere = flow("192.0.2.2:5060", Transport::Udp, 1);
        let nonce = nonces.make(Mono::ZERO, &udp);
        assert!(nonces.recognise(Mono::ZERO, &udp, nonce.as_bytes()).is_some());
        assert!(nonces.recognise(Mono::ZERO, &other_port, nonce.as_bytes()).is_some());
        assert!(nonces.recognise(Mono::ZERO, &elsewhere, nonce.as_bytes()).is_none());
        let udp = flow("[2001:db8::1]:5060", Transport::Udp, 1);
        let neighbour = flow("[2001:db8::2]:5060", Transport::Udp, 1);
        let nonce = nonces.make(Mono::ZERO, &udp);
        assert!(nonces.recognise(Mono::ZERO, &udp, nonce.as_bytes()).is_some());
        assert!(
            nonces.recognise(Mono::ZERO, &neighbour, nonce.as_bytes()).is_none(),
            "who may be counted for itself"
        );
        let one = flow("192.0.2.1:5060", Transport::Tcp, 7);
        let two = flow("192.0.2.1:5060", Transport::Tcp, 8);
        let nonce = nonces.make(Mono::ZERO, &one);
        assert!(nonces.recognise(Mono::ZERO, &one, nonce.as_bytes()).is_some());
        assert!(nonces.recognise(Mono::ZERO, &two, nonce.as_bytes()).is_none());
    }

    #[test]
    fn a_forged_or_old_nonce_is_not_recognised() {
        let mut nonces = nonces();
        let udp = flow("[2001:db8::1]:5060", Transport::Udp, 1);
        let nonce = nonces.make(Mono::ZERO, &udp);
        let late = Mono::ZERO + NONCE_LIFE + Duration::from_millis(2);
        assert!(nonces.recognise(late, &udp, nonce.as_bytes()).is_none());
        for place in 0..nonce.len() {
            let mut forged = nonce.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            assert!(nonces.recognise(Mono::ZERO, &udp, &forged).is_none(), "byte {place}");
        }
        assert!(nonces.recognise(Mono::ZERO, &udp, b"").is_none());
    }

    #[test]
    fn counts_may_come_out_of_order_but_never_twice() {
        let mut nonces = nonces();
        let udp = flow("192.0.2.1:5060", Transport::Udp, 1);
        let text = nonces.make(Mono::ZERO, &udp);
        let nonce = nonces.recognise(Mono::ZERO, &udp, text.as_bytes()).unwrap();
        let mut take = |count| nonces.use_up(Mono::ZERO, nonce, count);
        assert_eq!(take(5), Use::First);
        assert_eq!(take(3), Use::First);
        assert_eq!(take(5), Use::Again);
        assert_eq!(take(3), Use::Again);
        assert_eq!(take(100), Use::First);
        assert_eq!(take(37), Use::First);
        assert_eq!(take(36), Use::OutOfWindow);
        assert_eq!(take(u32::MAX), Use::First);
    }

    #[test]
    fn a_full_table_makes_old_nonces_stale_rather_than_reusable() {
        let mut nonces = nonces();
        let udp = flow("192.0.2.1:5060", Transport::Udp, 1);
        let first = nonces.make(Mono::ZERO, &udp);
        let nonce = nonces.recognise(Mono::ZERO, &udp, first.as_bytes()).unwrap();
        nonces.use_up(Mono::ZERO, nonce, 1);
        let later = Mono::ZERO + Duration::from_secs(1);
        for _ in 0..MAX_ANSWERED_NONCES {
            let text = nonces.make(later, &udp);
            let nonce = nonces.recognise(later, &udp, text.as_bytes()).unwrap();
            nonces.use_up(later, nonce, 1);
        }
        assert!(nonces.answered.len() <= MAX_ANSWERED_NONCES);
        assert_eq!(size_of::<(Row, Counts)>(), 20, "a megabyte for all of them");
        assert!(nonces.recognise(later, &udp, first.as_bytes()).is_none());
    }
}
