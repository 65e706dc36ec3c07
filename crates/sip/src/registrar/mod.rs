//! The registrar (RFC 3261 section 10): which phones are where.
//!
//! `bindings` is the table, `request` reads and answers REGISTER, `contact` one Contact value of it;
//! `encryption` says who may come without, `outbound` keeps several flows of one phone.

pub(crate) mod bindings;
mod contact;
mod encryption;
mod outbound;
mod request;

pub(crate) use contact::reached_at;
