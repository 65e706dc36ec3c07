//! One verdict for everything that comes from the network.
//!
//! [`Gate`] is what any thread asks before it reads a byte; [`Connections`] and [`Buckets`] are the bounded counts
//! by source that keep one address from taking what all need. Not here: sockets (`net`), challenges and the
//! question whether a password was right (`sip`). [`Judge`] counts wrong passwords and decides who is refused; what it
//! decides is put into the gate before anybody is answered.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod addresses;
mod buckets;
mod connections;
mod gate;
mod judge;
mod refusals;
mod source;

pub use addresses::AddressSet;
pub use buckets::{Buckets, MAX_SOURCES, Pace, Taken};
pub use connections::{Connections, Limits, MAX_KNOWN, Proof, TooMany};
pub use gate::{Admitted, Counts, Gate, Row, Rows, Service, Verdict};
pub use judge::{
    Block, By, Evidence, Exists, Failure, Guessing, Judge, Known, Permit, Refused, Ruling, Scope, SignedIn,
};
pub use source::Source;
