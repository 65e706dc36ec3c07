//! The call in which a REFER came: who may transfer, and what becomes of the call.

use std::sync::Arc;

use model::event::{self, Event};
use model::record::CallResult;
use model::{CallId, DialString};
use sip::{Cause, Presentation, Progress, Referral, Refusal, SessionId};

use super::{Errand, Order, Role};
use crate::bridge::Reoffer;
use crate::call::{Call, Which};
use crate::identity;
use crate::leg::Leg;
use crate::limits::PARTING;
use crate::record::Outcome;
use crate::route;
use crate::step::Step;
use crate::timers::Deadline;

/// A transfer out of this call.
pub(crate) struct Origin {
    /// Which leg sent the REFER; the other one is the transferee.
    pub referrer: Which,
    /// The call that rings the target.
    attempt: CallId,
    /// What was dialled, as history shows it.
    to: String,
    stage: Stage,
}

enum Stage {
    /// The target is called.
    Trying,
    /// The transferee has left with the target; the referrer's phone is given this long to hang up by itself.
    Parted(Option<Deadline>),
}

impl Origin {
    /// The call ends.
    pub fn close(self, step: &mut Step<'_>, outcome: &Outcome) {
        match self.stage {
            Stage::Trying => {
                let reason = outcome.reason.clone();
                step.desk.errands.push_back(Errand::Abandoned { attempt: self.attempt, reason });
            }
            Stage::Parted(Some(deadline)) => step.desk.timers.call_off(deadline),
            Stage::Parted(None) => {}
        }
    }
}

impl Call {
    /// One side wants the other connected with somebody else. The stack has seen to it that it is the dialog's own party.
    pub fn referred(&mut self, step: &mut Step<'_>, which: Which, session: SessionId, referral: Referral) {
        let order = match self.order(step, which, &referral) {
            Ok(order) => Box::new(order),
            Err(refusal) => return step.desk.stack.refuse_refer(step.now, session, refusal),
        };
        let handover = match referral.replaces {
            None => None,
            Some(replaces) => match step.desk.sessions.get(&replaces) {
                Some(with) if *with != self.id => Some((*with, replaces)),
                _ => {
                    let refusal = Refusal::because(403, "Replaces names no other call");
                    return step.desk.stack.refuse_refer(step.now, session, refusal);
                }
            },
        };
        step.desk.stack.accept_refer(step.now, session);
        let (_, to) = route::dialled(&step.desk.directory, &referral.dialled);
        let attempt = handover.map_or(order.attempt, |(with, _)| with);
        self.transfer.role = Role::Origin(Origin { referrer: which, attempt, to, stage: Stage::Trying });
        let origin = self.id;
        step.desk.errands.push_back(match handover {
            None => Errand::Begin(order),
            Some((with, leaving)) => Errand::Join { origin, with, leaving, order },
        });
    }

    /// Whom to connect with whom.
    fn order(&mut self, step: &mut Step<'_>, which: Which, referral: &Referral) -> Result<Order, Refusal> {
        if !matches!(self.transfer.role, Role::Bystander) {
            // The other side was quicker, or this one was before (RFC 3261 section 21.4.27: the same may be asked
            // again once the request under way has its end; 603 would say never).
            return Err(Refusal::new(491));
        }
        let (id, hops) = (self.id, self.way.hops_left());
        // Who called without showing himself does not show himself to the next one either.
        let (presentation, referrer_shown) = match which {
            Which::Phone(_) => (self.presentation, Presentation::default()),
            Which::Caller => (Presentation::default(), self.presentation),
        };
        let directory = Arc::clone(&step.desk.directory);
        let Some((referrer, transferee)) = self.sides(which) else {
            return Err(Refusal::because(403, "The call is not answered"));
        };
        let by = Arc::clone(&referrer.extension);
        if !directory.extensions.contains_key(&by) {
            return Err(Refusal::new(403));
        }
        let (found, _) = route::dialled(&directory, &referral.dialled);
        if found.is_none() && DialString::parse(&referral.dialled).is_err() {
            return Err(Refusal::because(404, "Refer-To names no number"));
        }
        let line = transferee.session.and_then(|session| step.desk.stack.line(session));
        let line = line.and_then(|line| directory.lines.get(&line).cloned());
        let Some(line) = line else { return Err(Refusal::because(480, "The other side is gone")) };
        Ok(Order {
            attempt: CallId(step.desk.mint.mint(step.now.wall)),
            origin: id,
            by,
            line,
            from: identity::party(&directory, &transferee.extension),
            presentation,
            referrer: referrer_shown,
            flow: transferee.flow,
            nat: transferee.nat,
            talk: transferee.talk.wishes(),
            dialled: referral.dialled.clone(),
            hops,
        })
    }

    /// The leg that sent the REFER.
    fn referrer(&mut self) -> Option<(&mut Origin, &mut Leg)> {
        let Role::Origin(origin) = &mut self.transfer.role else { return None };
        let leg = match origin.referrer {
            Which::Caller => &mut self.caller,
            Which::Phone(phone) => self.phones.get_mut(phone)?,
        };
        Some((origin, leg))
    }

    /// The target is called, rings, or is lost: who transferred is told.
    pub fn report(&mut self, step: &mut Step<'_>, progress: Progress) {
        if let Some((_, leg)) = self.referrer()
            && let Some(session) = leg.session
        {
            step.desk.stack.report_transfer(step.now, session, progress);
        }
    }

    /// The target could not be had: the call goes on as it was, or ends if who transferred has left it.
    pub fn transfer_failed(
        &mut self,
        step: &mut Step<'_>,
        attempt: CallId,
        progress: Progress,
        reason: &str,
    ) {
        let Some((origin, leg)) = self.referrer() else { return };
        if origin.attempt != attempt || !matches!(origin.stage, Stage::Trying) {
            return;
        }
        let (left, to) = (leg.session.is_none(), origin.to.clone());
        self.report(step, progress);
        let failed = Event::new(&event::TRANSFER_FAILED, step.now.wall)
            .with("call", self.id)
            .with("to", &to)
            .with("reason", reason);
        step.tell(failed);
        self.transfer.role = Role::Bystander;
        if left {
            let reason = format!("the transfer to {to} failed: {reason}");
            self.finish(Outcome::ended(CallResult::Answered, reason, Cause::TransferFailed));
        }
    }

    /// The target answered: the transferee's leg leaves this call. `None`: it is gone.
    pub fn hand_over(&mut self, step: &mut Step<'_>, attempt: CallId) -> Option<Leg> {
        let Role::Origin(origin) = &self.transfer.role else { return None };
        if origin.attempt != attempt || !matches!(origin.stage, Stage::Trying) {
            return None;
        }
        let referrer = origin.referrer;
        self.drop_reoffer(step);
        let (from, transferee) = self.sides(referrer)?;
        transferee.session?;
        let by = Arc::clone(&from.extension);
        let stays = from.session.is_some();
        let vacated = Leg::of_phone(Arc::clone(&transferee.extension), transferee.nat, transferee.flow);
        let leg = std::mem::replace(transferee, vacated);
        self.report(step, Progress { status: 200, phrase: None });
        let Role::Origin(origin) = &mut self.transfer.role else { return None };
        let deadline = stays.then(|| step.desk.timers.set(step.now.mono.after(PARTING), self.id));
        origin.stage = Stage::Parted(deadline);
        let transferred = Event::new(&event::CALL_TRANSFERRED, step.now.wall)
            .with("call", self.id)
            .with("by", &by)
            .with("who", &leg.extension)
            .with("to", &origin.to);
        self.transfer.story = Some(format!("{by} transferred {} to {}", leg.extension, origin.to));
        step.tell(transferred);
        if !stays {
            self.part();
        }
        Some(leg)
    }

    /// A side of the call is over. True: it was the referrer, whose transfer goes on without him.
    pub fn referrer_left(&mut self, step: &mut Step<'_>, which: Which) -> bool {
        let Some((origin, leg)) = self.referrer() else { return false };
        if origin.referrer != which {
            return false;
        }
        let parted = matches!(origin.stage, Stage::Parted(_));
        leg.gone(step);
        if parted {
            self.part();
        }
        true
    }

    /// The referrer's phone did not hang up by itself.
    pub(super) fn parting_due(&mut self, deadline: Deadline) -> bool {
        let Role::Origin(origin) = &mut self.transfer.role else { return false };
        let Stage::Parted(parted) = &mut origin.stage else { return false };
        if *parted != Some(deadline) {
            return false;
        }
        *parted = None;
        self.part();
        true
    }

    fn part(&mut self) {
        let reason = self.transfer.story.take().unwrap_or_default();
        self.finish(Outcome::ended(CallResult::Answered, reason, Cause::Normal));
    }

    /// An offer under way between legs that are parted now: whoever waits for its answer is told to try again.
    pub(super) fn drop_reoffer(&mut self, step: &mut Step<'_>) {
        let Some(Reoffer::Passed(which)) = self.reoffer.take() else { return };
        let Some((offerer, answerer)) = self.sides(which) else { return };
        offerer.talk.roll_back();
        answerer.talk.roll_back();
        if let Some(session) = offerer.session {
            step.desk.stack.refuse_reoffer(step.now, session, Refusal::new(491));
        }
    }
}
