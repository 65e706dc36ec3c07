//! A media thread: its poller, its sockets, and the machine that says what becomes of each packet.
//!
//! One packet costs a receive, the gate's verdict, the machine's, and a send; nothing is allocated.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use guard::{Gate, Service, Verdict as Admission};
use media::{Buffer, Command, Config, Event, HEADROOM, LegId, Out, Port, STORAGE, Shard, TAILROOM, Verdict};
use model::Entropy;

use super::poller::{Batch, Doorbell, Poller, Ready};
use super::ports::Sockets;
use crate::{Bell, Clock};

/// Orders that may wait at a shard: what the control thread decides within a second at 1,000 calls a second. Beyond it the
/// control thread waits for the shard, which waits for nobody.
const MAX_ORDERS: usize = 16_384;

/// What a shard thread is told.
pub enum Order {
    /// A leg begins, on these sockets.
    Open(Command, Sockets),
    /// Anything else.
    Obey(Command),
    /// A question about its legs.
    Ask(Box<dyn FnOnce(&Shard) + Send>),
    /// The end of the thread.
    Stop,
}

/// All media threads, as the control thread sees them.
pub struct Shards {
    senders: Vec<Sender<Order>>,
    doorbells: Vec<Doorbell>,
    threads: Vec<JoinHandle<()>>,
    /// What they say, with the number of the shard.
    pub events: Receiver<(usize, Event)>,
    rung_for: Vec<bool>,
}

/// Media threads that were told to end.
pub struct Quitting(Vec<JoinHandle<()>>);

impl Quitting {
    /// Waits until they have.
    pub fn join(self) {
        for thread in self.0 {
            // A thread that panicked has said so on stderr.
            let _ = thread.join();
        }
    }
}

impl Shards {
    /// Starts `count` threads, which ring `bell` when they say something and count in `unsent` the packets that the system
    /// did not take.
    ///
    /// # Errors
    /// No file handle or thread is free.
    pub fn start(
        count: usize,
        config: Config,
        gate: &Arc<Gate>,
        clock: Clock,
        entropy: &mut Entropy,
        bell: &Bell,
        unsent: &Arc<AtomicU64>,
    ) -> io::Result<Shards> {
        // Unbounded: a leg says a handful of things in its life, and legs are bounded; a bound here could make
        // the two threads wait for each other.
        let (events_in, events) = crossbeam_channel::unbounded();
        let mut shards = Shards {
            senders: Vec::new(),
            doorbells: Vec::new(),
            threads: Vec::new(),
            events,
            rung_for: vec![false; count],
        };
        for number in 0..count {
            let (sender, orders) = crossbeam_channel::bounded(MAX_ORDERS);
            let poller = Poller::new()?;
            shards.senders.push(sender);
            shards.doorbells.push(poller.doorbell());
            let worker = Worker {
                number,
                poller,
                orders,
                events: events_in.clone(),
                bell: bell.clone(),
                machine: Shard::new(config, entropy.fork()),
                sockets: Vec::new(),
                slots: usize::try_from(config.legs_max).unwrap_or(usize::MAX),
                gate: gate.clone(),
                clock,
                unsent: unsent.clone(),
            };
            let thread = std::thread::Builder::new().name(format!("media-{number}"));
            shards.threads.push(thread.spawn(move || worker.run())?);
        }
        Ok(shards)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.senders.len()
    }

    /// Gives an order; [`Shards::ring`] makes it heard.
    pub fn order(&mut self, shard: usize, order: Order) {
        let Some(sender) = self.senders.get(shard) else { return };
        if let Err(crossbeam_channel::TrySendError::Full(order)) = sender.try_send(order) {
            if let Some(bell) = self.doorbells.get(shard) {
                bell.ring();
            }
            // Fails only if the thread has ended, and then there is nobody to obey.
            let _ = sender.send(order);
        }
        if let Some(flag) = self.rung_for.get_mut(shard) {
            *flag = true;
        }
    }

    /// Wakes the shards that were given orders since the last call: once for a whole batch.
    pub fn ring(&mut self) {
        for (flag, bell) in self.rung_for.iter_mut().zip(&self.doorbells) {
            if std::mem::take(flag) {
                bell.ring();
            }
        }
    }

    /// Tells all threads to end.
    pub fn stop(mut self) -> Quitting {
        for shard in 0..self.senders.len() {
            self.order(shard, Order::Stop);
        }
        self.ring();
        Quitting(std::mem::take(&mut self.threads))
    }
}

/// A leg's sockets, and which leg has them.
struct Tenant {
    leg: LegId,
    sockets: Sockets,
}

impl Tenant {
    fn socket(&self, port: Port) -> &UdpSocket {
        match port {
            Port::Rtp => &self.sockets.rtp,
            Port::Rtcp => &self.sockets.rtcp,
        }
    }
}

struct Worker {
    number: usize,
    poller: Poller,
    orders: Receiver<Order>,
    events: Sender<(usize, Event)>,
    bell: Bell,
    machine: Shard,
    /// By the leg's slot.
    sockets: Vec<Option<Tenant>>,
    /// Most slots.
    slots: usize,
    gate: Arc<Gate>,
    clock: Clock,
    unsent: Arc<AtomicU64>,
}

/// Whether a thread goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Wait,
    End,
}

impl Worker {
    fn run(mut self) {
        let mut storage = [0; STORAGE];
        let mut batch = Batch::new();
        loop {
            let timeout = self.timeout();
            let count = self.poller.wait(&mut batch, timeout);
            for place in 0..count {
                match self.poller.ready(&batch, place) {
                    Some(Ready::Packet(slot, port)) => self.packet(slot, port, &mut storage),
                    Some(Ready::Rung) if self.obey() == Next::End => return,
                    Some(Ready::Rung) | None => {}
                }
            }
            self.tick();
        }
    }

    fn timeout(&self) -> Option<Duration> {
        let at = self.machine.next_wake()?;
        Some(at.saturating_since(self.clock.mono()))
    }

    fn tick(&mut self) {
        let now = self.clock.mono();
        if self.machine.next_wake().is_some_and(|at| at <= now) {
            self.machine.tick(now);
            self.drain();
        }
    }

    fn obey(&mut self) -> Next {
        let mut next = Next::Wait;
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Open(command, sockets) => self.open(command, sockets),
                Order::Obey(command) => self.machine.command(self.clock.mono(), command),
                Order::Ask(question) => question(&self.machine),
                Order::Stop => next = Next::End,
            }
            self.drain();
        }
        next
    }

    fn open(&mut self, command: Command, sockets: Sockets) {
        if let Command::Open { leg, .. } = &command {
            let slot = usize::try_from(leg.index).unwrap_or(usize::MAX);
            // A slot beyond the machine's limit is refused by it too. One that the kernel has no memory to watch
            // stays silent, and its call is ended as dead.
            if slot < self.slots && self.watch(*leg, slot, sockets).is_err() {
                self.drop_sockets(*leg);
            }
        }
        self.machine.command(self.clock.mono(), command);
    }

    fn watch(&mut self, leg: LegId, slot: usize, sockets: Sockets) -> io::Result<()> {
        if self.sockets.len() <= slot {
            self.sockets.resize_with(slot + 1, || None);
        }
        let result = self
            .poller
            .watch(&sockets.rtp, slot, Port::Rtp)
            .and_then(|()| self.poller.watch(&sockets.rtcp, slot, Port::Rtcp));
        if let Some(place) = self.sockets.get_mut(slot) {
            *place = Some(Tenant { leg, sockets });
        }
        result
    }

    fn drop_sockets(&mut self, leg: LegId) {
        let slot = usize::try_from(leg.index).ok().and_then(|slot| self.sockets.get_mut(slot));
        if let Some(slot) = slot.filter(|slot| slot.as_ref().is_some_and(|tenant| tenant.leg == leg)) {
            *slot = None;
        }
    }

    fn tenant(&self, leg: LegId) -> Option<&Tenant> {
        let slot = self.sockets.get(usize::try_from(leg.index).ok()?)?.as_ref()?;
        (slot.leg == leg).then_some(slot)
    }

    fn packet(&mut self, slot: usize, port: Port, storage: &mut [u8; STORAGE]) {
        let Some(tenant) = self.sockets.get(slot).and_then(Option::as_ref) else { return };
        let room = storage.get_mut(HEADROOM..STORAGE - TAILROOM).unwrap_or_default();
        // Nothing there any more, or an error of something sent before: the next wait tells.
        let room_bytes = room.len();
        let Ok((length, source)) = tenant.socket(port).recv_from(room) else { return };
        // What fills the room was cut to fit it, and its last bytes are not what its head says: no packet to pass on.
        if length >= room_bytes || !self.admits(source) {
            return;
        }
        let leg = tenant.leg;
        let mut buffer = Buffer::received(storage, length);
        let verdict = self.machine.packet(self.clock.mono(), leg, port, source, &mut buffer);
        if let Verdict::Forward { leg, port, to } = verdict {
            self.send(leg, port, to, buffer.bytes());
        }
        self.drain();
    }

    fn admits(&self, source: SocketAddr) -> bool {
        // The local address plays no part in a verdict on media: ports are the call's own.
        !matches!(self.gate.admit(Service::Media, source, source), Admission::Deny)
    }

    fn send(&self, leg: LegId, port: Port, to: SocketAddr, bytes: &[u8]) {
        let Some(tenant) = self.tenant(leg) else { return };
        if tenant.socket(port).send_to(bytes, to).is_err() {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn drain(&mut self) {
        while let Some(out) = self.machine.poll() {
            match out {
                Out::Send { leg, port, to, bytes } => self.send(leg, port, to, bytes.bytes()),
                Out::Event(event) => {
                    if let Event::Closed { leg, .. } | Event::Refused { leg } = event {
                        self.drop_sockets(leg);
                    }
                    // Fails only when the control thread has ended.
                    let _ = self.events.send((self.number, event));
                    self.bell.ring();
                }
            }
        }
    }
}
