//! HTTP digest authentication as SIP uses it: RFC 2069, 2617, 7616, and SIP's choice of algorithms, RFC 8760.
//!
//! Reading what a peer claims, computing what is true, comparing both in constant time. Nonces, their age and whom they were given
//! to are the `sip` crate's; so is deciding what a wrong answer means.

mod algorithm;
mod challenge;
mod compute;
mod credentials;
mod fields;

pub use algorithm::{Algorithm, Hex};
pub use challenge::{Answer, Challenge, Freshness, QopOffer};
pub use compute::{Ha1, Request, ha1, response, verify};
pub use credentials::{Credentials, Qop};
pub use fields::DigestError;
