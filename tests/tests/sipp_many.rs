//! Ten thousand calls in a row, and nothing is left of them but their records. `BLACKBOX_CALLS` sets another number.

use blackbox::{Office, Pbx, Sipp, place, sipp};
use std::time::Duration;

/// Calls a second from each of the two callers' addresses.
const RATE: u32 = 80;

#[test]
fn after_ten_thousand_calls_nothing_is_held_and_every_call_has_its_record() {
    let calls: u32 = std::env::var("BLACKBOX_CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let pbx = Pbx::start(Office::of(1000, 40));
    let callees: Vec<_> = (1020..1040).map(|n| n.to_string()).collect();
    let from = place::sip_address();
    sipp::register(&callees.iter().map(String::as_str).collect::<Vec<_>>(), from, pbx.sip);
    let phones =
        Sipp::new("callee", pbx.sip).from(from).calls(calls).with("RING_MS", "10").start().listening();

    let caller = |first: u32, calls: u32| {
        let sipp = Sipp::new("caller", pbx.sip).calls(calls).rate(RATE, 400).with("HOLD_MS", "100");
        let rows = (first..first + 10).zip(&callees);
        rows.fold(sipp, |sipp, (caller, callee)| sipp.row(&caller.to_string(), callee)).start()
    };
    let (one, other) = (caller(1000, calls / 2), caller(1010, calls - calls / 2));
    let patience = Duration::from_secs(60 + u64::from(calls / RATE));
    one.succeed_within(patience);
    other.succeed_within(patience);
    phones.succeed();

    let records = pbx.expect_records(calls as usize);
    let answered = records.iter().filter(|r| r["result"] == "answered").count();
    assert_eq!(answered, calls as usize);
    pbx.expect_nothing_held();
}
