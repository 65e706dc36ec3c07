//! The ways by which a phone reaches the server: a transport and a version of IP.

use std::fmt;

/// What carries SIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection in the clear.
    Tcp,
    /// An encrypted connection.
    Tls,
}

impl Transport {
    /// As a URI's `transport` parameter says it.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// Which IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// One of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// What carries SIP.
    pub transport: Transport,
    /// Over which IP.
    pub version: Version,
}

impl Way {
    /// Datagrams over IPv4, the one that every phone has.
    pub const USUAL: Self = Self { transport: Transport::Udp, version: Version::V4 };
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} over {:?}", self.transport, self.version)
    }
}
