//! Where a request goes whose destination is a name (RFC 3263 section 4), as a machine that asks for DNS records.
//!
//! [`Locate`] says which records it wants next, is given them, and ends with addresses in the order in which to try
//! them: by NAPTR the transport, by SRV the server, by A and AAAA its address. Not here: the lookups themselves (`net`), and
//! requests to phones, which go back over the flow that the phone came on and need no name.

mod order;
mod plan;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use model::Transport;
use wire::sip::{Host, Uri};

pub use plan::Locate;

/// Names in one answer that are looked at; a provider names a handful of servers.
pub const MAX_RECORDS: usize = 16;
/// Questions for one destination: NAPTR, one SRV for each transport, and the servers that these name.
pub const MAX_QUESTIONS: usize = 32;
/// Addresses that come of one destination.
pub const MAX_CANDIDATES: usize = 32;

/// Whether the destination was written with `sips:`, so that only TLS will do (RFC 3261 section 26.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
}

/// What is to be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// A name, or an address without brackets.
    pub host: String,
    /// The port, if one was written.
    pub port: Option<u16>,
    /// The `transport` parameter, if one was written.
    pub transport: Option<Transport>,
    /// The scheme.
    pub scheme: Scheme,
}

/// Why a text is no destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDestination {
    /// It is neither a SIP URI nor a host.
    #[error(
        "is neither a host nor a SIP URI; write for example sip.example.test or sip:example.test;transport=tcp"
    )]
    Unreadable,
    /// A transport that we do not speak.
    #[error("asks for a transport other than udp, tcp and tls")]
    Transport,
}

impl Destination {
    /// Reads a SIP URI, or a host with or without port and parameters.
    ///
    /// # Errors
    /// It is neither, or asks for a transport that we don't speak.
    pub fn parse(text: &str) -> Result<Destination, NoDestination> {
        let has_scheme = ["sip:", "sips:"].iter().any(|scheme| starts_with(text, scheme));
        let bare = text.parse::<std::net::Ipv6Addr>().map(|address| format!("sip:[{address}]"));
        let whole = match bare {
            Ok(bracketed) => bracketed,
            Err(_) if has_scheme => text.to_owned(),
            Err(_) => format!("sip:{text}"),
        };
        let uri = Uri::parse(whole.as_bytes()).map_err(|_| NoDestination::Unreadable)?;
        let Uri::Sip(sip) = uri else { return Err(NoDestination::Unreadable) };
        let transport = match sip.params.find("transport") {
            None => None,
            Some(value) => Some(transport_named(value.unwrap_or_default()).ok_or(NoDestination::Transport)?),
        };
        let host = match sip.host {
            Host::Name(name) => name.trim_end_matches('.').to_ascii_lowercase(),
            Host::V4(address) => address.to_string(),
            Host::V6(address) => address.to_string(),
        };
        let scheme = if sip.secure { Scheme::Sips } else { Scheme::Sip };
        Ok(Destination { host, port: sip.port.filter(|port| *port != 0), transport, scheme })
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn transport_named(value: &[u8]) -> Option<Transport> {
    let all = [Transport::Udp, Transport::Tcp, Transport::Tls];
    all.into_iter().find(|transport| value.eq_ignore_ascii_case(transport.uri_token().as_bytes()))
}

/// What can be sent from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Transports, the preferred one first.
    pub transports: Vec<Transport>,
    /// Whether IPv4 can be spoken.
    pub v4: bool,
    /// Whether IPv6 can be spoken.
    pub v6: bool,
}

impl Abilities {
    fn reaches(&self, address: IpAddr) -> bool {
        if address.to_canonical().is_ipv4() { self.v4 } else { self.v6 }
    }
}

/// Records that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// NAPTR of this name.
    Naptr(String),
    /// SRV of this name.
    Srv(String),
    /// A and AAAA of this name.
    Addresses(String),
}

/// A NAPTR record (RFC 3403 section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naptr {
    /// Lower ones first.
    pub order: u16,
    /// Within an order, lower ones first.
    pub preference: u16,
    /// `s`: the replacement has SRV records.
    pub flags: String,
    /// `SIP+D2U`, `SIP+D2T`, `SIPS+D2T`, or something that is not SIP's.
    pub service: String,
    /// The next name.
    pub replacement: String,
}

/// An SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower ones first.
    pub priority: u16,
    /// Share among those of one priority.
    pub weight: u16,
    /// Port of the server.
    pub port: u16,
    /// Name of the server; empty or `.`: the service is decidedly not offered.
    pub target: String,
}

/// What a lookup brought. No records of the kind: an empty list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To [`Question::Naptr`].
    Naptr(Vec<Naptr>),
    /// To [`Question::Srv`].
    Srv(Vec<Srv>),
    /// To [`Question::Addresses`].
    Addresses(Vec<IpAddr>),
    /// Nobody could say.
    Failed,
}

/// An address to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// How.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}
