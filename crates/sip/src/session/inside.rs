//! Requests of the peer inside a dialog.

use model::event::{self, Event};
use model::{Flow, Now};
use wire::sip::{Message, Method, Name};

use super::{Session, State};
use crate::api::{End, Refusal, SessionEvent, SessionId};
use crate::auth::Verdict;
use crate::message;
use crate::session::incoming::{explain, is_allowed_inside};
use crate::stack::Stack;
use crate::transaction::key::Key;

impl Stack {
    /// A request whose To has a tag.
    pub(crate) fn on_request_inside(&mut self, now: Now, flow: Flow, key: Key, request: &Message) {
        let Some(id) = self.dialog_of(request) else {
            if request.method() == Some(Method::Refer) {
                return self.refuse_stray_refer(now, flow, request, Refusal::new(481));
            }
            self.refuse_unknown(now, flow, request);
            return;
        };
        if !self.believe(now, flow, id, request) {
            return;
        }
        let Some(last) = self.sessions.get_mut(&id).and_then(|session| session.last_cseq(request)) else {
            return;
        };
        let number = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        if last.is_some_and(|last| number < last) {
            self.answer_stateless(flow, request, Refusal::because(500, "CSeq out of order"), |_| {});
            return;
        }
        *last = Some(number);
        match request.method() {
            Some(Method::Invite) => self.on_reinvite(now, flow, id, key, request),
            Some(Method::Prack) => self.on_prack(now, flow, id, key, request),
            Some(Method::Update) => self.on_update(now, flow, id, key, request),
            Some(Method::Bye) => {
                self.answer_inside(now, flow, key, request, Refusal::new(200));
                self.on_bye(now, id);
            }
            Some(Method::Refer) => self.on_refer(now, flow, id, key, request),
            Some(Method::Info) => {
                self.answer_inside(now, flow, key, request, Refusal::new(200));
                self.on_info(id, request);
            }
            Some(method) if is_allowed_inside(method) => {
                self.answer_inside(now, flow, key, request, Refusal::new(200));
            }
            Some(Method::Other) => self.answer_inside(now, flow, key, request, Refusal::new(501)),
            _ => self.answer_inside(now, flow, key, request, Refusal::new(405)),
        }
    }

    /// The session that a request's tags and Call-ID name.
    pub(crate) fn dialog_of(&self, request: &Message) -> Option<SessionId> {
        let id = super::session_of(request.to().ok()?.tag()?)?;
        let session = self.sessions.get(&id)?;
        let from = request.from().ok()?;
        let tag = from.tag().map(message::lossy);
        let same = session.dialog.call_id.as_bytes() == request.call_id();
        let open = match &session.state {
            // A phone that we call has an early dialog once it rings: for UPDATE, and for nothing else that concerns us.
            State::Calling(calling) => {
                let rings = calling.early.iter().any(|early| Some(&early.tag) == tag.as_ref());
                rings && calling.given_up.is_none() && request.method() == Some(Method::Update)
            }
            State::Incoming { .. } | State::Confirmed => {
                let open = session.closing.is_none() || request.method() == Some(Method::Bye);
                open && session.dialog.remote_tag == tag
            }
        };
        (same && open).then_some(id)
    }

    /// A request inside a dialog is believed on the dialog's own flow; from elsewhere its sender must prove to be the
    /// dialog's phone, which then has moved (SPEC R4.18).
    fn believe(&mut self, now: Now, flow: Flow, id: SessionId, request: &Message) -> bool {
        let Some(session) = self.sessions.get(&id) else { return false };
        if is_own_flow(&session.flow, &session.destination(), &flow) {
            return true;
        }
        let line = session.line.clone();
        let proven = self.prove_inside(now, flow, &line, request);
        if proven {
            self.move_session(id, flow);
        }
        proven
    }

    /// Whether the sender of a request inside a dialog of `line` proves to be it; else he got his answer.
    pub(crate) fn prove_inside(&mut self, now: Now, flow: Flow, line: &str, request: &Message) -> bool {
        match self.identify(now, &flow, request) {
            Verdict::Proven(proven) if *proven.username == *line && !proven.admits(flow.transport) => {
                self.refuse_unencrypted(now, flow, request, &proven);
                false
            }
            Verdict::Proven(proven) if *proven.username == *line => true,
            Verdict::Proven(_) => {
                self.refuse_unknown(now, flow, request);
                false
            }
            Verdict::Wrong => {
                self.refuse_unknown(now, flow, request);
                false
            }
            Verdict::Blocked => false,
            Verdict::Anonymous | Verdict::Stale | Verdict::Repeated(_) | Verdict::Unreadable => {
                if !self.admit_anonymous(now, &flow) {
                    return false;
                }
                let event = Event::new(&event::FOREIGN_DIALOG, now.wall)
                    .with("line", line)
                    .with("source", flow.remote)
                    .with("method", message::lossy_cut(request.method_text(), 16));
                self.log(event);
                self.send_challenge(now, flow, request, crate::auth::Freshness::First);
                false
            }
        }
    }

    fn on_bye(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        if matches!(session.state, State::Incoming { .. }) {
            // A caller may also give up with BYE (RFC 3261 section 15).
            self.refuse(now, id, Refusal::new(487));
            self.event(SessionEvent::Cancelled { session: id });
        } else {
            self.drop_session(now.mono, id, End::Bye);
        }
    }

    fn on_info(&mut self, id: SessionId, request: &Message) {
        let body = request.body_bytes();
        if body.is_empty() {
            return;
        }
        let content_type = message::lossy_cut(request.content_type().unwrap_or_default(), 128);
        self.event(SessionEvent::Info { session: id, content_type, body });
    }

    /// Answers through a transaction, so that a repetition is answered alike after the dialog is gone.
    fn answer_inside(&mut self, now: Now, flow: Flow, key: Key, request: &Message, refusal: Refusal) {
        let reply = message::reply_flow(request, flow);
        let mut writer = message::answer(request, flow.remote, refusal.status, refusal.phrase, "");
        explain(&mut writer, refusal, request);
        if request.method() == Some(Method::Options) {
            writer.header(Name::Allow, message::ALLOW).header(Name::Accept, message::SDP);
        }
        let bytes = writer.finish();
        match self.server.open(key, request, flow, reply, None) {
            Ok(server) => self.respond(now.mono, server, refusal.status, bytes),
            Err(_) => self.send(reply, bytes),
        }
    }

    /// Sends INFO with a body in an answered session (RFC 6086).
    pub fn info(&mut self, now: Now, id: SessionId, content_type: &str, body: bytes::Bytes) {
        use crate::transaction::client::{Branch, Owner};
        let branch = Branch::random(&mut self.entropy);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if !matches!(session.state, State::Confirmed) || session.lost_until.is_some() {
            return;
        }
        session.dialog.local_cseq = session.dialog.local_cseq.saturating_add(1);
        let (flow, cseq) = (session.destination(), session.dialog.local_cseq);
        let mut writer = message::in_dialog(&self.directory, session, "INFO", cseq, branch);
        let bytes = writer.body(content_type, body).finish();
        self.start_client(now.mono, branch, flow, Method::Info, Owner::InDialog(id), bytes);
    }
}

impl Session {
    /// Where the last CSeq number stands of the dialog that a request is in: each fork that rings counts its own.
    fn last_cseq(&mut self, request: &Message) -> Option<&mut Option<u32>> {
        match &mut self.state {
            State::Calling(calling) => {
                let tag = request.from().ok().and_then(|from| from.tag().map(message::lossy))?;
                let early = calling.early.iter_mut().find(|early| early.tag == tag)?;
                Some(&mut early.remote_cseq)
            }
            State::Incoming { .. } | State::Confirmed => Some(&mut self.dialog.remote_cseq),
        }
    }
}

/// Whether `flow` is a dialog's own, which runs over `own` and sends to `destination`.
pub(crate) fn is_own_flow(own: &Flow, destination: &Flow, flow: &Flow) -> bool {
    if own.transport.is_reliable() {
        return own.id == flow.id;
    }
    // A phone may listen and send on different ports; what it named as its Contact is its own too.
    own.transport == flow.transport && (own.remote == flow.remote || destination.remote == flow.remote)
}
