//! Media before the answer: what a phone plays while it rings, for callers who made an offer and for those who made none, and
//! the offers that both sides may make meanwhile (UPDATE, PRACK).
//!
//! A caller without an offer is made ours in a provisional response that he acknowledges, and answers with his PRACK (RFC
//! 3262 section 5); one who does not know PRACK hears nothing before the answer. Not here: how far the phones are (`ring`).

use std::time::Duration;

use bytes::Bytes;
use sip::{Refusal, SessionId};

use super::Told;
use crate::bridge::Reoffer;
use crate::call::Call;
use crate::identity;
use crate::record::Outcome;
use crate::step::Step;
use crate::talk;

/// When a phone may offer again that nobody hears: people answer, or don't, in this order of time.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Call {
    /// Lets the caller hear what a phone plays before it answers. False: he can't, or its description makes no sense.
    pub(super) fn early_media(&mut self, step: &mut Step<'_>, phone: usize, answer: &[u8]) -> bool {
        let Some(leg) = self.phones.get_mut(phone) else { return false };
        let (Some(caller), Some(session)) = (self.caller.session, leg.session) else { return false };
        let late = self.caller.talk.is_undescribed();
        // One offer at a time, and none that might get lost.
        let may = !late || (self.ringing.promised.is_none() && step.desk.stack.takes_early_offer(caller));
        if !may || leg.talk.answered(answer).is_err() {
            return false;
        }
        let body: Result<Bytes, _> = match late {
            true => self.caller.talk.offer(&leg.talk),
            false => talk::agree(step, &mut self.caller, leg),
        };
        let Ok(body) = body else { return false };
        self.ringing.early = Some(session);
        self.ringing.told = Told::EarlyMedia;
        identity::show(step, caller, &leg.extension);
        let body = self.ringing.promised.get_or_insert(body).clone();
        step.desk.stack.progress(step.now, caller, 183, Some(body));
        true
    }

    /// The caller answers the offer that he was made before the answer: only now can he hear the phone.
    pub fn early_answered(&mut self, step: &mut Step<'_>, answer: &[u8]) {
        if self.reoffer == Some(Reoffer::Late) {
            return self.late_answer(step, Some(answer));
        }
        if self.caller.talk.answered(answer).is_err() {
            return self.finish(Outcome::no_codec());
        }
        // If another phone was picked up meanwhile the caller is made an offer for that one after his ACK.
        let early = self.ringing.early;
        let phone = self.phones.iter_mut().find(|phone| early.is_some() && phone.session == early);
        if let Some(phone) = phone.filter(|_| self.answered.is_none())
            && talk::align(step, phone, &mut self.caller).is_err()
        {
            self.finish(Outcome::no_codec());
        }
    }

    /// The caller, who hears early media, makes another offer (UPDATE, PRACK): it is answered from what the phone said. The
    /// phone itself hears of it when it answers.
    pub fn reoffered_early(&mut self, step: &mut Step<'_>, session: SessionId, offer: Option<&[u8]>) {
        let early = self.ringing.early;
        let phone = self.phones.iter_mut().find(|phone| early.is_some() && phone.session == early);
        let agreed = match (phone, offer.map(|offer| self.caller.talk.offered(offer))) {
            (Some(phone), Some(Ok(()))) => talk::agree(step, &mut self.caller, phone).ok(),
            _ => None,
        };
        match agreed {
            Some(answer) => {
                self.ringing.promised = Some(answer.clone());
                step.desk.stack.accept_reoffer(step.now, session, answer);
            }
            None => {
                self.caller.talk.roll_back();
                step.desk.stack.refuse_reoffer(step.now, session, Refusal::new(488));
            }
        }
    }

    /// A phone that rings makes an offer (UPDATE): answered from what the caller said, whose side stays as it is: our port to
    /// him does not change, and what he may hear he hears. Only the phone that he hears may; the others wait.
    pub fn phone_reoffered(
        &mut self,
        step: &mut Step<'_>,
        phone: usize,
        session: SessionId,
        offer: Option<&[u8]>,
    ) {
        let heard = self.ringing.is_heard(Some(session)) && !self.caller.talk.is_undescribed();
        let (Some(leg), Some(offer)) = (self.phones.get_mut(phone), offer) else { return };
        if !heard || self.transfer.is_attempt() {
            let phrase = Some("Not heard yet");
            let wait = Refusal { status: 500, phrase, retry_after: Some(RETRY_AFTER) };
            return step.desk.stack.refuse_reoffer(step.now, session, wait);
        }
        let agreed = leg.talk.offered(offer).and_then(|()| talk::agree(step, leg, &mut self.caller));
        match agreed {
            Ok(answer) => step.desk.stack.accept_reoffer(step.now, session, answer),
            Err(_) => {
                leg.talk.roll_back();
                step.desk.stack.refuse_reoffer(step.now, session, Refusal::new(488));
            }
        }
    }
}
