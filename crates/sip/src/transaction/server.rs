//! Server transactions: requests we answer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use model::room::GiveBack;
use model::{Flow, Mono};
use wire::sip::{Message, Method};

use super::TooMany;
use super::key::Key;
use crate::api::SessionId;
use crate::limits::{MAX_TRANSACTIONS, RESERVED_TRANSACTIONS, T1, T2, T4, TRANSACTION_LIFE};
use crate::timers::Timers;

/// A server transaction of this process; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ServerId(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No final response yet.
    Proceeding,
    /// A final response is repeated for whoever asks again, and for an INVITE until its ACK.
    Completed,
    /// The ACK to a refused INVITE came; further ones are absorbed.
    Confirmed,
    /// An INVITE was accepted; its retransmissions are absorbed (RFC 6026), the 2xx is the session's to repeat.
    Accepted,
}

#[derive(Debug)]
struct Transaction {
    key: Key,
    invite: bool,
    state: State,
    /// Where responses go.
    reply: Flow,
    /// Who may cancel it.
    source: IpAddr,
    session: Option<SessionId>,
    last: Option<Bytes>,
    interval: Duration,
    ends: Mono,
    /// The one timer in the heap that counts.
    next: Option<Mono>,
}

/// All server transactions.
#[derive(Debug, Default)]
pub(crate) struct ServerTransactions {
    by_key: HashMap<Key, ServerId, foldhash::fast::RandomState>,
    live: HashMap<ServerId, Transaction, foldhash::fast::RandomState>,
    timers: Timers<ServerId>,
    latest: u64,
}

impl ServerTransactions {
    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        let tables = self.live.capacity().saturating_add(self.by_key.capacity());
        tables.saturating_add(self.timers.capacity())
    }

    pub(crate) fn next_wake(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// The transaction of this key, if there is one.
    pub(crate) fn find(&self, key: &Key) -> Option<ServerId> {
        self.by_key.get(key).copied()
    }

    /// A request arrived for the first time.
    pub(crate) fn open(
        &mut self,
        key: Key,
        request: &Message,
        arrived: Flow,
        reply: Flow,
        session: Option<SessionId>,
    ) -> Result<ServerId, TooMany> {
        let held = self.live.len();
        let is_inside = || request.to().is_ok_and(|to| to.tag().is_some());
        if held >= MAX_TRANSACTIONS || (held >= MAX_TRANSACTIONS - RESERVED_TRANSACTIONS && !is_inside()) {
            return Err(TooMany);
        }
        self.latest = self.latest.wrapping_add(1);
        let id = ServerId(self.latest);
        let transaction = Transaction {
            key: key.clone(),
            invite: request.method() == Some(Method::Invite),
            state: State::Proceeding,
            reply,
            source: arrived.remote.ip(),
            session,
            last: None,
            interval: T1,
            ends: Mono::ZERO,
            next: None,
        };
        self.by_key.insert(key, id);
        self.live.insert(id, transaction);
        Ok(id)
    }

    /// The request arrived again: what to repeat, if anything.
    pub(crate) fn repeated(&self, id: ServerId) -> Option<(Flow, Bytes)> {
        let transaction = self.live.get(&id)?;
        match transaction.state {
            State::Proceeding | State::Completed => Some((transaction.reply, transaction.last.clone()?)),
            State::Confirmed | State::Accepted => None,
        }
    }

    /// Whose session an INVITE opened, while it can still be cancelled from `source`.
    pub(crate) fn cancellable(&self, id: ServerId, source: IpAddr) -> Option<Cancellable> {
        let transaction = self.live.get(&id).filter(|t| t.invite && t.source == source)?;
        match transaction.state {
            State::Proceeding => Some(Cancellable::Pending(transaction.session?)),
            State::Completed | State::Confirmed | State::Accepted => Some(Cancellable::TooLate),
        }
    }

    /// Sends a response and keeps what must be kept for retransmissions.
    pub(crate) fn respond(
        &mut self,
        now: Mono,
        id: ServerId,
        status: u16,
        bytes: Bytes,
    ) -> Option<(Flow, Bytes)> {
        let transaction = self.live.get_mut(&id)?;
        if transaction.state != State::Proceeding {
            return None;
        }
        let reply = transaction.reply;
        transaction.last = Some(bytes.clone());
        if status < 200 {
            return Some((reply, bytes));
        }
        transaction.ends = now.after(TRANSACTION_LIFE);
        let reliable = reply.transport.is_reliable();
        if transaction.invite && status < 300 {
            transaction.state = State::Accepted;
            transaction.last = None;
            transaction.next = Some(transaction.ends);
        } else if transaction.invite {
            transaction.state = State::Completed;
            transaction.next = Some(if reliable { transaction.ends } else { now.after(T1) });
        } else if reliable {
            // Timer J is zero: the transport repeats nothing.
            self.close(id);
            return Some((reply, bytes));
        } else {
            transaction.state = State::Completed;
            transaction.next = Some(transaction.ends);
        }
        if let Some(at) = transaction.next {
            self.timers.set(at, id);
        }
        Some((reply, bytes))
    }

    /// The ACK to a refused INVITE arrived.
    pub(crate) fn acknowledged(&mut self, now: Mono, id: ServerId) {
        let Some(transaction) = self.live.get_mut(&id).filter(|t| t.state == State::Completed) else {
            return;
        };
        if transaction.reply.transport.is_reliable() {
            self.close(id);
            return;
        }
        transaction.state = State::Confirmed;
        transaction.last = None;
        transaction.ends = now.after(T4);
        transaction.next = Some(transaction.ends);
        self.timers.set(transaction.ends, id);
    }

    /// Takes the next due retransmission; `Some(None)`: a timer fired, nothing is to be sent.
    pub(crate) fn due(&mut self, now: Mono) -> Option<Option<(Flow, Bytes)>> {
        let (at, id) = self.timers.due(now)?;
        let Some(transaction) = self.live.get_mut(&id).filter(|t| t.next == Some(at)) else {
            return Some(None);
        };
        if transaction.ends <= now {
            self.close(id);
            return Some(None);
        }
        transaction.interval = transaction.interval.saturating_mul(2).min(T2);
        let next = at.after(transaction.interval).min(transaction.ends);
        transaction.next = Some(next);
        self.timers.set(next, id);
        Some(transaction.last.clone().map(|bytes| (transaction.reply, bytes)))
    }

    fn close(&mut self, id: ServerId) {
        if let Some(transaction) = self.live.remove(&id) {
            self.by_key.remove(&transaction.key);
            self.live.give_back();
            self.by_key.give_back();
        }
    }
}

/// What a CANCEL met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancellable {
    /// Nothing final was said yet.
    Pending(SessionId),
    /// A final response is out; CANCEL changes nothing (RFC 3261 section 9.2).
    TooLate,
}
