//! What address groups mean together (SPEC R4.1): who holds whom, their prefixes and host names, cycles, and which keys
//! select them. Not here: the addresses of host names, which need the network.

use std::collections::{BTreeSet, HashMap, VecDeque};

use ipnet::IpNet;

use super::address::Member;
use super::office::{Kind, Office};

/// What a group is selected for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Who is inside.
    Local,
    /// Who reaches a service.
    Row,
    /// Who is never blocked.
    Trusted,
}

/// A key of the configuration that selects a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection<'a> {
    pub(crate) kind: Kind,
    /// Below its section, with dots.
    pub(crate) key: &'static str,
    pub(crate) group: &'a str,
    pub(crate) purpose: Purpose,
}

/// Every key that selects a group. A new one belongs here: it is then checked, and followed in
/// `settle` when the group is renamed.
pub(crate) fn selections(office: &Office) -> Vec<Selection<'_>> {
    let local = office.network.local.as_deref();
    let local =
        local.map(|group| Selection { kind: Kind::Network, key: "local", group, purpose: Purpose::Local });
    let rows = office.firewall.rows().into_iter().filter_map(|(key, group)| {
        Some(Selection { kind: Kind::Firewall, key, group: group?, purpose: Purpose::Row })
    });
    let trusted = office.security.guessing.trusted.as_deref();
    let trusted = trusted.map(|group| Selection {
        kind: Kind::Security,
        key: "guessing.trusted",
        group,
        purpose: Purpose::Trusted,
    });
    local.into_iter().chain(rows).chain(trusted).collect()
}

/// The prefixes of address group `name` and of the groups it holds. Host names count for nothing here.
pub fn prefixes(office: &Office, name: &str) -> Vec<IpNet> {
    members(office, name).flat_map(Member::prefixes).collect()
}

/// The host names in address group `name` and in the groups it holds.
pub fn hosts<'a>(office: &'a Office, name: &'a str) -> BTreeSet<&'a str> {
    let host = |member: &'a Member| match member {
        Member::Host(host) => Some(host.as_str()),
        _ => None,
    };
    members(office, name).filter_map(host).collect()
}

/// The members of `name` and of the groups it holds, without those groups themselves.
pub(crate) fn members<'a>(office: &'a Office, name: &'a str) -> impl Iterator<Item = &'a Member> {
    let groups = groups_below(office, name).into_iter().filter_map(|name| office.address_groups.get(name));
    groups.flat_map(|group| &group.value.members).filter(|member| !matches!(member, Member::Group(_)))
}

fn groups_in<'a>(office: &'a Office, name: &str) -> impl Iterator<Item = &'a str> {
    let members = office.address_groups.get(name).map(|group| &group.value.members);
    members.into_iter().flatten().filter_map(|member| match member {
        Member::Group(name) => Some(name.as_str()),
        _ => None,
    })
}

/// `start` and the groups it holds, directly or not. Each is visited once.
fn groups_below<'a>(office: &'a Office, start: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![start];
    while let Some(name) = waiting.pop() {
        if seen.insert(name) {
            waiting.extend(groups_in(office, name));
        }
    }
    seen
}

/// The shortest way on which group `name`, through its member `first`, holds itself: `name`, `first`, ..., `name`.
pub(crate) fn cycle<'a>(office: &'a Office, name: &'a str, first: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from: HashMap<&str, &str> = HashMap::new();
    let mut waiting = VecDeque::from([first]);
    while let Some(group) = waiting.pop_front() {
        if group == name {
            let mut path = vec![name];
            let mut step = group;
            while let Some(before) = came_from.remove(step) {
                path.push(before);
                step = before;
            }
            path.push(name);
            path.reverse();
            return Some(path);
        }
        for inner in groups_in(office, group) {
            if inner != first && !came_from.contains_key(inner) {
                came_from.insert(inner, group);
                waiting.push_back(inner);
            }
        }
    }
    None
}
