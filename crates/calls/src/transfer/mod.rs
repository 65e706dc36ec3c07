//! Transfer: one side of an answered call (the referrer) has the other (the transferee) connected with somebody else.
//!
//! A transfer is a call of its own: the *attempt* rings the target like any call, with a stand-in where its caller will
//! be, and has its own record. The *origin*, the call in which the REFER came, stays as it is until the target answers;
//! then the transferee's leg moves into the attempt, and the origin ends. So a failed transfer leaves nothing to undo.
//!
//! Calls never touch each other: what one has to say to another is an [`Errand`], which the exchange delivers between two
//! steps (`errand`). One file for each part: `origin`, `attempt`, `attended`, `taken` (a call goes on at another phone), `renew` (offers after legs were joined anew). Not
//! here: REFER and NOTIFY themselves (`sip`).

mod attempt;
mod attended;
mod errand;
mod origin;
mod renew;
mod taken;

use std::sync::Arc;

use model::CallId;
use model::Flow;
use model::directory::{Line, Nat};
use sip::{Party, Presentation, Progress, SessionId};

pub(crate) use origin::Origin;
pub(crate) use renew::Renewal;

use crate::call::Call;
use crate::record::Outcome;
use crate::step::Step;
use crate::talk::Talk;
use crate::timers::Deadline;

/// What a call knows of transfers.
#[derive(Default)]
pub(crate) struct Transfer {
    pub role: Role,
    /// Whose permission counts for this call, and who is named in Referred-By: the extension that transferred it
    /// (SPEC R4.12). `None`: the caller's own.
    pub by: Option<Arc<str>>,
    /// Whether that extension wants to be shown: Referred-By names it only then.
    pub referrer: Presentation,
    /// The phones that ring were shown who called them before he transferred: the one that answers is shown the newcomer then,
    /// if he wants to be.
    pub unannounced: Option<Presentation>,
    /// What history adds to the route: who came in whose place.
    pub story: Option<String>,
    /// Offers that are due because legs were joined anew.
    pub renewal: Renewal,
}

/// The part that a call has in a transfer.
#[derive(Default)]
pub(crate) enum Role {
    /// None.
    #[default]
    Bystander,
    /// The REFER came in it.
    Origin(Origin),
    /// It rings the target; this is the origin.
    Attempt(CallId),
}

/// What calls have to say to each other.
pub(crate) enum Errand {
    /// Connect somebody's transferee: begin that call.
    Begin(Box<Order>),
    /// Join the transferee of `origin` with the other side of `with`, in which the referrer's session is `leaving`.
    Join { origin: CallId, with: CallId, leaving: SessionId, order: Box<Order> },
    /// An attempt rings.
    Rings { origin: CallId },
    /// An attempt was answered.
    Answered { origin: CallId, attempt: CallId },
    /// An attempt came to nothing.
    Failed { origin: CallId, attempt: CallId, progress: Progress, reason: String },
    /// The origin of an attempt is over.
    Abandoned { attempt: CallId, reason: String },
}

/// Whom to connect with whom.
pub(crate) struct Order {
    /// The attempt's id.
    pub attempt: CallId,
    pub origin: CallId,
    pub by: Arc<str>,
    /// The transferee's line.
    pub line: Arc<Line>,
    pub from: Party,
    /// Whether he wants to be shown.
    pub presentation: Presentation,
    /// Whether who transferred wants to be.
    pub referrer: Presentation,
    pub flow: Flow,
    pub nat: Nat,
    /// What the transferee can speak.
    pub talk: Talk,
    pub dialled: Vec<u8>,
    pub hops: u8,
}

impl Transfer {
    /// Whether the call rings a transfer's target.
    pub fn is_attempt(&self) -> bool {
        matches!(self.role, Role::Attempt(_))
    }

    /// The extension that phones are told transferred the call, if it does not withhold itself.
    pub fn shown_referrer(&self) -> Option<Arc<str>> {
        self.by.clone().filter(|_| self.referrer == Presentation::Shown)
    }
}

impl Call {
    /// The route as history shows it.
    pub fn route(&self) -> String {
        let way = self.way.text();
        let by = self.transfer.by.as_ref().map(|by| format!("transferred by {by}"));
        let parts = [by, Some(way).filter(|way| !way.is_empty()), self.transfer.story.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" > ")
    }

    /// A deadline came, of whatever part of the call.
    pub fn due(&mut self, step: &mut Step<'_>, deadline: Deadline) {
        if !self.parting_due(deadline) && !self.renewal_due(step, deadline) {
            self.deadline(step, deadline);
        }
    }

    /// The call ends: its other half is told, and nothing is left of its deadlines.
    pub fn leave_transfer(&mut self, step: &mut Step<'_>, outcome: &Outcome) {
        self.forget_renewals(step);
        match std::mem::take(&mut self.transfer.role) {
            Role::Bystander => {}
            Role::Origin(origin) => origin.close(step, outcome),
            Role::Attempt(origin) => {
                let progress = outcome.refusal.map_or(Progress { status: 487, phrase: None }, |refusal| {
                    Progress { status: refusal.status, phrase: refusal.phrase }
                });
                let reason = outcome.reason.clone();
                step.desk.errands.push_back(Errand::Failed { origin, attempt: self.id, progress, reason });
            }
        }
    }
}
