//! The registrar (RFC 3261 section 10): which phones are where.
//!
//! `bindings` is the table, `request` reads and answers REGISTER, `contact` one Contact value of it.

pub(crate) mod bindings;
mod contact;
mod request;

pub(crate) use contact::reached_at;
