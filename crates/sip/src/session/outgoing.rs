//! Our INVITE and what is answered to it (RFC 3261 section 13.2).

use model::{Flow, Mono, Now};
use wire::sip::{Message, Method, Name, Writer};

use super::{Calling, Dialog, Fresh, Heard, Opened, Refresh, Session, State, tag_of};
use crate::api::{End, Invite, SessionEvent, SessionId};
use crate::limits::{MAX_SESSIONS, TRANSACTION_LIFE};
use crate::message::{self, ALLOW, Order, SDP};
use crate::stack::Stack;
use crate::transaction::TooMany;
use crate::transaction::client::{self, Branch, Owner};

/// Longest reason phrase kept from a response.
const MAX_PHRASE: usize = 64;

impl Stack {
    /// Sends an INVITE.
    ///
    /// # Errors
    /// More sessions or transactions than the limits allow; nothing was sent.
    pub fn invite(&mut self, now: Now, invite: Invite) -> Result<SessionId, TooMany> {
        if self.sessions.len() >= MAX_SESSIONS {
            return Err(TooMany);
        }
        let id = SessionId(self.entropy.next_u64());
        let branch = Branch::random(&mut self.entropy);
        let domain = &self.directory.domain;
        let (local, contact_user, asserted) = invite.identity.caller(&invite.from, domain);
        let dialog = Dialog {
            call_id: self.entropy.hex(16),
            local,
            remote: message::name_addr(&invite.to, domain),
            remote_tag: None,
            remote_target: invite.target.uri,
            routes: Vec::new(),
            local_cseq: 1,
            remote_cseq: None,
            contact_user,
            opened: Opened::ByUs,
        };
        let flow = invite.target.flow;
        let mut writer = Writer::request("INVITE", &dialog.remote_target);
        writer.header(Name::Via, message::via(&self.directory, &flow, branch));
        writer.header_fmt(Name::MaxForwards, format_args!("{}", invite.max_forwards));
        writer.header_fmt(Name::From, format_args!("{};tag={}", dialog.local, tag_of(id)));
        writer.header(Name::To, &dialog.remote).header(Name::CallId, &dialog.call_id);
        writer.header(Name::CSeq, "1 INVITE");
        writer.header(Name::Contact, message::contact(&self.directory, &flow, &dialog.contact_user));
        writer.header(Name::Allow, ALLOW);
        invite.identity.write(&mut writer, asserted.as_deref(), domain);
        self.propose_interval(&mut writer);
        if let Some(extension) = &invite.referred_by {
            writer.header(Name::ReferredBy, super::refer::referred_by(extension, domain));
        }
        let bytes = writer.body(SDP, &invite.offer).finish();
        let owner = Owner::Invite(id);
        self.client.open(now.mono, branch, flow, Method::Invite, owner, bytes.clone())?;
        let calling = Calling { branch, heard: Heard::Nothing, given_up: None, early: Vec::new() };
        self.insert_session(Session {
            id,
            state: State::Calling(calling),
            dialog,
            flow,
            lost_until: None,
            line: invite.target.line,
            nat: invite.target.nat,
            unacknowledged: None,
            closing: None,
            reinvite: None,
            peer_reinvite: None,
            asserted,
            refresh: Refresh::default(),
            reliable: None,
            refers: Default::default(),
        });
        self.send(flow, bytes);
        Ok(id)
    }

    /// A response to an INVITE that opened a session.
    pub(crate) fn on_invite_response(
        &mut self,
        now: Now,
        arrived: Flow,
        branch: Branch,
        id: SessionId,
        response: &Message,
        heard: client::Heard,
    ) {
        let status = response.status().unwrap_or_default();
        match heard {
            client::Heard::Provisional => self.on_provisional(now, arrived, branch, id, response, status),
            client::Heard::Final if status < 300 => self.on_accepted(now, arrived, id, response),
            client::Heard::MoreAccepted => self.on_accepted_again(now.mono, arrived, id, response),
            client::Heard::Final => {
                self.acknowledge_refusal(branch, response);
                if status == 422 && self.invite_longer(now.mono, branch, id, response) {
                    return;
                }
                self.finish_calling(id, refused(status, response));
            }
        }
    }

    fn on_provisional(
        &mut self,
        now: Now,
        arrived: Flow,
        branch: Branch,
        id: SessionId,
        response: &Message,
        status: u16,
    ) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let State::Calling(calling) = &mut session.state else { return };
        let first = calling.heard == Heard::Nothing;
        calling.heard = Heard::Provisional;
        if let Some(cause) = calling.given_up {
            if first {
                self.cancel(now.mono, branch, cause);
            }
            return;
        }
        if status == 100 {
            return;
        }
        if self.hear_early(now.mono, arrived, id, response) == Fresh::No {
            return;
        }
        let answer = message::sdp_of(response);
        self.event(SessionEvent::Progress { session: id, status, answer });
    }

    fn on_accepted(&mut self, now: Now, arrived: Flow, id: SessionId, response: &Message) {
        let Some(session) = self.sessions.get_mut(&id) else {
            self.refuse_fork(now.mono, arrived, response);
            return;
        };
        let State::Calling(calling) = &mut session.state else { return };
        let given_up = calling.given_up;
        let tag = to_tag(response);
        let early = std::mem::take(&mut calling.early);
        let early = early.into_iter().find(|early| Some(&early.tag) == tag.as_ref()).unwrap_or_default();
        let answer = message::sdp_of(response).or(early.answer);
        session.dialog.remote_cseq = early.remote_cseq;
        session.dialog.remote_tag = tag;
        session.dialog.routes = message::route_set(response, Order::Reversed);
        if let Some(target) = message::remote_target(response) {
            session.dialog.remote_target = target;
        }
        // The answer came back over our branch's 64 random bits: where it came from is where the phone is.
        session.state = State::Confirmed;
        self.adopt_flow(id, arrived);
        self.acknowledge_accepted(id, cseq_of(response));
        self.settle_as_client(now.mono, id, response);
        match given_up {
            Some(cause) => self.say_bye(now.mono, id, cause),
            None => self.event(SessionEvent::Answered { session: id, answer }),
        }
    }

    /// A 2xx after the first: the same dialog's, whose ACK got lost, or another fork's, which nobody wants.
    fn on_accepted_again(&mut self, now: Mono, arrived: Flow, id: SessionId, response: &Message) {
        let tag = to_tag(response);
        match self.sessions.get(&id) {
            Some(session) if session.dialog.remote_tag == tag => {
                self.acknowledge_accepted(id, cseq_of(response))
            }
            Some(_) => self.refuse_fork(now, arrived, response),
            None => self.send_ack_of(arrived, response),
        }
    }

    /// Sends the ACK to a 2xx with this CSeq number in a session's dialog.
    pub(crate) fn acknowledge_accepted(&mut self, id: SessionId, cseq: u32) {
        let branch = Branch::random(&mut self.entropy);
        let Some(session) = self.sessions.get(&id) else { return };
        let bytes = message::in_dialog(&self.directory, session, "ACK", cseq, branch).finish();
        let flow = session.destination();
        self.send(flow, bytes);
    }

    fn acknowledge_refusal(&mut self, branch: Branch, response: &Message) {
        let Some((flow, request)) = self.client.request(branch) else { return };
        let Ok(invite) = Message::parse(request) else { return };
        let ack = message::of_same_transaction(&invite, "ACK", response).finish();
        self.client.keep_ack(branch, ack.clone());
        self.send(flow, ack);
    }

    /// Sends the ACK to a 2xx of which nothing is known any more.
    pub(crate) fn send_ack_of(&mut self, arrived: Flow, accepted: &Message) {
        let branch = Branch::random(&mut self.entropy);
        let cseq = cseq_of(accepted);
        if let Some(ack) = message::to_accepted(&self.directory, accepted, &arrived, "ACK", cseq, branch) {
            self.send(arrived, ack);
        }
    }

    /// Another fork answered after the first: ACK, then BYE (RFC 3261 section 13.2.2.4).
    fn refuse_fork(&mut self, now: Mono, arrived: Flow, accepted: &Message) {
        self.send_ack_of(arrived, accepted);
        let branch = Branch::random(&mut self.entropy);
        let cseq = cseq_of(accepted).saturating_add(1);
        let bye = message::to_accepted(&self.directory, accepted, &arrived, "BYE", cseq, branch);
        if let Some(bye) = bye {
            self.start_client(now, branch, arrived, Method::Bye, Owner::Nobody, bye);
        }
    }

    /// An INVITE of ours came to nothing; its transaction is done.
    pub(crate) fn finish_calling(&mut self, id: SessionId, end: End) {
        let Some(session) = self.remove_session(id) else { return };
        if !session.is_silent() {
            self.event(SessionEvent::Failed { session: id, end });
        }
    }

    /// Sends CANCEL for an INVITE that was answered provisionally, and gives up on it if nothing final follows.
    pub(crate) fn cancel(&mut self, now: Mono, branch: Branch, cause: crate::api::Cause) {
        let Some((flow, request)) = self.client.request(branch) else { return };
        let Ok(invite) = Message::parse(request) else { return };
        let mut writer = message::of_same_transaction(&invite, "CANCEL", &invite);
        if let Some(reason) = super::ending::reason(cause) {
            writer.header(Name::Reason, reason);
        }
        let bytes = writer.finish();
        self.client.limit(now, branch, TRANSACTION_LIFE);
        let _ = self.cancels.open(now, branch, flow, Method::Cancel, Owner::Nobody, bytes.clone());
        self.send(flow, bytes);
    }
}

/// Why an INVITE of ours came to nothing, out of its final response.
fn refused(status: u16, response: &Message) -> End {
    let contact = response.addresses(Name::Contact).next().and_then(Result::ok);
    let moved = contact.filter(|_| status < 400).and_then(|contact| message::user_of(&contact.uri().ok()?));
    match moved {
        Some(to) => End::Moved { to },
        None => End::Response { status, phrase: message::lossy_cut(response.reason(), MAX_PHRASE) },
    }
}

/// The number of the INVITE that a response is about: after a 422 it is not the first.
fn cseq_of(response: &Message) -> u32 {
    response.cseq().map_or(1, |cseq| cseq.number)
}

fn to_tag(response: &Message) -> Option<String> {
    response.to().ok()?.tag().map(message::lossy)
}
