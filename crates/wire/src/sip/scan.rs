//! The one pass over a message: where the start line's parts, each header's name and value, and the body are.
//!
//! Nothing is copied and no value is read here; what makes a second reading possible (a bare CR or LF, NUL, whitespace inside a
//! name) ends the scan. Offsets have 16 bits, since a message has at most 65,535 bytes.

use smallvec::SmallVec;

use super::error::MalformedKind;
use super::limits::{MAX_HEADERS, MAX_LEADING_CRLF, MAX_LINE, MAX_MESSAGE, MAX_NAME};
use super::method::Method;
use super::name::Name;
use super::text::{is_space, is_token};

/// A range of bytes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    at: u16,
    length: u16,
}

impl Span {
    fn new(start: usize, end: usize) -> Result<Self, MalformedKind> {
        let short = |n: usize| u16::try_from(n).map_err(|_| MalformedKind::TooLarge);
        Ok(Self { at: short(start)?, length: short(end.saturating_sub(start))? })
    }

    pub(super) fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = usize::from(self.at);
        bytes.get(start..start.saturating_add(usize::from(self.length))).unwrap_or_default()
    }
}

/// The start line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    Request { method: Method, token: Span, uri: Span },
    Response { status: u16, reason: Span },
}

/// One header line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: Name,
    name_length: u8,
    name_at: u16,
    value: Span,
}

impl Entry {
    pub(super) fn raw_name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        Span { at: self.name_at, length: u16::from(self.name_length) }.of(bytes)
    }

    pub(super) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.value.of(bytes)
    }
}

/// Header lines an ordinary message has; more move the index to the heap once.
pub(super) const USUAL_HEADERS: usize = 24;

/// Where everything is.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) start: Start,
    pub(super) entries: SmallVec<[Entry; USUAL_HEADERS]>,
    /// Where the body begins.
    pub(super) body: usize,
}

pub(super) fn scan(bytes: &[u8]) -> Result<Index, MalformedKind> {
    if bytes.len() > MAX_MESSAGE {
        return Err(MalformedKind::TooLarge);
    }
    let begin = skip_empty_lines(bytes)?;
    let (end, mut at) = line_end(bytes, begin)?;
    let start = start_line(bytes, begin, end)?;
    let mut entries = SmallVec::new();
    loop {
        if bytes.get(at) == Some(&b'\r') {
            let (_, body) = line_end(bytes, at)?;
            return Ok(Index { start, entries, body });
        }
        if entries.len() >= MAX_HEADERS {
            return Err(MalformedKind::TooManyHeaders);
        }
        let (entry, next) = header_line(bytes, at)?;
        entries.push(entry);
        at = next;
    }
}

/// Where the start line begins.
pub(super) fn skip_empty_lines(bytes: &[u8]) -> Result<usize, MalformedKind> {
    let mut at = 0_usize;
    for _ in 0..MAX_LEADING_CRLF {
        match bytes.get(at..).unwrap_or_default() {
            [b'\r', b'\n', ..] => at = at.saturating_add(2),
            [] => return Err(MalformedKind::Empty),
            _ => return Ok(at),
        }
    }
    Err(MalformedKind::Empty)
}

/// The end of the line at `from`, without its CR LF, and where the next one begins.
pub(super) fn line_end(bytes: &[u8], from: usize) -> Result<(usize, usize), MalformedKind> {
    let rest = bytes.get(from..).unwrap_or_default();
    let Some(found) = memchr::memchr3(b'\r', b'\n', 0, rest) else {
        return Err(if rest.len() > MAX_LINE {
            MalformedKind::LineTooLong
        } else {
            MalformedKind::NoEndOfHeaders
        });
    };
    let end = from.saturating_add(found);
    match rest.get(found..).unwrap_or_default() {
        [b'\r', b'\n', ..] if found <= MAX_LINE => Ok((end, end.saturating_add(2))),
        [b'\r', b'\n', ..] => Err(MalformedKind::LineTooLong),
        [b'\r'] => Err(MalformedKind::NoEndOfHeaders),
        [0, ..] => Err(MalformedKind::Nul),
        _ => Err(MalformedKind::BareLineEnd),
    }
}

/// The end of a header's value with its folds: a line that begins with whitespace continues the one before.
fn folded_end(bytes: &[u8], from: usize) -> Result<(usize, usize), MalformedKind> {
    let mut at = from;
    loop {
        let (end, next) = line_end(bytes, at)?;
        if end.saturating_sub(from) > MAX_LINE {
            return Err(MalformedKind::LineTooLong);
        }
        if !matches!(bytes.get(next), Some(b' ' | b'\t')) {
            return Ok((end, next));
        }
        at = next;
    }
}

fn header_line(bytes: &[u8], at: usize) -> Result<(Entry, usize), MalformedKind> {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return Err(MalformedKind::NoEndOfHeaders);
    }
    let name_length = rest.iter().position(|b| !is_token(*b)).unwrap_or(rest.len());
    let raw_name = rest.get(..name_length).unwrap_or_default();
    let spaces = rest.iter().skip(name_length).position(|b| !matches!(b, b' ' | b'\t')).unwrap_or_default();
    let colon = name_length.saturating_add(spaces);
    if raw_name.is_empty() || raw_name.len() > MAX_NAME || rest.get(colon) != Some(&b':') {
        return Err(not_a_header(bytes, at));
    }
    let from = at.saturating_add(colon).saturating_add(1);
    let (end, next) = folded_end(bytes, from)?;
    let (start, end) = trimmed(bytes, from, end);
    let entry = Entry {
        name: Name::parse(raw_name),
        name_length: u8::try_from(name_length).unwrap_or(u8::MAX),
        name_at: u16::try_from(at).map_err(|_| MalformedKind::TooLarge)?,
        value: Span::new(start, end)?,
    };
    Ok((entry, next))
}

/// A line that is no header: the line end may be the true fault.
fn not_a_header(bytes: &[u8], at: usize) -> MalformedKind {
    line_end(bytes, at).err().unwrap_or(MalformedKind::HeaderName)
}

fn trimmed(bytes: &[u8], from: usize, end: usize) -> (usize, usize) {
    let value = bytes.get(from..end).unwrap_or_default();
    let leading = value.iter().position(|b| !is_space(*b)).unwrap_or(value.len());
    let length = value.iter().rposition(|b| !is_space(*b)).map_or(leading, |last| last.saturating_add(1));
    (from.saturating_add(leading), from.saturating_add(length))
}

fn start_line(bytes: &[u8], begin: usize, end: usize) -> Result<Start, MalformedKind> {
    let line = bytes.get(begin..end).unwrap_or_default();
    let offset = |n: usize| begin.saturating_add(n);
    let first = memchr::memchr(b' ', line).ok_or(MalformedKind::StartLine)?;
    let head = line.get(..first).unwrap_or_default();
    if is_version(head) {
        version(head)?;
        let rest = line.get(first.saturating_add(1)..).unwrap_or_default();
        return status_line(rest, offset(first.saturating_add(1)));
    }
    let last = memchr::memrchr(b' ', line).filter(|last| *last > first).ok_or(MalformedKind::StartLine)?;
    let tail = line.get(last.saturating_add(1)..).unwrap_or_default();
    if head.is_empty() || !head.iter().all(|b| is_token(*b)) || !is_version(tail) {
        return Err(MalformedKind::StartLine);
    }
    version(tail)?;
    Ok(Start::Request {
        method: Method::parse(head),
        token: Span::new(begin, offset(first))?,
        uri: Span::new(offset(first.saturating_add(1)), offset(last))?,
    })
}

/// `code SP reason`; the reason may be empty, and so may, for a few phones, the space before it.
fn status_line(rest: &[u8], at: usize) -> Result<Start, MalformedKind> {
    let (code, reason) = super::text::take_while(rest, |b| b != b' ');
    let status = super::text::decimal(code).ok().filter(|_| code.len() == 3);
    let status = status.and_then(|n| u16::try_from(n).ok()).filter(|n| (100..=699).contains(n));
    let reason_at = rest.len().saturating_sub(reason.len()).saturating_add(1).min(rest.len());
    Ok(Start::Response {
        status: status.ok_or(MalformedKind::Status)?,
        reason: Span::new(at.saturating_add(reason_at), at.saturating_add(rest.len()))?,
    })
}

/// `SIP/` and digits with a dot, in any case.
pub(super) fn is_version(text: &[u8]) -> bool {
    let Some((b"/", digits)) = text.get(3..).and_then(|rest| rest.split_at_checked(1)) else {
        return false;
    };
    text.get(..3).is_some_and(|sip| sip.eq_ignore_ascii_case(b"SIP"))
        && digits.iter().all(|b| b.is_ascii_digit() || *b == b'.')
        && memchr::memchr(b'.', digits).is_some()
}

fn version(text: &[u8]) -> Result<(), MalformedKind> {
    if text.ends_with(b"/2.0") { Ok(()) } else { Err(MalformedKind::Version) }
}
