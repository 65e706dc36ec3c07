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
    /// The same, sent.
    Sent,
}

impl Call {
    /// One side makes an offer, or wants ours.
    pub fn reoffered(&mut self, step: &mut Step<'_>, which: Which, session: SessionId, offer: Option<&[u8]>) {
        let busy = self.reoffer.is_some();
        let now = step.now;
        let Some((side, other)) = self.sides(which).filter(|_| !busy) else {
            return step.desk.stack.refuse_reoffer(now, session, Refusal::new(491));
        };
        let Some(offer) = offer else {
            // Its answer would come with the ACK, which nobody reads before late offers do.
            let refusal = Refusal::because(488, "Offer expected in INVITE");
            return step.desk.stack.refuse_reoffer(now, session, refusal);
        };
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

    /// The other side answered.
    pub fn reoffer_answered(&mut self, step: &mut Step<'_>, from: Which, answer: Option<Bytes>) {
        let Some(reoffer) = self.reoffer.take() else { return };
        let Some((answerer, offerer)) = self.sides(from) else { return };
        let agreed = match answer.map(|answer| answerer.talk.answered(&answer)) {
            Some(Ok(())) if reoffer == Reoffer::Sent => talk::align(step, offerer, answerer).map(|()| None),
            Some(Ok(())) => talk::agree(step, offerer, answerer).map(Some),
            Some(Err(no_use)) => Err(no_use),
            None => Err(NoUse),
        };
        match (agreed, offerer.session) {
            (Ok(Some(body)), Some(session)) => step.desk.stack.accept_reoffer(step.now, session, body),
            (Ok(_), _) => {}
            (Err(_), _) => {
                // He lives with an offer that the other side can't: there is no way back to what both had.
                self.reoffer_refused(step, from, reoffer, 488);
                let reason = "an answer inside the call could not be used";
                self.finish(Outcome::ended(CallResult::Answered, reason, Cause::Failure));
            }
        }
    }

    /// The other side refused: so do we, and the call stays as it was.
    pub fn reoffer_failed(&mut self, step: &mut Step<'_>, from: Which, status: u16) {
        if let Some(reoffer) = self.reoffer.take() {
            self.reoffer_refused(step, from, reoffer, status);
        }
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

    /// The caller's ACK is here: if he was promised what the phone that answered does not speak, he gets an offer.
    pub fn confirmed(&mut self, step: &mut Step<'_>) {
        if self.reoffer != Some(Reoffer::Due) {
            return;
        }
        self.reoffer = None;
        let Some((caller, phone)) = self.sides(Which::Caller) else { return };
        let (Some(session), Ok(ours)) = (caller.session, caller.talk.offer(&phone.talk)) else { return };
        match step.desk.stack.reoffer(step.now, session, ours) {
            Ok(()) => self.reoffer = Some(Reoffer::Sent),
            // An offer of his own is under way, and will settle it.
            Err(_) => caller.talk.roll_back(),
        }
    }
}
