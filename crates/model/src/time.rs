//! The two clocks that every machine is told, and never asks for.
//!
//! `Mono` orders and measures; `Wall` is what people and records read. A wall clock may jump; nothing that times
//! out uses it. Not here: reading a clock (the shells do that, and `sim` makes one up).

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Monotonic time: nanoseconds since an arbitrary start, the same for a whole process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// The clock's start.
    pub const ZERO: Mono = Mono(0);

    /// A point in time from nanoseconds since the clock's start.
    pub const fn from_nanos(nanos: u64) -> Mono {
        Mono(nanos)
    }

    /// Nanoseconds since the clock's start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// This time later by `duration`, saturating at the end of time (584 years).
    #[must_use]
    pub fn after(self, duration: Duration) -> Mono {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Mono(self.0.saturating_add(nanos))
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;

    /// As [`Mono::after`].
    fn add(self, duration: Duration) -> Mono {
        self.after(duration)
    }
}

/// Wall-clock time: milliseconds since 1970-01-01T00:00:00Z. `Display` and JSON are RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(i64);

impl Wall {
    /// A point in time from milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Wall {
        Wall(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This time later by `duration`, saturating.
    #[must_use]
    pub fn after(self, duration: Duration) -> Wall {
        Wall(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub fn saturating_since(self, earlier: Wall) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339 text.
    ///
    /// # Errors
    /// The text is not an RFC 3339 time.
    pub fn parse(text: &str) -> Result<Wall, NotATime> {
        let stamp: jiff::Timestamp = text.parse().map_err(|_| NotATime)?;
        Ok(Wall(stamp.as_millisecond()))
    }
}

/// The text is not an RFC 3339 time such as `2026-11-22T17:44:18Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time such as 2026-11-22T17:44:18Z")]
pub struct NotATime;

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(stamp) => write!(f, "{stamp:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for Wall {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Wall {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Wall, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Wall::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// What time it is, on both clocks, read once for a whole step of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For timers and differences.
    pub mono: Mono,
    /// For records, logs and ids.
    pub wall: Wall,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_reads_back_what_it_prints() {
        let time = Wall::from_millis(1_795_369_458_123);
        assert_eq!(time.to_string(), "2026-11-22T17:44:18.123Z");
        assert_eq!(Wall::parse(&time.to_string()), Ok(time));
    }

    #[test]
    fn mono_saturates_at_both_ends() {
        assert_eq!(Mono::from_nanos(u64::MAX) + Duration::MAX, Mono::from_nanos(u64::MAX));
        assert_eq!(Mono::ZERO.saturating_since(Mono::from_nanos(5)), Duration::ZERO);
    }
}
