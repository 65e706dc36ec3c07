//! Early media told reliably, over networks that lose things.

use sim::{Answering, Fate, Habits, Late, Office, Plan, Stage, World, secs};

fn world(seed: u64) -> (World, usize, usize) {
    let mut world = World::new(seed, Office::of(&["101", "102"]));
    let reliable = Habits { reliable: true, ..Habits::default() };
    let alice = world.phone("101", Plan { habits: reliable, ..Plan::default() });
    let early = Habits { answering: Answering::EarlyMedia(secs(3)), ..Habits::default() };
    let bob = world.phone("102", Plan { habits: early, ..Plan::default() });
    world.wait_registered();
    (world, alice, bob)
}

#[test]
fn early_media_is_acknowledged_and_the_call_goes_on_with_it() {
    let (mut world, alice, bob) = world(1);
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Answered);
    let callee = world.phones[bob].last_dialog().expect("a call").id;
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn lost_early_media_and_lost_pracks_come_again() {
    let (mut world, alice, bob) = world(2);
    world.script(false, "SIP/2.0 183", Fate::Lost, 2);
    world.script(true, "PRACK ", Fate::Lost, 2);
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Answered);
    assert!(world.dialog(caller).statuses.contains(&183));
    let callee = world.phones[bob].last_dialog().expect("a call").id;
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.hang_up(callee);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn who_gives_up_while_early_media_plays_leaves_nothing() {
    let (mut world, alice, _) = world(3);
    let caller = world.call(alice, "102");
    world.run(secs(1));
    world.hang_up(caller);
    world.wait("it is over", secs(40), |world| world.dialog(caller).is_over());
    assert_eq!(world.finish().len(), 1);
}

/// Alice calls without an offer and hears what Bob's phone plays before Bob answers.
fn late_call(world: &mut World, (alice, bob): (usize, usize)) -> (sim::DialogId, sim::DialogId) {
    let caller = world.call_late(alice, "102", Late::Answers);
    world.run(secs(2));
    let callee = world.phones[bob].last_dialog().expect("a call").id;
    assert!(world.heard(caller, callee) > 5, "{}", world.heard(caller, callee));
    (caller, callee)
}

#[test]
fn a_caller_without_an_offer_is_made_one_early_and_answers_it_with_his_prack() {
    let (mut world, alice, bob) = world(4);
    let (caller, callee) = late_call(&mut world, (alice, bob));
    world.wait_stage(caller, Stage::Answered);
    world.run(secs(1));
    world.assert_talking(caller, callee);
    assert_eq!(world.dialog(caller).statuses.iter().filter(|status| **status == 183).count(), 1);
    world.hang_up(callee);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn an_early_offer_and_its_answer_may_get_lost() {
    for seed in 0..20 {
        let (mut world, alice, bob) = world(50 + seed);
        world.script(false, "SIP/2.0 183", Fate::Lost, (seed % 3) as u32);
        world.script(true, "PRACK ", Fate::Lost, (seed % 4) as u32);
        world.script(false, "SIP/2.0 200", Fate::Lost, (seed % 2) as u32);
        let caller = world.call_late(alice, "102", Late::Answers);
        world.wait_stage(caller, Stage::Answered);
        let callee = world.phones[bob].last_dialog().expect("a call").id;
        world.run(secs(2));
        world.assert_talking(caller, callee);
        world.hang_up(caller);
        assert_eq!(world.finish().len(), 1);
    }
}

#[test]
fn a_caller_who_heard_one_phone_early_talks_to_the_other_that_was_picked_up() {
    for seed in 0..10 {
        let mut world = World::new(80 + seed, Office::of(&["101", "102"]).line("102", "102-mobile"));
        let reliable = Habits { reliable: true, ..Habits::default() };
        let alice = world.phone("101", Plan { habits: reliable, ..Plan::default() });
        let early = Habits {
            answering: Answering::EarlyMedia(secs(60)),
            formats: vec![(8, "PCMA/8000")],
            ..Habits::default()
        };
        world.phone("102", Plan { habits: early, ..Plan::default() });
        let mobile = Habits {
            answering: Answering::After(sim::millis(100 + 10 * seed)),
            formats: vec![(0, "PCMU/8000")],
            ..Habits::default()
        };
        let mobile = world.phone("102-mobile", Plan { habits: mobile, ..Plan::default() });
        world.wait_registered();
        let caller = world.call_late(alice, "102", Late::Answers);
        world.wait_stage(caller, Stage::Answered);
        let callee = world.phones[mobile].last_dialog().expect("a call").id;
        world.run(secs(2));
        world.assert_talking(caller, callee);
        world.hang_up(caller);
        assert_eq!(world.finish().len(), 1);
    }
}
