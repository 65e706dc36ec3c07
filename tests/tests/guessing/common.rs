//! What the tests of guessing share.

use blackbox::guesser::Heard;
use blackbox::{Guesser, Office, Pbx, wait};
use serde_json::Value;
use std::time::Duration;

/// A server for these extensions with these lines in `[security.guessing]`.
pub fn server(count: u32, rules: &str) -> Pbx {
    Pbx::start(Office { more: section(rules), ..Office::of(101, count) })
}

pub fn section(rules: &str) -> String {
    format!("[security.guessing]\n{rules}\n")
}

pub fn blocks(pbx: &Pbx) -> Vec<Value> {
    pbx.json(&["blocks", "--json"]).as_array().cloned().expect("a list")
}

pub fn failures_logged(pbx: &Pbx) -> Vec<String> {
    let log = pbx.run(&["log", "security"]).done();
    log.lines().filter(|line| line.contains("Authentication failed")).map(str::to_owned).collect()
}

/// So many wrong passwords, each of which is answered like one.
pub fn fail(guesser: &mut Guesser, user: &str, times: u32) {
    for time in 1..=times {
        assert_eq!(guesser.guess(user, &format!("wrong-{time}")), 403, "try {time}");
    }
}

/// Sends a request and sees it dropped: the server counts it and does not answer.
pub fn expect_silence(pbx: &Pbx, guesser: &mut Guesser, text: &str) {
    let denied = |pbx: &Pbx| pbx.status()["dropped"]["denied"].as_u64().expect("a number");
    let before = denied(pbx);
    guesser.send(text);
    wait::until("the gate drops it", || (denied(pbx) > before).then_some(()));
    let heard = guesser.hear_within(Duration::from_millis(200));
    assert!(matches!(heard, Heard::Nothing), "{heard:?}");
}

/// Whether the server answers at all.
pub fn is_silent(pbx: &Pbx, guesser: &mut Guesser) -> bool {
    let text = guesser.compose("101", None);
    let denied = |pbx: &Pbx| pbx.status()["dropped"]["denied"].as_u64().expect("a number");
    let before = denied(pbx);
    guesser.send(&text);
    wait::until("an answer or a count", || match guesser.hear_within(Duration::from_millis(20)) {
        Heard::Message(_) => Some(false),
        Heard::Nothing | Heard::Closed => (denied(pbx) > before).then_some(true),
    })
}
