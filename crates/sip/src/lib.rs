//! SIP as a machine: transactions, sessions (the INVITE usage of dialogs), registrar, authentication.
//!
//! [`Stack`] takes parsed messages and the time, and gives back messages to send and [`SessionEvent`]s for `calls`,
//! which answers by calling the stack's session methods. A request reaches `calls` only when its sender has proven
//! who he is. Not here: media, who rings whom (`calls`), sockets (`net`).
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod limits;
mod api;

pub use api::{
    Cause, End, Invite, Output, Party, Refusal, SessionEvent, SessionId, Target,
};
