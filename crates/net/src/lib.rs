//! Sockets, threads and timers: drives the machines.
//!
//! Signalling sockets ([`sip`]) live on tokio, ask the guard's gate before they parse, and put messages into the
//! [`mod@inbox`]; one control thread ([`control`]) owns the exchange and decides; media threads ([`media`]) move
//! packets. What the gate refuses is told to the kernel ([`kernel`]). What the exchange wants kept or logged goes out through [`Effects`]. This is the only crate that binds a
//! socket; a test in `ringwall` sees to it. Not here: HTTP (`api`), the disk (`store`).

mod bell;
pub mod bind;
mod clock;
pub mod control;
pub mod drill;
mod effects;
mod grace;
mod handles;
pub mod inbox;
pub mod kernel;
pub mod media;
mod names;
pub mod shed;
pub mod sip;
mod standing;
pub mod tls;
mod web;

pub use bell::Bell;
pub use bind::BindError;
pub use clock::Clock;
pub use control::{Control, ControlHandle, Stopped};
pub use effects::Effects;
pub use grace::Grace;
pub use handles::{FileLimit, TooFewHandles, file_handles, handles_of_files, raise_file_limit};
pub use inbox::{Inbox, Order, inbox};
pub use kernel::Offload;
pub use names::{Addresses, Located, Lookup, Names, NoNameServers};
pub use sip::{Door, Listeners, Patience, Wanted};
pub use web::{Ended, Visit, WebStream};
