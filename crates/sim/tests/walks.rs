//! Random walks: whatever phones, networks and attackers do, what must hold holds. `SIM_SEEDS=N` walks more of them,
//! `SIM_SEED=X` walks one again and shows all of its messages.

use sim::walk::walk;

/// Walks in each of the tests below; `SIM_SEEDS` spreads over all of them.
const SEEDS: u64 = 50;
/// In so many tests, which run side by side.
const TESTS: u64 = 4;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn walk_part(part: u64) {
    if let Some(seed) = number("SIM_SEED") {
        if seed % TESTS == part
            && let Err(failure) = walk(seed, None)
        {
            panic!("{failure:#}");
        }
        return;
    }
    let seeds = number("SIM_SEEDS").unwrap_or(SEEDS * TESTS);
    for seed in (0..seeds).filter(|seed| seed % TESTS == part) {
        if let Err(failure) = walk(seed, None) {
            panic!("{failure}");
        }
    }
}

#[test]
fn whatever_happens_nothing_is_left_and_nobody_is_crossed() {
    walk_part(0);
}

#[test]
fn whatever_happens_every_call_has_one_record() {
    walk_part(1);
}

#[test]
fn whatever_happens_nobody_without_a_password_gets_in() {
    walk_part(2);
}

#[test]
fn whatever_happens_the_server_answers_on_good_networks() {
    walk_part(3);
}

#[test]
fn the_same_seed_is_the_same_walk() {
    for seed in [3, 17, 29] {
        let first = walk(seed, None).unwrap_or_else(|failure| panic!("{failure}"));
        let second = walk(seed, None).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(first, second);
        assert!(first.records > 5 && first.answered > 0, "{first:?}");
    }
}
