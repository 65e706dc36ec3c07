//! A call: what one person dialled once, from the first INVITE to its record.
//!
//! Only the state is here, and what all parts of it need. What happens to it: `incoming`, `ring`, `bridge`; how it
//! ends: `record`.

use std::sync::Arc;

use model::directory::Line;
use model::record::CallRecord;
use model::{CallId, Mono};
use sip::{Party, Presentation, SessionId};

use crate::bridge::Reoffer;
use crate::lamps::Part;
use crate::leg::Leg;
use crate::record::Outcome;
use crate::ring::Ringing;
use crate::route::Way;
use crate::step::Step;
use crate::transfer::Transfer;

pub(crate) struct Call {
    pub id: CallId,
    /// The line that calls.
    pub line: Arc<Line>,
    /// Who calls, as phones are shown it.
    pub from: Party,
    /// Whether he lets himself be shown.
    pub presentation: Presentation,
    pub caller: Leg,
    /// The phones that ring; once one has answered, that one alone.
    pub phones: Vec<Leg>,
    pub way: Way,
    pub record: CallRecord,
    pub ringing: Ringing,
    /// When it was answered.
    pub answered: Option<Mono>,
    /// The offer that is under way between the two sides.
    pub reoffer: Option<Reoffer>,
    /// Whom it engages, as lamps show it.
    pub shown: Vec<Part>,
    /// Its part in a transfer.
    pub transfer: Transfer,
    /// How it ends. Once this is set the exchange ends whatever is left of the call, in the same step.
    pub outcome: Option<Outcome>,
}

/// One of a call's legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Caller,
    /// Index in `phones`.
    Phone(usize),
}

impl Which {
    /// The other side of an answered call.
    pub fn across(self) -> Which {
        match self {
            Which::Caller => Which::Phone(0),
            Which::Phone(_) => Which::Caller,
        }
    }
}

impl Call {
    /// The call ends like this, unless it has ended already.
    pub fn finish(&mut self, outcome: Outcome) {
        if self.outcome.is_none() {
            self.outcome = Some(outcome);
        }
    }

    /// Which leg a session is.
    pub fn which(&self, session: SessionId) -> Option<Which> {
        if self.caller.session == Some(session) {
            return Some(Which::Caller);
        }
        self.phones.iter().position(|leg| leg.session == Some(session)).map(Which::Phone)
    }

    /// The phone of a leg may have moved: its signalling comes over the session's flow now.
    pub fn follow(&mut self, step: &mut Step<'_>, which: Which, session: SessionId) {
        let leg = match which {
            Which::Caller => Some(&mut self.caller),
            Which::Phone(phone) => self.phones.get_mut(phone),
        };
        if let (Some(leg), Some(flow)) = (leg, step.desk.stack.flow(session)) {
            leg.follow(step, flow);
        }
    }

    /// The leg, and the one it is bridged with once the call is answered.
    pub fn sides(&mut self, which: Which) -> Option<(&mut Leg, &mut Leg)> {
        self.answered?;
        let phone = self.phones.first_mut()?;
        match which {
            Which::Caller => Some((&mut self.caller, phone)),
            Which::Phone(0) => Some((phone, &mut self.caller)),
            Which::Phone(_) => None,
        }
    }

    /// The leg with this place in the relay.
    pub fn leg_at(&mut self, shard: usize, leg: media::LegId) -> Option<&mut Leg> {
        let here = |side: &&mut Leg| side.place.is_some_and(|place| place.shard == shard && place.leg == leg);
        std::iter::once(&mut self.caller).chain(&mut self.phones).find(here)
    }

    /// Ends what is left of every leg, as `outcome` says. The exchange calls this, once.
    pub fn hang_up(&mut self, step: &mut Step<'_>, outcome: &Outcome) {
        self.leave_transfer(step, outcome);
        if let Some(deadline) = self.ringing.deadline.take() {
            step.desk.timers.call_off(deadline);
        }
        for phone in &mut self.phones {
            phone.end(step, outcome.cause);
        }
        if self.answered.is_none()
            && let (Some(session), Some(refusal)) = (self.caller.session, outcome.refusal)
        {
            step.desk.stack.refuse(step.now, session, refusal);
            self.caller.gone(step);
        }
        self.caller.end(step, outcome.cause);
    }
}
