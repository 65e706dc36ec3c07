//! Timers of a machine: a heap of deadlines. Nothing is ever cancelled; who set a timer looks, when it fires,
//! whether the deadline still is his.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::Mono;
use model::room::GiveBack;

/// Deadlines with what they are for, earliest first; equal deadlines in the order of `K`.
#[derive(Clone, Debug)]
pub struct Timers<K: Ord + Copy> {
    heap: BinaryHeap<Reverse<(Mono, K)>>,
}

impl<K: Ord + Copy> Default for Timers<K> {
    fn default() -> Timers<K> {
        Timers { heap: BinaryHeap::new() }
    }
}

impl<K: Ord + Copy> Timers<K> {
    /// Sets a timer.
    pub fn set(&mut self, at: Mono, key: K) {
        self.heap.push(Reverse((at, key)));
    }

    /// Takes out the earliest timer that is due.
    pub fn due(&mut self, now: Mono) -> Option<(Mono, K)> {
        if self.next()? > now {
            return None;
        }
        let timer = self.heap.pop().map(|Reverse(timer)| timer);
        self.heap.give_back();
        timer
    }

    /// Timers set, those that nobody cares for any more among them.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Timers that there is room for without an allocation.
    pub fn capacity(&self) -> usize {
        self.heap.capacity()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Drops the timers of which `keep` says that nobody cares for them any more.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.heap.retain(|Reverse((_, key))| keep(key));
        self.heap.give_back();
    }

    /// When the earliest timer is due.
    pub fn next(&self) -> Option<Mono> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_come_out_in_order_and_not_early() {
        let at = Mono::from_nanos;
        let mut timers = Timers::default();
        timers.set(at(20), 'b');
        timers.set(at(10), 'a');
        assert_eq!(timers.due(at(9)), None);
        assert_eq!(timers.due(at(20)), Some((at(10), 'a')));
        assert_eq!(timers.due(at(20)), Some((at(20), 'b')));
        assert_eq!(timers.next(), None);
    }
}
