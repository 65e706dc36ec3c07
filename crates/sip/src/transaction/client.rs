//! Client transactions: requests we sent.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use model::room::GiveBack;
use model::{Entropy, Flow, Mono};
use wire::sip::{MAGIC_COOKIE, Message, Method};

use super::TooMany;
use crate::api::SessionId;
use crate::limits::{MAX_TRANSACTIONS, RESERVED_TRANSACTIONS, T1, T2, T4, TIMER_D, TRANSACTION_LIFE};
use crate::subscription::SubscriptionId;
use crate::timers::Timers;

/// A client transaction: the random part of its branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Branch(u64);

impl Branch {
    pub(crate) fn random(entropy: &mut Entropy) -> Branch {
        Branch(entropy.next_u64())
    }

    fn parse(text: &[u8]) -> Option<Branch> {
        let (cookie, digits) = text.split_at_checked(MAGIC_COOKIE.len())?;
        let digits = std::str::from_utf8(digits).ok()?;
        (cookie == MAGIC_COOKIE && digits.len() == 16)
            .then(|| u64::from_str_radix(digits, 16).ok().map(Branch))
            .flatten()
    }
}

impl std::fmt::Display for Branch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "z9hG4bK{:016x}", self.0)
    }
}

/// Who hears of a transaction's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The INVITE that opened a session.
    Invite(SessionId),
    /// A re-INVITE.
    Reinvite(SessionId),
    /// An UPDATE that refreshes.
    Refresh(SessionId),
    /// Another request inside a dialog: only 408 and 481 matter.
    InDialog(SessionId),
    /// NOTIFY of a subscription, with its CSeq number.
    Notify(SubscriptionId, u32),
    /// A NOTIFY that tells how far a transfer is.
    Referral(SessionId),
    /// BYE, CANCEL: nobody waits.
    Nobody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing heard: the request is repeated over UDP.
    Calling,
    /// A provisional response was heard.
    Proceeding,
    /// A final response was heard; its repetitions are absorbed, an INVITE's are acknowledged again.
    Completed,
    /// An INVITE was accepted; further 2xx come through (RFC 6026 section 7.2).
    Accepted,
}

#[derive(Debug)]
struct Transaction {
    flow: Flow,
    method: Method,
    owner: Owner,
    state: State,
    request: Bytes,
    /// The ACK of a refused INVITE.
    ack: Option<Bytes>,
    interval: Duration,
    ends: Option<Mono>,
    next: Option<Mono>,
    patience: Patience,
}

/// Whether a provisional response takes away an INVITE's time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// It does: how long a phone may ring is not the transaction's to say.
    Endless,
    /// It does not: nobody rings for a re-INVITE, and a cancelled INVITE must end.
    Limited,
}

/// What a response means to the owner.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    /// 1xx.
    Provisional,
    /// The first final response.
    Final,
    /// A further 2xx to an accepted INVITE: a repetition, or another fork.
    MoreAccepted,
}

/// What a timer brought.
#[derive(Clone, Debug)]
pub(crate) enum Due {
    /// Nothing to do.
    Nothing,
    /// Repeat the request.
    Repeat(Flow, Bytes),
    /// No final response came.
    TimedOut(Owner),
}

/// All client transactions.
#[derive(Debug, Default)]
pub(crate) struct ClientTransactions {
    live: HashMap<Branch, Transaction, foldhash::fast::RandomState>,
    timers: Timers<Branch>,
}

impl ClientTransactions {
    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    /// The flows on which something was asked that the answer to matters: not a watcher's, who watches no more when he is
    /// shut out.
    pub(crate) fn flows(&self) -> impl Iterator<Item = Flow> {
        let matters = |transaction: &&Transaction| transaction.method != Method::Notify;
        self.live.values().filter(matters).map(|transaction| transaction.flow)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.live.capacity().saturating_add(self.timers.capacity())
    }

    pub(crate) fn next_wake(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// A request is sent for the first time.
    pub(crate) fn open(
        &mut self,
        now: Mono,
        branch: Branch,
        flow: Flow,
        method: Method,
        owner: Owner,
        request: Bytes,
    ) -> Result<(), TooMany> {
        let most = match owner {
            Owner::Invite(_) => MAX_TRANSACTIONS - RESERVED_TRANSACTIONS,
            _ => MAX_TRANSACTIONS,
        };
        if self.live.len() >= most {
            return Err(TooMany);
        }
        let ends = now.after(TRANSACTION_LIFE);
        let next = if flow.transport.is_reliable() { ends } else { now.after(T1) };
        let transaction = Transaction {
            flow,
            method,
            owner,
            state: State::Calling,
            request,
            ack: None,
            interval: T1,
            ends: Some(ends),
            next: Some(next),
            patience: if matches!(owner, Owner::Invite(_)) { Patience::Endless } else { Patience::Limited },
        };
        self.live.insert(branch, transaction);
        self.timers.set(next, branch);
        Ok(())
    }

    /// Finds the transaction of a response (RFC 3261 section 17.1.3): the branch is ours and the method fits.
    pub(crate) fn find(&self, response: &Message) -> Option<(Branch, Owner)> {
        let branch = Branch::parse(response.top_via().ok()?.branch()?)?;
        let transaction = self.live.get(&branch)?;
        let method = response.cseq().ok()?.method;
        (transaction.method == method).then_some((branch, transaction.owner))
    }

    /// Whether a response to a request of ours comes from another host than that was sent to (RFC 3581 section 4: the
    /// answer leaves from where the request came to). Another port or connection of the same host is no stranger: routers
    /// change ports, phones open their broken connections again. But what went out encrypted is not answered in clear
    /// (SPEC R4.15).
    pub(crate) fn is_foreign(&self, branch: Branch, source: &Flow) -> bool {
        self.live.get(&branch).is_some_and(|transaction| {
            let asked = &transaction.flow;
            let bared = asked.transport.is_encrypted() && !source.transport.is_encrypted();
            asked.remote.ip() != source.remote.ip() || bared
        })
    }

    /// The request of a transaction, for ACK and CANCEL, which repeat its headers.
    pub(crate) fn request(&self, branch: Branch) -> Option<(Flow, Bytes)> {
        self.live.get(&branch).map(|transaction| (transaction.flow, transaction.request.clone()))
    }

    /// The ACK to send again when a refusal is repeated.
    pub(crate) fn ack(&self, branch: Branch) -> Option<(Flow, Bytes)> {
        let transaction = self.live.get(&branch)?;
        Some((transaction.flow, transaction.ack.clone()?))
    }

    pub(crate) fn keep_ack(&mut self, branch: Branch, ack: Bytes) {
        if let Some(transaction) = self.live.get_mut(&branch) {
            transaction.ack = Some(ack);
        }
    }

    /// A response arrived; `None`: it is a repetition that its owner must not see.
    pub(crate) fn heard(&mut self, now: Mono, branch: Branch, status: u16) -> Option<Heard> {
        let transaction = self.live.get_mut(&branch)?;
        let invite = transaction.method == Method::Invite;
        match (transaction.state, status) {
            (State::Calling | State::Proceeding, 100..=199) => {
                transaction.state = State::Proceeding;
                match (invite, transaction.patience) {
                    // Timers A and B stop.
                    (true, Patience::Endless) => {
                        transaction.ends = None;
                        transaction.next = None;
                    }
                    // Timer A stops.
                    (true, Patience::Limited) if transaction.next != transaction.ends => {
                        transaction.next = transaction.ends;
                        if let Some(ends) = transaction.ends {
                            self.timers.set(ends, branch);
                        }
                    }
                    (true, Patience::Limited) => {}
                    (false, _) => transaction.interval = T2,
                }
                Some(Heard::Provisional)
            }
            (State::Calling | State::Proceeding, _) => {
                let reliable = transaction.flow.transport.is_reliable();
                let accepted = invite && status < 300;
                transaction.state = if accepted { State::Accepted } else { State::Completed };
                let linger = match (invite, reliable) {
                    (true, _) if accepted => TRANSACTION_LIFE,
                    (_, true) => Duration::ZERO,
                    (true, false) => TIMER_D,
                    (false, false) => T4,
                };
                // Only the ACK to a refusal is made of the request (RFC 3261 section 17.1.1.3).
                if !invite || accepted {
                    transaction.request = Bytes::new();
                }
                // A refused INVITE stays until the next wake even without a linger: its ACK is made of it.
                if linger.is_zero() && !invite {
                    self.live.remove(&branch);
                    self.live.give_back();
                } else {
                    let ends = now.after(linger);
                    transaction.ends = Some(ends);
                    transaction.next = Some(ends);
                    self.timers.set(ends, branch);
                }
                Some(Heard::Final)
            }
            (State::Accepted, 200..=299) => Some(Heard::MoreAccepted),
            (State::Accepted | State::Completed, _) => None,
        }
    }

    /// Gives up on a transaction that has not ended `patience` from now: a cancelled INVITE that the phone never
    /// finishes (RFC 3261 section 9.1).
    pub(crate) fn limit(&mut self, now: Mono, branch: Branch, patience: Duration) {
        if let Some(transaction) = self.live.get_mut(&branch) {
            let ends = now.after(patience);
            transaction.patience = Patience::Limited;
            transaction.ends = Some(ends);
            transaction.next = Some(ends);
            self.timers.set(ends, branch);
        }
    }

    /// Takes the next due timer; `None`: none is due.
    pub(crate) fn due(&mut self, now: Mono) -> Option<Due> {
        let (at, branch) = self.timers.due(now)?;
        let Some(transaction) = self.live.get_mut(&branch).filter(|t| t.next == Some(at)) else {
            return Some(Due::Nothing);
        };
        let Some(ends) = transaction.ends else { return Some(Due::Nothing) };
        if ends <= now {
            let (state, owner) = (transaction.state, transaction.owner);
            self.live.remove(&branch);
            self.live.give_back();
            let silent = matches!(state, State::Completed | State::Accepted);
            return Some(if silent { Due::Nothing } else { Due::TimedOut(owner) });
        }
        let doubled = transaction.interval.saturating_mul(2);
        transaction.interval = if transaction.method == Method::Invite { doubled } else { doubled.min(T2) };
        let next = at.after(transaction.interval).min(ends);
        transaction.next = Some(next);
        self.timers.set(next, branch);
        Some(Due::Repeat(transaction.flow, transaction.request.clone()))
    }
}
