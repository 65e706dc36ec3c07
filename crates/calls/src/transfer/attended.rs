//! Attended transfer: the referrer has called the target before, and has two calls with us. The transferee's leg takes the
//! place of the referrer's in the other call; if that one still rings, it becomes the attempt (semi-attended).

use media::PortSource;
use model::Now;
use model::record::CallResult;
use sip::{Cause, Presentation, Progress, Refusal, SessionId};

use super::attempt::RINGS;
use super::{Order, Role};
use crate::call::{Call, Which};
use crate::exchange::Exchange;
use crate::identity;
use crate::leg::Leg;
use crate::record::{self, Outcome};
use crate::step::Step;
use crate::talk;

/// What the other call is ready for.
pub(crate) enum Handover {
    /// It is answered: this leg is about to leave, its place is kept by the stand-in. And whether who comes wants to be shown.
    Answered(Which, Box<Leg>, Presentation),
    /// It rings, and has become the attempt.
    Rings,
    /// It can't be had, for this reason.
    Refused(Progress, &'static str),
}

fn refused(status: u16, reason: &'static str) -> Handover {
    Handover::Refused(Progress { status, phrase: None }, reason)
}

impl Exchange {
    /// Joins the transferee of `origin` with the other side of `with`, where the referrer's session is `leaving`.
    pub(super) fn join(
        &mut self,
        now: Now,
        (origin, with): (model::CallId, model::CallId),
        leaving: SessionId,
        order: Order,
        ports: &mut dyn PortSource,
    ) {
        let mut handover = refused(481, "the other call is over");
        self.step(now, ports, with, |call, step| handover = call.prepare(step, leaving, order));
        match handover {
            Handover::Answered(which, stand_in, comes) => {
                let mut leg = None;
                self.step(now, ports, origin, |call, step| leg = call.hand_over(step, with));
                self.step(now, ports, with, |call, step| {
                    call.replace(step, (which, comes), *stand_in, leg);
                });
            }
            Handover::Rings => self.step(now, ports, origin, |call, step| call.report(step, RINGS)),
            Handover::Refused(progress, reason) => self.step(now, ports, origin, |call, step| {
                call.transfer_failed(step, with, progress, reason);
            }),
        }
    }
}

impl Call {
    /// Makes ready for the transferee.
    fn prepare(&mut self, step: &mut Step<'_>, leaving: SessionId, order: Order) -> Handover {
        let Some(which) = self.which(leaving) else { return refused(481, "the other call is over") };
        if !matches!(self.transfer.role, Role::Bystander) {
            return refused(491, "the other call is being transferred");
        }
        let Order { by, line, from, presentation, referrer, flow, nat, talk, origin, .. } = order;
        let mut stand_in = Leg::standing_in(line.extension.clone(), nat, flow, talk);
        if stand_in.open(step, self.id).is_err() {
            return refused(503, "no media port is free");
        }
        if self.answered.is_none() {
            if which != Which::Caller {
                stand_in.gone(step);
                return refused(481, "the other call is not answered");
            }
            // Whom he called rings on; his own INVITE has its end (RFC 3891 section 3).
            let mut leaves = std::mem::replace(&mut self.caller, stand_in);
            if let Some(session) = leaves.session {
                step.desk.stack.refuse(step.now, session, Refusal::because(487, "Transferred"));
            }
            leaves.gone(step);
            self.ringing.promised = None;
            self.transfer.story = Some(format!("{} in place of {by}", from.user));
            (self.line, self.from, self.presentation) = (line, from, presentation);
            (self.transfer.by, self.transfer.referrer) = (Some(by), referrer);
            self.transfer.unannounced = Some(presentation);
            self.transfer.role = Role::Attempt(origin);
            record::note(step, self);
            return Handover::Rings;
        }
        self.drop_reoffer(step);
        let joined = self.sides(which).map(|(_, other)| talk::promise(&mut stand_in, other));
        if !matches!(joined, Some(Ok(()))) {
            stand_in.gone(step);
            return refused(488, "no common codec");
        }
        self.transfer.by = Some(by);
        if which == Which::Caller {
            self.presentation = presentation;
        }
        Handover::Answered(which, Box::new(stand_in), presentation)
    }

    /// The transferee's leg takes the place of one that leaves.
    fn replace(
        &mut self,
        step: &mut Step<'_>,
        (which, presentation): (Which, Presentation),
        mut stand_in: Leg,
        leg: Option<Leg>,
    ) {
        let Some(mut leg) = leg else {
            stand_in.gone(step);
            let reason = "who was transferred hung up";
            return self.finish(Outcome::ended(CallResult::Answered, reason, Cause::Normal));
        };
        leg.take_place(step, stand_in, self.id);
        let Some((slot, _)) = self.sides(which) else { return leg.end(step, Cause::Failure) };
        let (comes, other) = (
            leg.extension.clone(),
            match which {
                Which::Caller => Which::Phone(0),
                Which::Phone(_) => Which::Caller,
            },
        );
        let mut leaves = std::mem::replace(slot, leg);
        self.transfer.story = Some(format!("{comes} in place of {}", leaves.extension));
        leaves.end(step, Cause::Normal);
        self.introduce(step, which, presentation);
        self.renew(step, which);
        self.renew(step, other);
        record::note(step, self);
    }

    /// Somebody has come to this side: both phones show who is at the other one now, as far as he wants to be shown. The
    /// offers that are due carry it.
    pub(super) fn introduce(&mut self, step: &mut Step<'_>, which: Which, comes: Presentation) {
        let stays = match which {
            Which::Caller => Presentation::Shown,
            Which::Phone(_) => self.presentation,
        };
        let Some((newcomer, other)) = self.sides(which) else { return };
        let (newcomer, other) = (&*newcomer, &*other);
        for (presentation, who, to) in [(comes, newcomer, other), (stays, other, newcomer)] {
            if let (Presentation::Shown, Some(session)) = (presentation, to.session) {
                identity::show(step, session, &who.extension);
            }
        }
    }
}
