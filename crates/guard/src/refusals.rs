//! Blocked addresses, as any thread may ask for them: what the judge decided, in the shape in which the gate looks it up.
//!
//! The guard's own blocks have four widths, so a lookup is one probe for IPv4 and three for IPv6; those that an
//! administrator made may have any, and are few. Times are the judge's business: it lifts what is over.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use arc_swap::ArcSwap;
use ipnet::{IpNet, Ipv6Net};

use crate::AddressSet;

/// Parts of the table, each with a lock of its own, so that threads that ask don't meet.
const SHARDS: usize = 64;
/// Widths of IPv6 networks that the guard blocks (SPEC R4.4).
const V6_WIDTHS: [u8; 3] = [128, 64, 48];

type Shard = RwLock<HashMap<IpNet, (), foldhash::fast::RandomState>>;

/// Who is blocked.
#[derive(Debug)]
pub(crate) struct Refusals {
    shards: [Shard; SHARDS],
    /// How many are in `shards`, so that a peaceful day costs no probe.
    count: AtomicUsize,
    /// Prefixes of other widths.
    odd: ArcSwap<(Vec<IpNet>, AddressSet)>,
    hasher: foldhash::fast::FixedState,
}

impl Default for Refusals {
    fn default() -> Refusals {
        Refusals {
            shards: std::array::from_fn(|_| Shard::default()),
            count: AtomicUsize::new(0),
            odd: ArcSwap::default(),
            hasher: foldhash::fast::FixedState::default(),
        }
    }
}

impl Refusals {
    pub(crate) fn add(&self, prefix: IpNet) {
        if !is_common(prefix) {
            return self.change_odd(|odd| odd.push(prefix));
        }
        if let Some(shard) = self.shard(prefix) {
            let mut entries = shard.write().unwrap_or_else(PoisonError::into_inner);
            if entries.insert(prefix, ()).is_none() {
                self.count.fetch_add(1, Ordering::Release);
            }
        }
    }

    pub(crate) fn remove(&self, prefix: IpNet) {
        if !is_common(prefix) {
            return self.change_odd(|odd| odd.retain(|other| *other != prefix));
        }
        if let Some(shard) = self.shard(prefix) {
            let mut entries = shard.write().unwrap_or_else(PoisonError::into_inner);
            if entries.remove(&prefix).is_some() {
                self.count.fetch_sub(1, Ordering::Release);
            }
        }
    }

    fn change_odd(&self, change: impl FnOnce(&mut Vec<IpNet>)) {
        let mut list = self.odd.load().0.clone();
        change(&mut list);
        let set = AddressSet::of(list.iter().copied());
        self.odd.store(std::sync::Arc::new((list, set)));
    }

    /// Whether an address, in its canonical form, is blocked.
    #[inline]
    pub(crate) fn cover(&self, address: IpAddr) -> bool {
        if self.count.load(Ordering::Acquire) > 0 {
            let found = match address {
                IpAddr::V4(_) => self.holds(IpNet::from(address)),
                IpAddr::V6(v6) => V6_WIDTHS.into_iter().any(|width| self.holds(network(v6, width))),
            };
            if found {
                return true;
            }
        }
        let odd = self.odd.load();
        !odd.0.is_empty() && odd.1.contains(address)
    }

    fn holds(&self, prefix: IpNet) -> bool {
        self.shard(prefix)
            .is_some_and(|shard| shard.read().unwrap_or_else(PoisonError::into_inner).contains_key(&prefix))
    }

    fn shard(&self, prefix: IpNet) -> Option<&Shard> {
        use std::hash::BuildHasher;
        let hash = self.hasher.hash_one(prefix);
        self.shards.get(usize::try_from(hash & 63).unwrap_or(0))
    }
}

fn is_common(prefix: IpNet) -> bool {
    match prefix {
        IpNet::V4(v4) => v4.prefix_len() == 32,
        IpNet::V6(v6) => V6_WIDTHS.contains(&v6.prefix_len()),
    }
}

fn network(address: Ipv6Addr, width: u8) -> IpNet {
    Ipv6Net::new(address, width).map_or(IpNet::from(IpAddr::V6(address)), |net| IpNet::V6(net.trunc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_covered_until_it_is_removed_whatever_its_width() {
        let refusals = Refusals::default();
        for (prefix, inside, outside) in [
            ("198.51.100.7/32", "198.51.100.7", "198.51.100.8"),
            ("203.0.113.0/24", "203.0.113.200", "203.0.114.1"),
            ("2001:db8::1/128", "2001:db8::1", "2001:db8::2"),
            ("2001:db8:1:2::/64", "2001:db8:1:2:3::4", "2001:db8:1:3::4"),
            ("2001:db8:9::/48", "2001:db8:9:ffff::1", "2001:db8:a::1"),
            ("2001:db8:f000::/36", "2001:db8:f0ff::1", "2001:db8:e000::1"),
        ] {
            let (prefix, inside, outside): (IpNet, IpAddr, IpAddr) =
                (prefix.parse().unwrap(), inside.parse().unwrap(), outside.parse().unwrap());
            refusals.add(prefix);
            refusals.add(prefix);
            assert!(refusals.cover(inside) && !refusals.cover(outside), "{prefix}");
            refusals.remove(prefix);
            refusals.remove(prefix);
            assert!(!refusals.cover(inside), "{prefix}");
        }
    }
}
