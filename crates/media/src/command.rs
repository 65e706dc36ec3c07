//! What a shard is told and what it says.

use std::net::SocketAddr;
use std::time::Duration;

use wire::sdp::Direction;

use crate::id::LegId;
use crate::payload::{PayloadMap, Payloads};
use crate::quality::Quality;
use crate::stage::Tap;

/// Which of a leg's two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// The even one.
    Rtp,
    /// The one above.
    Rtcp,
}

/// The media description a peer gave, as far as the relay needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it wants RTP. An unspecified address (old hold) keeps the address of before.
    pub rtp: SocketAddr,
    /// Where it wants RTCP.
    pub rtcp: SocketAddr,
    /// Which of our sockets its RTCP and ours for it pass: [`Port::Rtp`] when both sides agreed to rtcp-mux (RFC 5761).
    pub rtcp_port: Port,
    /// What was agreed, as the peer sees it: `Sendonly` means that only the peer sends.
    pub direction: Direction,
}

/// What the control plane wants. A command for a leg that is gone does nothing.
#[derive(Clone, Debug)]
pub enum Command {
    /// A leg begins; `local` is the address its RTP socket is bound to.
    Open {
        /// Its name, from [`crate::LegIds`].
        leg: LegId,
        /// Our RTP address.
        local: SocketAddr,
    },
    /// Each offer/answer tells what the peer said. A changed address opens a learning window (R4.16).
    Describe {
        /// The leg.
        leg: LegId,
        /// The peer's description.
        remote: Remote,
        /// What the payload types that the peer sends mean.
        payloads: Box<Payloads>,
        /// For `nat` lines: where its signalling comes from; media from that address counts, whatever the port.
        nat_source: Option<SocketAddr>,
    },
    /// For `nat` lines: the peer's signalling, proven, comes from elsewhere now, and so may its media. Opens a
    /// learning window in which a silent peer may be replaced.
    Reopen {
        /// The leg.
        leg: LegId,
        /// Where its signalling comes from.
        nat_source: SocketAddr,
    },
    /// Joins two legs of this shard, and takes each from whom it was joined with before.
    Bridge {
        /// One leg.
        a: LegId,
        /// The other.
        b: LegId,
        /// Payload types from a to b.
        map_ab: Box<PayloadMap>,
        /// Payload types from b to a.
        map_ba: Box<PayloadMap>,
    },
    /// Takes a leg from its partner; both stay open and hear nothing.
    Unbridge {
        /// The leg.
        leg: LegId,
    },
    /// Puts a tap on what a leg receives, or takes it off with [`Tap::None`].
    Tap {
        /// The leg.
        leg: LegId,
        /// The tap.
        tap: Tap,
    },
    /// Silence counts as death after another time from now on; a leg learns of it when it is next looked at.
    DeadMedia {
        /// See [`crate::Config::dead_media`].
        after: Duration,
    },
    /// Ends a leg: a BYE goes out, then [`Event::Closed`].
    Close {
        /// The leg.
        leg: LegId,
    },
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// The peer's address is known; media from elsewhere is refused from now on.
    Pinned {
        /// The leg.
        leg: LegId,
        /// The peer.
        remote: SocketAddr,
    },
    /// Media was expected and nothing came; told once per silence.
    Dead {
        /// The leg.
        leg: LegId,
        /// How long nothing came.
        silent_for: Duration,
    },
    /// The leg is gone; its sockets may be closed.
    Closed {
        /// The leg.
        leg: LegId,
        /// How it was.
        quality: Quality,
    },
    /// `Open` was refused: the slot is beyond the shard's limit or has a tenant.
    Refused {
        /// The leg.
        leg: LegId,
    },
    /// How a leg's media is so far; told with each report of ours (about every 5 s).
    Quality {
        /// The leg.
        leg: LegId,
        /// How it is.
        quality: Quality,
    },
    /// Media from an address that nobody agreed to was refused. Told once per leg, after
    /// [`crate::FOREIGN_PACKETS`].
    Foreign {
        /// The leg.
        leg: LegId,
        /// Where it came from.
        source: SocketAddr,
    },
}

impl Event {
    /// The leg it is about.
    #[must_use]
    pub fn leg(&self) -> LegId {
        match *self {
            Self::Pinned { leg, .. }
            | Self::Dead { leg, .. }
            | Self::Closed { leg, .. }
            | Self::Refused { leg }
            | Self::Quality { leg, .. }
            | Self::Foreign { leg, .. } => leg,
        }
    }
}

/// Longest packet of our own: an RTCP compound.
pub const SMALL_MAX: usize = wire::rtp::COMPOUND_MAX;

/// A short packet of our own, without an allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Small {
    bytes: [u8; SMALL_MAX],
    length: u8,
}

impl Small {
    pub(crate) fn new(bytes: [u8; SMALL_MAX], length: usize) -> Self {
        Self { bytes, length: u8::try_from(length.min(SMALL_MAX)).unwrap_or(0) }
    }

    /// The packet.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&[])
    }
}

impl std::fmt::Debug for Small {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Small({} bytes)", self.length)
    }
}

/// What a shard wants done. Drain it after each call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Out {
    /// A packet of our own: RTCP or a keep-alive.
    Send {
        /// The leg whose socket sends.
        leg: LegId,
        /// Which of its sockets.
        port: Port,
        /// Whereto.
        to: SocketAddr,
        /// What.
        bytes: Small,
    },
    /// Something the control plane wants to know.
    Event(Event),
}

/// What becomes of a received packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send the buffer, rewritten in place, from this leg's socket.
    Forward {
        /// The leg whose socket sends.
        leg: LegId,
        /// Which of its sockets.
        port: Port,
        /// Whereto.
        to: SocketAddr,
    },
    /// It was for us (RTCP, a keep-alive).
    Consumed,
    /// It goes nowhere.
    Dropped(Why),
}

/// Why a packet goes nowhere; each is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// No such leg, or no longer.
    UnknownLeg,
    /// STUN, DTLS or nothing known.
    NotMedia,
    /// No valid RTP or RTCP.
    Malformed,
    /// From an address that the signalling did not agree to.
    ForeignSource,
    /// From a candidate that has not proved itself yet.
    Learning,
    /// The leg has no partner.
    Unbridged,
    /// The peer agreed not to send, or the partner not to receive: hold.
    Held,
    /// A payload type nobody agreed to.
    UnknownPayload,
    /// From before the present stream began.
    Late,
    /// The partner has not said where it listens.
    NoAddress,
}

impl Why {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 10] = [
        Self::UnknownLeg,
        Self::NotMedia,
        Self::Malformed,
        Self::ForeignSource,
        Self::Learning,
        Self::Unbridged,
        Self::Held,
        Self::UnknownPayload,
        Self::Late,
        Self::NoAddress,
    ];
}
