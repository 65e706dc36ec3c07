//! The stages of the packet path that may be empty: unprotect and protect, taps, transform.
//!
//! A packet passes receive, source check, unprotect, taps, transform, rewrite, protect, send, in this order and in
//! place. A stage is an enum: the empty variant costs one comparison.

/// How packets of a leg are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// Plain RTP.
    #[default]
    None,
}

impl Protection {
    /// After the source check: decrypts in place. `None` refuses the packet.
    #[inline]
    pub(crate) fn unprotect(self, _packet: &mut crate::Buffer<'_>) -> Option<()> {
        match self {
            Self::None => Some(()),
        }
    }

    /// Before sending: encrypts in place. `None` refuses the packet.
    #[inline]
    pub(crate) fn protect(self, _packet: &mut crate::Buffer<'_>) -> Option<()> {
        match self {
            Self::None => Some(()),
        }
    }
}

/// Who listens to what a leg receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tap {
    /// Nobody.
    #[default]
    None,
    /// A counter of what a recorder would have been given.
    Meter(Meter),
}

/// What a [`Tap::Meter`] saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// Packets.
    pub packets: u64,
    /// Bytes of payload.
    pub octets: u64,
}

impl Tap {
    /// Shows the tap a payload.
    #[inline]
    pub(crate) fn hear(&mut self, payload: &[u8]) {
        match self {
            Self::None => {}
            Self::Meter(meter) => {
                meter.packets = meter.packets.saturating_add(1);
                meter.octets = meter.octets.saturating_add(u64::try_from(payload.len()).unwrap_or(u64::MAX));
            }
        }
    }
}

/// What happens to the payload on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transform {
    /// It passes as it is: no transcoding.
    #[default]
    None,
}

impl Transform {
    /// Changes the payload in place. `None` swallows the packet.
    #[inline]
    pub(crate) fn apply(self, _packet: &mut crate::Buffer<'_>) -> Option<()> {
        match self {
            Self::None => Some(()),
        }
    }
}
