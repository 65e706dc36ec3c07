//! Re-INVITE both ways, and what happens when both ends send one at once (RFC 3261 section 14).

use std::time::Duration;

use bytes::Bytes;
use model::{Flow, Mono, Now};
use wire::sip::{Message, Method, Name};

use super::incoming::require_known;
use super::{Opened, PeerReinvite, Reinvite, State, Timer};
use crate::api::{Cause, End, Refusal, SessionEvent, SessionId};
use crate::limits::{CROWDED_PAUSE, MAX_GLARE_RETRIES};
use crate::message::{self, ALLOW, SDP};
use crate::stack::Stack;
use crate::transaction::TooMany;
use crate::transaction::client::{Branch, Heard, Owner};
use crate::transaction::key::Key;

/// Who owns the Call-ID waits at least this long after glare (RFC 3261 section 14.1).
const OWNER_PAUSE: Duration = Duration::from_millis(2_100);

/// A re-INVITE, or the ACK of one, is under way in this dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an offer is under way in this dialog")]
pub struct Busy;

impl Stack {
    /// Sends a new offer in an answered session.
    ///
    /// # Errors
    /// An offer is under way in either direction, or the session is not answered.
    pub fn reoffer(&mut self, now: Now, id: SessionId, offer: Bytes) -> Result<(), Busy> {
        let session = self.sessions.get_mut(&id).ok_or(Busy)?;
        let free = matches!(session.state, State::Confirmed)
            && session.reinvite.is_none()
            && session.peer_reinvite.is_none()
            && session.unacknowledged.is_none();
        if !free {
            return Err(Busy);
        }
        session.reinvite = Some(Reinvite { offer, retries: 0, retry_at: None });
        self.send_reinvite(now.mono, id);
        Ok(())
    }

    fn send_reinvite(&mut self, now: Mono, id: SessionId) {
        let branch = Branch::random(&mut self.entropy);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(reinvite) = session.reinvite.as_mut() else { return };
        reinvite.retry_at = None;
        let offer = reinvite.offer.clone();
        session.dialog.local_cseq = session.dialog.local_cseq.saturating_add(1);
        let (flow, cseq) = (session.destination(), session.dialog.local_cseq);
        let contact = message::contact(&self.directory, &flow, &session.dialog.contact_user);
        let mut writer = message::in_dialog(&self.directory, session, "INVITE", cseq, branch);
        writer.header(Name::Contact, contact).header(Name::Allow, ALLOW);
        let Some(session) = self.sessions.get(&id) else { return };
        self.propose_again(session, &mut writer);
        let bytes = writer.body(SDP, offer).finish();
        let owner = Owner::Reinvite(id);
        match self.client.open(now, branch, flow, Method::Invite, owner, bytes.clone()) {
            Ok(()) => self.send(flow, bytes),
            Err(TooMany) => self.reinvite_crowded(now, id),
        }
    }

    /// No room for a re-INVITE: sent without a transaction its answer would find nobody, and the dialog wait for ever.
    fn reinvite_crowded(&mut self, now: Mono, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(reinvite) = session.reinvite.as_mut() else { return };
        if reinvite.retries >= MAX_GLARE_RETRIES {
            return self.reinvite_refused(Now { mono: now, ..Now::default() }, id, 503);
        }
        reinvite.retries = reinvite.retries.saturating_add(1);
        let at = now.after(CROWDED_PAUSE);
        reinvite.retry_at = Some(at);
        self.timers.set(at, (id, Timer::Glare));
    }

    /// A response to a re-INVITE of ours.
    pub(crate) fn on_reinvite_response(
        &mut self,
        now: Now,
        arrived: Flow,
        branch: Branch,
        id: SessionId,
        response: &Message,
        heard: Heard,
    ) {
        let status = response.status().unwrap_or_default();
        if status / 100 == 2 && !self.sessions.contains_key(&id) {
            // We said BYE meanwhile; without an ACK the peer would repeat its answer.
            return self.send_ack_of(arrived, response);
        }
        let cseq = response.cseq().map_or(0, |cseq| cseq.number);
        match heard {
            Heard::Provisional => {}
            Heard::MoreAccepted => self.acknowledge_accepted(id, cseq),
            Heard::Final if status < 300 => {
                self.acknowledge_accepted(id, cseq);
                let Some(session) = self.sessions.get_mut(&id) else { return };
                session.reinvite = None;
                if let Some(target) = message::remote_target(response) {
                    session.dialog.remote_target = target;
                }
                self.settle_as_client(now.mono, id, response);
                let answer = message::sdp_of(response);
                self.event(SessionEvent::ReofferAnswered { session: id, answer });
            }
            Heard::Final => {
                if let Some((flow, request)) = self.client.request(branch)
                    && let Ok(invite) = Message::parse(request)
                {
                    let ack = message::of_same_transaction(&invite, "ACK", response).finish();
                    self.client.keep_ack(branch, ack.clone());
                    self.send(flow, ack);
                }
                if status == 422 && self.lengthen(id, response) {
                    return self.send_reinvite(now.mono, id);
                }
                self.reinvite_refused(now, id, status);
            }
        }
    }

    fn reinvite_refused(&mut self, now: Now, id: SessionId, status: u16) {
        // Who owns the Call-ID, that is who called, waits longer (RFC 3261 section 14.1).
        let pause = self.entropy.below(200).saturating_mul(10);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if matches!(status, 408 | 481) {
            self.drop_session(now.mono, id, End::PeerForgot);
            return;
        }
        let Some(reinvite) = session.reinvite.as_mut() else { return };
        if status == 491 && reinvite.retries < MAX_GLARE_RETRIES {
            reinvite.retries = reinvite.retries.saturating_add(1);
            let base = match session.dialog.opened {
                Opened::ByUs => OWNER_PAUSE,
                Opened::ByPeer => Duration::ZERO,
            };
            let at = now.mono.after(base.saturating_add(Duration::from_millis(u64::from(pause))));
            reinvite.retry_at = Some(at);
            self.timers.set(at, (id, Timer::Glare));
            return;
        }
        session.reinvite = None;
        self.heard_refusal(now.mono, id);
        self.event(SessionEvent::ReofferRefused { session: id, status });
    }

    /// Time to try a re-INVITE again after glare.
    pub(crate) fn retry_reinvite(&mut self, now: Now, id: SessionId, at: Mono) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let due = session.reinvite.as_ref().is_some_and(|reinvite| reinvite.retry_at == Some(at));
        if !due {
            return;
        }
        if session.peer_reinvite.is_some() || session.unacknowledged.is_some() {
            // The peer's is being answered: count this as another collision.
            self.reinvite_refused(now, id, 491);
        } else {
            self.send_reinvite(now.mono, id);
        }
    }

    /// No answer came to a re-INVITE: the dialog is dead (RFC 3261 section 12.2.1.2).
    pub(crate) fn reinvite_timed_out(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let silent = session.is_silent();
        self.say_bye(now.mono, id, Cause::Failure);
        if !silent {
            self.event(SessionEvent::Ended { session: id, end: End::Timeout });
        }
    }

    /// The peer's re-INVITE.
    pub(crate) fn on_reinvite(&mut self, now: Now, flow: Flow, id: SessionId, key: Key, request: &Message) {
        let Some(session) = self.sessions.get(&id) else { return };
        let tag = session.tag();
        let waiting = session.reinvite.as_ref().is_some_and(|reinvite| reinvite.retry_at.is_none());
        let refusal = match &session.state {
            State::Incoming { .. } | State::Calling(_) => Some(retry_later()),
            State::Confirmed if session.peer_reinvite.is_some() => Some(retry_later()),
            State::Confirmed if waiting || session.unacknowledged.is_some() => Some(Refusal::new(491)),
            State::Confirmed => require_known(request).and_then(|()| self.admit_interval(request)).err(),
        };
        let reply = message::reply_flow(request, flow);
        let Ok(server) = self.server.open(key, request, flow, reply, None) else {
            self.answer_stateless(flow, request, Refusal::new(503), |_| {});
            return;
        };
        if let Some(refusal) = refusal {
            self.respond_refusal(now, server, flow, request, refusal, &tag);
            return;
        }
        self.respond(now.mono, server, 100, message::answer(request, flow.remote, 100, None, "").finish());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some(target) = message::remote_target(request) {
            session.dialog.remote_target = target;
        }
        session.peer_reinvite = Some(PeerReinvite { server, request: request.clone() });
        self.event(SessionEvent::Reoffer { session: id, offer: message::sdp_of(request) });
    }

    /// Accepts the peer's offer. `answer` is our offer if the peer made none; the answer then comes with
    /// [`SessionEvent::Confirmed`].
    pub fn accept_reoffer(&mut self, now: Now, id: SessionId, answer: Bytes) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(PeerReinvite { server, request }) = session.peer_reinvite.take() else { return };
        if request.method() != Some(Method::Invite) {
            return self.accept_inside(now, id, server, &request, Some(answer));
        }
        let cseq = request.cseq().map_or(0, |cseq| cseq.number);
        let (flow, tag) = (session.flow, session.tag());
        let contact = message::contact(&self.directory, &flow, &session.dialog.contact_user);
        let mut writer = message::answer(&request, flow.remote, 200, None, &tag);
        self.settle_as_server(now.mono, id, &request, &mut writer);
        let bytes =
            writer.header(Name::Contact, contact).header(Name::Allow, ALLOW).body(SDP, answer).finish();
        self.respond_accepted(now.mono, id, server, cseq, bytes);
    }

    /// Refuses the peer's offer; the session goes on as it was.
    pub fn refuse_reoffer(&mut self, now: Now, id: SessionId, refusal: Refusal) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(PeerReinvite { server, request }) = session.peer_reinvite.take() else { return };
        let (flow, tag) = (session.flow, session.tag());
        self.respond_refusal(now, server, flow, &request, refusal, &tag);
    }

    /// A session ends while the peer's offer waits: the offer gets its final response too.
    pub(crate) fn refuse_pending_reoffer(&mut self, now: Mono, id: SessionId) {
        let now = Now { mono: now, ..Now::default() };
        self.refuse_reoffer(now, id, Refusal::new(487));
    }
}

pub(super) fn retry_later() -> Refusal {
    Refusal {
        status: 500,
        phrase: Some("Another offer is under way"),
        retry_after: Some(Duration::from_secs(2)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::directory::{Directory, Nat};
    use model::{Entropy, FlowId, Transport};

    use super::*;
    use crate::api::{Invite, Party, Target};
    use crate::limits::{MAX_TRANSACTIONS, RESERVED_TRANSACTIONS, TRANSACTION_LIFE};

    const SDP_BODY: Bytes = Bytes::from_static(b"v=0\r\n");

    fn flow() -> Flow {
        let (local, remote) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
        Flow { id: FlowId(1), transport: Transport::Udp, local, remote }
    }

    fn now(seconds: u64) -> Now {
        Now { mono: Mono::from_nanos(seconds.saturating_mul(1_000_000_000)), ..Now::default() }
    }

    fn answer_last(stack: &mut Stack, at: Now) {
        let mut last = None;
        while let Some(output) = stack.poll() {
            if let crate::api::Output::Send { bytes, .. } = output {
                last = Some(bytes);
            }
        }
        let request = Message::parse(last.expect("something was sent")).unwrap();
        let mut answer = wire::sip::Writer::answer(&request, 200, "OK", None, Some("peer"));
        answer.header(Name::Contact, "<sip:102@192.0.2.2>").body(SDP, SDP_BODY);
        stack.receive(at, flow(), &Message::parse(answer.finish()).unwrap());
    }

    fn called(stack: &mut Stack, at: Now) -> Result<SessionId, TooMany> {
        let party = |user: &str| Party { user: user.into(), display: String::new() };
        let uri = "sip:102@192.0.2.2".to_owned();
        let invite = Invite {
            target: Target { flow: flow(), uri, line: "102".into(), nat: Nat::Off, q: 1_000 },
            from: party("101"),
            to: party("102"),
            identity: Default::default(),
            max_forwards: 70,
            offer: SDP_BODY,
            referred_by: None,
        };
        stack.invite(at, invite)
    }

    #[test]
    fn a_re_invite_that_finds_no_room_waits_for_it_and_new_calls_leave_some_to_it() {
        let mut stack = Stack::new(Arc::new(Directory::empty()), Entropy::from_seed([1; 32]));
        let id = called(&mut stack, now(1)).unwrap();
        answer_last(&mut stack, now(1));
        let fill = |stack: &mut Stack, most: usize| {
            while stack.client.len() < most {
                let branch = Branch::random(&mut stack.entropy);
                let _ = stack.client.open(now(1).mono, branch, flow(), Method::Bye, Owner::Nobody, SDP_BODY);
            }
        };
        fill(&mut stack, MAX_TRANSACTIONS - RESERVED_TRANSACTIONS);
        assert!(called(&mut stack, now(1)).is_err(), "the rest is for calls that run");
        fill(&mut stack, MAX_TRANSACTIONS);
        assert_eq!(stack.reoffer(now(1), id, SDP_BODY), Ok(()));
        let after = now(2_u64.saturating_add(TRANSACTION_LIFE.as_secs()));
        stack.wake(after);
        answer_last(&mut stack, after);
        let answered = |event| matches!(event, SessionEvent::ReofferAnswered { .. });
        assert!(std::iter::from_fn(|| stack.poll_event()).any(answered));
    }
}
