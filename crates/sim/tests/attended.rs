//! Attended transfer: who transfers has called the target before, and joins the other sides of his two calls.

use model::event;
use model::record::CallResult;
use sim::{DialogId, Ending, Habits, Office, Plan, Stage, World, secs};
use wire::sdp::Direction;
use wire::sip::Name;

fn office() -> Office {
    Office::of(&["101", "102", "103", "104"])
}

/// Alice (101) talks with Bob (102), holds him, and calls Carol (103).
struct Scene {
    world: World,
    alice: usize,
    with_bob: DialogId,
    with_carol: DialogId,
    bob: DialogId,
    carol: DialogId,
}

impl Scene {
    /// Carol's phone rings.
    fn ringing(seed: u64) -> Scene {
        let mut world = World::new(seed, office());
        let [alice, bob, carol] = world.phones(["101", "102", "103"]);
        let (with_bob, bob) = world.connect_call(alice, "102", bob);
        world.reoffer(with_bob, Direction::Inactive);
        world.run(secs(1));
        let with_carol = world.call(alice, "103");
        let carol = world.wait_ringing(carol);
        world.may_connect(bob, carol);
        world.run(secs(1));
        Scene { world, alice, with_bob, with_carol, bob, carol }
    }

    /// Alice and Carol have talked.
    fn consulted(seed: u64) -> Scene {
        let mut scene = Scene::ringing(seed);
        scene.world.answer(scene.carol);
        scene.world.wait_stage(scene.with_carol, Stage::Answered);
        scene.world.assert_talking(scene.with_carol, scene.carol);
        scene
    }

    fn told(&self) -> &[u16] {
        &self.world.dialog(self.with_bob).referred.told
    }
}

#[test]
fn an_attended_transfer_joins_the_other_sides_of_two_calls() {
    let mut scene = Scene::consulted(1);
    scene.world.reoffer(scene.with_carol, Direction::Sendonly);
    scene.world.run(secs(1));
    scene.world.transfer_to_call(scene.with_bob, scene.with_carol);
    scene.world.wait_stage(scene.with_carol, Stage::Ended(Ending::PeerHungUp));
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 200]);
    scene.world.assert_talking(scene.bob, scene.carol);
    scene.world.wait_stage(scene.with_bob, Stage::Ended(Ending::PeerHungUp));
    scene.world.assert_talking(scene.bob, scene.carol);
    scene.world.hang_up(scene.carol);
    let records = scene.world.finish();
    let [first, second] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(first.reason, "101 transferred 102 to 103");
    assert_eq!((second.from.as_str(), second.to.as_str()), ("101", "103"));
    assert_eq!(second.route, "transferred by 101 > 103 > 102 in place of 101");
    assert_eq!((second.result, second.reason.as_str()), (Some(CallResult::Answered), "103 hung up"));
}

#[test]
fn it_does_not_matter_who_called_whom() {
    let mut world = World::new(2, office());
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    let (bob, with_bob) = world.connect_call(bob, "101", alice);
    let (carol, with_carol) = world.connect_call(carol, "101", alice);
    world.may_connect(bob, carol);
    world.transfer_to_call(with_bob, with_carol);
    world.run(secs(1));
    assert_eq!(world.dialog(with_bob).referred.told, [100, 200]);
    world.assert_talking(bob, carol);
    world.hang_up(bob);
    world.wait_stage(carol, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 2);
}

#[test]
fn a_call_that_still_rings_goes_to_who_is_transferred() {
    let mut scene = Scene::ringing(3);
    scene.world.transfer_to_call(scene.with_bob, scene.with_carol);
    scene.world.wait_stage(scene.with_carol, Stage::Ended(Ending::Refused(487)));
    scene.world.run(secs(2));
    assert_eq!(scene.told(), [100, 180]);
    assert_eq!(scene.world.dialog(scene.carol).stage, Stage::Ringing, "it rings on");
    scene.world.answer(scene.carol);
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 180, 200]);
    scene.world.assert_talking(scene.bob, scene.carol);
    scene.world.hang_up(scene.bob);
    let records = scene.world.finish();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].reason, "101 transferred 102 to 103");
}

#[test]
fn a_ringing_call_that_nobody_takes_gives_the_old_one_back() {
    let mut scene = Scene::ringing(4);
    scene.world.transfer_to_call(scene.with_bob, scene.with_carol);
    scene.world.run(secs(2));
    scene.world.refuse(scene.carol, 486);
    scene.world.run(secs(1));
    assert_eq!(scene.told(), [100, 180, 486]);
    scene.world.reoffer(scene.with_bob, Direction::Sendrecv);
    scene.world.run(secs(1));
    scene.world.assert_talking(scene.with_bob, scene.bob);
    scene.world.hang_up(scene.with_bob);
    assert_eq!(scene.world.finish().len(), 2);
}

#[test]
fn two_without_a_common_format_are_not_joined_and_both_calls_stay() {
    let mut world = World::new(5, office());
    let only = |formats| Plan { habits: Habits { formats, ..Habits::default() }, ..Plan::default() };
    let alice = world.phone("101", only(vec![(8, "PCMA/8000"), (9, "G722/8000")]));
    let bob = world.phone("102", only(vec![(8, "PCMA/8000")]));
    let carol = world.phone("103", only(vec![(9, "G722/8000")]));
    world.wait_registered();
    let (with_bob, bob) = world.connect_call(alice, "102", bob);
    let (with_carol, carol) = world.connect_call(alice, "103", carol);
    world.transfer_to_call(with_bob, with_carol);
    world.run(secs(1));
    assert_eq!(world.dialog(with_bob).referred.told, [100, 488]);
    world.assert_talking(with_bob, bob);
    world.assert_talking(with_carol, carol);
    world.hang_up(with_bob);
    world.hang_up(with_carol);
    assert_eq!(world.finish().len(), 2);
}

#[test]
fn somebody_elses_call_can_t_be_joined() {
    let mut world = World::new(6, office());
    let [alice, bob, carol, dave] = world.phones(["101", "102", "103", "104"]);
    let (with_bob, bob) = world.connect_call(alice, "102", bob);
    let (with_dave, dave) = world.connect_call(carol, "104", dave);
    let (call_id, from, to, _) = world.dialog(with_dave).overheard();
    let tag = |address: &str| address.split(";tag=").nth(1).unwrap_or_default().to_owned();
    let to = format!(
        "<sip:104@office.test?Replaces={call_id}%3Bto-tag%3D{}%3Bfrom-tag%3D{}>",
        tag(&to),
        tag(&from)
    );
    world.tell(alice, |phone, now| phone.refer(now.mono, with_bob, to, Vec::new()));
    world.run(secs(1));
    assert_eq!(world.dialog(with_bob).referred.status, 403);
    assert_eq!(world.server().logged(&event::TRANSFER_REFUSED), 1);
    world.assert_talking(with_bob, bob);
    world.assert_talking(with_dave, dave);
    world.hang_up(with_bob);
    world.hang_up(with_dave);
    world.finish();
}

#[test]
fn a_call_can_t_be_joined_with_itself() {
    let mut world = World::new(7, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (with_bob, bob) = world.connect_call(alice, "102", bob);
    world.transfer_to_call(with_bob, with_bob);
    world.run(secs(1));
    assert_eq!(world.dialog(with_bob).referred.status, 403);
    world.assert_talking(with_bob, bob);
    world.hang_up(bob);
    world.finish();
}

#[test]
fn everybody_may_hang_up_while_the_calls_are_joined() {
    for seed in 10..16 {
        let mut scene = Scene::consulted(seed);
        let leaves = [scene.with_bob, scene.with_carol, scene.bob, scene.carol][seed as usize % 4];
        if seed < 13 {
            scene.world.hang_up(leaves);
            scene.world.transfer_to_call(scene.with_bob, scene.with_carol);
        } else {
            scene.world.transfer_to_call(scene.with_bob, scene.with_carol);
            scene.world.hang_up(leaves);
        }
        scene.world.run(secs(8));
        for id in [scene.with_bob, scene.with_carol, scene.bob, scene.carol] {
            scene.world.hang_up(id);
        }
        assert_eq!(scene.world.finish().len(), 2, "seed {seed}");
    }
}

#[test]
fn the_caller_gives_up_a_ringing_call_while_it_is_taken_over() {
    let mut scene = Scene::ringing(20);
    scene.world.transfer_to_call(scene.with_bob, scene.with_carol);
    scene.world.hang_up(scene.with_carol);
    scene.world.run(secs(2));
    scene.world.answer(scene.carol);
    scene.world.run(secs(2));
    for id in [scene.with_bob, scene.bob, scene.carol] {
        scene.world.hang_up(id);
    }
    assert_eq!(scene.world.finish().len(), 2);
}

#[test]
fn a_server_that_dies_after_two_calls_were_joined_leaves_closed_records() {
    let mut scene = Scene::consulted(21);
    scene.world.transfer_to_call(scene.with_bob, scene.with_carol);
    scene.world.run(secs(1));
    scene.world.crash_server();
    scene.world.run(secs(2));
    scene.world.start_server();
    scene.world.run(secs(2));
    for id in [scene.with_bob, scene.with_carol, scene.bob, scene.carol] {
        scene.world.hang_up(id);
    }
    assert_eq!(scene.world.finish().len(), 2);
    assert!(!scene.world.phones[scene.alice].running().any(|_| true));
}

/// What Replaces says of a call, for who takes its place: tags as the server sees them.
fn replaces(world: &World, id: DialogId) -> String {
    let (call_id, from, to, _) = world.dialog(id).overheard();
    let tag = |address: &str| address.split(";tag=").nth(1).unwrap_or_default().to_owned();
    format!("{call_id};to-tag={};from-tag={}", tag(&to), tag(&from))
}

fn take(world: &mut World, phone: usize, replaces: String) -> DialogId {
    let headers = vec![(Name::Replaces, replaces), (Name::Require, "replaces".to_owned())];
    world.tell(phone, |phone, now| phone.call_with(now.mono, "102", headers))
}

#[test]
fn a_call_goes_on_at_another_phone_of_the_same_extension() {
    let mut world = World::new(30, office().line("101", "101-soft"));
    let [desk, bob, soft] = world.phones(["101", "102", "101-soft"]);
    let (at_desk, bob) = world.connect_call(desk, "102", bob);
    world.reoffer(at_desk, Direction::Inactive);
    world.run(secs(1));
    let replaces = replaces(&world, at_desk);
    world.let_go(bob);
    let at_soft = take(&mut world, soft, replaces);
    world.may_connect(at_soft, bob);
    world.wait_stage(at_soft, Stage::Answered);
    world.wait_stage(at_desk, Stage::Ended(Ending::PeerHungUp));
    world.run(secs(3));
    world.assert_talking(at_soft, bob);
    world.hang_up(bob);
    world.wait_stage(at_soft, Stage::Ended(Ending::PeerHungUp));
    let records = world.finish();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].route, "102 > 101 at another phone");
}

#[test]
fn a_call_of_somebody_else_can_t_be_taken() {
    let mut world = World::new(31, office());
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    let named = replaces(&world, caller);
    let cases = [
        (named.clone(), 403),
        (format!("{named};early-only"), 403),
        (named.replace("to-tag=", "to-tag=f"), 481),
        ("nonsense".to_owned(), 400),
    ];
    for (replaces, status) in cases {
        let id = take(&mut world, carol, replaces);
        world.run(secs(1));
        assert_eq!(world.dialog(id).stage, Stage::Ended(Ending::Refused(status)));
    }
    let early = take(&mut world, alice, format!("{named};early-only"));
    world.run(secs(1));
    assert_eq!(world.dialog(early).stage, Stage::Ended(Ending::Refused(486)));
    assert_eq!(world.server().logged(&event::TRANSFER_REFUSED), 2);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn after_an_attended_transfer_both_phones_show_who_is_there_now() {
    for rings in [false, true] {
        let mut scene = if rings { Scene::ringing(40) } else { Scene::consulted(41) };
        scene.world.transfer_to_call(scene.with_bob, scene.with_carol);
        scene.world.run(secs(1));
        if rings {
            scene.world.answer(scene.carol);
        }
        scene.world.wait_stage(scene.with_bob, Stage::Ended(Ending::PeerHungUp));
        scene.world.run(secs(2));
        scene.world.assert_talking(scene.bob, scene.carol);
        let shown = |id| scene.world.dialog(id).shown.clone().unwrap_or_default();
        assert!(shown(scene.carol).contains("<sip:102@"), "{rings}: {}", shown(scene.carol));
        assert!(shown(scene.bob).contains("<sip:103@"), "{rings}: {}", shown(scene.bob));
        scene.world.hang_up(scene.bob);
        assert_eq!(scene.world.finish().len(), 2);
    }
}

#[test]
fn a_call_that_rings_can_t_be_taken_by_replaces() {
    // RFC 3891 section 3: only an early dialog that the one asked has opened himself can be replaced.
    let mut world = World::new(42, office().line("101", "101-soft").line("102", "102-soft"));
    let [desk, bob, soft, bob_soft] = world.phones(["101", "102", "101-soft", "102-soft"]);
    let caller = world.call(desk, "102");
    let callee = world.wait_ringing(bob);
    world.run(secs(1));
    for (phone, id) in [(soft, caller), (bob_soft, callee)] {
        let named = replaces(&world, id);
        for named in [named.clone(), format!("{named};early-only")] {
            let taken = take(&mut world, phone, named);
            world.run(secs(1));
            assert_eq!(world.dialog(taken).stage, Stage::Ended(Ending::Refused(481)));
        }
    }
    world.answer(callee);
    world.wait_stage(caller, Stage::Answered);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}
