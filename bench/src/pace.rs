//! Time in an open loop: operations start when they are due, however the server fares, and what is unanswered is sent
//! again as RFC 3261 has it.

use crate::register::Offer;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// RFC 3261 T1, and how often it doubles before an operation counts as failed: 0.5 + 1 + 2 + 4 s.
pub const T1: Duration = Duration::from_millis(500);
/// Retransmissions before giving up.
pub const TRIES: u32 = 3;

/// A steady offer.
pub struct Pace {
    begin: Instant,
    rate: f64,
    total: u64,
    begun: u64,
}

impl Pace {
    /// `rate` a second for `duration`, from now.
    pub fn new(rate: u32, duration: Duration) -> Self {
        let total = (f64::from(rate) * duration.as_secs_f64()).round() as u64;
        Self { begin: Instant::now(), rate: f64::from(rate), total, begun: 0 }
    }

    /// The number of the next operation, if it is due.
    pub fn next_due(&mut self, now: Instant) -> Option<u64> {
        let due = ((now - self.begin).as_secs_f64() * self.rate) as u64;
        (self.begun < self.total && self.begun <= due).then(|| {
            self.begun += 1;
            self.begun - 1
        })
    }

    /// When the next operation is due; none when all have begun.
    pub fn next(&self) -> Option<Instant> {
        let at = Duration::from_secs_f64(self.begun as f64 / self.rate);
        (self.begun < self.total).then(|| self.begin + at)
    }

    /// Whether operations still begin.
    pub fn offer(&self) -> Offer {
        if self.begun < self.total { Offer::Runs } else { Offer::Over }
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// Things to be done later, soonest first.
pub struct Timers<T> {
    heap: BinaryHeap<Reverse<(Instant, T)>>,
}

impl<T: Ord> Default for Timers<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new() }
    }
}

impl<T: Ord> Timers<T> {
    /// Does `what` at `when`.
    pub fn set(&mut self, when: Instant, what: T) {
        self.heap.push(Reverse((when, what)));
    }

    /// The next thing that is due.
    pub fn due(&mut self, now: Instant) -> Option<T> {
        (self.next()? <= now).then(|| self.heap.pop().map(|Reverse((_, what))| what)).flatten()
    }

    /// When the next thing is due.
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((when, _))| *when)
    }
}

/// How long operations took: a histogram of 10 microseconds a step up to two seconds.
#[derive(Clone)]
pub struct Delays {
    steps: Vec<u32>,
    count: u64,
}

impl Default for Delays {
    fn default() -> Self {
        Self { steps: vec![0; 200_000], count: 0 }
    }
}

impl Delays {
    /// Counts one.
    pub fn add(&mut self, delay: Duration) {
        let last = self.steps.len() - 1;
        self.steps[((delay.as_micros() / 10) as usize).min(last)] += 1;
        self.count += 1;
    }

    /// The delay that this share of all stayed below.
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (self.count as f64 * share) as u64;
        let mut seen = 0;
        let step = self.steps.iter().position(|n| {
            seen += u64::from(*n);
            seen > wanted
        });
        Duration::from_micros(step.unwrap_or(0) as u64 * 10)
    }
}
