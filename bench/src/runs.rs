//! One measured run of one load at one server: start it, warm it up, measure its processor time over the load alone.

use crate::calls::Calls;
use crate::media::{self, Heard, Talk};
use crate::peers::{self, Peer, SERVER, Server};
use crate::phones::Phones;
use crate::register::{Outcome, Registering};
use crate::usage;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

/// Phones live at 127.2.*.*.
const PHONES_NET: u8 = 2;
/// Registering everybody before a load goes at this rate: below every server's limit.
const WARM_UP_RATE: u32 = 1000;
/// Calls that stay are made at this rate.
const ESTABLISH_RATE: u32 = 200;

/// What a run gave.
pub struct Measured {
    /// Operations.
    pub outcome: Outcome,
    /// The server's processor time over the load.
    pub cpu: Duration,
    /// The load's own.
    pub own: Duration,
    /// Datagrams that the kernel dropped for want of room: on their way to the server, and to the phones.
    pub dropped: (u64, u64),
}

/// What a run with speech gave.
pub struct MeasuredMedia {
    /// Calls that were up.
    pub calls: u32,
    /// Packets.
    pub heard: Heard,
    /// How long they spoke.
    pub lasted: Duration,
    /// The server's processor time while they spoke.
    pub cpu: Duration,
}

/// A server with registered phones.
pub struct Exchange {
    /// The server.
    pub server: Server,
    phones: Phones,
    numbers: Vec<String>,
}

impl Exchange {
    /// Starts a server and registers so many phones.
    pub fn open(peer: Peer, users: usize) -> Self {
        let numbers = peers::numbers(users);
        let phones = Phones::new(PHONES_NET, users).expect("addresses in 127.2.0.0/16 are free");
        let mut exchange = Self { server: peer.start(users), phones, numbers };
        let outcome =
            Registering::new(&mut exchange.phones, SERVER, &exchange.numbers).all_once(WARM_UP_RATE);
        let said = exchange.server.said();
        assert_eq!(outcome.good, users as u64, "{} could not register everybody: {said}", peer.name());
        exchange
    }

    /// Offers registrations.
    pub fn register(&mut self, rate: u32, duration: Duration) -> Measured {
        let before = Before::of(self.server.pid);
        let outcome = Registering::new(&mut self.phones, SERVER, &self.numbers).run(rate, duration);
        before.measured(outcome)
    }

    /// Offers registrations with a wrong password.
    pub fn guess(&mut self, rate: u32, duration: Duration) -> Measured {
        let before = Before::of(self.server.pid);
        let outcome =
            Registering::new(&mut self.phones, SERVER, &self.numbers).guessing().run(rate, duration);
        before.measured(outcome)
    }

    /// Offers calls without speech.
    pub fn call(&mut self, rate: u32, duration: Duration, hold: Duration) -> Measured {
        let silent = SocketAddrV4::new(Ipv4Addr::new(127, 3, 9, 9), 4000);
        let before = Before::of(self.server.pid);
        let mut calls =
            Calls::new(&mut self.phones, SERVER, &self.numbers, Box::new(move |_| (silent, silent)));
        let outcome = calls.run(rate, duration, hold);
        before.measured(outcome)
    }

    /// Makes as many calls as there are pairs of phones, speaks on them, and hangs up. `meanwhile` looks at the server
    /// while all calls are up.
    pub fn speak(&mut self, duration: Duration, meanwhile: impl FnOnce(&Server)) -> MeasuredMedia {
        let count = (self.phones.count() / 2) as u32;
        let mut talk = Talk::new().expect("addresses in 127.3.0.0/16 are free");
        let pid = self.server.pid;
        let mut calls = Calls::new(&mut self.phones, SERVER, &self.numbers, Box::new(media::plan));
        let (outcome, routes) = calls.establish(count, ESTABLISH_RATE);
        assert_eq!(outcome.failed, 0, "calls for media: {}", self.server.said());
        let before = usage::cpu(pid);
        let heard = talk.speak(&routes, duration);
        let cpu = usage::cpu(pid) - before;
        meanwhile(&self.server);
        calls.hang_up();
        MeasuredMedia { calls: count, heard, lasted: duration, cpu }
    }
}

/// What stood before a load.
struct Before {
    pid: u32,
    cpu: Duration,
    own: Duration,
    dropped: (u64, u64),
}

impl Before {
    fn of(pid: u32) -> Self {
        Self { pid, cpu: usage::cpu(pid), own: usage::own(), dropped: dropped() }
    }

    fn measured(self, outcome: Outcome) -> Measured {
        let (to_server, to_phones) = dropped();
        Measured {
            outcome,
            cpu: usage::cpu(self.pid) - self.cpu,
            own: usage::own() - self.own,
            dropped: (to_server - self.dropped.0, to_phones - self.dropped.1),
        }
    }
}

fn dropped() -> (u64, u64) {
    (usage::dropped(&SERVER.ip().octets()), usage::dropped(&[127, PHONES_NET]))
}

/// Speech through a server that has media only.
pub fn speak_through(peer: Peer, count: u32, duration: Duration) -> MeasuredMedia {
    if peer == Peer::Ringwall {
        return Exchange::open(peer, 2 * count as usize).speak(duration, |_| {});
    }
    let server = peer.start(2 * count as usize);
    let mut talk = Talk::new().expect("addresses in 127.3.0.0/16 are free");
    let routes = peer.media_routes(count, &media::plan);
    let up = routes.iter().flatten().count();
    assert_eq!(up, count as usize, "{} opened too little: {}", peer.name(), server.said());
    // Both ends must have been heard once before either can be answered.
    talk.speak(&routes, Duration::from_millis(100));
    let before = usage::cpu(server.pid);
    let heard = talk.speak(&routes, duration);
    let cpu = usage::cpu(server.pid) - before;
    MeasuredMedia { calls: count, heard, lasted: duration, cpu }
}
