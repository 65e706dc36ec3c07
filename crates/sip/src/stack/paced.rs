//! Log lines at a pace: the first of its kind at once, the rest of an interval as a number, so that no flood fills a disk and
//! nothing goes unmentioned.
//!
//! Not here: what the lines say (`identify`).

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use model::Mono;

/// What was said lately, by what it was about.
#[derive(Debug)]
pub(super) struct Paced<K> {
    interval: Duration,
    /// Beyond it the eldest is forgotten, and what it held back said early.
    capacity: usize,
    held_back: HashMap<K, u64, foldhash::fast::RandomState>,
    /// Every key of `held_back` once, with the time at which its interval is over.
    order: VecDeque<(Mono, K)>,
    /// Keys of which something is held back: without any there is nothing to wake for.
    loud: usize,
}

impl<K: Clone + Eq + Hash> Paced<K> {
    pub(super) fn new(interval: Duration, capacity: usize) -> Paced<K> {
        Paced { interval, capacity, held_back: HashMap::default(), order: VecDeque::new(), loud: 0 }
    }

    /// Whether to say it now; else it is counted for [`Paced::due`]. What is due must have been taken before.
    pub(super) fn note(&mut self, now: Mono, key: &K) -> bool {
        if let Some(count) = self.held_back.get_mut(key) {
            if *count == 0 {
                self.loud = self.loud.saturating_add(1);
            }
            *count = count.saturating_add(1);
            return false;
        }
        self.held_back.insert(key.clone(), 0);
        self.order.push_back((now.after(self.interval), key.clone()));
        true
    }

    /// Something that was held back, and how often. It is held back for another interval.
    pub(super) fn due(&mut self, now: Mono) -> Option<(K, u64)> {
        while self.order.len() > self.capacity || self.order.front().is_some_and(|(at, _)| *at <= now) {
            let (_, key) = self.order.pop_front()?;
            let Some(count) = self.held_back.remove(&key).filter(|count| *count > 0) else { continue };
            self.loud = self.loud.saturating_sub(1);
            self.note(now, &key);
            return Some((key, count));
        }
        None
    }

    /// When something may be due.
    pub(super) fn next(&self) -> Option<Mono> {
        self.order.front().filter(|_| self.loud > 0).map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::ZERO.after(Duration::from_secs(seconds))
    }

    #[test]
    fn the_first_is_said_and_the_rest_of_each_interval_is_a_number() {
        let mut paced = Paced::new(Duration::from_secs(60), 10);
        let said = (0..100).filter(|_| paced.note(at(0), &"a")).count();
        assert_eq!((said, paced.due(at(59)), paced.next()), (1, None, Some(at(60))));
        assert_eq!((paced.due(at(60)), paced.due(at(60))), (Some(("a", 99)), None));
        assert!(!paced.note(at(61), &"a"));
        assert_eq!((paced.due(at(120)), paced.due(at(180)), paced.next()), (Some(("a", 1)), None, None));
        assert!(paced.note(at(181), &"a"));
    }

    #[test]
    fn its_memory_is_bounded_and_what_makes_room_is_said_early() {
        let mut paced = Paced::new(Duration::from_secs(60), 10);
        for key in 0..1_000 {
            while let Some((_, count)) = paced.due(at(0)) {
                assert_eq!(count, 1);
            }
            assert!(paced.note(at(0), &key) && !paced.note(at(0), &key));
            assert!(paced.order.len() <= 11 && paced.held_back.len() <= 11);
        }
    }
}
