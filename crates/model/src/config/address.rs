//! Members of an address group (SPEC R4.1): address, range, prefix, host name, other group; and their meaning as
//! prefixes. Not here: resolving host names, which needs the network.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Subnets};

use super::read::{shown, text_schema};

/// What an address group holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// An address or prefix; IPv4-mapped IPv6 is IPv4.
    Network(IpNet),
    /// All addresses from the first to the last, both included, of one family.
    Range(IpAddr, IpAddr),
    /// The addresses of a host name.
    Host(String),
    /// The members of another group.
    Group(String),
}

const CURE: &str = "write an address, a range a-b, a prefix, \"host:NAME\" or \"group:NAME\"";

impl Member {
    /// Reads one member.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Member, String> {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("group:") {
            return if name.is_empty() { Err(CURE.to_owned()) } else { Ok(Member::Group(name.to_owned())) };
        }
        if let Some(name) = text.strip_prefix("host:") {
            return if is_host_name(name) {
                Ok(Member::Host(name.to_ascii_lowercase()))
            } else {
                Err(CURE.to_owned())
            };
        }
        if let Some((first, last)) = text.split_once('-') {
            return range(first.trim(), last.trim());
        }
        if text.contains('/') {
            return prefix(text);
        }
        let address: IpAddr = text.parse().map_err(|_| CURE.to_owned())?;
        Ok(Member::Network(IpNet::from(address.to_canonical())))
    }

    /// The member as prefixes; host names and groups have none of their own.
    pub fn prefixes(&self) -> Vec<IpNet> {
        match self {
            Member::Network(network) => vec![*network],
            Member::Range(IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(*first, *last, 0).map(IpNet::V4).collect()
            }
            Member::Range(IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(*first, *last, 0).map(IpNet::V6).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn range(first: &str, last: &str) -> Result<Member, String> {
    let parse = |text: &str| text.parse::<IpAddr>().map(|address| address.to_canonical());
    let (Ok(first), Ok(last)) = (parse(first), parse(last)) else {
        return Err(CURE.to_owned());
    };
    if first.is_ipv4() != last.is_ipv4() {
        return Err("write a range of one family: IPv4 or IPv6".to_owned());
    }
    if first > last {
        return Err(format!("turn it around: {last}-{first}"));
    }
    Ok(Member::Range(first, last))
}

fn prefix(text: &str) -> Result<Member, String> {
    let network: IpNet = text.parse().map_err(|_| CURE.to_owned())?;
    let network = unmapped(network);
    if network.addr() != network.network() {
        return Err(format!("the address has bits beyond the prefix: write {}", network.trunc()));
    }
    Ok(Member::Network(network))
}

/// `::ffff:a.b.c.d/96+n` is the IPv4 prefix `a.b.c.d/n`.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let (Some(v4), Some(length)) = (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) else {
        return network;
    };
    Ipv4Net::new(v4, length).map_or(network, IpNet::V4)
}

/// Whether `name` is a host name: labels of letters, digits and hyphens (RFC 1123 section 2.1).
pub(crate) fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let bare = name.strip_suffix('.').unwrap_or(name);
    bare.len() <= 253 && bare.split('.').all(label)
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Member::Network(IpNet::V4(v4)) if v4.prefix_len() == 32 => write!(f, "{}", v4.addr()),
            Member::Network(IpNet::V6(v6)) if v6.prefix_len() == 128 => write!(f, "{}", v6.addr()),
            Member::Network(network) => write!(f, "{network}"),
            Member::Range(first, last) => write!(f, "{first}-{last}"),
            Member::Host(name) => write!(f, "host:{name}"),
            Member::Group(name) => write!(f, "group:{name}"),
        }
    }
}

text_schema!(Member, "a member of an address group", Member::parse);

/// Whether `text` is a name or an address that a SIP domain can be; the cure if it is not.
pub(crate) fn check_domain(text: &str) -> Result<(), String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<Ipv4Addr>().is_ok() || bare.parse::<Ipv6Addr>().is_ok() || is_host_name(text) {
        return Ok(());
    }
    Err(format!("{} is neither a host name nor an address", shown(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_read_back_and_mapped_addresses_are_ipv4() {
        for (text, shown) in [
            ("192.168.10.0/24", "192.168.10.0/24"),
            ("10.0.0.5-10.0.0.20", "10.0.0.5-10.0.0.20"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("2001:db8::/48", "2001:db8::/48"),
            ("host:SIP.Provider.test", "host:sip.provider.test"),
            ("group:Inside", "group:Inside"),
        ] {
            assert_eq!(Member::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "10.0.0.300",
            "10.0.0.9-10.0.0.2",
            "10.0.0.1-::1",
            "10.0.0.1/24",
            "host:",
            "group:",
            "inside",
        ] {
            assert!(Member::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_becomes_exactly_its_addresses() {
        let prefixes = Member::parse("10.0.0.5-10.0.0.20").unwrap().prefixes();
        let inside = |text: &str| prefixes.iter().any(|p| p.contains(&text.parse::<IpAddr>().unwrap()));
        assert!(inside("10.0.0.5") && inside("10.0.0.20") && inside("10.0.0.12"));
        assert!(!inside("10.0.0.4") && !inside("10.0.0.21"));
        let all = Member::parse("0.0.0.0-255.255.255.255").unwrap().prefixes();
        assert_eq!(all, [IpNet::V4(Ipv4Net::default())]);
    }
}
