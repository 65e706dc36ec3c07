//! One leg: everything the relay knows of one peer. Under 2 KB, since thousands live at a time.

use std::net::SocketAddr;
use std::time::Duration;

use model::{Entropy, Mono};
use wire::rtp::{Outgoing, Rewrite, write_compound, write_header};
use wire::sdp::Direction;

use crate::command::{Port, Remote, SMALL_MAX, Small};
use crate::id::LegId;
use crate::latch::{FOREIGN_PACKETS, Latch, later};
use crate::payload::{PayloadMap, Payloads, Role};
use crate::quality::Quality;
use crate::receiver::Receiver;
use crate::sender::Sender;
use crate::shard::{Config, SILENCE_FACTOR};
use crate::stage::{Protection, Tap, Transform};

/// Random bytes of a CNAME, written as twice as many digits (RFC 7022 4.2: 96 bits).
const CNAME_BYTES: usize = 12;

#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) local: SocketAddr,
    pub(crate) direction: Direction,
    /// What the peer's payload types mean.
    pub(crate) payloads: Payloads,
    /// What they become on the partner's leg.
    pub(crate) map: PayloadMap,
    pub(crate) partner: Option<LegId>,
    pub(crate) latch: Latch,
    pub(crate) receiver: Receiver,
    pub(crate) sender: Sender,
    pub(crate) protection: Protection,
    pub(crate) transform: Transform,
    pub(crate) tap: Tap,
    refused: u64,
    /// Refused ones that were no stragglers of the peer; counted until they are told of.
    strangers: u64,
    pub(crate) report_at: Mono,
    /// Which socket our RTCP leaves from.
    rtcp_port: Port,
    /// The one entry of the shard's timetable that counts.
    pub(crate) wake_at: Option<Mono>,
    /// Since the first bridge: reports and keep-alives go out.
    started: Option<Mono>,
    /// Since when the peer is expected to send.
    expected_since: Option<Mono>,
    heard_at: Option<Mono>,
    rtcp_heard: bool,
    /// The last RTP said that silence follows (RFC 3389).
    fell_silent: bool,
    dead_told: bool,
    cname: [u8; CNAME_BYTES],
}

impl Leg {
    pub(crate) fn new(id: LegId, local: SocketAddr, entropy: &mut Entropy) -> Self {
        let mut cname = [0; CNAME_BYTES];
        entropy.fill(&mut cname);
        Self {
            id,
            local,
            direction: Direction::Inactive,
            payloads: Payloads::default(),
            map: PayloadMap::default(),
            partner: None,
            latch: Latch::default(),
            receiver: Receiver::default(),
            sender: Sender::new(entropy),
            protection: Protection::None,
            transform: Transform::None,
            tap: Tap::None,
            refused: 0,
            strangers: 0,
            report_at: Mono::ZERO,
            rtcp_port: Port::Rtcp,
            wake_at: None,
            started: None,
            expected_since: None,
            heard_at: None,
            rtcp_heard: false,
            fell_silent: false,
            dead_told: false,
            cname,
        }
    }

    pub(crate) fn describe(
        &mut self,
        now: Mono,
        remote: Remote,
        payloads: Payloads,
        nat_source: Option<std::net::SocketAddr>,
    ) {
        self.latch.describe(now, remote.rtp, remote.rtcp, nat_source);
        self.direction = remote.direction;
        self.rtcp_port = remote.rtcp_port;
        self.payloads = payloads;
        self.expect(now);
    }

    /// Joined with a partner. The first time reports begin, and each time the learning window's clock.
    pub(crate) fn join(&mut self, now: Mono, partner: LegId, map: PayloadMap) {
        self.partner = Some(partner);
        self.map = map;
        self.started.get_or_insert(now);
        self.expect(now);
        if self.expected_since.is_some() {
            self.latch.expect(now);
        }
    }

    pub(crate) fn part(&mut self, now: Mono) {
        self.partner = None;
        self.expect(now);
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.is_some()
    }

    fn expect(&mut self, now: Mono) {
        let expected = self.partner.is_some() && self.direction.sends();
        if !expected {
            self.expected_since = None;
        } else if self.expected_since.is_none() {
            self.expected_since = Some(now);
            self.latch.expect(now);
            self.latch.resume(now);
        }
    }

    /// RTP of the peer came, of this role.
    #[inline]
    pub(crate) fn heard(&mut self, now: Mono, role: Option<Role>) {
        self.heard_at = Some(now);
        self.fell_silent = role == Some(Role::ComfortNoise);
        self.dead_told = false;
    }

    /// RTCP of the peer came.
    pub(crate) fn heard_rtcp(&mut self, now: Mono) {
        self.heard_at = Some(now);
        self.rtcp_heard = true;
        self.dead_told = false;
    }

    /// Counts a packet from a stranger. True for the one that is worth an event.
    pub(crate) fn refuse(&mut self, source: SocketAddr) -> bool {
        self.refused = self.refused.saturating_add(1);
        if self.latch.is_former_peer(source) || self.strangers >= FOREIGN_PACKETS {
            return false;
        }
        self.strangers = self.strangers.saturating_add(1);
        self.strangers == FOREIGN_PACKETS
    }

    /// Since when nothing came although media is expected.
    fn silent_since(&self) -> Option<Mono> {
        let expected = self.expected_since?;
        Some(self.heard_at.map_or(expected, |heard| heard.max(expected)))
    }

    /// When the peer counts as dead; see [`Config::dead_media`] for the rule.
    pub(crate) fn dead_at(&self, config: &Config) -> Option<Mono> {
        let since = self.silent_since().filter(|_| !self.dead_told)?;
        let may_be_silent = self.fell_silent || self.payloads.has_comfort_noise();
        let patient = self.heard_at.is_none() || (may_be_silent && !self.rtcp_heard);
        let factor = if patient { SILENCE_FACTOR } else { 1 };
        Some(later(since, config.dead_media.saturating_mul(factor)))
    }

    /// Tells the death, once: for how long nothing came.
    pub(crate) fn die(&mut self, now: Mono) -> Duration {
        self.dead_told = true;
        self.silent_since().map_or(Duration::ZERO, |since| now.saturating_since(since))
    }

    /// When a keep-alive is due, if nothing else is sent.
    pub(crate) fn keep_alive_at(&self, config: &Config) -> Option<Mono> {
        let started = self.started.filter(|_| self.latch.rtp().is_some())?;
        let since = self.sender.sent_at().map_or(started, |sent| sent.max(started));
        Some(later(since, config.keep_alive))
    }

    /// A keep-alive; `None` when every dynamic payload type has a meaning.
    pub(crate) fn keep_alive(&mut self, now: Mono) -> Option<Small> {
        let rewrite: Rewrite = self.sender.keep_alive(now, self.payloads.unused()?);
        let header = write_header(rewrite);
        let mut bytes = [0; SMALL_MAX];
        bytes.first_chunk_mut().map(|front| *front = header)?;
        Some(Small::new(bytes, header.len()))
    }

    /// Where our RTCP goes, and from which socket: the way of RTP when they share a port.
    pub(crate) fn rtcp_way(&self) -> Option<(Port, std::net::SocketAddr)> {
        let to = match self.rtcp_port {
            Port::Rtp => self.latch.rtp(),
            Port::Rtcp => self.latch.rtcp(),
        };
        Some((self.rtcp_port, to?))
    }

    /// Our report on this leg.
    pub(crate) fn report(&mut self, now: Mono, ends: bool) -> Option<Small> {
        let mut digits = [0; CNAME_BYTES * 2];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(self.cname) {
            *pair = [hex(byte >> 4), hex(byte & 15)];
        }
        let mut bytes = [0; SMALL_MAX];
        let outgoing = Outgoing {
            ssrc: self.sender.ssrc,
            sender: self.sender.info(now),
            report: self.receiver.report(now),
            cname: &digits,
            ends,
        };
        let length = write_compound(&mut bytes, &outgoing)?;
        Some(Small::new(bytes, length))
    }

    pub(crate) fn quality(&self) -> Quality {
        Quality {
            received: self.receiver.stream(),
            sent: self.sender.stream(),
            rtt: self.sender.rtt(),
            refused: self.refused,
        }
    }
}

fn hex(nibble: u8) -> u8 {
    b"0123456789abcdef".get(usize::from(nibble)).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_takes_less_than_two_kilobytes() {
        assert!(size_of::<Leg>() <= 1536, "{} bytes", size_of::<Leg>());
    }
}
