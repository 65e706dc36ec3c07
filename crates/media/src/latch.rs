//! Who may send media to a leg (R4.16): the learning window, and the peer that is pinned by it.
//!
//! A window opens when the peer's description changes. Candidates are the address in its SDP exactly and, for
//! `nat` lines, the address that its signalling comes from with any port. [`PINNING_PACKETS`] consistent packets
//! in a row (same source, same SSRC, sequence going up) pin a candidate; from then on every other source is
//! refused. The address of the SDP was agreed by signalling, so its packets pass while it proves itself, and it
//! may pin at any time; a candidate by IP alone passes only once pinned, and only within [`LEARNING_WINDOW`].
//!
//! When a `nat` line's signalling, proven, comes from elsewhere, its router has most likely given the media another port
//! too. The pinned peer stays, and [`Latch::reopen`] lets a candidate take its place: at the new signalling address or
//! the described one, by the same consistent packets, and only once the pinned peer has been silent for
//! [`RELEARN_SILENCE`]. A router that has moved a stream carries nothing from the old port any more; a phone that still
//! talks can't be pushed out by somebody who shares its address.
//!
//! Until somebody is pinned we send to the SDP address, never to a candidate: one forged packet must not turn a
//! stream towards an attacker (RTP bleed). RTCP is accepted from the described RTCP address and, when it comes
//! from elsewhere, from the pinned peer's IP; the first port heard there stays.
//!
//! Not here: what the packets say.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use model::{Mono, Weakness, planted};
use wire::rtp::Header;

/// Consistent packets that pin a peer: 60 ms of speech at 20 ms a packet.
pub const PINNING_PACKETS: u8 = 3;
/// Consistent packets that pin again, by IP alone, the very address that an earlier description had pinned. A
/// phone that moves leaves packets behind; 50 of them (a second) are no stragglers.
pub const STALE_PINNING_PACKETS: u8 = 50;
/// How long candidates by IP alone are considered, counted from when media is expected (bridged and not held).
/// Long enough for somebody to pick up late and mute at once, short enough to leave little to guess in a call.
pub const LEARNING_WINDOW: Duration = Duration::from_secs(60);
/// How long a pinned peer must have been silent before another source may take its place in a reopened window: ten
/// packets of speech, longer than jitter and shorter than anybody waits before saying "hello?".
pub const RELEARN_SILENCE: Duration = Duration::from_millis(200);
/// Sources tried at a time for one leg. More than these at one NAT address in one window are an attack; the
/// least proven one gives way.
pub const CANDIDATES_MAX: usize = 4;
/// Packets from strangers before they are told of: one or two may be left over from the port's last call.
pub const FOREIGN_PACKETS: u64 = 3;
/// Packets that may be missing between two consistent ones: a second's worth of bad network.
const GAP_MAX: u16 = 50;

/// What the source check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// From the peer.
    Accept,
    /// From the peer, which this packet pinned.
    Pinned,
    /// From a candidate that must prove itself first.
    Learning,
    /// From elsewhere.
    Foreign,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    sequence: u16,
    count: u8,
}

#[derive(Debug, Default)]
pub(crate) struct Latch {
    described: Option<SocketAddr>,
    described_rtcp: Option<SocketAddr>,
    /// Where the signalling comes from, for `nat` lines.
    signalling: Option<SocketAddr>,
    pinned: Option<SocketAddr>,
    pinned_rtcp: Option<SocketAddr>,
    /// What an earlier description had pinned.
    stale: Option<SocketAddr>,
    until: Option<Mono>,
    /// Somebody is pinned and may be replaced.
    reopened: Option<Reopened>,
    candidates: [Option<Candidate>; CANDIDATES_MAX],
}

/// A learning window beside a pinned peer.
#[derive(Clone, Copy, Debug)]
struct Reopened {
    until: Mono,
    /// When the pinned peer was last heard, or the window opened.
    heard: Mono,
}

/// IPv4 peers of a dual-stack socket appear as mapped addresses; SDP names them plainly.
pub(crate) fn canonical(source: SocketAddr) -> SocketAddr {
    match source {
        SocketAddr::V4(_) => source,
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(IpAddr::V4(v4), v6.port()),
            None => source,
        },
    }
}

/// Scope and flow label do not make another peer.
fn same(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip() == b.ip()
}

impl Latch {
    /// Takes a description over. A new address of RTP opens a window and unpins; another address of the signalling
    /// alone is [`Latch::reopen`], another one of RTCP alone unpins only RTCP. An unchanged or an unspecified description does nothing.
    pub(crate) fn describe(
        &mut self,
        now: Mono,
        rtp: SocketAddr,
        rtcp: SocketAddr,
        signalling: Option<SocketAddr>,
    ) {
        let (rtp, rtcp) = (canonical(rtp), canonical(rtcp));
        if rtp.ip().is_unspecified() || rtp.port() == 0 {
            return;
        }
        if self.described == Some(rtp) && self.described_rtcp == Some(rtcp) {
            return self.reopen(now, signalling);
        }
        if self.described == Some(rtp) {
            // Only RTCP moves, as when it joins RTP's port: who speaks is known, and stays.
            (self.described_rtcp, self.pinned_rtcp) = (Some(rtcp), None);
            return self.reopen(now, signalling);
        }
        *self = Self {
            described: Some(rtp),
            described_rtcp: Some(rtcp),
            signalling: signalling.map(canonical),
            stale: self.pinned.or(self.stale),
            ..Self::default()
        };
    }

    /// The peer's signalling comes from elsewhere now: its media may too.
    pub(crate) fn reopen(&mut self, now: Mono, signalling: Option<SocketAddr>) {
        let signalling = signalling.map(canonical);
        if self.signalling == signalling {
            return;
        }
        self.signalling = signalling;
        self.candidates = Default::default();
        let until = later(now, LEARNING_WINDOW);
        if self.pinned.is_some() {
            self.reopened = Some(Reopened { until, heard: now });
        } else {
            self.until = self.until.map(|_| until);
        }
    }

    /// Media is expected from now on: the window's time runs.
    pub(crate) fn expect(&mut self, now: Mono) {
        if self.pinned.is_none() {
            self.until = Some(later(now, LEARNING_WINDOW));
        }
    }

    /// Media is expected again after a hold: a window that nobody could have used begins anew.
    pub(crate) fn resume(&mut self, now: Mono) {
        if let Some(reopened) = &mut self.reopened {
            reopened.until = later(now, LEARNING_WINDOW);
        }
    }

    /// Judges the source of an RTP packet.
    #[inline]
    pub(crate) fn judge(&mut self, now: Mono, source: SocketAddr, header: &Header) -> Judgement {
        if planted(Weakness::AnySound) {
            return Judgement::Accept;
        }
        match self.pinned {
            Some(pinned) if same(pinned, source) => {
                if let Some(reopened) = &mut self.reopened {
                    reopened.heard = now;
                }
                Judgement::Accept
            }
            Some(_) => match self.reopened {
                Some(reopened) => self.learn_again(now, reopened, source, header),
                None => Judgement::Foreign,
            },
            None => self.learn(now, source, header),
        }
    }

    /// Somebody else than the pinned peer, in a reopened window.
    fn learn_again(
        &mut self,
        now: Mono,
        reopened: Reopened,
        source: SocketAddr,
        header: &Header,
    ) -> Judgement {
        if now >= reopened.until {
            self.reopened = None;
            return Judgement::Foreign;
        }
        let exact = self.described.is_some_and(|described| same(described, source));
        let by_ip = self.signalling.is_some_and(|at| at.ip() == source.ip());
        if !exact && !by_ip {
            return Judgement::Foreign;
        }
        if now < later(reopened.heard, RELEARN_SILENCE) || self.count(source, header) < PINNING_PACKETS {
            return Judgement::Learning;
        }
        self.stale = self.pinned.replace(source);
        (self.pinned_rtcp, self.reopened) = (None, None);
        self.candidates = Default::default();
        Judgement::Pinned
    }

    fn learn(&mut self, now: Mono, source: SocketAddr, header: &Header) -> Judgement {
        let exact = self.described.is_some_and(|described| same(described, source));
        let by_ip = self.signalling.is_some_and(|at| at.ip() == source.ip())
            && self.until.is_none_or(|until| now < until);
        if !exact && !by_ip {
            return Judgement::Foreign;
        }
        let is_stale = self.stale.is_some_and(|stale| same(stale, source));
        let needed = if is_stale && !exact { STALE_PINNING_PACKETS } else { PINNING_PACKETS };
        if self.count(source, header) >= needed {
            self.pinned = Some(source);
            self.candidates = Default::default();
            return Judgement::Pinned;
        }
        if exact { Judgement::Accept } else { Judgement::Learning }
    }

    /// Consistent packets of this source, this one included.
    fn count(&mut self, source: SocketAddr, header: &Header) -> u8 {
        let fresh = Candidate { source, ssrc: header.ssrc, sequence: header.sequence, count: 1 };
        let known = self.candidates.iter_mut().flatten().find(|candidate| same(candidate.source, source));
        if let Some(candidate) = known {
            let ahead = header.sequence.wrapping_sub(candidate.sequence);
            if candidate.ssrc != header.ssrc || ahead > GAP_MAX {
                *candidate = fresh;
            } else if ahead != 0 {
                candidate.sequence = header.sequence;
                candidate.count = candidate.count.saturating_add(1);
            }
            return candidate.count;
        }
        let least = self.candidates.iter_mut().min_by_key(|slot| slot.map_or(0, |slot| slot.count));
        if let Some(slot) = least {
            *slot = Some(fresh);
        }
        1
    }

    /// Judges the source of an RTCP packet, and keeps the first good one.
    pub(crate) fn judge_rtcp(&mut self, source: SocketAddr) -> Judgement {
        if let Some(pinned) = self.pinned_rtcp {
            return if same(pinned, source) { Judgement::Accept } else { Judgement::Foreign };
        }
        let from_peer = self.pinned.is_some_and(|pinned| pinned.ip() == source.ip());
        let exact = self.described_rtcp.is_some_and(|described| same(described, source));
        if from_peer || (exact && self.pinned.is_none()) {
            // Before RTP is pinned the address is believed, not kept: RTP decides.
            if self.pinned.is_some() {
                self.pinned_rtcp = Some(source);
            }
            return Judgement::Accept;
        }
        Judgement::Foreign
    }

    /// Whether a refused source is only the peer of before, whose description has changed.
    pub(crate) fn is_former_peer(&self, source: SocketAddr) -> bool {
        self.stale.is_some_and(|stale| same(stale, source))
    }

    /// Whether RTCP on the RTP port (agreed, or a phone that multiplexes unasked) comes from the peer.
    pub(crate) fn is_peer(&self, source: SocketAddr) -> bool {
        self.pinned.or(self.described).is_some_and(|peer| same(peer, source))
    }

    /// Where our RTP goes.
    #[inline]
    pub(crate) fn rtp(&self) -> Option<SocketAddr> {
        self.pinned.or(self.described)
    }

    /// Where our RTCP goes: where theirs came from; behind a NAT the port above RTP's, which is the best guess.
    pub(crate) fn rtcp(&self) -> Option<SocketAddr> {
        self.pinned_rtcp.or_else(|| match (self.pinned, self.described) {
            (Some(pinned), Some(described)) if pinned.ip() != described.ip() => {
                Some(SocketAddr::new(pinned.ip(), pinned.port().checked_add(1)?))
            }
            _ => self.described_rtcp,
        })
    }
}

/// `now + duration`, saturating.
pub(crate) fn later(now: Mono, duration: Duration) -> Mono {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    Mono::from_nanos(now.as_nanos().saturating_add(nanos))
}
