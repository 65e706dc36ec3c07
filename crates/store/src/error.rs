//! What can go wrong at the door to the disk, each as one line: what, where, what to do. Never a secret.

use std::io;
use std::path::{Path, PathBuf};

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or folder can't be made, read or written.
    #[error("{path}: {why}; {cure}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system says.
        why: String,
        /// What to do.
        cure: &'static str,
    },
    /// Another server uses the folder.
    #[error("{path}: used by another server{by}; stop that one, or name another folder with --data")]
    Locked {
        /// The folder.
        path: PathBuf,
        /// ` (process 123)`, if known.
        by: String,
    },
    /// The database is damaged.
    #[error("{path}: the database is damaged ({why}); restore a backup, or move the file away to begin anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The database was written by a later release.
    #[error("{path}: written by a later release (migration {migration}); start that release")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The migration that this release does not know.
        migration: i64,
    },
    /// The key that opens the secrets is gone or wrong.
    #[error("{path}: {why}; put back the key file that belongs to this database")]
    Key {
        /// The key file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The database does what it should not.
    #[error("{path}: {why}; look at the disk and its free space")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it says.
        why: String,
    },
    /// The stored configuration can't be read by this release.
    #[error("{path}: {why}; start the release that wrote it")]
    Configuration {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Why a change was not stored. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another change came first.
    #[error("revision {current} was made meanwhile; look at it and apply again")]
    Stale {
        /// The current revision.
        current: u64,
    },
    /// The disk refused.
    #[error("nothing was changed: {0}")]
    Disk(String),
    /// The server is stopping.
    #[error("nothing was changed: the server is stopping")]
    Stopping,
}

/// Why something could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such revision.
    #[error("revision {0} does not exist; see `ringwall revisions`")]
    NoRevision(u64),
    /// The database refused.
    #[error("the database can't be read: {0}")]
    Database(String),
    /// What was read makes no sense.
    #[error("the database holds something unreadable: {0}")]
    Unreadable(String),
    /// A log file can't be read.
    #[error("{path}: {why}", path = path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> ReadError {
        ReadError::Database(plain(&error))
    }
}

/// What SQLite's primary result codes mean for people (sqlite.org/rescode.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Full,
    ReadOnly,
    Damaged,
    Io,
    Other,
}

pub(crate) fn trouble(error: &sqlx::Error) -> Trouble {
    let code =
        error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(13) => Trouble::Full,
        Some(8) => Trouble::ReadOnly,
        Some(11 | 26) => Trouble::Damaged,
        Some(10 | 14) => Trouble::Io,
        _ => Trouble::Other,
    }
}

/// The error in a few words, without SQL or values.
pub(crate) fn plain(error: &sqlx::Error) -> String {
    match (trouble(error), error) {
        (Trouble::Full, _) => "the disk is full".to_owned(),
        (Trouble::ReadOnly, _) => "the disk or the file is read-only".to_owned(),
        (Trouble::Damaged, _) => "the database is damaged".to_owned(),
        (_, sqlx::Error::Database(error)) => error.message().to_owned(),
        (_, sqlx::Error::Io(error)) => error.to_string(),
        (_, other) => other.to_string(),
    }
}

impl OpenError {
    pub(crate) fn folder(path: &Path, error: &io::Error) -> OpenError {
        let cure = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "give this user the right to it, or name another folder with --data"
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free space on this disk",
            io::ErrorKind::ReadOnlyFilesystem => "mount it writable, or name another folder with --data",
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "name a folder with --data",
            _ => "look at the disk, or name another folder with --data",
        };
        OpenError::Folder { path: path.to_owned(), why: words(error), cure }
    }

    pub(crate) fn database(path: &Path, error: &sqlx::Error) -> OpenError {
        let why = plain(error);
        match trouble(error) {
            Trouble::Damaged => {
                OpenError::Damaged { path: path.to_owned(), why: message(error).unwrap_or(why) }
            }
            _ => OpenError::Database { path: path.to_owned(), why },
        }
    }
}

fn message(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().map(|error| error.message().to_owned())
}

/// The system's words without the number behind them.
pub(crate) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
