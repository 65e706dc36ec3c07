//! What we know of the stream a peer sends: sequence, losses and jitter (RFC 3550 A.1, A.3, A.8).
//!
//! Totals outlive a change of source within a leg, the state of one source does not.

use model::Mono;
use wire::rtp::{Header, ReportBlock};

use crate::quality::{Stream, as_float};

/// Packets missing in a row before it counts as a restart of the source (RFC 3550 A.1).
const DROPOUT_MAX: u16 = 3000;
/// How far back a packet may be and still count as late (RFC 3550 A.1).
const MISORDER_MAX: u16 = 100;

#[derive(Debug, Default)]
pub(crate) struct Receiver {
    source: Option<Source>,
    packets: u64,
    octets: u64,
    /// Losses of sources that are gone.
    lost_before: u64,
    /// Middle 32 bits of the peer's last sender report, and when it came.
    last_report: Option<(u32, Mono)>,
    jitter_known: bool,
}

#[derive(Debug)]
struct Source {
    ssrc: u32,
    base: u32,
    highest: u16,
    cycles: u32,
    /// The sequence that would make a jump a restart.
    restart: Option<u16>,
    received: u32,
    expected_prior: u32,
    received_prior: u32,
    clock: u32,
    transit: Option<u32>,
    /// Sixteen times the jitter, in timestamp units.
    jitter: u32,
}

impl Source {
    fn new(header: &Header, clock: u32) -> Self {
        Self {
            ssrc: header.ssrc,
            base: u32::from(header.sequence),
            highest: header.sequence,
            cycles: 0,
            restart: None,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
            clock,
            transit: None,
            jitter: 0,
        }
    }

    fn extended(&self) -> u32 {
        self.cycles | u32::from(self.highest)
    }

    fn expected(&self) -> u32 {
        self.extended().wrapping_sub(self.base).wrapping_add(1)
    }

    fn lost(&self) -> i64 {
        i64::from(self.expected()).saturating_sub(i64::from(self.received))
    }

    /// Follows the sequence (A.1). False when the source has restarted and must be begun anew.
    fn follow(&mut self, sequence: u16) -> bool {
        let ahead = sequence.wrapping_sub(self.highest);
        if ahead < DROPOUT_MAX {
            if sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.highest = sequence;
        } else if ahead <= 0_u16.wrapping_sub(MISORDER_MAX) {
            if self.restart == Some(sequence) {
                return false;
            }
            self.restart = Some(sequence.wrapping_add(1));
            return true;
        }
        self.received = self.received.wrapping_add(1);
        true
    }

    /// A.8, with the jitter kept sixteenfold.
    fn time(&mut self, now: Mono, timestamp: u32, clock: u32) {
        if clock != self.clock {
            self.clock = clock;
            self.transit = None;
            self.jitter = 0;
        }
        let transit = ticks(now.as_nanos(), clock).wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let difference = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            let decay = self.jitter.wrapping_add(8) >> 4;
            self.jitter = self.jitter.saturating_add(difference).saturating_sub(decay);
        }
    }
}

/// Whether the arrival of a packet says anything about jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// Its timestamp is the instant of its first sample.
    Sampled,
    /// It repeats a timestamp, as the packets of a telephone event do.
    Repeated,
}

impl Receiver {
    /// Counts a packet that passed the source check.
    #[inline]
    pub(crate) fn packet(&mut self, now: Mono, header: &Header, clock: u32, timing: Timing) {
        self.packets = self.packets.saturating_add(1);
        self.octets = self.octets.saturating_add(u64::try_from(header.payload.len()).unwrap_or(0));
        let goes_on =
            self.source.as_mut().is_some_and(|it| it.ssrc == header.ssrc && it.follow(header.sequence));
        if !goes_on {
            self.begin(header, clock);
        }
        if let Some(source) = &mut self.source
            && timing == Timing::Sampled
        {
            self.jitter_known |= source.transit.is_some();
            source.time(now, header.timestamp, clock);
        }
    }

    fn begin(&mut self, header: &Header, clock: u32) {
        let mut source = Source::new(header, clock);
        source.received = 1;
        if let Some(before) = self.source.replace(source) {
            let lost = u64::try_from(before.lost()).unwrap_or(0);
            self.lost_before = self.lost_before.saturating_add(lost);
        }
    }

    /// The peer's sender report came.
    pub(crate) fn sender_report(&mut self, now: Mono, ntp: u64) {
        self.last_report = Some((middle(ntp), now));
    }

    /// What our next report says; `None` while nothing was heard.
    pub(crate) fn report(&mut self, now: Mono) -> Option<ReportBlock> {
        let (last_report, delay) = match self.last_report {
            Some((stamp, at)) => (stamp, fixed_16(now.saturating_since(at).as_nanos())),
            None => (0, 0),
        };
        let source = self.source.as_mut()?;
        let expected = source.expected();
        let expected_interval = expected.wrapping_sub(source.expected_prior);
        let received_interval = source.received.wrapping_sub(source.received_prior);
        source.expected_prior = expected;
        source.received_prior = source.received;
        let lost_interval = i64::from(expected_interval).saturating_sub(i64::from(received_interval)).max(0);
        let fraction =
            lost_interval.saturating_mul(256).checked_div(i64::from(expected_interval)).unwrap_or(0);
        Some(ReportBlock {
            ssrc: source.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            lost: i32::try_from(source.lost().clamp(-0x0080_0000, 0x007f_ffff)).unwrap_or(0),
            highest: source.extended(),
            jitter: source.jitter >> 4,
            last_report,
            delay,
        })
    }

    /// Totals of the leg.
    pub(crate) fn stream(&self) -> Stream {
        let lost = self.source.as_ref().map_or(0, |source| u64::try_from(source.lost()).unwrap_or(0));
        let jitter = self.source.as_ref().filter(|_| self.jitter_known).map(|source| {
            let ticks = as_float(u64::from(source.jitter)) / 16.0;
            ticks * 1000.0 / f64::from(source.clock)
        });
        Stream {
            packets: self.packets,
            octets: self.octets,
            lost: self.lost_before.saturating_add(lost),
            jitter_ms: jitter,
        }
    }
}

/// Nanoseconds as ticks of a clock, modulo 2^32 as timestamps are.
pub(crate) fn ticks(nanos: u64, clock: u32) -> u32 {
    let clock = u64::from(clock);
    let whole = (nanos / 1_000_000_000).wrapping_mul(clock);
    let part = (nanos % 1_000_000_000).wrapping_mul(clock) / 1_000_000_000;
    truncated(whole.wrapping_add(part))
}

/// Nanoseconds as 1/65,536 s, saturating.
fn fixed_16(nanos: u128) -> u32 {
    u32::try_from(nanos.saturating_mul(65_536) / 1_000_000_000).unwrap_or(u32::MAX)
}

/// The middle 32 bits of a 32.32 clock: what reports quote.
pub(crate) fn middle(ntp: u64) -> u32 {
    truncated(ntp >> 16)
}

/// The low half, as modular arithmetic wants it.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn truncated(wide: u64) -> u32 {
    wide as u32
}

#[cfg(test)]
mod tests;
