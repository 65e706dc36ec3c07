//! Parameters: `;name=value;flag`, of header values and of URIs. Checked once when made; walking them can't fail.

use smallvec::SmallVec;

use super::error::FieldError;
use super::limits::MAX_PARAMS;
use super::text::{take_quoted, take_token, take_while, trim, trim_start};

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// The name as written; compare it without case.
    pub name: &'a [u8],
    /// The value: a quoted one without its quotes, escapes still inside. `None` for a flag.
    pub value: Option<&'a [u8]>,
    /// Whether the value was written in quotes.
    pub quoted: bool,
}

/// The parameters of a value or URI. No name stands twice: two `tag`s would be two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params<'a> {
    raw: &'a [u8],
}

impl<'a> Params<'a> {
    /// Reads what follows a value: nothing, or `;` and parameters up to the end.
    pub fn parse(text: &'a [u8]) -> Result<Self, FieldError> {
        let raw = trim_start(text);
        if raw.is_empty() {
            return Ok(Self { raw });
        }
        let mut names: SmallVec<[&[u8]; 8]> = SmallVec::new();
        let mut rest = raw;
        while let Some((param, after)) = next_param(rest)? {
            if names.iter().any(|name| name.eq_ignore_ascii_case(param.name)) {
                return Err(FieldError::DuplicateParam);
            }
            if names.len() >= MAX_PARAMS {
                return Err(FieldError::TooMany);
            }
            names.push(param.name);
            rest = after;
        }
        Ok(Self { raw })
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let mut rest = self.raw;
        std::iter::from_fn(move || {
            let (param, after) = next_param(rest).ok()??;
            rest = after;
            Some(param)
        })
    }

    /// The parameter of this name: `None` when absent, `Some(None)` when it has no value.
    pub fn find(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name.as_bytes())).map(|param| param.value)
    }

    /// The value of the parameter of this name, if it has one that is not empty.
    pub fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.find(name).flatten().filter(|value| !value.is_empty())
    }

    /// The bytes, from the first semicolon.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }
}

/// A value and its parameters, for fields that are `value *(;param)`: Reason, Event, Session-Expires, Replaces ...
pub fn value_and_params(text: &[u8]) -> Result<(&[u8], Params<'_>), FieldError> {
    let (value, rest) = take_while(text, |b| b != b';');
    Ok((trim(value), Params::parse(rest)?))
}

type Split<'a> = Option<(Param<'a>, &'a [u8])>;

/// Splits off `;name [= value]`. Whitespace is allowed around each part (RFC 3261 section 25.1: SEMI, EQUAL).
fn next_param(text: &[u8]) -> Result<Split<'_>, FieldError> {
    let text = trim_start(text);
    if text.is_empty() {
        return Ok(None);
    }
    let text = trim_start(text.strip_prefix(b";").ok_or(FieldError::Syntax)?);
    let (name, after_name) = take_token(text)?;
    let Some(text) = trim_start(after_name).strip_prefix(b"=") else {
        return Ok(Some((Param { name, value: None, quoted: false }, after_name)));
    };
    let text = trim_start(text);
    let quoted = text.first() == Some(&b'"');
    let (value, rest) = if quoted { take_quoted(text)? } else { take_while(text, in_value) };
    Ok(Some((Param { name, value: Some(value), quoted }, rest)))
}

/// Wider than `token`, since tags and branches of real phones hold `=`, `@`, `:` and `/`, hosts hold brackets; nothing that
/// could end the value for another reader.
fn in_value(byte: u8) -> bool {
    !matches!(byte, 0..=b' ' | 0x7f | b'"' | b',' | b';' | b'<' | b'>')
}
