//! The figures as Markdown rows, so that the whole output is a page of documentation.

use crate::runs::{Measured, MeasuredMedia};
use std::time::Duration;

/// Head of the table of registrations and calls.
pub const OPERATIONS: &str = "| load | server | offered/s | good | failed | sent again | CPU s per 1,000 | p50 ms | p99 ms |\n\
|---|---|--:|--:|--:|--:|--:|--:|--:|";
/// Head of the table of speech.
pub const MEDIA: &str = "| calls | server | packets | lost | CPU s per call-minute | p50 ms | p99 ms | CPU % |\n\
|--:|---|--:|--:|--:|--:|--:|--:|";

/// A row of the first table; the figure that counts is returned too.
pub fn operations(load: &str, name: &str, rate: u32, measured: &Measured) -> f64 {
    let outcome = &measured.outcome;
    let per_thousand = measured.cpu.as_secs_f64() * 1000.0 / (outcome.good.max(1)) as f64;
    println!(
        "| {load} | {name} | {rate} | {} | {} | {} | {per_thousand:.3} | {} | {} |",
        outcome.good,
        outcome.failed,
        outcome.again,
        millis(outcome.delays.quantile(0.5)),
        millis(outcome.delays.quantile(0.99)),
    );
    per_thousand
}

/// A row of the second table; the figure that counts is returned too.
pub fn media(name: &str, measured: &MeasuredMedia) -> f64 {
    let MeasuredMedia { calls, heard, lasted, cpu } = measured;
    let minutes = f64::from(*calls) * lasted.as_secs_f64() / 60.0;
    let per_minute = cpu.as_secs_f64() / minutes;
    let share = 100.0 * cpu.as_secs_f64() / lasted.as_secs_f64();
    println!(
        "| {calls} | {name} | {} | {} | {per_minute:.4} | {} | {} | {share:.0} |",
        heard.sent,
        heard.sent.saturating_sub(heard.received),
        millis(heard.delays.quantile(0.5)),
        millis(heard.delays.quantile(0.99)),
    );
    per_minute
}

fn millis(delay: Duration) -> String {
    format!("{:.2}", delay.as_secs_f64() * 1000.0)
}
