//! A translating router: packets leave from its own address, each inner socket from a port of its own; what comes
//! back passes only from where something was sent to (RFC 4787: endpoint-independent mapping, address-dependent
//! filtering). A rebind forgets all of it, as a cheap router does when its tables run over; one with a short memory
//! forgets a mapping over which nothing has passed for a while.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use model::Mono;

/// The first outer port given out; every mapping takes the next one, so that none comes twice.
const FIRST_PORT: u16 = 20_001;

/// One router.
#[derive(Clone, Debug)]
pub struct Nat {
    pub(super) outside: IpAddr,
    next_port: u16,
    outer: BTreeMap<SocketAddr, u16>,
    inner: BTreeMap<u16, SocketAddr>,
    spoken_to: BTreeSet<(u16, IpAddr)>,
    /// How long a mapping lasts that nothing passes over; `None`: for ever.
    pub memory: Option<Duration>,
    used: BTreeMap<u16, Mono>,
}

impl Nat {
    /// A router with this address outside.
    pub fn new(outside: IpAddr) -> Nat {
        Nat {
            outside,
            next_port: FIRST_PORT,
            outer: BTreeMap::new(),
            inner: BTreeMap::new(),
            spoken_to: BTreeSet::new(),
            memory: None,
            used: BTreeMap::new(),
        }
    }

    /// A packet leaves: the address it has outside.
    pub fn outward(&mut self, now: Mono, inside: SocketAddr, to: SocketAddr) -> SocketAddr {
        if self.outer.get(&inside).is_some_and(|port| self.is_forgotten(now, *port)) {
            self.forget(inside);
        }
        let port = match self.outer.get(&inside) {
            Some(port) => *port,
            None => {
                let port = self.next_port;
                self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_PORT);
                self.outer.insert(inside, port);
                self.inner.insert(port, inside);
                port
            }
        };
        self.spoken_to.insert((port, to.ip()));
        self.used.insert(port, now);
        SocketAddr::new(self.outside, port)
    }

    /// A packet arrives outside: where inside it goes, if anywhere.
    pub fn inward(&mut self, now: Mono, port: u16, from: SocketAddr) -> Option<SocketAddr> {
        if !self.spoken_to.contains(&(port, from.ip())) || self.is_forgotten(now, port) {
            return None;
        }
        self.used.insert(port, now);
        self.inner.get(&port).copied()
    }

    fn is_forgotten(&self, now: Mono, port: u16) -> bool {
        let (Some(memory), Some(used)) = (self.memory, self.used.get(&port)) else { return false };
        now.saturating_since(*used) >= memory
    }

    /// Forgets the mapping of one socket inside.
    pub fn forget(&mut self, inside: SocketAddr) {
        if let Some(port) = self.outer.remove(&inside) {
            self.inner.remove(&port);
            self.spoken_to.retain(|(other, _)| *other != port);
        }
    }

    /// Forgets everything.
    pub fn rebind(&mut self) {
        self.outer.clear();
        self.inner.clear();
        self.spoken_to.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_spoken_to_comes_in_and_a_rebind_gives_another_port() {
        let mut nat = Nat::new("203.0.113.1".parse().unwrap());
        let phone: SocketAddr = "192.168.0.7:5060".parse().unwrap();
        let server: SocketAddr = "10.0.0.1:5060".parse().unwrap();
        let stranger: SocketAddr = "10.0.0.2:5060".parse().unwrap();
        let now = Mono::ZERO;
        let outside = nat.outward(now, phone, server);
        assert_eq!(nat.outward(now, phone, server), outside);
        assert_eq!(nat.inward(now, outside.port(), server), Some(phone));
        assert_eq!(nat.inward(now, outside.port(), stranger), None);
        nat.rebind();
        assert_eq!(nat.inward(now, outside.port(), server), None);
        assert_ne!(nat.outward(now, phone, server), outside);
    }

    #[test]
    fn a_mapping_lasts_as_long_as_something_passes_over_it() {
        let mut nat = Nat::new("203.0.113.1".parse().unwrap());
        nat.memory = Some(Duration::from_secs(60));
        let at = |seconds| Mono::ZERO + Duration::from_secs(seconds);
        let phone: SocketAddr = "192.168.0.7:5060".parse().unwrap();
        let server: SocketAddr = "10.0.0.1:5060".parse().unwrap();
        let outside = nat.outward(at(0), phone, server);
        assert_eq!(nat.inward(at(50), outside.port(), server), Some(phone));
        assert_eq!(nat.outward(at(100), phone, server), outside);
        assert_eq!(nat.inward(at(160), outside.port(), server), None);
        assert_ne!(nat.outward(at(161), phone, server), outside);
    }
}
