//! One verdict for everything that comes from the network.
//!
//! [`Gate`] is what any thread asks before it reads a byte; [`Connections`] and [`Buckets`] are the bounded counts
//! by source that keep one address from taking what all need. Not here: sockets (`net`), challenges and the
//! question whether a password was right (`sip`). The judge that counts failures and fills the gate's table comes
//! with the issue on guessing; until then the gate admits whoever comes.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod addresses;
mod buckets;
mod connections;
mod gate;
mod judge;
mod source;

pub use addresses::AddressSet;
pub use buckets::{Buckets, MAX_SOURCES, Pace, Taken};
pub use connections::{Connections, Limits, MAX_KNOWN, Proof, TooMany};
pub use gate::{Admitted, Counts, Gate, Service, Table, Verdict};
pub use judge::{
    Block, By, Evidence, Exists, Failure, Guessing, Judge, Known, Permit, Refused, Ruling, Scope, SignedIn,
};
pub use source::Source;
