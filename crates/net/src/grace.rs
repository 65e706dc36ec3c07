//! What refused addresses may finish: the exchange knows the flows, the gate must know them before it refuses.
//!
//! Looked up when somebody is refused, and from then on as long as there is any such flow. A new block asks for the calls of
//! its own network at once, and leaves the look at everything to the next second: else a storm of blocks would go through
//! all calls for each. Not here: what may be done on such a flow (`sip`).

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use calls::Exchange;
use guard::Service;
use ipnet::IpNet;
use model::{Flow, Mono};

use crate::Offload;
use crate::sip::Door;

/// How often it is looked whether the calls of refused addresses are over. A look goes through all calls; a flow that
/// stays open a second longer can do nothing with it.
const INTERVAL: Duration = Duration::from_secs(1);

/// When to look again.
#[derive(Debug, Default)]
pub struct Grace {
    next_look: Option<Mono>,
    /// What the gate was told.
    places: HashSet<(Service, SocketAddr)>,
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
        self.places = places(&flows).collect();
        self.tell(door, kernel);
    }

    /// Tells them which flows of one network may go on besides. To be called before they learn of its block.
    pub(crate) fn look_within(
        &mut self,
        now: Mono,
        network: IpNet,
        exchange: &Exchange,
        door: &Door,
        kernel: &Offload,
    ) {
        let before = self.places.len();
        self.places.extend(places(&exchange.established_within(network)));
        if self.places.len() > before {
            self.tell(door, kernel);
        }
        let next = now.after(INTERVAL);
        self.next_look = Some(self.next_look.map_or(next, |at| at.min(next)));
    }

    fn tell(&self, door: &Door, kernel: &Offload) {
        kernel.set_established(self.places.iter().copied());
        door.gate.set_established(self.places.iter().copied());
    }

    /// The same, when its time has come.
    pub(crate) fn look_again(&mut self, now: Mono, exchange: &Exchange, door: &Door, kernel: &Offload) {
        if self.next_look.is_some_and(|at| at <= now) {
            self.look(now, exchange, door, kernel);
            door.reset_refused();
        }
    }
}

/// Where flows come through the gate. A call's sound comes from where its signalling does.
fn places(flows: &[Flow]) -> impl Iterator<Item = (Service, SocketAddr)> {
    flows.iter().flat_map(|flow| {
        let sound = SocketAddr::new(flow.remote.ip(), 0);
        [(Service::Sip, flow.remote), (Service::Media, sound)]
    })
}
