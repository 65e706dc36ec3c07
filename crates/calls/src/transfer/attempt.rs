//! The call that rings the target of a transfer. Where its caller will be stands the transferee's stand-in: a leg with
//! media of its own and with what he can speak, but without a session. Forwarding, ring time and all else is as ever.

use model::record::CallResult;
use sip::{Cause, Progress};

use super::{Errand, Order, Role, Transfer};
use crate::call::{Call, Which};
use crate::identity;
use crate::incoming::Room;
use crate::leg::Leg;
use crate::record::{self, Outcome};
use crate::ring::{Rang, Ringing, Told};
use crate::route::{self, Way};
use crate::step::Step;
use crate::talk;

/// The target rings.
pub(super) const RINGS: Progress = Progress { status: 180, phrase: None };

impl Call {
    /// Begins the call to a transfer's target; `outcome` is set if that came to nothing.
    pub fn attempt(step: &mut Step<'_>, order: Order, room: Room) -> Call {
        let directory = std::sync::Arc::clone(&step.desk.directory);
        let (_, to) = route::dialled(&directory, &order.dialled);
        let caller = Leg::standing_in(order.line.extension.clone(), order.nat, order.flow, order.talk);
        let mut call = Call {
            id: order.attempt,
            record: record::blank(order.attempt, order.from.user.clone(), to, step.now.wall),
            from: order.from,
            presentation: order.presentation,
            line: order.line,
            caller,
            phones: Vec::new(),
            way: Way::new(order.hops),
            ringing: Ringing::default(),
            answered: None,
            reoffer: None,
            shown: Vec::new(),
            transfer: Transfer {
                role: Role::Attempt(order.origin),
                by: Some(order.by),
                referrer: order.referrer,
                ..Transfer::default()
            },
            outcome: (room == Room::Full).then(|| Outcome::full("Too many calls")),
        };
        record::begin(step, &call);
        if call.outcome.is_none() {
            call.dial(step, &order.dialled);
        }
        if call.outcome.is_some() {
            record::note(step, &mut call);
        }
        call
    }

    /// Whether this call rings a transfer's target.
    pub fn is_attempt(&self) -> bool {
        self.transfer.is_attempt()
    }

    /// A phone of the target says how far it is.
    pub fn target_progress(&mut self, step: &mut Step<'_>, phone: usize, status: u16) {
        let Role::Attempt(origin) = self.transfer.role else { return };
        let Some(leg) = self.phones.get_mut(phone) else { return };
        if status == 180 {
            leg.rang = Rang::Yes;
        }
        // Early media is nobody's: the transferee is still in his old call.
        if self.ringing.told == Told::Nothing && matches!(status, 180 | 183) {
            self.ringing.told = Told::Ringing;
            step.desk.errands.push_back(Errand::Rings { origin });
        }
    }

    /// A phone of the target answered.
    pub fn target_answered(&mut self, step: &mut Step<'_>, phone: usize, answer: Option<&[u8]>) {
        let Role::Attempt(origin) = self.transfer.role else { return };
        let Some(leg) = self.phones.get_mut(phone) else { return };
        let described =
            leg.talk.has_offered() || answer.is_some_and(|answer| leg.talk.answered(answer).is_ok());
        if !described || talk::promise(&mut self.caller, leg).is_err() {
            return self.give_up(step, phone);
        }
        self.choose(step, phone);
        self.answered = Some(step.now.mono);
        self.record.answered = Some(step.now.wall);
        step.desk.errands.push_back(Errand::Answered { origin, attempt: self.id });
        record::note(step, self);
    }

    /// The transferee takes the place of his stand-in; `None`: he has hung up meanwhile.
    pub fn take_over(&mut self, step: &mut Step<'_>, leg: Option<Leg>) {
        self.transfer.role = Role::Bystander;
        let Some(mut leg) = leg else {
            let reason = format!("{} hung up", self.record.from);
            return self.finish(Outcome::ended(CallResult::Cancelled, reason, Cause::Normal));
        };
        let stand_in =
            std::mem::replace(&mut self.caller, Leg::of_phone(leg.extension.clone(), leg.nat, leg.flow));
        leg.take_place(step, stand_in, self.id);
        if let (Some(session), Some(target)) = (leg.session, self.phones.first()) {
            identity::show(step, session, &target.extension);
        }
        self.caller = leg;
        self.renew(step, Which::Caller);
        if let Some(presentation) = self.transfer.unannounced.take() {
            self.introduce(step, Which::Caller, presentation);
            self.renew(step, Which::Phone(0));
        }
    }

    /// The origin is over before the target answered.
    pub fn abandoned(&mut self, reason: &str) {
        if self.is_attempt() {
            self.transfer.role = Role::Bystander;
            self.finish(Outcome::ended(CallResult::Cancelled, reason, Cause::Normal));
        }
    }
}
