//! SDP (RFC 8866): the description of media in an offer or an answer.
//!
//! What we decide by is typed (`o=`, `c=`, `m=`, directions, codecs); every other line is kept as text and
//! written back at its place, so that a body passes through without loss. Parsing is bounded and tolerant:
//! line ends of LF alone, a missing `t=`, `s=` or `o=`, and free text that is no UTF-8 are accepted, since
//! deployed phones send all of these.
//!
//! Not here: offer/answer (RFC 3264). What is offered to whom is decided in `media::sdp`.

mod address;
mod codec;
mod line;
mod media;
mod parse;
mod write;

pub use address::{Connection, Host, Origin};
pub use codec::{Codec, static_codec};
pub use line::{Direction, Line};
pub use media::{Kind, Media, Protocol, RtcpPort};

use std::net::SocketAddr;

/// Longest body that is parsed: that of the largest SIP message accepted.
pub const BYTES_MAX: usize = 64 * 1024;
/// Most lines in a body. A browser's offer for audio and video has about 150.
pub const LINES_MAX: usize = 1024;
/// Most `m=` sections. A video phone with content sharing offers five.
pub const MEDIA_MAX: usize = 16;
/// Most formats in an `m=` line: the dynamic payload types are 32, the static ones 24.
pub const FORMATS_MAX: usize = 64;

/// Why a body is no SDP for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More than [`BYTES_MAX`] bytes.
    #[error("the SDP body is too long")]
    TooLong,
    /// More than [`LINES_MAX`] lines.
    #[error("the SDP body has too many lines")]
    TooManyLines,
    /// More than [`MEDIA_MAX`] media sections.
    #[error("the SDP body has too many media sections")]
    TooManyMedia,
    /// More than [`FORMATS_MAX`] formats in one `m=` line.
    #[error("line {0} of the SDP body names too many formats")]
    TooManyFormats(u16),
    /// The body does not begin with `v=0`.
    #[error("the SDP body does not begin with v=0")]
    NoVersion,
    /// A line that cannot be read; counted from 1.
    #[error("line {0} of the SDP body is malformed")]
    BadLine(u16),
}

/// One SDP body: the session level and its media sections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `o=`: who made this description, and its version.
    pub origin: Origin,
    /// `s=`: a name nobody reads; `-` by custom.
    pub name: String,
    /// `c=` of the session level: valid for media sections without their own.
    pub connection: Option<Connection>,
    /// All other lines of the session level, in the order they came (`i u e p b t r z k a` and unknown ones).
    pub lines: Vec<Line>,
    /// The `m=` sections in their order, which is their identity in offer/answer.
    pub media: Vec<Media>,
}

impl Session {
    /// A session with `o=`, `s=-`, `c=` and `t=0 0`, and no media yet.
    #[must_use]
    pub fn new(origin: Origin, connection: Connection) -> Self {
        Self {
            origin,
            name: "-".to_owned(),
            connection: Some(connection),
            lines: vec![Line::new('t', "0 0")],
            media: Vec::new(),
        }
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`Error`] when a limit is passed or a line cannot be read.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        parse::session(body)
    }

    /// The value of the first session-level attribute `name`; empty for one without a value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        line::attribute(&self.lines, name)
    }

    /// Direction of a media section, inherited from the session level, `sendrecv` when nobody says (RFC 8866 6.7).
    #[must_use]
    pub fn direction_of(&self, media: &Media) -> Direction {
        media.direction().or_else(|| line::direction(&self.lines)).unwrap_or(Direction::Sendrecv)
    }

    /// The `c=` that holds for a media section.
    #[must_use]
    pub fn connection_of<'a>(&'a self, media: &'a Media) -> Option<&'a Connection> {
        media.connection.as_ref().or(self.connection.as_ref())
    }

    /// Where the peer wants a section's RTP. `None` without a numeric address or with port 0 (refused stream).
    #[must_use]
    pub fn rtp_address(&self, media: &Media) -> Option<SocketAddr> {
        let ip = self.connection_of(media)?.ip()?;
        (media.port != 0).then(|| SocketAddr::new(ip, media.port))
    }

    /// Where the peer wants a section's RTCP: `a=rtcp` (RFC 3605), else the port above RTP's.
    #[must_use]
    pub fn rtcp_address(&self, media: &Media) -> Option<SocketAddr> {
        let rtp = self.rtp_address(media)?;
        match media.rtcp() {
            Some(RtcpPort { port, ip }) => Some(SocketAddr::new(ip.unwrap_or(rtp.ip()), port)),
            None => Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?)),
        }
    }

    /// The body as it goes on the wire, with CRLF line ends.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests;
