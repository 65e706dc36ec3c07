//! When a peer counts as dead, and when it is only quiet.

use super::*;
use crate::shard::SILENCE_FACTOR;

const DEAD: Duration = Duration::from_secs(60);
const REPORT: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 1];

fn deaths(out: &[Out]) -> Vec<(LegId, Duration)> {
    let death = |event| match event {
        Event::Dead { leg, silent_for } => Some((leg, silent_for)),
        _ => None,
    };
    events(out).into_iter().filter_map(death).collect()
}

/// A and B talked; B goes on talking and reporting for as long as asked.
fn while_b_lives(world: &mut World, time: Duration) -> Vec<Out> {
    let mut b = Phone::new(0xb);
    let mut out = Vec::new();
    for _ in 0..time.as_secs() {
        world.talk(B, PHONE_B, &mut b, 1);
        out.extend(world.run(Duration::from_millis(980)));
    }
    out
}

#[test]
fn a_peer_that_stops_is_dead_after_a_minute_and_told_once() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    let out = while_b_lives(&mut world, DEAD - Duration::from_secs(1));
    assert_eq!(deaths(&out), []);
    let out = while_b_lives(&mut world, DEAD * 3);
    assert_eq!(deaths(&out).len(), 1);
    let (leg, silent_for) = deaths(&out)[0];
    assert_eq!(leg, A);
    assert!(silent_for >= DEAD && silent_for < DEAD + Duration::from_secs(1), "{silent_for:?}");
}

#[test]
fn a_peer_that_comes_back_may_die_again() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    for _ in 0..2 {
        world.talk(A, PHONE_A, &mut a, 5);
        assert_eq!(deaths(&while_b_lives(&mut world, DEAD * 2)).len(), 1);
    }
}

#[test]
fn a_muted_phone_that_reports_lives() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    for _ in 0..60 {
        world.packet(A, Port::Rtcp, "192.0.2.10:4001", &REPORT);
        assert_eq!(deaths(&while_b_lives(&mut world, Duration::from_secs(10))), []);
    }
}

#[test]
fn a_muted_phone_that_announced_silence_has_ten_times_as_long() {
    let noise = payloads_with_noise();
    let mut world = World::bridged();
    world.describe_with(A, remote(PHONE_A, Direction::Sendrecv), noise.clone(), None);
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    assert_eq!(deaths(&while_b_lives(&mut world, DEAD * (SILENCE_FACTOR - 1))), []);
    assert_eq!(deaths(&while_b_lives(&mut world, DEAD * 2)).len(), 1);

    // One that has reported would be missed: it is given no more than the others.
    let mut world = World::bridged();
    world.describe_with(A, remote(PHONE_A, Direction::Sendrecv), noise, None);
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    world.packet(A, Port::Rtcp, "192.0.2.10:4001", &REPORT);
    assert_eq!(deaths(&while_b_lives(&mut world, DEAD * 2)).len(), 1);
}

#[test]
fn a_phone_that_was_never_heard_may_only_listen() {
    let mut world = World::bridged();
    assert_eq!(deaths(&while_b_lives(&mut world, DEAD * (SILENCE_FACTOR - 1))), []);
    assert_eq!(deaths(&while_b_lives(&mut world, DEAD * 2)).len(), 1);
}

#[test]
fn a_held_phone_does_not_die() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    world.describe(A, PHONE_A, Direction::Recvonly);
    assert_eq!(deaths(&while_b_lives(&mut world, DEAD * 20)), []);
    world.describe(A, PHONE_A, Direction::Sendrecv);
    assert_eq!(deaths(&while_b_lives(&mut world, DEAD - Duration::from_secs(1))), [], "counted from resume");
    assert_eq!(deaths(&while_b_lives(&mut world, DEAD)).len(), 1);
}

#[test]
fn a_leg_without_a_partner_does_not_die() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    world.shard.command(world.now, Command::Unbridge { leg: A });
    assert_eq!(deaths(&world.run(DEAD * 20)), []);
}

#[test]
fn packets_of_an_attacker_do_not_keep_a_dead_phone_alive() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    let mut died = 0;
    for _ in 0..70 {
        world.talk(A, "203.0.113.66:4000", &mut Phone::new(0xa), 1);
        world.packet(A, Port::Rtcp, "203.0.113.66:4001", &REPORT);
        died += deaths(&while_b_lives(&mut world, Duration::from_secs(1))).len();
    }
    assert_eq!(died, 1);
}

#[test]
fn another_time_holds_for_legs_that_are_open_already() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    world.shard.command(world.now, Command::DeadMedia { after: DEAD / 4 });
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    assert_eq!(deaths(&while_b_lives(&mut world, DEAD / 2)).len(), 1);
}
