//! Section 3.1: what reaches a callee who has answered and waits for the ACK; appendix A.

use model::record::CallResult;
use sim::{Answering, Ending, Fate, Habits, Stage, World, millis, secs};
use wire::sdp::Direction;

use super::{everywhere, everywhere_with};

/// Toward the exchange, and from it to the callee.
const BOTH: [bool; 2] = [true, false];

#[test]
fn an_invite_that_comes_again_is_one_call_whatever_has_become_of_it() {
    // Preparative, Early, Moratorium, Established, Mortal.
    for (after, answers) in [(1, false), (700, false), (150, true), (2_500, true), (6_000, true)] {
        for to_server in BOTH {
            everywhere(|mut stand| {
                stand.world.script(to_server, "INVITE", Fate::Twice(millis(after)), 9);
                stand.world.script(to_server, "ACK", Fate::Late(millis(300)), 1);
                if answers {
                    stand.world.phones[stand.bob].habits.answering = Answering::After(millis(50));
                    let caller = stand.world.call(stand.alice, "102");
                    stand.world.wait_stage(caller, Stage::Answered);
                    stand.world.run(secs(4));
                    stand.world.hang_up(caller);
                    stand.world.run(secs(6));
                } else {
                    let ends = stand.ring();
                    stand.world.run(secs(2));
                    stand.world.hang_up(ends.0);
                    stand.wait_over(ends);
                }
                assert_eq!(stand.world.phones[stand.bob].invited, 1);
                stand.finish(1);
            });
        }
    }
}

#[test]
fn an_invite_that_comes_again_after_all_was_forgotten_rings_nobody() {
    everywhere(|mut stand| {
        stand.world.script(true, "INVITE", Fate::Twice(secs(50)), 9);
        let ends = stand.talk();
        stand.world.hang_up(ends.0);
        stand.wait_over(ends);
        stand.world.run(secs(60));
        assert_eq!(stand.world.phones[stand.bob].invited, 1);
        stand.finish(1);
    });
}

#[test]
fn a_cancel_that_meets_the_answer_leaves_a_call_that_is_ended_with_bye() {
    for to_server in BOTH {
        everywhere(|mut stand| {
            let ends = stand.ring();
            stand.world.script(to_server, "200 INVITE", Fate::Late(millis(300)), 1);
            stand.world.answer(ends.1);
            stand.world.run(millis(50));
            stand.world.hang_up(ends.0);
            stand.wait_over(ends);
            let good = stand.is_good();
            if good {
                assert_eq!(stand.world.dialog(ends.1).stage, Stage::Ended(Ending::PeerHungUp), "no CANCEL");
            }
            let result = stand.finish(1)[0].result;
            let wanted = if to_server { CallResult::Cancelled } else { CallResult::Answered };
            assert!(!good || result == Some(wanted), "{result:?}");
        });
    }
}

#[test]
fn a_bye_in_the_early_dialog_gives_the_call_up() {
    everywhere(|mut stand| {
        let ends = stand.ring();
        stand.world.bye_early(ends.0);
        stand.wait_over(ends);
        if stand.is_good() {
            assert_eq!(stand.world.dialog(ends.1).stage, Stage::Ended(Ending::Cancelled));
        }
        assert_eq!(stand.finish(1)[0].result, Some(CallResult::Cancelled));
    });
}

#[test]
fn a_bye_in_the_early_dialog_that_meets_the_answer_ends_the_call() {
    for to_server in BOTH {
        everywhere(|mut stand| {
            let ends = stand.ring();
            stand.world.script(to_server, "200 INVITE", Fate::Late(millis(300)), 1);
            stand.world.answer(ends.1);
            stand.world.run(millis(50));
            stand.world.bye_early(ends.0);
            if stand.world.dialog(ends.0).stage == Stage::Answered {
                stand.world.hang_up(ends.0);
            }
            stand.wait_over(ends);
            stand.finish(1);
        });
    }
}

#[test]
fn a_bye_from_a_phone_that_rings_ends_nothing_and_a_refusal_does() {
    everywhere(|mut stand| {
        let ends = stand.ring();
        let (call_id, from, to, target) = stand.world.dialog(ends.1).overheard();
        let mallory = stand.world.attacker();
        let bye = stand.world.attackers[mallory].bye(&call_id, &from, &to, &target);
        stand.world.attack(mallory, sim::SERVER_V4, bye);
        stand.world.run(secs(2));
        assert_eq!(stand.world.dialog(ends.0).stage, Stage::Ringing);
        stand.world.refuse(ends.1, 486);
        stand.wait_over(ends);
        assert_eq!(stand.finish(1)[0].result, Some(CallResult::Busy));
    });
}

#[test]
fn a_re_invite_that_overtakes_the_ack_is_done_in_the_end() {
    for to_server in BOTH {
        everywhere(|mut stand| {
            let ends = stand.ring();
            stand.world.script(to_server, "ACK", Fate::Late(millis(400)), 1);
            stand.world.answer(ends.1);
            stand.world.wait_stage(ends.0, Stage::Answered);
            stand.world.reoffer(ends.0, Direction::Sendonly);
            stand.world.run(secs(15));
            if stand.is_good() {
                assert!(
                    to_server == (stand.world.dialog(ends.0).glares > 0),
                    "told to wait, or retried by us"
                );
            }
            assert_eq!(stand.world.dialog(ends.0).reoffers_done, 1);
            assert_eq!(stand.world.dialog(ends.1).sound.direction, Direction::Recvonly);
            stand.world.reoffer(ends.0, Direction::Sendrecv);
            stand.world.run(secs(15));
            stand.assert_talking(ends);
            stand.world.hang_up(ends.0);
            stand.wait_over(ends);
            stand.finish(1);
        });
    }
}

#[test]
fn a_re_invite_of_the_callee_that_meets_the_ack_of_the_caller_is_done_in_the_end() {
    everywhere(|mut stand| {
        let ends = stand.ring();
        stand.world.script(true, "ACK", Fate::Late(millis(400)), 1);
        stand.world.answer(ends.1);
        stand.world.wait("the answer is acknowledged", secs(25), |world| world.dialog(ends.1).acknowledged);
        stand.world.reoffer(ends.1, Direction::Inactive);
        stand.world.run(secs(20));
        assert_eq!(stand.world.dialog(ends.1).reoffers_done, 1);
        assert_eq!(stand.world.dialog(ends.0).sound.direction, Direction::Inactive);
        stand.world.hang_up(ends.1);
        stand.wait_over(ends);
        stand.finish(1);
    });
}

#[test]
fn a_bye_that_overtakes_the_ack_ends_the_call() {
    for to_server in BOTH {
        everywhere(|mut stand| {
            let ends = stand.ring();
            stand.world.script(to_server, "ACK", Fate::Late(millis(700)), 2);
            stand.world.answer(ends.1);
            stand.world.wait_stage(ends.0, Stage::Answered);
            stand.world.hang_up(ends.0);
            stand.wait_over(ends);
            assert_eq!(stand.finish(1)[0].result, Some(CallResult::Answered));
        });
    }
}

#[test]
fn a_callee_that_hangs_up_before_our_ack_ends_the_call() {
    let hasty = Habits { hasty: true, ..Habits::default() };
    for to_server in BOTH {
        everywhere_with(&hasty, |mut stand| {
            let ends = stand.ring();
            stand.world.script(to_server, "ACK", Fate::Late(millis(700)), 2);
            stand.world.answer(ends.1);
            stand.world.hang_up(ends.1);
            // A BYE that overtakes even the answer is for no dialog yet: then its silence ends the call, after 100 s.
            let limit = if stand.is_good() { secs(5) } else { secs(130) };
            stand.world.wait("the caller is free", limit, |world| world.dialog(ends.0).is_over());
            stand.finish(1);
        });
    }
}

#[test]
fn an_administrator_who_hangs_up_before_the_ack_ends_the_call_after_it() {
    everywhere(|mut stand| {
        let ends = stand.ring();
        stand.world.script(true, "ACK", Fate::Late(millis(700)), 1);
        stand.world.answer(ends.1);
        stand.world.wait_stage(ends.0, Stage::Answered);
        let now = stand.world.now();
        let call = stand.world.server().exchange.calls(now)[0].id;
        stand.world.command(calls::Command::Hangup { call, author: "anna".to_owned() });
        stand.wait_over(ends);
        assert_eq!(stand.finish(1)[0].reason, "hung up by an administrator");
    });
}

#[test]
fn an_answer_that_is_never_acknowledged_is_no_call() {
    for to_server in BOTH {
        let mut world = World::new(1, sim::Office::of(&["101", "102"]));
        let [alice, bob] = world.phones(["101", "102"]);
        world.script(to_server, "ACK", Fate::Lost, u32::MAX);
        let caller = world.call(alice, "102");
        let callee = world.wait_ringing(bob);
        world.answer(callee);
        world.wait("both ends are over", secs(70), |world| {
            world.dialog(caller).is_over() && world.dialog(callee).is_over()
        });
        assert_eq!(world.finish().len(), 1);
    }
}
