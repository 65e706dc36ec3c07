//! `media::Shard`: packets and commands as bytes have them.

use std::net::SocketAddr;
use std::time::Duration;

use media::{
    Buffer, Command, Config, HEADROOM, LegId, Out, PayloadMap, Payloads, Port, Remote, STORAGE, Shard,
    Verdict,
};
use model::{Entropy, Mono};
use wire::sdp::{Direction, static_codec};

/// Legs that a script has, opened and closed as it goes.
const LEGS: u32 = 4;

/// Nothing panics; what leaves goes only to addresses that somebody described or that media came from; in the end no leg is
/// held, and a shard without legs waits for nothing.
pub fn shard(input: &[u8]) {
    let mut shard = Shard::new(Config { legs_max: LEGS, ..Config::default() }, Entropy::from_seed([3; 32]));
    let mut now = Mono::from_nanos(1_000_000_000);
    let mut storage = vec![0; STORAGE];
    let mut generations = [0_u32; LEGS as usize];
    let mut rest = input;
    // The seeds are packets: each first byte of 64 says what happens before the next packet of up to 63 bytes.
    for _ in 0..512 {
        let Some((order, after)) = rest.split_first() else { break };
        let length = usize::from(*order & 63).min(after.len());
        let (bytes, after) = after.split_at(length);
        rest = after;
        let index = u32::from(*order >> 6);
        let slot = &mut generations[index as usize];
        let leg = LegId { index, generation: *slot };
        let choice = bytes.first().copied().unwrap_or(0);
        if choice % 8 < 6 {
            command(&mut shard, now, leg, choice, bytes);
            if choice % 32 == 3 {
                *slot = slot.wrapping_add(1);
            }
        }
        packet(&mut shard, now, leg, bytes, &mut storage);
        now = pass(&mut shard, now, Duration::from_millis(u64::from(choice) * 4));
    }
    for (index, generation) in (0..LEGS).zip(generations) {
        shard.command(now, Command::Close { leg: LegId { index, generation } });
        shard.command(now, Command::Close { leg: LegId { index, generation: generation.wrapping_sub(1) } });
    }
    drain(&mut shard);
    assert_eq!(shard.held(), 0, "legs are held");
    now = pass(&mut shard, now, Duration::from_secs(600));
    assert!(shard.next_wake().is_none_or(|at| at > now), "an empty shard is due");
}

fn command(shard: &mut Shard, now: Mono, leg: LegId, choice: u8, bytes: &[u8]) {
    let partner = LegId { index: (leg.index + 1) % LEGS, generation: leg.generation };
    let local: SocketAddr = ([198, 51, 100, 1], 10_000 + 2 * u16::try_from(leg.index).unwrap_or(0)).into();
    let command = match choice % 32 {
        0..=2 => Command::Open { leg, local },
        3 => Command::Close { leg },
        4..=9 => Command::Bridge {
            a: leg,
            b: partner,
            map_ab: Box::new(PayloadMap::identity()),
            map_ba: Box::default(),
        },
        10..=11 => Command::Unbridge { leg },
        12..=13 => Command::Reopen { leg, nat_source: source(leg, bytes) },
        14 => Command::DeadMedia { after: Duration::from_secs(u64::from(choice)) },
        _ => {
            let rtp = source(leg, bytes);
            let direction =
                [Direction::Sendrecv, Direction::Sendonly, Direction::Recvonly, Direction::Inactive];
            let direction = direction[usize::from(choice % 4)];
            let payloads =
                Payloads::of(&[static_codec(0), static_codec(8)].into_iter().flatten().collect::<Vec<_>>());
            let nat_source = (choice & 64 != 0).then_some(rtp);
            let rtcp_port = if choice & 32 == 0 { Port::Rtcp } else { Port::Rtp };
            let rtcp = SocketAddr::new(rtp.ip(), rtp.port() | 1);
            let remote = Remote { rtp, rtcp, rtcp_port, direction };
            Command::Describe { leg, remote, payloads: Box::new(payloads), nat_source }
        }
    };
    shard.command(now, command);
    drain(shard);
}

fn source(leg: LegId, bytes: &[u8]) -> SocketAddr {
    let last = bytes.last().copied().unwrap_or(1) % 4;
    ([192, 0, 2, 10 + last], 4_000 + 2 * u16::try_from(leg.index).unwrap_or(0)).into()
}

fn packet(shard: &mut Shard, now: Mono, leg: LegId, bytes: &[u8], storage: &mut [u8]) {
    let port =
        if bytes.get(1).is_some_and(|second| (192..=223).contains(second)) { Port::Rtcp } else { Port::Rtp };
    storage[HEADROOM..HEADROOM + bytes.len()].copy_from_slice(bytes);
    let mut buffer = Buffer::received(storage, bytes.len());
    let verdict = shard.packet(now, leg, port, source(leg, bytes), &mut buffer);
    if let Verdict::Forward { leg: other, .. } = verdict {
        assert_ne!(other, leg, "a packet comes back to its sender");
        assert!(wire::rtp::Header::parse(buffer.bytes()).is_some(), "what is forwarded is no RTP");
        assert_eq!(buffer.bytes().len(), bytes.len(), "a relayed packet changed its length");
    }
    drain(shard);
}

fn pass(shard: &mut Shard, now: Mono, time: Duration) -> Mono {
    let end = now.after(time);
    for count in 0.. {
        assert!(count < 100_000, "it never rests");
        let Some(at) = shard.next_wake().filter(|at| *at <= end) else { break };
        shard.tick(at.max(now));
        drain(shard);
    }
    end
}

fn drain(shard: &mut Shard) {
    while let Some(out) = shard.poll() {
        if let Out::Send { bytes, .. } = out {
            assert!(!bytes.bytes().is_empty() && bytes.bytes().len() <= media::SMALL_MAX);
        }
    }
}
