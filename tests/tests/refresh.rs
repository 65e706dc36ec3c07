//! Session timers (RFC 4028) in real time: RFC 4028 allows nothing shorter than 90 s, so these tests wait, and compute
//! nothing meanwhile.

use blackbox::{Office, Pbx, RawPhone, Sipp, sipp};
use std::time::Duration;

/// Longer than the shortest session, with time for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(150);

/// An office whose sessions are as short as they may be.
fn office() -> Office {
    let mut office = Office::of(101, 2);
    office.more = "[sip]\nsession_expires = \"90s\"\nsession_min = \"90s\"\n".into();
    office
}

#[test]
fn a_call_is_refreshed_by_update_and_by_invite_as_the_phones_know_it() {
    let pbx = Pbx::start(office());
    let phone = sipp::phone("callee_is_refreshed", "102", pbx.sip).start().listening();
    let caller = Sipp::new("caller_is_refreshed", pbx.sip).row("101", "102").with("HOLD_MS", "10000");
    caller.start().succeed_within(PATIENCE);
    phone.succeed();
    assert_eq!(pbx.expect_records(1)[0]["result"], "answered");
    pbx.expect_nothing_held();
}

#[test]
fn a_call_whose_refresh_does_not_come_is_ended_on_both_sides() {
    let pbx = Pbx::start(office());
    let phone = sipp::phone("callee_is_refreshed", "102", pbx.sip).start().listening();
    Sipp::new("caller_does_not_refresh", pbx.sip).row("101", "102").start().succeed_within(PATIENCE);
    phone.succeed();
    assert_eq!(pbx.expect_records(1)[0]["result"], "answered");
    pbx.expect_nothing_held();
}

#[test]
fn a_session_that_is_too_short_is_refused_with_the_shortest_there_is() {
    let pbx = Pbx::start(office());
    let mut phone = RawPhone::new("101", pbx.sip);
    let mut call = phone.dial("102", "Supported: timer\r\nSession-Expires: 30\r\n");
    let answer = phone.expect_response(&mut call);
    assert_eq!((answer.status(), answer.header("Min-SE")), (422, Some("90")), "{}", answer.0);
}
