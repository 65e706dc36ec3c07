//! How many connections a source may hold open.
//!
//! The table needs no bound of its own: each entry has a connection, and connections are bounded in total.

use std::collections::HashMap;
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
}

impl Default for Limits {
    /// 10,000 in all: thrice the phones of the largest office that one machine serves over TCP. 2,500 of a source: an office of
    /// 1,000 phones behind one address that all come back before their old connections time out. 500 of them unproven: a
    /// phone proves itself within a round trip, so 500 is what such an office has in flight; an idler holds no more.
    fn default() -> Limits {
        Limits { total: 10_000, per_source: 2_500, unproven_per_source: 500 }
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
    by_source: HashMap<Source, Count, foldhash::fast::RandomState>,
}

impl Connections {
    /// None open.
    pub fn new(limits: Limits) -> Connections {
        Connections { limits, total: 0, by_source: HashMap::default() }
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
        Ok(())
    }

    /// Somebody authenticated on a connection of `source` that was unproven.
    pub fn prove(&mut self, source: IpAddr) {
        if let Some(count) = self.by_source.get_mut(&Source::of(source)) {
            count.unproven = count.unproven.saturating_sub(1);
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
        Connections::new(Limits { total: 4, per_source: 3, unproven_per_source: 2 })
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
        assert_eq!(connections.open(), 0);
        assert!(connections.by_source.is_empty());
    }
}
