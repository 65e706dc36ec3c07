//! What would be on the disk: bindings and records, each up to a second late, as after a crash.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use guard::{Block, KnownSource, Ruling, Source};
use model::live::{Binding, BindingUpdate};
use model::record::{CallRecord, CallResult, RecordUpdate};
use model::{CallId, Mono, Wall};

/// Updates may be this late on the disk (SPEC R3.7).
pub const LATENESS: Duration = Duration::from_secs(1);

/// The disk, and the ledger of everything that was ever said about a call.
#[derive(Default)]
pub struct Store {
    bindings: BTreeMap<(Arc<str>, String), Binding>,
    late_bindings: VecDeque<(Mono, BindingUpdate)>,
    history: BTreeMap<CallId, CallRecord>,
    late_records: VecDeque<(Mono, RecordUpdate)>,
    ledger: BTreeMap<CallId, Account>,
    open: usize,
    blocks: BTreeMap<String, Block>,
    known: BTreeMap<Source, KnownSource>,
}

/// What was said about one call.
#[derive(Clone, Debug)]
struct Account {
    closed: bool,
    from: String,
}

impl Store {
    /// The exchange says something of a call's record. `Err`: it may not say that any more.
    ///
    /// # Errors
    /// The call's record was closed before.
    pub fn record(&mut self, now: Mono, update: RecordUpdate) -> Result<(), String> {
        let (record, closes) = match &update {
            RecordUpdate::Open(record) => (record, false),
            RecordUpdate::Closed(record) => (record, true),
        };
        if closes != record.ended.is_some() || closes != record.result.is_some() {
            return Err(format!("the record of {} has an end and is open, or the reverse", record.id));
        }
        let account = self.ledger.entry(record.id).or_insert_with(|| {
            self.open += 1;
            Account { closed: false, from: record.from.clone() }
        });
        if account.closed {
            return Err(format!("the record of {} was written after it was closed", record.id));
        }
        if closes {
            account.closed = true;
            self.open -= 1;
        }
        self.late_records.push_back((now, update));
        Ok(())
    }

    /// The exchange says something of a binding.
    pub fn binding(&mut self, now: Mono, update: BindingUpdate) {
        self.late_bindings.push_back((now, update));
    }

    /// The guard has ruled; blocks are never late.
    pub fn ruling(&mut self, ruling: Ruling) {
        match ruling {
            Ruling::Block(block) => drop(self.blocks.insert(block.key(), block)),
            Ruling::Lift(block) => drop(self.blocks.remove(&block.key())),
            Ruling::Known(known) => drop(self.known.insert(known.source, known)),
            Ruling::Event(_) => {}
        }
    }

    /// Blocks as a starting server finds them.
    pub fn blocks(&self) -> Vec<Block> {
        self.blocks.values().cloned().collect()
    }

    /// Where phones were registered, as a starting server finds it.
    pub fn known(&self) -> Vec<KnownSource> {
        self.known.values().copied().collect()
    }

    /// The disk catches up with all that is old enough.
    pub fn flush(&mut self, now: Mono, lateness: Duration) {
        while self.late_records.front().is_some_and(|(at, _)| *at + lateness <= now) {
            let Some((_, RecordUpdate::Open(record) | RecordUpdate::Closed(record))) =
                self.late_records.pop_front()
            else {
                return;
            };
            self.history.insert(record.id, record);
        }
        while self.late_bindings.front().is_some_and(|(at, _)| *at + lateness <= now) {
            match self.late_bindings.pop_front() {
                Some((_, BindingUpdate::Keep(binding))) => {
                    let key = (binding.line.clone(), binding.key());
                    self.bindings.insert(key, (*binding).clone());
                }
                Some((_, BindingUpdate::Remove { line, key })) => {
                    self.bindings.remove(&(line, key));
                }
                None => return,
            }
        }
    }

    /// The server crashes, with updates of less than `lateness` not on the disk; it starts again and closes what it
    /// finds open.
    pub fn crash(&mut self, now: Mono, wall: Wall, lateness: Duration) {
        self.flush(now, lateness);
        self.late_records.clear();
        self.late_bindings.clear();
        for record in self.history.values_mut().filter(|record| record.ended.is_none()) {
            record.ended = Some(wall);
            record.result = Some(CallResult::Failed);
            record.reason = "the server ended during the call".to_owned();
        }
        for account in self.ledger.values_mut().filter(|account| !account.closed) {
            account.closed = true;
            self.open -= 1;
        }
    }

    /// Bindings as a starting server finds them.
    pub fn bindings(&self) -> Vec<Binding> {
        self.bindings.values().cloned().collect()
    }

    /// Call history, oldest first, with all that is still on its way.
    pub fn history(&mut self, now: Mono) -> Vec<CallRecord> {
        self.flush(now, Duration::ZERO);
        self.history.values().cloned().collect()
    }

    /// Calls there ever were.
    pub fn calls(&self) -> usize {
        self.ledger.len()
    }

    /// Calls whose record is open.
    pub fn open(&self) -> usize {
        self.open
    }

    /// Whether a call's record is open.
    pub fn is_open(&self, call: CallId) -> bool {
        self.ledger.get(&call).is_some_and(|account| !account.closed)
    }

    /// How many calls of this extension there ever were.
    pub fn calls_from(&self, extension: &str) -> usize {
        self.ledger.values().filter(|account| account.from == extension).count()
    }
}
