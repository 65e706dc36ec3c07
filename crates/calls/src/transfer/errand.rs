//! How errands are delivered: each ends in steps of single calls, as everything else does.

use media::PortSource;
use model::Now;

use super::attempt::RINGS;
use super::{Errand, Order};
use crate::call::Call;
use crate::exchange::{Exchange, end};
use crate::incoming::Room;
use crate::lamps;
use crate::limits::MAX_CALLS;
use crate::step::Step;

impl Exchange {
    /// Delivers what one call has to say to another.
    pub(crate) fn deliver(&mut self, now: Now, errand: Errand, ports: &mut dyn PortSource) {
        match errand {
            Errand::Begin(order) => self.begin_attempt(now, *order, ports),
            Errand::Join { origin, with, leaving, order } => {
                self.join(now, (origin, with), leaving, *order, ports);
            }
            Errand::Rings { origin } => self.step(now, ports, origin, |call, step| call.report(step, RINGS)),
            Errand::Answered { origin, attempt } => {
                let mut leg = None;
                self.step(now, ports, origin, |call, step| leg = call.hand_over(step, attempt));
                self.step(now, ports, attempt, |call, step| call.take_over(step, leg));
            }
            Errand::Failed { origin, attempt, progress, reason } => {
                self.step(now, ports, origin, |call, step| {
                    call.transfer_failed(step, attempt, progress, &reason);
                });
            }
            Errand::Abandoned { attempt, reason } => {
                self.step(now, ports, attempt, |call, _| call.abandoned(&reason));
            }
        }
    }

    fn begin_attempt(&mut self, now: Now, order: Order, ports: &mut dyn PortSource) {
        let room = if self.calls.len() < MAX_CALLS { Room::Free } else { Room::Full };
        let mut step = Step { now, desk: &mut self.desk, ports };
        let mut call = Call::attempt(&mut step, order, room);
        match call.outcome.take() {
            Some(outcome) => end(&mut step, call, outcome),
            None => {
                lamps::follow(&mut step, &mut call);
                self.calls.insert(call.id, Box::new(call));
            }
        }
    }
}
