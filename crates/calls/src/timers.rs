//! Deadlines of calls: a binary heap of times, and the set of those that still count.
//!
//! Most deadlines are called off before they come (somebody answers), so calling off costs one removal from a table
//! and the heap forgets later. Not here: the transactions' timers, which are the stack's.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use model::room::GiveBack;
use model::{CallId, Mono};

/// A deadline that was set; worth nothing once it came or was called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Deadline(u64);

/// Stale entries that the heap may hold beside twice the live ones, before it is swept.
const SLACK: usize = 64;

#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<(Mono, Deadline)>>,
    live: HashMap<Deadline, CallId, foldhash::fast::RandomState>,
    last: u64,
}

impl Timers {
    pub fn set(&mut self, at: Mono, call: CallId) -> Deadline {
        self.last = self.last.wrapping_add(1);
        let deadline = Deadline(self.last);
        self.live.insert(deadline, call);
        self.heap.push(Reverse((at, deadline)));
        deadline
    }

    pub fn call_off(&mut self, deadline: Deadline) {
        if self.live.remove(&deadline).is_none() {
            return;
        }
        self.live.give_back();
        while self.heap.peek().is_some_and(|Reverse((_, top))| !self.live.contains_key(top)) {
            self.heap.pop();
        }
        if self.heap.len() > self.live.len().saturating_mul(2).saturating_add(SLACK) {
            let live = &self.live;
            self.heap.retain(|Reverse((_, deadline))| live.contains_key(deadline));
            self.heap.give_back();
        }
    }

    /// Deadlines that there is room for.
    pub fn capacity(&self) -> usize {
        self.heap.capacity().saturating_add(self.live.capacity())
    }

    /// When the next deadline comes.
    pub fn next(&self) -> Option<Mono> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// A deadline that has come, and whose.
    pub fn due(&mut self, now: Mono) -> Option<(Deadline, CallId)> {
        while let Some(&Reverse((at, deadline))) = self.heap.peek() {
            let call = self.live.get(&deadline).copied();
            if call.is_some() && at > now {
                return None;
            }
            self.heap.pop();
            if let Some(call) = call {
                self.live.remove(&deadline);
                self.live.give_back();
                return Some((deadline, call));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use model::Id;

    use super::*;

    fn call(number: u128) -> CallId {
        CallId(Id::from_bits(number))
    }

    fn at(seconds: u64) -> Mono {
        Mono::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn deadlines_come_in_order_and_those_called_off_never() {
        let mut timers = Timers::default();
        let late = timers.set(at(3), call(3));
        let off = timers.set(at(1), call(1));
        let early = timers.set(at(2), call(2));
        timers.call_off(off);
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(timers.due(at(1)), None);
        assert_eq!(timers.due(at(9)), Some((early, call(2))));
        assert_eq!(timers.due(at(9)), Some((late, call(3))));
        assert_eq!(timers.due(at(9)), None);
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn what_is_called_off_does_not_pile_up() {
        let mut timers = Timers::default();
        timers.set(at(1), call(0));
        for number in 0..10_000 {
            let deadline = timers.set(at(100 + number), call(u128::from(number)));
            timers.call_off(deadline);
        }
        assert!(timers.heap.len() <= SLACK + 2, "{}", timers.heap.len());
        assert_eq!(timers.live.len(), 1);
    }
}
