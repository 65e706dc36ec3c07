//! Who rings, who is bridged: the exchange, joining sip and media.
//!
//! [`Exchange`] is the control plane as one machine, a back-to-back user agent: [`Input`]s come in with the time, the
//! [`Output`]s of [`Exchange::poll`] go out. Each side of a call is a session of its own with an offer/answer state of
//! its own. Not here: SIP itself (`sip`), packets (`media`), sockets and threads (`net`), the database (`store`).
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod api;
mod bridge;
mod call;
mod exchange;
mod identity;
mod incoming;
mod lamps;
mod leg;
pub mod limits;
mod live;
mod record;
mod ring;
mod route;
mod step;
mod talk;
mod timers;
mod transfer;

pub use api::{Command, Input, Output, Setup};
pub use exchange::Exchange;
