//! Several phones of one extension: all ring, one gets the call, the others are told.

use model::record::CallResult;
use sim::{Answering, Ending, Fate, Office, Plan, Stage, World, millis, secs};

fn office() -> Office {
    Office::of(&["101", "102", "103"]).line("102", "102-b")
}

#[test]
fn all_phones_of_an_extension_ring_and_the_first_to_answer_gets_the_call() {
    let mut world = World::new(1, office());
    let [alice, desk, soft] = world.phones(["101", "102", "102-b"]);
    let caller = world.call(alice, "102");
    let (one, two) = (world.wait_ringing(desk), world.wait_ringing(soft));
    world.answer(two);
    world.wait_stage(caller, Stage::Answered);
    world.wait_stage(one, Stage::Ended(Ending::Cancelled));
    let reason = world.dialog(one).reason.clone().unwrap_or_default();
    assert!(reason.contains("Call completed elsewhere"), "{reason}");
    world.assert_talking(caller, two);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn two_phones_that_answer_at_once_leave_one_call() {
    let mut world = World::new(2, office());
    let [alice, desk, soft] = world.phones(["101", "102", "102-b"]);
    let caller = world.call(alice, "102");
    let (one, two) = (world.wait_ringing(desk), world.wait_ringing(soft));
    world.answer(one);
    world.answer(two);
    world.wait_stage(caller, Stage::Answered);
    world.run(secs(3));
    let answered: Vec<_> =
        [one, two].into_iter().filter(|id| world.dialog(*id).stage == Stage::Answered).collect();
    assert_eq!(answered.len(), 1, "the other one is told to hang up");
    world.assert_talking(caller, answered[0]);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn one_phone_that_is_busy_does_not_stop_the_other() {
    let mut world = World::new(3, office());
    let [alice, desk, soft] = world.phones(["101", "102", "102-b"]);
    world.phones[desk].habits.answering = Answering::Refuses(486);
    let (caller, callee) = world.connect_call(alice, "102", soft);
    world.assert_talking(caller, callee);
    world.hang_up(callee);
    world.finish();
}

#[test]
fn a_call_that_all_phones_find_busy_is_busy() {
    let mut world = World::new(4, office());
    let [alice, desk, soft] = world.phones(["101", "102", "102-b"]);
    world.phones[desk].habits.answering = Answering::Refuses(486);
    world.phones[soft].habits.answering = Answering::RefusesAfter(486, secs(2));
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(486)));
    assert_eq!(world.finish()[0].result, Some(CallResult::Busy));
}

#[test]
fn who_declines_declines_for_all_phones_of_the_extension() {
    let mut world = World::new(5, office());
    let [alice, desk, soft] = world.phones(["101", "102", "102-b"]);
    let caller = world.call(alice, "102");
    let (one, two) = (world.wait_ringing(desk), world.wait_ringing(soft));
    world.refuse(one, 603);
    world.wait_stage(caller, Stage::Ended(Ending::Refused(603)));
    world.wait_stage(two, Stage::Ended(Ending::Cancelled));
    world.finish();
}

#[test]
fn a_phone_that_plays_early_media_does_not_keep_the_other_from_answering() {
    let mut world = World::new(6, office());
    let [alice, desk, soft] = world.phones(["101", "102", "102-b"]);
    world.phones[desk].habits.answering = Answering::EarlyMedia(secs(20));
    let caller = world.call(alice, "102");
    let two = world.wait_ringing(soft);
    world.run(secs(2));
    world.answer(two);
    world.wait_stage(caller, Stage::Answered);
    world.assert_talking(caller, two);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn two_contacts_of_one_line_ring_both() {
    let mut world = World::new(7, Office::of(&["101", "102"]));
    let [alice, desk] = world.phones(["101", "102"]);
    let soft = world.phone("102", Plan::default());
    world.wait_registered();
    let caller = world.call(alice, "102");
    let (one, two) = (world.wait_ringing(desk), world.wait_ringing(soft));
    world.answer(one);
    world.wait_stage(caller, Stage::Answered);
    world.wait_stage(two, Stage::Ended(Ending::Cancelled));
    world.hang_up(one);
    world.finish();
}

#[test]
fn an_answer_that_crosses_a_cancel_is_ended_with_bye() {
    let mut world = World::new(8, Office::of(&["101", "102"]));
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    // The CANCEL is on its way when the phone answers.
    world.script(false, "CANCEL", Fate::Late(millis(200)), 1);
    world.hang_up(caller);
    world.run(millis(50));
    world.answer(callee);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.dialog(caller).stage, Stage::Ended(Ending::Cancelled));
    let records = world.finish();
    assert_eq!((records.len(), records[0].result), (1, Some(CallResult::Cancelled)));
}

#[test]
fn a_cancel_that_crosses_the_answer_leaves_a_call_that_the_caller_ends() {
    let mut world = World::new(9, Office::of(&["101", "102"]));
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.script(true, "CANCEL", Fate::Late(millis(200)), 1);
    world.hang_up(caller);
    world.run(millis(50));
    world.answer(callee);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.dialog(caller).stage, Stage::Ended(Ending::HungUp));
    let records = world.finish();
    assert_eq!((records.len(), records[0].result), (1, Some(CallResult::Answered)));
}
