//! The server without its sockets and threads: the exchange, the media shards and the port source, driven as `net`
//! drives them. What it sends comes out as [`Sent`]; a saboteur may stand in between.
//!
//! Not here: the network (`network`), what outlives a crash ([`Store`]).

mod ports;
mod refused;
mod store;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use calls::{Command, Exchange, Input, Output, Setup};
use guard::{Block, Gate, Ruling, Scope, Service};
use media::{Buffer, Config, HEADROOM, LegId, Out, Port, STORAGE, Shard, Verdict};
use model::directory::Directory;
use model::event::Event;
use model::live::Held;
use model::{Entropy, Flow, FlowId, Mono, Now, Transport};
use wire::sip::{Message, bad_request};

pub use ports::VirtualPorts;
pub use refused::Entrance;
pub use store::{LATENESS, Store};

use crate::sabotage::Saboteur;

/// How many shards a simulated server has: two, so that naming the wrong one shows.
const SHARDS: usize = 2;
/// The listening socket for UDP over IPv4.
const UDP_V4: FlowId = FlowId(1);
/// The listening socket for UDP over IPv6.
const UDP_V6: FlowId = FlowId(2);

/// Something leaves the server.
#[derive(Clone, Debug)]
pub enum Sent {
    /// A datagram, SIP or media.
    Datagram {
        /// From this address of ours.
        from: SocketAddr,
        /// Whereto.
        to: SocketAddr,
        /// What.
        bytes: Bytes,
    },
    /// Bytes on a connection.
    Stream {
        /// The connection.
        flow: FlowId,
        /// What.
        bytes: Bytes,
    },
    /// A connection is closed.
    Close(FlowId),
}

/// A running server.
pub struct Server {
    /// The machine under test.
    pub exchange: Exchange,
    /// Its ports.
    pub ports: VirtualPorts,
    /// Log lines, the last ones.
    pub events: VecDeque<Event>,
    /// Rules that the exchange broke, in words.
    pub breaches: Vec<String>,
    /// The list of calls is to be compared with the records: a record changed, or a second is over.
    pub compare: bool,
    /// Messages that the gate dropped unread.
    pub denied: u64,
    /// Blocks that nobody has looked at yet.
    pub fresh_blocks: Vec<Block>,
    /// Connections of refused addresses are to be ended.
    pub resets: bool,
    gate: Arc<Gate>,
    next_look: Option<Mono>,
    /// What the gate was told of flows that may go on.
    places: HashSet<(Service, SocketAddr)>,
    shards: Vec<Shard>,
    sockets: BTreeMap<SocketAddr, (usize, LegId, Port)>,
    said: VecDeque<(usize, media::Event)>,
    sent: VecDeque<Sent>,
    storage: Vec<u8>,
}

/// Log lines kept.
const EVENTS_KEPT: usize = 1_000;

impl Server {
    /// Starts with what the store has.
    pub fn start(now: Now, directory: &Arc<Directory>, store: &mut Store, mut entropy: Entropy) -> Server {
        let setup = Setup { node: 1, shards: SHARDS, directory: directory.clone(), entropy: entropy.fork() };
        let config = Config { dead_media: directory.times.dead_media, ..Config::default() };
        let mut server = Server {
            exchange: Exchange::new(setup),
            ports: VirtualPorts::new(entropy.fork()),
            events: VecDeque::new(),
            breaches: Vec::new(),
            compare: true,
            denied: 0,
            fresh_blocks: Vec::new(),
            resets: false,
            gate: Gate::open(),
            next_look: None,
            places: HashSet::new(),
            shards: (0..SHARDS).map(|_| Shard::new(config, entropy.fork())).collect(),
            sockets: BTreeMap::new(),
            said: VecDeque::new(),
            sent: VecDeque::new(),
            storage: vec![0; STORAGE],
        };
        let known = Input::Command(Command::RestoreKnown(store.known()));
        server.exchange.handle(now, known, &mut server.ports);
        let restored = store.bindings().into_iter().map(|binding| {
            let flow = (binding.transport == Transport::Udp).then(|| udp_flow(binding.local, binding.source));
            (binding, flow)
        });
        let restore = Input::Command(Command::Restore(restored.collect()));
        server.exchange.handle(now, restore, &mut server.ports);
        for block in store.blocks().iter().filter(|block| block.scope == Scope::Address) {
            server.gate.block(block.prefix);
        }
        let restore = Input::Command(Command::RestoreBlocks(store.blocks()));
        server.exchange.handle(now, restore, &mut server.ports);
        server
    }

    /// A SIP datagram arrived.
    pub fn datagram(&mut self, now: Now, from: SocketAddr, to: SocketAddr, bytes: Bytes) -> Entrance {
        self.message(now, udp_flow(to, from), bytes)
    }

    /// A SIP message arrived on a flow; how far it was let in.
    pub fn message(&mut self, now: Now, flow: Flow, bytes: Bytes) -> Entrance {
        let entrance = self.entrance(Service::Sip, flow.remote);
        if entrance == Entrance::Closed {
            self.denied += 1;
            return entrance;
        }
        // The gate must say what the judge says, each moment.
        let covers = |block: &Block| {
            block.scope == Scope::Address
                && !block.is_over(now.wall)
                && block.prefix.contains(&flow.remote.ip())
        };
        let is_open = entrance == Entrance::Open;
        if is_open && self.exchange.blocked() > 0 && self.exchange.blocks(now).iter().any(covers) {
            self.breaches.push(format!("a message of {}, which is blocked, is parsed", flow.remote));
        }
        match Message::parse(bytes.clone()) {
            Ok(message) => self.hand(now, Input::Received { flow, message }),
            Err(_) if entrance == Entrance::InProgress => {}
            Err(malformed) => {
                if let Some(answer) = bad_request(&bytes, &malformed) {
                    self.sent.push_back(dispatch(flow, answer.into()));
                }
            }
        }
        entrance
    }

    /// A connection ended.
    pub fn closed(&mut self, now: Now, flow: FlowId) {
        self.hand(now, Input::Closed(flow));
    }

    /// Somebody wants something.
    pub fn command(&mut self, now: Now, command: Command) {
        self.hand(now, Input::Command(command));
    }

    /// Whether a media socket is open at this address of ours.
    pub fn has_socket(&self, address: SocketAddr) -> bool {
        self.sockets.contains_key(&address)
    }

    /// A media packet arrived.
    pub fn packet(&mut self, now: Mono, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let Some((shard, leg, port)) = self.sockets.get(&to).copied() else { return };
        if self.entrance(Service::Media, from) == Entrance::Closed {
            return;
        }
        let length = bytes.len().min(STORAGE - HEADROOM);
        self.storage[HEADROOM..HEADROOM + length].copy_from_slice(&bytes[..length]);
        let mut buffer = Buffer::received(&mut self.storage, length);
        if let Verdict::Forward { leg, port, to } =
            self.shards[shard].packet(now, leg, port, from, &mut buffer)
        {
            let bytes = Bytes::copy_from_slice(buffer.bytes());
            self.send_media(shard, leg, port, to, bytes);
        }
        self.drain_shard(shard);
    }

    /// Whether a shard said something that the exchange has not heard.
    pub fn has_said(&self) -> bool {
        !self.said.is_empty()
    }

    /// The exchange hears what a shard said.
    pub fn hear_shard(&mut self, now: Now) {
        if let Some((shard, event)) = self.said.pop_front() {
            self.hand(now, Input::Media { shard, event });
        }
    }

    /// When the exchange wants to be woken.
    pub fn next_wake(&self) -> Option<Mono> {
        self.exchange.next_wake()
    }

    /// Wakes the exchange.
    pub fn wake(&mut self, now: Now) {
        self.hand(now, Input::Wake);
    }

    /// When a shard wants to be woken, and which.
    pub fn next_tick(&self) -> Option<(Mono, usize)> {
        let ticks = self.shards.iter().enumerate();
        ticks.filter_map(|(number, shard)| Some((shard.next_wake()?, number))).min()
    }

    /// Wakes a shard.
    pub fn tick(&mut self, now: Mono, shard: usize) {
        self.shards[shard].tick(now);
        self.drain_shard(shard);
    }

    /// Carries out what the exchange wants, and keeps what it says in the store.
    pub fn drain(&mut self, now: Mono, store: &mut Store, saboteur: &mut Saboteur) {
        while let Some(output) = self.exchange.poll() {
            for output in saboteur.tamper(output) {
                self.carry_out(now, output, store);
            }
        }
    }

    /// What leaves the server next.
    pub fn next_sent(&mut self) -> Option<Sent> {
        self.sent.pop_front()
    }

    /// What is held, as the exchange counts it.
    pub fn held(&self) -> Held {
        self.exchange.held()
    }

    /// Legs that the shards have.
    pub fn legs(&self) -> usize {
        self.shards.iter().map(Shard::held).sum()
    }

    /// Sockets that the shards have.
    pub fn sockets(&self) -> usize {
        self.sockets.len()
    }

    /// Packets that the shards dropped for this reason.
    pub fn dropped(&self, why: media::Why) -> u64 {
        self.shards.iter().map(|shard| shard.dropped(why)).sum()
    }

    /// How often an event of this kind was logged, of those still kept.
    pub fn logged(&self, kind: &model::event::Kind) -> usize {
        self.events.iter().filter(|event| event.kind.name == kind.name).count()
    }

    fn hand(&mut self, now: Now, input: Input) {
        self.exchange.handle(now, input, &mut self.ports);
    }

    fn carry_out(&mut self, now: Mono, output: Output, store: &mut Store) {
        match output {
            Output::Send { flow, bytes } => self.sent.push_back(dispatch(flow, bytes)),
            Output::Close(flow) => self.sent.push_back(Sent::Close(flow)),
            Output::Media { shard, command } => self.obey(now, shard, command),
            Output::Record(update) => {
                self.compare = true;
                if let Err(breach) = store.record(now, update) {
                    self.breaches.push(breach);
                }
            }
            Output::Binding(update) => store.binding(now, update),
            Output::Ruling(ruling) => self.rule(now, ruling, store),
            Output::Event(event) => {
                if event.kind.name == model::event::INTERNAL.name {
                    self.breaches.push(format!("the exchange met a contradiction: {}", event.line()));
                }
                if self.events.len() >= EVENTS_KEPT {
                    self.events.pop_front();
                }
                self.events.push_back(event);
            }
        }
    }

    /// As `net` does: the gate at once, then the disk.
    fn rule(&mut self, now: Mono, ruling: Ruling, store: &mut Store) {
        match &ruling {
            Ruling::Block(block) if block.scope == Scope::Address => {
                self.look_within(now, block.prefix);
                self.gate.block(block.prefix);
                self.resets = true;
                self.fresh_blocks.push(block.clone());
            }
            Ruling::Lift(block) if block.scope == Scope::Address => self.gate.unblock(block.prefix),
            Ruling::Block(_) | Ruling::Lift(_) | Ruling::Known(_) | Ruling::Event(_) => {}
        }
        store.ruling(ruling);
    }

    fn obey(&mut self, now: Mono, shard: usize, command: media::Command) {
        if shard >= self.shards.len() {
            self.breaches.push(format!("there is no shard {shard}"));
            return;
        }
        if let media::Command::Open { leg, local } = &command {
            let rtcp = SocketAddr::new(local.ip(), local.port() | 1);
            self.sockets.insert(*local, (shard, *leg, Port::Rtp));
            self.sockets.insert(rtcp, (shard, *leg, Port::Rtcp));
        }
        let closes = match &command {
            media::Command::Close { leg } => Some(*leg),
            _ => None,
        };
        self.shards[shard].command(now, command);
        self.drain_shard(shard);
        if let Some(leg) = closes {
            self.sockets.retain(|_, (on, of, _)| (*on, *of) != (shard, leg));
        }
    }

    fn drain_shard(&mut self, shard: usize) {
        while let Some(out) = self.shards[shard].poll() {
            match out {
                Out::Send { leg, port, to, bytes } => {
                    let bytes = Bytes::copy_from_slice(bytes.bytes());
                    self.send_media(shard, leg, port, to, bytes);
                }
                Out::Event(event) => self.said.push_back((shard, event)),
            }
        }
    }

    fn send_media(&mut self, shard: usize, leg: LegId, port: Port, to: SocketAddr, bytes: Bytes) {
        let mine = |(_, tenant): &(&SocketAddr, &(usize, LegId, Port))| **tenant == (shard, leg, port);
        if let Some((from, _)) = self.sockets.iter().find(mine) {
            self.sent.push_back(Sent::Datagram { from: *from, to, bytes });
        }
    }
}

/// The flow of a datagram from `remote` to `local`.
pub fn udp_flow(local: SocketAddr, remote: SocketAddr) -> Flow {
    let id = if local.is_ipv4() { UDP_V4 } else { UDP_V6 };
    Flow { id, transport: Transport::Udp, local, remote }
}

fn dispatch(flow: Flow, bytes: Bytes) -> Sent {
    match flow.transport {
        Transport::Udp => Sent::Datagram { from: flow.local, to: flow.remote, bytes },
        Transport::Tcp | Transport::Tls => Sent::Stream { flow: flow.id, bytes },
    }
}
