//! Session timers (RFC 4028): a call whose two ends have died is found out and ended, even while it is on hold and silent.
//!
//! Who refreshes is agreed with each INVITE, re-INVITE and UPDATE. Where the peer leaves it open, or knows nothing of session
//! timers at all, we do: half way through the interval an UPDATE without SDP goes out if the peer takes that, else `calls`
//! is asked for a re-INVITE that says again what is in force. A refresh that is answered 408, 481 or not at all ends the
//! session, and so does a peer that does not keep its promise to refresh. Decision 6.
//!
//! Not here: UPDATE of the peer (`update`).

use std::time::Duration;

use model::{Flow, Mono, Now};
use wire::sip::{Message, Method, Name, Refresher, SessionExpires, Writer};

use super::{Session, State, Timer};
use crate::api::{Cause, End, Refusal, SessionEvent, SessionId};
use crate::limits::{MAX_LONGER_RETRIES, MAX_SESSION_EXPIRES, REFRESH_RETRY, SWEPT_FROM, TIMERS_PER_SESSION};
use crate::message::{self, ALLOW, SUPPORTED};
use crate::stack::Stack;
use crate::transaction::client::{Branch, Owner};

/// The session timer of one session.
#[derive(Debug, Default)]
pub(crate) struct Refresh {
    /// The interval in force; `None`: nobody refreshes.
    interval: Option<Duration>,
    who: Who,
    /// When the session is over unless something refreshes it.
    ends: Mono,
    /// When something is to be done next.
    next: Option<Mono>,
    /// The session's earliest timer in the heap: deadlines mostly move back, so one is enough.
    armed: Option<Mono>,
    /// The shortest interval that the peer takes, as far as it said so.
    least: Duration,
    /// Whether the peer listed UPDATE in an Allow, and has not refused one since.
    takes_update: bool,
    /// Whether the peer knows of session timers.
    speaks: bool,
    /// How often an UPDATE was sent again because its interval was too short.
    retries: u8,
}

/// Who refreshes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Who {
    #[default]
    Us,
    Peer,
}

impl Refresh {
    fn seconds(&self, wish: Duration) -> u32 {
        u32::try_from(wish.max(self.least).as_secs()).unwrap_or(u32::MAX)
    }

    /// Keeps what a message of the peer's tells of it.
    fn heed(&mut self, message: &Message) {
        if message.first(Name::Allow).is_some() {
            self.takes_update = message.lists(Name::Allow, "UPDATE");
        }
        if let Ok(Some(least)) = message.min_se() {
            self.least = Duration::from_secs(u64::from(least)).min(MAX_SESSION_EXPIRES);
        }
    }

    /// The interval runs from now on.
    fn arm(&mut self, now: Mono, interval: Duration) {
        self.interval = Some(interval);
        self.retries = 0;
        self.ends = now.after(interval);
        // RFC 4028 section 10: who waits for the other gives up a little before the end.
        let margin = Duration::from_secs(32).min(interval.checked_div(3).unwrap_or_default());
        let next = match self.who {
            Who::Us => now.after(interval.checked_div(2).unwrap_or_default()),
            Who::Peer => now.after(interval.saturating_sub(margin)),
        };
        self.next = Some(next);
    }
}

impl Stack {
    /// The interval we like; `None`: session timers are switched off.
    fn interval_wanted(&self) -> Option<Duration> {
        let times = &self.directory.times;
        (!times.session_expires.is_zero()).then(|| times.session_expires.max(times.session_min))
    }

    /// Session-Expires and Min-SE of an INVITE that opens a session.
    pub(crate) fn propose_interval(&self, writer: &mut Writer) {
        writer.header(Name::Supported, SUPPORTED);
        if let Some(wanted) = self.interval_wanted() {
            let seconds = u32::try_from(wanted.as_secs()).unwrap_or(u32::MAX);
            let value = SessionExpires { seconds, refresher: Some(Refresher::Uac) };
            writer.header_fmt(Name::SessionExpires, format_args!("{value}"));
            writer.header_fmt(Name::MinSe, format_args!("{}", self.directory.times.session_min.as_secs()));
        }
    }

    /// The same for a request of ours inside the dialog: who refreshes stays who it is.
    pub(crate) fn propose_again(&self, session: &Session, writer: &mut Writer) {
        writer.header(Name::Supported, SUPPORTED);
        let refresh = &session.refresh;
        let Some(wanted) = refresh.interval.or(self.interval_wanted()) else { return };
        let refresher = match refresh.who {
            Who::Us => Refresher::Uac,
            Who::Peer => Refresher::Uas,
        };
        let value = SessionExpires { seconds: refresh.seconds(wanted), refresher: Some(refresher) };
        writer.header_fmt(Name::SessionExpires, format_args!("{value}"));
        let least = self.directory.times.session_min.max(refresh.least);
        writer.header_fmt(Name::MinSe, format_args!("{}", least.as_secs()));
    }

    /// Refuses an interval shorter than ours (RFC 4028 section 9); who knows nothing of session timers is not to blame for it.
    pub(crate) fn admit_interval(&self, request: &Message) -> Result<(), Refusal> {
        let asked =
            request.session_expires().map_err(|_| Refusal::because(400, "Session-Expires unusable"))?;
        let least = self.directory.times.session_min.as_secs();
        match asked {
            Some(asked) if u64::from(asked.seconds) < least && request.supports("timer") => {
                Err(Refusal::new(422))
            }
            _ => Ok(()),
        }
    }

    /// We accept an INVITE, a re-INVITE or an UPDATE: the interval is settled and told (RFC 4028 section 9).
    pub(crate) fn settle_as_server(
        &mut self,
        now: Mono,
        id: SessionId,
        request: &Message,
        writer: &mut Writer,
    ) {
        writer.header(Name::Supported, SUPPORTED);
        let wanted = self.interval_wanted();
        let least = self.directory.times.session_min;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let refresh = &mut session.refresh;
        refresh.heed(request);
        refresh.speaks = request.supports("timer");
        let asked = request.session_expires().ok().flatten();
        let longest =
            asked.map(|asked| Duration::from_secs(u64::from(asked.seconds)).min(MAX_SESSION_EXPIRES));
        let interval = match (longest, wanted) {
            // Only ever shorter than asked for, and never shorter than the peer's Min-SE.
            (Some(longest), Some(wanted)) => longest.min(wanted.max(refresh.least)).max(least),
            (Some(longest), None) => longest.max(least),
            (None, Some(wanted)) => wanted.max(refresh.least),
            (None, None) => return refresh.next = None,
        };
        refresh.who = match asked.and_then(|asked| asked.refresher) {
            Some(Refresher::Uac) if refresh.speaks => Who::Peer,
            _ => Who::Us,
        };
        if refresh.speaks {
            let refresher = match refresh.who {
                Who::Us => Refresher::Uas,
                Who::Peer => Refresher::Uac,
            };
            let seconds = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
            let value = SessionExpires { seconds, refresher: Some(refresher) };
            writer.header_fmt(Name::SessionExpires, format_args!("{value}"));
            if refresh.who == Who::Peer {
                writer.header(Name::Require, "timer");
            }
        }
        refresh.arm(now, interval);
        self.schedule_refresh(id);
    }

    /// An INVITE, a re-INVITE or an UPDATE of ours was accepted (RFC 4028 section 7.2).
    pub(crate) fn settle_as_client(&mut self, now: Mono, id: SessionId, response: &Message) {
        let wanted = self.interval_wanted();
        let least = self.directory.times.session_min;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let refresh = &mut session.refresh;
        refresh.heed(response);
        let told = response.session_expires().ok().flatten();
        refresh.speaks = told.is_some();
        let interval = match (told, wanted) {
            (Some(told), _) => {
                Duration::from_secs(u64::from(told.seconds)).min(MAX_SESSION_EXPIRES).max(least)
            }
            (None, Some(wanted)) => wanted.max(refresh.least),
            (None, None) => return refresh.next = None,
        };
        // Who promises to refresh next year is not waited for: an earlier refresh of ours is always allowed.
        let promised =
            told.filter(|told| Duration::from_secs(u64::from(told.seconds)) <= MAX_SESSION_EXPIRES);
        refresh.who = match promised.and_then(|told| told.refresher) {
            Some(Refresher::Uas) => Who::Peer,
            _ => Who::Us,
        };
        refresh.arm(now, interval);
        self.schedule_refresh(id);
    }

    /// Sets the session's timer, unless an earlier one will look.
    fn schedule_refresh(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let refresh = &mut session.refresh;
        let Some(next) = refresh.next.filter(|next| refresh.armed.is_none_or(|armed| *next < armed)) else {
            return;
        };
        refresh.armed = Some(next);
        self.timers.set(next, (id, Timer::Refresh));
        // Calls end long before their refresh is due: what they leave in the heap is swept out now and then.
        let needed = self.sessions.len().saturating_mul(TIMERS_PER_SESSION).saturating_add(SWEPT_FROM);
        if self.timers.len() > needed {
            let sessions = &self.sessions;
            self.timers.retain(|(id, _)| sessions.contains_key(id));
        }
    }

    /// A refresh of ours was refused, but by somebody who is there. That is all we ask of who knows nothing of session timers;
    /// from the others it takes a 2xx.
    pub(crate) fn heard_refusal(&mut self, now: Mono, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let refresh = &mut session.refresh;
        let Some(interval) = refresh.interval.filter(|_| !refresh.speaks && refresh.who == Who::Us) else {
            return;
        };
        refresh.arm(now, interval);
        self.schedule_refresh(id);
    }

    /// Time to refresh, or to give up.
    pub(crate) fn refresh_due(&mut self, now: Now, id: SessionId, at: Mono) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.refresh.armed == Some(at) {
            session.refresh.armed = None;
        }
        match session.refresh.next {
            Some(next) if next <= now.mono => {}
            Some(_) => return self.schedule_refresh(id),
            None => return,
        }
        let refresh = &mut session.refresh;
        // A phone whose connection is gone is waited for elsewhere; who is told BYE hears nothing more.
        let waited_for = session.lost_until.is_some() || session.closing.is_some();
        if !waited_for && (refresh.who == Who::Peer || now.mono >= refresh.ends) {
            self.say_bye(now.mono, id, Cause::NotRefreshed);
            return self.event(SessionEvent::Ended { session: id, end: End::NotRefreshed });
        }
        let again = now.mono.after(REFRESH_RETRY);
        let next = if refresh.ends > now.mono { again.min(refresh.ends) } else { again };
        refresh.next = Some(next);
        self.schedule_refresh(id);
        self.send_refresh(now.mono, id);
    }

    fn send_refresh(&mut self, now: Mono, id: SessionId) {
        let branch = Branch::random(&mut self.entropy);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.lost_until.is_some() || session.closing.is_some() {
            return;
        }
        if !session.refresh.takes_update {
            return self.event(SessionEvent::RefreshDue { session: id });
        }
        session.dialog.local_cseq = session.dialog.local_cseq.saturating_add(1);
        let (flow, cseq) = (session.destination(), session.dialog.local_cseq);
        let contact = message::contact(&self.directory, &flow, &session.dialog.contact_user);
        let Some(session) = self.sessions.get(&id) else { return };
        let mut writer = message::in_dialog(&self.directory, session, "UPDATE", cseq, branch);
        writer.header(Name::Contact, contact).header(Name::Allow, ALLOW);
        self.propose_again(session, &mut writer);
        self.start_client(now, branch, flow, Method::Update, Owner::Refresh(id), writer.finish());
    }

    /// A response to an UPDATE of ours that refreshes.
    pub(crate) fn on_refresh_response(&mut self, now: Now, id: SessionId, status: u16, response: &Message) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match status {
            0..200 => {}
            200..300 => {
                if let Some(target) = message::remote_target(response) {
                    session.dialog.remote_target = target;
                }
                self.settle_as_client(now.mono, id, response);
            }
            408 | 481 => self.drop_session(now.mono, id, End::PeerForgot),
            422 if session.refresh.retries < MAX_LONGER_RETRIES => {
                session.refresh.retries = session.refresh.retries.saturating_add(1);
                session.refresh.heed(response);
                self.send_refresh(now.mono, id);
            }
            405 | 420 | 501 => {
                // It lists what it does not take; a re-INVITE everybody does.
                session.refresh.takes_update = false;
                self.event(SessionEvent::RefreshDue { session: id });
            }
            _ => self.heard_refusal(now.mono, id),
        }
    }

    /// The peer of our re-INVITE wants a longer interval (422). True: it is worth another try.
    pub(crate) fn lengthen(&mut self, id: SessionId, response: &Message) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        session.refresh.heed(response);
        session.refresh.retries = session.refresh.retries.saturating_add(1);
        session.refresh.retries <= MAX_LONGER_RETRIES
    }

    /// The phone that we call wants a longer interval: the same INVITE once more (RFC 4028 section 7.4), its refusal is
    /// acknowledged. False: that was tried, or can't be.
    pub(crate) fn invite_longer(
        &mut self,
        now: Mono,
        branch: Branch,
        id: SessionId,
        response: &Message,
    ) -> bool {
        let Some((flow, request)) = self.client.request(branch) else { return false };
        let (Ok(invite), Ok(Some(least))) = (Message::parse(request), response.min_se()) else {
            return false;
        };
        let wanted = self.interval_wanted();
        let fresh = Branch::random(&mut self.entropy);
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let State::Calling(calling) = &mut session.state else { return false };
        let Some(wanted) = wanted.filter(|_| calling.given_up.is_none() && session.refresh.retries == 0)
        else {
            return false;
        };
        session.refresh.retries = 1;
        session.refresh.least = Duration::from_secs(u64::from(least));
        session.dialog.local_cseq = session.dialog.local_cseq.saturating_add(1);
        let cseq = session.dialog.local_cseq;
        let seconds = session.refresh.seconds(wanted);
        let bytes = self.rewritten(&invite, &flow, fresh, cseq, (seconds, least));
        let opened = self.client.open(now, fresh, flow, Method::Invite, Owner::Invite(id), bytes.clone());
        let Some(State::Calling(calling)) = self.sessions.get_mut(&id).map(|session| &mut session.state)
        else {
            return false;
        };
        if opened.is_ok() {
            calling.branch = fresh;
            calling.heard = super::Heard::Nothing;
            self.send(flow, bytes);
        }
        opened.is_ok()
    }

    /// An INVITE as it was, but for branch, number and interval.
    fn rewritten(
        &self,
        invite: &Message,
        flow: &Flow,
        branch: Branch,
        cseq: u32,
        (seconds, least): (u32, u32),
    ) -> bytes::Bytes {
        let mut writer = Writer::request("INVITE", invite.request_uri().unwrap_or_default());
        writer.header(Name::Via, message::via(&self.directory, flow, branch));
        writer.header_fmt(Name::CSeq, format_args!("{cseq} INVITE"));
        let interval = SessionExpires { seconds, refresher: Some(Refresher::Uac) };
        writer.header_fmt(Name::SessionExpires, format_args!("{interval}"));
        writer.header_fmt(Name::MinSe, format_args!("{least}"));
        let ours = [
            Name::Via,
            Name::CSeq,
            Name::SessionExpires,
            Name::MinSe,
            Name::ContentType,
            Name::ContentLength,
        ];
        for header in invite.headers().filter(|header| !ours.contains(&header.name)) {
            writer.raw(header.raw_name, header.value);
        }
        writer.body(invite.content_type().unwrap_or_default(), invite.body()).finish()
    }
}
