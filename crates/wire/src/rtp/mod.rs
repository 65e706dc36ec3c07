//! RTP (RFC 3550), RTCP and telephone events (RFC 4733): views of bytes, and rewriting in place.
//!
//! A relay reads twelve bytes and writes ten of them, so nothing here copies or allocates.
//!
//! Not here: sequence arithmetic over time, statistics, sources: `media` keeps that state.

mod event;
mod header;
mod rtcp;
mod rtcp_write;

pub use event::TelephoneEvent;
pub use header::{FIXED_HEADER, Header, Rewrite, rewrite, write_header};
pub use rtcp::{Bye, PACKETS_MAX, ReportBlock, Reports, RtcpError, RtcpPacket, SenderInfo, compound};
pub use rtcp_write::{COMPOUND_MAX, Outgoing, write_compound};

/// What a datagram on a media port is, by its first two bytes (RFC 7983, RFC 5761 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// RTP, version 2.
    Rtp,
    /// RTCP, version 2.
    Rtcp,
    /// STUN (first byte 0 to 3).
    Stun,
    /// DTLS (first byte 20 to 63).
    Dtls,
    /// Nothing we know; an empty datagram too.
    Unknown,
}

/// Tells RTP, RTCP, STUN and DTLS apart without parsing.
#[must_use]
pub fn classify(bytes: &[u8]) -> Class {
    match bytes {
        [0..=3, ..] => Class::Stun,
        [20..=63, ..] => Class::Dtls,
        [128..=191, 192..=223, ..] => Class::Rtcp,
        [128..=191, _, ..] => Class::Rtp,
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests;
