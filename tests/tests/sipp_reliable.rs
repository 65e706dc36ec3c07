//! Reliable ringing (RFC 3262) by the letter, and between phones of which only one knows it.

use blackbox::{Office, Pbx, Sipp, sipp};

/// One call by these two scenarios must leave one answered record, and nothing held.
fn one_call(caller: &str, callee: &str) {
    let pbx = Pbx::start(Office::of(101, 2));
    let phone = sipp::phone(callee, "102", pbx.sip).start().listening();
    Sipp::new(caller, pbx.sip).row("101", "102").run();
    phone.succeed();
    let records = pbx.expect_records(1);
    assert_eq!(records[0]["result"], "answered", "{records:#?}");
    pbx.expect_nothing_held();
}

#[test]
fn a_caller_that_requires_reliable_ringing_gets_it_from_a_phone_that_has_none() {
    one_call("caller_needs_reliable", "callee");
}

#[test]
fn a_phone_that_rings_reliably_is_acknowledged_for_a_caller_that_has_no_prack() {
    one_call("caller_hears_early", "callee_rings_reliably");
}

#[test]
fn reliable_ringing_passes_between_two_that_have_it() {
    one_call("caller_needs_reliable", "callee_rings_reliably");
}
