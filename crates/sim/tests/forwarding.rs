//! Calls that go elsewhere: forwarding of every kind, loops, do not disturb.

use model::record::CallResult;
use sim::{Answering, Ending, Habits, Office, Plan, Stage, World, secs};

fn office() -> Office {
    Office::of(&["101", "102", "103", "104"])
}

#[test]
fn a_call_is_forwarded_always() {
    let mut world = World::new(1, office().forward_always("102", "103"));
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    let (caller, callee) = world.connect_call(alice, "102", carol);
    world.assert_talking(caller, callee);
    assert_eq!(world.phones[bob].invited, 0);
    world.hang_up(callee);
    let records = world.finish();
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].to.as_str(), records[0].route.as_str()), ("102", "102 > 103"));
}

#[test]
fn a_busy_extension_forwards() {
    let mut world = World::new(2, office().forward_busy("102", "103"));
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    world.phones[bob].habits.answering = Answering::Refuses(486);
    let (caller, callee) = world.connect_call(alice, "102", carol);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    let records = world.finish();
    assert_eq!(records[0].result, Some(CallResult::Answered));
    assert_eq!(records[0].route, "102 > 103");
}

#[test]
fn an_extension_without_a_phone_forwards() {
    let mut world = World::new(3, office().forward_unreachable("104", "103"));
    let [alice, carol] = world.phones(["101", "103"]);
    let (caller, callee) = world.connect_call(alice, "104", carol);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish()[0].route, "104 > 103");
}

#[test]
fn a_call_that_nobody_answers_is_forwarded_and_the_first_phone_stops_ringing() {
    let mut world = World::new(4, office().forward_no_answer("102", "103", secs(5)));
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    let caller = world.call(alice, "102");
    let first = world.wait_ringing(bob);
    world.run(secs(3));
    assert!(world.ringing(carol).is_none());
    world.wait_stage(first, Stage::Ended(Ending::Cancelled));
    let second = world.wait_ringing(carol);
    world.answer(second);
    world.wait_stage(caller, Stage::Answered);
    world.assert_talking(caller, second);
    world.hang_up(second);
    let records = world.finish();
    assert_eq!(records[0].route, "102 > 103");
    assert_eq!(records[0].result, Some(CallResult::Answered));
}

#[test]
fn forwardings_of_several_kinds_follow_each_other() {
    let office = office()
        .forward_always("102", "103")
        .forward_busy("103", "104")
        .forward_no_answer("104", "105", secs(4))
        .extension("105");
    let mut world = World::new(5, office);
    let [alice, carol, dave, erin] = world.phones(["101", "103", "104", "105"]);
    world.phones[carol].habits.answering = Answering::Refuses(486);
    let caller = world.call(alice, "102");
    world.wait_ringing(dave);
    world.wait("the last phone rings", secs(10), |world| world.ringing(erin).is_some());
    let callee = world.wait_ringing(erin);
    world.answer(callee);
    world.wait_stage(caller, Stage::Answered);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish()[0].route, "102 > 103 > 104 > 105");
}

#[test]
fn a_forwarding_loop_ends_the_call_at_once() {
    let office =
        office().forward_always("102", "103").forward_always("103", "104").forward_always("104", "102");
    let mut world = World::new(6, office);
    let [alice, ..] = world.phones(["101", "102", "103"]);
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(482)));
    let records = world.finish();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].reason, "forwarding loop");
    assert_eq!(world.server().logged(&model::event::CALL_LOOP), 1);
}

#[test]
fn a_forwarding_to_a_number_that_nobody_has_is_told() {
    let mut world = World::new(7, office().forward_always("102", "777"));
    let [alice] = world.phones(["101"]);
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(404)));
    assert_eq!(world.finish()[0].reason, "102 forwards to the unknown number 777");
}

#[test]
fn who_does_not_wish_to_be_disturbed_is_busy_and_rings_nowhere() {
    let mut world = World::new(8, office().do_not_disturb("102"));
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(486)));
    assert_eq!(world.phones[bob].invited, 0);
    assert_eq!(world.finish()[0].result, Some(CallResult::Busy));
}

#[test]
fn do_not_disturb_forwards_when_busy() {
    let mut world = World::new(9, office().do_not_disturb("102").forward_busy("102", "103"));
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    let (caller, callee) = world.connect_call(alice, "102", carol);
    world.assert_talking(caller, callee);
    assert_eq!(world.phones[bob].invited, 0);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_phone_that_says_nothing_counts_as_unreachable() {
    let patient = office().times(|times| times.ring_timeout = secs(60));
    let mut world = World::new(10, patient.forward_unreachable("102", "103"));
    let silent = Habits { answering: Answering::Silent, ..Habits::default() };
    world.phone("102", Plan { habits: silent, ..Plan::default() });
    let [alice, carol] = world.phones(["101", "103"]);
    let caller = world.call(alice, "102");
    world.wait("the other phone rings", secs(40), |world| world.ringing(carol).is_some());
    let callee = world.wait_ringing(carol);
    world.answer(callee);
    world.wait_stage(caller, Stage::Answered);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_change_of_the_configuration_counts_for_the_next_call() {
    let mut world = World::new(11, office());
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    let first = world.connect_call(alice, "102", bob);
    let changed = world.office().forward_always("102", "103");
    world.configure(changed);
    world.assert_talking(first.0, first.1);
    let second = world.connect_call(alice, "102", carol);
    world.assert_talking(first.0, first.1);
    world.hang_up(first.0);
    world.hang_up(second.0);
    assert_eq!(world.finish().len(), 2);
}

#[test]
fn a_phone_that_sends_its_calls_elsewhere_is_followed() {
    let mut world = World::new(12, office());
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    world.phones[bob].habits.answering = Answering::Moved("103");
    let (caller, callee) = world.connect_call(alice, "102", carol);
    world.assert_talking(caller, callee);
    world.hang_up(callee);
    assert_eq!(world.finish()[0].route, "102 > 103");
}

#[test]
fn two_phones_that_send_their_calls_to_each_other_make_no_loop() {
    let mut world = World::new(13, office());
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    world.phones[bob].habits.answering = Answering::Moved("103");
    world.phones[carol].habits.answering = Answering::Moved("102");
    let caller = world.call(alice, "102");
    world.wait("the call is over", secs(5), |world| world.dialog(caller).is_over());
    assert_eq!(world.finish().len(), 1);
}
