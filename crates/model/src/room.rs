//! Tables that give back room: after the busiest hour of the year a server should not stay as large as it was then.
//!
//! A table keeps what it once needed. One that is nearly empty is made smaller when something is taken out; making it smaller costs
//! a copy of what is left, so it happens only at an eighth, to a quarter, and never to small ones.

use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasher, Hash};

/// Tables up to this many places are left as they are: some 100 KB, and what an office of 100 phones needs all day.
const SMALL: usize = 1_024;
/// A table is made smaller when it is not fuller than one part in so many.
const NEARLY_EMPTY: usize = 8;

/// A table that can give back room.
pub trait GiveBack {
    /// Makes it smaller if it is nearly empty. Costs two comparisons if it is not, and is to be called after each removal.
    fn give_back(&mut self);
}

/// To how many places a table of `capacity` places with `len` things in it is to be made smaller.
fn smaller(len: usize, capacity: usize) -> Option<usize> {
    let is_spacious = capacity > SMALL && len <= capacity / NEARLY_EMPTY;
    is_spacious.then(|| len.saturating_mul(2).max(SMALL / 2))
}

impl<K: Eq + Hash, V, S: BuildHasher> GiveBack for HashMap<K, V, S> {
    fn give_back(&mut self) {
        if let Some(places) = smaller(self.len(), self.capacity()) {
            self.shrink_to(places);
        }
    }
}

impl<T: Ord> GiveBack for BinaryHeap<T> {
    fn give_back(&mut self) {
        if let Some(places) = smaller(self.len(), self.capacity()) {
            self.shrink_to(places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_was_large_is_small_again_after_the_rush() {
        let (large, few) = (100_000, 1_000);
        let mut table: HashMap<u32, u32> = (0..large).map(|n| (n, n)).collect();
        let mut heap: BinaryHeap<u32> = (0..large).collect();
        // The hash table's own count of its room is low until things are put in again: places of what was removed count as taken.
        for n in 0..2 * large {
            if n >= large - few {
                table.insert(n + few, n);
                heap.push(n);
            }
            table.remove(&n);
            table.give_back();
            heap.pop();
            heap.give_back();
        }
        assert_eq!(table.len(), usize::try_from(few).unwrap());
        assert!(table.capacity() <= 8 * table.len(), "{}", table.capacity());
        assert!(heap.capacity() <= 8 * heap.len(), "{}", heap.capacity());
    }

    #[test]
    fn a_table_is_made_smaller_at_an_eighth_to_a_quarter() {
        assert_eq!(smaller(12_500, 100_000), Some(25_000));
        assert_eq!(smaller(12_501, 100_000), None);
        assert_eq!((smaller(0, SMALL), smaller(0, SMALL + 1)), (None, Some(SMALL / 2)));
    }

    #[test]
    fn a_table_that_is_in_use_or_small_stays_as_it_is() {
        let mut table: HashMap<u32, u32> = HashMap::with_capacity(10_000);
        table.extend((0..5_000).map(|n| (n, n)));
        let room = table.capacity();
        table.give_back();
        assert_eq!(table.capacity(), room);
        let mut small: HashMap<u32, u32> = HashMap::with_capacity(SMALL / 2);
        let room = small.capacity();
        small.give_back();
        assert_eq!(small.capacity(), room);
    }
}
