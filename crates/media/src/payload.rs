//! Payload types of a leg: what they mean, and what they become on the other leg.

use wire::sdp::Codec;

/// RTP clocks that have a code; anything else is measured as if it were the first.
const CLOCKS: [u32; 11] = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 90000, 96000];

const NONE: u8 = 0xff;

/// What a payload type carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Speech.
    Speech,
    /// Keys (RFC 4733).
    TelephoneEvent,
    /// Comfort noise (RFC 3389).
    ComfortNoise,
}

/// What each payload type of a leg means. One byte per type: the clock's code, and two bits for the role.
#[derive(Clone, PartialEq, Eq)]
pub struct Payloads([u8; 128]);

impl Default for Payloads {
    fn default() -> Self {
        Self([NONE; 128])
    }
}

impl Payloads {
    /// The types of these codecs. Of two with one number the first counts.
    #[must_use]
    pub fn of(codecs: &[Codec]) -> Self {
        let mut payloads = Self::default();
        for codec in codecs {
            if payloads.role(codec.payload).is_none() {
                payloads.insert(codec);
            }
        }
        payloads
    }

    /// Adds a codec under its number.
    pub fn insert(&mut self, codec: &Codec) {
        let clock = CLOCKS.iter().position(|clock| *clock == codec.clock).unwrap_or(0);
        let role = if codec.is_telephone_event() {
            0x40
        } else if codec.is_comfort_noise() {
            0x20
        } else {
            0
        };
        if let Some(slot) = self.0.get_mut(usize::from(codec.payload)) {
            *slot = u8::try_from(clock).unwrap_or(0) | role;
        }
    }

    fn code(&self, payload: u8) -> Option<u8> {
        self.0.get(usize::from(payload)).copied().filter(|code| *code != NONE)
    }

    /// RTP clock of a type in Hz; 8,000 for an unknown one.
    #[inline]
    #[must_use]
    pub fn clock(&self, payload: u8) -> u32 {
        let at = usize::from(self.code(payload).unwrap_or(0) & 0x1f);
        CLOCKS.get(at).copied().unwrap_or(8000)
    }

    /// What a type carries; `None` for one nobody agreed to.
    #[inline]
    #[must_use]
    pub fn role(&self, payload: u8) -> Option<Role> {
        self.code(payload).map(|code| match code & 0x60 {
            0 => Role::Speech,
            0x20 => Role::ComfortNoise,
            _ => Role::TelephoneEvent,
        })
    }

    /// A dynamic type that means nothing, for keep-alives (RFC 6263 4.6).
    #[must_use]
    pub fn unused(&self) -> Option<u8> {
        (96..128).rev().find(|payload| self.role(*payload).is_none())
    }

    /// Whether comfort noise was agreed: the peer may fall silent for long.
    #[must_use]
    pub fn has_comfort_noise(&self) -> bool {
        self.0.iter().any(|code| *code != NONE && code & 0x60 == 0x20)
    }
}

impl std::fmt::Debug for Payloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = (0..128).filter_map(|payload| Some((payload, self.role(payload)?)));
        f.debug_map().entries(known).finish()
    }
}

/// Payload types from one leg to another.
#[derive(Clone, PartialEq, Eq)]
pub struct PayloadMap([u8; 128]);

impl Default for PayloadMap {
    fn default() -> Self {
        Self([NONE; 128])
    }
}

impl PayloadMap {
    /// Every type stays what it is: for two legs with the same numbers.
    #[must_use]
    pub fn identity() -> Self {
        let mut map = Self::default();
        for payload in 0..128 {
            map.set(payload, payload);
        }
        map
    }

    /// What `payload` becomes; `None` for one that was not agreed.
    #[inline]
    #[must_use]
    pub fn get(&self, payload: u8) -> Option<u8> {
        self.0.get(usize::from(payload)).copied().filter(|mapped| *mapped != NONE)
    }

    /// Sets what `from` becomes. Numbers above 127 are ignored.
    pub fn set(&mut self, from: u8, to: u8) {
        if let Some(slot) = self.0.get_mut(usize::from(from)).filter(|_| to < 128) {
            *slot = to;
        }
    }
}

impl std::fmt::Debug for PayloadMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries((0..128).filter_map(|from| Some((from, self.get(from)?)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::sdp::static_codec;

    #[test]
    fn payloads_know_clock_and_role() {
        let event =
            Codec { payload: 101, name: "telephone-event".to_owned(), clock: 48000, channels: 1, fmtp: None };
        let payloads = Payloads::of(&[static_codec(8).unwrap(), static_codec(13).unwrap(), event]);
        assert_eq!(payloads.role(8), Some(Role::Speech));
        assert_eq!(payloads.role(13), Some(Role::ComfortNoise));
        assert_eq!(payloads.role(101), Some(Role::TelephoneEvent));
        assert_eq!(payloads.role(0), None);
        assert_eq!(payloads.clock(101), 48000);
        assert!(payloads.has_comfort_noise());
    }

    #[test]
    fn a_map_keeps_to_seven_bits() {
        let mut map = PayloadMap::default();
        map.set(101, 96);
        map.set(200, 1);
        map.set(1, 200);
        assert_eq!(map.get(101), Some(96));
        assert_eq!(map.get(1), None);
        assert_eq!(map.get(200), None);
    }
}
