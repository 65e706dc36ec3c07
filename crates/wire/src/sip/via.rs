//! Via: the way back of a response (RFC 3261 section 20.42, RFC 3581).

use std::net::{IpAddr, Ipv6Addr};

use super::error::FieldError;
use super::host::Host;
use super::params::Params;
use super::text::{self, take_token, trim, trim_start};

/// What branches of RFC 3261 start with; without it a transaction is matched by the rules of RFC 2543.
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// One Via value.
#[derive(Debug, Clone, Copy)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, `TLS`, `WS` ... as written; compare it without case.
    pub transport: &'a [u8],
    /// The host the sender says it is at.
    pub host: Host<'a>,
    /// The port the sender says it is at.
    pub port: Option<u16>,
    /// All parameters.
    pub params: Params<'a>,
    /// `host[:port]` as written.
    pub sent_by: &'a [u8],
}

impl<'a> Via<'a> {
    /// Reads one whole value. Only `SIP/2.0` is one; the transport may be any token.
    pub fn parse(value: &'a [u8]) -> Result<Self, FieldError> {
        Self::parse_version(value, |version| version == b"2.0")
    }

    /// Reads one whole value of any version of SIP: to answer 505 to a request of another.
    pub(super) fn parse_any_version(value: &'a [u8]) -> Result<Self, FieldError> {
        Self::parse_version(value, |_| true)
    }

    fn parse_version(value: &'a [u8], accept: impl Fn(&[u8]) -> bool) -> Result<Self, FieldError> {
        let (protocol, rest) = take_token(trim(value))?;
        let (version, rest) = take_token(slash(rest)?)?;
        if !protocol.eq_ignore_ascii_case(b"SIP") || !accept(version) {
            return Err(FieldError::Syntax);
        }
        let (transport, rest) = take_token(slash(rest)?)?;
        let from_host = trim_start(rest);
        if from_host.len() == rest.len() {
            return Err(FieldError::Syntax); // no whitespace after the transport
        }
        let (host, port, after) = Host::take_with_port(from_host)?;
        let sent_by = from_host.get(..from_host.len().saturating_sub(after.len())).unwrap_or_default();
        let via = Self { transport, host, port, params: Params::parse(after)?, sent_by: trim(sent_by) };
        if let Some(Some(rport)) = via.params.find("rport") {
            text::port(rport)?;
        }
        Ok(via)
    }

    /// The branch, if there is one that is not empty.
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.params.value("branch")
    }

    /// Whether the branch is unique in the sense of RFC 3261 section 8.1.1.7: the cookie and something behind it.
    pub fn has_magic_branch(&self) -> bool {
        let split = self.branch().and_then(|branch| branch.split_at_checked(MAGIC_COOKIE.len()));
        split.is_some_and(|(cookie, rest)| cookie.eq_ignore_ascii_case(MAGIC_COOKIE) && !rest.is_empty())
    }

    /// The address a server before us saw, if it is one; IPv6 with or without brackets (RFC 5118 section 4.5).
    pub fn received(&self) -> Option<IpAddr> {
        let text = std::str::from_utf8(self.params.value("received")?).ok()?;
        match text.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')) {
            Some(inside) => inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => text.parse().ok(),
        }
    }

    /// RFC 3581: `None` when absent, `Some(None)` when asked for, `Some(Some(port))` when filled in.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.find("rport").map(|value| value.and_then(|digits| text::port(digits).ok()))
    }
}

fn slash(text: &[u8]) -> Result<&[u8], FieldError> {
    trim_start(text).strip_prefix(b"/").map(trim_start).ok_or(FieldError::Syntax)
}
