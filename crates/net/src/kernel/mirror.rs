//! What the kernel is to know: who is blocked until when, who reaches which service, which flows may finish, and where
//! we listen. A copy of what the gate holds; the gate remains the truth. Not here: how it is told (`table`).

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use guard::{Rows, Service};
use ipnet::IpNet;
use model::Wall;
use model::config::PortRange;
use model::live::Listener;

/// Blocks that the kernel is told of, as many as the guard keeps of its own. One more stays with the process.
pub(super) const MAX_BLOCKS: usize = 100_000;
/// Places we listen at: a rule each, which every packet passes.
pub(super) const MAX_PLACES: usize = 64;

/// The end of a block by the wall clock; `None`: until lifted.
pub type Until = Option<Wall>;

/// Ports of ours at an address of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What is served there.
    pub(super) service: ServiceName,
    pub(super) is_udp: bool,
    /// The address bound; 0.0.0.0 or :: is any of this machine.
    pub(super) address: IpAddr,
    pub(super) first: u16,
    pub(super) last: u16,
}

/// A service with an order and the name of its chain and sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ServiceName {
    Sip,
    Media,
    Web,
}

impl ServiceName {
    pub(super) const fn name(self) -> &'static str {
        match self {
            ServiceName::Sip => "sip",
            ServiceName::Media => "media",
            ServiceName::Web => "web",
        }
    }
}

/// The places that these listeners and media ports make. Media is bound where SIP is.
pub fn places(listeners: &[Listener], media: PortRange) -> Vec<Place> {
    let mut places = BTreeSet::new();
    for listener in listeners {
        let service = if listener.service == "console" { ServiceName::Web } else { ServiceName::Sip };
        let (address, port) = (listener.address, listener.port);
        let is_udp = !listener.transport.is_reliable();
        places.insert(Place { service, is_udp, address, first: port, last: port });
        if service == ServiceName::Sip {
            let PortRange { first, last } = media;
            places.insert(Place { service: ServiceName::Media, is_udp: true, address, first, last });
        }
    }
    places.into_iter().collect()
}

/// The copy.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub places: Vec<Place>,
    pub rows: Arc<Rows>,
    pub finishing: BTreeSet<Finishing>,
    pub blocks: HashMap<IpNet, Until>,
}

/// A flow that may finish what it has, although its address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Finishing {
    /// Signalling, from this address and port.
    Sip(SocketAddr),
    /// Sound, from any port of this address.
    Media(IpAddr),
}

impl Finishing {
    /// `None`: no flow of this service is ever let in.
    pub fn of((service, source): (Service, SocketAddr)) -> Option<Finishing> {
        let address = source.ip().to_canonical();
        match service {
            Service::Sip => Some(Finishing::Sip(SocketAddr::new(address, source.port()))),
            Service::Media => Some(Finishing::Media(address)),
            Service::Web | Service::Provisioning | Service::Crm | Service::Snmp => None,
        }
    }
}

/// What has changed since the last look.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub places: Option<Vec<Place>>,
    pub rows: Option<Arc<Rows>>,
    pub finishing: Option<BTreeSet<Finishing>>,
    /// The newest word on each prefix; `None`: lifted.
    pub blocks: HashMap<IpNet, Option<Until>>,
}

/// What of the table must be written for the changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stale {
    /// All of it.
    pub whole: bool,
    pub finishing: bool,
    /// These blocks, in sets of which each element is one.
    pub blocks: Vec<(IpNet, Was)>,
}

/// What the kernel knows of a block that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Was {
    Unknown,
    Known,
}

#[cfg(test)]
impl Stale {
    fn is_empty(&self) -> bool {
        *self == Stale::default()
    }
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.finishing.is_none() && !self.is_urgent()
    }

    /// Whether it is written without gathering more. Flows that may finish are told with the block that they are spared.
    pub fn is_urgent(&self) -> bool {
        self.places.is_some() || self.rows.is_some()
    }

    /// Notes a block, or what became of it. Lifting is always noted: it opens, and there are no more than blocks.
    pub fn block(&mut self, prefix: IpNet, until: Option<Until>) {
        if until.is_none() || self.blocks.len() < MAX_BLOCKS {
            self.blocks.insert(prefix, until);
        }
    }
}

impl Mirror {
    /// Takes the changes over; what must be written now.
    pub fn take(&mut self, changes: Changes) -> Stale {
        let mut stale = Stale::default();
        if let Some(places) = changes.places.filter(|places| *places != self.places) {
            self.places = places;
            stale.whole = true;
        }
        if let Some(rows) = changes.rows.filter(|rows| *rows != self.rows) {
            self.rows = rows;
            stale.whole = true;
        }
        if let Some(finishing) = changes.finishing.filter(|flows| *flows != self.finishing) {
            self.finishing = finishing;
            stale.finishing = true;
        }
        for (prefix, until) in changes.blocks {
            let before = match until {
                None => self.blocks.remove(&prefix),
                Some(_) if self.blocks.len() >= MAX_BLOCKS && !self.blocks.contains_key(&prefix) => continue,
                Some(until) => self.blocks.insert(prefix, until),
            };
            if before == until {
                continue;
            }
            match Width::of(prefix) {
                // Sets of networks hold merged ranges, so that one block is none of their elements.
                Width::Odd => stale.whole = true,
                _ => stale.blocks.push((prefix, if before.is_some() { Was::Known } else { Was::Unknown })),
            }
        }
        stale
    }
}

/// In which set a prefix is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// One address.
    Host,
    /// An IPv6 network that the guard itself blocks.
    V6Subnet,
    /// A wider one.
    V6Site,
    /// What administrators write.
    Odd,
}

impl Width {
    pub fn of(prefix: IpNet) -> Width {
        match (prefix, prefix.prefix_len()) {
            (IpNet::V4(_), 32) | (IpNet::V6(_), 128) => Width::Host,
            (IpNet::V6(_), 64) => Width::V6Subnet,
            (IpNet::V6(_), 48) => Width::V6Site,
            _ => Width::Odd,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guard::{AddressSet, Row};

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    fn take(mirror: &mut Mirror, blocks: &[(&str, Option<Until>)]) -> Stale {
        let mut changes = Changes::default();
        blocks.iter().for_each(|(prefix, until)| changes.block(net(prefix), *until));
        mirror.take(changes)
    }

    #[test]
    fn a_block_is_one_element_and_an_administrators_network_is_the_whole() {
        let mut mirror = Mirror::default();
        let (soon, later) = (Some(Wall::from_millis(1)), Some(Wall::from_millis(2)));
        let stale = take(&mut mirror, &[("192.0.2.1/32", Some(soon))]);
        assert_eq!(stale.blocks, [(net("192.0.2.1/32"), Was::Unknown)]);
        assert!(take(&mut mirror, &[("192.0.2.1/32", Some(soon))]).is_empty(), "the same once more");
        let stale = take(&mut mirror, &[("192.0.2.1/32", Some(later))]);
        assert_eq!(stale.blocks, [(net("192.0.2.1/32"), Was::Known)], "prolonged");
        assert_eq!(take(&mut mirror, &[("192.0.2.1/32", None)]).blocks, [(net("192.0.2.1/32"), Was::Known)]);
        assert!(take(&mut mirror, &[("192.0.2.1/32", None)]).is_empty(), "it was not there");
        assert!(take(&mut mirror, &[("10.0.0.0/8", Some(None))]).whole);
        assert!(!take(&mut mirror, &[("2001:db8::/64", Some(None)), ("2001:db8::/48", Some(None))]).whole);
    }

    #[test]
    fn what_is_as_before_is_not_written_again() {
        let mut mirror = Mirror::default();
        let row = Row::Only(AddressSet::of([net("10.0.0.0/8")]));
        let rows = Arc::new(Rows { sip: Arc::new(row), ..Rows::default() });
        let changes = || Changes { rows: Some(rows.clone()), ..Changes::default() };
        assert!(mirror.take(changes()).whole);
        assert!(mirror.take(changes()).is_empty());
        let flow = (Service::Sip, "[::ffff:192.0.2.1]:5060".parse().unwrap());
        let flows: BTreeSet<_> = Finishing::of(flow).into_iter().collect();
        let changes = || Changes { finishing: Some(flows.clone()), ..Changes::default() };
        assert!(!changes().is_empty() && mirror.take(changes()).finishing);
        assert!(mirror.take(changes()).is_empty());
        assert!(mirror.finishing.contains(&Finishing::Sip("192.0.2.1:5060".parse().unwrap())));
    }

    #[test]
    fn more_blocks_than_the_kernel_is_told_of_stay_with_the_process_and_lifting_goes_on() {
        let mut changes = Changes::default();
        for n in 0..u32::try_from(MAX_BLOCKS).unwrap() + 5 {
            changes.block(IpNet::from(IpAddr::V4(n.into())), Some(None));
        }
        assert_eq!(changes.blocks.len(), MAX_BLOCKS);
        let mut mirror = Mirror::default();
        mirror.take(changes);
        assert!(take(&mut mirror, &[("192.0.2.1/32", Some(None))]).is_empty());
        assert_eq!(take(&mut mirror, &[("0.0.0.1/32", None)]).blocks.len(), 1);
        assert_eq!(take(&mut mirror, &[("192.0.2.1/32", Some(None))]).blocks.len(), 1);
    }
}
