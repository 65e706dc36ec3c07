//! What goes wrong while a call is transferred: somebody hangs up, messages are lost, offers cross, the server dies.

use model::record::CallResult;
use sim::{Ending, Fate, Stage, millis, secs};
use wire::sdp::Direction;

use super::{Scene, office, talking};

#[test]
fn when_the_phone_that_asked_is_gone_and_the_transfer_fails_the_other_is_told() {
    let (mut scene, carol) = Scene::transferred(11);
    scene.world.hang_up(scene.alice);
    scene.world.run(secs(1));
    scene.world.refuse(carol, 486);
    scene.world.wait_stage(scene.bob, Stage::Ended(Ending::PeerHungUp));
    let reason = scene.world.dialog(scene.bob).reason.clone();
    assert_eq!(reason.as_deref(), Some("SIP;cause=480;text=\"Transfer failed\""));
    let [first, second] = scene.finish();
    assert_eq!(first.reason, "the transfer to 103 failed: 103 is busy");
    assert_eq!(second.result, Some(CallResult::Busy));
}

#[test]
fn who_is_transferred_hangs_up_while_the_target_rings() {
    let (mut scene, carol) = Scene::transferred(12);
    scene.world.hang_up(scene.bob);
    scene.world.wait_stage(carol, Stage::Ended(Ending::Cancelled));
    scene.world.wait_stage(scene.alice, Stage::Ended(Ending::PeerHungUp));
    let [first, second] = scene.finish();
    assert_eq!(first.reason, "102 hung up");
    assert_eq!((second.result, second.reason.as_str()), (Some(CallResult::Cancelled), "102 hung up"));
}

#[test]
fn who_is_transferred_and_left_alone_hangs_up_while_the_target_rings() {
    let (mut scene, carol) = Scene::transferred(13);
    scene.world.hang_up(scene.alice);
    scene.world.run(secs(2));
    scene.world.hang_up(scene.bob);
    scene.world.wait_stage(carol, Stage::Ended(Ending::Cancelled));
    scene.finish();
}

#[test]
fn both_sides_transfer_at_once_and_one_of_them_does() {
    let mut scene = talking(20, office());
    scene.world.transfer(scene.alice, scene.bob, "103");
    scene.world.transfer(scene.bob, scene.alice, "104");
    scene.world.run(secs(2));
    let statuses = [scene.alice, scene.bob].map(|id| scene.world.dialog(id).referred.status);
    assert!(statuses == [202, 491] || statuses == [491, 202], "{statuses:?}");
    scene.world.hang_up(scene.alice);
    scene.world.hang_up(scene.bob);
    scene.finish();
}

#[test]
fn lost_messages_of_a_transfer_are_sent_again() {
    let lost = [
        (true, "REFER"),
        (false, "202 REFER"),
        (false, "NOTIFY"),
        (true, "200 NOTIFY"),
        (true, "180 INVITE"),
        (true, "200 INVITE"),
        (false, "INVITE"),
        (true, "BYE"),
    ];
    for (seed, (toward_server, start)) in (30..).zip(lost) {
        let mut scene = talking(seed, office());
        scene.world.script(toward_server, start, Fate::Lost, 2);
        scene.world.transfer(scene.alice, scene.bob, "103");
        let carol = scene.world.wait_ringing(scene.carol);
        scene.world.may_connect(scene.bob, carol);
        scene.world.run(secs(4));
        scene.world.answer(carol);
        scene.world.run(secs(5));
        scene.world.hang_up(scene.alice);
        scene.world.run(secs(3));
        scene.world.assert_talking(scene.bob, carol);
        scene.world.hang_up(scene.bob);
        scene.finish();
    }
}

#[test]
fn a_repeated_refer_is_one_transfer() {
    let mut scene = talking(40, office());
    scene.world.script(true, "REFER", Fate::Twice(millis(40)), 3);
    scene.world.transfer(scene.alice, scene.bob, "103");
    let carol = scene.world.wait_ringing(scene.carol);
    scene.world.may_connect(scene.bob, carol);
    assert_eq!(scene.world.phones[scene.carol].invited, 1);
    scene.world.answer(carol);
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 180, 200]);
    scene.world.assert_talking(scene.bob, carol);
    scene.world.hang_up(scene.bob);
    scene.finish();
}

#[test]
fn an_offer_of_the_transferee_that_meets_ours_is_sorted_out() {
    for (seed, early) in [(41, true), (42, false)] {
        let (mut scene, carol) = Scene::transferred(seed);
        if early {
            scene.world.reoffer(scene.bob, Direction::Sendrecv);
        }
        scene.world.answer(carol);
        if !early {
            scene.world.reoffer(scene.bob, Direction::Sendrecv);
        }
        scene.world.run(secs(9));
        scene.world.assert_talking(scene.bob, carol);
        scene.world.hang_up(scene.bob);
        scene.finish();
    }
}

#[test]
fn a_server_that_dies_during_a_transfer_leaves_closed_records() {
    for (seed, answered) in [(43, false), (44, true)] {
        let (mut scene, carol) = Scene::transferred(seed);
        scene.world.run(secs(2));
        if answered {
            scene.world.answer(carol);
            scene.world.run(secs(2));
        }
        scene.world.crash_server();
        scene.world.run(secs(2));
        scene.world.start_server();
        scene.world.run(secs(2));
        for id in [scene.alice, scene.bob, carol] {
            if answered || id != carol {
                scene.world.hang_up(id);
            } else {
                scene.world.refuse(id, 486);
            }
        }
        scene.finish();
    }
}

#[test]
fn an_administrator_ends_either_half_of_a_transfer() {
    for (seed, which) in [(46, 0), (47, 1)] {
        let (mut scene, carol) = Scene::transferred(seed);
        let now = scene.world.now();
        let call = scene.world.server().exchange.calls(now)[which].id;
        scene.world.command(calls::Command::Hangup { call, author: "anna".into() });
        scene.world.run(secs(1));
        assert!(scene.world.dialog(carol).is_over());
        if which == 1 {
            scene.world.assert_talking(scene.alice, scene.bob);
            scene.world.hang_up(scene.alice);
        }
        scene.finish();
    }
}
