//! The control thread: the one place where the exchange decides. It takes what the sockets and shards bring, in batches,
//! most urgent first, and carries out what comes of it. It never waits for anything but its inbox.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use calls::{Command, Exchange, Input, Output};
use guard::{Block, Ruling, Scope};
use model::live::Held;
use model::{Flow, Mono, Now};

use crate::grace::Grace;
use crate::inbox::{Arrival, Inbox, Order, Tray};
use crate::media::{BoundPorts, Order as ShardOrder, Shards};
use crate::shed::{Cause, Counts};
use crate::sip::Door;
use crate::standing::proves;
use crate::{Clock, Effects, Offload};

/// Messages of calls in progress taken in a row, before orders and shards have their turn.
const IN_PROGRESS_BATCH: usize = 64;
/// New requests taken in a row, when nothing more urgent waits ...
const FRESH_BATCH: usize = 16;
/// ... and when something does: few, so that calls go on, but not none, so that nobody is shut out by a flood of what
/// only claims to belong to a call.
const FRESH_SHARE: usize = 1;
/// Orders obeyed in a row: the connections of a flood that all end at once are orders too.
const ORDER_BATCH: usize = 256;
/// What shards said, taken in a row.
const MEDIA_BATCH: usize = 256;

/// What the control thread is made of.
pub struct Control {
    /// The machine.
    pub exchange: Exchange,
    /// Its inbox.
    pub tray: Tray,
    /// The signalling sockets.
    pub door: Arc<Door>,
    /// Media ports.
    pub ports: BoundPorts,
    /// Media threads.
    pub shards: Shards,
    /// The rest of the server.
    pub effects: Arc<dyn Effects>,
    /// The clocks.
    pub clock: Clock,
    /// What refused addresses may finish.
    pub grace: Grace,
    /// The kernel, which refuses what the gate does.
    pub kernel: Arc<Offload>,
}

/// The way to ask and order the control thread.
#[derive(Clone)]
pub struct ControlHandle {
    inbox: Inbox,
}

/// The control thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server is stopping")]
pub struct Stopped;

impl ControlHandle {
    /// A handle that speaks into `inbox`.
    pub fn new(inbox: Inbox) -> ControlHandle {
        ControlHandle { inbox }
    }

    /// Gives an order.
    pub fn order(&self, order: Order) {
        self.inbox.order(order);
    }

    /// Wishes something of the exchange.
    pub fn command(&self, command: Command) {
        self.inbox.order(Order::Command(command));
    }

    /// Asks the exchange; all orders given before are obeyed before, and what follows from the question (a block that the gate
    /// and the kernel must know) is in force when it is answered.
    ///
    /// # Errors
    /// The control thread has ended.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Exchange, Now) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.inbox.order(Order::Ask(Box::new(move |exchange, now| {
            let said = question(exchange, now);
            // Nobody waits for it any more: as well.
            Box::new(move || drop(answer.send(said)))
        })));
        answered.await.map_err(|_| Stopped)
    }

    /// What the exchange holds.
    ///
    /// # Errors
    /// The control thread has ended.
    pub async fn held(&self) -> Result<Held, Stopped> {
        self.ask(|exchange, _| exchange.held()).await
    }

    /// What was not served since the start, by cause.
    pub fn shed(&self) -> Counts {
        self.inbox.shed()
    }
}

/// Whose new requests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Familiar,
    Unknown,
}

/// Whether the thread goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl Control {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread is free.
    pub fn start(self) -> io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("control".into()).spawn(move || self.run())
    }

    fn run(mut self) {
        loop {
            let now = self.clock.now();
            let (next, obeyed) = self.obey(now);
            if next == Next::End {
                break;
            }
            let busy = obeyed
                + self.in_progress(now)
                + self.media(now)
                + self.credentialed(now)
                + self.fresh(now, Who::Familiar)
                + self.fresh(now, Who::Unknown)
                + self.wake(now);
            self.grace.look_again(now.mono, &self.exchange, &self.door, &self.kernel);
            self.door.tell_of_overload(now.mono);
            self.shards.ring();
            if busy == 0 {
                self.wait();
            }
        }
        self.door.flows().close_all();
        self.shards.stop().join();
    }

    fn wait(&self) {
        let wakes = [self.exchange.next_wake(), self.grace.next_look(), self.door.inbox.next_look()];
        let deadline = wakes.into_iter().flatten().min();
        let deadline = deadline.map(|at| self.clock.instant(at));
        self.tray.bell.sleep(deadline, || !self.tray.is_empty() || !self.shards.events.is_empty());
    }

    fn wake(&mut self, now: Now) -> usize {
        if self.exchange.next_wake().is_none_or(|at: Mono| at > now.mono) {
            return 0;
        }
        self.handle(now, Input::Wake, None);
        1
    }

    /// What may be finished is known to the gate before anything is refused, and who is refused is known to the exchange
    /// before the next message is.
    fn change_rows(&mut self, now: Now, rows: Arc<guard::Rows>) {
        self.handle(now, Input::Command(Command::Row(rows.sip.clone())), None);
        self.grace.look(now.mono, &self.exchange, &self.door, &self.kernel);
        self.door.change_rows(rows.clone());
        self.kernel.set_rows(rows);
    }

    fn obey(&mut self, now: Now) -> (Next, usize) {
        for count in 0..ORDER_BATCH {
            let Ok(order) = self.tray.orders.try_recv() else { return (Next::GoOn, count) };
            match order {
                Order::Closed(id) => self.handle(now, Input::Closed(id), None),
                Order::Command(command) => self.handle(now, Input::Command(command), None),
                Order::Ask(question) => {
                    let reply = question(&mut self.exchange, now);
                    self.carry_out(now, None);
                    reply();
                }
                Order::Rows(rows) => self.change_rows(now, rows),
                Order::MediaPorts(range) => self.ports.change_range(range),
                Order::Stop => return (Next::End, count),
            }
        }
        (Next::GoOn, ORDER_BATCH)
    }

    fn in_progress(&mut self, now: Now) -> usize {
        for count in 0..IN_PROGRESS_BATCH {
            let Ok(arrival) = self.tray.in_progress.try_recv() else { return count };
            self.receive(now, arrival);
        }
        IN_PROGRESS_BATCH
    }

    fn credentialed(&mut self, now: Now) -> usize {
        let share = if self.tray.in_progress.is_empty() { FRESH_BATCH } else { FRESH_SHARE };
        for count in 0..share {
            let Ok(arrival) = self.tray.credentialed.try_recv() else { return count };
            self.receive(now, arrival);
        }
        share
    }

    fn fresh(&mut self, now: Now, who: Who) -> usize {
        let is_urgent = !self.tray.in_progress.is_empty() || !self.tray.credentialed.is_empty();
        let yields = is_urgent || (who == Who::Unknown && !self.tray.familiar.receiver.is_empty());
        let share = if yields { FRESH_SHARE } else { FRESH_BATCH };
        for count in 0..share {
            let fresh = match who {
                Who::Familiar => &self.tray.familiar,
                Who::Unknown => &self.tray.unknown,
            };
            let Ok(arrival) = fresh.receiver.try_recv() else { return count };
            if fresh.is_stale(&arrival, now.mono) {
                self.door.inbox.count_shed(Cause::Late, now.mono);
                if let Some(answer) = self.door.overloaded(&arrival) {
                    self.door.flows().send(&arrival.flow, &answer);
                }
            } else {
                self.receive(now, arrival);
            }
        }
        share
    }

    fn media(&mut self, now: Now) -> usize {
        for count in 0..MEDIA_BATCH {
            let Ok((shard, event)) = self.shards.events.try_recv() else { return count };
            self.handle(now, Input::Media { shard, event }, None);
        }
        MEDIA_BATCH
    }

    fn receive(&mut self, now: Now, arrival: Arrival) {
        let Arrival { flow, message, .. } = arrival;
        let stranger = flow.transport.is_reliable() && !self.door.flows().is_proven(flow.id);
        self.handle(now, Input::Received { flow, message }, stranger.then_some(flow));
    }

    /// Hands an input to the exchange and carries out what comes of it. `stranger` is the connection that the input
    /// came on, if nobody has signed in on it yet.
    fn handle(&mut self, now: Now, input: Input, stranger: Option<Flow>) {
        self.exchange.handle(now, input, &mut self.ports);
        self.carry_out(now, stranger);
    }

    fn carry_out(&mut self, now: Now, stranger: Option<Flow>) {
        let mut blocked = Vec::new();
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Send { flow, bytes } => {
                    if stranger.is_some_and(|stranger| stranger.id == flow.id) && proves(&bytes) {
                        self.door.flows().prove(flow.id);
                    }
                    self.door.inbox.learn(flow.remote.ip(), &bytes);
                    self.door.flows().send(&flow, &bytes);
                }
                Output::Close(id) => self.door.flows().close(id),
                Output::Media { shard, command } => self.media_order(shard, command),
                Output::Record(update) => self.effects.record(update),
                Output::Binding(update) => self.effects.binding(update),
                Output::Ruling(ruling) => {
                    if let Ruling::Block(Block { prefix, scope: Scope::Address, .. }) = &ruling {
                        blocked.push(*prefix);
                    }
                    self.rule(now, &ruling);
                }
                Output::Event(event) => self.effects.event(event),
            }
        }
        // Last, so that the answer to the failure that blocks is on its way.
        for network in blocked {
            self.door.reset_within(network);
        }
    }

    /// The gate knows at once, so before any answer that comes after; the disk a moment later.
    fn rule(&mut self, now: Now, ruling: &Ruling) {
        match ruling {
            Ruling::Block(block) if block.scope == Scope::Address => {
                self.grace.look_within(now.mono, block.prefix, &self.exchange, &self.door, &self.kernel);
                self.door.gate.block(block.prefix);
                self.kernel.block(block.prefix, block.until);
            }
            Ruling::Lift(block) if block.scope == Scope::Address => {
                self.door.gate.unblock(block.prefix);
                self.kernel.unblock(block.prefix);
            }
            // Accounts are refused by the exchange.
            Ruling::Block(_) | Ruling::Lift(_) | Ruling::Known(_) => {}
            // The exchange gives these out as its own.
            Ruling::Event(event) => return self.effects.event(event.clone()),
        }
        self.effects.ruling(ruling);
    }

    fn media_order(&mut self, shard: usize, command: media::Command) {
        let sockets = match &command {
            media::Command::Open { local, .. } => self.ports.take_sockets(*local),
            _ => None,
        };
        self.shards.order(
            shard,
            match sockets {
                Some(sockets) => ShardOrder::Open(command, sockets),
                None => ShardOrder::Obey(command),
            },
        );
    }
}
