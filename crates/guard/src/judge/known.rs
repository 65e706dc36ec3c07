//! Where somebody signed in, by a phone or at the console, within the last day: an office whose stale phone is the first to boot after a long power cut
//! is as well known as it was before (SPEC R4.6).
//!
//! Bounded, who was seen longest ago going first. Not here: registrations that stand (`sip`), the disk (`store`).

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use model::Wall;

use crate::Source;

/// Sources remembered: more than an office of 10,000 phones, each at an address of its own, has; 100 bytes each.
pub const MAX_KNOWN_SOURCES: usize = 16_384;
/// How long a source is known after its last sign-in. By the wall clock: it must hold over a restart.
pub const KNOWN_FOR: Duration = Duration::from_secs(86_400);
/// How exactly that is kept: phones register each few minutes, and the disk need not hear of each time.
const NOTED_EACH: Duration = Duration::from_secs(3_600);

/// Somebody signed in from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownSource {
    /// Where.
    pub source: Source,
    /// When they were last noted.
    pub seen: Wall,
}

#[derive(Debug, Default)]
pub(super) struct KnownSources {
    seen: HashMap<Source, Wall, foldhash::fast::RandomState>,
    /// The same, who was seen longest ago first.
    order: BTreeSet<(Wall, Source)>,
}

impl KnownSources {
    /// Somebody signed in from here; what the disk should hear of it, if anything.
    pub(super) fn note(&mut self, now: Wall, source: Source) -> Option<KnownSource> {
        // A time that is yet to come was noted before the clock was set back.
        let fresh = |at: &Wall| *at <= now && now.saturating_since(*at) < NOTED_EACH;
        if self.seen.get(&source).is_some_and(fresh) {
            return None;
        }
        let known = KnownSource { source, seen: now };
        self.put(known);
        Some(known)
    }

    /// Puts one in, and forgets the one seen longest ago if there are too many.
    pub(super) fn put(&mut self, known: KnownSource) {
        let KnownSource { source, seen } = known;
        if let Some(before) = self.seen.insert(source, seen) {
            self.order.remove(&(before, source));
        }
        self.order.insert((seen, source));
        if self.order.len() > MAX_KNOWN_SOURCES
            && let Some((_, eldest)) = self.order.pop_first()
        {
            self.seen.remove(&eldest);
        }
    }

    pub(super) fn has(&self, now: Wall, source: Source) -> bool {
        self.seen.get(&source).is_some_and(|at| now.saturating_since(*at) < KNOWN_FOR)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn at(seconds: i64) -> Wall {
        Wall::from_millis(1_700_000_000_000 + seconds * 1_000)
    }

    fn source(number: u32) -> Source {
        Source::of(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number)))
    }

    #[test]
    fn a_source_is_known_for_a_day_and_the_disk_hears_of_it_once_an_hour() {
        let mut known = KnownSources::default();
        assert!(known.note(at(0), source(1)).is_some());
        assert_eq!(known.note(at(3_599), source(1)), None);
        assert_eq!(
            known.note(at(3_600), source(1)),
            Some(KnownSource { source: source(1), seen: at(3_600) })
        );
        assert!(known.has(at(3_600 + 86_399), source(1)));
        assert!(!known.has(at(3_600 + 86_400), source(1)));
        assert!(!known.has(at(3_600), source(2)));
        assert!(known.note(at(-90_000), source(1)).is_some(), "the clock was set back");
    }

    #[test]
    fn known_sources_are_bounded_and_the_eldest_goes() {
        let mut known = KnownSources::default();
        for number in 0..40_000_u32 {
            known.note(at(i64::from(number)), source(number));
        }
        assert_eq!((known.seen.len(), known.order.len()), (MAX_KNOWN_SOURCES, MAX_KNOWN_SOURCES));
        assert!(known.has(at(40_000), source(39_999)) && !known.has(at(40_000), source(1)));
    }
}
