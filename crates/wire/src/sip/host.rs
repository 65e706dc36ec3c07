//! Hosts: a name, an IPv4 address, or an IPv6 address in brackets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::error::FieldError;
use super::limits::MAX_HOST;
use super::text::{self, Class, take_while, trim_start};

/// Where a URI or a Via points.
#[derive(Debug, Clone, Copy, Eq)]
pub enum Host<'a> {
    /// A name, as written; compare it without case (`==` does).
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; written in brackets.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// Reads a whole host.
    pub fn parse(raw: &'a [u8]) -> Result<Self, FieldError> {
        if let Some(inside) = raw.strip_prefix(b"[") {
            let inside = inside.strip_suffix(b"]").and_then(|inside| std::str::from_utf8(inside).ok());
            return inside.and_then(|inside| inside.parse().ok()).map(Self::V6).ok_or(FieldError::Host);
        }
        let text = std::str::from_utf8(raw).map_err(|_| FieldError::Host)?;
        // What looks like an address but is none must not become a name to resolve.
        if raw.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
            return text.parse().map(Self::V4).map_err(|_| FieldError::Host);
        }
        let labels = raw.strip_suffix(b".").unwrap_or(raw);
        if raw.len() > MAX_HOST || labels.is_empty() || !are_labels(labels) {
            return Err(FieldError::Host);
        }
        Ok(Self::Name(text))
    }

    /// The address, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(address) => Some(IpAddr::V4(*address)),
            Self::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// Splits `host [":" port]` from what follows, with whitespace around the colon as Via allows it.
    pub(super) fn take_with_port(raw: &'a [u8]) -> Result<(Self, Option<u16>, &'a [u8]), FieldError> {
        let (host, rest) = if raw.first() == Some(&b'[') {
            let end = memchr::memchr(b']', raw).ok_or(FieldError::Host)?;
            raw.split_at_checked(end.saturating_add(1)).ok_or(FieldError::Host)?
        } else {
            take_while(raw, |b| !matches!(b, b':' | b';' | b'?' | b',') && !text::is_space(b))
        };
        let host = Self::parse(host)?;
        let Some(after_colon) = trim_start(rest).strip_prefix(b":") else {
            return Ok((host, None, rest));
        };
        let (digits, rest) = take_while(trim_start(after_colon), |b| b.is_ascii_digit());
        Ok((host, Some(text::port(digits)?), rest))
    }
}

/// Labels with dots between them, none empty. Underscores are no host name, but phones and Windows networks have them.
fn are_labels(text: &[u8]) -> bool {
    let mut after_dot = true;
    for byte in text {
        let dot = *byte == b'.';
        if (dot && after_dot) || !HOST_NAME.holds(*byte) {
            return false;
        }
        after_dot = dot;
    }
    !after_dot
}

static HOST_NAME: Class = Class::new(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a.eq_ignore_ascii_case(b),
            (Self::V4(a), Self::V4(b)) => a == b,
            (Self::V6(a), Self::V6(b)) => a == b,
            _ => false,
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}
