//! When a block ends, and what outlives a restart.

use super::common::{blocks, fail, is_silent, section, server};
use blackbox::place::address;
use blackbox::{Guesser, RawPhone, wait};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

#[test]
fn a_block_ends_after_its_time_and_the_address_is_free() {
    let pbx = server(1, "attempts = 2\nblock = \"2s\"");
    let mut guesser = Guesser::udp(address(), pbx.sip);
    fail(&mut guesser, "101", 2);
    assert!(is_silent(&pbx, &mut guesser));
    wait::until("the block is over", || blocks(&pbx).is_empty().then_some(()));
    wait::until("the gate knows", || (!is_silent(&pbx, &mut guesser)).then_some(()));
    assert_eq!(guesser.sign_in("101"), 200);
    assert_eq!(pbx.status()["blocks"], 0);
    let log = pbx.run(&["log", "security"]).done();
    assert!(log.contains("guard.unblocked Block ended"), "{log}");
}

#[test]
fn who_mistypes_recovers_when_the_period_is_over() {
    let pbx = server(1, "attempts = 3\nperiod = \"2s\"");
    let mut phone = Guesser::udp(address(), pbx.sip);
    for _ in 0..2 {
        fail(&mut phone, "101", 2);
        let since = Instant::now();
        wait::until("the period is over", || {
            assert_eq!(phone.sign_in("101"), 200);
            (since.elapsed() > Duration::from_millis(2_100)).then_some(())
        });
    }
    assert!(blocks(&pbx).is_empty());
}

#[test]
fn a_patient_guesser_is_caught_by_the_slow_rule_only() {
    let pbx = server(1, "attempts = 3\nperiod = \"1s\"\nslow = { attempts = 6, period = \"1h\" }");
    let mut guesser = Guesser::udp(address(), pbx.sip);
    for guess in 1..=6 {
        assert!(blocks(&pbx).is_empty(), "before guess {guess}");
        fail(&mut guesser, "101", 1);
        let since = Instant::now();
        wait::until("he waits", || (since.elapsed() > Duration::from_millis(600)).then_some(()));
    }
    assert!(is_silent(&pbx, &mut guesser));
    let block = &blocks(&pbx)[0];
    assert_eq!(block["failures"], 6);
    assert!(block["evidence"].as_str().is_some_and(|text| text.contains("within 60 minutes")), "{block}");
}

#[test]
fn a_block_outlives_a_restart_and_a_crash_and_unblock_frees_at_once() {
    let mut pbx = server(2, "");
    // Addresses come in order: nobody else's may lie in the network that is blocked by hand, one of two addresses.
    let (guessing, phone) = (address(), address());
    let [_, by_hand, _] = [address(), address(), address()];
    let mut guesser = Guesser::udp(guessing, pbx.sip);
    fail(&mut guesser, "101", 5);
    assert!(is_silent(&pbx, &mut guesser));
    let network = format!("{}/31", Ipv4Addr::from(u32::from(by_hand) & !1));
    assert_eq!(pbx.run(&["block", &network, "--why", "they call at night"]).code, 0);
    let before = blocks(&pbx);
    assert_eq!(before.len(), 2);
    pbx.process().kill();
    pbx.restart();
    assert_eq!(blocks(&pbx), before);
    assert!(is_silent(&pbx, &mut guesser) && is_silent(&pbx, &mut Guesser::udp(by_hand, pbx.sip)));
    assert_eq!(Guesser::udp(phone, pbx.sip).sign_in("102"), 200);
    assert_eq!(pbx.run(&["unblock", &guessing.to_string()]).code, 0);
    assert_eq!(guesser.sign_in("101"), 200);
    fail(&mut guesser, "101", 4);
    assert_eq!(guesser.sign_in("101"), 200, "its count began at zero");
    assert_eq!(pbx.run(&["unblock", &network]).code, 0);
    pbx.process().kill();
    pbx.restart();
    assert!(blocks(&pbx).is_empty(), "a lifted block stays lifted");
}

#[test]
fn other_rules_apply_at_once_and_the_trusted_are_freed() {
    let pbx = server(1, "");
    let trusted = address();
    let mut guesser = Guesser::udp(trusted, pbx.sip);
    fail(&mut guesser, "101", 3);
    assert_eq!(pbx.apply(&section("attempts = 4"), &[]).code, 0);
    fail(&mut guesser, "101", 1);
    assert!(is_silent(&pbx, &mut guesser));
    let groups = format!("[[address_groups]]\nname = \"Monitoring\"\nmembers = [\"{trusted}\"]\n");
    assert_eq!(pbx.apply(&format!("{groups}{}", section("trusted = \"Monitoring\"")), &[]).code, 0);
    fail(&mut guesser, "101", 20);
    assert!(blocks(&pbx).is_empty());
    assert_eq!(super::common::failures_logged(&pbx).len(), 24, "never blocked, still logged");
    for (rules, expected) in [
        (
            "attempts = 0",
            "security.guessing.attempts: 0 failures can't be what blocks; write a number from 1 to 100",
        ),
        ("trusted = \"Nobody\"", "security.guessing.trusted: address group Nobody does not exist"),
    ] {
        let answer = pbx.apply(&section(rules), &[]);
        assert_eq!(answer.code, 1);
        assert!(answer.stderr.contains("change.toml:2:") && answer.stderr.contains(expected), "{answer:?}");
    }
}

#[test]
fn a_call_of_an_address_that_is_blocked_meanwhile_can_be_hung_up_and_no_other_begins() {
    let pbx = server(3, "");
    let phone = |number| {
        let mut phone = RawPhone::new(number, pbx.sip);
        assert_eq!(phone.register(600).status(), 200);
        phone
    };
    let (mut caller, callee) = (phone("101"), phone("102"));
    let mut calling = caller.dial("102", "");
    callee.take(&callee.ring());
    caller.expect_answer(&mut calling);
    let address = caller.address.ip().to_string();
    assert_eq!(pbx.run(&["block", &address, "--for", "1h"]).code, 0);
    let mut beside = Guesser::udp(*caller.address.ip(), pbx.sip);
    assert!(is_silent(&pbx, &mut beside), "another port of it");
    let again = blackbox::raw::registration("101", pbx.sip, 600);
    let text = caller.compose(&again);
    caller.send(&text);
    assert!(caller.receive_within(Duration::from_millis(300)).is_none(), "nothing new");
    assert_eq!(pbx.calls().len(), 1);
    assert_eq!(caller.ask_inside(&mut calling, "BYE", "", "").status(), 200);
    callee.agree(&callee.expect_request("BYE"));
    assert_eq!(pbx.expect_records(1)[0]["result"], "answered");
}
