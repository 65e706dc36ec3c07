//! A shard with a caller and a callee, and packets by hand.

mod attacks;
mod forwarding;
mod properties;
mod reports;
mod silence;

use std::net::SocketAddr;
use std::time::Duration;

use model::{Entropy, Mono};
use wire::rtp::{Header, Rewrite, write_header};
use wire::sdp::{Codec, Direction, static_codec};

use super::{Config, Shard};
use crate::buffer::{Buffer, HEADROOM, STORAGE};
use crate::command::{Command, Event, Out, Port, Remote, Verdict};
use crate::id::LegId;
use crate::payload::{PayloadMap, Payloads};

const A: LegId = LegId { index: 0, generation: 0 };
const B: LegId = LegId { index: 1, generation: 0 };
const C: LegId = LegId { index: 2, generation: 0 };
const PHONE_A: &str = "192.0.2.10:4000";
const PHONE_B: &str = "192.0.2.20:5000";
const PHONE_C: &str = "192.0.2.30:6000";
const FRAME: Duration = Duration::from_millis(20);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn remote(rtp: &str, direction: Direction) -> Remote {
    let rtp = address(rtp);
    Remote { rtp, rtcp: SocketAddr::new(rtp.ip(), rtp.port() + 1), rtcp_port: Port::Rtcp, direction }
}

fn event_codec(payload: u8) -> Codec {
    Codec { payload, name: "telephone-event".to_owned(), clock: 8000, channels: 1, fmtp: None }
}

/// PCMU, PCMA and keys under 101.
fn payloads() -> Payloads {
    Payloads::of(&[static_codec(0).unwrap(), static_codec(8).unwrap(), event_codec(101)])
}

fn payloads_with_noise() -> Payloads {
    let mut payloads = payloads();
    payloads.insert(&static_codec(13).unwrap());
    payloads
}

/// What is in the payload types agreed to by [`payloads`]; the partner knows keys as 96.
fn maps() -> (PayloadMap, PayloadMap) {
    let (mut onward, mut back) = (PayloadMap::default(), PayloadMap::default());
    for (from, to) in [(0, 0), (8, 8), (13, 13), (101, 96)] {
        onward.set(from, to);
        back.set(to, from);
    }
    (onward, back)
}

/// One stream of RTP.
struct Phone {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    payload_type: u8,
}

impl Phone {
    fn new(ssrc: u32) -> Self {
        Self { ssrc, sequence: 1000, timestamp: 50_000, payload_type: 0 }
    }

    fn next(&mut self) -> Vec<u8> {
        let bytes = self.packet();
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        bytes
    }

    fn packet(&self) -> Vec<u8> {
        let header = write_header(Rewrite {
            marker: false,
            payload_type: self.payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        });
        [&header[..], &[0x55; 160]].concat()
    }
}

struct World {
    shard: Shard,
    now: Mono,
    /// The last packet as the shard left it.
    left: Vec<u8>,
}

impl World {
    /// Legs A and B, described and open, not bridged.
    fn apart() -> Self {
        let shard = Shard::new(Config::default(), Entropy::from_seed([1; 32]));
        let mut world = Self { shard, now: Mono::from_nanos(77_000_000_000), left: Vec::new() };
        for (leg, phone) in [(A, PHONE_A), (B, PHONE_B)] {
            world.open(leg);
            world.describe(leg, phone, Direction::Sendrecv);
        }
        world
    }

    fn bridged() -> Self {
        let mut world = Self::apart();
        world.bridge(A, B);
        world
    }

    fn open(&mut self, leg: LegId) {
        let local = SocketAddr::new([192, 0, 2, 1].into(), 10_000 + 2 * u16::try_from(leg.index).unwrap());
        self.shard.command(self.now, Command::Open { leg, local });
    }

    fn describe(&mut self, leg: LegId, rtp: &str, direction: Direction) {
        self.describe_with(leg, remote(rtp, direction), payloads(), None);
    }

    fn describe_nat(&mut self, leg: LegId, rtp: &str, signalling: &str) {
        let nat = Some(SocketAddr::new(signalling.parse().unwrap(), 5060));
        self.describe_with(leg, remote(rtp, Direction::Sendrecv), payloads(), nat);
    }

    fn describe_with(
        &mut self,
        leg: LegId,
        remote: Remote,
        payloads: Payloads,
        nat_source: Option<SocketAddr>,
    ) {
        let payloads = Box::new(payloads);
        self.shard.command(self.now, Command::Describe { leg, remote, payloads, nat_source });
    }

    fn bridge(&mut self, a: LegId, b: LegId) {
        let (onward, back) = maps();
        let command = Command::Bridge { a, b, map_ab: Box::new(onward), map_ba: Box::new(back) };
        self.shard.command(self.now, command);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Lets time pass and attends to everything on the way.
    fn run(&mut self, time: Duration) -> Vec<Out> {
        let end = self.now + time;
        let mut out = Vec::new();
        for _ in 0..100_000 {
            match self.shard.next_wake() {
                Some(at) if at <= end => self.now = self.now.max(at),
                _ => {
                    self.now = end;
                    return out;
                }
            }
            self.shard.tick(self.now);
            out.extend(self.drain());
        }
        panic!("the timetable does not come to rest");
    }

    fn drain(&mut self) -> Vec<Out> {
        std::iter::from_fn(|| self.shard.poll()).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        events(&self.drain())
    }

    fn packet(&mut self, leg: LegId, port: Port, source: &str, bytes: &[u8]) -> Verdict {
        let mut storage = [0; STORAGE];
        storage[HEADROOM..HEADROOM + bytes.len()].copy_from_slice(bytes);
        let mut buffer = Buffer::received(&mut storage, bytes.len());
        let verdict = self.shard.packet(self.now, leg, port, address(source), &mut buffer);
        self.left = buffer.bytes().to_vec();
        verdict
    }

    fn rtp(&mut self, leg: LegId, source: &str, bytes: &[u8]) -> Verdict {
        self.packet(leg, Port::Rtp, source, bytes)
    }

    /// `count` packets, 20 ms apart; the verdict on the last.
    fn talk(&mut self, leg: LegId, source: &str, phone: &mut Phone, count: usize) -> Verdict {
        let mut verdict = Verdict::Consumed;
        for _ in 0..count {
            verdict = self.rtp(leg, source, &phone.next());
            self.pass(FRAME);
        }
        verdict
    }

    /// The header of the packet as the shard left it.
    fn header(&self) -> Header {
        Header::parse(&self.left).unwrap()
    }
}

fn events(out: &[Out]) -> Vec<Event> {
    let event = |out: &Out| match out {
        Out::Event(event) => Some(*event),
        Out::Send { .. } => None,
    };
    out.iter().filter_map(event).collect()
}

fn forward(leg: LegId, to: &str) -> Verdict {
    Verdict::Forward { leg, port: Port::Rtp, to: address(to) }
}
