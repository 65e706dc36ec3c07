//! Watches the wall clock against the one that never jumps, and says when somebody set it. Timers, registrations and calls
//! go by the other one; blocks, certificates and records by the wall clock, so an administrator must know.

use std::time::{Duration, Instant};

use model::Wall;
use model::event::{self, Event};
use store::LogSink;

use super::now;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(5);
/// What a time server corrects bit by bit, and a machine that was held for a moment, are no jump.
const JUMP_MS: i64 = 60_000;

/// Looks as long as the server runs.
pub async fn watch(logs: LogSink) {
    let mut last = (now(), Instant::now());
    loop {
        tokio::time::sleep(EVERY).await;
        let this = (now(), Instant::now());
        if let Some(seconds) = jump(last.0, this.0, this.1.saturating_duration_since(last.1)) {
            logs.write(Event::new(&event::CLOCK_JUMPED, this.0).with("seconds", seconds));
        }
        last = this;
    }
}

/// By how many seconds the wall clock went further than the time that passed; `None`: it goes as it should.
fn jump(before: Wall, after: Wall, passed: Duration) -> Option<i64> {
    let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    let went = after.as_millis().saturating_sub(before.as_millis());
    let jump = went.saturating_sub(passed);
    (jump.saturating_abs() >= JUMP_MS).then(|| jump.saturating_add(500).div_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_told_in_seconds_and_its_direction_and_a_correction_is_none() {
        let at = Wall::from_millis;
        let passed = Duration::from_secs(5);
        assert_eq!(jump(at(0), at(5_000), passed), None);
        assert_eq!(jump(at(0), at(64_999), passed), None);
        assert_eq!(jump(at(0), at(86_405_000), passed), Some(86_400));
        assert_eq!(jump(at(86_400_000), at(5_000), passed), Some(-86_400));
        assert_eq!(jump(at(86_400_001), at(5_000), passed), Some(-86_400), "to the next second");
    }
}
