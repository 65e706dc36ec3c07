//! What one relayed packet costs the machine: `cargo bench -p media`.
//!
//! Many bridged pairs take turns, so that legs come from memory as they do under load. Only the figure is
//! printed; nothing is asserted, since machines differ.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(clippy::arithmetic_side_effects)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use media::{Buffer, Command, Config, HEADROOM, LegIds, PayloadMap, Payloads, Port, Remote, STORAGE};
use media::{LegId, Shard, Verdict};
use model::{Entropy, Mono};
use wire::rtp::{Rewrite, write_header};
use wire::sdp::{Direction, static_codec};

const ROUNDS: u16 = 400;
/// G.711, 20 ms.
const PACKET: usize = 12 + 160;

fn main() {
    for pairs in [1, 400, 4000] {
        let (mut shard, legs) = bridged(pairs);
        let mut storage = [0_u8; STORAGE];
        let mut now = Mono::from_nanos(1);
        let mut forwarded = 0_u32;
        let begin = Instant::now();
        for round in 0..ROUNDS {
            now = now + Duration::from_millis(20);
            for (leg, source) in &legs {
                let new = Rewrite {
                    marker: false,
                    payload_type: 0,
                    sequence: round,
                    timestamp: u32::from(round) * 160,
                    ssrc: leg.index,
                };
                storage[HEADROOM..HEADROOM + 12].copy_from_slice(&write_header(new));
                let mut buffer = Buffer::received(&mut storage, PACKET);
                let verdict = shard.packet(now, *leg, Port::Rtp, *source, &mut buffer);
                forwarded += u32::from(matches!(verdict, Verdict::Forward { .. }));
            }
            shard.tick(now);
            while shard.poll().is_some() {}
        }
        let nanos = begin.elapsed().as_nanos();
        println!("{pairs:>5} pairs: {} ns a packet, {forwarded} forwarded", nanos / u128::from(forwarded));
    }
}

fn bridged(pairs: u16) -> (Shard, Vec<(LegId, SocketAddr)>) {
    let mut shard = Shard::new(Config::default(), Entropy::from_seed([1; 32]));
    let mut ids = LegIds::new();
    let now = Mono::ZERO;
    let mut legs = Vec::new();
    for pair in 0..pairs {
        let both = [(ids.take(), 10), (ids.take(), 11)];
        for (leg, host) in both {
            let rtp = SocketAddr::new([10, host, 0, 1].into(), 10_000 + 2 * pair);
            let rtcp = SocketAddr::new(rtp.ip(), rtp.port() + 1);
            let payloads = Box::new(Payloads::of(&[static_codec(0).unwrap()]));
            let remote = Remote { rtp, rtcp, rtcp_port: Port::Rtcp, direction: Direction::Sendrecv };
            shard.command(now, Command::Open { leg, local: rtp });
            shard.command(now, Command::Describe { leg, remote, payloads, nat_source: None });
            legs.push((leg, rtp));
        }
        let map = || Box::new(PayloadMap::identity());
        let [(a, _), (b, _)] = both;
        shard.command(now, Command::Bridge { a, b, map_ab: map(), map_ba: map() });
    }
    (shard, legs)
}
