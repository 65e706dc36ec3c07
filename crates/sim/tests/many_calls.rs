//! Many calls leave nothing behind. `SIM_CALLS=100000 cargo test --release -p sim --test many_calls` makes more of them.

use sim::walk::many;

/// Calls in `./test`; enough to see a table that grows with each.
const CALLS: usize = 2_000;
/// Room that tables may gain after the first thousand calls, as chance brings more of them together: a hash table
/// doubles. A table that kept one entry of each call would gain far more.
const GROWTH: usize = 2;

#[test]
fn many_calls_leave_nothing_behind_and_no_table_grows_with_them() {
    let calls = std::env::var("SIM_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(CALLS);
    let tally = many(1, calls).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(tally.calls >= calls && tally.answered > calls / 10, "{tally:?}");
    assert!(tally.capacity_late <= tally.capacity_early * GROWTH, "{tally:?}");
    println!("{tally:?}");
}
