//! Where phones stand: behind routers, on IPv6, on connections; and phones that say little.

use model::Transport;
use sim::{DialogId, Ending, Habits, Office, Place, Plan, Stage, World, millis, secs};

fn plan(place: Place, transport: Transport) -> Plan {
    Plan { place, transport, ..Plan::default() }
}

fn talk(world: &mut World, alice: usize, bob: usize) -> (DialogId, DialogId) {
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.assert_talking(caller, callee);
    (caller, callee)
}

#[test]
fn a_phone_behind_a_router_with_private_addresses_is_heard_and_hears() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut world = World::new(1, Office::of(&["101", "102"]).nat("101").nat("102"));
        let alice = world.phone("101", plan(Place::BehindNat, transport));
        let bob = world.phone("102", plan(Place::BehindNat, Transport::Udp));
        world.wait_registered();
        let (caller, callee) = talk(&mut world, alice, bob);
        world.hang_up(callee);
        world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
        assert_eq!(world.finish().len(), 1);
    }
}

#[test]
fn a_phone_behind_a_router_is_called_long_after_it_registered() {
    let mut world = World::new(2, Office::of(&["101", "102"]).nat("102"));
    let alice = world.phone("101", Plan::default());
    let bob = world.phone("102", plan(Place::BehindNat, Transport::Udp));
    world.wait_registered();
    world.run(secs(400));
    let (caller, _) = talk(&mut world, alice, bob);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_phone_whose_router_forgot_it_is_reached_again_after_its_next_registration() {
    let mut world = World::new(3, Office::of(&["101", "102"]).nat("102"));
    let alice = world.phone("101", Plan::default());
    let bob = world.phone("102", plan(Place::BehindNat, Transport::Udp));
    world.wait_registered();
    world.rebind(bob);
    world.tell(bob, |phone, now| phone.register(now.mono));
    world.run(secs(1));
    let (caller, _) = talk(&mut world, alice, bob);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_phone_on_ipv6_talks_with_one_on_ipv4() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut world = World::new(4, Office::of(&["101", "102"]));
        let alice = world.phone("101", plan(Place::InsideV6, transport));
        let bob = world.phone("102", plan(Place::Inside, Transport::Udp));
        world.wait_registered();
        let (caller, callee) = talk(&mut world, alice, bob);
        world.hang_up(callee);
        world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
        world.finish();
    }
}

#[test]
fn a_connection_that_breaks_in_a_call_and_comes_back_leaves_the_call_alone() {
    let mut world = World::new(5, Office::of(&["101", "102"]));
    let alice = world.phone("101", plan(Place::Inside, Transport::Tcp));
    let bob = world.phone("102", plan(Place::Inside, Transport::Tcp));
    world.wait_registered();
    let (caller, callee) = talk(&mut world, alice, bob);
    world.break_stream(bob);
    world.run(secs(5));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn a_connection_that_breaks_in_a_call_is_missed_by_nobody_who_hangs_up_on_a_new_one() {
    let mut world = World::new(6, Office::of(&["101", "102"]));
    let alice = world.phone("101", plan(Place::Inside, Transport::Tcp));
    let bob = world.phone("102", plan(Place::Inside, Transport::Udp));
    world.wait_registered();
    let (caller, callee) = talk(&mut world, alice, bob);
    world.break_stream(alice);
    world.run(millis(20));
    world.hang_up(caller);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    world.finish();
}

#[test]
fn a_connection_that_breaks_while_the_phone_rings_ends_the_ringing() {
    let mut world = World::new(7, Office::of(&["101", "102"]));
    let alice = world.phone("101", plan(Place::Inside, Transport::Udp));
    let bob = world.phone("102", plan(Place::Inside, Transport::Tcp));
    world.wait_registered();
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.break_stream(bob);
    world.wait("the caller knows", secs(40), |world| world.dialog(caller).is_over());
    world.refuse(callee, 486);
    world.finish();
}

#[test]
fn a_muted_phone_with_silence_suppression_stays_in_its_call() {
    let mut world = World::new(8, Office::of(&["101", "102"]));
    let muted =
        |reports| Plan { habits: Habits { muted: true, reports, ..Habits::default() }, ..Plan::default() };
    let alice = world.phone("101", muted(false));
    let bob = world.phone("102", muted(true));
    world.wait_registered();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    // Longer than media may be silent, and shorter than what is given to those who announced their silence.
    world.run(secs(60));
    assert_eq!(world.dialog(caller).stage, Stage::Answered);
    assert_eq!(world.dialog(callee).stage, Stage::Answered);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_phone_that_sends_reports_and_no_media_stays_in_its_call() {
    let mut world = World::new(9, Office::of(&["101", "102"]));
    let listener =
        Plan { habits: Habits { speechless: true, reports: true, ..Habits::default() }, ..Plan::default() };
    let alice = world.phone("101", listener);
    let bob = world.phone("102", Plan::default());
    world.wait_registered();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.run(secs(200));
    assert_eq!(world.dialog(callee).stage, Stage::Answered);
    assert!(world.heard(caller, callee) > 1_000);
    world.hang_up(callee);
    world.finish();
}
