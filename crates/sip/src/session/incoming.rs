//! An INVITE to us, from its arrival to the ACK of our answer (RFC 3261 section 13.3).

use std::sync::Arc;

use bytes::Bytes;
use model::directory::Line;
use model::{Flow, Mono, Now};
use wire::sip::{Host, Message, Method, Name, Uri, Writer};

use super::{Dialog, Refresh, Session, State, Timer, Unacknowledged};
use crate::api::{End, Refusal, SessionEvent, SessionId};
use crate::limits::{MAX_CALL_ID, MAX_SESSIONS, MAX_SESSIONS_PER_LINE, T1, T2, TRANSACTION_LIFE};
use crate::message::{self, ALLOW, KNOWN, SDP};
use crate::stack::Stack;
use crate::transaction::key::Key;
use crate::transaction::server::ServerId;

impl Stack {
    /// An authenticated INVITE outside a dialog.
    pub(crate) fn on_invite(&mut self, now: Now, flow: Flow, key: Key, request: &Message, caller: Arc<Line>) {
        let admitted = self.admit_invite(flow, request, &caller);
        let admitted =
            admitted.and_then(|dialled| Ok((dialled, self.replaced_by(now, flow, request, &caller)?)));
        let id = SessionId(self.entropy.next_u64());
        let reply = message::reply_flow(request, flow);
        let Ok(server) = self.server.open(key, request, flow, reply, Some(id)) else {
            self.answer_stateless(flow, request, Refusal::because(503, "Too many calls"), |_| {});
            return;
        };
        let (dialled, replaces) = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                self.respond_refusal(now, server, flow, request, refusal, &super::tag_of(id));
                return;
            }
        };
        self.respond(now.mono, server, 100, message::answer(request, flow.remote, 100, None, "").finish());
        let offer = message::sdp_of(request);
        let presentation = crate::identity::wished(request);
        let max_forwards = request.max_forwards().ok().flatten().unwrap_or(message::MAX_FORWARDS);
        let session = self.incoming_session(id, flow, server, request, &caller);
        self.insert_session(session);
        self.event(SessionEvent::Incoming {
            session: id,
            caller,
            flow,
            dialled,
            presentation,
            max_forwards,
            offer,
            replaces,
        });
    }

    /// What is refused before anybody is asked to ring, or the digits dialled.
    fn admit_invite(&self, flow: Flow, request: &Message, caller: &Line) -> Result<Vec<u8>, Refusal> {
        if self.draining {
            return Err(Refusal::because(503, "Server is stopping"));
        }
        if self.sessions.len() >= MAX_SESSIONS {
            return Err(Refusal::because(503, "Too many calls"));
        }
        if self.per_line.get(&caller.username).copied().unwrap_or(0) >= MAX_SESSIONS_PER_LINE {
            return Err(Refusal::because(486, "Too many calls of this line"));
        }
        require_known(request)?;
        self.admit_interval(request)?;
        let body = !request.body().is_empty();
        if body && !request.has_content_type(SDP) {
            return Err(Refusal::new(415));
        }
        if request.call_id().len() > MAX_CALL_ID || message::remote_target(request).is_none() {
            return Err(Refusal::because(400, "Contact or Call-ID unusable"));
        }
        let uri = request.request_uri().unwrap_or_default();
        let uri = Uri::parse(uri).map_err(|_| Refusal::new(400))?;
        if let Uri::Sip(sip) = &uri
            && !self.is_ours(&sip.host, &flow)
        {
            return Err(Refusal::because(404, "Not a domain of this server"));
        }
        match &uri {
            Uri::Other { .. } => Err(Refusal::new(416)),
            uri => message::user_of(uri).ok_or(Refusal::new(484)),
        }
    }

    /// Whether a Request-URI's host means this server: one of its names, or any address, since it got here.
    pub(crate) fn is_ours(&self, host: &Host<'_>, flow: &Flow) -> bool {
        match host {
            Host::Name(name) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                self.directory.is_our_name(&name)
                    || (name == "localhost" && flow.local.ip().to_canonical().is_loopback())
            }
            Host::V4(_) | Host::V6(_) => true,
        }
    }

    fn incoming_session(
        &self,
        id: SessionId,
        flow: Flow,
        server: ServerId,
        request: &Message,
        caller: &Line,
    ) -> Session {
        let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
        let dialled = uri.and_then(|uri| message::user_of(&uri)).map(|user| message::lossy(&user));
        let dialog = Dialog::opened_by_peer(request, dialled.unwrap_or_default());
        Session {
            id,
            state: State::Incoming { server, request: request.clone() },
            dialog,
            flow,
            lost_until: None,
            line: caller.username.clone(),
            nat: caller.nat,
            unacknowledged: None,
            closing: None,
            reinvite: None,
            peer_reinvite: None,
            asserted: None,
            refresh: Refresh::default(),
            reliable: None,
            refers: Default::default(),
        }
    }

    /// Answers the call: 200, repeated until its ACK comes. `answer` is our offer if the INVITE had none; the answer then
    /// comes with [`SessionEvent::Confirmed`]. It waits for the PRACK of an early answer, and goes without an answer after it.
    pub fn accept(&mut self, now: Now, id: SessionId, answer: Bytes) {
        if self.accept_later(id, &answer) {
            return;
        }
        let described = self.has_described(id);
        let Some((server, mut writer)) = self.session_answer(id, 200) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let State::Incoming { request, .. } = std::mem::replace(&mut session.state, State::Confirmed) else {
            return;
        };
        self.settle_as_server(now.mono, id, &request, &mut writer);
        writer.header(Name::Allow, ALLOW);
        if !described {
            writer.body(SDP, answer);
        }
        let bytes = writer.finish();
        // Other requests may have come since, with numbers of their own.
        let cseq = request.cseq().map_or(0, |cseq| cseq.number);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.reliable = None;
        }
        self.respond_accepted(now.mono, id, server, cseq, bytes);
    }

    /// Refuses the call; the session is gone.
    pub fn refuse(&mut self, now: Now, id: SessionId, refusal: Refusal) {
        if !matches!(self.sessions.get(&id).map(|s| &s.state), Some(State::Incoming { .. })) {
            return;
        }
        self.refuse_pending_reoffer(now.mono, id);
        let Some(session) = self.remove_session(id) else { return };
        let tag = session.tag();
        if let State::Incoming { server, request } = session.state {
            self.respond_refusal(now, server, session.flow, &request, refusal, &tag);
        }
    }

    pub(crate) fn respond_refusal(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Message,
        refusal: Refusal,
        tag: &str,
    ) {
        let mut writer = message::answer(request, flow.remote, refusal.status, refusal.phrase, tag);
        explain(&mut writer, refusal, request);
        if refusal.status == 422 {
            let least = self.directory.times.session_min.as_secs();
            writer.header_fmt(Name::MinSe, format_args!("{least}"));
        }
        self.respond(now.mono, server, refusal.status, writer.finish());
    }

    pub(super) fn session_answer(&self, id: SessionId, status: u16) -> Option<(ServerId, Writer)> {
        let session = self.sessions.get(&id)?;
        let State::Incoming { server, request } = &session.state else { return None };
        let mut writer = message::answer(request, session.flow.remote, status, None, &session.tag());
        let user = &session.dialog.contact_user;
        writer.header(Name::Contact, message::contact(&self.directory, &session.flow, user));
        if let Some(asserted) = &session.asserted {
            writer.header(Name::PAssertedIdentity, &**asserted);
        }
        Some((*server, writer))
    }

    /// Sends a 2xx to an INVITE and repeats it until its ACK comes (RFC 3261 section 13.3.1.4).
    pub(crate) fn respond_accepted(
        &mut self,
        now: Mono,
        id: SessionId,
        server: ServerId,
        cseq: u32,
        bytes: Bytes,
    ) {
        let Some((flow, bytes)) = self.server.respond(now, server, 200, bytes) else { return };
        self.send(flow, bytes.clone());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let next = now.after(T1);
        let gives_up = now.after(TRANSACTION_LIFE);
        session.unacknowledged = Some(Unacknowledged { cseq, flow, bytes, next, interval: T1, gives_up });
        self.timers.set(next, (id, Timer::Acknowledgement));
    }

    /// Time to repeat a 2xx, over whatever transport: it may get lost beyond the next hop.
    pub(crate) fn repeat_accepted(&mut self, now: Now, id: SessionId, at: Mono) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(waiting) = session.unacknowledged.as_mut().filter(|waiting| waiting.next == at) else {
            return;
        };
        if waiting.gives_up <= now.mono {
            session.unacknowledged = None;
            let silent = session.is_silent();
            let cause = session.closing.unwrap_or(crate::api::Cause::Failure);
            self.say_bye(now.mono, id, cause);
            if !silent {
                self.event(SessionEvent::Ended { session: id, end: End::Timeout });
            }
            return;
        }
        waiting.interval = waiting.interval.saturating_mul(2).min(T2);
        waiting.next = at.after(waiting.interval).min(waiting.gives_up);
        let (flow, bytes, next) = (waiting.flow, waiting.bytes.clone(), waiting.next);
        self.timers.set(next, (id, Timer::Acknowledgement));
        self.send(flow, bytes);
    }

    /// The ACK to a 2xx.
    pub(crate) fn on_ack(&mut self, now: Now, flow: Flow, request: &Message) {
        let Some(id) = request.to().ok().and_then(|to| to.tag().and_then(super::session_of)) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let same_address = session.flow.remote.ip() == flow.remote.ip();
        let number = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let expected = session.unacknowledged.as_ref().is_some_and(|waiting| waiting.cseq == number);
        if !same_address || !expected || request.call_id() != session.dialog.call_id.as_bytes() {
            return;
        }
        session.unacknowledged = None;
        match session.closing {
            Some(cause) => self.say_bye(now.mono, id, cause),
            None => {
                let answer = message::sdp_of(request);
                self.event(SessionEvent::Confirmed { session: id, answer });
            }
        }
    }

    /// CANCEL of an INVITE that waits (RFC 3261 section 9.2); `invite`: that INVITE's key.
    pub(crate) fn on_cancel(&mut self, now: Now, flow: Flow, request: &Message, invite: &Key) {
        use crate::transaction::server::Cancellable;
        let found = self.server.find(invite).and_then(|id| self.server.cancellable(id, flow.remote.ip()));
        let Some(found) = found else {
            self.refuse_unknown(now, flow, request);
            return;
        };
        self.answer_stateless(flow, request, Refusal::new(200), |_| {});
        if let Cancellable::Pending(id) = found
            && self.sessions.contains_key(&id)
        {
            self.refuse(now, id, Refusal::new(487));
            self.event(SessionEvent::Cancelled { session: id });
        }
    }
}

/// Refuses what the peer insists on and we don't know (RFC 3261 section 8.2.2.3).
pub(crate) fn require_known(request: &Message) -> Result<(), Refusal> {
    match request.not_understood(&KNOWN).next() {
        Some(_) => Err(Refusal::new(420)),
        None => Ok(()),
    }
}

/// Headers that a refusal's status asks for (RFC 3261 sections 21.4.6, 21.4.13, 21.4.15, 20.33).
pub(crate) fn explain(writer: &mut Writer, refusal: Refusal, request: &Message) {
    match refusal.status {
        405 => {
            writer.header(Name::Allow, ALLOW);
        }
        415 => {
            writer.header(Name::Accept, SDP);
        }
        420 => {
            for option in request.not_understood(&KNOWN) {
                writer.header(Name::Unsupported, option);
            }
        }
        _ => {}
    }
    if let Some(pause) = refusal.retry_after {
        writer.header_fmt(Name::RetryAfter, format_args!("{}", pause.as_secs().max(1)));
    }
}

/// Whether the stack takes this method inside a dialog.
pub(crate) fn is_allowed_inside(method: Method) -> bool {
    matches!(
        method,
        Method::Invite | Method::Ack | Method::Bye | Method::Cancel | Method::Options | Method::Info
    )
}
