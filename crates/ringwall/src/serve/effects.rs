//! What the exchange and the sockets want kept or logged, handed to the store without waiting.

use model::event::Event;
use model::live::BindingUpdate;
use model::record::RecordUpdate;
use store::{BindingWriter, LogSink, RecordWriter, Store};

/// The store, as the network's threads see it.
pub struct Outside {
    records: RecordWriter,
    bindings: BindingWriter,
    logs: LogSink,
}

impl Outside {
    /// Speaks to `store`.
    pub fn new(store: &Store) -> Outside {
        Outside { records: store.records(), bindings: store.bindings(), logs: store.logs() }
    }
}

impl net::Effects for Outside {
    fn record(&self, update: RecordUpdate) {
        self.records.send(update);
    }

    fn binding(&self, update: BindingUpdate) {
        self.bindings.send(update);
    }

    fn event(&self, event: Event) {
        self.logs.write(event);
    }
}
