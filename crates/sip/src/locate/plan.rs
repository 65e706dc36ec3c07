//! The steps of RFC 3263 section 4.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use model::{Entropy, Transport};

use super::order::by_weight;
use super::{
    Abilities, Answer, Candidate, Destination, MAX_CANDIDATES, MAX_QUESTIONS, MAX_RECORDS, Naptr, Question,
    Scheme,
};

/// A step that waits for its answer.
#[derive(Clone, Debug)]
enum Step {
    Naptr,
    Srv { name: String, transport: Transport },
    Addresses { name: String, port: u16, transport: Transport },
}

/// Whether some SRV record was found: where one is, the name's own address is no destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Services {
    NoneYet,
    Found,
}

/// A destination on its way to addresses: [`Locate::question`], [`Locate::answer`], until there is no question.
#[derive(Clone, Debug)]
pub struct Locate {
    destination: Destination,
    abilities: Abilities,
    steps: VecDeque<Step>,
    services: Services,
    /// What to do if there are no SRV records; taken once.
    fallback: Option<Step>,
    asked: usize,
    candidates: Vec<Candidate>,
    entropy: Entropy,
}

impl Locate {
    /// Begins. `entropy` decides between servers of equal priority.
    pub fn new(destination: Destination, abilities: Abilities, entropy: Entropy) -> Locate {
        let mut locate = Locate {
            destination,
            abilities,
            steps: VecDeque::new(),
            services: Services::NoneYet,
            fallback: None,
            asked: 0,
            candidates: Vec::new(),
            entropy,
        };
        locate.begin();
        locate
    }

    /// The records wanted next; `None`: the candidates are complete.
    pub fn question(&self) -> Option<Question> {
        self.steps.front().map(|step| match step {
            Step::Naptr => Question::Naptr(self.destination.host.clone()),
            Step::Srv { name, .. } => Question::Srv(name.clone()),
            Step::Addresses { name, .. } => Question::Addresses(name.clone()),
        })
    }

    /// The answer to [`Locate::question`]; one of another kind counts as [`Answer::Failed`].
    pub fn answer(&mut self, answer: Answer) {
        let Some(step) = self.steps.pop_front() else { return };
        match (step, answer) {
            (Step::Naptr, Answer::Naptr(records)) => self.on_naptr(records),
            // Many servers know no NAPTR and say so badly: then as if there were none.
            (Step::Naptr, _) => self.ask_services(),
            (Step::Srv { transport, .. }, Answer::Srv(records)) => {
                if !records.is_empty() {
                    self.services = Services::Found;
                }
                for record in by_weight(records, &mut self.entropy) {
                    let name = record.target.trim_end_matches('.').to_ascii_lowercase();
                    if !name.is_empty() && record.port != 0 {
                        self.push(Step::Addresses { name, port: record.port, transport });
                    }
                }
            }
            (Step::Addresses { port, transport, .. }, Answer::Addresses(addresses)) => {
                for address in addresses.into_iter().take(MAX_RECORDS) {
                    self.found(transport, address, port);
                }
            }
            (Step::Srv { .. } | Step::Addresses { .. }, _) => {}
        }
        self.fall_back();
    }

    /// Where to send, in this order. Empty: nowhere.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    fn begin(&mut self) {
        let Destination { host, port, transport, scheme } = self.destination.clone();
        let default = if scheme == Scheme::Sips { Transport::Tls } else { Transport::Udp };
        let chosen = match (transport, scheme) {
            // `sips` with `transport=tcp` means TLS over TCP (RFC 3261 section 26.2.2).
            (Some(Transport::Tcp), Scheme::Sips) => Some(Transport::Tls),
            (other, _) => other,
        };
        if chosen.is_some_and(|chosen| !self.can(chosen)) {
            return;
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            let transport = chosen.unwrap_or(default);
            if self.can(transport) {
                self.found(transport, address, port.unwrap_or(default_port(transport)));
            }
            return;
        }
        match (port, chosen) {
            (Some(port), chosen) => {
                let transport = chosen.unwrap_or(default);
                if self.can(transport) {
                    self.push(Step::Addresses { name: host, port, transport });
                }
            }
            (None, Some(transport)) => {
                self.push(Step::Srv { name: service_name(transport, &host), transport });
                self.fallback = Some(own_address(host, transport));
            }
            (None, None) => {
                self.push(Step::Naptr);
                let transport = if self.can(default) { Some(default) } else { None };
                self.fallback = transport.map(|transport| own_address(host, transport));
            }
        }
    }

    fn on_naptr(&mut self, mut records: Vec<Naptr>) {
        records.truncate(MAX_RECORDS);
        records.sort_by_key(|record| (record.order, record.preference));
        for record in records {
            let transport = match record.service.to_ascii_uppercase().as_str() {
                "SIP+D2U" => Transport::Udp,
                "SIP+D2T" => Transport::Tcp,
                "SIPS+D2T" => Transport::Tls,
                _ => continue,
            };
            let name = record.replacement.trim_end_matches('.').to_ascii_lowercase();
            let fits = record.flags.eq_ignore_ascii_case("s") && !name.is_empty() && self.may(transport);
            if fits {
                self.push(Step::Srv { name, transport });
            }
        }
        if self.steps.is_empty() {
            self.ask_services();
        }
    }

    /// Without NAPTR: SRV for each transport that we speak (RFC 3263 section 4.1).
    fn ask_services(&mut self) {
        for transport in self.abilities.transports.clone() {
            if self.may(transport) {
                let name = service_name(transport, &self.destination.host);
                self.push(Step::Srv { name, transport });
            }
        }
    }

    /// Without SRV: the name's own addresses (RFC 3263 section 4.2).
    fn fall_back(&mut self) {
        if self.steps.is_empty()
            && self.services == Services::NoneYet
            && let Some(step) = self.fallback.take()
        {
            self.push(step);
        }
    }

    fn push(&mut self, step: Step) {
        if self.asked < MAX_QUESTIONS {
            self.asked = self.asked.saturating_add(1);
            self.steps.push_back(step);
        }
    }

    fn found(&mut self, transport: Transport, address: IpAddr, port: u16) {
        let address = address.to_canonical();
        let candidate = Candidate { transport, address: SocketAddr::new(address, port) };
        // A name may not send us to where no peer can be.
        let usable = self.abilities.reaches(address) && !address.is_unspecified() && !address.is_multicast();
        if usable && self.candidates.len() < MAX_CANDIDATES && !self.candidates.contains(&candidate) {
            self.candidates.push(candidate);
        }
    }

    fn can(&self, transport: Transport) -> bool {
        self.abilities.transports.contains(&transport)
    }

    fn may(&self, transport: Transport) -> bool {
        self.can(transport) && (self.destination.scheme == Scheme::Sip || transport == Transport::Tls)
    }
}

fn own_address(name: String, transport: Transport) -> Step {
    Step::Addresses { name, port: default_port(transport), transport }
}

/// RFC 3261 section 19.1.2.
const fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Udp | Transport::Tcp => 5060,
        Transport::Tls => 5061,
    }
}

fn service_name(transport: Transport, host: &str) -> String {
    let service = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    };
    format!("{service}.{host}")
}
