//! Why bytes are not a SIP message, and why a header field is not what its grammar says.

use super::name::Name;

/// A header field that can't be read as its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The message has no such field.
    #[error("missing")]
    Missing,
    /// The value does not follow its grammar.
    #[error("not in its grammar")]
    Syntax,
    /// A number beyond what the field may hold.
    #[error("number out of range")]
    Range,
    /// A parameter stands twice.
    #[error("parameter given twice")]
    DuplicateParam,
    /// More parameters or values than the limits allow.
    #[error("too many parameters or values")]
    TooMany,
    /// The URI in it is not a URI.
    #[error("bad URI")]
    Uri,
    /// The host in it is neither a name nor an address.
    #[error("bad host")]
    Host,
}

/// Why bytes were refused as a SIP message. The text of each is fit for a reason phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKind {
    /// Nothing but empty lines.
    #[error("Empty Message")]
    Empty,
    /// Longer than [`MAX_MESSAGE`](super::limits::MAX_MESSAGE).
    #[error("Message Too Large")]
    TooLarge,
    /// Neither a request line nor a status line.
    #[error("Bad Start Line")]
    StartLine,
    /// SIP, but not version 2.0.
    #[error("Version Not Supported")]
    Version,
    /// A status code outside 100 to 699.
    #[error("Bad Status Code")]
    Status,
    /// The Request-URI is not a URI.
    #[error("Bad Request-URI")]
    RequestUri,
    /// A header line without a colon, without a name, or with whitespace inside the name.
    #[error("Bad Header Name")]
    HeaderName,
    /// CR without LF, or LF without CR, in the header section.
    #[error("Bare CR or LF")]
    BareLineEnd,
    /// NUL in the header section.
    #[error("NUL in Header")]
    Nul,
    /// A line longer than [`MAX_LINE`](super::limits::MAX_LINE).
    #[error("Header Line Too Long")]
    LineTooLong,
    /// More lines than [`MAX_HEADERS`](super::limits::MAX_HEADERS).
    #[error("Too Many Headers")]
    TooManyHeaders,
    /// More values than [`MAX_VIAS`](super::limits::MAX_VIAS).
    #[error("Too Many Vias")]
    TooManyVias,
    /// No empty line after the headers.
    #[error("Headers Without End")]
    NoEndOfHeaders,
    /// A field that every message must have is not there.
    #[error("Missing {0}")]
    Missing(Name),
    /// A field that may have one value has two different ones.
    #[error("Conflicting {0}")]
    Conflicting(Name),
    /// A field that every message must have can't be read.
    #[error("Bad {0}")]
    Field(Name, FieldError),
    /// The CSeq's method is not the request line's.
    #[error("CSeq Method Mismatch")]
    MethodMismatch,
    /// Fewer bytes than Content-Length says.
    #[error("Body Shorter Than Content-Length")]
    BodyTooShort,
    /// A stream's message without Content-Length: where it ends can't be known (RFC 3261 section 20.14).
    #[error("Missing Content-Length")]
    NoContentLength,
}

/// Bytes that are not a SIP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Malformed {
    /// What is wrong; the first thing found.
    pub kind: MalformedKind,
}

impl Malformed {
    /// The status code a request with this fault may be answered with.
    pub fn status(&self) -> u16 {
        match self.kind {
            MalformedKind::Version => 505,
            MalformedKind::TooLarge => 513,
            _ => 400,
        }
    }
}

impl From<MalformedKind> for Malformed {
    fn from(kind: MalformedKind) -> Self {
        Self { kind }
    }
}
