//! Early media told reliably, over networks that lose things.

use sim::{Answering, Fate, Habits, Office, Plan, Stage, World, secs};

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
