//! The one door to the disk: configuration and its revisions, call records, registrations, logs.
//!
//! [`Store::open`] takes a data folder and gives handles that never make their callers wait: records and
//! registrations are collected in memory and written in batches, log lines go through a bounded queue. Only a change
//! of the configuration is waited for, since it is synced before it is acknowledged (SPEC R3.7). Not here: what the
//! configuration means (`model::config`), how secrets are sealed (`vault`).

mod bindings;
mod blocks;
mod commit;
pub mod console;
mod database;
mod error;
mod folder;
mod history;
mod hosts;
mod known;
mod letters;
mod load;
mod lock;
mod logs;
pub mod passwords;
mod pending;
mod records;
mod revisions;
mod spool;
mod store;
#[cfg(test)]
mod tests;

pub use bindings::{BindingWriter, MAX_WAITING_BINDINGS, REGISTRATIONS};
pub use blocks::{BLOCKS, BlockWriter, MAX_WAITING_BLOCKS, StoredBlock};
pub use error::{CommitError, OpenError, ReadError};
pub use folder::SetupCode;
pub use hosts::KeptHost;
pub use known::KnownWriter;
pub use letters::{HeldRow, LetterRow, Letters};
pub use logs::{Cursor, Echo, Log, LogLine, LogReader, LogSink, MAX_TAIL, QUEUE};
pub use pending::PendingChange;
pub use records::{MAX_WAITING_RECORDS, RECORDS, RecordWriter};
pub use revisions::{Revision, RevisionDetail};
pub use store::{Opened, Settings, Store};

use model::Wall;

/// The wall clock, read once for a whole step.
pub(crate) fn wall() -> Wall {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Wall::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
