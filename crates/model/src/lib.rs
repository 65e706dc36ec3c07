//! What an office talks about, validated once: extensions, lines, numbers, call records, events.
//!
//! Why a crate of its own: every other room of the house speaks these words, so they can depend on nothing but
//! themselves. Not here: protocol bytes (`wire`), decisions (`guard`, `sip`, `calls`), anything that does I/O.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod config;
pub mod directory;
pub mod entropy;
pub mod event;
pub mod flow;
pub mod history;
pub mod id;
pub mod live;
pub mod lock;
pub mod number;
pub mod record;
pub mod room;
#[cfg(feature = "schema")]
mod schema;
pub mod secret;
pub mod time;
pub mod weakness;

pub use entropy::Entropy;
pub use flow::{Flow, FlowId, Transport};
pub use id::{CallId, Id, IdMint};
pub use number::DialString;
pub use secret::Secret;
pub use time::{Mono, Now, Wall};
pub use weakness::{Weakness, planted};
