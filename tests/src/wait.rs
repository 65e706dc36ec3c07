//! Waiting for a condition with a deadline. The tests never sleep to let something happen; they ask until it has.

use std::time::{Duration, Instant};

/// Far beyond what a loaded machine needs: reaching it is a failure, never a slow pass.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks: short beside what is waited for, long beside the cost of looking.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks until there is an answer; panics with `what` after [`PATIENCE`].
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("{what}: not within {PATIENCE:?}"))
}

/// Asks until there is an answer or `patience` is over.
pub fn within<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
