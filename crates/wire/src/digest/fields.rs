//! The grammar both sides share: `Digest name=value, name="value"` (RFC 3261 section 25.1, digest-response and challenge).

use smallvec::SmallVec;

use crate::sip::{Values, trim, unescape};

/// Fields of one header: RFC 7616 defines 13; more than twice as many is no honest header.
const MAX_FIELDS: usize = 32;

/// Why a header is no digest challenge or answer. Never holds what was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Another scheme, such as Basic or Bearer.
    #[error("not the Digest scheme")]
    Scheme,
    /// Not a list of `name=value`.
    #[error("not in its grammar")]
    Syntax,
    /// A field stands twice.
    #[error("field given twice")]
    Duplicate,
    /// A field that must be there is not; its name.
    #[error("no {0}")]
    Missing(&'static str),
    /// An algorithm that is not known.
    #[error("unknown algorithm")]
    Algorithm,
    /// A quality of protection that is not known, or fields that don't go with it.
    #[error("unknown or incomplete qop")]
    Qop,
}

/// The fields of one header.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    list: SmallVec<[(&'a [u8], &'a [u8]); 16]>,
}

impl<'a> Fields<'a> {
    pub(super) fn parse(header: &'a [u8]) -> Result<Self, DigestError> {
        let header = trim(header);
        let scheme = header.get(..6).ok_or(DigestError::Scheme)?;
        let rest = header.get(6..).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(b"Digest") || !rest.first().is_some_and(u8::is_ascii_whitespace) {
            return Err(DigestError::Scheme);
        }
        let mut list: SmallVec<[(&[u8], &[u8]); 16]> = SmallVec::new();
        for field in Values::new(rest) {
            let equals = memchr::memchr(b'=', field).ok_or(DigestError::Syntax)?;
            let (name, value) = field.split_at_checked(equals).ok_or(DigestError::Syntax)?;
            let (name, value) = (trim(name), content(trim(value.get(1..).unwrap_or_default()))?);
            if list.len() >= MAX_FIELDS || name.is_empty() || name.iter().any(u8::is_ascii_whitespace) {
                return Err(DigestError::Syntax);
            }
            if list.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                return Err(DigestError::Duplicate);
            }
            list.push((name, value));
        }
        Ok(Self { list })
    }

    /// The value, without quotes, escapes still inside.
    pub(super) fn find(&self, name: &str) -> Option<&'a [u8]> {
        let same = |field: &&(&[u8], &[u8])| field.0.eq_ignore_ascii_case(name.as_bytes());
        self.list.iter().find(same).map(|(_, value)| *value)
    }

    pub(super) fn need(&self, name: &'static str) -> Result<&'a [u8], DigestError> {
        self.find(name).ok_or(DigestError::Missing(name))
    }

    /// A value as the text it stands for.
    pub(super) fn need_text(&self, name: &'static str) -> Result<std::borrow::Cow<'a, [u8]>, DigestError> {
        self.need(name).map(unescape)
    }
}

/// A value is quoted or not: clients quote what should be bare (`algorithm`, `qop`) and the other way round.
fn content(value: &[u8]) -> Result<&[u8], DigestError> {
    let Some(inside) = value.strip_prefix(b"\"") else {
        let bare = !value.iter().any(|b| *b == b'"' || b.is_ascii_whitespace());
        return if bare { Ok(value) } else { Err(DigestError::Syntax) };
    };
    // The list splitter has found the closing quote; it must be the last byte, and not an escaped one.
    let inside = inside.strip_suffix(b"\"").ok_or(DigestError::Syntax)?;
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'"' || (*byte == b'\\' && bytes.next().is_none()) {
            return Err(DigestError::Syntax);
        }
    }
    Ok(inside)
}
