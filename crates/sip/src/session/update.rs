//! UPDATE of the peer (RFC 3311): a new Contact, a refreshed session, or an offer, before the call is answered as well as after;
//! from a phone that rings too, once it has answered our offer early.
//!
//! An offer goes to `calls` like one in a re-INVITE; the answer is in the 200 and there is no ACK. Not here: UPDATE of ours
//! (`refresh`); our offers go out in re-INVITEs, which every phone takes.

use model::{Flow, Now};
use wire::sip::{Message, Name};

use super::incoming::require_known;
use super::reoffer::retry_later;
use super::{PeerReinvite, Session, State};
use crate::api::{Refusal, SessionEvent, SessionId};
use crate::message::{self, ALLOW, SDP};
use crate::stack::Stack;
use crate::transaction::key::Key;
use crate::transaction::server::ServerId;

impl Stack {
    /// The peer's UPDATE.
    pub(crate) fn on_update(&mut self, now: Now, flow: Flow, id: SessionId, key: Key, request: &Message) {
        let Some(session) = self.sessions.get(&id) else { return };
        let tag = session.tag();
        let admitted = require_known(request)
            .and_then(|()| self.admit_interval(request))
            .and_then(|()| admit_update(session, request));
        let reply = message::reply_flow(request, flow);
        let Ok(server) = self.server.open(key, request, flow, reply, None) else {
            self.answer_stateless(flow, request, Refusal::new(503), |_| {});
            return;
        };
        if let Err(refusal) = admitted {
            return self.respond_refusal(now, server, flow, request, refusal, &tag);
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some(target) = message::remote_target(request)
            && matches!(session.state, State::Confirmed | State::Incoming { .. })
        {
            session.dialog.remote_target = target;
        }
        let Some(offer) = message::sdp_of(request) else {
            return self.accept_inside(now, id, server, request, None);
        };
        session.peer_reinvite = Some(PeerReinvite { server, request: request.clone() });
        self.event(SessionEvent::Reoffer { session: id, offer: Some(offer) });
    }

    /// 200 to an UPDATE or a PRACK, with the answer if it made an offer. No ACK follows.
    pub(crate) fn accept_inside(
        &mut self,
        now: Now,
        id: SessionId,
        server: ServerId,
        request: &Message,
        answer: Option<bytes::Bytes>,
    ) {
        let Some(session) = self.sessions.get(&id) else { return };
        let (flow, tag) = (session.flow, session.tag());
        let contact = message::contact(&self.directory, &flow, &session.dialog.contact_user);
        let confirmed = matches!(session.state, State::Confirmed);
        let mut writer = message::answer(request, flow.remote, 200, None, &tag);
        writer.header(Name::Contact, contact).header(Name::Allow, ALLOW);
        // Before the call is answered there is no session whose time could run.
        if confirmed && request.method() == Some(wire::sip::Method::Update) {
            self.settle_as_server(now.mono, id, request, &mut writer);
        }
        if let Some(answer) = answer {
            writer.body(SDP, answer);
        }
        self.respond(now.mono, server, 200, writer.finish());
    }
}

/// Whether an UPDATE may pass (RFC 3311 section 5.2): one offer at a time, and none before the first is answered.
fn admit_update(session: &Session, request: &Message) -> Result<(), Refusal> {
    if request.body().is_empty() {
        return Ok(());
    }
    if !request.has_content_type(SDP) {
        return Err(Refusal::new(415));
    }
    let ours = session.reinvite.as_ref().is_some_and(|reinvite| reinvite.retry_at.is_none());
    match &session.state {
        _ if session.peer_reinvite.is_some() => Err(retry_later()),
        State::Confirmed if ours || session.unacknowledged.is_some() => Err(Refusal::new(491)),
        State::Confirmed => Ok(()),
        State::Incoming { .. } if session.reliable.as_ref().is_some_and(|reliable| reliable.is_settled()) => {
            Ok(())
        }
        // His first offer waits for its answer still.
        State::Incoming { .. } => Err(retry_later()),
        // So does ours, unless the phone that rings has answered it (section 5.2).
        State::Calling(calling) => {
            let tag = request.from().ok().and_then(|from| from.tag().map(message::lossy));
            let early = calling.early.iter().find(|early| Some(&early.tag) == tag.as_ref());
            match early.is_some_and(|early| early.answer.is_some()) {
                true => Ok(()),
                false => Err(Refusal::new(491)),
            }
        }
    }
}
