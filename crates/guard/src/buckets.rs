//! Token buckets by source: how often somebody without credentials may ask (SPEC R4.5).
//!
//! A bucket is kept as the time at which it is full again (the generic cell rate algorithm), so refilling costs
//! nothing. The table is bounded; buckets that are full again say nothing and go first.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use model::Mono;

use crate::Source;

/// Most sources remembered: 64 bytes each, 4 MB. Beyond it a source that was not seen for longest, out of a few
/// looked at, is forgotten and starts with a full bucket; forged sources can bring about no more than that.
pub const MAX_SOURCES: usize = 65_536;
/// Buckets looked at when one is made: two, so that full ones go faster than new ones come ...
const SWEEP: usize = 2;
/// ... and this many when the table is full, before a bucket that is not full is given up.
const SEARCH: usize = 16;
/// Between two reports on the same source, so that the log is not what a flood fills.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How fast and how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Per second; at least 1.
    pub rate: u32,
    /// At once; at least 1.
    pub burst: u32,
}

impl Default for Pace {
    /// An office of 1,000 phones comes back after a power cut in one burst.
    fn default() -> Pace {
        Pace { rate: 100, burst: 1_000 }
    }
}

impl Pace {
    /// More where many registrations stand: each such phone may ask once a second, and twice at once.
    const fn with_registrations(self, standing: u32) -> Pace {
        Pace {
            rate: self.rate.saturating_add(standing),
            burst: self.burst.saturating_add(standing.saturating_mul(2)),
        }
    }

    fn nanos_per_token(self) -> u64 {
        NANOS_PER_SECOND.checked_div(u64::from(self.rate)).unwrap_or(NANOS_PER_SECOND).max(1)
    }
}

/// What the bucket said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// There was a token.
    Yes,
    /// There was none.
    No {
        /// Whether to report it: the first refusal of this source within a minute.
        first: bool,
    },
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    full_at: Mono,
    report_from: Mono,
}

/// Token buckets of many sources.
#[derive(Debug)]
pub struct Buckets {
    pace: Pace,
    capacity: usize,
    by_source: HashMap<Source, Bucket, foldhash::fast::RandomState>,
    /// Every key of `by_source` once, next to be looked at first.
    order: VecDeque<Source>,
}

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets::new(Pace::default())
    }
}

impl Buckets {
    /// All full, for sources that may ask at this pace.
    pub fn new(pace: Pace) -> Buckets {
        Buckets { pace, capacity: MAX_SOURCES, by_source: HashMap::default(), order: VecDeque::new() }
    }

    /// Takes a token for `source`, from which `registrations_there` phones are registered at the moment.
    pub fn take(&mut self, now: Mono, source: IpAddr, registrations_there: u32) -> Taken {
        let pace = self.pace.with_registrations(registrations_there);
        let source = Source::of(source);
        if !self.by_source.contains_key(&source) {
            self.make_room(now);
            self.order.push_back(source);
        }
        let bucket = self.by_source.entry(source).or_insert(Bucket { full_at: now, report_from: Mono::ZERO });
        let token = pace.nanos_per_token();
        let full_at = bucket.full_at.max(now).after(Duration::from_nanos(token));
        let depth = token.saturating_mul(u64::from(pace.burst.max(1)));
        if full_at <= now.after(Duration::from_nanos(depth)) {
            bucket.full_at = full_at;
            return Taken::Yes;
        }
        let first = bucket.report_from <= now;
        if first {
            bucket.report_from = now.after(REPORT_INTERVAL);
        }
        Taken::No { first }
    }

    /// Sources remembered.
    pub fn len(&self) -> usize {
        self.by_source.len()
    }

    /// Whether no source is remembered.
    pub fn is_empty(&self) -> bool {
        self.by_source.is_empty()
    }

    fn make_room(&mut self, now: Mono) {
        let crowded = self.by_source.len() >= self.capacity;
        let mut fullest: Option<(Mono, Source)> = None;
        for _ in 0..if crowded { SEARCH } else { SWEEP } {
            let Some(source) = self.order.pop_front() else { break };
            let Some(bucket) = self.by_source.get(&source) else { continue };
            if bucket.full_at <= now && bucket.report_from <= now {
                self.by_source.remove(&source);
                continue;
            }
            self.order.push_back(source);
            if fullest.is_none_or(|(full_at, _)| bucket.full_at < full_at) {
                fullest = Some((bucket.full_at, source));
            }
        }
        if self.by_source.len() >= self.capacity
            && let Some((_, source)) = fullest
        {
            self.by_source.remove(&source);
            // It stands among the last few, since it was just looked at.
            if let Some(place) = self.order.iter().rposition(|&other| other == source) {
                self.order.remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn at(millis: u64) -> Mono {
        Mono::ZERO + Duration::from_secs(1_000) + Duration::from_millis(millis)
    }

    fn yes(buckets: &mut Buckets, now: Mono, source: IpAddr, standing: u32, asks: u32) -> usize {
        (0..asks).filter(|_| buckets.take(now, source, standing) == Taken::Yes).count()
    }

    #[test]
    fn a_burst_passes_then_a_hundred_a_second() {
        let source = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let mut buckets = Buckets::default();
        assert_eq!(yes(&mut buckets, at(0), source, 0, 2_000), 1_000);
        assert_eq!(yes(&mut buckets, at(1_000), source, 0, 2_000), 100);
        assert_eq!(yes(&mut buckets, at(60_000), source, 0, 2_000), 1_000);
    }

    #[test]
    fn an_office_with_registrations_gets_more() {
        let source = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let mut buckets = Buckets::default();
        assert_eq!(yes(&mut buckets, at(0), source, 1_000, 9_000), 3_000);
        assert_eq!(yes(&mut buckets, at(1_000), source, 1_000, 9_000), 1_100);
    }

    #[test]
    fn a_refusal_is_reported_once_a_minute() {
        let source = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let mut buckets = Buckets::new(Pace { rate: 1, burst: 1 });
        assert_eq!(buckets.take(at(0), source, 0), Taken::Yes);
        assert_eq!(buckets.take(at(1), source, 0), Taken::No { first: true });
        assert_eq!(buckets.take(at(2), source, 0), Taken::No { first: false });
        assert_eq!(yes(&mut buckets, at(59_000), source, 0, 1), 1);
        assert_eq!(buckets.take(at(60_001), source, 0), Taken::Yes);
        assert_eq!(buckets.take(at(60_002), source, 0), Taken::No { first: true });
    }

    #[test]
    fn the_table_stays_bounded_and_an_emptied_bucket_outlives_full_ones() {
        let mut buckets = Buckets::new(Pace { rate: 1, burst: 10 });
        buckets.capacity = 64;
        let busy = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(yes(&mut buckets, at(0), busy, 0, 20), 10);
        for n in 0..5_000_u32 {
            buckets.take(at(1), IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n)), 0);
            assert!(buckets.len() <= 64 && buckets.order.len() == buckets.len());
        }
        assert_eq!(yes(&mut buckets, at(2), busy, 0, 20), 0, "forgotten under pressure");
        for n in 0..200_u32 {
            buckets.take(
                at(20_000 + u64::from(n) * 2_000),
                IpAddr::V4(Ipv4Addr::from_bits(0x0b00_0000 + n)),
                0,
            );
        }
        assert!(buckets.len() < 8, "full buckets stay: {}", buckets.len());
    }
}
