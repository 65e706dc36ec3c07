//! A codec as offer/answer names it: `rtpmap` and `fmtp`, or a static payload type of RFC 3551.

use std::fmt;

/// One format of an audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// RTP payload type, 0 to 127.
    pub payload: u8,
    /// Encoding name as written, such as `PCMU`; compared without case.
    pub name: String,
    /// RTP clock rate in Hz (8,000 for G.722, whatever its sampling rate: RFC 3551 4.5.2).
    pub clock: u32,
    /// Channels; 1 when not written.
    pub channels: u8,
    /// Parameters of `a=fmtp`, without the payload type.
    pub fmtp: Option<String>,
}

impl Codec {
    /// Same encoding, clock and channels, whatever payload type and parameters.
    #[must_use]
    pub fn same_format(&self, other: &Self) -> bool {
        self.clock == other.clock
            && self.channels == other.channels
            && self.name.eq_ignore_ascii_case(&other.name)
    }

    /// Keys of a telephone pad (RFC 4733).
    #[must_use]
    pub fn is_telephone_event(&self) -> bool {
        self.name.eq_ignore_ascii_case("telephone-event")
    }

    /// Comfort noise (RFC 3389).
    #[must_use]
    pub fn is_comfort_noise(&self) -> bool {
        self.name.eq_ignore_ascii_case("CN")
    }

    /// A format that carries speech, not only events or noise beside it.
    #[must_use]
    pub fn carries_speech(&self) -> bool {
        !self.is_telephone_event()
            && !self.is_comfort_noise()
            && !self.name.eq_ignore_ascii_case("tone")
            && !self.name.eq_ignore_ascii_case("red")
    }

    /// The value of `a=rtpmap`.
    #[must_use]
    pub fn rtpmap(&self) -> String {
        self.to_string()
    }

    /// From the part of `a=rtpmap` that follows the payload type.
    pub(super) fn parse(payload: u8, encoding: &str, fmtp: Option<&str>) -> Option<Self> {
        let mut fields = encoding.trim().split('/');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let clock: u32 = fields.next()?.trim().parse().ok().filter(|clock| *clock != 0)?;
        let channels = match fields.next() {
            Some(text) => text.trim().parse().ok().filter(|channels| *channels != 0)?,
            None => 1,
        };
        let fmtp = fmtp.map(str::to_owned);
        Some(Self { payload, name: name.to_owned(), clock, channels, fmtp })
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.payload, self.name, self.clock)?;
        if self.channels > 1 { write!(f, "/{}", self.channels) } else { Ok(()) }
    }
}

/// The meaning of a payload type without `rtpmap` (RFC 3551 table 4).
#[must_use]
pub fn static_codec(payload: u8) -> Option<Codec> {
    let (name, clock, channels) = match payload {
        0 => ("PCMU", 8000, 1),
        3 => ("GSM", 8000, 1),
        4 => ("G723", 8000, 1),
        5 => ("DVI4", 8000, 1),
        6 => ("DVI4", 16000, 1),
        7 => ("LPC", 8000, 1),
        8 => ("PCMA", 8000, 1),
        9 => ("G722", 8000, 1),
        10 => ("L16", 44100, 2),
        11 => ("L16", 44100, 1),
        12 => ("QCELP", 8000, 1),
        13 => ("CN", 8000, 1),
        14 => ("MPA", 90000, 1),
        15 => ("G728", 8000, 1),
        16 => ("DVI4", 11025, 1),
        17 => ("DVI4", 22050, 1),
        18 => ("G729", 8000, 1),
        _ => return None,
    };
    Some(Codec { payload, name: name.to_owned(), clock, channels, fmtp: None })
}
