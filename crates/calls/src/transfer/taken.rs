//! A call goes on at another phone of the same extension (INVITE with Replaces). The newcomer is answered at once with
//! what the other side said last; then both get offers of ours, as after a transfer.

use media::PortSource;
use model::Now;
use model::event::{self, Event};
use sip::{Cause, Refusal, SessionId};

use super::Role;
use crate::call::Call;
use crate::exchange::Exchange;
use crate::incoming::Arrival;
use crate::leg::Leg;
use crate::record;
use crate::step::Step;
use crate::talk;

impl Exchange {
    /// An INVITE replaces a session of ours. The stack has seen to it that both are the same extension's.
    pub(crate) fn take(
        &mut self,
        now: Now,
        replaced: SessionId,
        arrival: Arrival,
        ports: &mut dyn PortSource,
    ) {
        let session = arrival.session;
        let mut refusal = Some(Refusal::new(481));
        if let Some(call) = self.desk.sessions.get(&replaced).copied() {
            self.step(now, ports, call, |call, step| refusal = call.taken(step, replaced, arrival).err());
        }
        if let Some(refusal) = refusal {
            self.desk.stack.refuse(now, session, refusal);
        }
    }
}

impl Call {
    fn taken(&mut self, step: &mut Step<'_>, replaced: SessionId, arrival: Arrival) -> Result<(), Refusal> {
        if !arrival.caller.admits(arrival.flow.transport) {
            step.tell(unencrypted(step.now, &arrival));
            return Err(Refusal::because(403, "Encryption required, use TLS"));
        }
        let which = self.which(replaced).ok_or(Refusal::new(481))?;
        if !matches!(self.transfer.role, Role::Bystander) {
            return Err(Refusal::new(491));
        }
        let Some(offer) = arrival.offer else {
            return Err(Refusal::because(488, "Offer expected in INVITE"));
        };
        if self.sides(which).is_none() {
            return Err(Refusal::new(481));
        }
        let mut leg = Leg::of_caller(arrival.session, &arrival.caller, arrival.flow);
        leg.talk.offered(&offer).map_err(|_| Refusal::new(488))?;
        leg.open(step, self.id).map_err(|_| Refusal::because(503, "No media port free"))?;
        self.drop_reoffer(step);
        let agreed = self.sides(which).map(|(_, other)| talk::agree(step, &mut leg, other));
        let Some(Ok(answer)) = agreed else {
            leg.gone(step);
            return Err(Refusal::new(488));
        };
        step.desk.stack.accept(step.now, arrival.session, answer);
        step.desk.sessions.insert(arrival.session, self.id);
        let Some((slot, _)) = self.sides(which) else { return Ok(()) };
        let mut leaves = std::mem::replace(slot, leg);
        self.transfer.story = Some(format!("{} at another phone", leaves.extension));
        leaves.end(step, Cause::CompletedElsewhere);
        // The other side first: what it answers decides what the newcomer hears.
        self.renew(step, which.across());
        self.renew(step, which);
        record::note(step, self);
        Ok(())
    }
}

/// A phone that must encrypt wants a call on a flow that does not (SPEC R4.15).
fn unencrypted(now: Now, arrival: &Arrival) -> Event {
    Event::new(&event::NOT_ENCRYPTED, now.wall)
        .with("extension", &arrival.caller.extension)
        .with("line", &arrival.caller.username)
        .with("source", arrival.flow.remote)
        .with("transport", arrival.flow.transport)
        .with("method", "INVITE")
        .with("reason", "the extension requires encryption")
}
