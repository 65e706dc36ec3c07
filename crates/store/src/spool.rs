//! What waits to be written: collected under a short lock by threads that must not wait, taken in batches by a
//! task that may. Values of the same key replace each other, so a batch holds only the latest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::event::{self, Event};
use tokio::sync::Notify;

use crate::logs::LogSink;

/// How long a failed batch waits before it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often a failed batch is tried again when the server stops: an ordered stop must end, but a disk that was
/// full may have room a moment later.
const LAST_TRIES: u32 = 5;

/// How much of the room a value may take that is not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// Up to the limit.
    Usual,
    /// Up to twice the limit: nothing that comes later says the same.
    Irreplaceable,
}

#[derive(Debug)]
pub(crate) struct Spool<K, V> {
    waiting: Mutex<BTreeMap<K, V>>,
    most: usize,
    wake: Notify,
    closing: AtomicBool,
    close: Notify,
    lost: AtomicU64,
}

impl<K: Ord + Clone, V> Spool<K, V> {
    pub(crate) fn new(most: usize) -> Arc<Spool<K, V>> {
        Arc::new(Spool {
            waiting: Mutex::new(BTreeMap::new()),
            most,
            wake: Notify::new(),
            closing: AtomicBool::new(false),
            close: Notify::new(),
            lost: AtomicU64::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, V>> {
        // A thread that panicked while it held the lock left a whole map: every operation below is one call.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a value, or replaces the one of the same key unless `keep` says that the old one counts. Beyond the
    /// limit of its `worth` the value is dropped and counted.
    pub(crate) fn put(&self, key: K, value: V, worth: Worth, keep: impl FnOnce(&V) -> bool) {
        let first = {
            let mut waiting = self.lock();
            if let Some(old) = waiting.get_mut(&key) {
                if !keep(old) {
                    *old = value;
                }
                return;
            }
            let most = match worth {
                Worth::Usual => self.most,
                Worth::Irreplaceable => self.most.saturating_mul(2),
            };
            if waiting.len() >= most {
                self.lost.fetch_add(1, Ordering::Relaxed);
                return;
            }
            waiting.insert(key, value);
            waiting.len() == 1
        };
        if first {
            self.wake.notify_one();
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// How many values were dropped because too many waited.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits for a value, then for more during `gather`, and takes all. `None` once closed and empty, or at a `tick`
    /// without a value: then the map is empty.
    pub(crate) async fn next(&self, gather: Duration, tick: Duration) -> Taken<K, V> {
        loop {
            let empty = self.lock().is_empty();
            if empty {
                if self.closing.load(Ordering::Acquire) {
                    return Taken::Closed;
                }
                tokio::select! {
                    () = self.wake.notified() => {}
                    () = self.close.notified() => {}
                    () = tokio::time::sleep(tick) => return Taken::Tick,
                }
                continue;
            }
            if !self.closing.load(Ordering::Acquire) {
                tokio::select! {
                    () = tokio::time::sleep(gather) => {}
                    () = self.close.notified() => {}
                }
            }
            return Taken::Batch(std::mem::take(&mut *self.lock()));
        }
    }

    /// Puts back what could not be written; newer values of the same keys win.
    pub(crate) fn put_back(&self, batch: BTreeMap<K, V>) {
        let mut waiting = self.lock();
        let newer = std::mem::replace(&mut *waiting, batch);
        waiting.extend(newer);
    }

    /// No more values come: what waits is written at once.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.close.notify_one();
    }
}

/// What waiting brought.
#[derive(Debug)]
pub(crate) enum Taken<K, V> {
    Batch(BTreeMap<K, V>),
    Tick,
    Closed,
}

/// Whether the disk takes what is written; told once when it stops and once when it goes on.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    lasts: bool,
    last_tries: u32,
}

/// Whether a failed batch is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    Again,
    GiveUp,
}

impl Outage {
    /// Tells of the failure, puts the batch back and waits before the next try.
    pub(crate) async fn failed<K: Ord + Clone, V>(
        &mut self,
        spool: &Spool<K, V>,
        batch: BTreeMap<K, V>,
        logs: &LogSink,
        what: &str,
        why: &str,
    ) -> Retry {
        let told = |event: Event| logs.write(event.with("what", what).with("why", why));
        if !std::mem::replace(&mut self.lasts, true) {
            told(Event::new(&event::STORE_FAILED, crate::wall()));
        }
        let waiting = batch.len();
        spool.put_back(batch);
        if spool.closing.load(Ordering::Acquire) {
            self.last_tries += 1;
            if self.last_tries > LAST_TRIES {
                told(Event::new(&event::STORE_FAILED, crate::wall()).with("lost", waiting));
                return Retry::GiveUp;
            }
        }
        tokio::time::sleep(RETRY).await;
        Retry::Again
    }

    /// What waited is written.
    pub(crate) fn over(&mut self, logs: &LogSink, what: &str) {
        if std::mem::take(self).lasts {
            logs.write(Event::new(&event::STORE_MENDED, crate::wall()).with("what", what));
        }
    }
}
