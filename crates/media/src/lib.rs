//! The media relay: legs, latching, rewriting, reports; and the offers and answers that describe it.
//!
//! [`Shard`] is a machine: packets and commands come in with the time, verdicts and [`Out`] come out. It has no
//! sockets, no threads and no clock; `net` gives each shard a thread and its sockets, `sim` gives it a made-up
//! network. [`sdp`] decides what each side is offered, [`Ports`] which ports a leg listens on.
//!
//! Not here: SIP, who is bridged with whom (`calls`), the bytes of RTP and SDP (`wire`).
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod buffer;
mod command;
mod id;
mod latch;
mod leg;
mod payload;
mod ports;
mod quality;
mod receiver;
pub mod sdp;
mod sender;
mod shard;
mod source;
mod stage;

pub use buffer::{Buffer, HEADROOM, STORAGE, TAILROOM};
pub use command::{Command, Event, Out, Port, Remote, SMALL_MAX, Small, Verdict, Why};
pub use id::{LegId, LegIds};
pub use latch::{CANDIDATES_MAX, FOREIGN_PACKETS, LEARNING_WINDOW, PINNING_PACKETS, STALE_PINNING_PACKETS};
pub use payload::{PayloadMap, Payloads, Role};
pub use ports::{Exhausted, PortPair, Ports};
pub use quality::{Quality, Stream};
pub use shard::{Config, SILENCE_FACTOR, Shard};
pub use source::{MediaPort, PortSource, PortsExhausted};
pub use stage::{Meter, Protection, Tap, Transform};
