//! What a call has at hand while it decides: the stack, the directory, ports, timers, and where outputs go.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use media::{LegId, LegIds, MediaPort, PortSource, PortsExhausted};
use model::directory::{Directory, Extension};
use model::event::Event;
use model::lock::Outgoing;
use model::{CallId, Entropy, Flow, IdMint, Now};
use sip::{SessionId, Stack, Target};

use crate::api::Output;
use crate::lamps::Lamps;
use crate::timers::Timers;
use crate::transfer::Errand;

/// A hash table with the house's hasher.
pub(crate) type Table<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What all calls share.
pub(crate) struct Desk {
    pub directory: Arc<Directory>,
    pub stack: Stack,
    pub timers: Timers,
    /// Which call a session belongs to.
    pub sessions: Table<SessionId, CallId>,
    pub media: Switch,
    pub lamps: Lamps,
    /// Whether calls may leave the house.
    pub outgoing: Outgoing,
    pub outputs: VecDeque<Output>,
    /// What calls have to say to each other.
    pub errands: VecDeque<Errand>,
    pub mint: IdMint,
    /// Session ids of our descriptions.
    pub entropy: Entropy,
}

/// The legs of all shards, by name.
pub(crate) struct Switch {
    shards: Vec<LegIds>,
    /// Which call a leg belongs to.
    legs: Table<(usize, LegId), CallId>,
}

/// A leg's place in the relay: its shard, its name there, its port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub shard: usize,
    pub leg: LegId,
    pub port: MediaPort,
}

impl Switch {
    pub fn new(shards: usize) -> Switch {
        let shards = (0..shards.max(1)).map(|_| LegIds::new()).collect();
        Switch { shards, legs: Table::default() }
    }

    /// The shard that carries a call: both legs are on it, so that no packet crosses threads.
    pub fn shard_of(&self, call: CallId) -> usize {
        let [.., low] = call.0.bits().to_be_bytes().map(usize::from);
        // The mint counts upwards, so neighbouring calls spread evenly.
        low.checked_rem(self.shards.len()).unwrap_or(0)
    }

    pub fn call_of(&self, shard: usize, leg: LegId) -> Option<CallId> {
        self.legs.get(&(shard, leg)).copied()
    }

    /// How many shards there are.
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Legs that there is room for.
    pub fn capacity(&self) -> usize {
        self.legs.capacity()
    }

    /// Legs, and with them port pairs, that are open.
    pub fn open(&self) -> usize {
        self.legs.len()
    }
}

/// One step: what came in is dealt with at one point in time.
pub(crate) struct Step<'a> {
    pub now: Now,
    pub desk: &'a mut Desk,
    pub ports: &'a mut dyn PortSource,
}

impl Step<'_> {
    pub fn tell(&mut self, event: Event) {
        self.desk.outputs.push_back(Output::Event(event));
    }

    pub fn command(&mut self, shard: usize, command: media::Command) {
        self.desk.outputs.push_back(Output::Media { shard, command });
    }

    /// Opens a leg for `call`, listening on the address that the peer on `flow` reaches.
    ///
    /// # Errors
    /// No port is free.
    pub fn open(&mut self, call: CallId, flow: &Flow) -> Result<Place, PortsExhausted> {
        let port = self.ports.open(flow.local.ip())?;
        let shard = self.desk.media.shard_of(call);
        let Some(ids) = self.desk.media.shards.get_mut(shard) else {
            self.ports.close(port);
            return Err(PortsExhausted);
        };
        let leg = ids.take();
        self.desk.media.legs.insert((shard, leg), call);
        self.command(shard, media::Command::Open { leg, local: port.rtp });
        Ok(Place { shard, leg, port })
    }

    /// Closes a leg: the shard drops its sockets, the number may rest and come again.
    pub fn close(&mut self, place: Place) {
        let Place { shard, leg, port } = place;
        if self.desk.media.legs.remove(&(shard, leg)).is_none() {
            return;
        }
        self.command(shard, media::Command::Close { leg });
        if let Some(ids) = self.desk.media.shards.get_mut(shard) {
            ids.release(leg);
        }
        self.ports.close(port);
    }

    /// The phones of `extension` that may ring for a call of the line `caller` from `flow`: all but the caller's own.
    pub fn targets(&self, extension: &Extension, caller: &str, flow: &Flow) -> Vec<Target> {
        let mut targets = self.desk.stack.targets(extension);
        targets.retain(|target| &*target.line != caller || target.flow.remote != flow.remote);
        targets
    }
}
