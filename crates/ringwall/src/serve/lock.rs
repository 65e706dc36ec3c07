//! The lock on outgoing calls as administrators set and lift it (SPEC R4.11): in the exchange, on disk, in the log.
//!
//! Set, it is in force before it is on disk, since money runs; lifted, it is off the disk before calls go out. What is
//! acknowledged holds over a restart either way.

use std::sync::{Mutex as StdMutex, PoisonError};

use api::{Author, Problem};
use calls::Command;
use model::event::{self, Event};
use model::lock::{self, Outgoing};
use net::ControlHandle;
use store::Store;
use tokio::sync::Mutex;

use super::now;

/// What is written where an administrator gave no reason.
const NO_REASON: &str = "locked by hand";

/// The lock's owner.
pub struct Lock {
    store: Store,
    control: ControlHandle,
    /// Held for a whole change: one at a time.
    work: Mutex<()>,
    shown: StdMutex<Option<lock::Lock>>,
}

impl Lock {
    /// The lock as it was kept; the exchange is told by who starts it.
    pub fn new(store: Store, control: ControlHandle, kept: Option<lock::Lock>) -> Lock {
        Lock { store, control, work: Mutex::new(()), shown: StdMutex::new(kept) }
    }

    /// What the exchange is told at its start.
    pub fn command(kept: Option<&lock::Lock>) -> Command {
        Command::Outgoing(if kept.is_some() { Outgoing::Locked } else { Outgoing::Open })
    }

    /// The lock, while it is set.
    pub fn shown(&self) -> Option<lock::Lock> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self, lock: Option<lock::Lock>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = lock;
    }

    /// Sets it. One that is set stays: its cause is what the administrator has to look at.
    ///
    /// # Errors
    /// The disk refuses: then it is in force, but not after a restart.
    pub async fn set(&self, author: Author, why: String) -> Result<lock::Lock, Problem> {
        let _work = self.work.lock().await;
        if let Some(lock) = self.shown() {
            self.store.keep_lock(Some(&lock)).await.map_err(unkept)?;
            return Ok(lock);
        }
        let why = why.trim();
        let cause = if why.is_empty() { NO_REASON } else { why }.to_owned();
        let lock = lock::Lock { cause, by: author.0, since: now() };
        self.obeyed(Outgoing::Locked).await?;
        self.show(Some(lock.clone()));
        let event = Event::new(&event::LOCKED, lock.since).with("author", &lock.by);
        self.store.logs().write(event.with("cause", &lock.cause));
        self.store.keep_lock(Some(&lock)).await.map_err(unkept)?;
        Ok(lock)
    }

    /// Lifts it, if it is set.
    ///
    /// # Errors
    /// The disk refuses: then it is still in force.
    pub async fn lift(&self, author: Author) -> Result<(), Problem> {
        let _work = self.work.lock().await;
        let Some(lock) = self.shown() else { return Ok(()) };
        self.store.keep_lock(None).await.map_err(|why| {
            Problem::failed(format!("outgoing calls are still locked: {why}; mend the disk and try again"))
        })?;
        self.show(None);
        let event = Event::new(&event::UNLOCKED, now()).with("author", &author).with("cause", &lock.cause);
        self.store.logs().write(event.with("since", lock.since));
        self.obeyed(Outgoing::Open).await
    }

    /// Tells the exchange, and waits until it has obeyed.
    async fn obeyed(&self, outgoing: Outgoing) -> Result<(), Problem> {
        self.control.command(Command::Outgoing(outgoing));
        self.control.ask(|_, _| ()).await.map_err(|_| Problem::stopping())
    }
}

fn unkept(why: store::CommitError) -> Problem {
    Problem::failed(format!(
        "outgoing calls are locked, but would not be after a restart: {why}; mend the disk and lock again"
    ))
}
