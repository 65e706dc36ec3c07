//! What the exchange and the sockets want kept or logged, handed to the store without waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};

use std::sync::Arc;

use super::drill::Marks;
use super::mail::Post;
use super::pulse::Pulse;
use guard::{By, Ruling, Scope};
use model::event::Event;
use model::live::BindingUpdate;
use model::record::RecordUpdate;
use store::{BindingWriter, BlockWriter, KnownWriter, LogSink, RecordWriter, Store, StoredBlock};

/// The store, as the network's threads see it.
pub struct Outside {
    records: RecordWriter,
    bindings: BindingWriter,
    blocks: BlockWriter,
    known: KnownWriter,
    logs: LogSink,
    /// Where warnings for the administrator go; `None` once the server stops.
    post: Mutex<Option<Post>>,
    pulse: Arc<Pulse>,
    /// What a drill causes is kept nowhere.
    marks: Arc<Marks>,
}

impl Outside {
    /// Speaks to `store` and puts warnings into `post`; blocks are shown by `pulse`; `marks` knows what a drill causes.
    pub fn new(store: &Store, post: Post, pulse: Arc<Pulse>, marks: Arc<Marks>) -> Outside {
        Outside {
            records: store.records(),
            bindings: store.bindings(),
            blocks: store.blocks(),
            known: store.known(),
            logs: store.logs(),
            post: Mutex::new(Some(post)),
            pulse,
            marks,
        }
    }

    /// Warns nobody any more.
    pub fn close_post(&self) {
        drop(self.post().take());
    }

    fn post(&self) -> MutexGuard<'_, Option<Post>> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl net::Effects for Outside {
    fn record(&self, update: RecordUpdate) {
        let (RecordUpdate::Open(record) | RecordUpdate::Closed(record)) = &update;
        if !self.marks.names(&record.from) && !self.marks.names(&record.to) {
            self.records.send(update);
        }
    }

    fn binding(&self, update: BindingUpdate) {
        let line = match &update {
            BindingUpdate::Keep(binding) => &binding.line,
            BindingUpdate::Remove { line, .. } => line,
        };
        if !self.marks.names(line) {
            self.bindings.send(update);
        }
    }

    fn ruling(&self, ruling: &Ruling) {
        match ruling {
            // In force, but neither on the disk, nor in the attack view, nor worth a letter.
            Ruling::Block(block) if self.marks.caused(block) => {}
            Ruling::Block(block) => {
                // Texts and numbers always serialise.
                let body = serde_json::to_string(block).unwrap_or_default();
                self.blocks.keep(StoredBlock { name: block.key(), until: block.until, body });
                if block.by == By::Guard {
                    let account = match &block.scope {
                        Scope::Address => None,
                        Scope::Account(account) => Some(account.as_str()),
                    };
                    self.pulse.blocked(super::now(), block.prefix, account);
                }
                if let Some(post) = &*self.post() {
                    post.tell(block);
                }
            }
            Ruling::Lift(block) => self.blocks.forget(block.key()),
            Ruling::Known(known) => self.known.keep(known.source.address(), known.seen),
            // It comes as an event too.
            Ruling::Event(_) => {}
        }
    }

    fn event(&self, event: Event) {
        self.logs.write(event);
    }
}
