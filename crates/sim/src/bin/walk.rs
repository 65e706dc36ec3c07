//! Walks as many seeds as one likes: `cargo run -p sim --bin walk -- --seeds 10000 --from 0`, and one of them again:
//! `--seeds 1 --from SEED`. Ends with 1 when a walk failed.

use std::process::ExitCode;

use sim::walk::walk;

fn main() -> ExitCode {
    let (mut seeds, mut from) = (1_000_u64, 0_u64);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let number = words.next().and_then(|text| text.parse().ok());
        match (word.as_str(), number) {
            ("--seeds", Some(number)) => seeds = number,
            ("--from", Some(number)) => from = number,
            _ => return say("usage: walk [--seeds N] [--from SEED]", 2),
        }
    }
    let mut failed = 0_u64;
    let (mut steps, mut records) = (0_u64, 0_usize);
    for seed in from..from.saturating_add(seeds) {
        match walk(seed, None) {
            Ok(story) => {
                steps += story.steps;
                records += story.records;
            }
            Err(failure) => {
                failed += 1;
                say(&if seeds == 1 { format!("{failure:#}") } else { failure.to_string() }, 1);
            }
        }
    }
    say(&format!("{seeds} walks, {failed} failed, {records} calls, {steps} steps"), u8::from(failed > 0))
}

fn say(text: &str, code: u8) -> ExitCode {
    use std::io::Write as _;
    // Nobody reads it: as well.
    let _ = writeln!(std::io::stdout(), "{text}");
    ExitCode::from(code)
}
