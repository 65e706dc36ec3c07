//! Ringing: an extension's phones ring together, the first to answer gets the call, the others are told.
//!
//! A round rings the phones of one extension. When nobody takes the call the round's verdict asks for a forwarding, and
//! with it another round, or ends the call. Here too: what is described before the answer (`early`). Not here: which phones
//! (`route`), the answered call (`bridge`).

mod early;
mod verdict;

use std::sync::Arc;

use bytes::Bytes;
use model::directory::Extension;
use model::event::{self, Event};
use model::record::CallResult;
use sip::{Cause, End, Invite, Party, SessionId, Target};

pub(crate) use verdict::{Rang, Verdict};

use crate::call::Call;
use crate::identity;
use crate::leg::Leg;
use crate::limits::MAX_LEGS;
use crate::record::{self, Outcome};
use crate::route::{self, Found, Nowhere};
use crate::step::Step;
use crate::talk::Talk;
use crate::timers::Deadline;

/// What is known while a call rings.
#[derive(Default)]
pub(crate) struct Ringing {
    /// When this round ends.
    pub deadline: Option<Deadline>,
    /// What the phones of this round said that gave up.
    verdict: Option<Verdict>,
    pub told: Told,
    /// The phone whose early media the caller hears.
    early: Option<SessionId>,
    /// What the caller has been told with a provisional response: the answer to his first offer, whoever answers in the end
    /// (RFC 3261 section 13.2.1), or an offer if he made none.
    pub promised: Option<Bytes>,
}

/// What the caller hears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    #[default]
    Nothing,
    Ringing,
    EarlyMedia,
}

impl Ringing {
    /// Whether the caller hears the early media of this phone.
    pub fn is_heard(&self, phone: Option<SessionId>) -> bool {
        phone.is_some() && self.early == phone
    }

    /// The phone whose early media the caller heard is gone: the next one that rings is told again.
    fn hush(&mut self) {
        self.early = None;
        self.told = Told::Nothing;
    }
}

/// Why a phone could not even be called.
enum NotCalled {
    NoPort,
    NoCodec,
    TooMany,
}

impl Call {
    /// Whether somebody rings, as far as the caller knows.
    pub fn rings(&self) -> bool {
        self.ringing.told > Told::Nothing
    }

    /// Rings what was found, or ends the call.
    pub fn pursue(&mut self, step: &mut Step<'_>, found: Found) {
        match found {
            Found::Phones { extension, targets } => self.ring(step, &extension, targets),
            Found::Nowhere(nowhere) => {
                if matches!(nowhere, Nowhere::Loop | Nowhere::TooManyHops) {
                    let looped = Event::new(&event::CALL_LOOP, step.now.wall)
                        .with("call", self.id)
                        .with("from", &self.record.from)
                        .with("to", &self.record.to)
                        .with("route", self.way.text());
                    step.tell(looped);
                }
                self.finish(Outcome::from(&nowhere));
            }
        }
    }

    fn ring(&mut self, step: &mut Step<'_>, extension: &Extension, targets: Vec<Target>) {
        self.ringing.verdict = None;
        let mut failed = self.caller.open(step, self.id).err().map(|_| NotCalled::NoPort);
        if failed.is_none() {
            for target in targets.into_iter().take(MAX_LEGS.saturating_sub(1)) {
                match self.call_phone(step, extension, target) {
                    Ok(phone) => self.phones.push(phone),
                    Err(why) => {
                        failed = Some(why);
                        break;
                    }
                }
            }
        }
        if matches!(failed, Some(NotCalled::NoPort)) {
            let exhausted = Event::new(&event::PORTS_EXHAUSTED, step.now.wall).with("call", self.id);
            step.tell(exhausted);
        }
        if self.phones.is_empty() {
            return self.finish(match failed {
                Some(NotCalled::NoPort) => Outcome::full("No media port free"),
                Some(NotCalled::NoCodec) => Outcome::no_codec(),
                Some(NotCalled::TooMany) | None => Outcome::full("Too many calls"),
            });
        }
        let forward = extension.forwarding.no_answer.as_ref();
        let patience = forward.map_or(step.desk.directory.times.ring_timeout, |(_, after)| *after);
        self.ringing.deadline = Some(step.desk.timers.set(step.now.mono.after(patience), self.id));
        record::note(step, self);
    }

    fn call_phone(
        &self,
        step: &mut Step<'_>,
        extension: &Extension,
        target: Target,
    ) -> Result<Leg, NotCalled> {
        let mut leg = Leg::of_phone(Arc::clone(&extension.number), target.nat, target.flow);
        leg.open(step, self.id).map_err(|_| NotCalled::NoPort)?;
        // What a caller without an offer answered early was for one phone alone.
        let offered = match self.caller.talk.has_answered() {
            true => leg.talk.offer(&Talk::default()),
            false => leg.talk.offer(&self.caller.talk),
        };
        let Ok(offer) = offered else {
            leg.gone(step);
            return Err(NotCalled::NoCodec);
        };
        let invite = Invite {
            target,
            from: self.from.clone(),
            to: Party { user: self.record.to.clone(), display: String::new() },
            identity: self.identity(),
            max_forwards: self.way.hops_left(),
            offer,
            referred_by: self.transfer.shown_referrer(),
        };
        let Ok(session) = step.desk.stack.invite(step.now, invite) else {
            leg.gone(step);
            return Err(NotCalled::TooMany);
        };
        step.desk.sessions.insert(session, self.id);
        leg.session = Some(session);
        Ok(leg)
    }

    /// A phone says how far it is.
    pub fn progress(&mut self, step: &mut Step<'_>, phone: usize, status: u16, answer: Option<Bytes>) {
        if self.is_attempt() {
            return self.target_progress(step, phone, status);
        }
        let (Some(leg), Some(caller)) = (self.phones.get_mut(phone), self.caller.session) else { return };
        if self.answered.is_some() {
            return;
        }
        if status == 180 {
            leg.rang = Rang::Yes;
        }
        let extension = Arc::clone(&leg.extension);
        if let Some(answer) = answer
            && self.ringing.early.is_none()
            && self.early_media(step, phone, &answer)
        {
            return;
        }
        if status == 180 && self.ringing.told == Told::Nothing {
            self.ringing.told = Told::Ringing;
            identity::show(step, caller, &extension);
            step.desk.stack.progress(step.now, caller, 180, None);
        }
    }

    /// A phone gave up; the stack has forgotten it.
    pub fn phone_gone(&mut self, step: &mut Step<'_>, phone: usize, end: &End) {
        let Some(leg) = self.phones.get_mut(phone) else { return };
        let (verdict, session) = (Verdict::of(end, leg.rang), leg.session);
        leg.gone(step);
        if let End::Moved { to } = end {
            return self.moved(step, phone, session, to);
        }
        self.phone_failed(step, phone, session, verdict);
    }

    /// A phone sends the call elsewhere by its own forwarding key (3xx): for the whole extension, like a decline.
    fn moved(&mut self, step: &mut Step<'_>, phone: usize, session: Option<SessionId>, to: &[u8]) {
        let directory = Arc::clone(&step.desk.directory);
        let targets = |extension: &Extension| step.targets(extension, &self.line.username, &self.caller.flow);
        self.way.heed(step.desk.outgoing);
        let Some(found) = route::moved(&directory, &mut self.way, to, targets) else {
            return self.phone_failed(step, phone, session, Verdict::Failed(302));
        };
        self.phones.swap_remove(phone);
        if self.ringing.early == session {
            self.ringing.hush();
        }
        self.silence(step, Cause::Normal);
        self.proceed(step, found);
    }

    /// A phone answered what can't be used: we give it up.
    pub fn give_up(&mut self, step: &mut Step<'_>, phone: usize) {
        let Some(leg) = self.phones.get_mut(phone) else { return };
        let session = leg.session;
        leg.end(step, Cause::Failure);
        self.phone_failed(step, phone, session, Verdict::NoCodec);
    }

    fn phone_failed(
        &mut self,
        step: &mut Step<'_>,
        phone: usize,
        session: Option<SessionId>,
        verdict: Verdict,
    ) {
        self.phones.swap_remove(phone);
        if self.ringing.early == session {
            self.ringing.hush();
        }
        let verdict = self.ringing.verdict.map_or(verdict, |before| before.max(verdict));
        self.ringing.verdict = Some(verdict);
        if verdict == Verdict::Declined {
            self.silence(step, Cause::Normal);
        }
        if self.phones.is_empty() {
            self.round_over(step, verdict);
        }
    }

    /// The round's time is up.
    pub fn deadline(&mut self, step: &mut Step<'_>, deadline: Deadline) {
        if self.ringing.deadline != Some(deadline) || self.answered.is_some() {
            return;
        }
        // Phones of which nothing was heard at all are off, whatever their registrations say.
        let rang = self.phones.iter().any(|phone| phone.rang == Rang::Yes);
        let late = if rang { Verdict::NoAnswer } else { Verdict::Unreachable };
        let verdict = self.ringing.verdict.map_or(late, |before| before.max(late));
        self.silence(step, Cause::NoAnswer);
        self.round_over(step, verdict);
    }

    /// Ends all phones that ring.
    fn silence(&mut self, step: &mut Step<'_>, cause: Cause) {
        for mut phone in self.phones.drain(..) {
            phone.end(step, cause);
        }
        if self.ringing.early.is_some() {
            self.ringing.hush();
        }
    }

    fn round_over(&mut self, step: &mut Step<'_>, verdict: Verdict) {
        if let Some(deadline) = self.ringing.deadline.take() {
            step.desk.timers.call_off(deadline);
        }
        let here = self.way.here().cloned().unwrap_or_default();
        let directory = Arc::clone(&step.desk.directory);
        self.way.heed(step.desk.outgoing);
        let onward = verdict.attempt().and_then(|attempt| {
            let targets =
                |extension: &Extension| step.targets(extension, &self.line.username, &self.caller.flow);
            route::onward(&directory, &mut self.way, attempt, targets)
        });
        let Some(found) = onward else { return self.finish(verdict.outcome(&here)) };
        self.proceed(step, found);
    }

    /// The call goes on to somebody else, and the caller is told that it does.
    fn proceed(&mut self, step: &mut Step<'_>, found: Found) {
        if let Some(deadline) = self.ringing.deadline.take() {
            step.desk.timers.call_off(deadline);
        }
        if let (Found::Phones { .. }, Some(caller), Told::Nothing) =
            (&found, self.caller.session, self.ringing.told)
        {
            step.desk.stack.progress(step.now, caller, 181, None);
        }
        self.pursue(step, found);
    }

    /// The caller gave up.
    pub fn cancelled(&mut self, step: &mut Step<'_>) {
        self.caller.gone(step);
        let reason = format!("{} hung up", self.record.from);
        // Somebody may have answered while the 2xx waits for the caller's PRACK: then they have talked.
        let result = if self.answered.is_some() { CallResult::Answered } else { CallResult::Cancelled };
        self.finish(Outcome::ended(result, reason, Cause::Normal));
    }

    /// A phone has the call: every other one is told so.
    pub fn choose(&mut self, step: &mut Step<'_>, phone: usize) {
        if let Some(deadline) = self.ringing.deadline.take() {
            step.desk.timers.call_off(deadline);
        }
        if phone < self.phones.len() {
            self.phones.swap(0, phone);
        }
        for mut other in self.phones.drain(1..) {
            other.end(step, Cause::CompletedElsewhere);
        }
    }
}
