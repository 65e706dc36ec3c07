//! The exchange: what comes in goes to the stack or to its call, what comes of it goes out.
//!
//! One place begins calls and one place ends them; between the two each event reaches the one call it is about. Not
//! here: what calls do.

use std::collections::VecDeque;
use std::sync::Arc;

use media::PortSource;
use model::event::{self, Event};
use model::live::{self, Held, Registration};
use model::lock::Outgoing;
use model::record::CallResult;
use model::room::GiveBack;
use model::{CallId, Flow, IdMint, Mono, Now};
use sip::{Cause, SessionEvent, SessionId, Stack};

use crate::api::{Command, Input, Output, Setup};
use crate::call::{Call, Which};
use crate::incoming::{Arrival, Room};
use crate::lamps::{self, Lamps};
use crate::limits::MAX_CALLS;
use crate::live as rows;
use crate::record::{self, Outcome};
use crate::step::{Desk, Step, Switch, Table};
use crate::timers::Timers;

/// The whole control plane as a machine: registrations, calls, and what the media shards shall do.
///
/// Give it an [`Input`], then [`Exchange::poll`] until it is empty, then wait until [`Exchange::next_wake`].
pub struct Exchange {
    pub(crate) desk: Desk,
    pub(crate) calls: Table<CallId, Box<Call>>,
}

impl Exchange {
    /// An exchange without registrations and calls.
    pub fn new(setup: Setup) -> Exchange {
        let Setup { node, shards, directory, mut entropy } = setup;
        let desk = Desk {
            mint: IdMint::new(node, &mut entropy),
            stack: Stack::new(Arc::clone(&directory), entropy.fork()),
            directory,
            timers: Timers::default(),
            sessions: Table::default(),
            media: Switch::new(shards),
            lamps: Lamps::default(),
            outgoing: Outgoing::Open,
            outputs: VecDeque::new(),
            errands: VecDeque::new(),
            entropy,
        };
        Exchange { desk, calls: Table::default() }
    }

    /// Takes one input in. `ports` gives out the media ports that calls need.
    pub fn handle(&mut self, now: Now, input: Input, ports: &mut dyn PortSource) {
        match input {
            Input::Received { flow, message } => self.desk.stack.receive(now, flow, &message),
            Input::Closed(flow) => self.desk.stack.closed(now, flow),
            Input::Media { shard, event } => self.media(now, shard, &event, ports),
            Input::Wake => self.wake(now, ports),
            Input::Command(command) => self.command(now, command, ports),
        }
        loop {
            if let Some(errand) = self.desk.errands.pop_front() {
                self.deliver(now, errand, ports);
            } else if let Some(event) = self.desk.stack.poll_event() {
                self.dispatch(now, event, ports);
            } else {
                break;
            }
        }
        lamps::tell_all(&mut self.desk, now);
        while let Some(watch) = self.desk.stack.poll_watch() {
            lamps::watch(&mut self.desk, now, watch);
        }
    }

    /// The next thing to do outside.
    pub fn poll(&mut self) -> Option<Output> {
        self.desk.outputs.pop_front().or_else(|| self.desk.stack.poll().map(Output::from))
    }

    /// When the exchange wants [`Input::Wake`], if nothing else happens.
    pub fn next_wake(&self) -> Option<Mono> {
        [self.desk.stack.next_wake(), self.desk.timers.next()].into_iter().flatten().min()
    }

    /// What is held at the moment. Connections and file handles are the shell's to count.
    pub fn held(&self) -> Held {
        let legs = self.desk.media.open();
        Held {
            transactions: self.desk.stack.transactions(),
            dialogs: self.desk.stack.dialogs(),
            subscriptions: self.desk.stack.subscriptions(),
            legs,
            media_ports: legs,
            connections: 0,
            file_handles: 0,
        }
    }

    /// Entries that the tables of calls, sessions, transactions and timers have room for: the most that were ever alive
    /// at once, never how many there were. A test of leaks looks at it.
    pub fn capacity(&self) -> usize {
        let desk = &self.desk;
        let tables = [
            self.calls.capacity(),
            desk.sessions.capacity(),
            desk.timers.capacity(),
            desk.media.capacity(),
            desk.outputs.capacity(),
            desk.stack.capacity(),
        ];
        tables.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The registrations of now.
    pub fn registrations(&self, now: Now) -> Vec<Registration> {
        self.desk.stack.registrations(now)
    }

    /// Another service asks the guard about a password, or tells it what one was worth (see the documentation of `guard`).
    pub fn consult<T>(&mut self, now: Now, with: impl FnOnce(&mut guard::Judge) -> T) -> T {
        self.desk.stack.consult(now, with)
    }

    /// Who is refused, those that began first first.
    pub fn blocks(&self, now: Now) -> Vec<guard::Block> {
        self.desk.stack.blocks(now.wall)
    }

    /// The block of exactly this network, if it is in force.
    pub fn block_of(&self, now: Now, prefix: ipnet::IpNet) -> Option<guard::Block> {
        self.desk.stack.block_of(now.wall, prefix)
    }

    /// How many blocks lifting this network's would lift.
    pub fn blocks_within(&self, now: Now, prefix: ipnet::IpNet) -> usize {
        self.desk.stack.blocks_within(now.wall, prefix)
    }

    /// How many phones are registered from a network.
    pub fn registered_within(&self, prefix: ipnet::IpNet) -> usize {
        self.desk.stack.registered_within(prefix)
    }

    /// Whether nobody at these addresses is ever blocked.
    pub fn trusts(&self, prefix: ipnet::IpNet) -> bool {
        self.desk.stack.trusts(prefix)
    }

    /// How many blocks there are.
    pub fn blocked(&self) -> usize {
        self.desk.stack.blocked()
    }

    /// The calls of now, oldest first.
    pub fn calls(&self, _now: Now) -> Vec<live::Call> {
        let mut calls: Vec<_> = self.calls.values().map(|call| rows::row(call)).collect();
        calls.sort_unstable_by_key(|call| call.id);
        calls
    }

    /// Flows of refused addresses that have something to finish (SPEC R4.3).
    pub fn established(&self) -> Vec<Flow> {
        self.desk.stack.established()
    }

    /// Those of them that are calls of one network, found without a look at all others.
    pub fn established_within(&self, network: ipnet::IpNet) -> Vec<Flow> {
        self.desk.stack.established_within(network)
    }

    fn wake(&mut self, now: Now, ports: &mut dyn PortSource) {
        self.desk.stack.wake(now);
        while let Some((deadline, call)) = self.desk.timers.due(now.mono) {
            self.step(now, ports, call, |call, step| call.due(step, deadline));
        }
    }

    fn media(&mut self, now: Now, shard: usize, event: &media::Event, ports: &mut dyn PortSource) {
        // A leg that was closed meanwhile has no call any more.
        if let Some(call) = self.desk.media.call_of(shard, event.leg()) {
            self.step(now, ports, call, |call, step| call.media(step, shard, event));
        }
    }

    fn command(&mut self, now: Now, command: Command, ports: &mut dyn PortSource) {
        match command {
            Command::Directory(directory) => {
                self.desk.directory = Arc::clone(&directory);
                let after = directory.times.dead_media;
                for shard in 0..self.desk.media.shards() {
                    let command = media::Command::DeadMedia { after };
                    self.desk.outputs.push_back(Output::Media { shard, command });
                }
                self.desk.stack.set_directory(now, directory);
                lamps::review(&mut self.desk);
            }
            Command::Row(row) => self.desk.stack.set_row(row),
            Command::Restore(bindings) => self.desk.stack.restore(now, bindings),
            Command::ForgetLine(line) => self.desk.stack.forget_line(now, &line),
            Command::Mailbox { extension, summary } => {
                lamps::set_mailbox(&mut self.desk, now, &extension, summary);
            }
            Command::RestoreKnown(known) => self.desk.stack.restore_known(known),
            Command::RestoreBlocks(blocks) => self.desk.stack.restore_blocks(now, blocks),
            Command::Block { prefix, until, author, why } => {
                self.desk.stack.block(now, prefix, until, &author, &why);
            }
            Command::Unblock { prefix, author } => {
                self.desk.stack.unblock(now, prefix, &author);
            }
            Command::Outgoing(outgoing) => self.desk.outgoing = outgoing,
            Command::Drain => self.desk.stack.drain(),
            Command::Hangup { call, author } => {
                if self.calls.contains_key(&call) {
                    let hung_up = Event::new(&event::CALL_HUNG_UP, now.wall).with("call", call);
                    self.desk.outputs.push_back(Output::Event(hung_up.with("author", author)));
                    self.cut(now, ports, call, "hung up by an administrator");
                }
            }
            Command::EndAll => {
                let mut all: Vec<CallId> = self.calls.keys().copied().collect();
                all.sort_unstable();
                for call in all {
                    self.cut(now, ports, call, "the server stopped");
                }
            }
        }
    }

    fn cut(&mut self, now: Now, ports: &mut dyn PortSource, call: CallId, reason: &str) {
        self.step(now, ports, call, |call, _| {
            let answered = call.answered.is_some();
            let result = if answered { CallResult::Answered } else { CallResult::Cancelled };
            call.finish(Outcome::ended(result, reason, Cause::Administrator));
        });
    }

    fn dispatch(&mut self, now: Now, event: SessionEvent, ports: &mut dyn PortSource) {
        let session = match event {
            SessionEvent::Incoming {
                session,
                caller,
                flow,
                dialled,
                presentation,
                max_forwards,
                offer,
                replaces,
            } => {
                let arrival = Arrival { session, caller, flow, dialled, presentation, max_forwards, offer };
                return match replaces {
                    Some(replaced) => self.take(now, replaced, arrival, ports),
                    None => self.incoming(now, arrival, ports),
                };
            }
            SessionEvent::Progress { session, .. }
            | SessionEvent::Answered { session, .. }
            | SessionEvent::EarlyAnswered { session, .. }
            | SessionEvent::Failed { session, .. }
            | SessionEvent::Cancelled { session }
            | SessionEvent::Confirmed { session, .. }
            | SessionEvent::RefreshDue { session }
            | SessionEvent::Reoffer { session, .. }
            | SessionEvent::ReofferAnswered { session, .. }
            | SessionEvent::ReofferRefused { session, .. }
            | SessionEvent::Info { session, .. }
            | SessionEvent::FlowChanged { session }
            | SessionEvent::Refer { session, .. }
            | SessionEvent::Ended { session, .. } => session,
        };
        if let Some(call) = self.desk.sessions.get(&session).copied() {
            self.step(now, ports, call, |call, step| happen(call, step, session, event));
        }
    }

    fn incoming(&mut self, now: Now, arrival: Arrival, ports: &mut dyn PortSource) {
        let room = if self.calls.len() < MAX_CALLS { Room::Free } else { Room::Full };
        let session = arrival.session;
        let mut step = Step { now, desk: &mut self.desk, ports };
        let mut call = Call::begin(&mut step, arrival, room);
        match call.outcome.take() {
            Some(outcome) => end(&mut step, call, outcome),
            None => {
                lamps::follow(&mut step, &mut call);
                self.desk.sessions.insert(session, call.id);
                self.calls.insert(call.id, Box::new(call));
            }
        }
    }

    /// Lets something happen to a call, and ends it if that was the end.
    pub(crate) fn step(
        &mut self,
        now: Now,
        ports: &mut dyn PortSource,
        id: CallId,
        happens: impl FnOnce(&mut Call, &mut Step<'_>),
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let mut step = Step { now, desk: &mut self.desk, ports };
        happens(call, &mut step);
        let Some(outcome) = call.outcome.take() else { return lamps::follow(&mut step, call) };
        if let Some(call) = self.calls.remove(&id) {
            self.calls.give_back();
            end(&mut step, *call, outcome);
        }
    }
}

/// The one place where calls end: sessions, legs and ports are given back and the record is closed.
pub(crate) fn end(step: &mut Step<'_>, mut call: Call, outcome: Outcome) {
    call.hang_up(step, &outcome);
    lamps::forget(step, &mut call);
    record::close(step, call, outcome);
}

/// What the stack says of one of a call's sessions.
fn happen(call: &mut Call, step: &mut Step<'_>, session: SessionId, event: SessionEvent) {
    let Some(which) = call.which(session) else { return };
    call.follow(step, which, session);
    match (event, which) {
        (SessionEvent::Progress { status, answer, .. }, Which::Phone(phone)) => {
            call.progress(step, phone, status, answer);
        }
        (SessionEvent::Answered { answer, .. }, Which::Phone(phone)) => {
            call.answered(step, phone, answer.as_deref());
        }
        (SessionEvent::Failed { end, .. }, Which::Phone(phone)) => call.phone_gone(step, phone, &end),
        (SessionEvent::EarlyAnswered { answer, .. }, Which::Caller) => call.early_answered(step, &answer),
        (SessionEvent::Cancelled { .. }, _) => call.cancelled(step),
        (SessionEvent::Confirmed { answer, .. }, which) => call.confirmed(step, which, answer.as_deref()),
        (SessionEvent::RefreshDue { .. }, which) => call.refresh(step, which),
        (SessionEvent::Reoffer { offer, .. }, which) => {
            call.reoffered(step, which, session, offer.as_deref());
        }
        (SessionEvent::ReofferAnswered { answer, .. }, which) => call.reoffer_answered(step, which, answer),
        (SessionEvent::ReofferRefused { status, .. }, which) => call.reoffer_failed(step, which, status),
        (SessionEvent::Info { content_type, body, .. }, which) => call.info(step, which, &content_type, body),
        (SessionEvent::Refer { referral, .. }, which) => call.referred(step, which, session, referral),
        (SessionEvent::Ended { end, .. }, which) => call.ended(step, which, &end),
        // It was followed already.
        (SessionEvent::FlowChanged { .. }, _) => {}
        // The stack never says these of such a session, and `Incoming` has been dealt with.
        (SessionEvent::Incoming { .. }, _)
        | (SessionEvent::EarlyAnswered { .. }, Which::Phone(_))
        | (
            SessionEvent::Failed { .. } | SessionEvent::Progress { .. } | SessionEvent::Answered { .. },
            Which::Caller,
        ) => {}
    }
}
