//! Who has something where: so that refusing one address costs what that address has, however many phones there are.
//!
//! Ordered, since a block may be of a whole network. It holds what its owner holds, and needs no bound of its own. Not here:
//! who is refused (`judge`, `gate`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

/// What is at which address; `K` names it, `K::default()` being the least name.
#[derive(Clone, Debug, Default)]
pub struct Places<K>(BTreeSet<(IpAddr, K)>);

impl<K: Copy + Ord + Default> Places<K> {
    /// Something is at an address.
    pub fn add(&mut self, at: IpAddr, what: K) {
        self.0.insert((at.to_canonical(), what));
    }

    /// It is there no more.
    pub fn remove(&mut self, at: IpAddr, what: K) {
        self.0.remove(&(at.to_canonical(), what));
    }

    /// What is within a network, in the order of addresses and names.
    pub fn within(&self, network: IpNet) -> impl Iterator<Item = K> {
        let (first, last) = (network.network(), network.broadcast());
        let from_first = self.0.range((first, K::default())..);
        from_first.take_while(move |(at, _)| *at <= last).map(|(_, what)| *what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_a_network_is_found_whatever_is_beside_it() {
        let mut places = Places::default();
        let all = ["192.0.2.0", "192.0.2.7", "192.0.2.7", "192.0.2.255", "192.0.3.0", "2001:db8::1", "::1"];
        for (name, at) in all.iter().enumerate() {
            places.add(at.parse().unwrap(), name);
        }
        let within = |places: &Places<usize>, network: &str| -> Vec<usize> {
            places.within(network.parse().unwrap()).collect()
        };
        assert_eq!(within(&places, "192.0.2.0/24"), [0, 1, 2, 3]);
        assert_eq!(within(&places, "192.0.2.7/32"), [1, 2]);
        assert_eq!(within(&places, "2001:db8::/64"), [5]);
        assert_eq!(within(&places, "0.0.0.0/0"), [0, 1, 2, 3, 4]);
        places.remove("::ffff:192.0.2.7".parse().unwrap(), 1);
        assert_eq!(within(&places, "192.0.2.7/32"), [2]);
    }
}
