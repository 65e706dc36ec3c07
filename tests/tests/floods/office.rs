//! An office under fire: a server in a namespace of its own, two calls, phones that come back, and what must hold meanwhile and
//! afterwards.

use crate::attack::{Flood, Source};
use crate::known;
use crate::talk::{Pair, Talk};
use blackbox::secure::Trust;
use blackbox::{Namespaces, Office, Pbx, RawPhone, netns, resource, wait};
use serde_json::Value;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;
use std::time::{Duration, Instant};

/// The server, where plain SIP is spoken.
pub const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 20, 0, 1), 5060);
/// The server's TLS.
pub const SECURE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 20, 0, 1), 5061);
/// Extensions 101 to 104 talk, 105 and 106 call each other when it is over, the others come back meanwhile.
const PHONES: Range<u32> = 101..127;
/// The extensions of phones that come over TCP and TLS.
const CONNECTED: Range<u32> = 127..137;
/// A flood lasts so long, and until the phones are through.
const LASTS: Duration = Duration::from_millis(2_500);
/// Bytes of its own by which the process may grow (issue 6).
const MAX_GROWTH: u64 = 20 << 20;
/// A phone whose request got no answer for 32 s would have given up.
const PHONES_WITHIN: Duration = Duration::from_secs(100);
/// File handles that a server opens when it first needs them: two for each connection to its database.
const DATABASE: u64 = 8;
/// When all must be as before; an overload is over after ten quiet seconds.
const RECOVERS_WITHIN: Duration = Duration::from_secs(60);

/// What a flood is told of its aim.
#[derive(Clone, Copy)]
pub struct Aim {
    /// Where it comes from.
    pub source: Source,
    /// Where Ringwall takes the audio of those who talk.
    pub media: [SocketAddrV4; 4],
}

/// A kind of flood.
pub type Attack = fn(Aim) -> Flood;

/// Runs floods of this kind, from one address and from many, on an office of its own; `least` times a flood must have acted, or
/// it was none.
pub fn withstands(kind: &'static str, least: u64, attack: Attack) {
    let world = Namespaces::new(&["pbx"]);
    // On a loopback device all addresses of a network are there.
    world.add_address("pbx", "10.20.0.0/16", "lo");
    world.add_address("pbx", "10.66.0.0/16", "lo");
    netns::inside(world.name("pbx"), move || {
        let mut office = Fort::open(kind);
        // One flood at a time: what one of another test takes from the phones of this one says nothing of the server.
        let turn = turn();
        let mut under_fire = UnderFire::of(&mut office);
        for source in [Source::One, Source::Many] {
            under_fire.flood(source, least, attack);
        }
        drop(turn);
        under_fire.recovers();
    });
}

fn turn() -> File {
    let lock = File::create(std::env::temp_dir().join("blackbox-floods")).expect("a lock file");
    lock.lock().expect("a lock");
    lock
}

/// The office while nothing happens.
struct Fort {
    kind: &'static str,
    pbx: Pbx,
    phones: Vec<RawPhone>,
    trust: Trust,
}

impl Fort {
    fn open(kind: &'static str) -> Self {
        let listen = format!(
            "sip_udp = [\"{SERVER}\"]\nsip_tcp = [\"{SERVER}\"]\nsip_tls = [\"{SECURE}\"]\nconsole = []\nmedia_ports = \"10000-19999\"\n"
        );
        let more = "[network]\nkernel_offload = \"auto\"\n".into();
        let mut pbx =
            Pbx::prepare(Office { listen, more, ..Office::of(PHONES.start, CONNECTED.end - PHONES.start) })
                .at(SERVER);
        pbx.launch();
        let phone = |number: u32| {
            let address = SocketAddrV4::new(Ipv4Addr::new(10, 20, 1, number as u8), 5_060);
            RawPhone::at(address, &number.to_string(), SERVER)
        };
        let mut phones: Vec<_> = PHONES.map(phone).collect();
        phones.iter_mut().for_each(|phone| known::register(phone).expect("nothing is wrong yet"));
        let trust = Trust::of(&pbx.run(&["ca"]).done(), rustls::ALL_VERSIONS);
        let connected = known::reconnect_all(CONNECTED, trust.clone()).join().expect("no panic");
        drop(connected.expect("nothing is wrong yet"));
        wait::until("their connections to end", || (Held::of(&pbx.status()).connections == 0).then_some(()));
        Self { kind, pbx, phones, trust }
    }
}

/// What was held before a flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    connections: u64,
    file_handles: u64,
    calls: u64,
    legs: u64,
    blocks: u64,
    troubles: usize,
}

impl Held {
    fn of(status: &Value) -> Self {
        let number = |value: &Value| value.as_u64().expect("a number");
        let held = |key: &str| number(&status["held"][key]);
        Self {
            connections: held("connections"),
            file_handles: held("file_handles"),
            calls: number(&status["calls"]),
            legs: held("legs"),
            blocks: number(&status["blocks"]),
            troubles: status["troubles"].as_array().map_or(0, Vec::len),
        }
    }
}

/// The office with two calls.
struct UnderFire<'a> {
    kind: &'static str,
    pbx: &'a mut Pbx,
    talk: Talk,
    pairs: [Pair; 2],
    /// Those who call when it is over.
    fresh: Option<[RawPhone; 2]>,
    /// Those who come back meanwhile.
    known: Vec<RawPhone>,
    trust: Trust,
    before: Held,
    memory: u64,
}

impl<'a> UnderFire<'a> {
    fn of(office: &'a mut Fort) -> Self {
        let mut phones = office.phones.drain(..);
        let mut two = || [phones.next().expect("enough"), phones.next().expect("enough")];
        let ((one, [a, b]), (other, [c, d])) = (Pair::talk(two()), Pair::talk(two()));
        let fresh = Some(two());
        let known = phones.collect();
        let talk = Talk::begin([&one, &other], [a, b, c, d]);
        let (pbx, trust) = (&mut office.pbx, office.trust.clone());
        let (before, memory) = (Held::of(&pbx.status()), own_memory(pbx));
        Self { kind: office.kind, pbx, talk, pairs: [one, other], fresh, known, trust, before, memory }
    }

    fn flood(&mut self, source: Source, least: u64, attack: Attack) {
        let what = format!("{} from {source:?}", self.kind);
        let (begin, first) = (Instant::now(), self.talk.now());
        let mut grown = 0;
        let flood = attack(Aim { source, media: self.talk.ports });
        let phones = known::register_all(std::mem::take(&mut self.known));
        let connected = known::reconnect_all(CONNECTED, self.trust.clone());
        let (mut asked, mut connections) = (0, 0);
        let is_over = |acted: u64| {
            phones.is_finished() && connected.is_finished() && begin.elapsed() >= LASTS && acted >= least
        };
        while !is_over(flood.acted()) {
            let state = (phones.is_finished(), connected.is_finished(), flood.acted());
            assert!(begin.elapsed() < PHONES_WITHIN, "{what}: phones, connections, flood: {state:?}");
            let answer = resource::ask(self.pbx, "GET /status", &[], "").expect(200);
            connections = connections.max(Held::of(&answer.json()).connections);
            asked += 1;
            let memory = own_memory(self.pbx);
            // What the start had needed is given back by and by, which is no growth of what was before.
            self.memory = self.memory.min(memory);
            grown = grown.max(memory - self.memory);
            std::thread::sleep(Duration::from_millis(50));
        }
        // Counted before it ends: what is lost is lost under fire.
        let loss = self.talk.lost_since(first);
        let came_back = connected.join().expect("no panic").map(|all| all.len());
        let acted = flood.acted();
        flood.stop();
        println!(
            "{what}: {acted} in {:?}, {loss:?}, {} KB more than {} KB, {connections} connections, asked {asked} times",
            begin.elapsed(),
            grown >> 10,
            self.memory >> 10
        );
        self.known = phones.join().expect("no panic").unwrap_or_else(|why| panic!("{what}: {why}"));
        assert_eq!(came_back, Ok(CONNECTED.len()), "{what}");
        assert!(loss.sent > 0 && loss.lost * 100 < loss.sent, "{what}: {loss:?}");
        assert!(grown < MAX_GROWTH, "{what}: {grown} bytes more than before");
    }

    /// All is as before, without anybody's help.
    fn recovers(mut self) {
        let what = self.kind;
        let mut now = None;
        let same = wait::within(RECOVERS_WITHIN, || {
            let held = Held::of(&self.pbx.status());
            let handles = self.before.file_handles + DATABASE;
            let is_same = held.file_handles <= handles
                && Held { file_handles: self.before.file_handles, ..held } == self.before;
            now = Some(held);
            is_same.then_some(())
        });
        assert!(same.is_some(), "{what}: {:?} before, {now:?} after", self.before);
        let over = wait::within(RECOVERS_WITHIN, || {
            let count = |log: &str, event: &str| self.pbx.run(&["log", log]).done().matches(event).count();
            let (begun, over) =
                (count("warning", "system.overloaded"), count("debug", "system.overload-over"));
            (begun == over).then_some(())
        });
        assert!(over.is_some(), "{what}: the overload is not over");
        let (mut call, _) = Pair::talk(self.fresh.take().expect("nobody has called yet"));
        call.hang_up();
        self.pairs.iter_mut().for_each(Pair::hang_up);
        assert!(self.pbx.expect_records(3).iter().all(|record| record["result"] == "answered"), "{what}");
        let grown = own_memory(self.pbx).saturating_sub(self.memory);
        assert!(grown < MAX_GROWTH, "{what}: {grown} bytes are not given back");
    }
}

/// Bytes that are the process' own: neither of files nor shared.
fn own_memory(pbx: &mut Pbx) -> u64 {
    let pid = pbx.process().pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux says so");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes << 10
}
