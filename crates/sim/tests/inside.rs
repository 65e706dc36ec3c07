//! Inside a call: hold, glare, early media, keys.

use sim::{Answering, DialogId, Ending, Habits, Office, Plan, Stage, World, millis, secs};
use wire::sdp::Direction;

fn office() -> Office {
    Office::of(&["101", "102", "103"])
}

fn connected(seed: u64) -> (World, DialogId, DialogId) {
    let mut world = World::new(seed, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    (world, caller, callee)
}

#[test]
fn hold_is_silence_and_resume_is_sound() {
    let (mut world, caller, callee) = connected(1);
    world.reoffer(caller, Direction::Inactive);
    world.run(secs(1));
    assert_eq!(world.dialog(callee).sound.direction, Direction::Inactive);
    assert_eq!(world.talk(caller, callee, secs(15)), (0, 0));
    world.reoffer(caller, Direction::Sendrecv);
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn who_is_held_hears_what_the_holder_sends() {
    let (mut world, caller, callee) = connected(2);
    world.reoffer(callee, Direction::Sendonly);
    world.run(secs(1));
    let (held, holder) = world.talk(caller, callee, secs(3));
    assert!(held > 20, "{held}");
    assert_eq!(holder, 0);
    world.reoffer(callee, Direction::Sendrecv);
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.hang_up(callee);
    world.finish();
}

#[test]
fn a_long_hold_is_no_dead_media() {
    let (mut world, caller, callee) = connected(3);
    world.reoffer(caller, Direction::Inactive);
    world.run(secs(90));
    world.reoffer(caller, Direction::Sendrecv);
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn both_may_hold() {
    let (mut world, caller, callee) = connected(4);
    world.reoffer(caller, Direction::Sendonly);
    world.run(secs(1));
    world.reoffer(callee, Direction::Sendonly);
    world.run(secs(1));
    assert_eq!(world.talk(caller, callee, secs(3)), (0, 0));
    world.reoffer(caller, Direction::Sendrecv);
    world.run(secs(1));
    world.reoffer(callee, Direction::Sendrecv);
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.hang_up(callee);
    world.finish();
}

#[test]
fn two_re_invites_that_cross_are_both_done_in_the_end() {
    let (mut world, caller, callee) = connected(5);
    world.reoffer(caller, Direction::Sendonly);
    world.reoffer(callee, Direction::Sendonly);
    world.run(secs(12));
    let glares = world.dialog(caller).glares + world.dialog(callee).glares;
    assert!(glares > 0, "they crossed");
    assert_eq!((world.dialog(caller).reoffers_done, world.dialog(callee).reoffers_done), (1, 1));
    world.reoffer(caller, Direction::Sendrecv);
    world.run(secs(5));
    world.reoffer(callee, Direction::Sendrecv);
    world.run(secs(5));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_re_invite_that_crosses_bye_leaves_nothing() {
    let (mut world, caller, callee) = connected(6);
    world.reoffer(caller, Direction::Sendonly);
    world.hang_up(callee);
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn early_media_is_heard_before_the_answer_and_the_call_goes_on_with_it() {
    let mut world = World::new(7, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.phones[bob].habits.answering = Answering::EarlyMedia(secs(5));
    let caller = world.call(alice, "102");
    world.run(secs(3));
    let callee = world.phones[bob].last_dialog().expect("a call").id;
    assert!(world.dialog(caller).statuses.contains(&183));
    assert!(world.heard(caller, callee) > 10, "{}", world.heard(caller, callee));
    world.wait_stage(caller, Stage::Answered);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn early_media_that_nobody_answers_ends_with_the_ring_time() {
    let mut world = World::new(8, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.phones[bob].habits.answering = Answering::EarlyMedia(secs(300));
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(480)));
    world.finish();
}

#[test]
fn keys_pass_as_telephone_events_each_in_the_numbers_of_its_side() {
    let mut world = World::new(9, office());
    let own = |event_payload| Plan {
        habits: Habits { event_payload, own_payloads: true, ..Habits::default() },
        ..Plan::default()
    };
    let (alice, bob) = (world.phone("101", own(96)), world.phone("102", own(110)));
    world.wait_registered();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    for key in ['1', '0', '*', '#'] {
        world.press(caller, key);
        world.run(millis(300));
    }
    world.press(callee, '7');
    world.run(secs(1));
    assert_eq!(world.dialog(callee).sound.keys, "10*#");
    assert_eq!(world.dialog(caller).sound.keys, "7");
    world.hang_up(caller);
    world.finish();
}

#[test]
fn keys_sent_by_info_reach_the_other_side() {
    let (mut world, caller, callee) = connected(10);
    world.tell(usize::from(caller.phone), |phone, now| {
        phone.info(now.mono, caller, "Signal=5\r\nDuration=160\r\n");
    });
    world.run(secs(1));
    assert_eq!(world.dialog(callee).infos, ["Signal=5\r\nDuration=160\r\n"]);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn phones_without_a_common_format_get_488() {
    let mut world = World::new(11, office());
    let only = |formats| Plan { habits: Habits { formats, ..Habits::default() }, ..Plan::default() };
    let alice = world.phone("101", only(vec![(9, "G722/8000")]));
    world.phone("102", Plan::default());
    world.wait_registered();
    let caller = world.call(alice, "102");
    world.wait("the call is over", secs(5), |world| world.dialog(caller).is_over());
    assert_eq!(world.dialog(caller).stage, Stage::Ended(Ending::Refused(488)));
    assert_eq!(world.finish()[0].result, Some(model::record::CallResult::Failed));
}

#[test]
fn an_administrator_hangs_up() {
    let (mut world, caller, callee) = connected(12);
    let now = world.now();
    let call = world.server().exchange.calls(now)[0].id;
    world.command(calls::Command::Hangup { call, author: "anna".into() });
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    let records = world.finish();
    assert_eq!(records[0].reason, "hung up by an administrator");
}
