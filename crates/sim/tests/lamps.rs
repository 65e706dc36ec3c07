//! Lamps: phones that watch others through whatever happens to them, to the network and to the server. Restarts and
//! partitions: `partitions`.

use model::Transport;
use sim::{Answering, Lamp, Office, Place, Plan, Stage, World, secs};
use wire::sdp::Direction;

fn office() -> Office {
    Office::of(&["101", "102", "103", "104"])
}

/// A phone of 103 that watches 102.
fn watcher(world: &mut World, plan: Plan) -> usize {
    let carol = world.phone("103", plan);
    world.wait_registered();
    world.watch(carol, "102");
    wait_lamp(world, carol, Lamp::Dark);
    carol
}

fn wait_lamp(world: &mut World, phone: usize, lamp: Lamp) {
    world.wait("the lamp to show it", secs(60), |world| world.lamp(phone) == lamp);
}

/// The lamp is taken down; nothing is left of it.
fn dark(world: &mut World, carol: usize) {
    wait_lamp(world, carol, Lamp::Dark);
    world.tell(carol, |phone, now| phone.unwatch(now.mono));
    world.finish();
    assert_eq!(world.server().held().subscriptions, 0);
}

#[test]
fn a_lamp_follows_a_call_through_ringing_hold_and_its_end() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut world = World::new(1, office());
        let [alice, bob] = world.phones(["101", "102"]);
        let carol = watcher(&mut world, Plan { transport, ..Plan::default() });
        let caller = world.call(alice, "102");
        let callee = world.wait_ringing(bob);
        wait_lamp(&mut world, carol, Lamp::Blinks);
        world.answer(callee);
        world.wait_stage(caller, Stage::Answered);
        wait_lamp(&mut world, carol, Lamp::Lit);
        world.reoffer(caller, Direction::Sendonly);
        world.run(secs(2));
        assert_eq!(world.lamp(carol), Lamp::Lit);
        world.hang_up(caller);
        wait_lamp(&mut world, carol, Lamp::Dark);
        let seen = world.phones[carol].lamp.as_ref().map(|watch| watch.seen.clone());
        assert_eq!(seen, Some(vec![Lamp::Dark, Lamp::Blinks, Lamp::Lit, Lamp::Dark]));
        dark(&mut world, carol);
    }
}

#[test]
fn a_lamp_goes_out_when_the_call_goes_on_to_somebody_else() {
    let mut world = World::new(2, office().forward_no_answer("102", "104", secs(5)));
    let [alice, _bob, dave] = world.phones(["101", "102", "104"]);
    let carol = watcher(&mut world, Plan::default());
    let caller = world.call(alice, "102");
    wait_lamp(&mut world, carol, Lamp::Blinks);
    let callee = world.wait_ringing(dave);
    wait_lamp(&mut world, carol, Lamp::Dark);
    world.answer(callee);
    world.wait_stage(caller, Stage::Answered);
    world.hang_up(caller);
    dark(&mut world, carol);
}

#[test]
fn a_lamp_of_who_is_transferred_stays_lit_and_that_of_the_target_follows() {
    let mut world = World::new(8, office());
    let [alice, bob, dave] = world.phones(["101", "102", "104"]);
    let carol = watcher(&mut world, Plan::default());
    let second = world.phone("103", Plan::default());
    world.wait_registered();
    world.watch(second, "104");
    let (with_bob, bob) = world.connect_call(alice, "102", bob);
    wait_lamp(&mut world, carol, Lamp::Lit);
    world.transfer(with_bob, bob, "104");
    let target = world.wait_ringing(dave);
    world.may_connect(bob, target);
    wait_lamp(&mut world, second, Lamp::Blinks);
    assert_eq!(world.lamp(carol), Lamp::Lit);
    world.answer(target);
    wait_lamp(&mut world, second, Lamp::Lit);
    world.wait("the referrer is free", secs(20), |world| world.dialog(with_bob).is_over());
    world.run(secs(3));
    world.assert_talking(bob, target);
    assert_eq!((world.lamp(carol), world.lamp(second)), (Lamp::Lit, Lamp::Lit));
    world.hang_up(bob);
    wait_lamp(&mut world, second, Lamp::Dark);
    wait_lamp(&mut world, carol, Lamp::Dark);
    let seen = world.phones[carol].lamp.as_ref().map(|watch| watch.seen.clone()).unwrap_or_default();
    let after_lit = seen.iter().skip_while(|lamp| **lamp != Lamp::Lit).filter(|lamp| **lamp != Lamp::Lit);
    assert_eq!(after_lit.count(), 1, "dark in the end and not before: {seen:?}");
    world.tell(second, |phone, now| phone.unwatch(now.mono));
    dark(&mut world, carol);
}

#[test]
fn a_lamp_is_right_in_the_end_however_much_is_lost() {
    for seed in 10..16 {
        let mut world = World::new(seed, office());
        let [alice, bob] = world.phones(["101", "102"]);
        world.phones[bob].habits.answering = Answering::After(secs(2));
        let carol = watcher(&mut world, Plan::default());
        world.link(carol).faults.loss = 300;
        for _ in 0..3 {
            let caller = world.call(alice, "102");
            world.wait_stage(caller, Stage::Answered);
            wait_lamp(&mut world, carol, Lamp::Lit);
            world.hang_up(caller);
            wait_lamp(&mut world, carol, Lamp::Dark);
        }
        world.link(carol).faults.loss = 0;
        world.run(secs(40));
        dark(&mut world, carol);
    }
}

#[test]
fn a_broken_connection_is_made_up_for_when_the_phone_is_back() {
    let mut world = World::new(4, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let carol = watcher(&mut world, Plan { transport: Transport::Tcp, ..Plan::default() });
    world.break_stream(carol);
    let (caller, _) = world.connect_call(alice, "102", bob);
    wait_lamp(&mut world, carol, Lamp::Lit);
    world.hang_up(caller);
    dark(&mut world, carol);
}

#[test]
fn a_watcher_that_dies_is_forgotten_with_the_first_change_it_misses() {
    let mut world = World::new(5, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let carol = watcher(&mut world, Plan::default());
    world.crash(carol);
    let (caller, _) = world.connect_call(alice, "102", bob);
    world.run(secs(40));
    assert_eq!(world.server().held().subscriptions, 0);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_watcher_behind_a_router_that_forgets_sees_on() {
    let mut world = World::new(6, office().nat("103"));
    let [alice, bob] = world.phones(["101", "102"]);
    let carol = watcher(&mut world, Plan { place: Place::BehindNat, ..Plan::default() });
    world.rebind(carol);
    let told = |world: &World| world.phones[carol].lamp.as_ref().map_or(0, |watch| watch.told);
    let before = told(&world);
    world.wait("the next refresh", secs(90), |world| told(world) > before);
    let (caller, _) = world.connect_call(alice, "102", bob);
    wait_lamp(&mut world, carol, Lamp::Lit);
    world.hang_up(caller);
    dark(&mut world, carol);
}

#[test]
fn an_extension_that_is_removed_is_watched_no_more() {
    let mut world = World::new(7, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let carol = watcher(&mut world, Plan::default());
    let (caller, _) = world.connect_call(alice, "102", bob);
    wait_lamp(&mut world, carol, Lamp::Lit);
    world.configure(Office::of(&["101", "103"]));
    world.run(secs(2));
    assert_eq!(world.server().held().subscriptions, 0);
    world.hang_up(caller);
    world.run(secs(2));
}
