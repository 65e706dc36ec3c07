//! A flow: the address, port and transport that a message came on, and on which its answer leaves.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// How SIP travels.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams; transactions retransmit.
    Udp,
    /// A byte stream; transactions don't retransmit.
    Tcp,
    /// An encrypted byte stream (RFC 3261 section 26.2.1).
    Tls,
}

impl Transport {
    /// Whether the transport itself delivers (RFC 3261 section 17: no retransmission by transactions).
    pub const fn is_reliable(self) -> bool {
        matches!(self, Transport::Tcp | Transport::Tls)
    }

    /// Whether nobody on the way can read or change what is said.
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Transport::Tls)
    }

    /// The token in Via (RFC 3261 section 20.42).
    pub const fn via_token(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        }
    }

    /// The value of a URI's `transport` parameter.
    pub const fn uri_token(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri_token())
    }
}

/// Names one connection (streams) or one listening socket (UDP) for as long as the process lives; never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// Where a message came from and where its answer goes: sending to a flow reaches the same peer from the address
/// that it asked (SPEC R2.23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The connection, or the listening socket for UDP.
    pub id: FlowId,
    /// How it travels.
    pub transport: Transport,
    /// Our concrete address, never a wildcard.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}
