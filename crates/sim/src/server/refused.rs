//! The gate, kept as `net` keeps it: rows and blocks rule at once; what refused addresses may finish is looked up when
//! somebody is refused, and each second from then on while there is such a flow. So it may be a second old, as in life.
//!
//! Not here: what may be done on such a flow (`sip`), who must have been let in (`world::rows`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use calls::{Command, Input};
use guard::{Rows, Service, Verdict};
use ipnet::IpNet;
use model::{Flow, Mono, Now};

use super::Server;

/// As in `net`.
const INTERVAL: Duration = Duration::from_secs(1);

/// How far somebody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// All the way.
    Open,
    /// To finish what he has.
    InProgress,
    /// Not at all.
    Closed,
}

impl Server {
    /// Other rows of the firewall are in force.
    pub fn change_rows(&mut self, now: Now, rows: Arc<Rows>) {
        self.hand(now, Input::Command(Command::Row(rows.sip.clone())));
        self.look(now.mono);
        self.gate.set_rows(rows);
        self.resets = true;
    }

    /// How far a source is let in to a service.
    pub fn entrance(&self, service: Service, source: SocketAddr) -> Entrance {
        match self.gate.admit(service, source, source) {
            Verdict::Allow(_) => Entrance::Open,
            Verdict::EstablishedOnly(_) => Entrance::InProgress,
            Verdict::Deny => Entrance::Closed,
        }
    }

    /// When it is to be looked again who has finished.
    pub fn next_look(&self) -> Option<Mono> {
        self.next_look
    }

    /// Looks again who has finished.
    pub fn look_again(&mut self, now: Mono) {
        self.look(now);
        self.resets = true;
    }

    /// What may be finished is known to the gate before anything is refused.
    pub(super) fn look(&mut self, now: Mono) {
        let flows = self.exchange.established();
        self.next_look = (!flows.is_empty()).then(|| now + INTERVAL);
        self.places = places(&flows).collect();
        self.gate.set_established(self.places.iter().copied());
    }

    /// The same for a network that is blocked now: its calls at once, all else within a second.
    pub(super) fn look_within(&mut self, now: Mono, network: IpNet) {
        self.places.extend(places(&self.exchange.established_within(network)));
        self.gate.set_established(self.places.iter().copied());
        self.next_look = Some(self.next_look.map_or(now + INTERVAL, |at| at.min(now + INTERVAL)));
    }
}

fn places(flows: &[Flow]) -> impl Iterator<Item = (Service, SocketAddr)> {
    flows.iter().flat_map(|flow| {
        let sound = SocketAddr::new(flow.remote.ip(), 0);
        [(Service::Sip, flow.remote), (Service::Media, sound)]
    })
}
