//! What gets lost, doubled or late on the way, message by message.

use model::record::CallResult;
use sim::{DialogId, Ending, Fate, Faults, Office, Plan, Stage, World, millis, secs};
use wire::sdp::Direction;

fn office() -> Office {
    Office::of(&["101", "102"])
}

/// A call over a network on which this happens to this message, `times` times.
fn with_fate(
    seed: u64,
    to_server: bool,
    start: &'static str,
    fate: Fate,
    times: u32,
) -> (World, DialogId, DialogId) {
    let mut world = World::new(seed, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.script(to_server, start, fate, times);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.answer(callee);
    world.wait_stage(caller, Stage::Answered);
    world.run(secs(9));
    (world, caller, callee)
}

/// The call is there, and ends with one record.
fn sound_and_whole((mut world, caller, callee): (World, DialogId, DialogId)) {
    assert_eq!(world.dialog(callee).stage, Stage::Answered);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    let records = world.finish();
    assert_eq!((records.len(), records[0].result), (1, Some(CallResult::Answered)));
}

#[test]
fn a_lost_invite_is_sent_again() {
    sound_and_whole(with_fate(1, true, "INVITE", Fate::Lost, 2));
    sound_and_whole(with_fate(2, false, "INVITE", Fate::Lost, 2));
}

#[test]
fn a_lost_ringing_does_no_harm() {
    sound_and_whole(with_fate(3, false, "180 INVITE", Fate::Lost, 1));
    sound_and_whole(with_fate(4, true, "180 INVITE", Fate::Lost, 1));
}

#[test]
fn a_lost_200_is_sent_again() {
    sound_and_whole(with_fate(5, false, "200 INVITE", Fate::Lost, 3));
    sound_and_whole(with_fate(6, true, "200 INVITE", Fate::Lost, 3));
}

#[test]
fn a_lost_ack_is_sent_again() {
    sound_and_whole(with_fate(7, true, "ACK", Fate::Lost, 3));
    sound_and_whole(with_fate(8, false, "ACK", Fate::Lost, 3));
}

#[test]
fn a_doubled_invite_is_one_call() {
    sound_and_whole(with_fate(9, true, "INVITE", Fate::Twice(millis(3)), 9));
    sound_and_whole(with_fate(10, false, "INVITE", Fate::Twice(millis(3)), 9));
    sound_and_whole(with_fate(11, true, "INVITE", Fate::Twice(secs(4)), 9));
}

#[test]
fn a_ringing_that_comes_after_the_answer_changes_nothing() {
    let mut world = World::new(13, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.script(true, "180 INVITE", Fate::Late(millis(700)), 1);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.answer(callee);
    world.run(secs(3));
    sound_and_whole((world, caller, callee));
}

#[test]
fn a_caller_that_never_acknowledges_loses_the_call() {
    let mut world = World::new(14, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.script(true, "ACK", Fate::Lost, u32::MAX);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.answer(callee);
    world.wait_stage(caller, Stage::Answered);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn a_lost_bye_is_sent_again() {
    for to_server in [true, false] {
        let mut world = World::new(15, office());
        let [alice, bob] = world.phones(["101", "102"]);
        let (caller, callee) = world.connect_call(alice, "102", bob);
        world.script(to_server, "BYE", Fate::Lost, 3);
        world.script(!to_server, "200 BYE", Fate::Lost, 2);
        world.hang_up(caller);
        world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
        assert_eq!(world.finish().len(), 1);
    }
}

#[test]
fn a_lost_cancel_is_sent_again() {
    for to_server in [true, false] {
        let mut world = World::new(16, office());
        let [alice, bob] = world.phones(["101", "102"]);
        world.script(to_server, "CANCEL", Fate::Lost, 2);
        world.script(to_server, "487 INVITE", Fate::Lost, 2);
        let caller = world.call(alice, "102");
        let callee = world.wait_ringing(bob);
        world.hang_up(caller);
        world.wait_stage(callee, Stage::Ended(Ending::Cancelled));
        world.wait_stage(caller, Stage::Ended(Ending::Cancelled));
        assert_eq!(world.finish().len(), 1);
    }
}

#[test]
fn a_bye_that_overtakes_the_ack_ends_the_call() {
    let mut world = World::new(17, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.script(true, "ACK", Fate::Late(millis(400)), 9);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.answer(callee);
    world.wait_stage(caller, Stage::Answered);
    world.hang_up(caller);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn lost_re_invites_and_their_answers_are_sent_again() {
    for (to_server, start) in
        [(true, "INVITE"), (false, "INVITE"), (true, "200 INVITE"), (false, "200 INVITE")]
    {
        let mut world = World::new(18, office());
        let [alice, bob] = world.phones(["101", "102"]);
        let (caller, callee) = world.connect_call(alice, "102", bob);
        world.script(to_server, start, Fate::Lost, 2);
        world.reoffer(caller, Direction::Inactive);
        world.run(secs(8));
        assert_eq!(world.dialog(callee).sound.direction, Direction::Inactive);
        assert_eq!(world.dialog(caller).sound.direction, Direction::Inactive);
        world.reoffer(caller, Direction::Sendrecv);
        world.run(secs(2));
        sound_and_whole((world, caller, callee));
    }
}

#[test]
fn on_a_bad_network_calls_still_come_about_and_end() {
    let mut world = World::new(19, office());
    let [alice, bob] = [world.phone("101", Plan::default()), world.phone("102", Plan::default())];
    for phone in [alice, bob] {
        world.link(phone).faults = Faults { loss: 150, doubled: 150, overtaken: 150, ..Faults::BAD };
    }
    world.wait_registered();
    for _ in 0..5 {
        let caller = world.call(alice, "102");
        world.wait("the phone rings", secs(20), |world| world.ringing(bob).is_some());
        let callee = world.wait_ringing(bob);
        world.answer(callee);
        world.wait("the caller knows", secs(20), |world| world.dialog(caller).stage == Stage::Answered);
        world.run(secs(10));
        assert!(world.heard(caller, callee) > 30 && world.heard(callee, caller) > 30);
        world.hang_up(caller);
        world.wait("the callee knows", secs(20), |world| world.dialog(callee).is_over());
    }
    assert_eq!(world.finish().len(), 5);
}
