//! Session timers: calls whose phones died are found out, even on hold; those that live go on.

use model::record::CallResult;
use sim::{DialogId, Office, World, secs};
use wire::sdp::Direction;

fn connected(seed: u64) -> (World, DialogId, DialogId) {
    let office = Office::of(&["101", "102"]).times(|times| times.session_expires = secs(120));
    let mut world = World::new(seed, office);
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    (world, caller, callee)
}

#[test]
fn two_phones_that_die_on_hold_do_not_keep_their_call() {
    let (mut world, caller, callee) = connected(1);
    world.reoffer(caller, Direction::Inactive);
    world.run(secs(1));
    world.crash(usize::from(caller.phone));
    world.crash(usize::from(callee.phone));
    world.run(secs(50));
    let now = world.now();
    assert_eq!(world.server().exchange.calls(now).len(), 1, "nobody can know yet");
    world.run(secs(60));
    let now = world.now();
    assert!(world.server().exchange.calls(now).is_empty());
    let records = world.history();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].result, Some(CallResult::Answered));
    assert!(records[0].reason.ends_with("did not answer any more"), "{}", records[0].reason);
}

#[test]
fn a_call_on_hold_goes_on_while_its_phones_answer() {
    let (mut world, caller, callee) = connected(2);
    world.reoffer(callee, Direction::Inactive);
    world.run(secs(600));
    assert!(!world.dialog(caller).is_over() && !world.dialog(callee).is_over());
    world.reoffer(callee, Direction::Sendrecv);
    world.run(secs(2));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn a_call_is_refreshed_while_its_phones_talk_hold_and_resume() {
    let (mut world, caller, callee) = connected(3);
    for _ in 0..6 {
        world.run(secs(55));
        world.reoffer(caller, Direction::Sendonly);
        world.run(secs(6));
        world.reoffer(caller, Direction::Sendrecv);
        world.run(secs(6));
        world.assert_talking(caller, callee);
    }
    world.hang_up(callee);
    assert_eq!(world.finish().len(), 1);
}
