//! What every signalling socket shares: the gate, the counts, the way in, and who hears of trouble.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use guard::{Admitted, Buckets, Connections, Gate, Limits, Pace, Rows, Taken, Verdict};
use ipnet::IpNet;
use model::event::{self, Event, Kind, Level};
use model::{Flow, Mono, Transport, Weakness, planted};
use wire::sip::{Malformed, Message};

use super::Flows;
use super::refuse::{self, Refusals};
use crate::inbox::{Arrival, Delivery, Inbox, Urgency};
use crate::shed::{Cause, News};
use crate::tls::Shown;
use crate::web::Visits;
use crate::{Clock, Effects};

/// How long a broken message holds up the rest where [`Weakness::Fragile`] is planted: longer than anybody waits for an answer.
const FRAGILE: Duration = Duration::from_secs(4);

/// How long and how much is waited for on a connection.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From accepting a connection, or from the first byte of a message, to the message's last byte.
    pub message: Duration,
    /// From accepting a connection to somebody's signing in on it, whatever comes meanwhile: pings are free, and would
    /// keep an idler's place for ever.
    pub unproven: Duration,
    /// Between messages, once somebody has. Phones refresh within `max_expires`, and calls may last without a message.
    pub proven_idle: Duration,
    /// For a peer to take what we send.
    pub write: Duration,
    /// Bytes read before somebody has signed in: a registration takes two messages of a kilobyte.
    pub unproven_bytes: usize,
    /// Bytes that wait for the rest of their message before somebody has signed in. Of a TLS handshake all bytes together: it
    /// takes 1 to 4 KB.
    pub unproven_pending: usize,
    /// The same of all strangers together. Whoever sends whole messages needs none of it.
    pub unproven_pending_of_all: usize,
}

impl Patience {
    /// A phone that may register for `max_expires` may be silent for that long, and once more if a refresh is late.
    #[must_use]
    pub fn for_registrations_of(self, max_expires: Duration) -> Patience {
        Patience { proven_idle: self.proven_idle.max(max_expires.saturating_mul(2)), ..self }
    }
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            message: Duration::from_secs(10),
            unproven: Duration::from_secs(60),
            proven_idle: Duration::from_secs(7_200),
            write: Duration::from_secs(10),
            unproven_bytes: 32 << 10,
            unproven_pending: 16 << 10,
            unproven_pending_of_all: 4 << 20,
        }
    }
}

/// Answers to malformed requests per source: enough for a broken phone, useless to an amplifier.
const BAD_REQUEST_PACE: Pace = Pace { rate: 5, burst: 20 };
/// Log lines on trouble with one source ...
const REPORT_PACE: Pace = Pace { rate: 1, burst: 5 };
/// ... and on what datagrams with forged sources bring about, with all sources together.
const ALL_REPORTS_PACE: Pace = Pace { rate: 100, burst: 500 };

/// What was counted since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Datagrams and messages that were no SIP.
    pub malformed: AtomicU64,
    /// Datagrams that could not be sent: the kernel's buffer was full, or the peer can't be reached.
    pub unsent: AtomicU64,
    /// The same of media; counted by its threads.
    pub media_unsent: Arc<AtomicU64>,
    /// Connections closed because their peer did not take what we sent.
    pub slow: AtomicU64,
}

/// What every signalling socket shares.
pub struct Door {
    pub(crate) gate: Arc<Gate>,
    pub(crate) flows: Flows,
    pub(crate) inbox: Inbox,
    pub(crate) clock: Clock,
    pub(crate) certificates: Shown,
    patience: RwLock<Patience>,
    effects: Arc<dyn Effects>,
    connections: Mutex<Connections>,
    /// Bytes of strangers that wait for the rest of their message.
    pub(super) halves: Arc<AtomicUsize>,
    /// Who is at the console.
    pub(crate) web: Visits,
    answers: Mutex<Buckets>,
    pub(super) refusals: Refusals,
    /// Of warnings, and of noise, which must not use up what warnings need.
    warnings: Mutex<Buckets>,
    reports: Mutex<Buckets>,
    /// Of all sources, counted as one.
    all_reports: Mutex<Buckets>,
    counters: Arc<Counters>,
}

impl Door {
    /// A door with nobody in it.
    pub fn new(
        gate: Arc<Gate>,
        inbox: Inbox,
        clock: Clock,
        effects: Arc<dyn Effects>,
        certificates: Shown,
        limits: Limits,
        patience: Patience,
    ) -> Arc<Door> {
        let counters = Arc::<Counters>::default();
        Arc::new(Door {
            gate,
            flows: Flows::new(counters.clone()),
            inbox,
            clock,
            certificates,
            patience: RwLock::new(patience),
            effects,
            connections: Mutex::new(Connections::new(limits)),
            halves: Arc::default(),
            web: Visits::default(),
            answers: Mutex::new(Buckets::new(BAD_REQUEST_PACE)),
            refusals: Refusals::default(),
            warnings: Mutex::new(Buckets::new(REPORT_PACE)),
            reports: Mutex::new(Buckets::new(REPORT_PACE)),
            all_reports: Mutex::new(Buckets::new(ALL_REPORTS_PACE)),
            counters,
        })
    }

    /// How long is waited, from now on; also on connections that are open.
    pub fn set_patience(&self, patience: Patience) {
        *self.patience.write().unwrap_or_else(PoisonError::into_inner) = patience;
    }

    pub(crate) fn patience(&self) -> Patience {
        *self.patience.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is shown to who connects over TLS.
    pub fn certificates(&self) -> &Shown {
        &self.certificates
    }

    /// The table of flows.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// What was counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Phones were registered from `source` before the start: they come back, and are let in before strangers.
    pub fn expect(&self, source: IpAddr) {
        self.connections().know(source);
        self.inbox.vouch(source);
    }

    /// Open connections.
    pub fn open_connections(&self) -> usize {
        usize::try_from(self.connections().open()).unwrap_or(usize::MAX)
    }

    pub(crate) fn connections(&self) -> std::sync::MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the gate about a datagram or connection; `None`: it does not exist for us.
    pub(crate) fn admit(&self, source: SocketAddr, local: SocketAddr) -> Option<Entrance> {
        match self.gate.admit(guard::Service::Sip, source, local) {
            Verdict::Allow(token) => Some(Entrance::Any(token)),
            Verdict::EstablishedOnly(token) => Some(Entrance::InProgress(token)),
            Verdict::Deny => None,
        }
    }

    /// Puts other rows of the firewall in force, and resets the connections of whoever is refused now.
    pub fn change_rows(&self, rows: Arc<Rows>) {
        self.gate.set_rows(rows);
        self.reset_refused();
    }

    /// Resets the connections of refused addresses, but for those that may finish a call.
    pub(crate) fn reset_refused(&self) {
        self.flows.reset_if(|remote| self.turns_away(remote));
        self.web.end_if(|remote| !self.admits_visitor(remote));
    }

    /// The same where only one network is newly refused: at the price of what connections it has.
    pub(crate) fn reset_within(&self, network: IpNet) {
        self.flows.reset_within(network, |remote| self.turns_away(remote));
        self.web
            .end_if(|remote| network.contains(&remote.ip().to_canonical()) && !self.admits_visitor(remote));
    }

    /// Whether nobody at this address may even finish what he has.
    fn turns_away(&self, remote: SocketAddr) -> bool {
        // What is not refused at all, which is nearly all, is known without a count.
        self.gate.refuses(guard::Service::Sip, remote)
            && matches!(self.gate.admit(guard::Service::Sip, remote, remote), Verdict::Deny)
    }

    /// Parses a message and hands it on.
    pub(crate) fn receive(&self, entrance: &Entrance, flow: Flow, bytes: Bytes) -> Received {
        let message = match Message::parse(bytes.clone()) {
            Ok(message) => message,
            Err(_) if matches!(entrance, Entrance::InProgress(_)) => return Received::Taken,
            Err(why) => return Received::Answer(self.malformed(&flow, &bytes, why).map(Bytes::from)),
        };
        if refuse::ends_refusal(&message) {
            return Received::Taken;
        }
        if matches!(entrance, Entrance::InProgress(_)) && Urgency::of(&message) != Urgency::InProgress {
            return Received::Taken;
        }
        match self.inbox.deliver(Arrival::new(flow, message, self.clock.mono())) {
            Delivery::Queued | Delivery::Gone => Received::Taken,
            Delivery::Shed(arrival) => Received::Answer(self.overloaded(&arrival)),
        }
    }

    /// Whether a datagram is dropped unread: a new request without credentials, while such have no room and no refusal is left.
    pub(crate) fn drops_unread(&self, source: IpAddr, datagram: &[u8]) -> bool {
        let now = self.clock.mono();
        let drops = self.inbox.is_closed_to(source, now)
            && refuse::is_stranger(datagram)
            && self.refusals.are_spent(now);
        if drops {
            self.inbox.count_shed(Cause::Unread, now);
        }
        drops
    }

    /// What somebody is told whose request can't be served now: to come back later, which is the end of it, where silence would
    /// only be asked again. Told without any state, and over UDP not more often than a core can bear.
    pub(crate) fn overloaded(&self, arrival: &Arrival) -> Option<Bytes> {
        // Nobody waits for an answer to these, and requests need the refusals.
        if Urgency::of(&arrival.message) == Urgency::InProgress {
            return None;
        }
        let silent = arrival.flow.transport == Transport::Udp && !self.refusals.take(self.clock.mono());
        if silent { None } else { refuse::refusal(&arrival.message) }
    }

    /// Tells when an overload begins and when it is over, whoever is hit.
    pub(crate) fn tell_of_overload(&self, now: Mono) {
        let Some(news) = self.inbox.news(now) else { return };
        let event = |kind| Event::new(kind, Clock::wall());
        self.effects.event(match news {
            News::Began => event(&event::OVERLOADED).with("refused", self.inbox.shed().messages()),
            News::Over(over) => event(&event::OVERLOAD_OVER)
                .with("refused", over.shed)
                .with("lasted_s", over.lasted.as_secs()),
        });
    }

    fn malformed(&self, flow: &Flow, bytes: &[u8], why: Malformed) -> Option<Vec<u8>> {
        self.counters.malformed.fetch_add(1, Ordering::Relaxed);
        if planted(Weakness::Fragile) {
            std::thread::sleep(FRAGILE);
        }
        let source = flow.remote.ip();
        self.report(&event::MALFORMED, source, |event| {
            event.with("source", flow.remote).with("transport", flow.transport).with("why", why)
        });
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.take(self.clock.mono(), source, 0) != Taken::Yes {
            return None;
        }
        drop(answers);
        wire::sip::bad_request(bytes, &why)
    }

    /// Tells of trouble with a source, but not without end.
    pub(crate) fn report(&self, kind: &'static Kind, source: IpAddr, fill: impl FnOnce(Event) -> Event) {
        let take = |buckets: &Mutex<Buckets>, source| {
            buckets.lock().unwrap_or_else(PoisonError::into_inner).take(self.clock.mono(), source, 0)
                == Taken::Yes
        };
        let everybody = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let is_noise = kind.level == Level::Debug;
        let own = if is_noise { &self.reports } else { &self.warnings };
        if take(own, source) && (!is_noise || take(&self.all_reports, everybody)) {
            self.effects.event(fill(Event::new(kind, Clock::wall())));
        }
    }
}

/// How far the gate let somebody in.
#[derive(Debug)]
pub(crate) enum Entrance {
    /// All the way.
    Any(#[allow(dead_code, reason = "held as proof that the gate was asked")] Admitted),
    /// To finish what it has.
    InProgress(#[allow(dead_code, reason = "held as proof that the gate was asked")] Admitted),
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Received {
    /// It is on its way, or was not for us.
    Taken,
    /// It goes no further; what it is answered, where an answer is safe.
    Answer(Option<Bytes>),
}
