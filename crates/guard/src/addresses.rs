//! A set of addresses: what an address group comes down to (SPEC R4.1).
//!
//! Kept as merged ranges, found by an index over the bits after what all of them share: 100,000 entries cost a lookup a
//! step or two more than ten. IPv4 seen through an IPv6 socket is IPv4.

use std::net::IpAddr;

use ipnet::IpNet;

/// Sets smaller than this are searched without an index.
const INDEXED_FROM: usize = 64;
/// Bits of an index: 65,536 places, 256 KB for a large set.
const INDEX_BITS: u32 = 16;

/// Addresses, each in or out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    v4: Ranges,
    v6: Ranges,
}

impl AddressSet {
    /// The addresses of these prefixes.
    pub fn of(prefixes: impl IntoIterator<Item = IpNet>) -> AddressSet {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for prefix in prefixes {
            let (first, last) = (prefix.network(), prefix.broadcast());
            let list = if first.to_canonical().is_ipv4() { &mut v4 } else { &mut v6 };
            list.push((bits(first), bits(last)));
        }
        AddressSet { v4: Ranges::of(v4), v6: Ranges::of(v6) }
    }

    /// Whether it holds this address.
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        let ranges = if address.to_canonical().is_ipv4() { &self.v4 } else { &self.v6 };
        ranges.contain(bits(address))
    }

    /// Whether it holds no address.
    pub fn is_empty(&self) -> bool {
        self.v4.first.is_empty() && self.v6.first.is_empty()
    }

    /// What it holds as the fewest ranges, first and last address, ascending; IPv4 first.
    pub fn ranges(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let of = |ranges: &Ranges, read: fn(u128) -> IpAddr| {
            let pairs = ranges.first.iter().zip(&ranges.last);
            pairs.map(|(first, last)| (read(*first), read(*last))).collect::<Vec<_>>()
        };
        let v4 = of(&self.v4, |bits| IpAddr::V6(bits.into()).to_canonical());
        v4.into_iter().chain(of(&self.v6, |bits| IpAddr::V6(bits.into())))
    }

    /// Whether it holds every IPv4 or every IPv6 address.
    pub fn is_everybody(&self) -> bool {
        let whole = |ranges: &Ranges, first, last| ranges.first == [first] && ranges.last == [last];
        let (lowest, highest) = (bits(IpAddr::from([0, 0, 0, 0])), bits(IpAddr::from([255, 255, 255, 255])));
        whole(&self.v4, lowest, highest) || whole(&self.v6, 0, u128::MAX)
    }
}

/// An address as a number; IPv4 as its IPv4-mapped IPv6 address.
fn bits(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Disjoint ranges, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ranges {
    first: Vec<u128>,
    last: Vec<u128>,
    index: Option<Index>,
}

/// For each value of the bits that follow the common prefix: how many ranges begin below it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Index {
    /// Leading bits that all ranges share.
    common: u32,
    below: Vec<u32>,
}

impl Ranges {
    fn of(mut pairs: Vec<(u128, u128)>) -> Ranges {
        pairs.sort_unstable();
        let mut ranges = Ranges::default();
        for (first, last) in pairs {
            match ranges.last.last_mut() {
                Some(end) if first <= end.saturating_add(1) => *end = (*end).max(last),
                _ => {
                    ranges.first.push(first);
                    ranges.last.push(last);
                }
            }
        }
        ranges.index = ranges.indexed();
        ranges
    }

    fn indexed(&self) -> Option<Index> {
        let (lowest, highest) = (self.first.first()?, self.last.last()?);
        let common = (lowest ^ highest).leading_zeros();
        if self.first.len() < INDEXED_FROM || common.saturating_add(INDEX_BITS) > u128::BITS {
            return None;
        }
        let places = 1_u32.checked_shl(INDEX_BITS)?;
        let mut below = Vec::with_capacity(usize::try_from(places).ok()?.saturating_add(1));
        let mut count = 0_u32;
        let mut starts = self.first.iter().map(|first| place(*first, common)).peekable();
        for value in 0..=places {
            while starts.next_if(|start| *start < value).is_some() {
                count = count.saturating_add(1);
            }
            below.push(count);
        }
        Some(Index { common, below })
    }

    /// The part of the list that is searched for an address; `None`: it is in none of the ranges.
    #[inline]
    fn window(&self, address: u128) -> Option<(usize, usize)> {
        match &self.index {
            None => Some((0, self.first.len())),
            Some(index) => {
                let lowest = self.first.first().copied().unwrap_or_default();
                if (lowest ^ address).leading_zeros() < index.common {
                    return None;
                }
                let value = usize::try_from(place(address, index.common)).unwrap_or(0);
                let at =
                    |value: usize| index.below.get(value).map_or(0, |n| usize::try_from(*n).unwrap_or(0));
                Some((at(value), at(value.saturating_add(1))))
            }
        }
    }

    #[inline]
    fn contain(&self, address: u128) -> bool {
        let Some((from, to)) = self.window(address) else { return false };
        let Some(starts) = self.first.get(from..to) else { return false };
        let begun = from.saturating_add(starts.partition_point(|first| *first <= address));
        begun.checked_sub(1).and_then(|place| self.last.get(place)).is_some_and(|last| *last >= address)
    }
}

/// The bits of an address that an index goes by.
#[inline]
fn place(address: u128, common: u32) -> u32 {
    let shifted = address.checked_shl(common).unwrap_or(0);
    u32::try_from(shifted >> (u128::BITS - INDEX_BITS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn set(prefixes: &[&str]) -> AddressSet {
        AddressSet::of(prefixes.iter().map(|text| text.parse::<IpNet>().unwrap()))
    }

    #[test]
    fn addresses_are_in_or_out() {
        let inside = set(&[
            "192.168.10.0/24",
            "10.0.0.5/32",
            "10.0.0.6/31",
            "2001:db8:10::/48",
            "::ffff:198.51.100.0/120",
        ]);
        for (address, expected) in [
            ("192.168.10.0", true),
            ("192.168.10.255", true),
            ("192.168.11.0", false),
            ("192.168.9.255", false),
            ("10.0.0.4", false),
            ("10.0.0.5", true),
            ("10.0.0.7", true),
            ("10.0.0.8", false),
            ("::ffff:192.168.10.7", true),
            ("198.51.100.9", true),
            ("2001:db8:10:ffff::1", true),
            ("2001:db8:11::1", false),
            ("::", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(inside.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(AddressSet::default().is_empty() && !AddressSet::default().contains([0, 0, 0, 0].into()));
    }

    #[test]
    fn ranges_are_merged_where_they_touch_or_overlap_and_families_stay_apart() {
        let told = |prefixes: &[&str]| {
            let text = |(first, last): (IpAddr, IpAddr)| format!("{first}-{last}");
            set(prefixes).ranges().map(text).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&[
                "10.1.0.0/16",
                "10.0.0.0/8",
                "11.0.0.0/32",
                "11.0.0.2/32",
                "2001:db8::/127",
                "2001:db8::2/128"
            ]),
            ["10.0.0.0-11.0.0.0", "11.0.0.2-11.0.0.2", "2001:db8::-2001:db8::2"]
        );
        assert_eq!(told(&["0.0.0.0/0", "::ffff:1.2.3.4/128"]), ["0.0.0.0-255.255.255.255"]);
        assert_eq!(told(&["::/0"]), ["::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]);
        assert!(told(&[]).is_empty());
    }

    #[test]
    fn everybody_is_recognised_also_when_told_in_halves() {
        assert!(set(&["0.0.0.0/0"]).is_everybody());
        assert!(set(&["0.0.0.0/1", "128.0.0.0/1"]).is_everybody());
        assert!(set(&["::/0"]).is_everybody());
        assert!(!set(&["10.0.0.0/8"]).is_everybody());
    }

    #[test]
    fn a_hundred_thousand_entries_take_no_more_steps_than_ten() {
        // Halvings of the part that is searched; finding the part is one look into the index.
        let steps = |count: u32| {
            let spread = |n: u32| Ipv4Addr::from_bits(0x0a00_0000 + n * (0x00ff_ffff / count));
            let set = AddressSet::of((0..count).map(|n| IpNet::from(IpAddr::from(spread(n)))));
            let of = |address| {
                let (from, to) = set.v4.window(bits(address)).unwrap_or_default();
                (to - from).checked_ilog2().map_or(0, |halvings| halvings + 1)
            };
            (0..count).map(|n| of(spread(n).into())).max().unwrap_or_default()
        };
        assert_eq!(steps(10), 4);
        assert!(steps(100_000) <= steps(10), "{}", steps(100_000));
    }

    #[test]
    fn a_large_set_answers_like_a_plain_list() {
        let mut seed = 1_u64;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from(seed >> 33).unwrap()
        };
        let mut prefixes: Vec<IpNet> = Vec::new();
        for _ in 0..3_000 {
            let length = 16 + u8::try_from(random() % 17).unwrap();
            prefixes.push(
                ipnet::Ipv4Net::new(Ipv4Addr::from_bits(random() << 1), length).unwrap().trunc().into(),
            );
            let v6 = Ipv6Addr::new(0x2001, 0xdb8, u16::try_from(random() & 0xffff).unwrap(), 0, 0, 0, 0, 0);
            prefixes.push(ipnet::Ipv6Net::new(v6, 48).unwrap().into());
        }
        let set = AddressSet::of(prefixes.iter().copied());
        for n in 0..20_000 {
            let address: IpAddr = if n % 2 == 0 {
                Ipv4Addr::from_bits(random() << 1).into()
            } else {
                Ipv6Addr::new(0x2001, 0xdb8, u16::try_from(random() & 0xffff).unwrap(), 7, 0, 0, 0, 1).into()
            };
            let plain = prefixes.iter().any(|prefix| prefix.contains(&address));
            assert_eq!(set.contains(address), plain, "{address}");
        }
        for prefix in &prefixes {
            assert!(set.contains(prefix.network()) && set.contains(prefix.broadcast()), "{prefix}");
        }
    }
}
