//! The gate: a read-only verdict by address that any thread asks before anything is read or parsed.
//!
//! Behind it stand the firewall's rows, swapped atomically as a whole, the blocked addresses, and the flows that may
//! finish what they have. Asking takes well under 100 ns. `net` hands on nothing without the [`Admitted`] that only the gate
//! makes; so a new listener cannot forget to ask.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use ipnet::IpNet;
use model::{Weakness, planted};

use crate::AddressSet;
use crate::refusals::Refusals;

/// What somebody wants to reach. The control socket is not among them: it is never firewalled, since it is the way
/// back in for an administrator who has locked himself out (SPEC R3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Console and web phone.
    Web,
    /// SIP over any transport.
    Sip,
    /// TFTP and HTTPS for phones.
    Provisioning,
    /// CRM integration.
    Crm,
    /// SNMP monitoring.
    Snmp,
    /// RTP and RTCP of calls: no row restricts it, since its sources are the calls' own.
    Media,
}

/// Proof that the gate let somebody in. Only [`Gate::admit`] makes one, and it can't be copied.
#[derive(Debug, PartialEq, Eq)]
pub struct Admitted {
    service: Service,
    source: SocketAddr,
    local: SocketAddr,
}

impl Admitted {
    /// What was asked for.
    pub const fn service(&self) -> Service {
        self.service
    }

    /// Who asked.
    pub const fn source(&self) -> SocketAddr {
        self.source
    }

    /// The address of ours that was asked.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }
}

/// The gate's answer (SPEC R4.3).
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Come in.
    Allow(Admitted),
    /// A datagram is dropped unanswered, a connection is reset before a byte is read.
    Deny,
    /// May finish a live call on the flow that has it, and gets nothing new.
    EstablishedOnly(Admitted),
}

/// Who reaches a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Row {
    /// Whoever is not blocked.
    #[default]
    Anybody,
    /// These addresses.
    Only(AddressSet),
}

/// The firewall (SPEC R4.2): a row for each service. Replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Console and web phone.
    pub web: Arc<Row>,
    /// SIP.
    pub sip: Arc<Row>,
    /// Provisioning.
    pub provisioning: Arc<Row>,
    /// CRM integration.
    pub crm: Arc<Row>,
    /// SNMP.
    pub snmp: Arc<Row>,
    /// Refused by no block, also where a network around them is (SPEC R4.6).
    pub trusted: AddressSet,
}

impl Row {
    /// Whether an address reaches the service.
    #[inline]
    pub fn admits(&self, source: IpAddr) -> bool {
        match self {
            Row::Anybody => true,
            Row::Only(set) => set.contains(source),
        }
    }
}

impl Rows {
    fn excludes(&self, service: Service, source: SocketAddr) -> bool {
        let row = match service {
            Service::Web => &self.web,
            Service::Sip => &self.sip,
            Service::Provisioning => &self.provisioning,
            Service::Crm => &self.crm,
            Service::Snmp => &self.snmp,
            Service::Media => return false,
        };
        !row.admits(source.ip())
    }
}

/// How often the gate said what, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Admitted.
    pub allowed: u64,
    /// Refused.
    pub denied: u64,
    /// Admitted to finish what it has.
    pub established_only: u64,
}

/// The gate. Shared as `Arc<Gate>`.
#[derive(Debug, Default)]
pub struct Gate {
    rows: ArcSwap<Rows>,
    refusals: Refusals,
    /// Flows with a live call whose address is refused.
    established: ArcSwap<HashSet<(Service, SocketAddr)>>,
    tallies: [Tally; TALLIES],
}

/// Parts of the counts. Threads that ask about different sources count in different ones and don't wait for each other's
/// cache lines: with one count for all, four threads needed three times as long for a verdict.
const TALLIES: usize = 16;

/// A part of the counts, alone on its pair of cache lines (which processors fetch together).
#[derive(Debug, Default)]
#[repr(align(128))]
struct Tally {
    allowed: AtomicU64,
    denied: AtomicU64,
    established_only: AtomicU64,
}

impl Gate {
    /// A gate that admits everybody.
    pub fn open() -> Arc<Gate> {
        Arc::new(Gate::default())
    }

    /// Whether `source` may reach `service` at our address `local`.
    #[inline]
    pub fn admit(&self, service: Service, source: SocketAddr, local: SocketAddr) -> Verdict {
        let admitted = Admitted { service, source, local };
        if !self.refuses(service, source) {
            self.tally(source, |tally| &tally.allowed);
            return Verdict::Allow(admitted);
        }
        let established = self.established.load();
        if !established.is_empty() && established.contains(&place(service, source)) {
            self.tally(source, |tally| &tally.established_only);
            return Verdict::EstablishedOnly(admitted);
        }
        self.tally(source, |tally| &tally.denied);
        Verdict::Deny
    }

    /// Whether `source` is refused, by a row or a block.
    #[inline]
    pub fn refuses(&self, service: Service, source: SocketAddr) -> bool {
        let rows = self.rows.load();
        let address = source.ip().to_canonical();
        if planted(Weakness::BlocksIgnored) {
            return false;
        }
        (self.refusals.cover(address) && !rows.trusted.contains(address)) || rows.excludes(service, source)
    }

    /// Puts other rows in force: the next question is answered by them.
    pub fn set_rows(&self, rows: Arc<Rows>) {
        self.rows.store(rows);
    }

    /// Blocks an address or network from now on.
    pub fn block(&self, prefix: IpNet) {
        self.refusals.add(prefix.trunc());
    }

    /// Lifts exactly this block.
    pub fn unblock(&self, prefix: IpNet) {
        self.refusals.remove(prefix.trunc());
    }

    /// Names the refused flows that may finish what they have; those of before may not any more.
    pub fn set_established(&self, flows: impl IntoIterator<Item = (Service, SocketAddr)>) {
        let flows = flows.into_iter().map(|(service, source)| place(service, source));
        self.established.store(Arc::new(flows.collect()));
    }

    /// How often it said what.
    pub fn counts(&self) -> Counts {
        let sum = |count: fn(&Tally) -> &AtomicU64| {
            self.tallies
                .iter()
                .fold(0_u64, |sum, tally| sum.wrapping_add(count(tally).load(Ordering::Relaxed)))
        };
        Counts {
            allowed: sum(|tally| &tally.allowed),
            denied: sum(|tally| &tally.denied),
            established_only: sum(|tally| &tally.established_only),
        }
    }

    #[inline]
    fn tally(&self, source: SocketAddr, count: fn(&Tally) -> &AtomicU64) {
        let low = match source.ip() {
            IpAddr::V4(v4) => v4.octets()[3],
            IpAddr::V6(v6) => v6.octets()[15],
        };
        let place = usize::from(low ^ source.port().to_le_bytes()[0]) % TALLIES;
        if let Some(tally) = self.tallies.get(place) {
            count(tally).fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Where something may be finished. The ports of a call's sound are the peer's choice and may change: its address counts.
fn place(service: Service, source: SocketAddr) -> (Service, SocketAddr) {
    let port = if service == Service::Media { 0 } else { source.port() };
    (service, SocketAddr::new(source.ip().to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(gate: &Gate, service: Service, source: &str) -> Verdict {
        gate.admit(service, source.parse().unwrap(), "127.0.0.1:5060".parse().unwrap())
    }

    #[test]
    fn a_block_rules_the_next_question_on_every_service() {
        let gate = Gate::open();
        assert!(matches!(ask(&gate, Service::Sip, "192.0.2.1:5060"), Verdict::Allow(_)));
        gate.block("192.0.2.0/24".parse().unwrap());
        gate.block("198.51.100.7/32".parse().unwrap());
        for service in [Service::Sip, Service::Web, Service::Media, Service::Snmp] {
            assert_eq!(ask(&gate, service, "192.0.2.1:5060"), Verdict::Deny);
            assert_eq!(ask(&gate, service, "[::ffff:192.0.2.1]:5060"), Verdict::Deny);
            assert_eq!(ask(&gate, service, "198.51.100.7:1"), Verdict::Deny);
        }
        assert!(matches!(ask(&gate, Service::Sip, "198.51.100.1:5060"), Verdict::Allow(_)));
        gate.unblock("192.0.2.0/24".parse().unwrap());
        assert!(matches!(ask(&gate, Service::Sip, "192.0.2.1:5060"), Verdict::Allow(_)));
        assert_eq!(gate.counts(), Counts { allowed: 3, denied: 12, established_only: 0 });
    }

    #[test]
    fn who_is_trusted_is_let_in_where_the_network_around_is_blocked() {
        let gate = Gate::open();
        gate.block("2001:db8:5:6::/64".parse().unwrap());
        let trusted = AddressSet::of(["2001:db8:5:6::b/128".parse().unwrap()]);
        gate.set_rows(Arc::new(Rows { trusted, ..Rows::default() }));
        assert!(matches!(ask(&gate, Service::Sip, "[2001:db8:5:6::b]:5060"), Verdict::Allow(_)));
        assert_eq!(ask(&gate, Service::Sip, "[2001:db8:5:6::a]:5060"), Verdict::Deny);
    }

    #[test]
    fn a_row_restricts_its_service_and_no_other() {
        let gate = Gate::open();
        let inside = AddressSet::of(["192.168.0.0/16".parse().unwrap()]);
        gate.set_rows(Arc::new(Rows { sip: Arc::new(Row::Only(inside)), ..Rows::default() }));
        assert!(matches!(ask(&gate, Service::Sip, "192.168.1.1:5060"), Verdict::Allow(_)));
        assert_eq!(ask(&gate, Service::Sip, "198.51.100.7:5060"), Verdict::Deny);
        assert!(matches!(ask(&gate, Service::Web, "198.51.100.7:5060"), Verdict::Allow(_)));
        assert!(matches!(ask(&gate, Service::Media, "198.51.100.7:5060"), Verdict::Allow(_)));
        gate.set_rows(Arc::new(Rows { sip: Arc::new(Row::Only(AddressSet::default())), ..Rows::default() }));
        assert_eq!(
            ask(&gate, Service::Sip, "192.168.1.1:5060"),
            Verdict::Deny,
            "an empty row lets nobody in"
        );
    }

    #[test]
    fn an_established_flow_may_finish_and_its_neighbour_may_not() {
        let gate = Gate::open();
        gate.block("198.51.100.7/32".parse().unwrap());
        gate.set_established([(Service::Sip, "[::ffff:198.51.100.7]:5060".parse().unwrap())]);
        assert!(matches!(ask(&gate, Service::Sip, "198.51.100.7:5060"), Verdict::EstablishedOnly(_)));
        assert_eq!(ask(&gate, Service::Sip, "198.51.100.7:5061"), Verdict::Deny);
        assert_eq!(ask(&gate, Service::Web, "198.51.100.7:5060"), Verdict::Deny);
        assert_eq!(ask(&gate, Service::Media, "198.51.100.7:4000"), Verdict::Deny);
        gate.set_established([(Service::Media, "198.51.100.7:5060".parse().unwrap())]);
        assert!(matches!(ask(&gate, Service::Media, "198.51.100.7:4000"), Verdict::EstablishedOnly(_)));
        gate.set_established([]);
        assert_eq!(ask(&gate, Service::Sip, "198.51.100.7:5060"), Verdict::Deny);
    }

    #[test]
    fn the_token_says_for_what_it_was_made() {
        let (source, local) = ("192.0.2.1:9".parse().unwrap(), "127.0.0.1:5060".parse().unwrap());
        let Verdict::Allow(token) = Gate::open().admit(Service::Media, source, local) else {
            panic!("refused")
        };
        assert_eq!((token.service(), token.source(), token.local()), (Service::Media, source, local));
    }
}
