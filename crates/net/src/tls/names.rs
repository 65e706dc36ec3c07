//! Under which names and addresses this machine is reached, for its certificates.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;

/// Names and addresses in one certificate, each: beyond it a certificate no longer fits the few kilobytes that small
/// phones take, and a machine with so many addresses is named by its domain.
pub const MAX_NAMES: usize = 64;
/// Longest DNS name (RFC 1035 section 2.3.4).
const MAX_DNS_NAME: usize = 253;

/// What a certificate is to cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Whom it is issued to: the SIP domain.
    pub subject: String,
    /// DNS names, lower case.
    pub dns: BTreeSet<String>,
    /// Addresses.
    pub addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// Those of `domain`, of this machine and of its loopback.
    pub fn of_this_machine(domain: &str) -> Names {
        let mut names = Names { subject: domain.to_owned(), ..Names::default() };
        names.add(domain);
        names.add("localhost");
        names.add_address(Ipv4Addr::LOCALHOST.into());
        names.add_address(Ipv6Addr::LOCALHOST.into());
        if let Ok(host) = rustix::system::uname().nodename().to_str() {
            names.add(host);
        }
        // Without them the domain and the host's name still stand.
        for address in getifaddrs().into_iter().flatten().filter_map(|interface| interface.address) {
            let v4 = address.as_sockaddr_in().map(|found| IpAddr::V4(found.ip()));
            let v6 = address.as_sockaddr_in6().map(|found| IpAddr::V6(found.ip()));
            if let Some(address) = v4.or(v6) {
                names.add_address(address);
            }
        }
        names
    }

    /// Adds a name or an address, with or without the brackets of IPv6; what is neither is left out.
    pub fn add(&mut self, name: &str) {
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = bare.parse() {
            return self.add_address(address);
        }
        let name = bare.trim_end_matches('.').to_ascii_lowercase();
        if self.dns.len() < MAX_NAMES && is_dns_name(&name) {
            self.dns.insert(name);
        }
    }

    /// Adds an address; wildcards and those that mean something on one link only are left out.
    pub fn add_address(&mut self, address: IpAddr) {
        let address = address.to_canonical();
        let is_of_link = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        if self.addresses.len() < MAX_NAMES
            && !address.is_unspecified()
            && !address.is_multicast()
            && !is_of_link
        {
            self.addresses.insert(address);
        }
    }
}

fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= MAX_DNS_NAME && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_reached_by_its_domain_its_loopback_and_its_interfaces() {
        let mut names = Names::of_this_machine("PBX.example.test.");
        assert!(names.dns.contains("pbx.example.test") && names.dns.contains("localhost"));
        assert!(names.addresses.contains(&IpAddr::from([127, 0, 0, 1])));
        assert!(names.addresses.contains(&IpAddr::V6(Ipv6Addr::LOCALHOST)));
        for useless in ["0.0.0.0", "[::]", "fe80::1", "not a name", "a..b", ""] {
            let before = names.clone();
            names.add(useless);
            assert_eq!(names, before, "{useless}");
        }
        names.add("[2001:db8::7]");
        assert!(names.addresses.contains(&"2001:db8::7".parse().unwrap()));
    }

    #[test]
    fn names_are_bounded() {
        let mut names = Names::default();
        for number in 0..1_000_u32 {
            names.add(&format!("name{number}.test"));
            names.add_address(Ipv4Addr::from_bits(0x0a00_0001 + number).into());
        }
        assert_eq!((names.dns.len(), names.addresses.len()), (MAX_NAMES, MAX_NAMES));
    }
}
