//! Transactions (RFC 3261 section 17, corrected by RFC 6026): retransmissions are sent and absorbed here, so that
//! what is above sees each request and each final response once.
//!
//! Requests that need no memory (REGISTER, OPTIONS, challenges, refusals outside dialogs) are answered statelessly
//! (RFC 3261 section 8.2.7) and never come here: a flood of them costs no memory.

pub(crate) mod client;
pub(crate) mod key;
pub(crate) mod server;

/// The table is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many transactions or sessions at once")]
pub struct TooMany;
