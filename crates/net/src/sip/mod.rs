//! Signalling sockets: UDP, TCP, TLS, and the table of flows that answers leave by.

mod accept;
mod door;
mod flows;
mod handshake;
mod listeners;
mod refuse;
mod stream;
mod udp;

pub use door::{Counters, Door, Patience};
pub use flows::{Flows, Sent};
pub use listeners::{Listeners, Wanted};

#[cfg(test)]
mod tests;
