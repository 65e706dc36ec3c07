//! The table `inet ringwall`: its sets, its chains, and what changes in them.
//!
//! A packet to one of our places goes to its service's chain: flows that may finish pass, then blocked addresses are
//! refused, then who is not in the service's row. Everything else is accepted, and so left to the process and to other
//! tables. Before connection tracking (priority raw), so that what is refused costs nothing else.

use std::net::IpAddr;

use guard::{AddressSet, Row, Rows};
use ipnet::IpNet;
use model::Wall;

use super::mirror::{Finishing, Mirror, Place, ServiceName, Until, Was, Width};
use super::netlink::{Batch, CREATE, Kind};
use super::rule::{Family, Verdict, rule};

/// Its name, in the family `inet`.
pub(super) const NAME: &str = "ringwall";

/// TCP resets sent in a second; beyond it connections are dropped unanswered, so that packets with forged sources don't
/// make us send as many to others.
const RESETS: u32 = 1_000;
/// Elements in one message, so that their list stays below the 64 KB of an attribute: at most 52 bytes each.
const ELEMENTS: usize = 1_000;
/// A block that has less left is over: the kernel counts in ticks, and none at all would be forever.
const SHORTEST: i64 = 50;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Flags of sets: `NFT_SET_INTERVAL`, `NFT_SET_TIMEOUT`.
const INTERVALS: u32 = 0x4;
const TIMEOUTS: u32 = 0x10;

/// Whose the table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ownership {
    /// The socket's: it goes with the socket, and nobody else can touch it (Linux 5.12).
    Socket,
    /// Nobody's.
    Nobody,
}

/// Whether there is a table that the new one takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    Table,
}

/// Writes the whole table.
pub(super) fn whole(batch: &mut Batch, mirror: &Mirror, now: Wall, ownership: Ownership, before: Before) {
    const TABLE_NAME: u16 = 1;
    const FLAGS: u16 = 2;
    const OWNED: u32 = 2;
    if before == Before::Table {
        delete(batch);
    }
    batch.add(Kind::NewTable, CREATE, |table| {
        table.text(TABLE_NAME, NAME);
        if ownership == Ownership::Socket {
            table.u32(FLAGS, OWNED);
        }
    });
    let mut sets = Sets { batch, made: 0 };
    sets.blocks(mirror, now);
    sets.finishing(mirror);
    let services: Vec<_> = [ServiceName::Sip, ServiceName::Media, ServiceName::Web]
        .into_iter()
        .filter(|service| mirror.places.iter().any(|place| place.service == *service))
        .collect();
    for service in &services {
        if let Some(Row::Only(allowed)) = row(&mirror.rows, *service) {
            sets.ranges(service.name(), allowed);
        }
    }
    refused(batch);
    blocked(batch);
    for service in services {
        service_chain(batch, mirror, service);
    }
    incoming(batch, &mirror.places);
}

/// Deletes the table.
pub(super) fn delete(batch: &mut Batch) {
    const TABLE_NAME: u16 = 1;
    batch.add(Kind::DeleteTable, 0, |table| {
        table.text(TABLE_NAME, NAME);
    });
}

/// Writes blocks that have changed.
pub(super) fn blocks(batch: &mut Batch, mirror: &Mirror, changed: &[(IpNet, Was)], now: Wall) {
    let set = |prefix: &IpNet| set_of_blocks(*prefix);
    let mut changed: Vec<_> = changed.iter().collect();
    changed.sort_unstable_by_key(|(prefix, _)| set(prefix));
    for group in changed.chunk_by(|(a, _), (b, _)| set(a) == set(b)) {
        let Some(name) = group.first().and_then(|(prefix, _)| set(prefix)) else { continue };
        let key = |prefix: &IpNet| Element::of(prefix.network());
        // What may have run out by itself can't be deleted without being there: it is added first.
        let known = || group.iter().filter(|(_, was)| *was == Was::Known).map(|(prefix, _)| key(prefix));
        elements(batch, Kind::NewElements, name, known());
        elements(batch, Kind::DeleteElements, name, known());
        let left = group.iter().filter_map(|(prefix, _)| {
            let until = mirror.blocks.get(prefix)?;
            Some(key(prefix).ending(time_left(*until, now)?))
        });
        elements(batch, Kind::NewElements, name, left);
    }
}

/// Writes which flows may finish.
pub(super) fn finishing(batch: &mut Batch, mirror: &Mirror) {
    for family in Family::BOTH {
        for (name, keys) in finishing_sets(mirror, family) {
            const TABLE: u16 = 1;
            const SET: u16 = 2;
            batch.add(Kind::DeleteElements, 0, |all| {
                all.text(TABLE, NAME).text(SET, &name);
            });
            elements(batch, Kind::NewElements, &name, keys.into_iter());
        }
    }
}

fn row(rows: &Rows, service: ServiceName) -> Option<&Row> {
    match service {
        ServiceName::Sip => Some(&rows.sip),
        ServiceName::Web => Some(&rows.web),
        ServiceName::Media => None,
    }
}

fn family(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

/// The set of a block; `None`: it is one of the networks.
fn set_of_blocks(prefix: IpNet) -> Option<&'static str> {
    match (Width::of(prefix), prefix) {
        (Width::Host, IpNet::V4(_)) => Some("blocked_4"),
        (Width::Host, IpNet::V6(_)) => Some("blocked_6"),
        (Width::V6Subnet, _) => Some("blocked_6_64"),
        (Width::V6Site, _) => Some("blocked_6_48"),
        (Width::Odd, _) => None,
    }
}

/// Milliseconds until the end, or that there is none; `None`: it is over.
fn time_left(until: Until, now: Wall) -> Option<Option<u64>> {
    match until {
        None => Some(None),
        Some(until) => {
            let left = until.as_millis().saturating_sub(now.as_millis());
            (left >= SHORTEST).then(|| u64::try_from(left).ok())
        }
    }
}

fn finishing_sets(mirror: &Mirror, of: Family) -> [(String, Vec<Element>); 2] {
    let (mut signalling, mut sound) = (Vec::new(), Vec::new());
    for flow in &mirror.finishing {
        match flow {
            Finishing::Sip(source) if family(source.ip()) == of => {
                signalling.push(Element::of(source.ip()).and_port(source.port()));
            }
            Finishing::Media(address) if family(*address) == of => sound.push(Element::of(*address)),
            _ => {}
        }
    }
    let name = |what: &str| format!("{what}_{}", of.suffix());
    [(name("finishing"), signalling), (name("sounding"), sound)]
}

/// A key of a set, with its time.
#[derive(Clone, Copy, Debug)]
struct Element {
    key: [u8; 20],
    length: usize,
    ends_range: bool,
    /// Milliseconds.
    left: Option<u64>,
}

impl Element {
    fn of(address: IpAddr) -> Element {
        let mut key = [0; 20];
        let length = match address {
            IpAddr::V4(v4) => key.first_chunk_mut::<4>().map(|place| *place = v4.octets()).map(|()| 4),
            IpAddr::V6(v6) => key.first_chunk_mut::<16>().map(|place| *place = v6.octets()).map(|()| 16),
        };
        Element { key, length: length.unwrap_or(0), ends_range: false, left: None }
    }

    /// The port takes a register of four bytes.
    fn and_port(mut self, port: u16) -> Element {
        if let Some(place) = self.key.get_mut(self.length..self.length + 2) {
            place.copy_from_slice(&port.to_be_bytes());
            self.length += 4;
        }
        self
    }

    fn ending(mut self, left: Option<u64>) -> Element {
        self.left = left;
        self
    }
}

/// The first address of each range, and the first one behind it.
fn range_elements(set: &AddressSet, of: Family) -> impl Iterator<Item = Element> {
    let ranges = set.ranges().filter(move |(first, _)| family(*first) == of).collect::<Vec<_>>();
    let behind = |last: IpAddr| match last {
        IpAddr::V4(v4) => v4.to_bits().checked_add(1).map(|bits| IpAddr::V4(bits.into())),
        IpAddr::V6(v6) => v6.to_bits().checked_add(1).map(|bits| IpAddr::V6(bits.into())),
    };
    ranges.into_iter().flat_map(move |(first, last)| {
        let end = behind(last).map(|address| Element { ends_range: true, ..Element::of(address) });
        [Some(Element::of(first)), end].into_iter().flatten()
    })
}

fn elements(batch: &mut Batch, kind: Kind, set: &str, all: impl Iterator<Item = Element>) {
    const TABLE: u16 = 1;
    const SET: u16 = 2;
    const LIST: u16 = 3;
    const KEY: u16 = 1;
    const FLAGS: u16 = 3;
    const TIMEOUT: u16 = 4;
    let mut all = all.peekable();
    while all.peek().is_some() {
        batch.add(kind, if kind == Kind::NewElements { CREATE } else { 0 }, |message| {
            message.text(TABLE, NAME).text(SET, set).nest(LIST, |list| {
                for element in all.by_ref().take(ELEMENTS) {
                    list.nest(1, |attributes| {
                        attributes.nest(KEY, |key| {
                            key.bytes(1, element.key.get(..element.length).unwrap_or_default());
                        });
                        if element.ends_range {
                            attributes.u32(FLAGS, 1);
                        }
                        if let Some(left) = element.left {
                            attributes.u64(TIMEOUT, left);
                        }
                    });
                }
            });
        });
    }
}

/// Makes sets and fills them.
struct Sets<'a> {
    batch: &'a mut Batch,
    made: u32,
}

impl Sets<'_> {
    fn make(&mut self, name: &str, flags: u32, (kind, length): (u32, u32)) {
        self.made += 1;
        let id = self.made;
        self.batch.add(Kind::NewSet, CREATE, |set| {
            set.text(1, NAME).text(2, name).u32(3, flags).u32(4, kind).u32(5, length).u32(10, id);
        });
    }

    fn blocks(&mut self, mirror: &Mirror, now: Wall) {
        for (name, family) in [
            ("blocked_4", Family::V4),
            ("blocked_6", Family::V6),
            ("blocked_6_64", Family::V6),
            ("blocked_6_48", Family::V6),
        ] {
            self.make(name, TIMEOUTS, address_key(family));
            let of = mirror.blocks.iter().filter(|(prefix, _)| set_of_blocks(**prefix) == Some(name));
            let left = of.filter_map(|(prefix, until)| {
                Some(Element::of(prefix.network()).ending(time_left(*until, now)?))
            });
            elements(self.batch, Kind::NewElements, name, left);
        }
        let odd = mirror.blocks.iter().filter(|(prefix, _)| Width::of(**prefix) == Width::Odd);
        let odd = odd.filter(|(_, until)| time_left(**until, now).is_some()).map(|(prefix, _)| *prefix);
        self.ranges("networks", &AddressSet::of(odd));
        self.ranges("trusted", &mirror.rows.trusted);
    }

    fn finishing(&mut self, mirror: &Mirror) {
        for family in Family::BOTH {
            let [(signalling, with_ports), (sound, addresses)] = finishing_sets(mirror, family);
            self.make(&signalling, 0, address_and_port_key(family));
            elements(self.batch, Kind::NewElements, &signalling, with_ports.into_iter());
            self.make(&sound, 0, address_key(family));
            elements(self.batch, Kind::NewElements, &sound, addresses.into_iter());
        }
    }

    /// A set of ranges for each family.
    fn ranges(&mut self, name: &str, set: &AddressSet) {
        for family in Family::BOTH {
            let name = format!("{name}_{}", family.suffix());
            self.make(&name, INTERVALS, address_key(family));
            elements(self.batch, Kind::NewElements, &name, range_elements(set, family));
        }
    }
}

/// The type by which `nft` shows a key (the kernel only keeps it), and its length.
fn address_key(family: Family) -> (u32, u32) {
    let kind = match family {
        Family::V4 => 7,
        Family::V6 => 8,
    };
    (kind, family.width())
}

fn address_and_port_key(family: Family) -> (u32, u32) {
    const PORT: u32 = 13;
    let (address, length) = address_key(family);
    ((address << 6) | PORT, length + 4)
}

fn chain(batch: &mut Batch, name: &str) {
    batch.add(Kind::NewChain, CREATE, |chain| {
        chain.text(1, NAME).text(3, name);
    });
}

/// Where refused packets end: TCP is reset, the rest dropped.
fn refused(batch: &mut Batch) {
    chain(batch, "refused");
    rule(batch, NAME, "refused", |rule| {
        rule.protocol(TCP).at_most_per_second(RESETS).counter().reset();
    });
    rule(batch, NAME, "refused", |rule| rule.counter().verdict(Verdict::Drop));
}

fn blocked(batch: &mut Batch) {
    const CHAIN: &str = "blocked";
    chain(batch, CHAIN);
    let refused = Verdict::Goto("refused");
    for family in Family::BOTH {
        for (what, verdict) in [("trusted", Verdict::Return), ("blocked", refused), ("networks", refused)] {
            rule(batch, NAME, CHAIN, |rule| {
                let set = format!("{what}_{}", family.suffix());
                rule.family(family).source(family).within(&set).verdict(verdict);
            });
        }
    }
    for (bits, set) in [(64, "blocked_6_64"), (48, "blocked_6_48")] {
        rule(batch, NAME, CHAIN, |rule| {
            rule.family(Family::V6).source(Family::V6).mask(bits).within(set).verdict(refused);
        });
    }
}

fn service_chain(batch: &mut Batch, mirror: &Mirror, service: ServiceName) {
    let name = service.name();
    chain(batch, name);
    for family in Family::BOTH {
        let set = |what: &str| format!("{what}_{}", family.suffix());
        match service {
            ServiceName::Sip => rule(batch, NAME, name, |rule| {
                rule.family(family).source_and_port(family).within(&set("finishing"));
                rule.verdict(Verdict::Accept);
            }),
            ServiceName::Media => rule(batch, NAME, name, |rule| {
                rule.family(family).source(family).within(&set("sounding")).verdict(Verdict::Accept);
            }),
            ServiceName::Web => {}
        }
    }
    rule(batch, NAME, name, |rule| rule.verdict(Verdict::Jump("blocked")));
    if let Some(Row::Only(_)) = row(&mirror.rows, service) {
        for family in Family::BOTH {
            rule(batch, NAME, name, |rule| {
                let set = format!("{name}_{}", family.suffix());
                rule.family(family).source(family).outside(&set).verdict(Verdict::Goto("refused"));
            });
        }
    }
}

/// The chain that packets come in by.
fn incoming(batch: &mut Batch, places: &[Place]) {
    const CHAIN: &str = "incoming";
    const PREROUTING: u32 = 0;
    const RAW: i32 = -300;
    const ACCEPT: u32 = 1;
    batch.add(Kind::NewChain, CREATE, |chain| {
        chain.text(1, NAME).text(3, CHAIN).u32(5, ACCEPT).text(7, "filter");
        chain.nest(4, |hook| {
            hook.u32(1, PREROUTING).bytes(2, &RAW.to_be_bytes());
        });
    });
    for place in places {
        rule(batch, NAME, CHAIN, |rule| {
            let family = family(place.address);
            // Ports first: most packets of a busy machine go elsewhere, and the rest costs more to ask.
            rule.family(family).protocol(if place.is_udp { UDP } else { TCP });
            rule.ports(place.first, place.last);
            match place.address {
                address if address.is_unspecified() => rule.for_this_machine(),
                IpAddr::V4(v4) => rule.destination(family, &v4.octets()),
                IpAddr::V6(v6) => rule.destination(family, &v6.octets()),
            };
            rule.verdict(Verdict::Goto(place.service.name()));
        });
    }
}
