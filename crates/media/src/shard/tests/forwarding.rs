//! What a bridge does to packets: one continuous stream towards each peer.

use super::*;
use crate::command::Why;
use crate::stage::{Meter, Tap};

#[test]
fn packets_pass_both_ways_with_our_source() {
    let mut world = World::bridged();
    let (mut a, mut b) = (Phone::new(0xa), Phone::new(0xb));
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), forward(B, PHONE_B));
    let to_b = world.header();
    assert_eq!(world.talk(B, PHONE_B, &mut b, 1), forward(A, PHONE_A));
    let to_a = world.header();
    assert!(to_a.ssrc != 0xa && to_a.ssrc != 0xb && to_b.ssrc != 0xa && to_b.ssrc != 0xb);
    assert_ne!(to_a.ssrc, to_b.ssrc);
    assert_eq!(world.left[12..], [0x55; 160]);
}

#[test]
fn losses_reordering_and_pauses_arrive_as_they_were() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    world.talk(A, PHONE_A, &mut a, 3);
    let before = world.header();
    a.next();
    let late = a.next();
    world.talk(A, PHONE_A, &mut a, 1);
    let after = world.header();
    assert_eq!(after.sequence, before.sequence.wrapping_add(3));
    assert_eq!(after.timestamp, before.timestamp.wrapping_add(480));
    assert_eq!(world.rtp(A, PHONE_A, &late), forward(B, PHONE_B));
    assert_eq!(world.header().sequence, before.sequence.wrapping_add(2));
    a.timestamp += 8000;
    world.talk(A, PHONE_A, &mut a, 1);
    assert_eq!(world.header().timestamp, after.timestamp.wrapping_add(8160));
    assert!(!world.header().marker);
}

#[test]
fn the_sequence_number_wraps_without_a_seam() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    a.sequence = 65_530;
    a.timestamp = u32::MAX - 300;
    world.talk(A, PHONE_A, &mut a, 1);
    let mut before = world.header();
    for _ in 0..70_000 {
        assert_eq!(world.talk(A, PHONE_A, &mut a, 1), forward(B, PHONE_B));
        let header = world.header();
        assert_eq!(header.sequence, before.sequence.wrapping_add(1));
        assert_eq!(header.timestamp, before.timestamp.wrapping_add(160));
        before = header;
    }
    let quality = world.shard.quality(A).unwrap();
    assert_eq!((quality.received.packets, quality.received.lost), (70_001, 0));
}

#[test]
fn a_new_source_goes_on_where_the_old_one_stopped() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    world.talk(A, PHONE_A, &mut a, 5);
    let before = world.header();
    world.pass(Duration::from_millis(980));
    let mut again = Phone { sequence: 9, timestamp: 7, ..Phone::new(0xaa) };
    world.talk(A, PHONE_A, &mut again, 1);
    let after = world.header();
    assert_eq!(after.ssrc, before.ssrc);
    assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    assert_eq!(after.timestamp, before.timestamp.wrapping_add(8000), "a second passed");
    assert!(after.marker);
    world.talk(A, PHONE_A, &mut again, 1);
    assert!(!world.header().marker);
    assert_eq!(world.header().timestamp, after.timestamp.wrapping_add(160));
}

#[test]
fn a_source_that_restarts_its_sequence_goes_on_too() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    world.talk(A, PHONE_A, &mut a, 5);
    let before = world.header();
    a.sequence = a.sequence.wrapping_add(20_000);
    a.timestamp = 3;
    world.talk(A, PHONE_A, &mut a, 1);
    assert_eq!(world.header().sequence, before.sequence.wrapping_add(1));
    assert!(world.header().marker);
}

#[test]
fn packets_from_before_a_new_source_began_are_late() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 5);
    let mut again = Phone::new(0xaa);
    let late = again.next();
    world.talk(A, PHONE_A, &mut again, 1);
    assert_eq!(world.rtp(A, PHONE_A, &late), Verdict::Dropped(Why::Late));
    assert_eq!(world.shard.dropped(Why::Late), 1);
}

#[test]
fn a_swapped_partner_is_the_same_stream_to_the_peer() {
    let mut world = World::bridged();
    world.open(C);
    world.describe(C, PHONE_C, Direction::Sendrecv);
    let (mut a, mut c) = (Phone::new(0xa), Phone::new(0xc));
    world.talk(A, PHONE_A, &mut a, 5);
    let before = world.header();
    world.bridge(C, B);
    assert_eq!(world.talk(C, PHONE_C, &mut c, 1), forward(B, PHONE_B));
    let after = world.header();
    assert_eq!((after.ssrc, after.sequence), (before.ssrc, before.sequence.wrapping_add(1)));
    assert!(after.marker && after.timestamp.wrapping_sub(before.timestamp) < 1000);
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), Verdict::Dropped(Why::Unbridged));
    assert_eq!(world.talk(B, PHONE_B, &mut Phone::new(0xb), 1), forward(C, PHONE_C));
}

#[test]
fn keys_pass_under_the_partners_number_and_unknown_types_do_not() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    a.payload_type = 101;
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), forward(B, PHONE_B));
    assert_eq!(world.header().payload_type, 96);
    a.payload_type = 97;
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), Verdict::Dropped(Why::UnknownPayload));
    assert_eq!(world.shard.dropped(Why::UnknownPayload), 1);
}

#[test]
fn hold_is_silence_and_resume_is_sound_again() {
    let mut world = World::bridged();
    let (mut a, mut b) = (Phone::new(0xa), Phone::new(0xb));
    world.talk(A, PHONE_A, &mut a, 5);
    world.talk(B, PHONE_B, &mut b, 5);
    // B holds A: B only sends, A only receives.
    world.describe(B, PHONE_B, Direction::Sendonly);
    world.describe(A, PHONE_A, Direction::Recvonly);
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), Verdict::Dropped(Why::Held));
    assert_eq!(world.talk(B, PHONE_B, &mut b, 1), forward(A, PHONE_A));
    // Old phones hold with c=0.0.0.0; the address of before stays.
    world.describe(B, "0.0.0.0:5000", Direction::Inactive);
    world.describe(A, PHONE_A, Direction::Sendrecv);
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), Verdict::Dropped(Why::Held));
    assert_eq!(world.talk(B, PHONE_B, &mut b, 1), Verdict::Dropped(Why::Held));
    world.describe(B, PHONE_B, Direction::Sendrecv);
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), forward(B, PHONE_B));
    assert_eq!(world.events().len(), 2, "each was pinned once, hold opened no window");
}

#[test]
fn nothing_passes_before_a_bridge_and_after_its_end() {
    let mut world = World::apart();
    let mut a = Phone::new(0xa);
    assert_eq!(world.talk(A, PHONE_A, &mut a, 5), Verdict::Dropped(Why::Unbridged));
    world.bridge(A, B);
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), forward(B, PHONE_B));
    world.shard.command(world.now, Command::Unbridge { leg: B });
    assert_eq!(world.talk(A, PHONE_A, &mut a, 1), Verdict::Dropped(Why::Unbridged));
}

#[test]
fn a_partner_without_an_address_gets_nothing() {
    let mut world = World::apart();
    world.open(C);
    world.bridge(A, C);
    assert_eq!(world.talk(A, PHONE_A, &mut Phone::new(0xa), 1), Verdict::Dropped(Why::Held));
    world.describe(C, "0.0.0.0:9", Direction::Sendrecv);
    assert_eq!(world.talk(A, PHONE_A, &mut Phone::new(0xa), 1), Verdict::Dropped(Why::NoAddress));
}

#[test]
fn a_closed_leg_is_gone_and_its_slot_is_for_the_next_generation() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 3);
    world.shard.command(world.now, Command::Close { leg: A });
    let closed = world.events().into_iter().find_map(|event| match event {
        Event::Closed { leg, quality } => Some((leg, quality.received.packets)),
        _ => None,
    });
    assert_eq!(closed, Some((A, 3)));
    assert_eq!(world.shard.held(), 1);
    assert_eq!(world.rtp(A, PHONE_A, &Phone::new(0xa).next()), Verdict::Dropped(Why::UnknownLeg));
    assert_eq!(world.rtp(B, PHONE_B, &Phone::new(0xb).next()), Verdict::Dropped(Why::Unbridged));
    let next = LegId { generation: 1, ..A };
    world.open(next);
    world.describe(next, PHONE_C, Direction::Sendrecv);
    assert_eq!(world.rtp(A, PHONE_C, &Phone::new(0xa).next()), Verdict::Dropped(Why::UnknownLeg));
    assert_eq!(world.rtp(next, PHONE_C, &Phone::new(0xc).next()), Verdict::Dropped(Why::Unbridged));
    world.shard.command(world.now, Command::Close { leg: A });
    assert_eq!(world.shard.held(), 2, "the old name closes nothing");
}

#[test]
fn a_slot_with_a_tenant_or_beyond_the_limit_is_refused() {
    let mut world = World::apart();
    world.open(A);
    let beyond = LegId { index: 40_000, generation: 0 };
    let local = address("192.0.2.1:10000");
    world.shard.command(world.now, Command::Open { leg: beyond, local });
    assert_eq!(world.events(), [Event::Refused { leg: A }, Event::Refused { leg: beyond }]);
    assert_eq!(world.shard.held(), 2);
}

#[test]
fn a_tap_hears_the_payload_of_what_passes() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    world.talk(A, PHONE_A, &mut a, 2);
    world.shard.command(world.now, Command::Tap { leg: A, tap: Tap::Meter(Meter::default()) });
    world.talk(A, PHONE_A, &mut a, 5);
    world.talk(A, PHONE_C, &mut a, 1);
    world.describe(A, PHONE_A, Direction::Recvonly);
    world.talk(A, PHONE_A, &mut a, 5);
    assert_eq!(world.shard.tap(A), Some(&Tap::Meter(Meter { packets: 5, octets: 800 })));
    assert_eq!(world.shard.tap(B), Some(&Tap::None));
}

#[test]
fn a_tap_also_hears_a_leg_without_a_partner() {
    let mut world = World::apart();
    world.shard.command(world.now, Command::Tap { leg: A, tap: Tap::Meter(Meter::default()) });
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 4);
    assert_eq!(world.shard.tap(A), Some(&Tap::Meter(Meter { packets: 4, octets: 640 })));
}

#[test]
fn csrcs_and_extensions_pass_untouched() {
    let mut world = World::bridged();
    let mut bytes = Phone::new(0xa).next();
    bytes.truncate(12);
    bytes[0] = 0x91;
    bytes.extend_from_slice(&[1, 2, 3, 4, 0xbe, 0xde, 0, 1, 5, 6, 7, 8, 9]);
    assert_eq!(world.rtp(A, PHONE_A, &bytes), forward(B, PHONE_B));
    assert_eq!(world.left[0], 0x91);
    assert_eq!(world.left[12..], bytes[12..]);
}
