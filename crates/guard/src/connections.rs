//! How many connections a source may hold open.
//!
//! The table needs no bound of its own: each entry has a connection, and connections are bounded in total. A share of
//! the total is kept for sources where somebody has signed in before, so that strangers from many addresses can't keep
//! the office's own phones out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;

use crate::Source;

/// Bounds on open connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of all sources together.
    pub total: u32,
    /// Of one source.
    pub per_source: u32,
    /// Of one source, among those that have proved nothing yet.
    pub unproven_per_source: u32,
    /// Of all sources together, among those that have proved nothing yet. What is left of `total` is for known sources.
    pub unproven: u32,
}

/// Sources remembered as known: more than there can be connections, so that a phone that lost its connection still is
/// when it comes back. 40 bytes each.
pub const MAX_KNOWN: usize = 16_384;

impl Default for Limits {
    /// 10,000 in all: thrice the phones of the largest office that one machine serves over TCP. 2,500 of a source: an office of
    /// 1,000 phones behind one address that all come back before their old connections time out. 500 of them unproven: a
    /// phone proves itself within a round trip, so 500 is what such an office has in flight; an idler holds no more.
    /// 800 unproven of all: with half a TLS handshake each they hold 14 MB, and each of them that talks keeps who is known
    /// waiting for his turn. Phones of sources that are known do not wait for their places.
    fn default() -> Limits {
        Limits { total: 10_000, per_source: 2_500, unproven_per_source: 500, unproven: 800 }
    }
}

/// Whether somebody has authenticated on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Not yet.
    Unproven,
    /// Yes.
    Proven,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// [`Limits::total`] is reached.
    #[error("too many connections in all")]
    InAll,
    /// [`Limits::per_source`] is reached.
    #[error("too many connections from this source")]
    OfSource,
    /// [`Limits::unproven_per_source`] is reached.
    #[error("too many connections from this source that have not signed in")]
    Unproven,
    /// [`Limits::unproven`] is reached, and nobody has signed in from the source before.
    #[error("too many connections in all that have not signed in")]
    Strangers,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    open: u32,
    unproven: u32,
}

/// Open connections by source.
#[derive(Debug)]
pub struct Connections {
    limits: Limits,
    total: u32,
    unproven: u32,
    by_source: HashMap<Source, Count, foldhash::fast::RandomState>,
    known: HashSet<Source, foldhash::fast::RandomState>,
    /// Every source of `known` once, the one known for longest first.
    order: VecDeque<Source>,
}

impl Connections {
    /// None open.
    pub fn new(limits: Limits) -> Connections {
        Connections {
            limits,
            total: 0,
            unproven: 0,
            by_source: HashMap::default(),
            known: HashSet::default(),
            order: VecDeque::new(),
        }
    }

    /// Somebody has signed in from `source` before: its connections may use the share kept for known sources.
    pub fn know(&mut self, source: IpAddr) {
        let source = Source::of(source);
        if !self.known.insert(source) {
            return;
        }
        self.order.push_back(source);
        if self.order.len() > MAX_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    /// Counts a new, unproven connection in.
    ///
    /// # Errors
    /// A limit is reached; nothing was counted.
    pub fn enter(&mut self, source: IpAddr) -> Result<(), TooMany> {
        if self.total >= self.limits.total {
            return Err(TooMany::InAll);
        }
        let source = Source::of(source);
        if self.unproven >= self.limits.unproven && !self.known.contains(&source) {
            return Err(TooMany::Strangers);
        }
        let mut count = self.by_source.get(&source).copied().unwrap_or_default();
        if count.open >= self.limits.per_source {
            return Err(TooMany::OfSource);
        }
        if count.unproven >= self.limits.unproven_per_source {
            return Err(TooMany::Unproven);
        }
        count.open = count.open.saturating_add(1);
        count.unproven = count.unproven.saturating_add(1);
        self.by_source.insert(source, count);
        self.total = self.total.saturating_add(1);
        self.unproven = self.unproven.saturating_add(1);
        Ok(())
    }

    /// Somebody authenticated on a connection of `source` that was unproven.
    pub fn prove(&mut self, source: IpAddr) {
        self.know(source);
        if let Some(count) = self.by_source.get_mut(&Source::of(source)) {
            count.unproven = count.unproven.saturating_sub(1);
            self.unproven = self.unproven.saturating_sub(1);
        }
    }

    /// Counts a connection out that was entered.
    pub fn leave(&mut self, source: IpAddr, proof: Proof) {
        let source = Source::of(source);
        let Some(count) = self.by_source.get_mut(&source) else { return };
        self.total = self.total.saturating_sub(1);
        count.open = count.open.saturating_sub(1);
        if proof == Proof::Unproven {
            count.unproven = count.unproven.saturating_sub(1);
            self.unproven = self.unproven.saturating_sub(1);
        }
        if count.open == 0 {
            self.by_source.remove(&source);
        }
    }

    /// Open connections.
    pub const fn open(&self) -> u32 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Connections {
        Connections::new(Limits { total: 4, per_source: 3, unproven_per_source: 2, unproven: 4 })
    }

    #[test]
    fn each_limit_refuses_by_its_name() {
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut connections = small();
        assert_eq!(connections.enter(one), Ok(()));
        assert_eq!(connections.enter(one), Ok(()));
        assert_eq!(connections.enter(one), Err(TooMany::Unproven));
        connections.prove(one);
        connections.prove(one);
        assert_eq!(connections.enter(one), Ok(()));
        assert_eq!(connections.enter(one), Err(TooMany::OfSource));
        assert_eq!(connections.enter(two), Ok(()));
        assert_eq!(connections.enter(two), Err(TooMany::InAll));
    }

    #[test]
    fn strangers_from_many_addresses_leave_room_for_sources_that_are_known() {
        let mut connections =
            Connections::new(Limits { total: 6, per_source: 3, unproven_per_source: 2, unproven: 3 });
        let [office, home]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        connections.enter(office).unwrap();
        connections.prove(office);
        connections.leave(office, Proof::Proven);
        connections.know(home);
        let stranger = |number: u8| IpAddr::from([198, 51, 100, number]);
        for number in 0..3 {
            assert_eq!(connections.enter(stranger(number)), Ok(()));
        }
        assert_eq!(connections.enter(stranger(3)), Err(TooMany::Strangers));
        assert_eq!(connections.enter(office), Ok(()));
        assert_eq!(connections.enter(home), Ok(()));
        connections.prove(office);
        connections.prove(home);
        connections.leave(stranger(0), Proof::Unproven);
        assert_eq!(connections.enter(stranger(3)), Ok(()));
    }

    #[test]
    fn known_sources_are_bounded() {
        let mut connections = small();
        for number in 0..40_000_u32 {
            connections.know(IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number)));
        }
        assert_eq!((connections.known.len(), connections.order.len()), (MAX_KNOWN, MAX_KNOWN));
    }

    #[test]
    fn what_left_leaves_nothing_behind() {
        let address = "2001:db8::1".parse().unwrap();
        let neighbour = "2001:db8::2".parse().unwrap();
        let mut connections = small();
        connections.enter(address).unwrap();
        connections.enter(neighbour).unwrap();
        connections.prove(address);
        connections.leave(address, Proof::Proven);
        connections.leave(neighbour, Proof::Unproven);
        connections.leave(neighbour, Proof::Unproven);
        assert_eq!((connections.open(), connections.unproven), (0, 0));
        assert!(connections.by_source.is_empty());
    }
}
