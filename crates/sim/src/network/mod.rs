//! The virtual network: who gets a datagram, how often, and when. Every phone hangs on a link of its own, on which
//! datagrams are lost, doubled, delayed and overtaken; a link may lead through a translating router. Streams have the
//! link's delay and nothing else: whoever sells TCP promises that.

mod nat;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use model::{Entropy, Mono};

pub use nat::Nat;

use crate::clock::millis;

/// Which way something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toward {
    /// To the server.
    Server,
    /// To this host, a phone or an attacker.
    Host(usize),
}

/// A datagram on its way, addresses as the receiver sees them.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// Its source.
    pub from: SocketAddr,
    /// Its destination.
    pub to: SocketAddr,
    /// What it carries.
    pub bytes: Bytes,
}

/// What a link does to datagrams, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Lost.
    pub loss: u32,
    /// Doubled; the copy comes a little later.
    pub doubled: u32,
    /// Held up for up to a second, so that others overtake it.
    pub overtaken: u32,
    /// Every packet takes at least this long.
    pub delay: Duration,
    /// And up to this much longer.
    pub jitter: Duration,
}

impl Faults {
    /// A network in an office: a millisecond, and nothing happens.
    pub const NONE: Faults =
        Faults { loss: 0, doubled: 0, overtaken: 0, delay: millis(1), jitter: Duration::ZERO };
    /// A bad wireless network.
    pub const BAD: Faults =
        Faults { loss: 80, doubled: 40, overtaken: 40, delay: millis(20), jitter: millis(60) };
}

/// What a scripted rule wants of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is lost.
    Lost,
    /// It comes twice, the second time after this long.
    Twice(Duration),
    /// It comes this much later.
    Late(Duration),
}

/// A scripted rule: looks at every SIP datagram or stream piece, and may decide its fate.
pub type Rule = Box<dyn FnMut(Toward, &[u8]) -> Option<Fate>>;

/// A host's connection to the server.
#[derive(Clone, Debug)]
pub struct Link {
    /// What goes wrong on it.
    pub faults: Faults,
    /// The router that it leads through.
    pub nat: Option<usize>,
    /// Nothing passes while it is down.
    pub down: bool,
    /// When something was last lost on it.
    pub last_loss: Option<Mono>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Host(usize),
    Nat(usize),
}

/// The network.
pub struct Network {
    entropy: Entropy,
    links: Vec<Link>,
    places: BTreeMap<IpAddr, Place>,
    nats: Vec<Nat>,
    rules: Vec<Rule>,
    /// Datagrams to addresses that nobody has.
    pub stray: u64,
}

impl Network {
    /// Nobody on it but the server.
    pub fn new(entropy: Entropy) -> Network {
        Network {
            entropy,
            links: Vec::new(),
            places: BTreeMap::new(),
            nats: Vec::new(),
            rules: Vec::new(),
            stray: 0,
        }
    }

    /// Puts a router up.
    pub fn add_nat(&mut self, outside: IpAddr) -> usize {
        self.nats.push(Nat::new(outside));
        self.places.insert(outside, Place::Nat(self.nats.len() - 1));
        self.nats.len() - 1
    }

    /// Where what this host sends seems to come from; `address` is its own.
    pub fn source_of(&self, host: usize, address: IpAddr) -> IpAddr {
        self.links[host].nat.map_or(address, |nat| self.nats[nat].outside)
    }

    /// Connects a host; the number of its link.
    pub fn connect(&mut self, address: IpAddr, nat: Option<usize>) -> usize {
        self.links.push(Link { faults: Faults::NONE, nat, down: false, last_loss: None });
        let host = self.links.len() - 1;
        self.places.insert(address, Place::Host(host));
        host
    }

    /// A host moves to another address; its old one is nobody's.
    pub fn move_host(&mut self, host: usize, from: IpAddr, to: IpAddr) {
        self.places.remove(&from);
        self.places.insert(to, Place::Host(host));
    }

    /// A host's link.
    pub fn link(&mut self, host: usize) -> &mut Link {
        &mut self.links[host]
    }

    /// A host's link, to look at.
    pub fn link_of(&self, host: usize) -> &Link {
        &self.links[host]
    }

    /// A router forgets its mappings.
    pub fn rebind(&mut self, nat: usize) {
        self.nats[nat].rebind();
    }

    /// A router forgets the mapping of one socket inside.
    pub fn forget(&mut self, nat: usize, inside: SocketAddr) {
        self.nats[nat].forget(inside);
    }

    /// A router forgets mappings over which nothing has passed for this long.
    pub fn set_memory(&mut self, nat: usize, memory: Duration) {
        self.nats[nat].memory = Some(memory);
    }

    /// Adds a scripted rule.
    pub fn rule(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// All scripted rules end.
    pub fn clear_rules(&mut self) {
        self.rules.clear();
    }

    /// The address outside that a stream of `host` has.
    pub fn outside(&mut self, now: Mono, host: usize, inside: SocketAddr, to: SocketAddr) -> SocketAddr {
        match self.links[host].nat {
            Some(nat) => self.nats[nat].outward(now, inside, to),
            None => inside,
        }
    }

    /// A host sends: when and as what it arrives at the server.
    pub fn from_host(&mut self, now: Mono, host: usize, mut datagram: Datagram) -> Vec<(Mono, Datagram)> {
        datagram.from = self.outside(now, host, datagram.from, datagram.to);
        let times = self.cross(now, host, Toward::Server, &datagram.bytes);
        times.into_iter().map(|at| (at, datagram.clone())).collect()
    }

    /// The server sends: when, to which host, and as what it arrives.
    pub fn from_server(&mut self, now: Mono, mut datagram: Datagram) -> Vec<(Mono, usize, Datagram)> {
        let inside = match self.places.get(&datagram.to.ip()) {
            Some(Place::Nat(nat)) => self.nats[*nat].inward(now, datagram.to.port(), datagram.from),
            Some(Place::Host(_)) => Some(datagram.to),
            None => None,
        };
        let host = inside.and_then(|inside| match self.places.get(&inside.ip()) {
            Some(Place::Host(host)) => Some((*host, inside)),
            _ => None,
        });
        let Some((host, inside)) = host else {
            self.stray += 1;
            self.lost_at_router(now, datagram.to.ip());
            return Vec::new();
        };
        // A host behind a router can't be reached by its inner address from outside.
        if self.links[host].nat.is_some() && inside == datagram.to {
            self.stray += 1;
            return Vec::new();
        }
        datagram.to = inside;
        let times = self.cross(now, host, Toward::Host(host), &datagram.bytes);
        times.into_iter().map(|at| (at, host, datagram.clone())).collect()
    }

    /// A router had no mapping: whoever sits behind it lost something.
    fn lost_at_router(&mut self, now: Mono, outside: IpAddr) {
        if let Some(Place::Nat(nat)) = self.places.get(&outside) {
            for link in self.links.iter_mut().filter(|link| link.nat == Some(*nat)) {
                link.last_loss = Some(now);
            }
        }
    }

    /// When a piece of a stream arrives; `None`: a rule wants it lost, which ends the stream.
    pub fn stream_piece(&mut self, now: Mono, host: usize, toward: Toward, bytes: &[u8]) -> Option<Mono> {
        let fate = self.rules.iter_mut().find_map(|rule| rule(toward, bytes));
        let delay = self.links[host].faults.delay;
        match fate {
            Some(Fate::Lost) => None,
            Some(Fate::Late(late)) => Some(now + delay + late),
            Some(Fate::Twice(_)) | None => Some(now + delay),
        }
    }

    /// The link's fate for one datagram: when it arrives, and when its copies do.
    fn cross(&mut self, now: Mono, host: usize, toward: Toward, bytes: &[u8]) -> Vec<Mono> {
        let faults = self.links[host].faults;
        let jitter = u32::try_from(faults.jitter.as_micros()).unwrap_or(u32::MAX);
        let mut at = now + faults.delay + Duration::from_micros(u64::from(self.entropy.below(jitter)));
        let fate = match is_sip(bytes) {
            true => self.rules.iter_mut().find_map(|rule| rule(toward, bytes)),
            false => None,
        };
        let lost = self.entropy.below(1_000) < faults.loss;
        let doubled = self.entropy.below(1_000) < faults.doubled;
        let overtaken = self.entropy.below(1_000) < faults.overtaken;
        if lost || self.links[host].down || fate == Some(Fate::Lost) {
            self.links[host].last_loss = Some(now);
            return Vec::new();
        }
        if overtaken {
            at = at + millis(u64::from(self.entropy.below(1_000)));
        }
        let mut times = vec![at];
        match fate {
            Some(Fate::Twice(after)) => times.push(at + after),
            Some(Fate::Late(late)) => times[0] = at + late,
            Some(Fate::Lost) | None => {}
        }
        if doubled {
            times.push(at + millis(u64::from(self.entropy.below(300))));
        }
        times
    }
}

/// SIP begins with a letter, media with a version in the upper bits.
fn is_sip(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(from: &str, to: &str) -> Datagram {
        let parse = |text: &str| text.parse().unwrap();
        Datagram { from: parse(from), to: parse(to), bytes: Bytes::from_static(b"OPTIONS") }
    }

    #[test]
    fn a_link_with_losses_loses_some_and_a_good_one_none() {
        let mut network = Network::new(Entropy::from_seed([4; 32]));
        let host = network.connect("10.0.0.9".parse().unwrap(), None);
        let send = |network: &mut Network| {
            network.from_host(Mono::ZERO, host, datagram("10.0.0.9:5060", "10.0.0.1:5060")).len()
        };
        assert_eq!((0..100).map(|_| send(&mut network)).sum::<usize>(), 100);
        network.link(host).faults = Faults { loss: 500, ..Faults::NONE };
        let arrived: usize = (0..1_000).map(|_| send(&mut network)).sum();
        assert!((400..600).contains(&arrived), "{arrived}");
    }

    #[test]
    fn a_host_behind_a_router_is_not_reached_by_its_inner_address() {
        let mut network = Network::new(Entropy::from_seed([4; 32]));
        let nat = network.add_nat("203.0.113.1".parse().unwrap());
        let host = network.connect("192.168.0.7".parse().unwrap(), Some(nat));
        let back = datagram("10.0.0.1:5060", "192.168.0.7:5060");
        assert!(network.from_server(Mono::ZERO, back).is_empty());
        let out = network.from_host(Mono::ZERO, host, datagram("192.168.0.7:5060", "10.0.0.1:5060"));
        let seen_as = out[0].1.from;
        let answer = Datagram { from: "10.0.0.1:5060".parse().unwrap(), to: seen_as, bytes: Bytes::new() };
        assert_eq!(network.from_server(Mono::ZERO, answer)[0].1, host);
    }
}
