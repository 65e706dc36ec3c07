//! From the configured rows to the gate's (SPEC R4.2), and what a change of them would do to phones that are registered.
//!
//! Not here: the addresses of host names (`hosts`), who is let in (`guard`).

use std::sync::Arc;

use guard::{AddressSet, Row, Rows};
use ipnet::IpNet;
use model::config::{self, Office};
use model::live::Registration;

use super::hosts::Hosts;

/// Phones named in a warning; the rest is a number.
const NAMED: usize = 5;

/// The rows of `office`, with what is known of its host names.
pub fn rows(office: &Office, hosts: &Hosts) -> Arc<Rows> {
    let wanted = &office.firewall;
    let row = |group: &Option<String>| match group {
        None => Arc::default(),
        Some(group) => Arc::new(Row::Only(addresses(office, group, hosts))),
    };
    let trusted = office.security.guessing.trusted.as_deref();
    Arc::new(Rows {
        web: row(&wanted.web),
        sip: row(&wanted.sip),
        provisioning: row(&wanted.provisioning),
        crm: row(&wanted.crm),
        snmp: row(&wanted.snmp),
        trusted: trusted.map(|group| addresses(office, group, hosts)).unwrap_or_default(),
    })
}

/// The addresses of an address group, with what is known of its host names.
pub fn addresses(office: &Office, group: &str, hosts: &Hosts) -> AddressSet {
    AddressSet::of(prefixes(office, group, hosts))
}

/// The same as the fewest prefixes.
pub fn prefixes(office: &Office, group: &str, hosts: &Hosts) -> Vec<IpNet> {
    let known = hosts.addresses(config::hosts(office, group));
    let all: Vec<IpNet> =
        config::prefixes(office, group).into_iter().chain(known.into_iter().map(IpNet::from)).collect();
    IpNet::aggregate(&all)
}

/// Each key of `[firewall]` whose row fits `which`, with its group.
fn keys<'a>(
    office: &'a Office,
    rows: &'a Rows,
    which: fn(&AddressSet) -> bool,
) -> Vec<(&'static str, &'a str)> {
    let made = [&rows.web, &rows.sip, &rows.provisioning, &rows.crm, &rows.snmp];
    let named = office.firewall.rows().into_iter().zip(made);
    let fits = named.filter(|(_, row)| matches!(&***row, Row::Only(set) if which(set)));
    fits.filter_map(|((key, group), _)| Some((key, group?))).collect()
}

/// Rows that would let nobody in, since their groups hold nothing but host names without addresses.
pub fn dead(office: &Office, rows: &Rows) -> Vec<config::Misfit> {
    let misfit = |(key, group): (&'static str, &str)| config::Misfit {
        section: "firewall",
        key,
        what: format!("address group {group} resolves to no address now, so nobody would be let in"),
        cure: "add an address to the group, or mend its host names or the name server".to_owned(),
    };
    keys(office, rows, AddressSet::is_empty).into_iter().map(misfit).collect()
}

/// What to say of rows that would take the place of `before`, given who is registered now.
pub fn warnings(office: &Office, before: &Rows, rows: &Rows, registered: &[Registration]) -> Vec<String> {
    let open = keys(office, rows, AddressSet::is_everybody).into_iter().map(|(key, group)| {
        format!("firewall.{key} restricts nobody, since address group {group} holds every address")
    });
    let loses = |phone: &&Registration| {
        let source = phone.source.ip();
        before.sip.admits(source) && !rows.sip.admits(source)
    };
    let lost: Vec<&Registration> = registered.iter().filter(loses).collect();
    open.chain(shut_out(office, &lost, registered.len())).collect()
}

fn shut_out(office: &Office, lost: &[&Registration], of: usize) -> Option<String> {
    if lost.is_empty() {
        return None;
    }
    let mut names: Vec<String> =
        lost.iter().take(NAMED).map(|phone| format!("{} at {}", phone.line, phone.source.ip())).collect();
    if lost.len() > NAMED {
        names.push(format!("{} more", lost.len().saturating_sub(NAMED)));
    }
    let group = office.firewall.sip.as_deref().unwrap_or_default();
    Some(format!(
        "firewall.sip shuts out {} of {of} registered phones ({}): they can finish running calls and get no new ones; \
         add their addresses to address group {group} to keep them",
        lost.len(),
        names.join(", "),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Transport, Wall};

    fn phone(line: &str, source: &str) -> Registration {
        Registration {
            extension: line.into(),
            line: line.into(),
            contact: String::new(),
            source: source.parse().unwrap(),
            transport: Transport::Udp,
            user_agent: String::new(),
            registered: Wall::from_millis(0),
            expires_in_s: 60.0,
            reachable: true,
        }
    }

    fn only(network: &str) -> Rows {
        let set = AddressSet::of([network.parse().unwrap()]);
        Rows { sip: Arc::new(Row::Only(set)), ..Rows::default() }
    }

    #[test]
    fn phones_that_a_row_newly_shuts_out_are_counted_and_the_first_are_named() {
        let mut office = Office::default();
        office.firewall.sip = Some("Inside".into());
        let mut registered = vec![phone("101", "10.0.0.1:5060"), phone("102", "[::ffff:192.0.2.1]:5060")];
        let say = |before: &Rows, after: &Rows, registered: &[Registration]| {
            warnings(&office, before, after, registered)
        };
        let said = say(&Rows::default(), &only("10.0.0.0/8"), &registered);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("shuts out 1 of 2 registered phones (102 at ::ffff:192.0.2.1)"), "{said:?}");
        assert!(say(&only("10.0.0.0/8"), &only("10.0.0.0/9"), &registered).is_empty(), "that was so before");
        registered.extend((0..9).map(|n| phone("103", &format!("192.0.2.9:{}", 5060 + n))));
        let said = say(&Rows::default(), &only("10.0.0.0/8"), &registered);
        assert!(said[0].contains("10 of 11") && said[0].contains("5 more"), "{said:?}");
        let said = say(&Rows::default(), &only("0.0.0.0/0"), &registered);
        assert!(said.len() == 1 && said[0].contains("restricts nobody"), "{said:?}");
    }
}
