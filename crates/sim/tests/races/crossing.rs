//! Section 3.3 and the appendices: offers that cross, calls given up early, more answers than one.

use sim::{Answering, Ending, Fate, Habits, Office, Plan, Stage, World, millis, secs};
use wire::sdp::Direction;

use super::{everywhere, everywhere_with};

#[test]
fn two_re_invites_that_cross_are_both_done_in_the_end() {
    everywhere(|mut stand| {
        let ends = stand.talk();
        stand.world.reoffer(ends.0, Direction::Sendonly);
        stand.world.reoffer(ends.1, Direction::Sendonly);
        stand.world.run(secs(40));
        if stand.is_good() {
            assert!(
                stand.world.dialog(ends.0).glares + stand.world.dialog(ends.1).glares > 0,
                "they crossed"
            );
        }
        for id in [ends.0, ends.1] {
            assert_eq!(stand.world.dialog(id).reoffers_done, 1, "{id}");
            stand.world.reoffer(id, Direction::Sendrecv);
            stand.world.run(secs(20));
        }
        stand.assert_talking(ends);
        stand.world.hang_up(ends.0);
        stand.wait_over(ends);
        stand.finish(1);
    });
}

#[test]
fn a_re_invite_that_meets_the_ack_of_the_other_side_s_is_done_in_the_end() {
    for to_server in [true, false] {
        everywhere(|mut stand| {
            let ends = stand.talk();
            stand.world.script(to_server, "ACK", Fate::Late(millis(600)), 1);
            stand.world.reoffer(ends.0, Direction::Sendonly);
            stand.world.wait("the first is done", secs(30), |world| world.dialog(ends.0).reoffers_done == 1);
            stand.world.reoffer(ends.1, Direction::Sendonly);
            stand.world.run(secs(30));
            assert_eq!(stand.world.dialog(ends.1).reoffers_done, 1);
            stand.world.hang_up(ends.1);
            stand.wait_over(ends);
            stand.finish(1);
        });
    }
}

#[test]
fn a_re_invite_that_comes_again_late_changes_nothing() {
    for to_server in [true, false] {
        everywhere(|mut stand| {
            let ends = stand.talk();
            stand.world.script(to_server, "INVITE", Fate::Twice(secs(20)), 1);
            stand.world.reoffer(ends.0, Direction::Inactive);
            stand.world.run(secs(10));
            stand.world.reoffer(ends.0, Direction::Sendrecv);
            stand.world.run(secs(35));
            stand.assert_talking(ends);
            stand.world.hang_up(ends.0);
            stand.wait_over(ends);
            stand.finish(1);
        });
    }
}

#[test]
fn a_call_given_up_before_anything_was_heard_of_the_phone_is_cancelled_when_it_is() {
    for given_up_after in [100, 900] {
        everywhere(|mut stand| {
            stand.world.script(true, "180 INVITE", Fate::Late(millis(800)), 1);
            let (alice, bob) = (stand.alice, stand.bob);
            let caller = stand.world.call(alice, "102");
            stand.world.wait("the phone rings", secs(25), |world| world.ringing(bob).is_some());
            let callee = stand.world.ringing(bob).expect("it rings");
            stand.world.run(millis(given_up_after));
            stand.world.hang_up(caller);
            stand.wait_over((caller, callee));
            if stand.is_good() {
                assert_eq!(stand.world.dialog(callee).stage, Stage::Ended(Ending::Cancelled));
            }
            stand.finish(1);
        });
    }
}

#[test]
fn a_refusal_that_meets_a_cancel_ends_the_call_once() {
    for to_server in [true, false] {
        everywhere(|mut stand| {
            let ends = stand.ring();
            stand.world.script(to_server, "486 INVITE", Fate::Late(millis(200)), 1);
            stand.world.refuse(ends.1, 486);
            stand.world.run(millis(60));
            stand.world.hang_up(ends.0);
            stand.wait_over(ends);
            stand.finish(1);
        });
    }
}

#[test]
fn the_end_of_the_ring_time_that_meets_the_answer_leaves_no_half_call() {
    for late in [29_950, 29_990, 29_999, 30_001] {
        everywhere(|mut stand| {
            stand.world.phones[stand.bob].habits.answering = Answering::After(millis(late));
            stand.world.script(true, "200 INVITE", Fate::Late(millis(30)), 1);
            let caller = stand.world.call(stand.alice, "102");
            stand.world.run(secs(70));
            let caller_talks = stand.world.dialog(caller).stage == Stage::Answered;
            let callee = stand.world.phones[stand.bob].last_dialog().expect("it rang").id;
            assert_eq!(stand.world.dialog(callee).stage == Stage::Answered, caller_talks);
            stand.world.hang_up(caller);
            stand.finish(1);
        });
    }
}

#[test]
fn two_answers_of_one_phone_under_two_tags_are_one_call_and_the_second_is_ended() {
    let forks = Habits { forks: true, ..Habits::default() };
    everywhere_with(&forks, |mut stand| {
        let ends = stand.ring();
        stand.world.answer(ends.1);
        stand.world.wait_stage(ends.0, Stage::Answered);
        stand.world.run(secs(5));
        if stand.is_good() {
            stand.assert_talking(ends);
            assert_eq!(stand.world.phones[stand.bob].foreign_byes, 1, "the other one got its BYE");
        }
        stand.world.hang_up(ends.0);
        stand.world.hang_up(ends.1);
        stand.finish(1);
    });
}

#[test]
fn three_phones_that_answer_at_once_leave_one_call() {
    for seed in 1..=5 {
        let office = Office::of(&["101", "102"]).line("102", "102-b").line("102", "102-c");
        let mut world = World::new(seed, office);
        let alice = world.phone("101", Plan::default());
        let others = ["102", "102-b", "102-c"].map(|line| world.phone(line, Plan::default()));
        world.wait_registered();
        let caller = world.call(alice, "102");
        let rings = others.map(|phone| world.wait_ringing(phone));
        world.script(true, "200 INVITE", Fate::Late(millis(seed * 40)), 1);
        for ring in rings {
            world.answer(ring);
        }
        world.wait_stage(caller, Stage::Answered);
        world.run(secs(3));
        let talking: Vec<_> =
            rings.into_iter().filter(|ring| world.dialog(*ring).stage == Stage::Answered).collect();
        assert_eq!(talking.len(), 1);
        world.assert_talking(caller, talking[0]);
        world.hang_up(caller);
        assert_eq!(world.finish().len(), 1);
    }
}
