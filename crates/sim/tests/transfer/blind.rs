//! Blind transfer: one side of a call has the other connected with somebody else.

use model::record::CallResult;
use sim::{Answering, Ending, Habits, Plan, Stage, World, secs};
use wire::sdp::Direction;
use wire::sip::Name;

use super::{Scene, office, talking};

#[test]
fn a_blind_transfer_connects_the_other_two_and_the_phone_that_asked_is_told() {
    let (mut scene, carol) = Scene::transferred(1);
    let Scene { alice, bob, .. } = scene;
    let rings = scene.world.dialog(carol);
    assert_eq!((rings.peer.as_str(), rings.peer_name.as_str()), ("102", "Phone 102"));
    assert_eq!(
        rings.referred_by.as_deref(),
        Some("<sip:101@office.test>"),
        "whatever the phone called itself"
    );
    scene.world.assert_talking(alice, bob);
    scene.world.answer(carol);
    scene.world.run(secs(1));
    assert_eq!(scene.world.dialog(alice).referred.status, 202);
    assert_eq!(scene.told(), [100, 180, 200]);
    assert!(scene.world.dialog(alice).referred.over);
    scene.world.hang_up(alice);
    scene.world.assert_talking(bob, carol);
    scene.world.hang_up(bob);
    scene.world.wait_stage(carol, Stage::Ended(Ending::PeerHungUp));
    let [first, second] = scene.finish();
    assert_eq!(first.result, Some(CallResult::Answered));
    assert_eq!(first.reason, "101 transferred 102 to 103");
    assert_eq!((second.from.as_str(), second.to.as_str()), ("102", "103"));
    assert_eq!((second.route.as_str(), second.reason.as_str()), ("transferred by 101 > 103", "102 hung up"));
}

#[test]
fn who_was_called_may_transfer_as_well() {
    let mut scene = talking(2, office());
    let Scene { alice, bob, .. } = scene;
    scene.world.transfer(bob, alice, "103");
    let carol = scene.world.wait_ringing(scene.carol);
    scene.world.may_connect(alice, carol);
    assert_eq!(scene.world.dialog(carol).peer, "101");
    scene.world.answer(carol);
    scene.world.run(secs(1));
    scene.world.hang_up(bob);
    scene.world.assert_talking(alice, carol);
    scene.world.hang_up(carol);
    let [first, second] = scene.finish();
    assert_eq!(first.reason, "102 transferred 101 to 103");
    assert_eq!(second.route, "transferred by 102 > 103");
}

#[test]
fn a_phone_that_does_not_hang_up_after_its_transfer_is_hung_up() {
    let (mut scene, carol) = Scene::transferred(3);
    scene.world.answer(carol);
    scene.world.wait_stage(scene.alice, Stage::Ended(Ending::PeerHungUp));
    scene.world.assert_talking(scene.bob, carol);
    scene.world.hang_up(carol);
    scene.finish();
}

#[test]
fn who_was_on_hold_is_not_any_more_after_the_transfer() {
    let mut scene = talking(4, office());
    let Scene { alice, bob, .. } = scene;
    scene.world.reoffer(alice, Direction::Inactive);
    scene.world.run(secs(1));
    scene.world.transfer(alice, bob, "103");
    let carol = scene.world.wait_ringing(scene.carol);
    scene.world.may_connect(bob, carol);
    scene.world.answer(carol);
    scene.world.run(secs(1));
    assert_eq!(scene.world.dialog(bob).sound.direction, Direction::Sendrecv);
    scene.world.hang_up(alice);
    scene.world.assert_talking(bob, carol);
    scene.world.hang_up(carol);
    scene.finish();
}

#[test]
fn a_phone_that_hangs_up_at_once_does_not_end_the_transfer() {
    let (mut scene, carol) = Scene::transferred(5);
    scene.world.hang_up(scene.alice);
    scene.world.run(secs(8));
    scene.world.answer(carol);
    scene.world.run(secs(1));
    scene.world.assert_talking(scene.bob, carol);
    scene.world.hang_up(scene.bob);
    let [first, _] = scene.finish();
    assert_eq!(first.reason, "101 transferred 102 to 103");
}

#[test]
fn refer_and_bye_in_one_breath_transfer() {
    let mut scene = talking(6, office());
    let Scene { alice, bob, .. } = scene;
    scene.world.transfer(alice, bob, "103");
    scene.world.hang_up(alice);
    let carol = scene.world.wait_ringing(scene.carol);
    scene.world.may_connect(bob, carol);
    scene.world.answer(carol);
    scene.world.run(secs(1));
    scene.world.assert_talking(bob, carol);
    scene.world.hang_up(carol);
    scene.finish();
}

#[test]
fn a_transfer_to_somebody_busy_leaves_the_call_as_it_was() {
    let mut scene = talking(7, office());
    let Scene { alice, bob, carol, .. } = scene;
    scene.world.phones[carol].habits.answering = Answering::Refuses(486);
    scene.world.transfer(alice, bob, "103");
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 486]);
    assert!(scene.world.dialog(alice).referred.over);
    scene.world.assert_talking(alice, bob);
    scene.world.hang_up(alice);
    let [first, second] = scene.finish();
    assert_eq!((first.result, first.reason.as_str()), (Some(CallResult::Answered), "101 hung up"));
    assert_eq!((second.result, second.reason.as_str()), (Some(CallResult::Busy), "103 is busy"));
}

#[test]
fn a_transfer_that_nobody_answers_leaves_the_call_as_it_was() {
    let (mut scene, carol) = Scene::transferred(8);
    scene.world.wait_stage(carol, Stage::Ended(Ending::Cancelled));
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 180, 480]);
    scene.world.assert_talking(scene.alice, scene.bob);
    scene.world.hang_up(scene.bob);
    let [_, second] = scene.finish();
    assert_eq!(second.result, Some(CallResult::NoAnswer));
}

#[test]
fn a_transfer_to_an_unknown_number_fails_and_another_one_may_follow() {
    let mut scene = talking(9, office());
    let Scene { alice, bob, .. } = scene;
    scene.world.transfer(alice, bob, "999");
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 404]);
    scene.world.assert_talking(alice, bob);
    scene.world.transfer(alice, bob, "104");
    let dave = scene.world.wait_ringing(scene.dave);
    scene.world.may_connect(bob, dave);
    scene.world.answer(dave);
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 404, 100, 180, 200]);
    scene.world.assert_talking(bob, dave);
    scene.world.hang_up(dave);
    assert_eq!(scene.world.finish().len(), 3);
}

#[test]
fn a_target_without_a_common_format_gets_488_and_the_call_stays() {
    let mut world = World::new(10, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let habits = Habits { formats: vec![(9, "G722/8000")], ..Habits::default() };
    world.phone("103", Plan { habits, ..Plan::default() });
    world.wait_registered();
    let (alice, bob) = world.connect_call(alice, "102", bob);
    world.transfer(alice, bob, "103");
    world.run(secs(1));
    assert_eq!(world.dialog(alice).referred.told, [100, 488]);
    world.assert_talking(alice, bob);
    world.hang_up(alice);
    let records = world.finish();
    assert_eq!(records[1].reason, "no common codec with 103");
}

#[test]
fn target_and_transferee_hang_up_while_everything_is_joined() {
    for (seed, who) in [(14, 0), (15, 1), (16, 2)] {
        let (mut scene, carol) = Scene::transferred(seed);
        scene.world.answer(carol);
        scene.world.hang_up([scene.alice, scene.bob, carol][who]);
        scene.world.run(secs(10));
        if who == 0 {
            scene.world.assert_talking(scene.bob, carol);
            scene.world.hang_up(carol);
        }
        scene.finish();
    }
}

#[test]
fn the_forwardings_of_the_target_count() {
    let mut scene = talking(17, office().forward_always("103", "104"));
    let Scene { alice, bob, .. } = scene;
    scene.world.transfer(alice, bob, "103");
    let dave = scene.world.wait_ringing(scene.dave);
    scene.world.may_connect(bob, dave);
    scene.world.answer(dave);
    scene.world.run(secs(1));
    scene.world.assert_talking(bob, dave);
    scene.world.hang_up(dave);
    let [_, second] = scene.finish();
    assert_eq!(second.route, "transferred by 101 > 103 > 104");
}

#[test]
fn a_target_whose_forwardings_loop_ends_the_attempt_alone() {
    let mut scene = talking(18, office().forward_always("103", "104").forward_always("104", "103"));
    scene.world.transfer(scene.alice, scene.bob, "103");
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 482]);
    scene.world.assert_talking(scene.alice, scene.bob);
    scene.world.hang_up(scene.alice);
    scene.finish();
}

#[test]
fn a_second_transfer_while_one_is_under_way_is_told_to_wait() {
    let (mut scene, carol) = Scene::transferred(19);
    scene.world.transfer(scene.bob, scene.alice, "104");
    scene.world.run(secs(1));
    assert_eq!(scene.world.dialog(scene.bob).referred.status, 491);
    scene.world.transfer(scene.alice, scene.bob, "104");
    scene.world.run(secs(1));
    assert_eq!(scene.world.dialog(scene.alice).referred.status, 491);
    assert_eq!(scene.world.phones[scene.dave].invited, 0);
    scene.world.answer(carol);
    scene.world.run(secs(1));
    scene.world.assert_talking(scene.bob, carol);
    scene.world.hang_up(carol);
    scene.finish();
}

#[test]
fn transfers_follow_each_other_in_a_chain() {
    let (mut scene, carol) = Scene::transferred(21);
    scene.world.answer(carol);
    scene.world.run(secs(1));
    scene.world.hang_up(scene.alice);
    scene.world.run(secs(2));
    scene.world.transfer(carol, scene.bob, "104");
    let dave = scene.world.wait_ringing(scene.dave);
    scene.world.may_connect(scene.bob, dave);
    assert_eq!(scene.world.dialog(dave).referred_by.as_deref(), Some("<sip:103@office.test>"));
    scene.world.answer(dave);
    scene.world.run(secs(1));
    scene.world.hang_up(carol);
    scene.world.assert_talking(scene.bob, dave);
    scene.world.hang_up(scene.bob);
    let records = scene.world.finish();
    let reasons: Vec<&str> = records.iter().map(|record| record.reason.as_str()).collect();
    assert_eq!(reasons, ["101 transferred 102 to 103", "103 transferred 102 to 104", "102 hung up"]);
}

#[test]
fn a_transfer_to_the_other_party_itself_fails_where_it_has_one_phone() {
    let mut scene = talking(22, office());
    scene.world.transfer(scene.alice, scene.bob, "102");
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 480]);
    scene.world.assert_talking(scene.alice, scene.bob);
    scene.world.hang_up(scene.alice);
    scene.finish();
}

#[test]
fn a_transfer_to_oneself_rings_as_a_second_call() {
    let mut scene = talking(23, office());
    let Scene { alice, bob, .. } = scene;
    scene.world.transfer(alice, bob, "101");
    let again = scene.world.wait_ringing(usize::from(alice.phone));
    scene.world.may_connect(bob, again);
    scene.world.answer(again);
    scene.world.run(secs(1));
    scene.world.hang_up(alice);
    scene.world.assert_talking(bob, again);
    scene.world.hang_up(bob);
    scene.finish();
}

#[test]
fn a_phone_that_wants_to_hear_nothing_of_its_transfer_hears_nothing() {
    let mut scene = talking(24, office());
    let Scene { alice, bob, .. } = scene;
    scene.world.let_go(bob);
    let to = "<sip:103@office.test>".to_owned();
    let headers = vec![(Name::ReferSub, "false".to_owned())];
    scene.world.tell(usize::from(alice.phone), |phone, now| phone.refer(now.mono, alice, to, headers));
    let carol = scene.world.wait_ringing(scene.carol);
    scene.world.may_connect(bob, carol);
    scene.world.answer(carol);
    scene.world.wait_stage(alice, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(scene.world.dialog(alice).referred.status, 202);
    assert!(scene.told().is_empty());
    scene.world.assert_talking(bob, carol);
    scene.world.hang_up(bob);
    scene.finish();
}

#[test]
fn a_phone_that_refuses_to_be_told_is_told_once_and_transfers() {
    let mut scene = talking(25, office());
    scene.world.phones[usize::from(scene.alice.phone)].habits.notify_status = 481;
    scene.world.transfer(scene.alice, scene.bob, "103");
    let carol = scene.world.wait_ringing(scene.carol);
    scene.world.may_connect(scene.bob, carol);
    scene.world.run(secs(2));
    scene.world.assert_talking(scene.alice, scene.bob);
    scene.world.answer(carol);
    scene.world.wait_stage(scene.alice, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(scene.told(), [100]);
    scene.world.assert_talking(scene.bob, carol);
    scene.world.hang_up(scene.bob);
    scene.finish();
}

#[test]
fn what_can_t_be_transferred_is_refused_and_the_call_goes_on() {
    let cases = [
        ("<sip:office.test>", 400),
        ("<sip:103@office.test>, <sip:104@office.test>", 400),
        ("nonsense", 400),
        ("<sip:103@office.test;method=BYE>", 403),
        ("<sip:103@elsewhere.example>", 404),
        ("<sip:no%20number@office.test>", 404),
        ("<http://office.test/>", 416),
        ("<sip:103@office.test?Replaces=x%3Bto-tag%3D0123456789abcdef%3Bfrom-tag%3Dy>", 403),
    ];
    let mut scene = talking(45, office());
    for (to, status) in cases {
        let alice = scene.alice;
        scene.world.tell(usize::from(alice.phone), |phone, now| {
            phone.refer(now.mono, alice, to.to_owned(), Vec::new());
        });
        scene.world.run(secs(1));
        assert_eq!(scene.world.dialog(alice).referred.status, status, "{to}");
    }
    assert!(scene.told().is_empty());
    scene.world.assert_talking(scene.alice, scene.bob);
    scene.world.hang_up(scene.alice);
    assert_eq!(scene.world.finish().len(), 1);
}
