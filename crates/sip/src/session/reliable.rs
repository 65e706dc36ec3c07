//! Reliable provisional responses to callers (RFC 3262 section 3): ringing and early media that can't get lost.
//!
//! Sent so where the caller insists, and where he can and there is a description to carry: that one makes him hear something.
//! One at a time is under way; what comes meanwhile waits in line, and so does the 2xx while a description is on its way. When
//! no PRACK comes in 64 x T1 the call is refused. Not here: PRACKs of ours (`early`).

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use model::{Flow, Mono, Now};
use wire::sip::{Message, Name};

use super::{PeerReinvite, State, Timer};
use crate::api::{End, Refusal, SessionEvent, SessionId};
use crate::limits::{MAX_PROVISIONALS, T1, TRANSACTION_LIFE};
use crate::message::{self, ALLOW, SDP};
use crate::stack::Stack;
use crate::transaction::key::Key;

/// What one caller is told reliably.
#[derive(Debug, Default)]
pub(crate) struct Reliable {
    /// RSeq of the last one; the first is random (section 3).
    rseq: u32,
    waiting: Option<Waiting>,
    line: VecDeque<(u16, Option<Bytes>)>,
    /// A description of ours has been acknowledged: none goes into later responses to this INVITE.
    described: bool,
    /// The caller made no offer: the first description of ours is one, and its PRACK brings the answer (section 5).
    late: bool,
    /// The 2xx that waits for a PRACK.
    accept: Option<Bytes>,
}

/// A reliable response without its PRACK.
#[derive(Debug)]
struct Waiting {
    flow: Flow,
    bytes: Bytes,
    describes: Describes,
    next: Mono,
    interval: Duration,
    gives_up: Mono,
}

/// What a reliable response says of our media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Describes {
    Nothing,
    Answer,
    /// To a caller who made no offer.
    Offer,
}

/// How a provisional response goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    Reliable,
    /// Not at all: the caller takes reliable ones only, and the first of those would have to make an offer.
    None,
}

impl Reliable {
    /// Whether the caller has an answer of ours for certain: from then on he may make other offers.
    pub(crate) fn is_settled(&self) -> bool {
        self.described
    }
}

impl Stack {
    /// Whether a caller who made no offer may be made one before the answer: only a response that is acknowledged can.
    #[must_use]
    pub fn takes_early_offer(&self, id: SessionId) -> bool {
        let state = self.sessions.get(&id).map(|session| &session.state);
        let Some(State::Incoming { request, .. }) = state else { return false };
        request.supports("100rel") || request.requires("100rel")
    }

    /// Sends 101 to 199 to the caller, with an early answer if there is one; with our offer if he made none, which only a
    /// caller can be sent who [`Stack::takes_early_offer`]. His answer comes with [`SessionEvent::EarlyAnswered`].
    pub fn progress(&mut self, now: Now, id: SessionId, status: u16, answer: Option<Bytes>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let State::Incoming { request, .. } = &session.state else { return };
        let late = message::sdp_of(request).is_none();
        let described = session.reliable.as_ref().is_some_and(|reliable| reliable.described);
        let way = match (request.requires("100rel"), request.supports("100rel"), &answer) {
            (true, _, None) if late && !described => Way::None,
            (true, _, _) | (_, true, Some(_)) => Way::Reliable,
            _ => Way::Plain,
        };
        match way {
            Way::None => {}
            Way::Plain => self.progress_plain(now, id, status, answer),
            Way::Reliable => {
                let reliable = session.reliable.get_or_insert_default();
                reliable.late = late;
                if reliable.waiting.is_none() {
                    return self.progress_reliable(now.mono, id, status, answer);
                }
                // Beyond it nothing is lost that the caller would miss: the next one says more.
                if reliable.line.len() < MAX_PROVISIONALS {
                    reliable.line.push_back((status, answer));
                }
            }
        }
    }

    fn progress_plain(&mut self, now: Now, id: SessionId, status: u16, answer: Option<Bytes>) {
        let Some((server, mut writer)) = self.session_answer(id, status) else { return };
        if let Some(answer) = answer {
            writer.body(SDP, answer);
        }
        self.respond(now.mono, server, status, writer.finish());
    }

    fn progress_reliable(&mut self, now: Mono, id: SessionId, status: u16, answer: Option<Bytes>) {
        let first = self.entropy.below(1 << 30).saturating_add(1);
        let Some((server, mut writer)) = self.session_answer(id, status) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let reliable = session.reliable.get_or_insert_default();
        reliable.rseq = if reliable.rseq == 0 { first } else { reliable.rseq.saturating_add(1) };
        let answer = answer.filter(|_| !reliable.described);
        writer.header(Name::Require, "100rel").header(Name::Allow, ALLOW);
        writer.header_fmt(Name::RSeq, format_args!("{}", reliable.rseq));
        let describes = match (&answer, reliable.late) {
            (None, _) => Describes::Nothing,
            (Some(_), false) => Describes::Answer,
            (Some(_), true) => Describes::Offer,
        };
        if let Some(answer) = answer {
            writer.body(SDP, answer);
        }
        let Some((flow, bytes)) = self.server.respond(now, server, status, writer.finish()) else { return };
        let next = now.after(T1);
        let gives_up = now.after(TRANSACTION_LIFE);
        reliable.waiting =
            Some(Waiting { flow, bytes: bytes.clone(), describes, next, interval: T1, gives_up });
        self.timers.set(next, (id, Timer::Reliable));
        self.send(flow, bytes);
    }

    /// Time to repeat a reliable response, or to refuse the call.
    pub(crate) fn repeat_reliable(&mut self, now: Now, id: SessionId, at: Mono) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let waiting = session.reliable.as_mut().and_then(|reliable| reliable.waiting.as_mut());
        let Some(waiting) = waiting.filter(|waiting| waiting.next == at) else { return };
        if waiting.gives_up <= now.mono {
            self.refuse(now, id, Refusal::because(504, "No PRACK"));
            return self.event(SessionEvent::Ended { session: id, end: End::Timeout });
        }
        waiting.interval = waiting.interval.saturating_mul(2);
        waiting.next = at.after(waiting.interval).min(waiting.gives_up);
        let (flow, bytes, next) = (waiting.flow, waiting.bytes.clone(), waiting.next);
        self.timers.set(next, (id, Timer::Reliable));
        self.send(flow, bytes);
    }

    /// Whether the 2xx must wait for a PRACK; it is then kept, and goes out by itself. RFC 3262 section 3 asks for it only
    /// where the provisional response has a description, and for taking PRACKs after the 2xx otherwise: waiting does for both.
    pub(crate) fn accept_later(&mut self, id: SessionId, answer: &Bytes) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let Some(reliable) = session.reliable.as_mut() else { return false };
        let waits = reliable.waiting.is_some();
        if waits {
            reliable.line.clear();
            reliable.accept = Some(answer.clone());
        }
        waits
    }

    /// Whether the caller has our description already and the 2xx must not carry one.
    pub(crate) fn has_described(&self, id: SessionId) -> bool {
        let reliable = self.sessions.get(&id).and_then(|session| session.reliable.as_ref());
        reliable.is_some_and(|reliable| reliable.described)
    }

    /// The caller's PRACK.
    pub(crate) fn on_prack(&mut self, now: Now, flow: Flow, id: SessionId, key: Key, request: &Message) {
        let reply = message::reply_flow(request, flow);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (tag, busy) = (session.tag(), session.peer_reinvite.is_some());
        let described = acknowledged(session, request);
        let Ok(server) = self.server.open(key, request, flow, reply, None) else {
            self.answer_stateless(flow, request, Refusal::new(503), |_| {});
            return;
        };
        let described = match described {
            Ok(described) => described,
            Err(refusal) => return self.respond_refusal(now, server, flow, request, refusal, &tag),
        };
        match (message::sdp_of(request), described) {
            (Some(answer), Described::ByOffer) => {
                self.accept_inside(now, id, server, request, None);
                self.event(SessionEvent::EarlyAnswered { session: id, answer });
            }
            (Some(offer), Described::Yes) if !busy => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.peer_reinvite = Some(PeerReinvite { server, request: request.clone() });
                }
                self.event(SessionEvent::Reoffer { session: id, offer: Some(offer) });
            }
            (Some(_), _) => {
                self.respond_refusal(now, server, flow, request, super::reoffer::retry_later(), &tag);
            }
            (None, _) => self.accept_inside(now, id, server, request, None),
        }
        self.after_prack(now, id);
    }

    /// What waited for the PRACK goes out.
    fn after_prack(&mut self, now: Now, id: SessionId) {
        let Some(reliable) = self.sessions.get_mut(&id).and_then(|session| session.reliable.as_mut()) else {
            return;
        };
        if let Some(answer) = reliable.accept.take() {
            return self.accept(now, id, answer);
        }
        if let Some((status, answer)) = reliable.line.pop_front() {
            self.progress_reliable(now.mono, id, status, answer);
        }
    }
}

/// What a description in a PRACK is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Described {
    /// An offer.
    Yes,
    /// Too early.
    No,
    /// The answer to ours in the response that it acknowledges.
    ByOffer,
}

/// Takes a PRACK for the response under way: 481 if it is for no such one.
fn acknowledged(session: &mut super::Session, prack: &Message) -> Result<Described, Refusal> {
    let unknown = Refusal::new(481);
    let State::Incoming { request, .. } = &session.state else { return Err(unknown) };
    let reliable = session.reliable.as_mut().ok_or(unknown)?;
    let rack = prack.rack().map_err(|_| Refusal::because(400, "RAck unusable"))?;
    let invite = request.cseq().map_err(|_| unknown)?;
    let fits =
        rack.rseq == reliable.rseq && rack.cseq.number == invite.number && rack.cseq.token == invite.token;
    let answerless = Refusal::because(400, "Answer expected in PRACK");
    let asks = |waiting: &Waiting| waiting.describes == Describes::Offer;
    if fits && reliable.waiting.as_ref().is_some_and(asks) && message::sdp_of(prack).is_none() {
        return Err(answerless);
    }
    let waiting = reliable.waiting.take_if(|_| fits).ok_or(unknown)?;
    reliable.described |= waiting.describes != Describes::Nothing;
    Ok(match (waiting.describes, reliable.described) {
        (Describes::Offer, _) => Described::ByOffer,
        (_, true) => Described::Yes,
        (_, false) => Described::No,
    })
}
