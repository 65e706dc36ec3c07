//! Names of legs: a dense slot for the packet path, and a generation so that a late packet or command never
//! reaches the slot's next tenant.

/// A leg of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId {
    /// The slot, dense from 0.
    pub index: u32,
    /// Which tenant of the slot.
    pub generation: u32,
}

/// Gives out leg ids for one shard. It lives with whoever sends the commands, so that a leg has its name before
/// the shard has heard of it.
#[derive(Debug, Default)]
pub struct LegIds {
    free: Vec<LegId>,
    next: u32,
    held: u32,
}

impl LegIds {
    /// An allocator with nothing given out.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A name that no living leg has.
    pub fn take(&mut self) -> LegId {
        self.held = self.held.saturating_add(1);
        self.free.pop().unwrap_or_else(|| {
            let id = LegId { index: self.next, generation: 0 };
            self.next = self.next.saturating_add(1);
            id
        })
    }

    /// Takes a name back, once, when its leg was told to close.
    pub fn release(&mut self, leg: LegId) {
        self.held = self.held.saturating_sub(1);
        self.free.push(LegId { generation: leg.generation.wrapping_add(1), ..leg });
    }

    /// Names given out and not taken back.
    #[must_use]
    pub fn held(&self) -> u32 {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_slot_comes_back_under_another_generation() {
        let mut ids = LegIds::new();
        let first = ids.take();
        let second = ids.take();
        assert_ne!(first.index, second.index);
        ids.release(first);
        let third = ids.take();
        assert_eq!(third.index, first.index);
        assert_ne!(third, first);
        assert_eq!(ids.held(), 2);
    }
}
