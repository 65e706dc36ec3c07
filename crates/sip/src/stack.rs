//! The stack: where a message goes.
//!
//! Here stand the tables and the way in: dispatch by method, responses, timers. What happens to a request outside dialogs
//! is in `outside`, to a session in `session`, to a registration in `registrar`, to a challenge in `auth`.

mod grace;
mod identify;
mod outside;
mod paced;
mod tell;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use guard::{Buckets, Judge, Places, Row};
use model::directory::{Directory, Encryption};
use model::event::{self, Event};
use model::live::Registration;
use model::{Entropy, Flow, FlowId, Mono, Now};
use wire::sip::{Message, Method, Writer};

use crate::api::{End, Output, Refusal, SessionEvent, SessionId};
use crate::auth::Authenticator;
use crate::limits::STRAY_PACE;
use crate::message;
use crate::registrar::bindings::Bindings;
use crate::session::{Session, Timer};
use crate::subscription::{SubscriptionId, Subscriptions};
use crate::timers::Timers;
use crate::transaction::client::{Branch, ClientTransactions, Due, Owner};
use crate::transaction::key;
use crate::transaction::server::{ServerId, ServerTransactions};

/// The SIP side of the exchange. See the crate's documentation.
#[derive(Debug)]
pub struct Stack {
    pub(crate) directory: Arc<Directory>,
    pub(crate) entropy: Entropy,
    pub(crate) auth: Authenticator,
    pub(crate) bindings: Bindings,
    pub(crate) server: ServerTransactions,
    pub(crate) client: ClientTransactions,
    /// CANCELs of ours: they share the branch of their INVITE.
    pub(crate) cancels: ClientTransactions,
    pub(crate) sessions: HashMap<SessionId, Session, foldhash::fast::RandomState>,
    /// Sessions by line.
    pub(crate) per_line: HashMap<Arc<str>, usize, foldhash::fast::RandomState>,
    /// Sessions by the address of their flow.
    pub(crate) places: Places<SessionId>,
    /// Sessions by stream connection.
    pub(crate) streams: HashMap<FlowId, Vec<SessionId>, foldhash::fast::RandomState>,
    /// Sessions whose connection closed; some may be gone or back already.
    pub(crate) lost: Vec<SessionId>,
    pub(crate) timers: Timers<(SessionId, Timer)>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) draining: bool,
    /// Who reaches SIP (SPEC R4.2).
    row: Arc<Row>,
    pub(crate) judge: Judge,
    tellings: tell::Tellings,
    /// When to look for blocks whose time is over.
    blocks_looked_at: Option<Mono>,
    buckets: Buckets,
    /// For answers to requests in dialogs and transactions that there are none of: apart, so that a flood of forged
    /// BYEs from a phone's address does not cost that phone its challenges.
    strays: Buckets,
    strays_dropped: u64,
    tag_seed: u64,
    outputs: VecDeque<Output>,
    events: VecDeque<SessionEvent>,
}

impl Stack {
    /// A stack without sessions or registrations. All its randomness comes from `entropy`.
    pub fn new(directory: Arc<Directory>, mut entropy: Entropy) -> Stack {
        let (guessing, inside) = identify::strictness(&directory);
        Stack {
            auth: Authenticator::new(&mut entropy, &directory),
            tag_seed: entropy.next_u64(),
            directory,
            entropy,
            bindings: Bindings::default(),
            server: ServerTransactions::default(),
            client: ClientTransactions::default(),
            cancels: ClientTransactions::default(),
            sessions: HashMap::default(),
            per_line: HashMap::default(),
            places: Places::default(),
            streams: HashMap::default(),
            lost: Vec::new(),
            timers: Timers::default(),
            subscriptions: Subscriptions::default(),
            draining: false,
            row: Arc::default(),
            judge: Judge::new(guessing, inside),
            tellings: tell::Tellings::default(),
            blocks_looked_at: None,
            buckets: Buckets::default(),
            strays: Buckets::new(STRAY_PACE),
            strays_dropped: 0,
            outputs: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Another directory is in force: registrations of lines that are gone, moved or got another password are dropped.
    pub fn set_directory(&mut self, now: Now, directory: Arc<Directory>) {
        let before = std::mem::replace(&mut self.directory, directory);
        self.auth.set_directory(&self.directory);
        self.set_guessing(now);
        let directory = Arc::clone(&self.directory);
        let changed = |line: &Arc<str>| match (before.lines.get(line), directory.lines.get(line)) {
            (Some(old), Some(new)) => old.extension != new.extension || old.password != new.password,
            _ => true,
        };
        let gone: Vec<Arc<str>> = self.bindings.registered_lines().filter(|l| changed(l)).cloned().collect();
        for line in gone {
            self.forget_line(now, &line);
        }
        self.drop_unencrypted(now);
        // Lamps that came in clear end too; phones that encrypt subscribe anew.
        let encrypts_now = |line: &Arc<str>| {
            let required = |lines: &Directory| {
                lines.lines.get(line).is_some_and(|line| line.encryption == Encryption::Required)
            };
            required(&directory) && !required(&before)
        };
        self.review_subscriptions(now.mono, &directory, |line| changed(line) || encrypts_now(line));
    }

    /// From now on new calls are refused; running ones go on.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// A parsed message arrived.
    pub fn receive(&mut self, now: Now, flow: Flow, message: &Message) {
        if self.is_refused(flow.remote.ip()) && !self.may_finish(&flow, message) {
            return;
        }
        if message.is_request() {
            self.on_request(now, flow, message);
        } else {
            self.on_response(now, flow, message);
        }
    }

    fn on_request(&mut self, now: Now, flow: Flow, request: &Message) {
        let Some(key) = key::of_request(request, &flow) else { return };
        let known = self.server.find(&key);
        match (request.method(), known) {
            (Some(Method::Ack), Some(transaction)) => {
                self.server.acknowledged(now.mono, transaction);
                // The ACK of a 2xx has a branch of its own, but RFC 2543 phones reuse the INVITE's.
                return self.on_ack(now, flow, request);
            }
            (Some(Method::Ack), None) => return self.on_ack(now, flow, request),
            (Some(Method::Cancel), _) => {
                let Some(invite) = key::of_cancelled(request, &flow) else { return };
                return self.on_cancel(now, flow, request, &invite);
            }
            (_, Some(transaction)) => {
                if let Some((flow, bytes)) = self.server.repeated(transaction) {
                    self.send(flow, bytes);
                }
                return;
            }
            (_, None) => {}
        }
        let tag = request.to().ok().and_then(|to| to.tag());
        let inside = tag.is_some();
        if let (Some(Method::Subscribe), Some(id)) = (request.method(), tag.and_then(SubscriptionId::of_tag))
        {
            return self.on_resubscribe(now, flow, key, id, request);
        }
        match request.method() {
            Some(Method::Register) => self.on_register(now, flow, request),
            _ if inside => self.on_request_inside(now, flow, key, request),
            Some(Method::Invite | Method::Subscribe) => self.on_new_dialog(now, flow, key, request),
            Some(Method::Options) => self.on_options(now, flow, request),
            other => self.refuse_outside(now, flow, request, other),
        }
    }

    fn on_response(&mut self, now: Now, flow: Flow, response: &Message) {
        let status = response.status().unwrap_or_default();
        if let Some((branch, _)) = self.cancels.find(response) {
            if !self.cancels.is_foreign(branch, &flow) {
                self.cancels.heard(now.mono, branch, status);
            }
            return;
        }
        let Some((branch, owner)) = self.client.find(response) else { return };
        if self.client.is_foreign(branch, &flow) {
            let event = Event::new(&event::FOREIGN_RESPONSE, now.wall);
            return self.log(event.with("source", flow.remote).with("status", status));
        }
        let Some(heard) = self.client.heard(now.mono, branch, status) else {
            if let Some((flow, ack)) = self.client.ack(branch) {
                self.send(flow, ack);
            }
            return;
        };
        match owner {
            Owner::Invite(id) => self.on_invite_response(now, flow, branch, id, response, heard),
            Owner::Reinvite(id) => self.on_reinvite_response(now, flow, branch, id, response, heard),
            Owner::Refresh(id) => self.on_refresh_response(now, id, status, response),
            Owner::InDialog(id) if matches!(status, 408 | 481) => {
                self.drop_session(now.mono, id, End::PeerForgot);
            }
            Owner::Notify(id, cseq) if status >= 200 => {
                self.on_notified(now.mono, id, cseq, Some(status));
            }
            Owner::Referral(id) => self.on_referral_response(now, id, status),
            Owner::InDialog(_) | Owner::Notify(..) | Owner::Nobody => {}
        }
    }

    /// A stream connection ended.
    pub fn closed(&mut self, now: Now, flow: FlowId) {
        let spares = self.bindings.lose(flow);
        self.lose_sessions(now, flow);
        for (line, spare) in spares {
            self.recover_on_spare(&line, flow, spare);
        }
        self.lose_subscriptions(flow);
    }

    /// Whether a connection is worth keeping while it is idle: somebody is registered or calls over it.
    pub fn is_in_use(&self, flow: FlowId) -> bool {
        self.bindings.is_on(flow)
            || self.streams.contains_key(&flow)
            || !self.subscriptions.on_stream(flow).is_empty()
    }

    /// When [`Stack::wake`] wants to be called at the latest.
    pub fn next_wake(&self) -> Option<Mono> {
        let wakes = [
            self.server.next_wake(),
            self.client.next_wake(),
            self.cancels.next_wake(),
            self.timers.next(),
            self.bindings.next_wake(),
            self.subscriptions.next_wake(),
            self.next_end_of_block(),
            self.tellings.next_wake(),
        ];
        wakes.into_iter().flatten().min()
    }

    /// Carries out all that is due.
    pub fn wake(&mut self, now: Now) {
        while let Some(repeat) = self.server.due(now.mono) {
            if let Some((flow, bytes)) = repeat {
                self.send(flow, bytes);
            }
        }
        while let Some(due) = self.cancels.due(now.mono) {
            if let Due::Repeat(flow, bytes) = due {
                self.send(flow, bytes);
            }
        }
        while let Some(due) = self.client.due(now.mono) {
            match due {
                Due::Nothing => {}
                Due::Repeat(flow, bytes) => self.repeat(flow, bytes),
                Due::TimedOut(Owner::Invite(id)) => self.finish_calling(id, End::Timeout),
                Due::TimedOut(Owner::Reinvite(id)) => self.reinvite_timed_out(now, id),
                Due::TimedOut(Owner::Refresh(id) | Owner::InDialog(id)) => self.reinvite_timed_out(now, id),
                Due::TimedOut(Owner::Notify(id, cseq)) => self.on_notified(now.mono, id, cseq, None),
                Due::TimedOut(Owner::Referral(id)) => self.on_referral_response(now, id, 408),
                Due::TimedOut(Owner::Nobody) => {}
            }
        }
        while let Some((at, (id, timer))) = self.timers.due(now.mono) {
            match timer {
                Timer::Acknowledgement => self.repeat_accepted(now, id, at),
                Timer::Glare => self.retry_reinvite(now, id, at),
                Timer::Lost => self.give_up_lost(now, id, at),
                Timer::Reliable => self.repeat_reliable(now, id, at),
                Timer::Refresh => self.refresh_due(now, id, at),
            }
        }
        self.wake_blocks(now);
        self.tell_paced(now);
        while self.wake_bindings(now) {}
        while self.wake_subscriptions(now.mono) {}
    }

    /// What is to be done outside, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// What happened to sessions, in order.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// Registrations as the command line shows them, oldest first.
    pub fn registrations(&self, now: Now) -> Vec<Registration> {
        self.bindings.list(now)
    }

    /// How many phones are registered from a network.
    pub fn registered_within(&self, prefix: ipnet::IpNet) -> usize {
        self.bindings.count_if(|source| prefix.contains(&source.to_canonical()))
    }

    /// Transactions alive.
    pub fn transactions(&self) -> usize {
        [self.server.len(), self.client.len(), self.cancels.len()]
            .iter()
            .fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// Session timers set, those of sessions that are gone among them.
    pub fn timers(&self) -> usize {
        self.timers.len()
    }

    /// Dialogs alive, early and confirmed.
    pub fn dialogs(&self) -> usize {
        self.sessions.len()
    }

    /// Entries that the tables of transactions, sessions and their timers have room for. It grows with the most that
    /// were ever alive at once, never with how many there were.
    pub fn capacity(&self) -> usize {
        let tables = [
            self.server.capacity(),
            self.client.capacity(),
            self.cancels.capacity(),
            self.sessions.capacity(),
            self.per_line.capacity(),
            self.streams.capacity(),
            self.lost.capacity(),
            self.timers.capacity(),
            self.outputs.capacity(),
            self.events.capacity(),
        ];
        tables.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// The flow of a session's dialog.
    pub fn flow(&self, id: SessionId) -> Option<Flow> {
        self.sessions.get(&id).map(|session| session.flow)
    }

    // What the parts of the stack share.

    pub(crate) fn start_client(
        &mut self,
        now: Mono,
        branch: Branch,
        flow: Flow,
        method: Method,
        owner: Owner,
        bytes: Bytes,
    ) {
        // At the limit the request still goes out, once: better than a call that never ends.
        let _ = self.client.open(now, branch, flow, method, owner, bytes.clone());
        self.send(flow, bytes);
    }

    pub(crate) fn respond(&mut self, now: Mono, server: ServerId, status: u16, bytes: Bytes) {
        if let Some((flow, bytes)) = self.server.respond(now, server, status, bytes) {
            self.send(flow, bytes);
        }
    }

    /// Answers without a transaction; a repetition of the request gets the same.
    pub(crate) fn answer_stateless(
        &mut self,
        flow: Flow,
        request: &Message,
        refusal: Refusal,
        decorate: impl FnOnce(&mut Writer),
    ) {
        if request.method() == Some(Method::Ack) {
            return;
        }
        let tag = self.stateless_tag(request);
        let mut writer = message::answer(request, flow.remote, refusal.status, refusal.phrase, &tag);
        crate::session::explain(&mut writer, refusal, request);
        decorate(&mut writer);
        self.send(message::reply_flow(request, flow), writer.finish());
    }

    /// The same for the same request (RFC 3261 section 8.2.7), and no session's.
    pub(crate) fn stateless_tag(&self, request: &Message) -> String {
        use std::hash::BuildHasher;
        let branch = request.top_via().ok().and_then(|via| via.branch()).unwrap_or_default();
        let hash =
            foldhash::quality::FixedState::with_seed(self.tag_seed).hash_one((request.call_id(), branch));
        format!("s{hash:016x}")
    }

    pub(crate) fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.outputs.push_back(Output::Send { flow, bytes });
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn log(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(crate) fn event(&mut self, event: SessionEvent) {
        self.events.push_back(event);
    }
}
