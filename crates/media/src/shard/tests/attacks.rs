//! Who tries to get into a call, or to get it sent to himself (R4.16).

use super::*;
use crate::command::Why;
use crate::latch::{CANDIDATES_MAX, LEARNING_WINDOW, PINNING_PACKETS, STALE_PINNING_PACKETS};

const ATTACKER: &str = "203.0.113.66:4000";
/// A phone behind a NAT: what its SDP says, and where its packets come from.
const PRIVATE_A: &str = "10.0.0.5:4000";
const PUBLIC_A: &str = "198.51.100.7";
const MAPPED_A: &str = "198.51.100.7:61000";
const FOREIGN: Verdict = Verdict::Dropped(Why::ForeignSource);
const LEARNING: Verdict = Verdict::Dropped(Why::Learning);

fn behind_nat() -> World {
    let mut world = World::apart();
    world.describe_nat(A, PRIVATE_A, PUBLIC_A);
    world.bridge(A, B);
    world
}

#[test]
fn injection_is_refused_before_anybody_is_pinned() {
    let mut world = World::bridged();
    let mut attacker = Phone::new(0xbad);
    assert_eq!(world.talk(A, ATTACKER, &mut attacker, 100), FOREIGN);
    assert_eq!(world.talk(A, "192.0.2.10:4002", &mut attacker, 100), FOREIGN, "right address, wrong port");
    assert_eq!(world.talk(A, PHONE_B, &mut attacker, 100), FOREIGN, "the other phone");
    assert_eq!(world.shard.quality(A).unwrap().refused, 300);
    assert_eq!(world.shard.quality(A).unwrap().received.packets, 0);
    assert_eq!(world.events(), [Event::Foreign { leg: A, source: address(ATTACKER) }], "told once");
    assert_eq!(world.talk(A, PHONE_A, &mut Phone::new(0xa), 1), forward(B, PHONE_B));
}

#[test]
fn injection_is_refused_after_the_peer_is_pinned_even_with_its_ssrc_and_sequence() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    world.talk(A, PHONE_A, &mut a, 10);
    let before = world.header();
    assert_eq!(world.rtp(A, ATTACKER, &a.packet()), FOREIGN);
    assert_eq!(world.events().len(), 1, "one packet of a stranger is only counted");
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), forward(B, PHONE_B));
    assert_eq!(world.header().sequence, before.sequence.wrapping_add(1));
}

#[test]
fn the_exact_address_is_pinned_by_the_third_packet_and_heard_from_the_first() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    assert_eq!(world.talk(A, PHONE_A, &mut a, 2), forward(B, PHONE_B));
    assert_eq!(world.events(), []);
    world.talk(A, PHONE_A, &mut a, 1);
    assert_eq!(world.events(), [Event::Pinned { leg: A, remote: address(PHONE_A) }]);
}

#[test]
fn bleed_is_refused_the_stream_never_goes_to_who_only_sends_a_packet() {
    let mut world = behind_nat();
    let (mut b, mut attacker) = (Phone::new(0xb), Phone::new(0xbad));
    assert_eq!(world.talk(A, ATTACKER, &mut attacker, 50), FOREIGN);
    assert_eq!(world.talk(B, PHONE_B, &mut b, 1), forward(A, PRIVATE_A));
    // Somebody else behind the same NAT: two packets are not enough.
    assert_eq!(world.talk(A, "198.51.100.7:999", &mut attacker, 2), LEARNING);
    assert_eq!(world.talk(B, PHONE_B, &mut b, 1), forward(A, PRIVATE_A));
}

#[test]
fn a_phone_behind_nat_is_pinned_by_three_packets_and_hears() {
    let mut world = behind_nat();
    let mut a = Phone::new(0xa);
    assert_eq!(world.talk(A, MAPPED_A, &mut a, 2), LEARNING);
    assert_eq!(world.talk(A, MAPPED_A, &mut a, 1), forward(B, PHONE_B));
    assert_eq!(world.events(), [Event::Pinned { leg: A, remote: address(MAPPED_A) }]);
    assert_eq!(world.talk(B, PHONE_B, &mut Phone::new(0xb), 1), forward(A, MAPPED_A));
    assert_eq!(world.talk(A, "198.51.100.7:61001", &mut Phone::new(0xbad), 10), FOREIGN);
}

#[test]
fn without_nat_the_signalling_address_is_no_candidate() {
    let mut world = World::bridged();
    assert_eq!(world.talk(A, "192.0.2.10:61000", &mut Phone::new(0xa), 10), FOREIGN);
}

#[test]
fn packets_that_are_not_one_stream_pin_nobody() {
    let mut world = behind_nat();
    let mut a = Phone::new(0xa);
    for round in 0..20_u32 {
        a.ssrc = round;
        assert_eq!(world.rtp(A, MAPPED_A, &a.next()), LEARNING, "another SSRC each time");
    }
    a.ssrc = 0xa;
    let same = a.packet();
    for _ in 0..20 {
        assert_eq!(world.rtp(A, MAPPED_A, &same), LEARNING, "the same packet again and again");
    }
    for _ in 0..20 {
        a.sequence = a.sequence.wrapping_add(1000);
        assert_eq!(world.rtp(A, MAPPED_A, &a.packet()), LEARNING, "random sequence numbers");
    }
    assert_eq!(world.talk(A, MAPPED_A, &mut a, usize::from(PINNING_PACKETS)), forward(B, PHONE_B));
}

#[test]
fn many_sources_at_the_nat_do_not_push_out_the_phone_that_proves_itself() {
    let mut world = behind_nat();
    let mut a = Phone::new(0xa);
    world.talk(A, MAPPED_A, &mut a, 2);
    for port in 0..10 * CANDIDATES_MAX {
        let source = format!("198.51.100.7:{}", 20_000 + port);
        assert_eq!(world.rtp(A, &source, &Phone::new(0xbad).next()), LEARNING);
    }
    assert_eq!(world.talk(A, MAPPED_A, &mut a, 1), forward(B, PHONE_B));
}

#[test]
fn after_the_window_only_the_address_of_the_sdp_may_pin() {
    let mut world = behind_nat();
    world.pass(LEARNING_WINDOW);
    assert_eq!(world.talk(A, MAPPED_A, &mut Phone::new(0xbad), 10), FOREIGN);
    assert_eq!(world.talk(A, PRIVATE_A, &mut Phone::new(0xa), 3), forward(B, PHONE_B));
}

#[test]
fn the_window_waits_for_the_bridge_and_for_the_end_of_hold() {
    let mut world = World::apart();
    world.describe_nat(A, PRIVATE_A, PUBLIC_A);
    world.pass(LEARNING_WINDOW * 3);
    world.bridge(A, B);
    assert_eq!(world.talk(A, MAPPED_A, &mut Phone::new(0xa), 3), forward(B, PHONE_B));

    let mut world = World::apart();
    let nat = Some(SocketAddr::new(PUBLIC_A.parse().unwrap(), 5060));
    world.describe_with(A, remote(PRIVATE_A, Direction::Recvonly), payloads(), nat);
    world.bridge(A, B);
    world.pass(LEARNING_WINDOW * 3);
    world.describe_with(A, remote(PRIVATE_A, Direction::Sendrecv), payloads(), nat);
    assert_eq!(world.talk(A, MAPPED_A, &mut Phone::new(0xa), 3), forward(B, PHONE_B));
}

#[test]
fn an_unchanged_description_opens_no_window() {
    let mut world = behind_nat();
    let mut a = Phone::new(0xa);
    world.talk(A, MAPPED_A, &mut a, 3);
    world.describe_nat(A, PRIVATE_A, PUBLIC_A);
    world.bridge(A, B);
    assert_eq!(world.talk(A, "198.51.100.7:61001", &mut Phone::new(0xbad), 10), FOREIGN);
    assert_eq!(world.talk(A, MAPPED_A, &mut a, 1), forward(B, PHONE_B));
}

#[test]
fn a_changed_description_unpins_at_once() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    world.talk(A, PHONE_A, &mut a, 5);
    world.drain();
    world.describe(A, PHONE_C, Direction::Sendrecv);
    assert_eq!(world.talk(A, PHONE_A, &mut a, 10), FOREIGN);
    assert_eq!(world.events(), [], "stragglers of the peer are no strangers");
    assert_eq!(world.talk(B, PHONE_B, &mut Phone::new(0xb), 1), forward(A, PHONE_C));
    assert_eq!(world.talk(A, PHONE_C, &mut Phone::new(0xaa), 3), forward(B, PHONE_B));
}

#[test]
fn stragglers_from_the_old_port_do_not_pin_it_again() {
    let mut world = behind_nat();
    let mut a = Phone::new(0xa);
    world.talk(A, MAPPED_A, &mut a, 5);
    world.describe_nat(A, "10.0.0.5:4100", PUBLIC_A);
    assert_eq!(world.talk(A, MAPPED_A, &mut a, 10), LEARNING);
    assert_eq!(world.talk(A, "198.51.100.7:62000", &mut Phone::new(0xaa), 3), forward(B, PHONE_B));

    // A phone that only says something else and stays where it is comes back after a second.
    let mut world = behind_nat();
    world.talk(A, MAPPED_A, &mut a, 5);
    world.describe_nat(A, "10.0.0.5:4100", PUBLIC_A);
    assert_eq!(world.talk(A, MAPPED_A, &mut a, usize::from(STALE_PINNING_PACKETS)), forward(B, PHONE_B));
}

#[test]
fn a_mapped_ipv4_source_is_the_ipv4_peer() {
    let mut world = World::bridged();
    let mapped = "[::ffff:192.0.2.10]:4000";
    assert_eq!(world.talk(A, mapped, &mut Phone::new(0xa), 3), forward(B, PHONE_B));
    assert_eq!(world.events(), [Event::Pinned { leg: A, remote: address(PHONE_A) }]);
}

#[test]
fn ipv6_and_ipv4_phones_hear_each_other() {
    let mut world = World::apart();
    world.describe(A, "[2001:db8::5]:4000", Direction::Sendrecv);
    world.bridge(A, B);
    assert_eq!(world.talk(A, "[2001:db8::5]:4000", &mut Phone::new(0xa), 3), forward(B, PHONE_B));
    let mut b = Phone::new(0xb);
    assert_eq!(world.talk(B, PHONE_B, &mut b, 1), forward(A, "[2001:db8::5]:4000"));
}

#[test]
fn rtcp_from_elsewhere_is_refused() {
    let mut world = World::bridged();
    let report = [0x80, 201, 0, 1, 0, 0, 0, 1];
    let rtcp = |world: &mut World, source| world.packet(A, Port::Rtcp, source, &report);
    assert_eq!(rtcp(&mut world, "192.0.2.10:4001"), Verdict::Consumed);
    assert_eq!(rtcp(&mut world, ATTACKER), FOREIGN);
    assert_eq!(rtcp(&mut world, "192.0.2.10:4003"), FOREIGN);
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 3);
    assert_eq!(rtcp(&mut world, "192.0.2.10:4003"), Verdict::Consumed, "the pinned peer's other port");
    assert_eq!(rtcp(&mut world, "192.0.2.10:4001"), FOREIGN, "the first one heard stays");
    assert_eq!(world.packet(A, Port::Rtp, PHONE_A, &report), Verdict::Consumed, "multiplexed unasked");
    assert_eq!(world.packet(A, Port::Rtp, ATTACKER, &report), FOREIGN);
}

#[test]
fn what_is_no_media_goes_nowhere() {
    let mut world = World::bridged();
    for bytes in [&[][..], &[0, 1, 0, 0], &[22, 254, 253], &[0xff; 40]] {
        assert_eq!(world.rtp(A, PHONE_A, bytes), Verdict::Dropped(Why::NotMedia));
    }
    assert_eq!(world.rtp(A, PHONE_A, &[0x80, 0, 1]), Verdict::Dropped(Why::Malformed));
    assert_eq!(world.rtp(A, PHONE_A, &[0x80, 200, 0]), Verdict::Dropped(Why::Malformed));
    let rtp = Phone::new(0xa).next();
    assert_eq!(world.packet(A, Port::Rtcp, PHONE_A, &rtp), Verdict::Dropped(Why::NotMedia));
}

/// The phone behind NAT talks, and then its signalling comes from another port of its router.
fn signalling_moved(a: &mut Phone) -> World {
    let mut world = behind_nat();
    world.talk(A, MAPPED_A, a, 10);
    assert_eq!(world.talk(A, MOVED_A, a, 10), FOREIGN);
    world.drain();
    let nat_source = SocketAddr::new(PUBLIC_A.parse().unwrap(), 7_777);
    world.shard.command(world.now, Command::Reopen { leg: A, nat_source });
    world
}

const MOVED_A: &str = "198.51.100.7:61999";

#[test]
fn a_router_that_gives_the_signalling_another_port_opens_the_window_again() {
    let mut a = Phone::new(0xa);
    let mut world = signalling_moved(&mut a);
    assert_eq!(world.talk(A, MOVED_A, &mut a, 10), LEARNING, "the old port was heard a moment ago");
    assert_eq!(world.talk(B, PHONE_B, &mut Phone::new(0xb), 1), forward(A, MAPPED_A), "nobody is unpinned");
    assert_eq!(world.talk(A, MOVED_A, &mut a, 3), forward(B, PHONE_B));
    assert_eq!(world.events(), [Event::Pinned { leg: A, remote: address(MOVED_A) }]);
    assert_eq!(world.talk(B, PHONE_B, &mut Phone::new(0xb), 1), forward(A, MOVED_A));
    assert_eq!(world.talk(A, "198.51.100.7:61998", &mut a, 20), FOREIGN, "the window is closed");
}

#[test]
fn a_new_offer_with_the_same_description_from_another_port_does_the_same() {
    let mut world = behind_nat();
    let mut a = Phone::new(0xa);
    world.talk(A, MAPPED_A, &mut a, 10);
    let nat = Some(SocketAddr::new(PUBLIC_A.parse().unwrap(), 7_777));
    world.describe_with(A, remote(PRIVATE_A, Direction::Sendrecv), payloads(), nat);
    world.bridge(A, B);
    assert_eq!(world.talk(A, MOVED_A, &mut a, 13), forward(B, PHONE_B));
}

#[test]
fn a_reopened_window_lets_nobody_in_while_the_peer_still_talks() {
    let mut a = Phone::new(0xa);
    let mut world = signalling_moved(&mut a);
    let mut attacker = Phone::new(0xbad);
    for _ in 0..100 {
        assert_eq!(world.talk(A, MAPPED_A, &mut a, 1), forward(B, PHONE_B));
        assert_eq!(world.talk(A, "198.51.100.7:999", &mut attacker, 4), LEARNING, "in a burst between");
    }
    assert_eq!(world.talk(B, PHONE_B, &mut Phone::new(0xb), 1), forward(A, MAPPED_A));
}

#[test]
fn a_reopened_window_lets_no_other_address_in_and_ends() {
    let mut a = Phone::new(0xa);
    let mut world = signalling_moved(&mut a);
    assert_eq!(world.talk(A, ATTACKER, &mut Phone::new(0xbad), 100), FOREIGN);
    world.pass(LEARNING_WINDOW);
    assert_eq!(world.talk(A, MOVED_A, &mut a, 20), FOREIGN, "too late");
    assert_eq!(world.talk(A, MAPPED_A, &mut a, 1), forward(B, PHONE_B));
}
