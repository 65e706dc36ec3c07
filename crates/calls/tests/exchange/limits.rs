//! What happens when something runs out, or goes silent.

use std::time::Duration;

use calls::Input;
use model::record::CallResult;

use crate::office::{Office, directory, text};
use crate::phone::{connected, dial, hang_up, pick_up};
use crate::{ALICE, ALICE_ALSO, BOB, office, talking};

#[test]
fn no_free_port_is_a_clean_refusal() {
    for left in [0, 1] {
        let mut office = office(directory());
        office.ports.left = left;
        dial(&mut office, ALICE, "102");
        office.response(ALICE, 503);
        office.silent(BOB);
        assert_eq!(office.told("media.ports-exhausted"), 1);
        let record = office.close_one();
        assert_eq!((record.result, record.reason.as_str()), (Some(CallResult::Failed), "no media port free"));
    }
}

#[test]
fn with_ports_for_one_phone_that_one_rings() {
    let mut office = Office::with_phones(directory(), &[ALICE, ALICE_ALSO, BOB]);
    office.ports.left = 2;
    dial(&mut office, BOB, "101");
    let invite = office.request(ALICE, "INVITE");
    office.silent(ALICE_ALSO);
    pick_up(&mut office, ALICE, &invite);
    let (bob, _) = connected(&mut office, BOB);
    hang_up(&mut office, &bob);
    office.close_one();
}

fn legs(office: &Office) -> Vec<(usize, media::LegId)> {
    let opened = |(shard, command): &(usize, media::Command)| match command {
        media::Command::Open { leg, .. } => Some((*shard, *leg)),
        _ => None,
    };
    office.media.iter().filter_map(opened).collect()
}

#[test]
fn media_that_died_ends_the_call_on_both_sides() {
    let mut office = office(directory());
    talking(&mut office);
    let (shard, leg) = legs(&office)[1];
    let event = media::Event::Dead { leg, silent_for: Duration::from_secs(60) };
    office.handle(Input::Media { shard, event });
    for phone in [ALICE, BOB] {
        let bye = office.request(phone, "BYE");
        assert!(text(&bye).contains("Media went silent"), "{}", text(&bye));
    }
    assert_eq!(office.told("call.dead-media"), 1);
    // It comes too late a second time.
    office.handle(Input::Media { shard, event });
    assert_eq!(office.close_one().reason, "no media from 102 for 60 s");
}

#[test]
fn a_leg_that_its_shard_refuses_ends_the_call() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "102");
    office.request(BOB, "INVITE");
    let (shard, leg) = legs(&office)[0];
    office.handle(Input::Media { shard, event: media::Event::Refused { leg } });
    office.response(ALICE, 503);
    assert_eq!(office.close_one().result, Some(CallResult::Failed));
}

#[test]
fn both_legs_of_a_call_are_on_one_shard_and_calls_spread() {
    let mut office = office(directory());
    let mut shards = Vec::new();
    for _ in 0..4 {
        office.media.clear();
        let (alice, _) = talking(&mut office);
        let legs = legs(&office);
        assert_eq!((legs.len(), legs[0].0), (2, legs[1].0));
        shards.push(legs[0].0);
        hang_up(&mut office, &alice);
        office.request(BOB, "BYE");
    }
    shards.sort_unstable();
    shards.dedup();
    assert_eq!(shards, [0, 1]);
}

#[test]
fn quality_is_shown_and_strangers_media_is_reported() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    let (shard, leg) = legs(&office)[1];
    let received = media::Stream { packets: 90, lost: 10, jitter_ms: Some(2.5), ..Default::default() };
    let quality = media::Quality { received, rtt: Some(Duration::from_millis(40)), ..Default::default() };
    office.handle(Input::Media { shard, event: media::Event::Quality { leg, quality } });
    let callee = office.only_call().callee;
    assert_eq!((callee.loss_percent, callee.jitter_ms, callee.rtt_ms), (Some(10.0), Some(2.5), Some(40.0)));
    assert_eq!(office.only_call().caller.loss_percent, None);
    let source = BOB.address();
    office.handle(Input::Media { shard, event: media::Event::Foreign { leg, source } });
    assert_eq!(office.told("media.foreign-source"), 1);
    hang_up(&mut office, &alice);
    let quality = office.close_one().quality.expect("quality in the record");
    assert_eq!(quality.caller, None, "no report of this side came");
    let callee = quality.callee.expect("the callee's side");
    assert_eq!((callee.rtt_ms, callee.received.packets), (Some(40.0), 90));
    assert_eq!((callee.received.loss_percent, callee.received.jitter_ms), (Some(10.0), Some(2.5)));
    assert_eq!((callee.sent.packets, callee.sent.loss_percent), (0, None));
    assert!(callee.codec.is_some());
}
