//! `ringwall ports`: the table of ports for people, and as rules for nftables (SPEC R2.20).

use std::net::IpAddr;

use api::body::PortRow;
use model::Transport;

use super::{say, say_json};
use crate::cli::Ports;
use crate::client::{Client, Resource, read};
use crate::failure::Failure;
use crate::table::{Table, or_dash};

pub(super) async fn ports(client: &Client<'_>, format: Ports) -> Result<(), Failure> {
    let body = client.get(Resource::new(&["ports"])).await?;
    if format.json {
        return say_json(&body);
    }
    let rows: Vec<PortRow> = read(&body)?;
    say(&if format.nftables { nftables(&rows) } else { table(&rows) })
}

fn port(row: &PortRow) -> String {
    if row.first == row.last { row.first.to_string() } else { format!("{}-{}", row.first, row.last) }
}

fn table(rows: &[PortRow]) -> String {
    let mut table =
        Table::new(&["r", "service", "address", "port", "via", "outbound", "inbound", "state", "reason"]);
    for row in rows {
        table.row([
            row.r.clone(),
            row.service.clone(),
            or_dash(row.address),
            port(row),
            row.transport.to_string(),
            row.outbound.clone(),
            row.inbound.clone(),
            row.state.clone(),
            row.reason.clone(),
        ]);
    }
    table.text("nothing listens")
}

/// What nftables calls the protocol: it sees TLS as the TCP that carries it.
const fn protocol(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "udp",
        Transport::Tcp | Transport::Tls => "tcp",
    }
}

/// Words of a family in rules, the set of who reaches SIP, and the type of its elements.
const FAMILIES: [(&str, &str, &str); 2] =
    [("ip", "ringwall_sip_v4", "ipv4_addr"), ("ip6", "ringwall_sip_v6", "ipv6_addr")];

/// Who reaches SIP by the firewall's row, as a set for each family; an empty one lets nobody in.
fn sets(sources: &[String]) -> String {
    let mut text = String::from("\n# Who reaches SIP: the address group of firewall.sip.\n");
    for (family, set, kind) in FAMILIES {
        let of_family = |network: &&String| network.contains(':') == (family == "ip6");
        let elements: Vec<&str> = sources.iter().filter(of_family).map(String::as_str).collect();
        text.push_str(&format!("add set inet filter {set} {{ type {kind}; flags interval; auto-merge; }}\n"));
        if !elements.is_empty() {
            text.push_str(&format!("add element inet filter {set} {{ {} }}\n", elements.join(", ")));
        }
    }
    text
}

/// Rules for the input chain of the usual `inet filter` table, which are made if they are missing. Loading them twice adds
/// them twice: they are meant to be put into the machine's own rule file.
fn nftables(rows: &[PortRow]) -> String {
    let mut text = String::from(
        "# What Ringwall needs let in; narrow the sources where a row says so.\n\
         add table inet filter\n\
         add chain inet filter input { type filter hook input priority 0; }\n",
    );
    let open = || rows.iter().filter(|row| !row.state.starts_with("failed"));
    if let Some(sources) = open().find_map(|row| row.from.as_ref()) {
        text.push_str(&sets(sources));
    }
    for row in open() {
        text.push_str(&format!("\n# {} {}: {}. Inbound: {}.\n", row.r, row.service, row.reason, row.inbound));
        let to = match row.address.filter(|address| !address.is_unspecified()) {
            Some(IpAddr::V4(address)) => format!("ip daddr {address} "),
            Some(IpAddr::V6(address)) => format!("ip6 daddr {address} "),
            None => match row.address {
                Some(IpAddr::V4(_)) => "meta nfproto ipv4 ".to_owned(),
                Some(IpAddr::V6(_)) => "meta nfproto ipv6 ".to_owned(),
                None => String::new(),
            },
        };
        let ports = format!("{} dport {} accept", protocol(row.transport), port(row));
        let families = match row.address {
            Some(IpAddr::V4(_)) => &FAMILIES[..1],
            Some(IpAddr::V6(_)) => &FAMILIES[1..],
            None => &FAMILIES[..],
        };
        if row.from.is_none() {
            text.push_str(&format!("add rule inet filter input {to}{ports}\n"));
            continue;
        }
        for (family, set, _) in families {
            text.push_str(&format!("add rule inet filter input {to}{family} saddr @{set} {ports}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(address: Option<&str>, transport: Transport, first: u16, last: u16) -> PortRow {
        PortRow {
            r: "2.1".into(),
            service: "SIP".into(),
            transport,
            from: None,
            address: address.map(|address| address.parse().unwrap()),
            first,
            last,
            outbound: "allow".into(),
            inbound: "allow for providers".into(),
            reason: "phones sign in here".into(),
            state: "listening".into(),
        }
    }

    #[test]
    fn rules_name_family_address_and_range() {
        let rows = [
            row(Some("0.0.0.0"), Transport::Udp, 5060, 5060),
            row(Some("::"), Transport::Tcp, 5060, 5060),
            row(Some("192.0.2.1"), Transport::Udp, 5060, 5060),
            row(Some("192.0.2.1"), Transport::Tls, 5061, 5061),
            row(None, Transport::Udp, 10_000, 19_999),
        ];
        let text = nftables(&rows);
        for rule in [
            "add rule inet filter input meta nfproto ipv4 udp dport 5060 accept\n",
            "add rule inet filter input meta nfproto ipv6 tcp dport 5060 accept\n",
            "add rule inet filter input ip daddr 192.0.2.1 udp dport 5060 accept\n",
            "add rule inet filter input ip daddr 192.0.2.1 tcp dport 5061 accept\n",
            "add rule inet filter input udp dport 10000-19999 accept\n",
        ] {
            assert!(text.contains(rule), "{rule}\n{text}");
        }
    }

    #[test]
    fn rules_let_in_whom_the_servers_own_row_lets_in() {
        let mut rows = [
            row(Some("0.0.0.0"), Transport::Udp, 5060, 5060),
            row(Some("2001:db8::1"), Transport::Tcp, 5060, 5060),
            row(None, Transport::Udp, 10_000, 19_999),
        ];
        let sources = ["10.0.0.0/8", "192.0.2.7/32"].map(str::to_owned);
        rows[0].from = Some(sources.to_vec());
        rows[1].from = Some(sources.to_vec());
        let text = nftables(&rows);
        for line in [
            "add element inet filter ringwall_sip_v4 { 10.0.0.0/8, 192.0.2.7/32 }\n",
            "add rule inet filter input meta nfproto ipv4 ip saddr @ringwall_sip_v4 udp dport 5060 accept\n",
            "add rule inet filter input ip6 daddr 2001:db8::1 ip6 saddr @ringwall_sip_v6 tcp dport 5060 accept\n",
            "add rule inet filter input udp dport 10000-19999 accept\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("element inet filter ringwall_sip_v6"), "nobody over IPv6\n{text}");
    }
}
