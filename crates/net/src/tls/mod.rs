//! Certificates: the local authority, one's own certificate from a file, and what is shown to who connects.
//!
//! [`Local`] makes and renews what a server has of its own accord, [`own`] and [`brought`] judge what an administrator has,
//! [`Shown`] holds what is in force and swaps it without touching connections that stand. `hello` reads what a client
//! offers, for the log. Not here: where certificates are kept (`store`), the handshake of a connection (`sip`).

mod authority;
pub mod brought;
mod facts;
mod hello;
mod names;
pub mod own;
mod pair;
mod shown;
#[cfg(test)]
mod tests;
mod trust;

pub use authority::{LASTS, Local, RENEWED_BEFORE, Unmade};
pub use facts::Facts;
pub(crate) use hello::{Kind, Offer};
pub use names::{MAX_NAMES, Names};
pub use pair::{BadPair, Pair};
pub use shown::Shown;
pub use trust::is_trusted;
