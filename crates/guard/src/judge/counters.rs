//! The table of counters: bounded, what knows least going first.

use std::collections::{HashMap, VecDeque};

use ipnet::IpNet;
use model::Mono;

use super::counter::Counter;

/// Addresses counted at once. One takes 0.5 KB under default settings and 20 KB at the worst (`attempts` 100 and a /48
/// beside it), so 8 MB and 330 MB.
const MAX_COUNTED: usize = 16_384;
/// Counters looked at when one is made: two, so that idle ones go faster than new ones come ...
const SWEEP: usize = 2;
/// ... and this many when the table is full, before one that knows something is given up.
const SEARCH: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Counters {
    by_prefix: HashMap<IpNet, Counter, foldhash::fast::RandomState>,
    /// Every key once, next to be looked at first.
    order: VecDeque<IpNet>,
}

impl Counters {
    pub(super) fn len(&self) -> usize {
        self.by_prefix.len()
    }

    pub(super) fn get(&self, prefix: IpNet) -> Option<&Counter> {
        self.by_prefix.get(&prefix)
    }

    pub(super) fn get_mut(&mut self, prefix: IpNet) -> Option<&mut Counter> {
        self.by_prefix.get_mut(&prefix)
    }

    pub(super) fn entry(&mut self, now: Mono, prefix: IpNet) -> &mut Counter {
        if !self.by_prefix.contains_key(&prefix) {
            self.make_room(now);
            self.order.push_back(prefix);
        }
        self.by_prefix.entry(prefix).or_default()
    }

    pub(super) fn forget(&mut self, prefix: IpNet) {
        // Its place in `order` goes when it is next looked at.
        self.by_prefix.remove(&prefix);
    }

    pub(super) fn forget_within(&mut self, prefix: IpNet) {
        self.by_prefix.retain(|counted, _| !prefix.contains(counted) && !counted.contains(&prefix));
    }

    fn make_room(&mut self, now: Mono) {
        let crowded =
            self.by_prefix.len() >= MAX_COUNTED || self.order.len() >= MAX_COUNTED.saturating_mul(2);
        let mut least: Option<(usize, IpNet)> = None;
        let mut looks = if crowded { SEARCH } else { SWEEP };
        // No longer than once round.
        for _ in 0..self.order.len() {
            if looks == 0 {
                break;
            }
            let Some(prefix) = self.order.pop_front() else { break };
            let Some(counter) = self.by_prefix.get(&prefix) else { continue };
            if counter.is_pending(now) {
                // Not to be given up, and no look: they are few, since threads that hash passwords are.
                self.order.push_back(prefix);
                continue;
            }
            looks = looks.saturating_sub(1);
            if counter.is_idle(now) {
                self.by_prefix.remove(&prefix);
                continue;
            }
            let weight = counter.weight(now);
            self.order.push_back(prefix);
            if least.is_none_or(|(lowest, _)| weight < lowest) {
                least = Some((weight, prefix));
            }
        }
        if self.by_prefix.len() >= MAX_COUNTED
            // All in the middle of something: the table is bounded nevertheless.
            && let Some(prefix) = least.map(|(_, prefix)| prefix).or_else(|| self.order.pop_front())
        {
            self.by_prefix.remove(&prefix);
        }
    }
}
