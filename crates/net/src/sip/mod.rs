//! Signalling sockets: UDP, TCP, TLS, and the table of flows that answers leave by.

pub(crate) mod accept;
mod door;
mod flows;
pub(crate) mod handshake;
mod listeners;
mod refuse;
mod stream;
mod udp;

pub use door::{Counters, Door, Patience};
pub use flows::{Flows, Sent};
pub(crate) use handshake::Overheard;
pub use listeners::{Listeners, Wanted};

#[cfg(test)]
mod tests;
