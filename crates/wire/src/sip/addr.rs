//! Addresses of From, To, Contact, Route and their kin: `"display" <uri>;params`, or a bare URI.

use std::borrow::Cow;

use super::error::FieldError;
use super::params::Params;
use super::text::{self, take_quoted, take_while, trim, trim_start, unescape};
use super::uri::Uri;

/// A `name-addr` or `addr-spec` with the header's parameters. Its URI has been checked.
#[derive(Debug, Clone, Copy)]
pub struct NameAddr<'a> {
    /// The display name as written: a quoted one without its quotes, escapes still inside.
    pub display: Option<&'a [u8]>,
    /// The URI as written.
    pub uri: &'a [u8],
    /// The header's parameters (not the URI's).
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads one whole value.
    ///
    /// Without brackets, what follows a semicolon belongs to the header, and the URI may hold neither comma nor question
    /// mark (RFC 3261 section 20). An unquoted display name may hold more than tokens, since phones send `R&D` and raw
    /// Latin-1; never a quote, comma, colon or semicolon, which would open a second reading.
    pub fn parse(value: &'a [u8]) -> Result<Self, FieldError> {
        let value = trim(value);
        if value.first() == Some(&b'"') {
            let (display, rest) = take_quoted(value)?;
            return Self::bracketed(Some(display), trim_start(rest));
        }
        let (before, rest) = take_while(value, |b| !matches!(b, b'<' | b'>' | b'"' | b':' | b';' | b','));
        match rest.first() {
            Some(b'<') => Self::bracketed(Some(trim(before)).filter(|name| !name.is_empty()), rest),
            Some(b':') => Self::bare(value),
            _ => Err(FieldError::Syntax),
        }
    }

    fn bracketed(display: Option<&'a [u8]>, rest: &'a [u8]) -> Result<Self, FieldError> {
        let inside = rest.strip_prefix(b"<").ok_or(FieldError::Syntax)?;
        let (uri, rest) = take_while(inside, |b| b != b'>');
        let rest = rest.strip_prefix(b">").ok_or(FieldError::Syntax)?;
        Uri::parse(uri)?;
        Ok(Self { display, uri, params: Params::parse(rest)? })
    }

    fn bare(value: &'a [u8]) -> Result<Self, FieldError> {
        let (uri, rest) = take_while(value, |b| b != b';' && !text::is_space(b));
        if uri.iter().any(|b| matches!(b, b',' | b'?')) {
            return Err(FieldError::Uri);
        }
        Uri::parse(uri)?;
        Ok(Self { display: None, uri, params: Params::parse(rest)? })
    }

    /// The URI, read.
    pub fn uri(&self) -> Result<Uri<'a>, FieldError> {
        Uri::parse(self.uri)
    }

    /// The tag, if there is one that is not empty.
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.params.value("tag")
    }

    /// A header parameter by name: `None` when absent, `Some(None)` when it is a flag.
    pub fn param(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.params.find(name)
    }

    /// The display name without escapes, as text; what is not UTF-8 is taken for Latin-1. Empty when there is none.
    pub fn display_text(&self) -> Cow<'a, str> {
        match unescape(self.display.unwrap_or_default()) {
            Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(latin1(bytes)),
            },
            Cow::Owned(bytes) => {
                Cow::Owned(String::from_utf8(bytes).unwrap_or_else(|error| latin1(error.as_bytes())))
            }
        }
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}
