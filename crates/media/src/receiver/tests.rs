//! Losses and jitter against values worked out by hand.

use std::time::Duration;

use wire::rtp::{Rewrite, write_header};

use super::*;

fn header(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
    let new = Rewrite { marker: false, payload_type: 0, sequence, timestamp, ssrc };
    let bytes = [&write_header(new)[..], &[0; 160]].concat();
    Header::parse(&bytes).unwrap()
}

fn at(millis: u64) -> Mono {
    Mono::ZERO + Duration::from_millis(millis)
}

fn receive(receiver: &mut Receiver, millis: u64, sequence: u16, timestamp: u32) {
    receiver.packet(at(millis), &header(1, sequence, timestamp), 8000, Timing::Sampled);
}

#[test]
fn jitter_follows_the_formula_of_rfc_3550() {
    let mut receiver = Receiver::default();
    receive(&mut receiver, 1000, 1, 0);
    assert_eq!(receiver.stream().jitter_ms, None);
    // Each arrives 20 ms after the last, as it should: no jitter.
    receive(&mut receiver, 1020, 2, 160);
    assert_eq!(receiver.stream().jitter_ms, Some(0.0));
    // 10 ms late: D = 80, J = 80/16 = 5 ticks = 0.625 ms.
    receive(&mut receiver, 1050, 3, 320);
    assert_eq!(receiver.stream().jitter_ms, Some(0.625));
    // On time again: D = -80, J += (80 - 5)/16, kept sixteenfold: 80 + 80 - 5 = 155.
    receive(&mut receiver, 1060, 4, 480);
    assert_eq!(receiver.stream().jitter_ms, Some(155.0 / 16.0 / 8.0));
}

#[test]
fn steady_jitter_converges_to_its_mean_deviation() {
    let mut receiver = Receiver::default();
    for packet in 0..2000_u16 {
        let late = if packet % 2 == 0 { 0 } else { 4 };
        receive(&mut receiver, u64::from(packet) * 20 + late, packet, u32::from(packet) * 160);
    }
    let jitter = receiver.stream().jitter_ms.unwrap();
    assert!((jitter - 4.0).abs() < 0.1, "{jitter}");
}

#[test]
fn the_clock_and_timestamps_may_wrap() {
    let mut receiver = Receiver::default();
    let mut timestamp = u32::MAX - 400;
    for packet in 0..10_u16 {
        receive(&mut receiver, 536_870_800 + u64::from(packet) * 20, packet, timestamp);
        timestamp = timestamp.wrapping_add(160);
    }
    assert_eq!(receiver.stream().jitter_ms, Some(0.0));
}

#[test]
fn a_repeated_timestamp_is_no_jitter() {
    let mut receiver = Receiver::default();
    receive(&mut receiver, 0, 1, 0);
    receive(&mut receiver, 20, 2, 160);
    for event in 0..5_u16 {
        let header = header(1, 3 + event, 320);
        receiver.packet(at(40 + 20 * u64::from(event)), &header, 8000, Timing::Repeated);
    }
    receive(&mut receiver, 140, 8, 1120);
    assert_eq!(receiver.stream().jitter_ms, Some(0.0));
    assert_eq!(receiver.stream().lost, 0);
}

#[test]
fn losses_are_counted_over_a_wrap_with_reordering_and_duplicates() {
    let mut receiver = Receiver::default();
    for sequence in [65_533, 65_534, 0, 65_535, 1, 4, 4, 3] {
        receive(&mut receiver, 0, sequence, 0);
    }
    // Expected 65533..=4 are eight; nine came in, less the duplicate eight, and 2 is missing.
    let block = receiver.report(at(1)).unwrap();
    assert_eq!(block.highest, 0x0001_0004);
    assert_eq!(block.lost, 0, "a duplicate hides a loss, as RFC 3550 A.3 says");
    receive(&mut receiver, 0, 7, 0);
    assert_eq!(receiver.stream().lost, 2);
    let block = receiver.report(at(2)).unwrap();
    assert_eq!((block.lost, block.fraction_lost), (2, 170), "2 of the last 3");
}

#[test]
fn more_duplicates_than_losses_are_negative_in_a_report_and_zero_in_a_record() {
    let mut receiver = Receiver::default();
    for _ in 0..5 {
        receive(&mut receiver, 0, 7, 0);
    }
    assert_eq!(receiver.report(at(1)).unwrap().lost, -4);
    assert_eq!(receiver.stream().lost, 0);
}

#[test]
fn a_jump_is_a_restart_only_when_the_next_packet_confirms_it() {
    let mut receiver = Receiver::default();
    for sequence in [10, 11, 12, 40_000, 13, 14] {
        receive(&mut receiver, 0, sequence, 0);
    }
    assert_eq!(receiver.report(at(1)).unwrap().highest, 14);
    for sequence in [50_000, 50_001, 50_002] {
        receive(&mut receiver, 0, sequence, 0);
    }
    assert_eq!(receiver.report(at(1)).unwrap().highest, 50_002);
    assert_eq!(receiver.stream().lost, 0);
}

#[test]
fn totals_outlive_a_change_of_source() {
    let mut receiver = Receiver::default();
    receive(&mut receiver, 0, 1, 0);
    receive(&mut receiver, 0, 4, 0);
    receiver.packet(at(0), &header(2, 900, 0), 8000, Timing::Sampled);
    receiver.packet(at(0), &header(2, 902, 0), 8000, Timing::Sampled);
    let stream = receiver.stream();
    assert_eq!((stream.packets, stream.lost, stream.octets), (4, 3, 640));
}

#[test]
fn the_delay_since_their_report_is_quoted() {
    let mut receiver = Receiver::default();
    assert_eq!(receiver.report(at(0)), None);
    receive(&mut receiver, 0, 1, 0);
    receiver.sender_report(at(1000), 0xaaaa_bbbb_cccc_dddd);
    let block = receiver.report(at(2500)).unwrap();
    assert_eq!((block.last_report, block.delay), (0xbbbb_cccc, 65_536 + 32_768));
}

#[test]
fn ticks_do_not_overflow() {
    assert_eq!(ticks(1_000_000_000, 48_000), 48_000);
    assert_eq!(ticks(20_000_000, 8000), 160);
    let _ = ticks(u64::MAX, u32::MAX);
}
