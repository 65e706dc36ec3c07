//! Late offers: calls and re-INVITEs without an offer, whose answers come with the ACK.

use model::record::CallResult;
use sim::{Answering, DialogId, Ending, Fate, Habits, Late, Office, Plan, Stage, World, secs};
use wire::sdp::Direction;

fn office() -> Office {
    Office::of(&["101", "102", "103"])
}

/// Alice calls Bob without an offer, and Bob answers.
fn called(world: &mut World, late: Late) -> (DialogId, DialogId) {
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call_late(alice, "102", late);
    let callee = world.wait_ringing(bob);
    world.answer(callee);
    world.wait_stage(caller, Stage::Answered);
    world.run(secs(1));
    (caller, callee)
}

#[test]
fn a_call_without_an_offer_is_a_call_like_any_other() {
    let mut world = World::new(1, office());
    let (caller, callee) = called(&mut world, Late::Answers);
    world.assert_talking(caller, callee);
    world.reoffer(caller, Direction::Sendonly);
    world.run(secs(1));
    world.reoffer(caller, Direction::Sendrecv);
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.hang_up(callee);
    assert_eq!(world.finish()[0].result, Some(CallResult::Answered));
}

#[test]
fn each_side_of_a_late_offer_keeps_its_own_numbers() {
    let mut world = World::new(2, office());
    let own = |event_payload| Plan {
        habits: Habits { event_payload, own_payloads: true, ..Habits::default() },
        ..Plan::default()
    };
    let (alice, bob) = (world.phone("101", own(96)), world.phone("102", own(110)));
    world.wait_registered();
    let caller = world.call_late(alice, "102", Late::Answers);
    let callee = world.wait_ringing(bob);
    world.answer(callee);
    world.wait_stage(caller, Stage::Answered);
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.press(caller, '5');
    world.press(callee, '7');
    world.run(secs(1));
    assert_eq!(world.dialog(callee).sound.keys, "5");
    assert_eq!(world.dialog(caller).sound.keys, "7");
    world.hang_up(caller);
    world.finish();
}

#[test]
fn an_ack_without_an_answer_ends_the_call_and_history_says_why() {
    let mut world = World::new(3, office());
    let (caller, callee) = called(&mut world, Late::Nothing);
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    let records = world.finish();
    assert_eq!(records[0].reason, "the caller's ACK had no answer to our offer");
    assert_eq!(records[0].result, Some(CallResult::Failed));
}

#[test]
fn an_ack_with_nonsense_in_it_ends_the_call() {
    let mut world = World::new(4, office());
    let (caller, _) = called(&mut world, Late::Nonsense);
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish()[0].reason, "the caller's answer to our offer could not be used");
}

#[test]
fn a_lost_ack_of_a_late_offer_is_asked_for_again() {
    let mut world = World::new(5, office());
    world.script(true, "ACK ", Fate::Lost, 2);
    let (caller, callee) = called(&mut world, Late::Answers);
    world.run(secs(5));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn early_media_is_kept_from_a_caller_that_described_nothing() {
    let mut world = World::new(6, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.phones[bob].habits.answering = Answering::EarlyMedia(secs(5));
    let caller = world.call_late(alice, "102", Late::Answers);
    world.wait_stage(caller, Stage::Answered);
    let callee = world.phones[bob].last_dialog().expect("a call").id;
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_late_caller_that_gives_up_leaves_nothing() {
    let mut world = World::new(7, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call_late(alice, "102", Late::Answers);
    let callee = world.wait_ringing(bob);
    world.answer(callee);
    world.hang_up(caller);
    world.wait("both are over", secs(40), |world| {
        world.dialog(caller).is_over() && world.dialog(callee).is_over()
    });
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn a_re_invite_without_an_offer_gets_ours_and_the_call_goes_on() {
    let mut world = World::new(8, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    for id in [caller, callee] {
        world.ask_for_offer(id);
        world.run(secs(1));
        assert_eq!(world.dialog(id).reoffers_done, 1);
        world.assert_talking(caller, callee);
    }
    world.hang_up(caller);
    world.finish();
}

#[test]
fn who_holds_may_resume_without_an_offer() {
    let mut world = World::new(9, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    for (holder, other) in [(caller, callee), (callee, caller)] {
        world.reoffer(holder, Direction::Inactive);
        world.run(secs(1));
        assert_eq!(world.talk(caller, callee, secs(3)), (0, 0));
        world.tell(usize::from(holder.phone), |phone, _| phone.want(holder, Direction::Sendrecv));
        world.ask_for_offer(holder);
        world.run(secs(1));
        assert_eq!(world.dialog(other).sound.direction, Direction::Sendrecv);
        world.assert_talking(caller, callee);
    }
    world.hang_up(caller);
    world.finish();
}

#[test]
fn who_is_held_stays_held_when_it_asks_for_an_offer() {
    let mut world = World::new(10, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.reoffer(caller, Direction::Inactive);
    world.run(secs(1));
    world.ask_for_offer(callee);
    world.run(secs(1));
    assert_eq!(world.talk(caller, callee, secs(3)), (0, 0));
    world.reoffer(caller, Direction::Sendrecv);
    world.run(secs(1));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}
