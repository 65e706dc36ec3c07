//! Two hundred phones call each other at random while the configuration changes: no call is lost, nothing is left.
//! `BLACKBOX_SECONDS` sets how long (300 in a full run).

use blackbox::{Office, Pbx, Sipp, place, sipp};
use std::time::{Duration, Instant};

/// Calls that are answered, and calls that are given up while they ring, a second.
const ANSWERED_RATE: u32 = 12;
const GIVEN_UP_RATE: u32 = 3;
/// Phones.
const PHONES: u32 = 200;

#[test]
fn two_hundred_phones_call_at_random_beside_a_changing_configuration_and_nothing_is_lost() {
    let seconds: u32 = std::env::var("BLACKBOX_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(60);
    let pbx = Pbx::start(Office::of(2000, PHONES));
    let numbers: Vec<String> = (2000..2000 + PHONES).map(|n| n.to_string()).collect();
    let from = place::sip_address();
    sipp::register(&numbers.iter().map(String::as_str).collect::<Vec<_>>(), from, pbx.sip);
    pbx.expect_registrations(PHONES as usize);
    let callees =
        Sipp::new("callee_takes_what_comes", pbx.sip).from(from).with("RING_MS", "1000").calls(1_000_000);
    let callees = callees.start().listening();

    let at_random = |scenario: &str, rate: u32| {
        let sipp = Sipp::new(scenario, pbx.sip)
            .at_random()
            .calls(rate * seconds)
            .rate(rate, 500)
            .with("HOLD_MS", "4000");
        (0..numbers.len() * 3).fold(sipp, |sipp, i| {
            let (caller, callee) = (i * 7 % numbers.len(), (i * 31 + 11) % numbers.len());
            sipp.row(
                &numbers[caller],
                &numbers[if callee == caller { (callee + 1) % numbers.len() } else { callee }],
            )
        })
    };
    let callers = at_random("caller", ANSWERED_RATE).start();
    let undecided = at_random("caller_gives_up", GIVEN_UP_RATE).with("RING_MS", "200").start();

    let (begin, mut changes) = (Instant::now(), 0);
    while begin.elapsed() < Duration::from_secs(u64::from(seconds)) {
        changes += 1;
        let change = format!(
            "[[extensions]]\nnumber = \"{}\"\ndescription = \"change {changes}\"\n",
            7000 + changes % 50
        );
        pbx.apply(&change, &["--merge"]).done();
        assert!(!pbx.registrations().is_empty());
    }
    let patience = Duration::from_secs(60);
    callers.succeed_within(patience);
    undecided.succeed_within(patience);
    callees.stop();

    let records = pbx.expect_records(((ANSWERED_RATE + GIVEN_UP_RATE) * seconds) as usize);
    let count = |result: &str| records.iter().filter(|r| r["result"] == result).count();
    assert_eq!(count("answered"), (ANSWERED_RATE * seconds) as usize);
    assert_eq!(count("cancelled"), (GIVEN_UP_RATE * seconds) as usize);
    assert_eq!(pbx.registrations().len(), PHONES as usize);
    assert!(changes > 5, "only {changes} changes beside the calls");
    pbx.expect_nothing_held();
}
