//! The reader of RTCP (RFC 3550 6): a compound of reports, checked as appendix A.2 asks.

/// Most packets of one compound that are looked at; a phone sends two or three.
pub const PACKETS_MAX: usize = 16;

const BLOCK: usize = 24;

/// Why a datagram is no RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// A length points outside the datagram, or a packet is shorter than its kind.
    #[error("an RTCP packet is cut short")]
    Short,
    /// Another version than 2.
    #[error("an RTCP packet is not of version 2")]
    Version,
    /// A compound begins with a report (RFC 3550 6.1).
    #[error("an RTCP compound does not begin with a report")]
    NoReport,
    /// More than [`PACKETS_MAX`].
    #[error("an RTCP compound has too many packets")]
    TooMany,
}

/// The sender's part of a sender report (RFC 3550 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// The sender's clock, 32.32 seconds.
    pub ntp: u64,
    /// The same instant in units of the stream's timestamp.
    pub timestamp: u32,
    /// Packets sent.
    pub packets: u32,
    /// Payload bytes sent.
    pub octets: u32,
}

/// What a receiver says about one source (RFC 3550 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source reported on.
    pub ssrc: u32,
    /// Share lost since the last report, of 256.
    pub fraction_lost: u8,
    /// Packets lost in all; 24 bits, negative when duplicates came.
    pub lost: i32,
    /// Highest sequence number, cycles in the upper half.
    pub highest: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's clock; 0 for none.
    pub last_report: u32,
    /// Time since then, in 1/65,536 s.
    pub delay: u32,
}

/// Report blocks, read as they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Reports<'a>(&'a [u8]);

impl Iterator for Reports<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_first_chunk::<BLOCK>()?;
        self.0 = rest;
        let word = |at: usize| word(block, at);
        let loss = word(1)?;
        let [fraction_lost, ..] = loss.to_be_bytes();
        Some(ReportBlock {
            ssrc: word(0)?,
            fraction_lost,
            // The arithmetic shift keeps the sign of the 24 bits.
            lost: (loss << 8).cast_signed() >> 8,
            highest: word(2)?,
            jitter: word(3)?,
            last_report: word(4)?,
            delay: word(5)?,
        })
    }
}

/// Sources that leave.
#[derive(Clone, Copy, Debug)]
pub struct Bye<'a>(&'a [u8]);

impl Iterator for Bye<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (source, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*source))
    }
}

/// One packet of a compound.
#[derive(Clone, Copy, Debug)]
pub enum RtcpPacket<'a> {
    /// `SR`.
    SenderReport {
        /// Who reports.
        ssrc: u32,
        /// What it sent.
        info: SenderInfo,
        /// What it received.
        reports: Reports<'a>,
    },
    /// `RR`.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// What it received.
        reports: Reports<'a>,
    },
    /// `SDES`, unread: names are of no use to a relay.
    Description,
    /// `BYE`.
    Bye(Bye<'a>),
    /// Any other, by its packet type.
    Other(u8),
}

/// Reads a compound. Nothing of it should be used when any packet is an error.
pub fn compound(bytes: &[u8]) -> impl Iterator<Item = Result<RtcpPacket<'_>, RtcpError>> {
    Compound { rest: bytes, seen: 0 }
}

struct Compound<'a> {
    rest: &'a [u8],
    seen: usize,
}

impl<'a> Iterator for Compound<'a> {
    type Item = Result<RtcpPacket<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() && self.seen != 0 {
            return None;
        }
        let item = self.packet();
        if item.is_err() {
            self.rest = &[];
        }
        self.seen = self.seen.saturating_add(1);
        Some(item)
    }
}

impl<'a> Compound<'a> {
    fn packet(&mut self) -> Result<RtcpPacket<'a>, RtcpError> {
        if self.seen >= PACKETS_MAX {
            return Err(RtcpError::TooMany);
        }
        let [first, kind, l0, l1] = *self.rest.first_chunk().ok_or(RtcpError::Short)?;
        if first >> 6 != 2 {
            return Err(RtcpError::Version);
        }
        if self.seen == 0 && !matches!(kind, 200 | 201) {
            return Err(RtcpError::NoReport);
        }
        let words = usize::from(u16::from_be_bytes([l0, l1])).saturating_add(1);
        let (packet, rest) = self.rest.split_at_checked(words.saturating_mul(4)).ok_or(RtcpError::Short)?;
        self.rest = rest;
        body(first, kind, packet).ok_or(RtcpError::Short)
    }
}

/// `packet` is the whole packet with its head.
fn body(first: u8, kind: u8, packet: &[u8]) -> Option<RtcpPacket<'_>> {
    let count = usize::from(first & 0x1f);
    let mut body = packet.get(4..)?;
    if first & 0x20 != 0 {
        let padding = usize::from(*body.last()?);
        body = body.get(..body.len().checked_sub(padding)?)?;
    }
    let blocks = |at: usize| {
        let end = at.checked_add(count.checked_mul(BLOCK)?)?;
        body.get(at..end).map(Reports)
    };
    Some(match kind {
        200 => RtcpPacket::SenderReport {
            ssrc: word(body, 0)?,
            info: SenderInfo {
                ntp: (u64::from(word(body, 1)?) << 32) | u64::from(word(body, 2)?),
                timestamp: word(body, 3)?,
                packets: word(body, 4)?,
                octets: word(body, 5)?,
            },
            reports: blocks(24)?,
        },
        201 => RtcpPacket::ReceiverReport { ssrc: word(body, 0)?, reports: blocks(4)? },
        202 => RtcpPacket::Description,
        203 => RtcpPacket::Bye(Bye(body.get(..count.checked_mul(4)?)?)),
        other => RtcpPacket::Other(other),
    })
}

/// The big-endian word number `index`.
fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let at = index.checked_mul(4)?;
    bytes.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}
