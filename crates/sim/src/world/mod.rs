//! The world: one queue of happenings, ordered by time and then by the order in which they were made. Each step delivers
//! one thing to the server, a phone or an attacker, carries out what comes of it, and checks what must always hold.
//!
//! Everything follows from the seed and from what the scenario does, so a failure replays. Not here: what scenarios do
//! (`act`), what must hold (`checks`).

mod act;
mod checks;
mod deliver;
mod ladder;
mod moves;
mod rows;
mod streams;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::directory::Directory;
use model::{Entropy, FlowId, Mono, Now};

pub use act::{Place, Plan};

use crate::attacker::Attacker;
use crate::clock::Clock;
use crate::network::{Datagram, Network};
use crate::office::Office;
use crate::phone::{DialogId, Phone};
use crate::sabotage::{Bug, Saboteur};
use crate::server::{LATENESS, Server, Store};

use ladder::Ladder;
use streams::Streams;

/// The server's IPv4 address.
pub const SERVER_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5060);
/// The server's IPv6 address.
pub const SERVER_V6: SocketAddr =
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)), 5060);

/// Steps at one instant: beyond it nobody makes progress any more.
const STEPS_PER_INSTANT: u32 = 20_000;
/// Wakes of one machine at one instant that may leave it wanting another at once.
const WAKES_PER_INSTANT: u32 = 200;
/// Between two looks at what can't be seen in one step.
const AUDIT: Duration = Duration::from_secs(1);

/// Messages that a failure shows; all that it has are shown with `{:#}`.
const SHOWN: usize = 40;

/// Something must not have happened. Shows what, when, and what went before.
#[derive(Clone)]
pub struct Failure {
    /// Replays it.
    pub seed: u64,
    /// The step.
    pub step: u64,
    /// When, since the world began.
    pub at: Mono,
    /// What.
    pub what: String,
    /// The last messages.
    pub ladder: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at.as_nanos() as f64 / 1e9;
        writeln!(f, "seed {}, step {}, at {seconds:.3} s: {}", self.seed, self.step, self.what)?;
        let shown = if f.alternate() { self.ladder.len() } else { SHOWN };
        for line in self.ladder.iter().skip(self.ladder.len().saturating_sub(shown)) {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is on its way.
#[derive(Clone, Debug)]
enum Happening {
    ToServer(Datagram),
    ToHost(usize, Datagram),
    Connected(FlowId),
    Refused(usize),
    StreamToServer(FlowId, Bytes),
    StreamToPhone(FlowId, Bytes),
    ServerLearnsEnd(FlowId),
    PhoneLearnsEnd(FlowId),
}

struct Queued {
    at: Mono,
    number: u64,
    what: Happening,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Queued) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Queued) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, other: &Queued) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// Who is at a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Phone(usize),
    Attacker(usize),
}

/// Whose turn it is.
enum Turn {
    Queue,
    Shard,
    Wake,
    Look,
    Tick(usize),
    Phone(usize),
    Audit,
}

/// The world.
pub struct World {
    /// Everything follows from it.
    pub seed: u64,
    /// The phones.
    pub phones: Vec<Phone>,
    /// The attackers.
    pub attackers: Vec<Attacker>,
    /// The network between them and the server.
    pub network: Network,
    /// The disk.
    pub store: Store,
    /// Who tampers.
    pub saboteur: Saboteur,
    /// Randomness for whoever makes the world happen.
    pub entropy: Entropy,
    clock: Clock,
    queue: BinaryHeap<Reverse<Queued>>,
    queued: u64,
    step: u64,
    instant: (Mono, u32, u32),
    directory: Arc<Directory>,
    office: Office,
    server: Option<Server>,
    streams: Streams,
    hosts: Vec<Who>,
    host_of_phone: Vec<usize>,
    host_of_attacker: Vec<usize>,
    wakes: Vec<Option<Mono>>,
    next_audit: Mono,
    /// Calls of before are lost.
    server_since: Mono,
    pairs: BTreeMap<DialogId, DialogId>,
    /// Who may talk with whom after a transfer.
    connected: BTreeSet<(DialogId, DialogId)>,
    /// Ends whose other side may leave without them: they are being transferred.
    let_go: BTreeSet<DialogId>,
    moves: moves::Moves,
    /// When a phone's router last forgot its mappings.
    rebound: BTreeMap<usize, Mono>,
    started_from: Entropy,
    /// The last INVITE with credentials that somebody could have overheard.
    overheard: Option<Bytes>,
    /// When wrong answers to challenges of their own were sent from where.
    guesses: BTreeMap<IpAddr, Vec<Mono>>,
    in_force: rows::InForce,
    ladder: Ladder,
    failure: Option<Failure>,
}

impl World {
    /// A world with a server that runs, and nobody else.
    pub fn new(seed: u64, office: Office) -> World {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut entropy = Entropy::from_seed(bytes);
        let mut world = World {
            seed,
            phones: Vec::new(),
            attackers: Vec::new(),
            network: Network::new(entropy.fork()),
            store: Store::default(),
            saboteur: Saboteur::default(),
            started_from: entropy.fork(),
            entropy,
            clock: Clock::default(),
            queue: BinaryHeap::new(),
            queued: 0,
            step: 0,
            instant: (Mono::ZERO, 0, 0),
            directory: office.directory(),
            office,
            server: None,
            streams: Streams::new(),
            hosts: Vec::new(),
            host_of_phone: Vec::new(),
            host_of_attacker: Vec::new(),
            wakes: Vec::new(),
            next_audit: Mono::ZERO + AUDIT,
            server_since: Mono::ZERO,
            pairs: BTreeMap::new(),
            connected: BTreeSet::new(),
            let_go: BTreeSet::new(),
            moves: moves::Moves::default(),
            rebound: BTreeMap::new(),
            guesses: BTreeMap::new(),
            overheard: None,
            in_force: rows::InForce::default(),
            ladder: Ladder::default(),
            failure: None,
        };
        world.start_server();
        world
    }

    /// Plants a bug.
    #[must_use]
    pub fn sabotaged(mut self, bug: Option<Bug>) -> World {
        if let Some(bug) = bug {
            self.saboteur = Saboteur::plant(bug);
        }
        self
    }

    /// Now.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Somebody sets the server's wall clock.
    pub fn set_wall_clock(&mut self, by_ms: i64) {
        self.clock.jump(by_ms);
    }

    /// A number that differs between two runs when anything they said differed.
    pub fn digest(&self) -> u64 {
        self.ladder.digest
    }

    /// The last INVITE with credentials that reached the server.
    pub fn overheard(&self) -> Option<Bytes> {
        self.overheard.clone()
    }

    /// Whether the server runs.
    pub fn server_runs(&self) -> bool {
        self.server.is_some()
    }

    /// Says that something must not have happened.
    pub fn object(&mut self, what: &str) {
        self.fail(what.to_owned());
    }

    /// Forgets what long runs would drown in: calls of phones that are over but for the last ones of each.
    pub fn forget_past(&mut self, kept: usize) {
        for phone in &mut self.phones {
            phone.forget_past(kept);
        }
        let gone: Vec<DialogId> = self.pairs.keys().copied().filter(|id| self.find(*id).is_none()).collect();
        for id in gone {
            self.pairs.remove(&id);
        }
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The running server.
    ///
    /// # Panics
    /// It does not run.
    pub fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("the server runs")
    }

    /// Starts the server, if it does not run.
    pub fn start_server(&mut self) {
        if self.server.is_none() {
            self.excuse_all();
            let entropy = self.started_from.fork();
            let now = self.now();
            self.server_since = now.mono;
            self.server = Some(Server::start(now, &self.directory, &mut self.store, entropy));
            self.enforce_rows();
        }
    }

    /// The server dies in the middle of whatever it does; the last updates are not on the disk.
    pub fn crash_server(&mut self) {
        let late = u64::from(self.entropy.below(u32::try_from(LATENESS.as_millis()).unwrap_or(1_000)));
        let now = self.now();
        self.server = None;
        self.store.crash(now.mono, now.wall, crate::clock::millis(late));
        let flows: Vec<FlowId> = self.streams.open.keys().copied().collect();
        for flow in flows {
            self.end_stream(flow);
        }
        self.excuse_all();
    }

    /// Whatever was under way may have been lost.
    fn excuse_all(&mut self) {
        for host in 0..self.hosts.len() {
            self.excuse(host);
        }
    }

    /// Goes on for this long.
    ///
    /// # Errors
    /// What must not have happened.
    pub fn pass(&mut self, span: Duration) -> Result<(), Failure> {
        let end = self.clock.now().mono + span;
        while self.step_before(end)? {}
        self.clock.pass(end);
        Ok(())
    }

    /// Goes on until `done`, but not for longer than `limit`; whether it was done in time.
    ///
    /// # Errors
    /// What must not have happened.
    pub fn pass_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&World) -> bool,
    ) -> Result<bool, Failure> {
        let end = self.clock.now().mono + limit;
        while !done(self) {
            if !self.step_before(end)? {
                self.clock.pass(end);
                return Ok(done(self));
            }
        }
        Ok(true)
    }

    /// One step, if one is due before `end`.
    fn step_before(&mut self, end: Mono) -> Result<bool, Failure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let (at, turn) = self.next_turn();
        if at > end {
            return Ok(false);
        }
        self.clock.pass(at);
        self.step += 1;
        self.count_step();
        self.take_turn(turn);
        self.check_step();
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(true),
        }
    }

    fn next_turn(&mut self) -> (Mono, Turn) {
        let now = self.clock.now().mono;
        let mut best = (self.next_audit, Turn::Audit);
        let mut offer = |at: Option<Mono>, turn: Turn| {
            if let Some(at) = at.map(|at| at.max(now)).filter(|at| *at < best.0) {
                best = (at, turn);
            }
        };
        offer(self.queue.peek().map(|Reverse(queued)| queued.at), Turn::Queue);
        if let Some(server) = &self.server {
            offer(server.has_said().then_some(now), Turn::Shard);
            let deaf = self.saboteur.is_deaf();
            let late = self.saboteur.delay();
            offer(server.next_wake().filter(|_| !deaf).map(|at| at + late), Turn::Wake);
            offer(server.next_look(), Turn::Look);
            if let Some((at, shard)) = server.next_tick() {
                offer(Some(at), Turn::Tick(shard));
            }
        }
        for (number, wake) in self.wakes.iter().enumerate() {
            offer(*wake, Turn::Phone(number));
        }
        best
    }

    fn take_turn(&mut self, turn: Turn) {
        let now = self.clock.now();
        match (turn, &mut self.server) {
            (Turn::Queue, _) => {
                if let Some(Reverse(queued)) = self.queue.pop() {
                    self.deliver(queued.what);
                }
            }
            (Turn::Phone(number), _) => {
                self.phones[number].wake(now.mono);
                self.settle_phone(number);
            }
            (Turn::Audit, _) => {
                self.next_audit = now.mono + AUDIT;
                self.store.flush(now.mono, LATENESS);
                self.audit();
            }
            (Turn::Shard, Some(server)) => {
                server.hear_shard(now);
                self.settle_server();
            }
            (Turn::Wake, Some(server)) => {
                self.saboteur.wakes();
                server.wake(now);
                self.settle_server();
            }
            (Turn::Look, Some(server)) => {
                server.look_again(now.mono);
                self.settle_server();
            }
            (Turn::Tick(shard), Some(server)) => {
                server.tick(now.mono, shard);
                self.settle_server();
            }
            (Turn::Shard | Turn::Wake | Turn::Look | Turn::Tick(_), None) => {}
        }
    }

    /// A step at an instant that does not end is a fault.
    fn count_step(&mut self) {
        let now = self.clock.now().mono;
        if self.instant.0 != now {
            self.instant = (now, 0, 0);
        }
        self.instant.1 += 1;
        if self.instant.1 > STEPS_PER_INSTANT {
            self.fail(format!("more than {STEPS_PER_INSTANT} steps at one instant"));
        }
        let wants_now = self.server.as_ref().and_then(Server::next_wake).is_some_and(|at| at < now);
        if wants_now && !self.saboteur.is_deaf() && self.saboteur.delay().is_zero() {
            self.instant.2 += 1;
            if self.instant.2 > WAKES_PER_INSTANT {
                self.fail("the exchange wants to be woken in the past, for ever".to_owned());
            }
        }
    }

    fn fail(&mut self, what: String) {
        if self.failure.is_none() {
            let at = self.clock.now().mono;
            let mut ladder = self.ladder.lines();
            ladder.extend(self.phones.iter().flat_map(Phone::running).map(|dialog| dialog.to_string()));
            self.failure = Some(Failure { seed: self.seed, step: self.step, at, what, ladder });
        }
    }

    fn put(&mut self, at: Mono, what: Happening) {
        self.queued += 1;
        self.queue.push(Reverse(Queued { at, number: self.queued, what }));
    }
}
