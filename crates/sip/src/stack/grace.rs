//! Who is refused by the firewall or a block, and what is left to him: to finish the calls that he has (SPEC R4.3).
//!
//! The gate drops what comes from elsewhere before it is parsed, and lets pass what comes on [`Stack::established`]. What
//! passed is judged once more here, where calls are known: responses, and requests of live calls on their own flow. The
//! rest gets no answer. Not here: who decides (`guard`).

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use guard::Row;
use ipnet::IpNet;
use model::Flow;
use wire::sip::{Message, Method};

use super::Stack;
use crate::session::inside::is_own_flow;
use crate::transaction::key;

impl Stack {
    /// Another row of the firewall is in force. Who is shut out watches no lamps any more.
    pub fn set_row(&mut self, row: Arc<Row>) {
        self.row = row;
        self.forget_refused_watchers();
    }

    /// Whether nothing new is taken from an address, or sent there.
    pub(crate) fn is_refused(&self, source: IpAddr) -> bool {
        !self.row.admits(source) || self.judge.holds(source)
    }

    /// The flows of refused addresses that have something to finish: a call, or an answer to what we asked.
    pub fn established(&self) -> Vec<Flow> {
        let calls = self.sessions.values().flat_map(|session| [session.flow, session.destination()]);
        let asked = self.client.flows().chain(self.cancels.flows());
        self.refused_among(calls.chain(asked))
    }

    /// Those of them that are calls whose own flow is within a network: at the price of what is there, since a storm of
    /// blocks asks for each. What else there may be is in [`Stack::established`], for which there is a second.
    pub fn established_within(&self, network: IpNet) -> Vec<Flow> {
        let calls = self.places.within(network).filter_map(|id| self.sessions.get(&id));
        self.refused_among(calls.flat_map(|session| [session.flow, session.destination()]))
    }

    fn refused_among(&self, flows: impl Iterator<Item = Flow>) -> Vec<Flow> {
        let mut flows: Vec<Flow> = flows.filter(|flow| self.is_refused(flow.remote.ip())).collect();
        flows.sort_unstable_by_key(|flow| (flow.remote, flow.id));
        flows.dedup();
        flows
    }

    /// Sends a request of ours again, but no NOTIFY to who was shut out meanwhile: he watches no more, and his answer would
    /// not be taken.
    pub(super) fn repeat(&mut self, flow: Flow, request: Bytes) {
        if !(request.starts_with(b"NOTIFY ") && self.is_refused(flow.remote.ip())) {
            self.send(flow, request);
        }
    }

    /// Whether a message from a refused address belongs to what may be finished.
    pub(super) fn may_finish(&self, flow: &Flow, message: &Message) -> bool {
        let Some(method) = message.method() else { return true };
        let repeats = |key: Option<key::Key>| key.is_some_and(|key| self.server.find(&key).is_some());
        match method {
            Method::Cancel => repeats(key::of_cancelled(message, flow)),
            Method::Invite
            | Method::Ack
            | Method::Bye
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Options => {
                repeats(key::of_request(message, flow)) || self.is_in_own_call(flow, message)
            }
            // Whatever begins something: a registration, a transfer, a subscription.
            _ => false,
        }
    }

    fn is_in_own_call(&self, flow: &Flow, request: &Message) -> bool {
        let session = self.dialog_of(request).and_then(|id| self.sessions.get(&id));
        session.is_some_and(|session| is_own_flow(&session.flow, &session.destination(), flow))
    }
}
