//! The lock on outgoing calls by hand: what the command line says, and what is left of it after a restart. What it does to calls is
//! shown in crates/sim/tests/lock.rs: there are no trunks yet.

use blackbox::{Office, Pbx, wait};

#[test]
fn a_lock_is_shown_with_cause_and_author_and_holds_over_a_kill() {
    let mut server = Pbx::start(Office::of(101, 1));
    assert!(server.status()["lock"].is_null());
    server.run(&["lock", "--why", "calls to Cuba \"at night\" <script>"]).done();
    let lock = server.status()["lock"].clone();
    assert_eq!(lock["cause"], "calls to Cuba \"at night\" <script>");
    assert!(lock["by"].as_str().is_some_and(|by| !by.is_empty()), "{lock}");
    assert!(lock["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{lock}");
    let again = server.run(&["lock", "--why", "another reason"]).done();
    assert!(again.contains("calls to Cuba"), "{again}");
    expect_logged(&server, "calls.locked");
    server.crash();
    server.restart();
    assert_eq!(server.status()["lock"], lock);
    server.run(&["unlock"]).done();
    assert!(server.status()["lock"].is_null());
    server.run(&["unlock"]).done();
    expect_logged(&server, "calls.unlocked");
    server.crash();
    server.restart();
    assert!(server.status()["lock"].is_null());
    let log = server.run(&["log", "security"]).done();
    let lines = |name: &str| log.lines().filter(|line| line.contains(name)).count();
    assert_eq!((lines("calls.locked"), lines("calls.unlocked")), (1, 1), "{log}");
    assert!(log.contains("author=") && log.contains("cause="), "{log}");
}

#[test]
fn a_cause_is_one_line() {
    let server = Pbx::start(Office::of(101, 1));
    for why in ["two\nlines", "\u{1b}[2J", &"x".repeat(300)] {
        let refused = server.run(&["lock", "--why", why]);
        assert_eq!(refused.code, 2, "{refused:?}");
    }
    assert!(server.status()["lock"].is_null());
}

/// Lines of the log are written a moment after what they tell of, and a kill may come first.
fn expect_logged(server: &Pbx, name: &str) {
    wait::until(name, || server.run(&["log", "security"]).done().contains(name).then_some(()));
}
