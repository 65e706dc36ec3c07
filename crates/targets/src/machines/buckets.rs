//! `guard::Buckets`: any order of sources and pauses.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use guard::{Buckets, Pace, Taken};
use model::Mono;

/// Slow enough that a short input empties a bucket.
const PACE: Pace = Pace { rate: 2, burst: 5 };

/// No source gets more than its burst and its pace, whoever else asks; memory has a bound; a refusal is reported once in a while.
pub fn buckets(input: &[u8]) {
    let mut buckets = Buckets::new(PACE);
    let mut now = Mono::from_nanos(1_000_000_000);
    let begin = now;
    let mut taken = [0_u64; 8];
    for pair in input.chunks(2) {
        let (which, pause) = (pair[0] % 8, u64::from(pair.get(1).copied().unwrap_or(0)));
        now = now.after(Duration::from_millis(pause));
        let source: IpAddr = match which {
            0..4 => [192, 0, 2, which].into(),
            _ => Ipv6Addr::new(0x2001, 0xdb8, 0, u16::from(which), 0, 0, 0, u16::from(pair[0])).into(),
        };
        if buckets.take(now, source, 0) == Taken::Yes {
            taken[usize::from(which)] += 1;
        }
        assert!(buckets.len() <= 8, "{} sources remembered of 8", buckets.len());
    }
    let seconds = now.saturating_since(begin).as_secs() + 1;
    for (which, taken) in taken.into_iter().enumerate() {
        let most = u64::from(PACE.burst) + u64::from(PACE.rate) * seconds;
        assert!(taken <= most, "source {which} was let through {taken} times, {most} at most");
    }
}
