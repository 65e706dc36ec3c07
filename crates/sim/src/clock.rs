//! The two clocks of the simulated world. The monotonic one only goes forward; the wall clock may be set.

use std::time::Duration;

use model::{Mono, Now, Wall};

/// What the wall clock shows when the world begins: 2026-11-22T09:00:00Z.
const BEGINNING_MS: i64 = 1_795_338_000_000;

/// Both clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    mono: Mono,
    /// What was added to the wall clock by setting it, in milliseconds.
    set_by_ms: i64,
}

impl Clock {
    /// Now.
    pub fn now(&self) -> Now {
        let passed = i64::try_from(self.mono.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
        Now { mono: self.mono, wall: Wall::from_millis(BEGINNING_MS + passed + self.set_by_ms) }
    }

    /// Time passes until `at`; an earlier time changes nothing.
    pub fn pass(&mut self, at: Mono) {
        self.mono = self.mono.max(at);
    }

    /// Somebody sets the wall clock forward or back.
    pub fn jump(&mut self, by_ms: i64) {
        self.set_by_ms += by_ms;
    }
}

/// Seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Milliseconds.
pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_the_wall_clock_leaves_the_other_alone() {
        let mut clock = Clock::default();
        clock.pass(Mono::ZERO + secs(5));
        let before = clock.now();
        clock.jump(-3_600_000);
        assert_eq!(clock.now().mono, before.mono);
        assert_eq!(clock.now().wall.as_millis(), before.wall.as_millis() - 3_600_000);
    }
}
