//! `calls::Exchange` with its media shards, as the simulated server drives them.

use bytes::Bytes;
use model::live::Held;
use model::{Entropy, Flow, FlowId, Mono, Now};
use sim::office::{DOMAIN, Office, password};
use sim::sabotage::Saboteur;
use sim::server::{Sent, Server, Store};

use super::script::{Machine, World, flow};

struct Subject {
    server: Server,
    store: Store,
    saboteur: Saboteur,
}

/// Nothing panics, no rule of the server is broken, nothing is held in the end, and without credentials nobody ever called.
pub fn exchange(script: &[u8]) {
    let mut world = played(script);
    let now = world.now.mono;
    let Subject { server, store, .. } = &mut world.machine;
    assert!(server.breaches.is_empty(), "{:?}", server.breaches);
    assert_eq!(server.held(), Held::default());
    assert_eq!(
        (server.legs(), server.sockets(), server.ports.held()),
        (0, 0, 0),
        "legs, sockets and ports are held"
    );
    assert_eq!(store.open(), 0, "a record is open");
    assert!(world.proved || store.history(now).is_empty(), "a call without a proof");
}

fn played(script: &[u8]) -> World<Subject> {
    let office = Office::of(&["101", "102"]).directory();
    let mut store = Store::default();
    let start = World::new(()).now;
    let server = Server::start(start, &office, &mut store, Entropy::from_seed([9; 32]));
    let mut world = World::new(Subject { server, store, saboteur: Saboteur::default() });
    world.play(script);
    world
}

impl Machine for () {
    fn receive(&mut self, _: Now, _: Flow, _: Bytes) {}
    fn closed(&mut self, _: Now, _: FlowId) {}
    fn next_wake(&self) -> Option<Mono> {
        None
    }
    fn wake(&mut self, _: Now) {}
    fn drain(&mut self, _: Now) -> Vec<(FlowId, Bytes)> {
        Vec::new()
    }
    fn password(&self, _: &str) -> String {
        String::new()
    }
    fn domain(&self) -> &'static str {
        ""
    }
}

impl Subject {
    fn settle(&mut self, now: Now) {
        self.server.drain(now.mono, &mut self.store, &mut self.saboteur);
        while self.server.has_said() {
            self.server.hear_shard(now);
            self.server.drain(now.mono, &mut self.store, &mut self.saboteur);
        }
    }
}

impl Machine for Subject {
    fn receive(&mut self, now: Now, flow: Flow, bytes: Bytes) {
        self.server.message(now, flow, bytes);
        self.settle(now);
    }

    fn closed(&mut self, now: Now, flow: FlowId) {
        self.server.closed(now, flow);
        self.settle(now);
    }

    fn next_wake(&self) -> Option<Mono> {
        let tick = self.server.next_tick().map(|(at, _)| at);
        [self.server.next_wake(), tick].into_iter().flatten().min()
    }

    fn wake(&mut self, now: Now) {
        if self.server.next_wake().is_some_and(|at| at <= now.mono) {
            self.server.wake(now);
        }
        self.settle(now);
        if let Some((_, shard)) = self.server.next_tick().filter(|(at, _)| *at <= now.mono) {
            self.server.tick(now.mono, shard);
        }
        self.settle(now);
    }

    fn drain(&mut self, now: Now) -> Vec<(FlowId, Bytes)> {
        self.settle(now);
        let mut sent = Vec::new();
        while let Some(next) = self.server.next_sent() {
            match next {
                // Media is nothing that a phone of a script reads.
                Sent::Datagram { from, bytes, .. } if from.port() == flow(0).local.port() => {
                    sent.push((FlowId(1), bytes))
                }
                Sent::Datagram { .. } | Sent::Close(_) => {}
                Sent::Stream { flow, bytes } => sent.push((flow, bytes)),
            }
        }
        sent.retain(|(_, bytes)| !bytes.starts_with(b"SIP/2.0 505"));
        sent
    }

    fn password(&self, line: &str) -> String {
        password(line)
    }

    fn domain(&self) -> &'static str {
        DOMAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_reach_calls_that_are_answered_and_calls_that_are_refused() {
        let results: Vec<Vec<String>> = crate::corpus::scripts()
            .iter()
            .map(|script| {
                let mut world = played(script);
                let now = world.now.mono;
                let records = world.machine.store.history(now);
                records.iter().map(|record| format!("{:?}", record.result)).collect()
            })
            .collect();
        assert_eq!(results, [vec!["Some(Answered)"], vec!["Some(Failed)"], vec![]]);
    }
}
