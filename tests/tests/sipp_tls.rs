//! Ten thousand calls over TLS, and nothing is left of them but their records. `BLACKBOX_TLS_CALLS` sets how many; a run
//! of all tests makes few, for the calls in the clear (`sipp_many`) are as many, and differ in the transport alone.

use blackbox::bridge::Bridge;
use blackbox::stunnel::Stunnel;
use blackbox::way::{Transport, Version};
use blackbox::{Office, Pbx, Sipp, place};
use std::net::SocketAddr;
use std::time::Duration;

/// Calls a second from each of the two callers' connections.
const RATE: u32 = 25;

#[test]
fn after_many_calls_over_tls_nothing_is_held_and_every_call_has_its_record() {
    let calls: u32 = std::env::var("BLACKBOX_TLS_CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let pbx = Pbx::start_dual_stack(Office::of(1000, 40), &[Transport::Tls]);
    let SocketAddr::V4(door) = pbx.door(Transport::Tls, Version::V4) else { unreachable!("asked for V4") };
    let tunnel = Stunnel::to(door.into(), &pbx.authority());

    let callees: Vec<_> = (1020..1040).map(|n| n.to_string()).collect();
    let from = place::sip_address();
    let phones = Sipp::new("callee", door).from(from).calls(calls).with("RING_MS", "10").start().listening();
    let names: Vec<_> = callees.iter().map(String::as_str).collect();
    let _bridge = Bridge::register(&names, door, tunnel.near, from);
    pbx.expect_registrations(callees.len());

    let caller = |first: u32, calls: u32| {
        let near = tunnel.near.to_string();
        let sipp = Sipp::new("caller", door).calls(calls).rate(RATE, 400).with("HOLD_MS", "100");
        let sipp = sipp.arguments(&["-t", "t1", "-rsa", &near]);
        let rows = (first..first + 10).zip(&callees);
        rows.fold(sipp, |sipp, (caller, callee)| sipp.row(&caller.to_string(), callee)).start()
    };
    let (one, other) = (caller(1000, calls / 2), caller(1010, calls - calls / 2));
    let patience = Duration::from_secs(120 + u64::from(calls / RATE));
    one.succeed_within(patience);
    other.succeed_within(patience);
    phones.succeed();

    let records = pbx.expect_records(calls as usize);
    let answered = records.iter().filter(|r| r["result"] == "answered").count();
    assert_eq!(answered, calls as usize);
    pbx.expect_nothing_held();
    eprintln!("after {calls} calls over TLS: {}", pbx.status()["held"]);
}
