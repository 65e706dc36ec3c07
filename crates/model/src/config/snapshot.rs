//! From the configured office to the directory that the machines look things up in.

use std::sync::Arc;

use ipnet::IpNet;

use super::country::calling_code;
use super::groups::prefixes;
use super::office::Office;
use super::schema::{Extension, Line};
use crate::Secret;
use crate::directory::{self, Directory, Nat};
use crate::number::Numbering;

/// The directory of `office`, sharing with `previous` every record that did not change.
pub fn directory(office: &Office, previous: Option<&Directory>) -> Directory {
    let system = &office.system;
    let domain = bare(&system.domain);
    let mut made = Directory {
        revision: office.revision,
        realm: system.realm.clone().unwrap_or_else(|| system.domain.clone()),
        aliases: system.aliases.iter().map(|alias| bare(alias)).collect(),
        numbering: Numbering {
            country_code: system.country.as_deref().and_then(calling_code).unwrap_or("").to_owned(),
            international_prefix: system.international_prefix.clone(),
            national_prefix: system.national_prefix.clone(),
        },
        times: office.sip.times(system.drain),
        network: network(office),
        guessing: guessing(office),
        domain,
        ..Directory::empty()
    };
    made.extensions.reserve(office.extensions.len());
    made.lines.reserve(office.sip_passwords.len());
    for object in office.extensions.values() {
        add(&mut made, office, &object.value, previous);
    }
    made
}

/// Lower case, without the brackets of an IPv6 address and without a final dot.
fn bare(name: &str) -> String {
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    inner.strip_suffix('.').unwrap_or(inner).to_ascii_lowercase()
}

fn network(office: &Office) -> directory::Network {
    let local = office.network.local.as_deref().map_or(Vec::new(), |name| prefixes(office, name));
    directory::Network {
        local: IpNet::aggregate(&local),
        public_v4: office.network.public_address_v4,
        public_v6: office.network.public_address_v6,
    }
}

fn guessing(office: &Office) -> directory::Guessing {
    let set = &office.security.guessing;
    let trusted = set.trusted.as_deref().map_or(Vec::new(), |name| prefixes(office, name));
    directory::Guessing {
        attempts: set.attempts,
        period: set.period.0,
        block: set.block.0,
        known: set.known.0,
        slow: set.slow.as_ref().map(|slow| (slow.attempts, slow.period.0)),
        trusted: IpNet::aggregate(&trusted),
    }
}

fn add(made: &mut Directory, office: &Office, extension: &Extension, previous: Option<&Directory>) {
    let old = previous.and_then(|previous| previous.extensions.get(extension.number.as_str()));
    let number = old.map_or_else(|| Arc::from(extension.number.as_str()), |old| Arc::clone(&old.number));
    let nat = if extension.nat { Nat::On } else { Nat::Off };
    let mut names = Vec::with_capacity(extension.lines.len());
    for line in &extension.lines {
        let Some(password) = office.sip_passwords.get(&line.username) else { continue };
        let shared = previous.and_then(|previous| previous.lines.get(line.username.as_str()));
        let line = shared
            .filter(|old| is_same(old, line, &number, extension, password))
            .cloned()
            .unwrap_or_else(|| {
                Arc::new(directory::Line {
                    username: Arc::from(line.username.as_str()),
                    extension: Arc::clone(&number),
                    password: password.clone(),
                    digest: line.digest.0,
                    nat,
                    encryption: extension.encryption.0,
                })
            });
        names.push(Arc::clone(&line.username));
        made.lines.insert(Arc::clone(&line.username), line);
    }
    let personal = office.personal.get(&extension.number);
    let fresh = directory::Extension {
        number: Arc::clone(&number),
        description: extension.description.clone(),
        lines: names,
        forwarding: personal.map(|personal| personal.forwarding.resolved()).unwrap_or_default(),
        do_not_disturb: personal.is_some_and(|personal| personal.do_not_disturb),
    };
    let shared = old.filter(|old| ***old == fresh).cloned().unwrap_or_else(|| Arc::new(fresh));
    made.extensions.insert(number, shared);
}

fn is_same(
    old: &directory::Line,
    line: &Line,
    number: &str,
    extension: &Extension,
    password: &Secret,
) -> bool {
    old.extension.as_ref() == number
        && old.digest == line.digest.0
        && (old.nat == Nat::On) == extension.nat
        && old.encryption == extension.encryption.0
        && old.password == *password
}
