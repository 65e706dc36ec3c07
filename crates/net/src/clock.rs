//! The real clocks, read in one place.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::{Mono, Now, Wall};

/// Both clocks of this process. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose monotonic time begins now.
    pub fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// What time it is, on both clocks.
    pub fn now(&self) -> Now {
        Now { mono: self.mono(), wall: Clock::wall() }
    }

    /// Monotonic time alone.
    pub fn mono(&self) -> Mono {
        Mono::ZERO.after(self.start.elapsed())
    }

    /// Wall-clock time alone.
    pub fn wall() -> Wall {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Wall::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// The operating system's name for a monotonic time, to wait for it.
    pub fn instant(&self, at: Mono) -> Instant {
        self.start.checked_add(Duration::from_nanos(at.as_nanos())).unwrap_or(self.start)
    }
}
