//! The system gives no more memory: the server ends at once and in words, and the next start has all that was
//! acknowledged (docs/decisions/0023).

use crate::common::Pair;
use blackbox::{Office, Pbx, wait};
use std::fmt::Write as _;
use std::process::Command;

/// Extensions `first` to `first + 999`: some memory.
fn thousand(first: u32) -> String {
    (first..first + 1_000).fold(String::new(), |mut text, number| {
        let _ =
            write!(text, "[[extensions]]\nnumber = \"{number}\"\nlines = [{{ username = \"{number}\" }}]\n");
        text
    })
}

/// Address space in use, in bytes.
fn address_space(pid: u32) -> u64 {
    let pages = std::fs::read_to_string(format!("/proc/{pid}/statm")).expect("it runs");
    let pages: u64 = pages.split(' ').next().and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4_096
}

#[test]
fn without_memory_it_ends_in_words_and_starts_again_with_all_that_was_acknowledged() {
    let mut pbx = Pbx::start(Office::of(101, 2).with_old_phones());
    let mut pair = Pair::of(&pbx);
    pair.talk();
    pair.hang_up();
    pbx.expect_records(1);
    let pid = pbx.process().pid();
    let limit = format!("--as={}", address_space(pid) + (4 << 20));
    let limited = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status();
    assert!(limited.expect("prlimit").success());
    let mut acknowledged = Vec::new();
    for first in (10_000..60_000).step_by(1_000) {
        let answer = pbx.apply(&thousand(first), &["--merge"]);
        if answer.code == 0 {
            acknowledged.push(first);
        }
        if pbx.process().ended().is_some() {
            break;
        }
    }
    let ended = wait::until("it ends", || pbx.process().ended());
    let said = pbx.process().stderr();
    assert!(!ended.success() && said.contains("memory"), "{ended}: {said}");

    pbx.expect_free_folder();
    pbx.restart();
    let exported = pbx.run(&["export"]).done();
    for first in acknowledged {
        assert!(exported.contains(&format!("number = \"{}\"", first + 999)), "{first} was acknowledged");
    }
    assert_eq!((pbx.registrations().len(), pbx.history().len()), (2, 1));
    pair.talk();
    pair.hang_up();
    pbx.expect_nothing_held();
}
