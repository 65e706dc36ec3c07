//! The stream we send on a leg: our own SSRC, one sequence and one timeline, whoever the packets come from.
//!
//! Within one incoming source both move by a fixed offset, so that losses, reordering and pauses reach the peer as
//! they were. When the source changes (another SSRC, another partner, a restart) ours go on where they were: next
//! sequence number, timestamp ahead by the time that passed, marker set. The peer never sees a new stream.
//!
//! Not here: payload types (`payload`), addresses (`latch`).

use std::time::Duration;

use model::{Entropy, Mono};
use wire::rtp::{Header, ReportBlock, Rewrite, SenderInfo};

use crate::id::LegId;
use crate::quality::Stream;
use crate::receiver::{middle, ticks, truncated};

/// A jump ahead beyond this is a restart of the source (as RFC 3550 A.1 has it).
const AHEAD_MAX: u16 = 3000;
/// A packet further back than this is one too.
const BEHIND_MAX: u16 = 100;
/// Once a source has come this far, no packet from before its beginning can still arrive.
const SETTLED: u16 = 0x1000;
/// Round trips beyond this come from a broken or forged report.
const RTT_MAX: Duration = Duration::from_secs(30);

/// Which packets share offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Incoming {
    leg: LegId,
    ssrc: u32,
}

#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) ssrc: u32,
    /// The last ones sent; before the first packet, random.
    sequence: u16,
    timestamp: u32,
    clock: u32,
    sent_at: Option<Mono>,
    incoming: Option<Incoming>,
    incoming_highest: u16,
    /// First sequence number of the present source, while older ones may still arrive.
    floor: Option<u16>,
    sequence_offset: u16,
    timestamp_offset: u32,
    packets: u64,
    octets: u64,
    reported_lost: u64,
    reported_jitter: Option<u32>,
    rtt: Option<Duration>,
    /// Added to the clock in sender reports, so that they do not tell how long the host is up.
    ntp_base: u64,
}

impl Sender {
    pub(crate) fn new(entropy: &mut Entropy) -> Self {
        let bits = entropy.next_u64().to_be_bytes();
        let [s0, s1, t0, t1, t2, t3, ..] = bits;
        Self {
            ssrc: entropy.next_u32(),
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            clock: 8000,
            sent_at: None,
            incoming: None,
            incoming_highest: 0,
            floor: None,
            sequence_offset: 0,
            timestamp_offset: 0,
            packets: 0,
            octets: 0,
            reported_lost: 0,
            reported_jitter: None,
            rtt: None,
            ntp_base: entropy.next_u64(),
        }
    }

    /// The new header for a packet from `leg`; `None` for one from before the present source began.
    #[inline]
    pub(crate) fn rewrite(
        &mut self,
        now: Mono,
        leg: LegId,
        header: &Header,
        payload_type: u8,
        clock: u32,
    ) -> Option<Rewrite> {
        let incoming = Incoming { leg, ssrc: header.ssrc };
        let ahead = header.sequence.wrapping_sub(self.incoming_highest);
        let goes_on = self.incoming == Some(incoming)
            && (ahead <= AHEAD_MAX || ahead >= 0_u16.wrapping_sub(BEHIND_MAX));
        if !goes_on {
            self.begin(now, incoming, header, clock);
        } else if self.is_late(header.sequence) {
            return None;
        }
        let sequence = header.sequence.wrapping_add(self.sequence_offset);
        let timestamp = header.timestamp.wrapping_add(self.timestamp_offset);
        if !goes_on || ahead <= AHEAD_MAX {
            self.incoming_highest = header.sequence;
            self.sequence = sequence;
            self.timestamp = timestamp;
            self.clock = clock;
        }
        self.sent_at = Some(now);
        self.packets = self.packets.saturating_add(1);
        self.octets = self.octets.saturating_add(u64::try_from(header.payload.len()).unwrap_or(0));
        Some(Rewrite {
            marker: header.marker || !goes_on,
            payload_type,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        })
    }

    fn begin(&mut self, now: Mono, incoming: Incoming, header: &Header, clock: u32) {
        let sequence = self.sequence.wrapping_add(1);
        let timestamp = self.timeline(now);
        self.incoming = Some(incoming);
        self.incoming_highest = header.sequence;
        self.floor = Some(header.sequence);
        self.sequence_offset = sequence.wrapping_sub(header.sequence);
        self.timestamp_offset = timestamp.wrapping_sub(header.timestamp);
        self.clock = clock;
    }

    /// Our timestamp for this instant, at least one packet of 20 ms after the last one.
    fn timeline(&self, now: Mono) -> u32 {
        match self.sent_at {
            None => self.timestamp,
            Some(at) => {
                let passed = u64::try_from(now.saturating_since(at).as_nanos()).unwrap_or(u64::MAX);
                self.timestamp.wrapping_add(ticks(passed, self.clock).max(self.clock / 50))
            }
        }
    }

    fn is_late(&mut self, sequence: u16) -> bool {
        let Some(floor) = self.floor else { return false };
        let from_floor = sequence.wrapping_sub(floor).cast_signed();
        if from_floor.unsigned_abs() > SETTLED {
            self.floor = None;
        }
        from_floor < 0
    }

    /// An RTP packet without payload (RFC 6263 4.6). What comes next begins anew behind it.
    pub(crate) fn keep_alive(&mut self, now: Mono, payload_type: u8) -> Rewrite {
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timeline(now);
        self.incoming = None;
        self.sent_at = Some(now);
        self.packets = self.packets.saturating_add(1);
        Rewrite {
            marker: false,
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        }
    }

    /// The sender's part of our report; `None` before the first packet.
    pub(crate) fn info(&self, now: Mono) -> Option<SenderInfo> {
        let at = self.sent_at?;
        let passed = u64::try_from(now.saturating_since(at).as_nanos()).unwrap_or(u64::MAX);
        Some(SenderInfo {
            ntp: self.ntp(now),
            timestamp: self.timestamp.wrapping_add(ticks(passed, self.clock)),
            packets: truncated(self.packets),
            octets: truncated(self.octets),
        })
    }

    /// The clock of our reports: 32.32 seconds from a random start (RFC 3550 4 allows any common clock).
    fn ntp(&self, now: Mono) -> u64 {
        let nanos = now.as_nanos();
        let fraction = (nanos % 1_000_000_000).wrapping_shl(32) / 1_000_000_000;
        (nanos / 1_000_000_000).wrapping_shl(32).wrapping_add(fraction).wrapping_add(self.ntp_base)
    }

    /// What the peer says about our stream.
    pub(crate) fn reported(&mut self, now: Mono, block: &ReportBlock) {
        if block.ssrc != self.ssrc {
            return;
        }
        self.reported_lost = u64::try_from(block.lost).unwrap_or(0);
        self.reported_jitter = Some(block.jitter);
        if block.last_report != 0 {
            let round = middle(self.ntp(now)).wrapping_sub(block.last_report).wrapping_sub(block.delay);
            // Slightly negative comes from the rounding of both clocks.
            let round = if round > u32::MAX - 64 { 0 } else { round };
            let rtt = Duration::from_nanos(u64::from(round).saturating_mul(1_000_000_000) >> 16);
            if rtt <= RTT_MAX {
                self.rtt = Some(rtt);
            }
        }
    }

    pub(crate) fn sent_at(&self) -> Option<Mono> {
        self.sent_at
    }

    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// Totals of the leg; losses and jitter as the peer last reported them.
    pub(crate) fn stream(&self) -> Stream {
        Stream {
            packets: self.packets,
            octets: self.octets,
            lost: self.reported_lost,
            jitter_ms: self.reported_jitter.map(|ticks| f64::from(ticks) * 1000.0 / f64::from(self.clock)),
        }
    }
}
