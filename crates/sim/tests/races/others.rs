//! Sections 3.3.2, 3.3.3 and 3.1.5: UPDATE, REFER and late offers that cross something.

use sim::{DialogId, Fate, Late, Stage, millis, secs};
use wire::sdp::Direction;

use super::{Stand, everywhere};

const BOTH: [bool; 2] = [true, false];

#[test]
fn an_update_that_meets_a_re_invite_is_done_in_the_end_and_so_is_that() {
    for caller_updates in BOTH {
        everywhere(|mut stand| {
            let ends = stand.talk();
            let (updates, invites) = if caller_updates { ends } else { (ends.1, ends.0) };
            stand.world.update(updates, Direction::Sendonly);
            stand.world.reoffer(invites, Direction::Sendonly);
            stand.world.run(secs(40));
            let glares = stand.world.dialog(ends.0).glares + stand.world.dialog(ends.1).glares;
            assert!(!stand.is_good() || glares > 0, "they crossed");
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
}

#[test]
fn an_update_that_meets_an_update_is_done_in_the_end_and_so_is_that() {
    everywhere(|mut stand| {
        let ends = stand.talk();
        stand.world.update(ends.0, Direction::Sendonly);
        stand.world.update(ends.1, Direction::Sendonly);
        stand.world.run(secs(40));
        for id in [ends.0, ends.1] {
            assert_eq!(stand.world.dialog(id).reoffers_done, 1, "{id}");
            stand.world.reoffer(id, Direction::Sendrecv);
            stand.world.run(secs(20));
        }
        stand.assert_talking(ends);
        stand.world.hang_up(ends.1);
        stand.wait_over(ends);
        stand.finish(1);
    });
}

#[test]
fn an_update_that_meets_bye_comes_to_nothing() {
    for caller_hangs_up in BOTH {
        everywhere(|mut stand| {
            let ends = stand.talk();
            let (quits, updates) = if caller_hangs_up { ends } else { (ends.1, ends.0) };
            stand.world.hang_up(quits);
            stand.world.update(updates, Direction::Inactive);
            stand.wait_over(ends);
            stand.finish(1);
        });
    }
}

#[test]
fn a_late_answer_that_a_re_invite_overtakes_is_told_to_come_after_it() {
    everywhere(|mut stand| {
        let (alice, bob) = (stand.alice, stand.bob);
        let caller = stand.world.call_late(alice, "102", Late::Answers);
        stand.world.wait("the phone rings", secs(25), |world| world.ringing(bob).is_some());
        let callee = stand.world.ringing(bob).expect("it rings");
        stand.world.script(true, "ACK", Fate::Late(millis(400)), 1);
        stand.world.answer(callee);
        stand.world.wait_stage(caller, Stage::Answered);
        stand.world.reoffer(caller, Direction::Sendonly);
        stand.world.run(secs(20));
        assert!(!stand.is_good() || stand.world.dialog(caller).glares > 0, "it came too early");
        assert_eq!(stand.world.dialog(caller).reoffers_done, 1);
        stand.world.reoffer(caller, Direction::Sendrecv);
        stand.world.run(secs(20));
        stand.assert_talking((caller, callee));
        stand.world.hang_up(caller);
        stand.wait_over((caller, callee));
        stand.finish(1);
    });
}

/// Bob is transferred to Carol (103), who answers; gives her end.
fn joined(stand: &mut Stand, ends: (DialogId, DialogId), carol: usize) -> DialogId {
    stand.world.wait("the target rings", secs(60), |world| world.ringing(carol).is_some());
    let target = stand.world.ringing(carol).expect("it rings");
    stand.world.may_connect(ends.1, target);
    stand.world.answer(target);
    stand.world.wait("the referrer is free", secs(60), |world| world.dialog(ends.0).is_over());
    stand.world.run(secs(20));
    target
}

#[test]
fn a_refer_that_meets_a_re_invite_transfers_and_the_offer_is_sorted_out() {
    for caller_offers in BOTH {
        everywhere(|mut stand| {
            let carol = stand.world.phone("103", sim::Plan::default());
            let ends = stand.talk();
            let offers = if caller_offers { ends.0 } else { ends.1 };
            stand.world.script(true, "200 INVITE", Fate::Late(millis(300)), 1);
            stand.world.reoffer(offers, Direction::Sendonly);
            stand.world.transfer(ends.0, ends.1, "103");
            let target = joined(&mut stand, ends, carol);
            assert!(stand.world.dialog(ends.1).stage == Stage::Answered, "{}", stand.world.dialog(ends.1));
            stand.world.reoffer(ends.1, Direction::Sendrecv);
            stand.world.run(secs(20));
            stand.assert_talking((ends.1, target));
            stand.world.hang_up(target);
            stand.wait_over((ends.1, target));
            stand.finish(2);
        });
    }
}

#[test]
fn a_refer_that_meets_an_update_transfers() {
    everywhere(|mut stand| {
        let carol = stand.world.phone("103", sim::Plan::default());
        let ends = stand.talk();
        stand.world.transfer(ends.0, ends.1, "103");
        stand.world.update(ends.1, Direction::Sendonly);
        let target = joined(&mut stand, ends, carol);
        stand.world.reoffer(ends.1, Direction::Sendrecv);
        stand.world.run(secs(20));
        stand.assert_talking((ends.1, target));
        stand.world.hang_up(ends.1);
        stand.wait_over((ends.1, target));
        stand.finish(2);
    });
}

#[test]
fn a_refer_that_meets_bye_transfers_nobody_and_gets_an_answer() {
    everywhere(|mut stand| {
        let carol = stand.world.phone("103", sim::Plan::default());
        let ends = stand.talk();
        stand.world.hang_up(ends.1);
        stand.world.transfer(ends.0, ends.1, "103");
        stand.wait_over(ends);
        stand.world.run(secs(40));
        if stand.is_good() {
            assert!(matches!(stand.world.dialog(ends.0).referred.status, 202 | 481));
        }
        assert!(stand.world.ringing(carol).is_none());
        stand.world.finish();
    });
}
