//! Bytes as RFC 3261 section 25.1 classes them: whitespace, tokens, quoted strings, escapes, comma lists.
//!
//! Values still contain their folds: the scan has made sure that CR and LF stand there only as a fold, so both count as
//! whitespace here.

use std::borrow::Cow;

use super::error::FieldError;

/// SP, HTAB, and the CR LF of a fold.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// The characters of `token`.
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN.holds(byte)
}

static TOKEN: Class = Class::new(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~");

/// A set of bytes, looked up in a table: parsing spends most of its time asking for membership.
pub(super) struct Class([bool; 256]);

impl Class {
    /// The set of these bytes. Only for constants.
    pub(super) const fn new(mut members: &[u8]) -> Self {
        let mut table = [false; 256];
        while let [byte, rest @ ..] = members {
            if let Some((_, [slot, ..])) = table.split_at_mut_checked(*byte as usize) {
                *slot = true;
            }
            members = rest;
        }
        Self(table)
    }

    pub(super) fn holds(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }
}

/// Without whitespace at both ends.
pub fn trim(text: &[u8]) -> &[u8] {
    let text = trim_start(text);
    let end = text.iter().rposition(|b| !is_space(*b)).map_or(0, |last| last.saturating_add(1));
    text.get(..end).unwrap_or_default()
}

pub(super) fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !is_space(*b)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// Splits where `accept` first says no.
pub(super) fn take_while(text: &[u8], accept: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|b| !accept(*b)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, &[]))
}

/// Splits off a token, which must not be empty.
pub(super) fn take_token(text: &[u8]) -> Result<(&[u8], &[u8]), FieldError> {
    match take_while(text, is_token) {
        ([], _) => Err(FieldError::Syntax),
        split => Ok(split),
    }
}

/// Splits a quoted string from what follows: its inside, with escapes, and the rest. `text` starts with the quote.
pub(super) fn take_quoted(text: &[u8]) -> Result<(&[u8], &[u8]), FieldError> {
    let inside = text.strip_prefix(b"\"").ok_or(FieldError::Syntax)?;
    let mut at = 0_usize;
    loop {
        let found = inside.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest));
        let here = at.saturating_add(found.ok_or(FieldError::Syntax)?);
        if inside.get(here) == Some(&b'"') {
            let content = inside.get(..here).unwrap_or_default();
            return Ok((content, inside.get(here.saturating_add(1)..).unwrap_or_default()));
        }
        at = here.saturating_add(2); // a backslash takes the next byte with it, whatever it is
    }
}

/// The inside of a quoted string without its escapes; a fold becomes what it means, a space.
pub fn unescape(inside: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\\', b'\r', inside).is_none() {
        return Cow::Borrowed(inside);
    }
    let mut out = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => out.extend(bytes.next()),
            b'\r' => {} // the LF of the fold becomes the space
            b'\n' => out.push(b' '),
            _ => out.push(byte),
        }
    }
    Cow::Owned(out)
}

/// A text as a quoted string: quotes and backslashes escaped, control characters left out.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for character in text.chars().filter(|c| !c.is_control()) {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    out
}

/// Decodes `%HH`. A percent sign without two hex digits stays as it is.
pub fn percent_decode(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = take_escaped(rest) {
        out.push(byte.0);
        rest = after;
    }
    Cow::Owned(out)
}

/// The next character of a URI component: its byte and whether it was written as `%HH`.
pub(super) fn take_escaped(text: &[u8]) -> Option<((u8, bool), &[u8])> {
    if let [b'%', high, low, rest @ ..] = text
        && let (Some(high), Some(low)) = (hex(*high), hex(*low))
    {
        return Some(((high.wrapping_shl(4) | low, true), rest));
    }
    text.split_first().map(|(byte, rest)| ((*byte, false), rest))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A decimal number; leading zeros are fine, more than `u64` is [`FieldError::Range`].
pub(super) fn decimal(text: &[u8]) -> Result<u64, FieldError> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(FieldError::Syntax);
    }
    text.iter().try_fold(0_u64, |sum, digit| {
        let digit = u64::from(digit.wrapping_sub(b'0'));
        sum.checked_mul(10).and_then(|sum| sum.checked_add(digit)).ok_or(FieldError::Range)
    })
}

/// A port number.
pub(super) fn port(text: &[u8]) -> Result<u16, FieldError> {
    u16::try_from(decimal(text)?).map_err(|_| FieldError::Range)
}

/// The values of a comma list. Commas in quoted strings and in `<>` don't separate; empty values are left out.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Values<'a> {
    /// The values in one header line.
    pub fn new(line: &'a [u8]) -> Self {
        Self { rest: Some(line) }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while let Some(rest) = self.rest {
            let (value, after) = match comma(rest) {
                Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at.saturating_add(1)..)),
                None => (rest, None),
            };
            self.rest = after;
            let value = trim(value);
            if !value.is_empty() {
                return Some(value);
            }
        }
        None
    }
}

/// Where the first separating comma is. A quote or bracket without end swallows the rest: its own grammar refuses it.
fn comma(text: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let here = at.saturating_add(memchr::memchr3(b',', b'"', b'<', text.get(at..)?)?);
        let rest = text.get(here..)?;
        let skip = match rest.first()? {
            b',' => return Some(here),
            b'"' => rest.len().saturating_sub(take_quoted(rest).ok()?.1.len()),
            _ => memchr::memchr(b'>', rest)?.saturating_add(1),
        };
        at = here.saturating_add(skip);
    }
}
