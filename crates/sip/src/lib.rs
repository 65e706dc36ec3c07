//! SIP as a machine: transactions, sessions (the INVITE usage of dialogs), registrar, subscriptions,
//! authentication.
//!
//! [`Stack`] takes parsed messages and the time, and gives back messages to send and [`SessionEvent`]s for `calls`,
//! which answers by calling the stack's session methods. A request reaches `calls` only when its sender has proven
//! who he is. Not here: media, who rings whom (`calls`), sockets (`net`).
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod api;
mod auth;
mod identity;
pub mod limits;
pub mod locate;
mod message;
mod registrar;
mod session;
mod stack;
mod subscription;
mod timers;
mod transaction;

pub use api::{Cause, End, Invite, Output, Party, Refusal, SessionEvent, SessionId, Target};
pub use identity::{Diversion, Identity, Presentation, Why};
pub use session::{Busy, Progress, Referral};
pub use stack::Stack;
pub use subscription::{Package, Published, Topic, Watch};
pub use timers::Timers;
pub use transaction::TooMany;
