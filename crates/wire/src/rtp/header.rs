//! The RTP header (RFC 3550 5.1): checked view, rewriting in place.

use std::ops::Range;

/// Bytes of the header without CSRCs and extension.
pub const FIXED_HEADER: usize = 12;

/// A header whose lengths were checked against the datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Start of a talk spurt, or of a telephone event.
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp, in units of the codec's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Contributing sources that follow, 0 to 15.
    pub csrc_count: u8,
    /// The header extension's bytes with its four-byte head, if any.
    pub extension: Option<Range<usize>>,
    /// The payload, without padding. Empty in a keep-alive.
    pub payload: Range<usize>,
}

impl Header {
    /// Checks and reads. `None` for another version, or when a length points outside the datagram.
    #[inline]
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let fixed: &[u8; FIXED_HEADER] = bytes.first_chunk()?;
        let [first, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *fixed;
        if first >> 6 != 2 {
            return None;
        }
        let csrc_count = first & 0x0f;
        let mut start = FIXED_HEADER.checked_add(usize::from(csrc_count).checked_mul(4)?)?;
        let mut extension = None;
        if first & 0x10 != 0 {
            let head: &[u8; 4] = bytes.get(start..)?.first_chunk()?;
            let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let end = start.checked_add(4)?.checked_add(words.checked_mul(4)?)?;
            extension = Some(start..end);
            start = end;
        }
        let mut end = bytes.len();
        if first & 0x20 != 0 {
            let padding = usize::from(*bytes.last()?);
            if padding == 0 {
                return None;
            }
            end = end.checked_sub(padding)?;
        }
        if start > end {
            return None;
        }
        Some(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            csrc_count,
            extension,
            payload: start..end,
        })
    }
}

/// What a relay replaces in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// New marker bit.
    pub marker: bool,
    /// New payload type; its high bit is ignored.
    pub payload_type: u8,
    /// New sequence number.
    pub sequence: u16,
    /// New timestamp.
    pub timestamp: u32,
    /// New source.
    pub ssrc: u32,
}

/// Replaces bytes 1 to 11; version, padding, extension and CSRC count stay. `None` when there is no room.
#[inline]
#[must_use = "without it the packet leaves with the old header"]
pub fn rewrite(bytes: &mut [u8], new: Rewrite) -> Option<()> {
    let fixed: &mut [u8; FIXED_HEADER] = bytes.first_chunk_mut()?;
    let [s0, s1] = new.sequence.to_be_bytes();
    let [t0, t1, t2, t3] = new.timestamp.to_be_bytes();
    let [i0, i1, i2, i3] = new.ssrc.to_be_bytes();
    let second = (new.payload_type & 0x7f) | if new.marker { 0x80 } else { 0 };
    *fixed = [fixed[0], second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3];
    Some(())
}

/// A whole header of a packet of our own: version 2 and nothing optional.
#[must_use]
pub fn write_header(new: Rewrite) -> [u8; FIXED_HEADER] {
    let mut bytes = [0; FIXED_HEADER];
    bytes[0] = 0x80;
    // An array of the header's own size always has room.
    let _ = rewrite(&mut bytes, new);
    bytes
}
