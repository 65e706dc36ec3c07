//! Media ports that nobody binds: a range like the real one's, and a switch that takes them all away.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use media::{MediaPort, PortPair, PortSource, Ports, PortsExhausted};
use model::Entropy;

/// The simulated range: room for 500 legs.
const FIRST: u16 = 10_000;
const LAST: u16 = 10_999;

/// The ports of a simulated server.
pub struct VirtualPorts {
    ports: Ports,
    held: BTreeMap<SocketAddr, PortPair>,
    /// No more than this many may be held at once.
    pub limit: usize,
    /// What was done that the contract forbids.
    pub breaches: Vec<String>,
}

impl VirtualPorts {
    /// All free.
    pub fn new(mut entropy: Entropy) -> VirtualPorts {
        let ports = Ports::new(FIRST, LAST, &mut entropy);
        VirtualPorts { ports, held: BTreeMap::new(), limit: usize::MAX, breaches: Vec::new() }
    }

    /// Pairs held.
    pub fn held(&self) -> usize {
        self.held.len()
    }
}

impl PortSource for VirtualPorts {
    fn open(&mut self, local: IpAddr) -> Result<MediaPort, PortsExhausted> {
        if self.held.len() >= self.limit {
            return Err(PortsExhausted);
        }
        let pair = self.ports.take().map_err(|_| PortsExhausted)?;
        let rtp = SocketAddr::new(local, pair.rtp());
        self.held.insert(rtp, pair);
        Ok(MediaPort { rtp, rtcp: SocketAddr::new(local, pair.rtcp()) })
    }

    fn close(&mut self, port: MediaPort) {
        match self.held.remove(&port.rtp) {
            Some(pair) => self.ports.release(pair),
            None => self.breaches.push(format!("the port {} was closed and is not open", port.rtp)),
        }
    }
}
