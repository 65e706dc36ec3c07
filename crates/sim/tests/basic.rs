//! Calls as they should be: somebody dials, somebody answers or does not, somebody hangs up.

use model::record::CallResult;
use sim::{Answering, Ending, Habits, Office, Plan, Stage, World, secs};

fn office() -> Office {
    Office::of(&["101", "102", "103"])
}

#[test]
fn two_phones_talk_and_the_caller_hangs_up() {
    let mut world = World::new(1, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    assert_eq!(world.dialog(callee).peer, "101");
    assert_eq!(world.dialog(callee).peer_name, "Phone 101");
    world.assert_talking(caller, callee);
    world.run(secs(5));
    world.hang_up(caller);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    let records = world.finish();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((record.from.as_str(), record.to.as_str()), ("101", "102"));
    assert_eq!(record.result, Some(CallResult::Answered));
    assert_eq!(record.reason, "101 hung up");
    assert!((9.0..10.0).contains(&record.duration_s), "{}", record.duration_s);
}

#[test]
fn the_callee_hangs_up() {
    let mut world = World::new(2, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.hang_up(callee);
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    let records = world.finish();
    assert_eq!(records[0].reason, "102 hung up");
    assert_eq!(records[0].result, Some(CallResult::Answered));
}

#[test]
fn a_call_given_up_before_anything_rings_is_cancelled() {
    let mut world = World::new(3, office());
    let alice = world.phone("101", Plan::default());
    let silent = Habits { answering: Answering::Silent, ..Habits::default() };
    let bob = world.phone("102", Plan { habits: silent, ..Plan::default() });
    world.wait_registered();
    let caller = world.call(alice, "102");
    world.run(secs(1));
    world.hang_up(caller);
    world.wait_stage(caller, Stage::Ended(Ending::Cancelled));
    assert!(world.phones[bob].invited > 0);
    let records = world.finish();
    assert_eq!(records[0].result, Some(CallResult::Cancelled));
}

#[test]
fn a_call_given_up_while_it_rings_stops_ringing() {
    let mut world = World::new(4, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.run(secs(3));
    assert_eq!(world.dialog(caller).stage, Stage::Ringing);
    world.hang_up(caller);
    world.wait_stage(caller, Stage::Ended(Ending::Cancelled));
    world.wait_stage(callee, Stage::Ended(Ending::Cancelled));
    let records = world.finish();
    assert_eq!(records[0].result, Some(CallResult::Cancelled));
    assert_eq!(records[0].reason, "101 hung up");
}

#[test]
fn a_busy_phone_makes_the_call_busy() {
    let mut world = World::new(5, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.phones[bob].habits.answering = Answering::Refuses(486);
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(486)));
    let records = world.finish();
    assert_eq!(records[0].result, Some(CallResult::Busy));
    assert_eq!(records[0].reason, "102 is busy");
}

#[test]
fn a_declined_call_is_told_so() {
    let mut world = World::new(6, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.refuse(callee, 603);
    world.wait_stage(caller, Stage::Ended(Ending::Refused(603)));
    let records = world.finish();
    assert_eq!(records[0].result, Some(CallResult::Busy));
    assert_eq!(records[0].reason, "declined by 102");
}

#[test]
fn a_call_that_nobody_answers_ends_after_the_ring_time() {
    let mut world = World::new(7, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    let rang = world.now().mono;
    world.wait_stage(caller, Stage::Ended(Ending::Refused(480)));
    let lasted = world.now().mono.saturating_since(rang);
    assert!((29..=31).contains(&lasted.as_secs()), "{lasted:?}");
    world.wait_stage(callee, Stage::Ended(Ending::Cancelled));
    let records = world.finish();
    assert_eq!(records[0].result, Some(CallResult::NoAnswer));
}

#[test]
fn an_unknown_number_is_refused_and_recorded() {
    let mut world = World::new(8, office());
    let [alice] = world.phones(["101"]);
    let caller = world.call(alice, "999");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(404)));
    let records = world.finish();
    assert_eq!(records[0].to, "999");
    assert_eq!(records[0].result, Some(CallResult::Failed));
    assert_eq!(records[0].reason, "unknown number");
}

#[test]
fn an_extension_without_a_phone_can_not_be_reached() {
    let mut world = World::new(9, office());
    let [alice] = world.phones(["101"]);
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(480)));
    let records = world.finish();
    assert_eq!(records[0].reason, "no phone of 102 is registered");
}

#[test]
fn two_calls_at_once_hear_only_their_own() {
    let office = Office::of(&["101", "102", "103", "104"]);
    let mut world = World::new(10, office);
    let [alice, bob, carol, dave] = world.phones(["101", "102", "103", "104"]);
    let one = world.connect_call(alice, "102", bob);
    let two = world.connect_call(carol, "104", dave);
    world.assert_talking(one.0, one.1);
    world.assert_talking(two.0, two.1);
    world.hang_up(one.0);
    world.hang_up(two.1);
    assert_eq!(world.finish().len(), 2);
}

#[test]
fn a_phone_that_calls_itself_hears_a_refusal_and_does_not_ring() {
    let mut world = World::new(11, office());
    let [alice] = world.phones(["101"]);
    let caller = world.call(alice, "101");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(480)));
    assert_eq!(world.phones[alice].invited, 0);
    assert_eq!(world.finish().len(), 1);
}
