//! One verdict for everything that comes from the network.
//!
//! [`Gate`] is what any thread asks before it reads a byte; [`Connections`] and [`Buckets`] are the bounded counts
//! by source that keep one address from taking what all need. Not here: sockets (`net`), challenges and the
//! question whether a password was right (`sip`). [`Judge`] counts wrong passwords and decides who is refused; what it
//! decides is put into the gate before anybody is answered.
//!
//! # A service that asks for a password
//!
//! speaks to the judge with three calls, whatever its protocol: it asks for leave before it looks at a password, and
//! reports what the password was worth before it answers. Over threads it does so on the control thread, by
//! `net::ControlHandle::ask` and `calls::Exchange::consult`; what is ruled is then in force when `ask` returns.
//!
//! ```
//! use guard::{Exists, Failure, Judge, Refused, SignedIn};
//! # let mut judge = Judge::new(guard::Guessing::default(), guard::AddressSet::default());
//! # let (now, source) = (model::Now::default(), "198.51.100.7".parse().unwrap());
//! # fn is_right(_: &str) -> bool { false }
//! let answer = match judge.permit(now, source, "alice") {
//!     Err(Refused::Address) => "nothing at all: the connection is reset",
//!     Err(Refused::Account) => "what a wrong password gets, without a look at this one",
//!     Err(Refused::Pending) => "try again in a moment",
//!     // Hashing may take its time on another thread; the permit waits for it and counts as a failure meanwhile.
//!     Ok(permit) if is_right("alice") => {
//!         judge.succeeded(now, permit);
//!         "come in"
//!     }
//!     Ok(permit) => {
//!         let (exists, signed_in) = (Exists::Yes, SignedIn::Never);
//!         judge.failed(now, permit, Failure { service: "console", account: "alice", exists, agent: "", signed_in });
//!         "wrong"
//!     }
//! };
//! # assert_eq!(answer, "wrong");
//! ```
//!
//! Only what is proven to come from the source is reported: a TCP connection, or an answer to a challenge of ours. PINs keyed
//! in on a call, SNMP and TFTP are no business of the judge (SPEC R4.4). Each failure is also an event of the service,
//! `auth.failed`, with service, account, source and reason.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod addresses;
mod attacks;
mod buckets;
mod connections;
mod gate;
mod judge;
mod places;
mod refusals;
mod source;

pub use addresses::AddressSet;
pub use attacks::{Attacker, Attacks, MAX_MET, MAX_REMEMBERED, MEMORY, Minute, Tried, TriedAccount, View};
pub use buckets::{Buckets, MAX_SOURCES, Pace, Taken};
pub use connections::{Connections, Limits, MAX_KNOWN, Proof, TooMany};
pub use gate::{Admitted, Counts, Gate, Row, Rows, Service, Verdict};
pub use judge::{
    Block, By, Evidence, Exists, Failure, Guessing, Judge, KNOWN_FOR, Known, KnownSource, MAX_KNOWN_SOURCES,
    MAX_WHY, Permit, Refused, Ruling, Scope, SignedIn,
};
pub use places::Places;
pub use source::Source;
