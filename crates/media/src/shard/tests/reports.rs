//! RTCP of our own, what the peers' say, and keep-alives.

use wire::rtp::{COMPOUND_MAX, Outgoing, ReportBlock, RtcpPacket, SenderInfo, compound, write_compound};

use super::*;

/// SR or RR of a compound: our source, what we sent, what we received.
fn read(bytes: &[u8]) -> (u32, Option<SenderInfo>, Option<ReportBlock>) {
    match compound(bytes).next().unwrap().unwrap() {
        RtcpPacket::SenderReport { ssrc, info, mut reports } => (ssrc, Some(info), reports.next()),
        RtcpPacket::ReceiverReport { ssrc, mut reports } => (ssrc, None, reports.next()),
        other => panic!("a report: {other:?}"),
    }
}

fn sent(out: &[Out], leg: LegId, port: Port) -> Vec<Vec<u8>> {
    let bytes = |out: &Out| match out {
        Out::Send { leg: from, port: at, bytes, .. } if *from == leg && *at == port => {
            Some(bytes.bytes().to_vec())
        }
        _ => None,
    };
    out.iter().filter_map(bytes).collect()
}

fn peer_report(info: Option<SenderInfo>, report: Option<ReportBlock>) -> Vec<u8> {
    let mut bytes = [0; COMPOUND_MAX];
    let outgoing = Outgoing { ssrc: 0xa, sender: info, report, cname: b"phone", ends: false };
    let length = write_compound(&mut bytes, &outgoing).unwrap();
    bytes[..length].to_vec()
}

#[test]
fn reports_go_out_about_every_five_seconds_to_the_rtcp_port() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 3);
    world.drain();
    let out = world.run(Duration::from_secs(100));
    let to_a = sent(&out, A, Port::Rtcp);
    assert!((14..=40).contains(&to_a.len()), "{} reports in 100 s", to_a.len());
    let whereto = out.iter().find_map(|out| match out {
        Out::Send { leg: A, port: Port::Rtcp, to, .. } => Some(*to),
        _ => None,
    });
    assert_eq!(whereto, Some(address("192.0.2.10:4001")));
    assert_eq!(compound(&to_a[0]).count(), 2, "a report and a description");
}

#[test]
fn a_leg_that_was_never_bridged_says_nothing() {
    let mut world = World::apart();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 3);
    world.drain();
    assert_eq!(world.run(Duration::from_secs(600)), []);
    world.shard.command(world.now, Command::Close { leg: A });
    assert!(matches!(world.drain().as_slice(), [Out::Event(Event::Closed { .. })]));
}

#[test]
fn reports_tell_what_was_sent_and_what_was_lost() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    world.talk(A, PHONE_A, &mut a, 10);
    a.next();
    a.next();
    world.talk(A, PHONE_A, &mut a, 8);
    let our_ssrc = world.header().ssrc;
    let last = world.header();
    let out = world.run(Duration::from_secs(8));
    let (_, info, block) = read(&sent(&out, A, Port::Rtcp)[0]);
    assert_eq!(info, None, "nothing was sent to A");
    let block = block.unwrap();
    assert_eq!((block.ssrc, block.lost), (0xa, 2));
    assert_eq!(block.fraction_lost, 25, "2 of 20 in 256ths");
    let (ssrc, info, block) = read(&sent(&out, B, Port::Rtcp)[0]);
    let info = info.unwrap();
    assert_eq!((ssrc, info.packets, info.octets, block), (our_ssrc, 18, 18 * 160, None));
    assert!(info.timestamp.wrapping_sub(last.timestamp) < 8 * 8000);
    let quality = world.shard.quality(A).unwrap();
    assert_eq!((quality.received.packets, quality.received.lost), (18, 2));
    assert_eq!(quality.received.loss_percent(), Some(10.0));
    assert_eq!(world.shard.quality(B).unwrap().sent.packets, 18);
}

#[test]
fn the_round_trip_is_measured_both_ways() {
    let mut world = World::bridged();
    world.talk(B, PHONE_B, &mut Phone::new(0xb), 5);
    let our_ssrc = world.header().ssrc;
    world.drain();
    let report = loop {
        let at = world.shard.next_wake().unwrap();
        world.now = world.now.max(at);
        world.shard.tick(world.now);
        if let Some(report) = sent(&world.drain(), A, Port::Rtcp).first() {
            break report.clone();
        }
    };
    let info = read(&report).1.unwrap();
    // The phone keeps our report for half a second; the way there and back takes 80 ms.
    world.pass(Duration::from_millis(580));
    let block = ReportBlock {
        ssrc: our_ssrc,
        fraction_lost: 0,
        lost: 7,
        highest: 0,
        jitter: 80,
        last_report: u32::try_from((info.ntp >> 16) & 0xffff_ffff).unwrap(),
        delay: 65_536 / 2,
    };
    let theirs = SenderInfo { ntp: 0x1111_2222_3333_4444, timestamp: 0, packets: 0, octets: 0 };
    world.packet(A, Port::Rtcp, "192.0.2.10:4001", &peer_report(Some(theirs), Some(block)));
    let quality = world.shard.quality(A).unwrap();
    let rtt = quality.rtt.unwrap();
    assert!(rtt.abs_diff(Duration::from_millis(80)) < Duration::from_millis(1), "{rtt:?}");
    assert_eq!(quality.sent.lost, 7);
    assert_eq!(quality.sent.jitter_ms, Some(10.0));

    // And ours quotes theirs, so that the phone can measure too.
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 3);
    let out = world.run(Duration::from_secs(8));
    let block = read(&sent(&out, A, Port::Rtcp)[0]).2.unwrap();
    assert_eq!(block.last_report, 0x2222_3333);
    assert!(block.delay > 0 && block.delay < 9 * 65_536);
}

#[test]
fn quality_is_told_with_each_report() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 7);
    world.drain();
    let out = world.run(Duration::from_secs(60));
    let told: Vec<u64> = events(&out)
        .into_iter()
        .filter_map(|event| match event {
            Event::Quality { leg: A, quality } => Some(quality.received.packets),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), sent(&out, A, Port::Rtcp).len());
    assert!(told.iter().all(|packets| *packets == 7));
}

#[test]
fn a_report_about_somebody_else_says_nothing_about_us() {
    let mut world = World::bridged();
    let block = ReportBlock {
        ssrc: 1,
        fraction_lost: 255,
        lost: 99,
        highest: 0,
        jitter: 80,
        last_report: 5,
        delay: 5,
    };
    world.packet(A, Port::Rtcp, "192.0.2.10:4001", &peer_report(None, Some(block)));
    let quality = world.shard.quality(A).unwrap();
    assert_eq!((quality.rtt, quality.sent.lost), (None, 0));
}

#[test]
fn a_forged_round_trip_is_not_believed() {
    let mut world = World::bridged();
    world.talk(B, PHONE_B, &mut Phone::new(0xb), 5);
    let ssrc = world.header().ssrc;
    let block = ReportBlock {
        ssrc,
        fraction_lost: 0,
        lost: 0,
        highest: 0,
        jitter: 0,
        last_report: 0x7fff_0000,
        delay: 1,
    };
    let bytes = peer_report(None, Some(block));
    world.packet(A, Port::Rtcp, "192.0.2.10:4001", &bytes);
    assert_eq!(world.shard.quality(A).unwrap().rtt, None);
}

#[test]
fn closing_says_goodbye() {
    let mut world = World::bridged();
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 3);
    world.drain();
    world.shard.command(world.now, Command::Close { leg: A });
    let out = world.drain();
    let bytes = sent(&out, A, Port::Rtcp);
    assert!(matches!(compound(&bytes[0]).last(), Some(Ok(RtcpPacket::Bye(_)))));
    assert!(matches!(out.last(), Some(Out::Event(Event::Closed { .. }))));
    assert!(world.run(Duration::from_secs(60)).iter().all(|out| !matches!(out, Out::Send { leg: A, .. })));
}

#[test]
fn a_bye_of_the_peer_ends_nothing() {
    let mut world = World::bridged();
    let bye = [0x80, 201, 0, 1, 0, 0, 0, 0xa, 0x81, 203, 0, 1, 0, 0, 0, 0xa];
    assert_eq!(world.packet(A, Port::Rtcp, "192.0.2.10:4001", &bye), Verdict::Consumed);
    assert_eq!(world.talk(A, PHONE_A, &mut Phone::new(0xa), 1), forward(B, PHONE_B));
}

#[test]
fn a_silent_way_is_kept_open_with_empty_packets_of_the_same_stream() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    world.talk(A, PHONE_A, &mut a, 5);
    let before = world.header();
    let out = world.run(Duration::from_secs(46));
    let kept = sent(&out, B, Port::Rtp);
    assert_eq!(kept.len(), 3, "each 15 s");
    for (count, bytes) in (1..).zip(&kept) {
        let header = Header::parse(bytes).unwrap();
        assert!(header.payload.is_empty());
        assert_eq!(header.ssrc, before.ssrc);
        assert_eq!(header.sequence, before.sequence.wrapping_add(count));
        assert_eq!(header.payload_type, 127, "a type with no meaning");
    }
    world.talk(A, PHONE_A, &mut a, 1);
    assert_eq!(world.header().sequence, before.sequence.wrapping_add(4), "the stream goes on behind them");
    assert!(world.header().marker);
}

#[test]
fn no_keep_alive_goes_out_while_media_flows() {
    let mut world = World::bridged();
    let mut a = Phone::new(0xa);
    let mut out = Vec::new();
    for _ in 0..60 {
        world.talk(A, PHONE_A, &mut a, 1);
        out.extend(world.run(Duration::from_secs(1)));
    }
    assert_eq!(sent(&out, B, Port::Rtp).len(), 0);
    assert_eq!(sent(&out, A, Port::Rtp).len(), 4, "B sends nothing, so A is kept open");
}

#[test]
fn a_crowd_of_reports_is_spread_over_ticks() {
    let mut world = World::apart();
    for index in 2..400 {
        let leg = LegId { index, generation: 0 };
        world.open(leg);
        world.describe(leg, PHONE_C, Direction::Sendrecv);
        if index % 2 == 1 {
            world.bridge(LegId { index: index - 1, generation: 0 }, leg);
        }
    }
    world.pass(Duration::from_secs(10));
    world.shard.tick(world.now);
    let first = world.drain().len();
    assert!(first <= 3 * super::super::TICK_LEGS, "{first}");
    assert!(world.shard.next_wake().unwrap() <= world.now, "there is more to do");
    assert!(world.run(Duration::ZERO).len() >= 300);
}

/// Leg A's peer and we agreed to rtcp-mux.
fn multiplexed(rtp: &str) -> Remote {
    Remote { rtcp: address(rtp), rtcp_port: Port::Rtp, ..remote(rtp, Direction::Sendrecv) }
}

#[test]
fn a_multiplexed_peer_and_we_exchange_reports_on_the_rtp_port_and_a_stranger_is_refused() {
    let mut world = World::bridged();
    world.describe_with(A, multiplexed(PHONE_A), payloads(), None);
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 3);
    world.talk(B, PHONE_B, &mut Phone::new(0xb), 3);
    world.drain();
    let mut out = world.run(Duration::from_secs(20));
    world.shard.command(world.now, Command::Close { leg: B });
    world.shard.command(world.now, Command::Close { leg: A });
    out.extend(world.drain());
    assert_eq!(sent(&out, A, Port::Rtcp), Vec::<Vec<u8>>::new());
    assert!(sent(&out, A, Port::Rtp).iter().filter(|bytes| compound(bytes).all(|p| p.is_ok())).count() > 1);
    assert!(out.iter().all(|out| !matches!(out, Out::Send { leg: A, to, .. } if *to != address(PHONE_A))));
    assert!(!sent(&out, B, Port::Rtcp).is_empty(), "the other leg keeps two ports");

    let mut world = World::bridged();
    world.describe_with(A, multiplexed(PHONE_A), payloads(), None);
    world.talk(A, PHONE_A, &mut Phone::new(0xa), 3);
    world.talk(B, PHONE_B, &mut Phone::new(0xb), 3);
    let block = ReportBlock {
        ssrc: world.header().ssrc,
        fraction_lost: 0,
        lost: 7,
        highest: 0,
        jitter: 80,
        last_report: 0,
        delay: 0,
    };
    let report = peer_report(None, Some(block));
    let verdict = world.packet(A, Port::Rtp, "192.0.2.66:4000", &report);
    assert_eq!(verdict, Verdict::Dropped(crate::Why::ForeignSource));
    assert_eq!(world.shard.quality(A).unwrap().sent.lost, 0);
    assert_eq!(world.packet(A, Port::Rtp, PHONE_A, &report), Verdict::Consumed);
    assert_eq!(world.shard.quality(A).unwrap().sent.lost, 7);
}

#[test]
fn a_reoffer_moves_rtcp_to_the_rtp_port_and_back_while_the_pinned_peer_stays() {
    let mut world = World::apart();
    world.describe_nat(A, "10.0.0.5:4000", "192.0.2.10");
    world.bridge(A, B);
    let mut phone = Phone::new(0xa);
    world.talk(A, PHONE_A, &mut phone, 4);
    for (remote, port) in [
        (multiplexed("10.0.0.5:4000"), Port::Rtp),
        (remote("10.0.0.5:4000", Direction::Sendrecv), Port::Rtcp),
    ] {
        let nat = Some(address("192.0.2.10:5060"));
        world.describe_with(A, remote, payloads(), nat);
        assert_eq!(world.talk(A, PHONE_A, &mut phone, 1), forward(B, PHONE_B));
        world.drain();
        let out = world.run(Duration::from_secs(10));
        let whereto = out.iter().find_map(|out| match out {
            Out::Send { leg: A, port, to, bytes } if compound(bytes.bytes()).all(|p| p.is_ok()) => {
                Some((*port, *to))
            }
            _ => None,
        });
        let above = if port == Port::Rtp { PHONE_A } else { "192.0.2.10:4001" };
        assert_eq!(whereto, Some((port, address(above))));
    }
}
