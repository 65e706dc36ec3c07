//! One `m=` section: kind, port, transport, formats and attributes.

use std::fmt;
use std::net::IpAddr;

use super::codec::{Codec, static_codec};
use super::line::{self, Direction, Line};
use super::{Connection, Host};

/// What a stream carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Speech.
    Audio,
    /// Pictures.
    Video,
    /// Fax (T.38).
    Image,
    /// Anything else, such as `text` or `application`.
    Other(String),
}

impl Kind {
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "audio" => Self::Audio,
            "video" => Self::Video,
            "image" => Self::Image,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Image => "image",
            Self::Other(text) => text,
        })
    }
}

/// The transport of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `RTP/AVP`: plain RTP (RFC 3551).
    RtpAvp,
    /// `RTP/AVPF`: with early feedback (RFC 4585).
    RtpAvpf,
    /// `RTP/SAVP`: SRTP (RFC 3711).
    RtpSavp,
    /// `RTP/SAVPF` (RFC 5124).
    RtpSavpf,
    /// Anything else, such as `UDP/TLS/RTP/SAVPF` or `udptl`.
    Other(String),
}

impl Protocol {
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "RTP/AVP" => Self::RtpAvp,
            "RTP/AVPF" => Self::RtpAvpf,
            "RTP/SAVP" => Self::RtpSavp,
            "RTP/SAVPF" => Self::RtpSavpf,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RtpAvp => "RTP/AVP",
            Self::RtpAvpf => "RTP/AVPF",
            Self::RtpSavp => "RTP/SAVP",
            Self::RtpSavpf => "RTP/SAVPF",
            Self::Other(text) => text,
        })
    }
}

/// `a=rtcp` (RFC 3605).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtcpPort {
    /// Port for RTCP.
    pub port: u16,
    /// Address, when it differs from that of RTP.
    pub ip: Option<IpAddr>,
}

/// One `m=` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// What the stream carries.
    pub kind: Kind,
    /// Transport port; 0 refuses the stream.
    pub port: u16,
    /// `/count` after the port, when written.
    pub port_count: Option<u16>,
    /// The transport.
    pub protocol: Protocol,
    /// Formats in order of preference; payload types for RTP.
    pub formats: Vec<String>,
    /// The section's own `c=`.
    pub connection: Option<Connection>,
    /// All other lines in their order (`i b k a` and unknown ones).
    pub lines: Vec<Line>,
}

impl Media {
    /// An audio stream over plain RTP with these codecs, each with its `rtpmap` and `fmtp`.
    #[must_use]
    pub fn audio(port: u16, codecs: &[Codec]) -> Self {
        let mut lines = Vec::with_capacity(codecs.len().saturating_mul(2).saturating_add(4));
        for codec in codecs {
            lines.push(Line::attribute("rtpmap", &codec.rtpmap()));
            if let Some(fmtp) = &codec.fmtp {
                lines.push(Line::attribute("fmtp", &format!("{} {fmtp}", codec.payload)));
            }
        }
        Self {
            kind: Kind::Audio,
            port,
            port_count: None,
            protocol: Protocol::RtpAvp,
            formats: codecs.iter().map(|codec| codec.payload.to_string()).collect(),
            connection: None,
            lines,
        }
    }

    /// This section refused: port 0, one format as the grammar wants, no attributes (RFC 3264 6).
    #[must_use]
    pub fn refused(&self) -> Self {
        Self {
            kind: self.kind.clone(),
            port: 0,
            port_count: None,
            protocol: self.protocol.clone(),
            formats: self.formats.first().cloned().into_iter().collect(),
            connection: None,
            lines: Vec::new(),
        }
    }

    /// Speech over RTP.
    #[must_use]
    pub fn is_audio(&self) -> bool {
        self.kind == Kind::Audio
    }

    /// Value of the first attribute `name`; empty for one without a value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        line::attribute(&self.lines, name)
    }

    /// All attributes in order, as name and value.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().filter_map(Line::as_attribute)
    }

    /// The section's own direction; see [`super::Session::direction_of`] for the one that holds.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        line::direction(&self.lines)
    }

    /// Puts the direction in place of the present one, or at the end.
    pub fn set_direction(&mut self, direction: Direction) {
        let is_direction =
            |line: &Line| line.as_attribute().is_some_and(|(name, _)| Direction::parse(name).is_some());
        let place = self.lines.iter().position(is_direction).unwrap_or(self.lines.len());
        self.lines.retain(|line| !is_direction(line));
        self.lines.insert(place.min(self.lines.len()), Line::attribute(direction.name(), ""));
    }

    /// Milliseconds of media per packet the writer likes to receive.
    #[must_use]
    pub fn ptime(&self) -> Option<u16> {
        self.attribute("ptime")?.parse().ok()
    }

    /// Whether RTP and RTCP may share a port (RFC 5761).
    #[must_use]
    pub fn rtcp_mux(&self) -> bool {
        self.attribute("rtcp-mux").is_some()
    }

    /// `a=rtcp`, when it is there and can be read.
    #[must_use]
    pub fn rtcp(&self) -> Option<RtcpPort> {
        let mut fields = self.attribute("rtcp")?.split_ascii_whitespace();
        let port = fields.next()?.parse().ok().filter(|port| *port != 0)?;
        let ip = match fields.nth(2).map(Host::parse) {
            Some(Host::Ip(ip)) => Some(ip),
            Some(Host::Name(_)) | None => None,
        };
        Some(RtcpPort { port, ip })
    }

    /// The codecs in order of preference. A format without meaning (dynamic and no `rtpmap`) is left out.
    #[must_use]
    pub fn codecs(&self) -> Vec<Codec> {
        // One pass over the attributes, so that many of them times many formats cost nothing.
        let mut maps: [Option<&str>; 128] = [None; 128];
        let mut parameters: [Option<&str>; 128] = [None; 128];
        for (name, value) in self.attributes() {
            let table = if name.eq_ignore_ascii_case("rtpmap") {
                &mut maps
            } else if name.eq_ignore_ascii_case("fmtp") {
                &mut parameters
            } else {
                continue;
            };
            let Some((payload, rest)) = value.split_once(' ') else { continue };
            let slot = payload.parse::<u8>().ok().and_then(|payload| table.get_mut(usize::from(payload)));
            if let Some(slot @ None) = slot {
                *slot = Some(rest.trim());
            }
        }
        let codec = |format: &String| {
            let payload: u8 = format.parse().ok().filter(|payload| *payload < 128)?;
            let at = usize::from(payload);
            let fmtp = parameters.get(at).copied().flatten();
            match maps.get(at).copied().flatten() {
                Some(encoding) => Codec::parse(payload, encoding, fmtp),
                None => static_codec(payload).map(|codec| Codec { fmtp: fmtp.map(str::to_owned), ..codec }),
            }
        };
        self.formats.iter().filter_map(codec).collect()
    }
}
