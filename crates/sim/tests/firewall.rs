//! Rows of the firewall that change while calls run and phones register (SPEC R4.2, R4.3). The world itself checks with
//! each message that nobody outside the row is read who has nothing to finish.

use model::{Entropy, Transport};
use sim::{Ending, Faults, Office, Place, Plan, SERVER_V4, Stage, World, millis, secs};
use wire::sdp::Direction;

/// Where phones inside are, but nobody behind a router of his own.
const INSIDE: &[&str] = &["10.0.0.0/24"];

fn office() -> Office {
    Office::of(&["101", "102", "103", "104"]).nat("102").nat("104")
}

fn plan(place: Place, transport: Transport) -> Plan {
    Plan { place, transport, ..Plan::default() }
}

/// How many phones the server believes to be there.
fn registered(world: &mut World) -> usize {
    let now = world.now();
    world.server().exchange.registrations(now).iter().filter(|row| row.reachable).count()
}

#[test]
fn a_stranger_outside_the_row_is_not_read_and_hears_nothing() {
    let mut world = World::new(1, office());
    let [alice, bob] = world.phones(["101", "103"]);
    world.let_in_only(INSIDE);
    let mallory = world.attacker();
    for _ in 0..20 {
        let hand = &mut world.attackers[mallory];
        let messages = [hand.invite("101", "103"), hand.register("101"), hand.ask("101"), hand.garbage()];
        for message in messages {
            world.attack(mallory, SERVER_V4, message);
        }
        world.run(millis(50));
    }
    let heard = &world.attackers[mallory];
    assert_eq!((heard.statuses.len(), heard.requests), (0, 0));
    assert_eq!(world.server().denied, 80);
    let (caller, callee) = world.connect_call(alice, "103", bob);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_call_of_a_phone_that_is_shut_out_goes_on_and_either_side_can_hang_up() {
    for (seed, transport) in [(2, Transport::Udp), (3, Transport::Tcp)] {
        for outsider_hangs_up in [true, false] {
            let mut world = World::new(seed, office());
            let alice = world.phone("101", Plan::default());
            let bob = world.phone("102", plan(Place::BehindNat, transport));
            world.wait_registered();
            let (caller, callee) = world.connect_call(alice, "102", bob);
            world.let_in_only(INSIDE);
            assert!(world.is_shut_out(bob) && !world.is_shut_out(alice));
            world.assert_talking(caller, callee);
            world.reoffer(callee, Direction::Sendonly);
            world.run(secs(2));
            world.reoffer(callee, Direction::Sendrecv);
            world.run(secs(2));
            world.assert_talking(caller, callee);
            let (ends, hears) = if outsider_hangs_up { (callee, caller) } else { (caller, callee) };
            world.hang_up(ends);
            let is_over = |world: &World| world.dialog(hears).stage == Stage::Ended(Ending::PeerHungUp);
            world.wait("the other side hears of it, before silence tells", secs(3), is_over);
            let records = world.finish();
            assert_eq!((records.len(), records[0].answered.is_some()), (1, true), "{transport:?}");
        }
    }
}

#[test]
fn a_phone_that_is_shut_out_neither_calls_nor_is_called_while_its_call_runs() {
    let mut world = World::new(4, office());
    let [alice, carol] = world.phones(["101", "103"]);
    let bob = world.phone("102", plan(Place::BehindNat, Transport::Udp));
    world.wait_registered();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.let_in_only(INSIDE);
    let signed_in = world.phones[bob].registered_at;
    world.tell(bob, |phone, now| phone.register(now.mono));
    let out = world.call(bob, "103");
    let inward = world.call(carol, "102");
    world.wait_stage(inward, Stage::Ended(Ending::Refused(480)));
    world.run(secs(10));
    assert_eq!(world.phones[bob].registered_at, signed_in, "nor does it renew its registration");
    assert_eq!(world.phones[carol].invited, 0);
    assert_eq!(world.phones[bob].invited, 1);
    world.assert_talking(caller, callee);
    world.hang_up(out);
    world.hang_up(callee);
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 2, "his own call, and the one to him that was refused");
}

#[test]
fn a_phone_that_was_shut_out_comes_back_when_it_is_let_in_again() {
    for (seed, transport) in [(5, Transport::Udp), (6, Transport::Tcp)] {
        let mut world = World::new(seed, office());
        let alice = world.phone("101", Plan::default());
        let bob = world.phone("102", plan(Place::BehindNat, transport));
        world.wait_registered();
        world.let_in_only(INSIDE);
        let seen = world.server().denied;
        world.tell(bob, |phone, now| phone.register(now.mono));
        world.run(secs(60));
        let denied = world.server().denied;
        assert!(transport == Transport::Tcp || denied > seen, "it asks in vain");
        world.let_everybody_in();
        world.tell(bob, |phone, now| phone.register(now.mono));
        let mut waited = 0;
        while registered(&mut world) < 2 {
            world.run(secs(1));
            waited += 1;
            assert!(waited < 60, "{transport:?}: it is registered again within a minute");
        }
        let (caller, callee) = world.connect_call(alice, "102", bob);
        world.assert_talking(caller, callee);
        world.hang_up(callee);
        world.finish();
    }
}

#[test]
fn rows_hold_over_a_restart_of_the_server() {
    let mut world = World::new(7, office());
    let alice = world.phone("101", Plan::default());
    let bob = world.phone("102", plan(Place::BehindNat, Transport::Udp));
    world.wait_registered();
    world.let_in_only(INSIDE);
    world.run(secs(5));
    world.crash_server();
    world.run(secs(2));
    world.start_server();
    let call = world.call(alice, "102");
    world.wait_stage(call, Stage::Ended(Ending::Refused(480)));
    assert_eq!(world.phones[bob].invited, 0);
    world.finish();
}

/// Four phones at different places, over bad networks, dial, talk and hang up while the row changes again and again.
fn turbulent(seed: u64) -> World {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut entropy = Entropy::from_seed(bytes);
    let transports = [Transport::Udp, Transport::Tcp];
    let mut world = World::new(seed, office());
    let places = [Place::Inside, Place::BehindNat, Place::Inside, Place::BehindNat];
    for (number, place) in ["101", "102", "103", "104"].iter().zip(places) {
        let transport = transports[entropy.below(2) as usize];
        let phone = world.phone(number, plan(place, transport));
        if entropy.below(2) == 0 {
            world.link(phone).faults =
                Faults { loss: 20, doubled: 10, overtaken: 30, delay: millis(30), jitter: millis(20) };
        }
    }
    let mallory = world.attacker();
    for _ in 0..60 {
        let phone = entropy.below(4) as usize;
        match entropy.below(8) {
            0 | 1 => {
                let number = ["101", "102", "103", "104"][entropy.below(4) as usize];
                if world.phones[phone].running().count() < 2 {
                    world.call(phone, number);
                }
            }
            2 | 3 => {
                if let Some(id) = world.ringing(phone) {
                    world.answer(id);
                }
            }
            4 => {
                let running = world.phones[phone].running().next().map(|dialog| dialog.id);
                if let Some(id) = running {
                    world.hang_up(id);
                }
            }
            5 => world.tell(phone, |phone, now| phone.register(now.mono)),
            6 => match entropy.below(4) {
                0 => world.let_in_only(INSIDE),
                1 => world.let_in_only(&["203.0.113.0/24"]),
                2 => world.let_in_only(&["10.0.0.10/32", "203.0.113.11/32"]),
                _ => world.let_everybody_in(),
            },
            _ => {
                let ask = world.attackers[mallory].ask("101");
                world.attack(mallory, SERVER_V4, ask);
                world.guess(mallory, "101", "a guess");
            }
        }
        world.run(millis(u64::from(entropy.below(2_500))));
    }
    world
}

#[test]
fn whatever_rows_do_meanwhile_calls_end_and_phones_that_are_let_in_again_come_back() {
    for seed in 0..40 {
        let mut world = turbulent(seed);
        world.let_everybody_in();
        for phone in 0..4 {
            world.link(phone).faults = Faults::NONE;
            let running: Vec<_> = world.phones[phone].running().map(|dialog| dialog.id).collect();
            running.into_iter().for_each(|id| world.hang_up(id));
        }
        world.run(secs(40));
        for phone in 0..4 {
            world.tell(phone, |phone, now| phone.register(now.mono));
        }
        world.run(secs(5));
        world.wait_registered();
        assert_eq!(registered(&mut world), 4, "seed {seed}");
        let (caller, callee) = world.connect_call(0, "102", 1);
        world.assert_talking(caller, callee);
        world.hang_up(callee);
        world.finish();
    }
}
