//! What the console keeps: sessions, tokens, second factors and the audit trail. None of it is configuration: no revision
//! holds it and no export shows it. Of what opens a door, only hashes are kept, or it is sealed.
//!
//! Not here: whether a session or token still counts (the binary's).

mod audit;
mod factors;
mod sessions;
mod tokens;

use sha2::{Digest as _, Sha256};

pub use audit::{AuditRow, NewAudit};
pub use factors::Factor;
pub use sessions::StoredSession;
pub use tokens::StoredToken;

use crate::store::Store;

/// The console's part of a store.
#[derive(Clone, Debug)]
pub struct ConsoleStore(pub(crate) Store);

/// SHA-256 in hexadecimal digits: enough for random keys of 128 bits and more, which nobody can try out.
pub fn key_hash(key: &str) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(key.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
