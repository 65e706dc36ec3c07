//! Routers that translate: mappings that must be kept open, two phones behind one router, mappings that change in a
//! call (SPEC R4.16, R6.2), and who tries to use that.

use model::Transport;
use sim::{DialogId, Ending, Habits, Office, Place, Plan, SERVER_V4, Stage, World, millis, secs};
use wire::sdp::Direction;

const TRANSPORTS: [Transport; 2] = [Transport::Udp, Transport::Tcp];

fn office() -> Office {
    Office::of(&["101", "102", "103"]).nat("101").nat("102")
}

fn plan(place: Place, transport: Transport) -> Plan {
    Plan { place, transport, ..Plan::default() }
}

/// 101 and 102, each behind a router of its own, talk.
fn behind_routers(seed: u64, transport: Transport) -> (World, DialogId, DialogId) {
    let mut world = World::new(seed, office());
    let alice = world.phone("101", plan(Place::BehindNat, transport));
    let bob = world.phone("102", plan(Place::BehindNat, transport));
    world.wait_registered();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.assert_talking(caller, callee);
    (world, caller, callee)
}

fn register(world: &mut World, id: DialogId) {
    world.tell(usize::from(id.phone), |phone, now| phone.register(now.mono));
    world.run(secs(2));
}

fn end(mut world: World, (caller, callee): (DialogId, DialogId)) {
    world.hang_up(caller);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn our_keep_alives_hold_a_mapping_open_that_the_router_would_forget() {
    for (keep_alive, reached) in [(25, true), (10_000, false)] {
        let mut world = World::new(1, office().times(|times| times.keep_alive = secs(keep_alive)));
        let alice = world.phone("101", plan(Place::Inside, Transport::Udp));
        let bob = world.phone("102", plan(Place::BehindNat, Transport::Udp));
        world.give_router_memory(bob, secs(60));
        world.wait_registered();
        world.run(secs(240));
        let caller = world.call(alice, "102");
        world.run(secs(3));
        assert_eq!(world.ringing(bob).is_some(), reached, "a keep-alive each {keep_alive} s");
        world.hang_up(caller);
        assert_eq!(world.finish().len(), 1);
    }
}

#[test]
fn media_mappings_stay_open_while_both_sides_hold() {
    let (mut world, caller, callee) = behind_routers(2, Transport::Udp);
    world.give_router_memory(usize::from(caller.phone), secs(30));
    world.give_router_memory(usize::from(callee.phone), secs(30));
    world.reoffer(caller, Direction::Inactive);
    world.run(secs(120));
    world.reoffer(caller, Direction::Sendrecv);
    world.run(secs(2));
    world.assert_talking(caller, callee);
    end(world, (caller, callee));
}

#[test]
fn two_phones_behind_one_router_talk_through_us() {
    for transport in TRANSPORTS {
        let mut world = World::new(3, office());
        let alice = world.phone("101", plan(Place::BehindNat, transport));
        let bob = world.phone("102", plan(Place::Beside(alice), Transport::Udp));
        let carol = world.phone("103", plan(Place::Inside, Transport::Udp));
        world.wait_registered();
        let (caller, callee) = world.connect_call(alice, "102", bob);
        world.assert_talking(caller, callee);
        let (other, back) = world.connect_call(bob, "103", carol);
        world.assert_talking(other, back);
        world.assert_talking(caller, callee);
        world.hang_up(other);
        world.hang_up(callee);
        world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
        assert_eq!(world.finish().len(), 2);
    }
}

#[test]
fn a_call_is_heard_again_once_the_phone_whose_router_forgot_it_has_registered() {
    for transport in TRANSPORTS {
        for rebound in [[true, false], [false, true], [true, true]] {
            let (mut world, caller, callee) = behind_routers(4, transport);
            for (id, rebound) in [caller, callee].into_iter().zip(rebound) {
                if rebound {
                    world.rebind(usize::from(id.phone));
                    register(&mut world, id);
                }
            }
            world.assert_talking(caller, callee);
            end(world, (caller, callee));
        }
    }
}

#[test]
fn a_call_is_heard_again_once_the_phone_whose_router_forgot_it_has_said_something_in_it() {
    for transport in TRANSPORTS {
        let (mut world, caller, callee) = behind_routers(5, transport);
        for id in [caller, callee] {
            world.rebind(usize::from(id.phone));
            world.run(millis(100));
            world.reoffer(id, Direction::Sendrecv);
            world.run(secs(6));
            world.assert_talking(caller, callee);
        }
        end(world, (caller, callee));
    }
}

#[test]
fn two_phones_whose_common_router_forgot_both_are_heard_again() {
    let mut world = World::new(6, office());
    let alice = world.phone("101", plan(Place::BehindNat, Transport::Udp));
    let bob = world.phone("102", plan(Place::Beside(alice), Transport::Udp));
    world.wait_registered();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.assert_talking(caller, callee);
    world.rebind(alice);
    register(&mut world, callee);
    register(&mut world, caller);
    world.assert_talking(caller, callee);
    end(world, (caller, callee));
}

#[test]
fn a_phone_that_held_while_its_router_forgot_it_is_heard_after_it_resumes() {
    let (mut world, caller, callee) = behind_routers(7, Transport::Udp);
    world.reoffer(caller, Direction::Inactive);
    world.run(secs(2));
    world.rebind(usize::from(caller.phone));
    register(&mut world, caller);
    world.run(secs(150));
    world.reoffer(caller, Direction::Sendrecv);
    world.run(secs(2));
    world.assert_talking(caller, callee);
    end(world, (caller, callee));
}

#[test]
fn a_phone_that_takes_another_address_in_a_call_is_heard_from_there_once_it_has_registered() {
    let mut world = World::new(8, office());
    let alice = world.phone("101", plan(Place::Inside, Transport::Udp));
    let bob = world.phone("102", plan(Place::Inside, Transport::Udp));
    world.wait_registered();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.assert_talking(caller, callee);
    world.move_phone(bob, "10.0.0.200");
    register(&mut world, callee);
    world.assert_talking(caller, callee);
    end(world, (caller, callee));
}

#[test]
fn without_a_proof_nobody_is_heard_from_a_new_port() {
    let (mut world, caller, callee) = behind_routers(9, Transport::Udp);
    world.rebind(usize::from(callee.phone));
    world.run(millis(50));
    assert_eq!(world.talk(caller, callee, secs(8)), (0, 0));
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    register(&mut world, callee);
    world.hang_up(callee);
    let records = world.finish();
    assert_eq!(records[0].reason, "no media from 102 for 10 s");
}

/// Sends a burst of media to every port that is open.
fn spray(world: &mut World, attacker: usize, sequence: u16) {
    for port in (10_000..11_000).step_by(2) {
        let mut to = SERVER_V4;
        to.set_port(port);
        if world.server().has_socket(to) {
            for packet in 0..5 {
                let voice = world.attackers[attacker].voice(sequence * 5 + packet);
                world.attack(attacker, to, voice);
            }
        }
    }
}

#[test]
fn an_attacker_elsewhere_gains_nothing_by_a_window_that_opens_again() {
    let (mut world, caller, callee) = behind_routers(10, Transport::Udp);
    let mallory = world.attacker();
    world.rebind(usize::from(callee.phone));
    world.tell(usize::from(callee.phone), |phone, now| phone.register(now.mono));
    for sequence in 0..200 {
        spray(&mut world, mallory, sequence);
        world.run(millis(10));
    }
    world.assert_talking(caller, callee);
    assert_eq!(world.attackers[mallory].requests, 0, "no media goes to a stranger");
    end(world, (caller, callee));
}

#[test]
fn an_attacker_behind_the_same_router_gains_nothing_while_the_phone_talks() {
    let (mut world, caller, callee) = behind_routers(11, Transport::Udp);
    for id in [caller, callee] {
        world.phones[usize::from(id.phone)].habits.packet = millis(20);
    }
    let again = world.connect_call(usize::from(caller.phone), "102", usize::from(callee.phone));
    world.hang_up(caller);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    let (caller, callee) = again;
    let mallory = world.attacker_beside(usize::from(callee.phone));
    world.rebind_signalling(usize::from(callee.phone));
    world.tell(usize::from(callee.phone), |phone, now| phone.register(now.mono));
    for sequence in 0..500 {
        spray(&mut world, mallory, sequence);
        world.run(millis(10));
    }
    world.assert_talking(caller, callee);
    assert_eq!(world.attackers[mallory].requests, 0, "no media goes to a stranger");
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 2);
}

#[test]
fn a_forged_request_from_elsewhere_opens_no_window() {
    let (mut world, caller, callee) = behind_routers(12, Transport::Udp);
    let mallory = world.attacker();
    let (call_id, from, to, target) = world.dialog(callee).overheard();
    let bye = world.attackers[mallory].bye(&call_id, &from, &to, &target);
    world.attack(mallory, SERVER_V4, bye);
    let register = world.attackers[mallory].register("102");
    world.attack(mallory, SERVER_V4, register);
    for sequence in 0..100 {
        spray(&mut world, mallory, sequence);
        world.run(millis(10));
    }
    world.assert_talking(caller, callee);
    assert_eq!(world.attackers[mallory].requests, 0);
    end(world, (caller, callee));
}

#[test]
fn a_phone_without_a_router_that_forgets_keeps_its_port_whatever_it_says() {
    let mut world = World::new(13, office());
    let still = Habits { expires: secs(90), ..Habits::default() };
    let alice = world.phone("101", Plan { habits: still.clone(), ..plan(Place::BehindNat, Transport::Udp) });
    let bob = world.phone("102", Plan { habits: still, ..plan(Place::BehindNat, Transport::Udp) });
    world.wait_registered();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.run(secs(200));
    world.reoffer(caller, Direction::Sendrecv);
    world.run(secs(2));
    world.assert_talking(caller, callee);
    assert_eq!(world.server().dropped(media::Why::Learning), 4, "two for each phone, when the call began");
    end(world, (caller, callee));
}
