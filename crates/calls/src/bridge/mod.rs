//! The answered call: two legs joined, until one of them hangs up.
//!
//! What one side says inside the call reaches the other: new offers (hold and resume), keys. Each leg answers from its
//! own offer/answer state. Not here: how the call got here (`ring`).

mod reoffer;

use bytes::Bytes;
use model::event::{self, Event};
use model::record::CallResult;
use sip::{Cause, End};

pub(crate) use reoffer::Reoffer;

use crate::call::{Call, Which};
use crate::identity;
use crate::limits::MAX_INFO;
use crate::record::{self, Outcome};
use crate::step::Step;
use crate::talk;

impl Call {
    /// A phone answered: the first one gets the call.
    pub fn answered(&mut self, step: &mut Step<'_>, phone: usize, answer: Option<&[u8]>) {
        if self.answered.is_some() {
            return;
        }
        if self.is_attempt() {
            return self.target_answered(step, phone, answer);
        }
        let (Some(leg), Some(caller)) = (self.phones.get_mut(phone), self.caller.session) else { return };
        let described =
            leg.talk.has_offered() || answer.is_some_and(|answer| leg.talk.answered(answer).is_ok());
        // Who called without an offer gets ours, and answers with his ACK; or has it already, and answers with his PRACK. What
        // he answered for one phone binds nobody else: for another he is made another offer after his ACK.
        let asked = self.caller.talk.is_undescribed();
        let late = asked || self.caller.talk.has_answered();
        let heard = self.ringing.is_heard(leg.session);
        let body = match (late, &self.ringing.promised) {
            _ if !described => None,
            (true, Some(offer)) if asked || !heard => Some(offer.clone()),
            (true, Some(offer)) => talk::align(step, &mut self.caller, leg).ok().map(|()| offer.clone()),
            (true, None) => self.caller.talk.offer(&leg.talk).ok(),
            (false, _) => talk::agree(step, &mut self.caller, leg).ok(),
        };
        let Some(body) = body else {
            return self.give_up(step, phone);
        };
        identity::show(step, caller, &leg.extension);
        self.choose(step, phone);
        self.answered = Some(step.now.mono);
        self.record.answered = Some(step.now.wall);
        self.reoffer = match self.ringing.promised.is_some() {
            true if late && !heard => Some(Reoffer::Due),
            _ if asked => Some(Reoffer::Late),
            _ => None,
        };
        match self.ringing.promised.take() {
            Some(promised) => {
                if promised != body {
                    self.reoffer = Some(Reoffer::Due);
                }
                step.desk.stack.accept(step.now, caller, promised);
            }
            None => step.desk.stack.accept(step.now, caller, body),
        }
        record::note(step, self);
    }

    /// An answered session is over, so the call is.
    pub fn ended(&mut self, step: &mut Step<'_>, which: Which, end: &End) {
        if self.referrer_left(step, which) {
            return;
        }
        let leg = match which {
            Which::Caller => &mut self.caller,
            Which::Phone(phone) => match self.phones.get_mut(phone) {
                Some(leg) => leg,
                None => return,
            },
        };
        leg.gone(step);
        let who = &leg.extension;
        let reason = match end {
            End::Bye => format!("{who} hung up"),
            End::Timeout => format!("the phone of {who} did not answer any more"),
            End::FlowClosed => format!("the connection of {who} was lost"),
            End::PeerForgot => format!("the phone of {who} has forgotten the call"),
            End::NotRefreshed => format!("session not refreshed by {who}"),
            // A 3xx ends nothing that was answered.
            End::Moved { .. } => format!("the phone of {who} moved"),
            End::Response { status, .. } => format!("the phone of {who} answered {status}"),
        };
        let result = if self.answered.is_some() { CallResult::Answered } else { CallResult::Failed };
        self.finish(Outcome::ended(result, reason, Cause::Normal));
    }

    /// A key pressed, as phones send it by INFO, reaches the other side.
    pub fn info(&mut self, step: &mut Step<'_>, which: Which, content_type: &str, body: Bytes) {
        let Some((_, other)) = self.sides(which) else { return };
        if let Some(session) = other.session.filter(|_| body.len() <= MAX_INFO) {
            step.desk.stack.info(step.now, session, content_type, body);
        }
    }

    /// The relay says something of one of the legs.
    pub fn media(&mut self, step: &mut Step<'_>, shard: usize, event: &media::Event) {
        match *event {
            media::Event::Dead { leg, silent_for } => {
                let Some(side) = self.leg_at(shard, leg) else { return };
                let who = side.extension.clone();
                // Before the answer silence is a ringing phone's right.
                if self.answered.is_none() {
                    return;
                }
                let seconds = silent_for.as_secs();
                let dead = Event::new(&event::DEAD_MEDIA, step.now.wall)
                    .with("call", self.id)
                    .with("extension", &who)
                    .with("silent_for_s", seconds);
                step.tell(dead);
                let reason = format!("no media from {who} for {seconds} s");
                self.finish(Outcome::ended(CallResult::Answered, reason, Cause::DeadMedia));
            }
            media::Event::Refused { .. } => {
                step.tell(Event::new(&event::PORTS_EXHAUSTED, step.now.wall).with("call", self.id));
                self.finish(Outcome::full("No media port free"));
            }
            media::Event::Quality { leg, quality } => {
                if let Some(side) = self.leg_at(shard, leg) {
                    side.quality = Some(quality);
                }
            }
            media::Event::Foreign { leg, source } => {
                let Some(who) = self.leg_at(shard, leg).map(|side| side.extension.clone()) else { return };
                let foreign = Event::new(&event::MEDIA_INJECTED, step.now.wall)
                    .with("call", self.id)
                    .with("extension", &who)
                    .with("source", source);
                step.tell(foreign);
            }
            media::Event::Pinned { .. } | media::Event::Closed { .. } => {}
        }
    }
}
