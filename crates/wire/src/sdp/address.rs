//! `o=` and `c=`: who described the session, and where media goes.
//!
//! Host names are kept as text and never resolved here: media to a name would make a phone's SDP a way to
//! have us ask the DNS.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// An address as SDP writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A numeric address.
    Ip(IpAddr),
    /// A host name, or an address of the wrong family for its line.
    Name(String),
}

impl Host {
    pub(super) fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Ip)
    }

    fn family(&self) -> &'static str {
        match self {
            Self::Ip(IpAddr::V6(_)) => "IP6",
            Self::Ip(IpAddr::V4(_)) | Self::Name(_) => "IP4",
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// `c=` (RFC 8866 5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The address media goes to.
    pub host: Host,
    /// What follows a multicast address: `/ttl` or `/ttl/count`, with the slash; else empty.
    pub suffix: String,
}

impl Connection {
    /// A `c=` for one unicast address.
    #[must_use]
    pub fn new(ip: IpAddr) -> Self {
        Self { host: Host::Ip(ip), suffix: String::new() }
    }

    /// The numeric address, if it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self.host {
            Host::Ip(ip) => Some(ip),
            Host::Name(_) => None,
        }
    }

    /// `0.0.0.0` or `::`: "do not send me media", hold as RFC 2543 phones wrote it.
    #[must_use]
    pub fn is_unspecified(&self) -> bool {
        self.ip().is_some_and(|ip| ip.is_unspecified())
    }

    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut fields = value.split_ascii_whitespace();
        let net = fields.next()?;
        let family = fields.next()?;
        let address = fields.next()?;
        if !net.eq_ignore_ascii_case("IN") || !is_family(family) {
            return None;
        }
        let (host, suffix) = match address.split_once('/') {
            Some((host, rest)) => (host, format!("/{rest}")),
            None => (address, String::new()),
        };
        Some(Self { host: Host::parse(host), suffix })
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IN {} {}{}", self.host.family(), self.host, self.suffix)
    }
}

/// `o=` (RFC 8866 5.2). The ids are text, since phones send numbers beyond 64 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// User name; `-` by custom.
    pub username: String,
    /// Identifies the session among those of this host.
    pub session_id: String,
    /// Grows with each change of the description.
    pub version: String,
    /// The host that made the description.
    pub host: Host,
}

impl Origin {
    /// An origin of our own.
    #[must_use]
    pub fn new(session_id: u64, version: u64, ip: IpAddr) -> Self {
        Self {
            username: "-".to_owned(),
            session_id: session_id.to_string(),
            version: version.to_string(),
            host: Host::Ip(ip),
        }
    }

    /// What stands in for a missing `o=`.
    pub(super) fn missing() -> Self {
        Self::new(0, 0, IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    pub(super) fn parse(value: &str) -> Option<Self> {
        let mut fields = value.split_ascii_whitespace();
        let origin = Self {
            username: fields.next()?.to_owned(),
            session_id: fields.next()?.to_owned(),
            version: fields.next()?.to_owned(),
            host: {
                let net = fields.next()?;
                let family = fields.next()?;
                if !net.eq_ignore_ascii_case("IN") || !is_family(family) {
                    return None;
                }
                Host::parse(fields.next()?)
            },
        };
        Some(origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { username, session_id, version, host } = self;
        write!(f, "{username} {session_id} {version} IN {} {host}", host.family())
    }
}

fn is_family(text: &str) -> bool {
    text.eq_ignore_ascii_case("IP4") || text.eq_ignore_ascii_case("IP6")
}
