//! Offers of ours after legs were joined anew: each side learns where its media goes now and what is spoken there, and
//! nobody stays on hold.
//!
//! One offer at a time; what can't be sent because another is under way is tried again.

use std::time::Duration;

use model::record::CallResult;
use sip::Cause;

use crate::bridge::Reoffer;
use crate::call::{Call, Which};
use crate::limits::MAX_RENEWALS;
use crate::record::Outcome;
use crate::step::Step;
use crate::timers::Deadline;

/// Between two tries. An offer of the phone's own takes a round trip or two.
const PAUSE: Duration = Duration::from_millis(500);

/// Offers that are due.
#[derive(Default)]
pub(crate) struct Renewal {
    sides: Vec<Which>,
    /// Legs were joined that have not heard each other yet.
    silent: bool,
    tries: u8,
    deadline: Option<Deadline>,
}

impl Call {
    /// This side needs an offer, after those before it.
    pub fn renew(&mut self, step: &mut Step<'_>, which: Which) {
        if self.transfer.renewal.sides.is_empty() {
            self.transfer.renewal.tries = 0;
        }
        self.transfer.renewal.sides.push(which);
        self.transfer.renewal.silent = true;
        self.renew_next(step);
    }

    /// An offer has its end: the next one may go.
    pub fn renew_next(&mut self, step: &mut Step<'_>) {
        self.call_off_renewal(step);
        let Some(which) = self.transfer.renewal.sides.first().copied() else { return };
        if self.offer_anew(step, which) {
            self.transfer.renewal.sides.remove(0);
            return;
        }
        let tries = self.transfer.renewal.tries.saturating_add(1);
        self.transfer.renewal.tries = tries;
        if tries > MAX_RENEWALS {
            // The phone keeps an offer of its own under way for ever: what was agreed must do, if it did before.
            self.transfer.renewal.sides.clear();
            if self.transfer.renewal.silent {
                let reason = "a phone took no offer for the media of its new partner";
                self.finish(Outcome::ended(CallResult::Answered, reason, Cause::Failure));
            }
            return;
        }
        self.transfer.renewal.deadline = Some(step.desk.timers.set(step.now.mono.after(PAUSE), self.id));
    }

    /// False: it can't be sent now.
    fn offer_anew(&mut self, step: &mut Step<'_>, which: Which) -> bool {
        let busy = self.reoffer.is_some();
        let Some((side, other)) = self.sides(which) else { return true };
        let Some(session) = side.session else { return true };
        if busy {
            return false;
        }
        let Ok(ours) = side.talk.offer_all(&other.talk) else { return true };
        if step.desk.stack.reoffer(step.now, session, ours).is_err() {
            side.talk.roll_back();
            return false;
        }
        self.reoffer = Some(Reoffer::Renewed);
        true
    }

    /// An offer was answered: the two hear each other.
    pub fn renewed(&mut self) {
        self.transfer.renewal.silent = false;
    }

    /// A side refused: for now, or for good. Then the call lives on only if its sides have heard each other before.
    pub fn renewal_refused(&mut self, which: Which, status: u16) {
        let renewal = &mut self.transfer.renewal;
        if matches!(status, 491 | 500 | 503) {
            renewal.tries = renewal.tries.saturating_add(1);
            if renewal.tries <= MAX_RENEWALS {
                renewal.sides.insert(0, which);
                return;
            }
        }
        if renewal.silent {
            let reason = format!("a phone refused the media of its new partner ({status})");
            self.finish(Outcome::ended(CallResult::Answered, reason, Cause::Failure));
        }
    }

    pub(super) fn renewal_due(&mut self, step: &mut Step<'_>, deadline: Deadline) -> bool {
        if self.transfer.renewal.deadline != Some(deadline) {
            return false;
        }
        self.renew_next(step);
        true
    }

    pub(super) fn forget_renewals(&mut self, step: &mut Step<'_>) {
        self.call_off_renewal(step);
        self.transfer.renewal.sides.clear();
    }

    fn call_off_renewal(&mut self, step: &mut Step<'_>) {
        if let Some(deadline) = self.transfer.renewal.deadline.take() {
            step.desk.timers.call_off(deadline);
        }
    }
}
