//! What letters are kept in until the mail server has them.

use std::future::Future;

use model::{Id, Wall};

use super::Letter;

/// A letter that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The letter.
    pub letter: Letter,
    /// How often the mail server put it off.
    pub tries: u32,
}

/// What was not worth a letter of its own any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: Id,
    /// When it happened.
    pub at: Wall,
    /// Whom it would have gone to.
    pub to: String,
    /// Its line in the digest.
    pub line: String,
    /// How many warnings it stands for: itself, and those beyond the limit that came after it.
    pub count: u64,
}

/// Letters on disk. Each call is one synced step: done when it returns `Ok`, undone otherwise. The error is one line.
pub trait Outbox: Send + Sync + 'static {
    /// Letters written within that time, whether they are gone or not; those dated later are of before the clock was set
    /// back.
    fn written_within(&self, since: Wall, until: Wall) -> impl Future<Output = Result<u32, String>> + Send;
    /// Letters that wait.
    fn waiting(&self) -> impl Future<Output = Result<u32, String>> + Send;
    /// Keeps a letter.
    fn keep(&self, letter: &Letter) -> impl Future<Output = Result<(), String>> + Send;
    /// Keeps a warning for the digest; beyond `most` the last one counts for it too.
    fn hold(&self, held: &Held, most: u32) -> impl Future<Output = Result<(), String>> + Send;
    /// The warnings that are held, oldest first.
    fn held(&self) -> impl Future<Output = Result<Vec<Held>, String>> + Send;
    /// Keeps the letters in which everything that is held stands, and holds nothing any more.
    fn fold(&self, digests: &[Letter]) -> impl Future<Output = Result<(), String>> + Send;
    /// The letter that is due first, and when.
    fn next(&self) -> impl Future<Output = Result<Option<(Wall, Waiting)>, String>> + Send;
    /// The letter waits until then.
    fn put_off(&self, letter: Id, tries: u32, until: Wall)
    -> impl Future<Output = Result<(), String>> + Send;
    /// The letter is gone: taken by the mail server, or given up. It still counts as written.
    fn gone(&self, letter: Id) -> impl Future<Output = Result<(), String>> + Send;
}
