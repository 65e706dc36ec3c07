//! Offers inside a call (RFC 3264 section 8, RFC 6337): one side's new offer becomes ours to the other side, whose answer comes back.
//!
//! Hold and resume are this and nothing more. When both sides offer at once (glare) one of them is told to wait (491,
//! RFC 3261 section 14.2); a refusal goes back and the call stays as it was.

use bytes::Bytes;
use model::record::CallResult;
use sip::{Cause, Refusal, SessionId};

use crate::call::{Call, Which};
use crate::record::Outcome;
use crate::step::Step;
use crate::talk::{self, NoUse};

/// An offer under way inside a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reoffer {
    /// This side's, passed to the other one.
    Passed(Which),
    /// Ours to the caller, who was promised another phone's codecs; not sent before his ACK.
    Due,
    /// Ours to this side, sent; the other one waits for nothing.
    Ours(Which),
    /// Ours in the 2xx to a caller whose INVITE had none; his ACK brings the answer.
    Late,
    /// Ours in the 2xx to this side's re-INVITE without an offer; its ACK brings the answer.
    Asked(Which),
    /// Ours to a side that a transfer has joined anew.
    Renewed,
}

impl Call {
    /// One side makes an offer, or wants ours.
    pub fn reoffered(&mut self, step: &mut Step<'_>, which: Which, session: SessionId, offer: Option<&[u8]>) {
        let busy = self.reoffer.is_some();
        let now = step.now;
        match (self.answered, which) {
            (None, Which::Caller) => return self.reoffered_early(step, session, offer),
            (None, Which::Phone(phone)) => return self.phone_reoffered(step, phone, session, offer),
            (Some(_), _) => {}
        }
        let Some((side, other)) = self.sides(which).filter(|_| !busy) else {
            return step.desk.stack.refuse_reoffer(now, session, Refusal::new(491));
        };
        let Some(offer) = offer else {
            return self.asked(step, which, session);
        };
        if side.talk.said_before(offer) {
            // A refresh: nothing changes, and the other side need not be asked.
            return match talk::agree(step, side, other) {
                Ok(answer) => step.desk.stack.accept_reoffer(now, session, answer),
                Err(_) => step.desk.stack.refuse_reoffer(now, session, Refusal::new(488)),
            };
        }
        let ours = side.talk.offered(offer).and_then(|()| other.talk.offer(&side.talk));
        let passed = match (ours, other.session) {
            (Ok(ours), Some(peer)) => step.desk.stack.reoffer(now, peer, ours).map_err(|_| 491),
            (Ok(_), None) | (Err(_), _) => Err(488),
        };
        match passed {
            Ok(()) => self.reoffer = Some(Reoffer::Passed(which)),
            Err(status) => {
                side.talk.roll_back();
                other.talk.roll_back();
                step.desk.stack.refuse_reoffer(now, session, Refusal::new(status));
            }
        }
    }

    /// One side's re-INVITE has no offer: it gets ours at once, made from what the other side said last. Asking the other
    /// side first would be more exact and less sure: it may be slow, or dislike re-INVITEs without an offer itself.
    fn asked(&mut self, step: &mut Step<'_>, which: Which, session: SessionId) {
        let Some((side, other)) = self.sides(which) else { return };
        match side.talk.offer_all(&other.talk) {
            Ok(ours) => {
                self.reoffer = Some(Reoffer::Asked(which));
                step.desk.stack.accept_reoffer(step.now, session, ours);
            }
            Err(_) => {
                side.talk.roll_back();
                step.desk.stack.refuse_reoffer(step.now, session, Refusal::new(488));
            }
        }
    }

    /// The other side answered.
    pub fn reoffer_answered(&mut self, step: &mut Step<'_>, from: Which, answer: Option<Bytes>) {
        let Some(reoffer) = self.reoffer.take() else { return self.renew_next(step) };
        let Some((answerer, offerer)) = self.sides(from) else { return };
        let agreed = match answer.map(|answer| answerer.talk.answered(&answer)) {
            Some(Ok(())) if matches!(reoffer, Reoffer::Ours(_) | Reoffer::Renewed) => {
                talk::align(step, offerer, answerer).map(|()| None)
            }
            Some(Ok(())) => talk::agree(step, offerer, answerer).map(Some),
            Some(Err(no_use)) => Err(no_use),
            None => Err(NoUse),
        };
        match (agreed, offerer.session) {
            (Ok(Some(body)), Some(session)) => step.desk.stack.accept_reoffer(step.now, session, body),
            (Ok(_), _) if reoffer == Reoffer::Renewed => self.renewed(),
            (Ok(_), _) => {}
            (Err(_), _) => {
                // He lives with an offer that the other side can't: there is no way back to what both had.
                self.reoffer_refused(step, from, reoffer, 488);
                let reason = "an answer inside the call could not be used";
                self.finish(Outcome::ended(CallResult::Answered, reason, Cause::Failure));
            }
        }
        self.renew_next(step);
    }

    /// The other side refused: so do we, and the call stays as it was.
    pub fn reoffer_failed(&mut self, step: &mut Step<'_>, from: Which, status: u16) {
        if let Some(reoffer) = self.reoffer.take() {
            self.reoffer_refused(step, from, reoffer, status);
            if reoffer == Reoffer::Renewed {
                self.renewal_refused(from, status);
            }
        }
        self.renew_next(step);
    }

    fn reoffer_refused(&mut self, step: &mut Step<'_>, from: Which, reoffer: Reoffer, status: u16) {
        let Some((answerer, offerer)) = self.sides(from) else { return };
        answerer.talk.roll_back();
        if let (Reoffer::Passed(_), Some(session)) = (reoffer, offerer.session) {
            offerer.talk.roll_back();
            let status = if matches!(status, 415 | 488 | 491 | 500 | 503 | 606) { status } else { 488 };
            step.desk.stack.refuse_reoffer(step.now, session, Refusal::new(status));
        }
    }

    /// An ACK to a 2xx of ours is here, with the answer if the offer was ours.
    pub fn confirmed(&mut self, step: &mut Step<'_>, which: Which, answer: Option<&[u8]>) {
        match (self.reoffer, which) {
            (Some(Reoffer::Late), Which::Caller) => self.late_answer(step, answer),
            (Some(Reoffer::Asked(asked)), which) if asked == which => self.asked_answer(step, which, answer),
            (Some(Reoffer::Due), Which::Caller) => {
                self.reoffer = None;
                self.tell(step, Which::Caller);
            }
            _ => {}
        }
    }

    /// The caller answers the offer that his INVITE did not make: only now can the two talk.
    pub fn late_answer(&mut self, step: &mut Step<'_>, answer: Option<&[u8]>) {
        self.reoffer = None;
        let Some((caller, phone)) = self.sides(Which::Caller) else { return };
        let agreed = match answer.map(|answer| caller.talk.answered(answer)) {
            None => Err("the caller's ACK had no answer to our offer"),
            Some(Err(NoUse)) => Err("the caller's answer to our offer could not be used"),
            Some(Ok(())) => {
                talk::align(step, phone, caller).map_err(|NoUse| "no common codec with the caller")
            }
        };
        if let Err(reason) = agreed {
            self.finish(Outcome::ended(CallResult::Failed, reason, Cause::Failure));
        }
    }

    /// A side answers the offer that it asked for. If it has changed its mind about hold, the other one is told.
    fn asked_answer(&mut self, step: &mut Step<'_>, which: Which, answer: Option<&[u8]>) {
        self.reoffer = None;
        let Some((side, other)) = self.sides(which) else { return };
        let Some(answer) = answer else {
            // It wanted nothing but to know that we are there.
            return side.talk.roll_back();
        };
        let agreed = side.talk.answered(answer).and_then(|()| talk::align(step, other, side));
        if agreed.is_err() {
            let reason = "an answer inside the call could not be used";
            return self.finish(Outcome::ended(CallResult::Answered, reason, Cause::Failure));
        }
        if !other.talk.knows(&side.talk) {
            self.tell(step, which.across());
        }
    }

    /// A side's session wants to be refreshed by a re-INVITE: it is told again what it was told last.
    pub fn refresh(&mut self, step: &mut Step<'_>, which: Which) {
        if self.reoffer.is_some() {
            return;
        }
        let Some((side, _)) = self.sides(which) else { return };
        let (Some(session), Some(ours)) = (side.session, side.talk.again()) else { return };
        if step.desk.stack.reoffer(step.now, session, ours).is_ok() {
            self.reoffer = Some(Reoffer::Ours(which));
        }
    }

    /// Offers to one side what the other one said last.
    fn tell(&mut self, step: &mut Step<'_>, which: Which) {
        let Some((side, other)) = self.sides(which) else { return };
        let (Some(session), Ok(ours)) = (side.session, side.talk.offer(&other.talk)) else { return };
        match step.desk.stack.reoffer(step.now, session, ours) {
            Ok(()) => self.reoffer = Some(Reoffer::Ours(which)),
            // An offer of its own is under way, and will settle it.
            Err(_) => side.talk.roll_back(),
        }
    }
}
