//! How sessions end from our side, and what a lost connection does to them.

use std::net::SocketAddr;
use std::time::Duration;

use model::{Flow, FlowId, Mono, Now, Transport};
use wire::sip::{Method, Name, Uri};

use super::{Heard, Session, State, Timer};
use crate::api::{Cause, End, Refusal, SessionEvent, SessionId};
use crate::limits::{FLOW_GRACE, SWEPT_FROM, TRANSACTION_LIFE};
use crate::message;
use crate::stack::Stack;
use crate::transaction::client::{Branch, Owner};

/// How long a caller is asked to wait when the server refuses for its own reasons.
const RETRY_AFTER: Duration = Duration::from_secs(10);

impl Stack {
    /// Ends a session, whatever its state: refuses it, cancels it, or says BYE. Nothing more is heard of it.
    pub fn end(&mut self, now: Now, id: SessionId, cause: Cause) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match &mut session.state {
            State::Incoming { .. } => self.refuse(now, id, refusal_for(cause)),
            State::Calling(calling) => {
                if calling.given_up.is_some() {
                    return;
                }
                calling.given_up = Some(cause);
                let (branch, heard) = (calling.branch, calling.heard);
                if heard == Heard::Provisional {
                    self.cancel(now.mono, branch, cause);
                }
            }
            State::Confirmed if session.unacknowledged.is_some() => session.closing = Some(cause),
            State::Confirmed => self.say_bye(now.mono, id, cause),
        }
    }

    /// Sends BYE and forgets the session.
    pub(crate) fn say_bye(&mut self, now: Mono, id: SessionId, cause: Cause) {
        self.refuse_pending_reoffer(now, id);
        let branch = Branch::random(&mut self.entropy);
        let Some(mut session) = self.remove_session(id) else { return };
        self.refuse_pending_refer(Now { mono: now, ..Now::default() }, &mut session);
        if session.lost_until.is_some() {
            return;
        }
        let cseq = session.dialog.local_cseq.saturating_add(1);
        let mut writer = message::in_dialog(&self.directory, &session, "BYE", cseq, branch);
        if let Some(reason) = reason(cause) {
            writer.header(Name::Reason, reason);
        }
        let bytes = writer.finish();
        self.start_client(now, branch, session.destination(), Method::Bye, Owner::Nobody, bytes);
    }

    /// The session is over without a BYE of ours.
    pub(crate) fn drop_session(&mut self, now: Mono, id: SessionId, end: End) {
        self.refuse_pending_reoffer(now, id);
        let Some(session) = self.remove_session(id) else { return };
        if !session.is_silent() {
            self.event(SessionEvent::Ended { session: id, end });
        }
    }

    /// A connection closed: INVITEs on it fail, answered calls wait a while for their phone.
    pub(crate) fn lose_sessions(&mut self, now: Now, flow: FlowId) {
        let until = now.mono.after(FLOW_GRACE);
        for id in self.streams.get(&flow).cloned().unwrap_or_default() {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            match &mut session.state {
                State::Incoming { .. } => {
                    // Nobody reads it, but without a final response the transaction would never end.
                    self.refuse(now, id, Refusal::new(487));
                    self.event(SessionEvent::Cancelled { session: id });
                }
                State::Calling(calling) => {
                    // The phone may still be picked up, and then answers on another connection: it gets ACK and BYE.
                    let silent = calling.given_up.replace(Cause::Failure).is_some();
                    let branch = calling.branch;
                    self.client.limit(now.mono, branch, TRANSACTION_LIFE);
                    if !silent {
                        self.event(SessionEvent::Failed { session: id, end: End::FlowClosed });
                    }
                }
                State::Confirmed => {
                    session.lost_until = Some(until);
                    self.lost.push(id);
                    self.timers.set(until, (id, Timer::Lost));
                }
            }
        }
        // Those that came back or ended are still listed: swept out now and then.
        if self.lost.len() > self.sessions.len().saturating_mul(2).saturating_add(SWEPT_FROM) {
            let sessions = &self.sessions;
            self.lost.retain(|id| sessions.get(id).is_some_and(|session| session.lost_until.is_some()));
        }
    }

    /// The phone of a lost session did not come back.
    pub(crate) fn give_up_lost(&mut self, now: Now, id: SessionId, at: Mono) {
        if self.sessions.get(&id).is_some_and(|session| session.lost_until == Some(at)) {
            self.drop_session(now.mono, id, End::FlowClosed);
        }
    }

    /// A phone proved who it is on a new connection: its lost sessions go on there. `contact` tells it from other
    /// phones of the line at the same address.
    pub(crate) fn recover_sessions(&mut self, line: &str, flow: Flow, contact: Option<&Uri<'_>>) {
        if flow.transport == Transport::Udp || self.lost.is_empty() {
            return;
        }
        let sessions = &self.sessions;
        self.lost.retain(|id| sessions.get(id).is_some_and(|session| session.lost_until.is_some()));
        let is_its = |session: &&Session| {
            let target = Uri::parse(session.dialog.remote_target.as_bytes()).ok();
            &*session.line == line
                && session.flow.remote.ip() == flow.remote.ip()
                && target.as_ref().and_then(Uri::sip).map(|uri| uri.host)
                    == contact.and_then(Uri::sip).map(|uri| uri.host)
        };
        let its = self.lost.iter().filter_map(|id| sessions.get(id)).filter(is_its);
        let ids: Vec<SessionId> = its.map(|session| session.id).collect();
        for id in ids {
            self.move_session(id, flow);
        }
    }

    /// A phone's connection closed and it has another (RFC 5626): its calls go on there at once.
    pub(crate) fn recover_on_spare(&mut self, line: &str, lost: FlowId, spare: Flow) {
        let is_its = |session: &&Session| &*session.line == line && session.flow.id == lost;
        let lost = self.lost.iter().filter_map(|id| self.sessions.get(id)).filter(is_its);
        let ids: Vec<SessionId> = lost.map(|session| session.id).collect();
        for id in ids {
            self.move_session(id, spare);
        }
    }

    /// A phone proved itself at `flow`, having been registered from `old`: its calls over datagrams go on there. A
    /// router that forgot its mappings gives the phone another port, and nothing sent to the old one arrives.
    ///
    /// Looks through all sessions; only a registration that moved while its line has calls comes here.
    pub(crate) fn follow_registration(&mut self, line: &str, old: SocketAddr, flow: Flow) {
        if flow.transport != Transport::Udp || old == flow.remote || !self.per_line.contains_key(line) {
            return;
        }
        let is_its = |session: &&Session| {
            &*session.line == line
                && session.flow.transport == Transport::Udp
                && session.flow.remote == old
                && matches!(session.state, State::Confirmed)
        };
        let ids: Vec<SessionId> = self.sessions.values().filter(is_its).map(|session| session.id).collect();
        for id in ids {
            self.move_session(id, flow);
        }
    }

    /// A session's phone is elsewhere from now on, and `calls` is told.
    pub(crate) fn move_session(&mut self, id: SessionId, flow: Flow) {
        self.adopt_flow(id, flow);
        if self.sessions.get(&id).is_some_and(|session| !session.is_silent()) {
            self.event(SessionEvent::FlowChanged { session: id });
        }
    }

    /// The dialog's own flow is another one from now on.
    pub(crate) fn adopt_flow(&mut self, id: SessionId, flow: Flow) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let old = std::mem::replace(&mut session.flow, flow);
        session.lost_until = None;
        self.uncount_flow(old, id);
        self.count_flow(flow, id);
    }
}

/// The Reason header of a CANCEL or BYE (RFC 3326).
pub(crate) fn reason(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Normal => None,
        Cause::CompletedElsewhere => Some("SIP;cause=200;text=\"Call completed elsewhere\""),
        Cause::NoAnswer => Some("SIP;cause=480;text=\"No answer\""),
        Cause::Administrator => Some("SIP;cause=503;text=\"Ended by the administrator\""),
        Cause::DeadMedia => Some("SIP;cause=408;text=\"Media went silent\""),
        Cause::NotRefreshed => Some("SIP;cause=408;text=\"Session not refreshed\""),
        Cause::TransferFailed => Some("SIP;cause=480;text=\"Transfer failed\""),
        Cause::Failure => Some("SIP;cause=500;text=\"Call failed\""),
    }
}

fn refusal_for(cause: Cause) -> Refusal {
    match cause {
        Cause::Normal | Cause::CompletedElsewhere | Cause::NoAnswer | Cause::TransferFailed => {
            Refusal::new(480)
        }
        Cause::Administrator => Refusal {
            status: 503,
            phrase: Some("Ended by the administrator"),
            retry_after: Some(RETRY_AFTER),
        },
        Cause::DeadMedia | Cause::NotRefreshed | Cause::Failure => Refusal::new(500),
    }
}
