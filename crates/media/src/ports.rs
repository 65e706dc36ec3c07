//! Which port pair a leg listens on: an even port for RTP and the one above for RTCP.
//!
//! Pairs come in random order, so that an attacker cannot count on the next call's port. A released pair goes to
//! the end of the queue: it rests as long as the range allows, so that stragglers of the last call do not reach
//! the next one, and a call is never refused while any pair is free.
//!
//! Not here: binding. A pair that turns out to be taken by another program is `release`d and another one asked.

use std::collections::VecDeque;

use model::Entropy;

/// An even port; RTCP is one above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortPair(u16);

impl PortPair {
    /// The even port.
    #[must_use]
    pub fn rtp(self) -> u16 {
        self.0
    }

    /// The odd port above.
    #[must_use]
    pub fn rtcp(self) -> u16 {
        self.0 | 1
    }
}

/// Every pair of the range is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all {0} media port pairs are in use")]
pub struct Exhausted(pub usize);

/// The pairs of a port range.
#[derive(Debug)]
pub struct Ports {
    free: VecDeque<u16>,
    /// One flag per pair, so that nothing is released twice.
    held: Vec<bool>,
    first: u16,
    in_use: usize,
}

impl Ports {
    /// The pairs that lie wholly in `first..=last`, in an order that comes from `entropy`.
    #[must_use]
    pub fn new(first: u16, last: u16, entropy: &mut Entropy) -> Self {
        let even = first.saturating_add(first & 1);
        let is_pair = |rtp: &u16| rtp & 1 == 0 && *rtp != 0 && rtp | 1 <= last;
        let mut free: VecDeque<u16> = (even..=last).step_by(2).filter(is_pair).collect();
        // Fisher-Yates, from the back.
        for at in (1..free.len()).rev() {
            let bound = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
            free.swap(at, usize::try_from(entropy.below(bound)).unwrap_or(0));
        }
        let held = vec![false; usize::from(last.saturating_sub(even) / 2).saturating_add(1)];
        Self { free, held, first: even, in_use: 0 }
    }

    /// Takes the pair that has rested longest.
    ///
    /// # Errors
    /// [`Exhausted`] when all are in use.
    pub fn take(&mut self) -> Result<PortPair, Exhausted> {
        let rtp = self.free.pop_front().ok_or(Exhausted(self.in_use))?;
        if let Some(flag) = self.flag(rtp) {
            *flag = true;
        }
        self.in_use = self.in_use.saturating_add(1);
        Ok(PortPair(rtp))
    }

    /// Gives a pair back; a second time does nothing.
    pub fn release(&mut self, pair: PortPair) {
        if self.flag(pair.0).is_some_and(std::mem::take) {
            self.in_use = self.in_use.saturating_sub(1);
            self.free.push_back(pair.0);
        }
    }

    /// Pairs in use.
    #[must_use]
    pub fn held(&self) -> usize {
        self.in_use
    }

    /// Pairs that may still be taken.
    #[must_use]
    pub fn available(&self) -> usize {
        self.free.len()
    }

    fn flag(&mut self, rtp: u16) -> Option<&mut bool> {
        self.held.get_mut(usize::from(rtp.checked_sub(self.first)?) / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn entropy() -> Entropy {
        Entropy::from_seed([7; 32])
    }

    #[test]
    fn a_range_gives_each_even_pair_once_and_then_refuses() {
        let mut ports = Ports::new(10001, 10020, &mut entropy());
        let taken: HashSet<u16> = (0..9).map(|_| ports.take().unwrap().rtp()).collect();
        assert_eq!(taken, (10002..=10018).step_by(2).collect());
        assert_eq!(ports.take(), Err(Exhausted(9)));
        assert_eq!(ports.held(), 9);
    }

    #[test]
    fn the_order_is_not_ascending() {
        let mut ports = Ports::new(10000, 19999, &mut entropy());
        let taken: Vec<u16> = (0..20).map(|_| ports.take().unwrap().rtp()).collect();
        let mut sorted = taken.clone();
        sorted.sort_unstable();
        assert_ne!(taken, sorted);
        assert_eq!(ports.available(), 5000 - 20);
    }

    #[test]
    fn a_released_pair_comes_back_last() {
        let mut ports = Ports::new(10000, 10003, &mut entropy());
        let first = ports.take().unwrap();
        ports.release(first);
        let second = ports.take().unwrap();
        assert_ne!(first, second);
        assert_eq!(ports.take(), Ok(first));
    }

    #[test]
    fn a_pair_released_twice_is_given_out_once() {
        let mut ports = Ports::new(10000, 10001, &mut entropy());
        let pair = ports.take().unwrap();
        ports.release(pair);
        ports.release(pair);
        assert_eq!(ports.held(), 0);
        assert!(ports.take().is_ok());
        assert!(ports.take().is_err());
    }

    #[test]
    fn an_empty_or_odd_range_has_no_pair() {
        for (first, last) in [(10001, 10001), (10001, 10002), (20000, 10000), (65535, 65535), (0, 1)] {
            assert_eq!(Ports::new(first, last, &mut entropy()).available(), 0, "{first}-{last}");
        }
        assert_eq!(Ports::new(65534, 65535, &mut entropy()).available(), 1);
    }
}
