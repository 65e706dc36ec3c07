//! What refused addresses may finish: the exchange knows the flows, the gate must know them before it refuses.
//!
//! Looked up when somebody is refused, and from then on as long as there is any such flow. Not here: what may be done on
//! one (`sip`).

use std::net::SocketAddr;
use std::time::Duration;

use calls::Exchange;
use guard::Service;
use model::Mono;

use crate::Offload;
use crate::sip::Door;

/// How often it is looked whether the calls of refused addresses are over. A look goes through all calls; a flow that
/// stays open a second longer can do nothing with it.
const INTERVAL: Duration = Duration::from_secs(1);

/// When to look again.
#[derive(Debug, Default)]
pub struct Grace {
    next_look: Option<Mono>,
}

impl Grace {
    pub(crate) fn next_look(&self) -> Option<Mono> {
        self.next_look
    }

    /// Tells the gate and the kernel which flows may go on. To be called before they learn of a block or of other rows, when the
    /// exchange knows of them.
    pub(crate) fn look(&mut self, now: Mono, exchange: &Exchange, door: &Door, kernel: &Offload) {
        let flows = exchange.established();
        self.next_look = (!flows.is_empty()).then(|| now.after(INTERVAL));
        let places = flows.iter().flat_map(|flow| {
            // The call's sound comes from where its signalling does.
            let sound = SocketAddr::new(flow.remote.ip(), 0);
            [(Service::Sip, flow.remote), (Service::Media, sound)]
        });
        kernel.set_established(places.clone());
        door.gate.set_established(places);
    }

    /// The same, when its time has come.
    pub(crate) fn look_again(&mut self, now: Mono, exchange: &Exchange, door: &Door, kernel: &Offload) {
        if self.next_look.is_some_and(|at| at <= now) {
            self.look(now, exchange, door, kernel);
            door.reset_refused();
        }
    }
}
