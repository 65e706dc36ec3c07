//! A translating router: packets leave from its own address, each inner socket from a port of its own; what comes
//! back passes only from where something was sent to (RFC 4787: endpoint-independent mapping, address-dependent
//! filtering). A rebind forgets all of it, as a cheap router does when its tables run over.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// The first outer port given out; every mapping takes the next one, so that none comes twice.
const FIRST_PORT: u16 = 20_001;

/// One router.
#[derive(Clone, Debug)]
pub struct Nat {
    outside: IpAddr,
    next_port: u16,
    outer: BTreeMap<SocketAddr, u16>,
    inner: BTreeMap<u16, SocketAddr>,
    spoken_to: BTreeSet<(u16, IpAddr)>,
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
        }
    }

    /// A packet leaves: the address it has outside.
    pub fn outward(&mut self, inside: SocketAddr, to: SocketAddr) -> SocketAddr {
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
        SocketAddr::new(self.outside, port)
    }

    /// A packet arrives outside: where inside it goes, if anywhere.
    pub fn inward(&self, port: u16, from: SocketAddr) -> Option<SocketAddr> {
        self.spoken_to.contains(&(port, from.ip())).then(|| self.inner.get(&port).copied())?
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
        let outside = nat.outward(phone, server);
        assert_eq!(nat.outward(phone, server), outside);
        assert_eq!(nat.inward(outside.port(), server), Some(phone));
        assert_eq!(nat.inward(outside.port(), stranger), None);
        nat.rebind();
        assert_eq!(nat.inward(outside.port(), server), None);
        assert_ne!(nat.outward(phone, server), outside);
    }
}
