//! The gate: a read-only verdict by address that any thread asks before anything is read or parsed.
//!
//! The table behind it is swapped atomically, so asking takes no lock and well under 100 ns. `net` hands on nothing
//! without the [`Admitted`] that only the gate makes; so a new listener cannot forget to ask.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use ipnet::IpNet;

/// What somebody wants to reach. The control socket is not among them: it is never firewalled, since it is the way
/// back in for an administrator who has locked himself out (SPEC R3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// SIP over any transport.
    Sip,
    /// RTP and RTCP of calls.
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
    /// May finish a live call or registration on the flow that has it, and gets nothing new.
    EstablishedOnly(Admitted),
}

/// Who is refused. Replaced as a whole.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Prefixes that reach no service.
    pub denied: Vec<IpNet>,
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
    table: ArcSwap<Table>,
    allowed: AtomicU64,
    denied: AtomicU64,
}

impl Gate {
    /// A gate that admits everybody.
    pub fn open() -> Arc<Gate> {
        Arc::new(Gate::default())
    }

    /// Whether `source` may reach `service` at our address `local`.
    pub fn admit(&self, service: Service, source: SocketAddr, local: SocketAddr) -> Verdict {
        if self.refuses(source) {
            self.denied.fetch_add(1, Ordering::Relaxed);
            return Verdict::Deny;
        }
        self.allowed.fetch_add(1, Ordering::Relaxed);
        Verdict::Allow(Admitted { service, source, local })
    }

    /// Puts another table in force: the next question is answered by it.
    pub fn put_in_force(&self, table: Table) {
        self.table.store(Arc::new(table));
    }

    /// How often it said what.
    pub fn counts(&self) -> Counts {
        Counts {
            allowed: self.allowed.load(Ordering::Relaxed),
            denied: self.denied.load(Ordering::Relaxed),
            established_only: 0,
        }
    }

    fn refuses(&self, source: SocketAddr) -> bool {
        let table = self.table.load();
        if table.denied.is_empty() {
            return false;
        }
        let address = source.ip().to_canonical();
        table.denied.iter().any(|prefix| prefix.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_table_rules_the_next_question() {
        let gate = Gate::open();
        let ask = |service, source: &str| {
            gate.admit(service, source.parse().unwrap(), "127.0.0.1:5060".parse().unwrap())
        };
        assert!(matches!(ask(Service::Sip, "192.0.2.1:5060"), Verdict::Allow(_)));
        gate.put_in_force(Table { denied: vec!["192.0.2.0/24".parse().unwrap()] });
        assert_eq!(ask(Service::Sip, "192.0.2.1:5060"), Verdict::Deny);
        assert_eq!(ask(Service::Sip, "[::ffff:192.0.2.1]:5060"), Verdict::Deny);
        assert!(matches!(ask(Service::Sip, "198.51.100.1:5060"), Verdict::Allow(_)));
        assert_eq!(gate.counts(), Counts { allowed: 2, denied: 2, established_only: 0 });
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
