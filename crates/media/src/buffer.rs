//! A packet in storage with room before and behind it, so that later stages grow it in place.

/// Room before a received packet: a TURN channel header, or a header extension added on the way.
pub const HEADROOM: usize = 64;
/// Room behind a received packet: an SRTP tag of 16 bytes and a key identifier.
pub const TAILROOM: usize = 32;
/// Storage for one packet: the room, and a datagram of an Ethernet frame with something to spare.
pub const STORAGE: usize = 2048;

/// One packet, somewhere in the middle of its storage.
#[derive(Debug)]
pub struct Buffer<'a> {
    storage: &'a mut [u8],
    start: usize,
    end: usize,
}

impl<'a> Buffer<'a> {
    /// The packet of `length` bytes that was received at [`HEADROOM`] in `storage`. A length beyond the storage
    /// is cut.
    #[must_use]
    pub fn received(storage: &'a mut [u8], length: usize) -> Self {
        let start = HEADROOM.min(storage.len());
        let end = start.saturating_add(length).min(storage.len());
        Self { storage, start, end }
    }

    /// The packet.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.storage.get(self.start..self.end).unwrap_or(&[])
    }

    /// The packet, to be changed in place.
    #[inline]
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.storage.get_mut(self.start..self.end).unwrap_or(&mut [])
    }
}
