//! URIs: `sip:`, `sips:` (RFC 3261 section 19.1), `tel:` (RFC 3966), and others kept as they are.
//!
//! Percent escapes stay as written until asked for, so that what is passed on is what came. Comparing is in `compare`.

use std::borrow::Cow;

use super::error::FieldError;
use super::host::Host;
use super::params::Params;
use super::text::{Class, percent_decode, take_escaped, take_while};

/// A URI.
#[derive(Debug, Clone, Copy)]
pub enum Uri<'a> {
    /// `sip:` or `sips:`.
    Sip(SipUri<'a>),
    /// `tel:`.
    Tel {
        /// The number with its visual separators.
        number: &'a [u8],
        /// Its parameters, such as `phone-context`.
        params: Params<'a>,
    },
    /// Any other scheme; a request to one is answered 416.
    Other {
        /// The scheme, as written.
        scheme: &'a [u8],
        /// What follows the colon.
        rest: &'a [u8],
    },
}

/// A SIP URI.
#[derive(Debug, Clone, Copy)]
pub struct SipUri<'a> {
    /// `sips:`.
    pub secure: bool,
    /// The user part, escapes as written, without the password.
    pub user: Option<&'a [u8]>,
    /// The password (discouraged by the RFC, carried through).
    pub password: Option<&'a [u8]>,
    /// The host.
    pub host: Host<'a>,
    /// The port, if written.
    pub port: Option<u16>,
    /// The URI's parameters.
    pub params: Params<'a>,
    /// What follows the question mark, without it.
    pub headers: &'a [u8],
}

impl<'a> Uri<'a> {
    /// Reads a whole URI.
    pub fn parse(raw: &'a [u8]) -> Result<Self, FieldError> {
        let colon = memchr::memchr(b':', raw).ok_or(FieldError::Uri)?;
        let (scheme, rest) = raw.split_at_checked(colon).ok_or(FieldError::Uri)?;
        let rest = rest.strip_prefix(b":").unwrap_or_default();
        if scheme.eq_ignore_ascii_case(b"sip") {
            SipUri::parse(false, rest).map(Self::Sip)
        } else if scheme.eq_ignore_ascii_case(b"sips") {
            SipUri::parse(true, rest).map(Self::Sip)
        } else if !is_scheme(scheme) || rest.is_empty() || rest.iter().any(|b| NEVER.holds(*b)) {
            Err(FieldError::Uri)
        } else if scheme.eq_ignore_ascii_case(b"tel") {
            let (number, params) = take_while(rest, |b| b != b';');
            if number.is_empty() || !number.iter().all(|b| in_number(*b)) {
                return Err(FieldError::Uri);
            }
            Ok(Self::Tel { number, params: Params::parse(params)? })
        } else {
            Ok(Self::Other { scheme, rest })
        }
    }

    /// The SIP URI, if it is one.
    pub fn sip(&self) -> Option<&SipUri<'a>> {
        match self {
            Self::Sip(uri) => Some(uri),
            _ => None,
        }
    }
}

impl<'a> SipUri<'a> {
    fn parse(secure: bool, rest: &'a [u8]) -> Result<Self, FieldError> {
        let marks = Marks::of(rest)?;
        let (before, headers) = rest.split_at_checked(marks.question).unwrap_or((rest, &[]));
        let (user_info, rest) = match marks.at {
            Some(at) => before.split_at_checked(at).ok_or(FieldError::Uri)?,
            None => (&[][..], before),
        };
        let rest = rest.strip_prefix(b"@").unwrap_or(rest);
        let (user, password) = take_while(user_info, |b| b != b':');
        if marks.at.is_some() && (user.is_empty() || !well_escaped(user)) {
            return Err(FieldError::Uri);
        }
        let (user, password) = (marks.at.map(|_| user), password.strip_prefix(b":"));
        let (host, port, params) = Host::take_with_port(rest)?;
        let params = Params::parse(params)?;
        Ok(Self {
            secure,
            user,
            password,
            host,
            port,
            params,
            headers: headers.strip_prefix(b"?").unwrap_or_default(),
        })
    }

    /// The user part with `%HH` decoded.
    pub fn user_decoded(&self) -> Cow<'a, [u8]> {
        percent_decode(self.user.unwrap_or_default())
    }

    /// A parameter by name: `None` when absent, `Some(None)` when it is a flag.
    pub fn param(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.params.find(name)
    }
}

/// Where the parts of a SIP URI end.
struct Marks {
    at: Option<usize>,
    question: usize,
}

impl Marks {
    /// `;`, `?`, `/`, `=` and `,` may stand in a user part, `@` may not: the only one ends it (RFC 4475 "semiuri"). With two, one
    /// reader takes the first and another the last, so there must be none. `#` is no user character, but phones send it in
    /// feature codes; bytes above ASCII are carried through.
    fn of(rest: &[u8]) -> Result<Self, FieldError> {
        let mut marks = Self { at: None, question: rest.len() };
        let mut user_ends_here = false;
        for (position, byte) in rest.iter().enumerate().filter(|(_, byte)| MARKS.holds(**byte)) {
            match byte {
                b'@' if marks.at.is_some() || user_ends_here => return Err(FieldError::Uri),
                b'@' => marks = Self { at: Some(position), question: rest.len() },
                b'?' => marks.question = marks.question.min(position),
                b'[' | b']' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => user_ends_here = true,
                _ => return Err(FieldError::Uri),
            }
        }
        Ok(marks)
    }
}

static MARKS: Class = Class::new(
    b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\x7f\"<>@?[]\\^`{|}",
);

fn is_scheme(scheme: &[u8]) -> bool {
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

static NEVER: Class = Class::new(
    b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\x7f\"<>",
);

fn in_number(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'+' | b'*' | b'#' | b'-' | b'.' | b'(' | b')')
}

/// Every percent sign starts an escape.
fn well_escaped(text: &[u8]) -> bool {
    let (_, mut rest) = take_while(text, |b| b != b'%');
    while let Some((character, after)) = take_escaped(rest) {
        if character == (b'%', false) {
            return false;
        }
        rest = after;
    }
    true
}
