//! How a leg's media was: what call records and `ringwall calls` show.

use std::time::Duration;

/// One direction of a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stream {
    /// RTP packets.
    pub packets: u64,
    /// Bytes of payload.
    pub octets: u64,
    /// Packets lost on the way; never negative, duplicates are not counted against losses.
    pub lost: u64,
    /// Interarrival jitter in milliseconds (RFC 3550 A.8); `None` before two packets.
    pub jitter_ms: Option<f64>,
}

impl Stream {
    /// Lost packets in percent of those expected; `None` when none were.
    #[must_use]
    pub fn loss_percent(&self) -> Option<f64> {
        let expected = self.packets.saturating_add(self.lost);
        (expected != 0).then(|| as_float(self.lost) * 100.0 / as_float(expected))
    }
}

/// A leg, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// From the peer to us, as we measured.
    pub received: Stream,
    /// From us to the peer: what we sent, and losses and jitter as the peer reported them.
    pub sent: Stream,
    /// Round trip by RTCP, the last one measured.
    pub rtt: Option<Duration>,
    /// Packets refused because of their source.
    pub refused: u64,
}

/// Counters stay far below 2^53.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn as_float(count: u64) -> f64 {
    count as f64
}
