//! What the refusals of phones mean for a call that rings at several (in the spirit of RFC 3261 section 16.7).

use std::sync::Arc;

use model::record::CallResult;
use sip::{End, Refusal};

use crate::record::Outcome;
use crate::route::Attempt;

/// Whether a phone had rung before it gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rang {
    /// Somebody could have heard it.
    Yes,
    /// It never said so.
    No,
}

/// What became of a phone that was called; the greater one says more about the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It can't be reached.
    Unreachable,
    /// It failed in a way of its own, with this status.
    Failed(u16),
    /// It understood, and has no codec in common with the caller.
    NoCodec,
    /// It rang, and nobody came.
    NoAnswer,
    /// It is busy.
    Busy,
    /// Somebody said no for the whole extension: the others need not ring on.
    Declined,
}

impl Verdict {
    /// What `end` says of a phone.
    pub fn of(end: &End, rang: Rang) -> Verdict {
        let End::Response { status, .. } = end else { return Verdict::Unreachable };
        match (*status, rang) {
            (486, _) => Verdict::Busy,
            (488 | 606 | 415, _) => Verdict::NoCodec,
            (600 | 603 | 607, _) => Verdict::Declined,
            // A phone's own ring timeout comes as one of these.
            (408 | 480 | 487, Rang::Yes) => Verdict::NoAnswer,
            (404 | 408 | 410 | 430 | 480 | 481 | 487 | 502 | 503 | 504, _) => Verdict::Unreachable,
            (status, _) => Verdict::Failed(status),
        }
    }

    /// Which forwarding it asks for.
    pub fn attempt(self) -> Option<Attempt> {
        match self {
            Verdict::Busy | Verdict::Declined => Some(Attempt::Busy),
            Verdict::NoAnswer => Some(Attempt::NoAnswer),
            Verdict::Unreachable => Some(Attempt::Unreachable),
            Verdict::Failed(_) | Verdict::NoCodec => None,
        }
    }

    /// How the call ends if nothing else takes it. `extension`: whose phones were rung.
    pub fn outcome(self, extension: &Arc<str>) -> Outcome {
        let (result, reason, refusal) = match self {
            Verdict::Declined => (CallResult::Busy, format!("declined by {extension}"), Refusal::new(603)),
            Verdict::Busy => (CallResult::Busy, format!("{extension} is busy"), Refusal::new(486)),
            Verdict::NoAnswer => (
                CallResult::NoAnswer,
                format!("nobody answered at {extension}"),
                Refusal::because(480, "No answer"),
            ),
            Verdict::NoCodec => {
                (CallResult::Failed, format!("no common codec with {extension}"), Refusal::new(488))
            }
            Verdict::Failed(status) => {
                (CallResult::Failed, format!("the phone of {extension} answered {status}"), Refusal::new(480))
            }
            Verdict::Unreachable => {
                (CallResult::Failed, format!("no phone of {extension} could be reached"), Refusal::new(480))
            }
        };
        Outcome::refused(result, reason, refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16, rang: Rang) -> Verdict {
        Verdict::of(&End::Response { status, phrase: String::new() }, rang)
    }

    #[test]
    fn the_word_of_a_person_counts_more_than_that_of_a_dead_phone() {
        assert!(verdict(603, Rang::Yes) > verdict(486, Rang::No));
        assert!(verdict(486, Rang::No) > verdict(480, Rang::Yes));
        assert!(verdict(480, Rang::Yes) > verdict(500, Rang::No));
        assert!(verdict(500, Rang::No) > Verdict::of(&End::Timeout, Rang::No));
    }

    #[test]
    fn a_phone_that_gives_up_after_ringing_was_not_answered() {
        assert_eq!(verdict(480, Rang::Yes), Verdict::NoAnswer);
        assert_eq!(verdict(480, Rang::No), Verdict::Unreachable);
    }
}
