//! Where legs get their ports from: bound sockets in the server, made-up ones in `sim`, none at all when a test wants
//! to see a call refused.

use std::net::{IpAddr, SocketAddr};

/// A leg's two addresses on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediaPort {
    /// RTP; the port is even.
    pub rtp: SocketAddr,
    /// RTCP; one port above.
    pub rtcp: SocketAddr,
}

/// No pair of ports is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no media port is free")]
pub struct PortsExhausted;

/// Gives out ports. Whoever opens one sends [`crate::Command::Open`] for it next, and at the end
/// [`crate::Command::Close`] and one [`PortSource::close`].
pub trait PortSource {
    /// A pair on this address of ours.
    ///
    /// # Errors
    /// None is free.
    fn open(&mut self, local: IpAddr) -> Result<MediaPort, PortsExhausted>;

    /// The pair may rest and be given out again. The sockets are the shard's to close.
    fn close(&mut self, port: MediaPort);
}
