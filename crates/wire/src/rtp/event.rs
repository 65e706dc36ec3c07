//! Keys of a telephone pad in RTP (RFC 4733 2.3): four bytes of payload.

/// One report of a key that is or was pressed; several packets tell of the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// 0 to 9 the digits, 10 star, 11 hash, 12 to 15 A to D.
    pub event: u8,
    /// The key was released.
    pub end: bool,
    /// Level in -dBm0, 0 to 63.
    pub volume: u8,
    /// How long it lasted so far, in timestamp units.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads the first event of a payload.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let [event, flags, high, low] = *payload.first_chunk()?;
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The payload's four bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, (self.volume & 0x3f) | if self.end { 0x80 } else { 0 }, high, low]
    }

    /// The key's label, for the sixteen keys of a pad.
    #[must_use]
    pub fn key(self) -> Option<char> {
        "0123456789*#ABCD".chars().nth(usize::from(self.event))
    }
}
