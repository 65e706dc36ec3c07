//! Permits: leave to look at one password.
//!
//! Guesses that are being judged count as if they had failed already, so that no burst of parallel ones outruns the
//! count (SPEC R4.4).

use std::net::IpAddr;
use std::time::Duration;

use model::Mono;

/// A permit that was never reported on is void after this: hashing a person's password takes a second under load.
pub const PERMIT_LIFE: Duration = Duration::from_secs(30);

/// Leave to look at one password. Give it back by `failed` or `succeeded`; a dropped one is void after
/// `PERMIT_LIFE`.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    pub(super) source: IpAddr,
    pub(super) account: u64,
    /// `None`: a trusted address, of which nothing is counted.
    pub(super) ticket: Option<Mono>,
}

impl Permit {
    pub(super) fn new(source: IpAddr, account: u64, ticket: Option<Mono>) -> Permit {
        Permit { source, account, ticket }
    }
}
