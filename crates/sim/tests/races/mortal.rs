//! Section 3.2: what reaches somebody who has said BYE and waits for its answer; appendix B.

use sim::{Ending, Fate, Stage, millis, secs};
use wire::sdp::Direction;

use super::everywhere;

const BOTH: [bool; 2] = [true, false];

#[test]
fn both_hang_up_at_once() {
    everywhere(|mut stand| {
        let ends = stand.talk();
        stand.world.hang_up(ends.0);
        stand.world.hang_up(ends.1);
        stand.wait_over(ends);
        assert_eq!(stand.world.dialog(ends.0).stage, Stage::Ended(Ending::HungUp));
        assert_eq!(stand.world.dialog(ends.1).stage, Stage::Ended(Ending::HungUp));
        stand.finish(1);
    });
}

#[test]
fn a_phone_and_an_administrator_hang_up_at_once() {
    everywhere(|mut stand| {
        let ends = stand.talk();
        stand.world.hang_up(ends.0);
        let now = stand.world.now();
        if let Some(call) = stand.world.server().exchange.calls(now).first().map(|call| call.id) {
            stand.world.command(calls::Command::Hangup { call, author: "anna".to_owned() });
        }
        stand.wait_over(ends);
        stand.finish(1);
    });
}

#[test]
fn a_re_invite_that_meets_bye_comes_to_nothing() {
    for caller_hangs_up in BOTH {
        everywhere(|mut stand| {
            let ends = stand.talk();
            let (quits, offers) = if caller_hangs_up { ends } else { (ends.1, ends.0) };
            stand.world.hang_up(quits);
            stand.world.reoffer(offers, Direction::Inactive);
            stand.wait_over(ends);
            stand.finish(1);
        });
    }
}

#[test]
fn a_re_invite_of_ours_that_meets_bye_comes_to_nothing() {
    for caller_offers in BOTH {
        everywhere(|mut stand| {
            let ends = stand.talk();
            let (offers, quits) = if caller_offers { ends } else { (ends.1, ends.0) };
            stand.world.script(false, "INVITE", Fate::Late(millis(200)), 1);
            stand.world.reoffer(offers, Direction::Inactive);
            stand.world.run(millis(100));
            stand.world.hang_up(quits);
            stand.wait_over(ends);
            stand.finish(1);
        });
    }
}

#[test]
fn an_answer_to_a_re_invite_that_comes_after_bye_is_acknowledged_and_forgotten() {
    for to_server in BOTH {
        for caller_offers in BOTH {
            everywhere(|mut stand| {
                let ends = stand.talk();
                let offers = if caller_offers { ends.0 } else { ends.1 };
                stand.world.script(to_server, "200 INVITE", Fate::Late(millis(400)), 1);
                stand.world.reoffer(offers, Direction::Inactive);
                stand.world.run(millis(100));
                stand.world.hang_up(offers);
                stand.wait_over(ends);
                stand.finish(1);
            });
        }
    }
}

#[test]
fn a_bye_while_a_re_invite_is_open_ends_both() {
    for to_server in BOTH {
        everywhere(|mut stand| {
            let ends = stand.talk();
            stand.world.script(to_server, "INVITE", Fate::Late(millis(500)), 1);
            stand.world.reoffer(ends.0, Direction::Sendonly);
            stand.world.hang_up(ends.0);
            stand.wait_over(ends);
            stand.finish(1);
        });
    }
}

#[test]
fn an_ack_that_comes_after_bye_changes_nothing() {
    for to_server in BOTH {
        everywhere(|mut stand| {
            let ends = stand.ring();
            stand.world.script(to_server, "ACK", Fate::Late(secs(3)), 1);
            stand.world.answer(ends.1);
            stand.world.wait_stage(ends.0, Stage::Answered);
            stand.world.hang_up(ends.0);
            stand.wait_over(ends);
            stand.world.run(secs(5));
            stand.finish(1);
        });
    }
}

#[test]
fn a_bye_that_comes_again_after_all_was_forgotten_gets_an_answer() {
    everywhere(|mut stand| {
        stand.world.script(true, "BYE", Fate::Twice(secs(50)), 1);
        stand.world.script(false, "BYE", Fate::Twice(secs(50)), 1);
        let ends = stand.talk();
        stand.world.hang_up(ends.0);
        stand.wait_over(ends);
        stand.world.run(secs(60));
        stand.finish(1);
    });
}

#[test]
fn a_key_that_meets_bye_is_lost_and_nothing_else() {
    everywhere(|mut stand| {
        let ends = stand.talk();
        stand.world.hang_up(ends.0);
        stand
            .world
            .tell(usize::from(ends.1.phone), |phone, now| phone.info(now.mono, ends.1, "Signal=5\r\n"));
        stand.wait_over(ends);
        stand.finish(1);
    });
}
