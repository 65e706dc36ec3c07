//! Whatever comes: no panic, and one continuous stream of valid RTP out.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// A packet from a source with this jump of sequence and timestamp.
    Speak {
        ssrc: u32,
        sequence: u16,
        timestamp: u32,
        payload_type: u8,
    },
    Pass {
        millis: u64,
    },
    Hold(Direction),
    Bridge(bool),
    Noise(Vec<u8>, bool),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3_u32, prop_oneof![4 => 0..6_u16, 1 => any::<u16>()], 0..100_000_u32,
              prop_oneof![3 => Just(0_u8), 1 => 0..128_u8])
            .prop_map(|(ssrc, sequence, timestamp, payload_type)| {
                Step::Speak { ssrc, sequence, timestamp, payload_type }
            }),
        2 => (0..30_000_u64).prop_map(|millis| Step::Pass { millis }),
        1 => (any::<bool>(), any::<bool>())
            .prop_map(|(sends, receives)| Step::Hold(Direction::from_flows(sends, receives))),
        1 => any::<bool>().prop_map(Step::Bridge),
        1 => (proptest::collection::vec(any::<u8>(), 0..100), any::<bool>())
            .prop_map(|(bytes, rtcp)| Step::Noise(bytes, rtcp)),
        2 => Just(Step::Tick),
    ]
}

/// What B has received: everything that leaves towards it must be one stream.
#[derive(Default)]
struct Ear {
    highest: Option<(u32, u16)>,
}

impl Ear {
    fn hear(&mut self, bytes: &[u8]) {
        let header = Header::parse(bytes).expect("what leaves is RTP");
        if let Some((ssrc, highest)) = self.highest {
            assert_eq!(header.ssrc, ssrc, "one source for ever");
            let ahead = header.sequence.wrapping_sub(highest).cast_signed();
            assert!((-100..=3000).contains(&ahead), "a jump of {ahead}");
            if ahead <= 0 {
                return;
            }
        }
        self.highest = Some((header.ssrc, header.sequence));
    }
}

proptest! {
    #[test]
    fn what_leaves_is_one_continuous_stream(steps in proptest::collection::vec(step(), 1..200)) {
        let mut world = World::bridged();
        let mut ear = Ear::default();
        let mut phones: Vec<Phone> = (0..3).map(|ssrc| Phone::new(ssrc + 1)).collect();
        for step in steps {
            match step {
                Step::Speak { ssrc, sequence, timestamp, payload_type } => {
                    let phone = &mut phones[usize::try_from(ssrc).unwrap()];
                    phone.sequence = phone.sequence.wrapping_add(sequence).wrapping_sub(1);
                    phone.timestamp = phone.timestamp.wrapping_add(timestamp);
                    phone.payload_type = payload_type;
                    let bytes = phone.packet();
                    if let Verdict::Forward { leg: B, .. } = world.rtp(A, PHONE_A, &bytes) {
                        ear.hear(&world.left);
                        prop_assert!(maps().0.get(payload_type).is_some());
                    }
                }
                Step::Pass { millis } => world.pass(Duration::from_millis(millis)),
                Step::Hold(direction) => world.describe(B, PHONE_B, direction),
                Step::Bridge(true) => world.bridge(A, B),
                Step::Bridge(false) => world.shard.command(world.now, Command::Unbridge { leg: A }),
                Step::Noise(bytes, rtcp) => {
                    let port = if rtcp { Port::Rtcp } else { Port::Rtp };
                    // Noise that happens to be RTP is a packet like any other.
                    if let Verdict::Forward { leg: B, .. } = world.packet(A, port, PHONE_A, &bytes) {
                        ear.hear(&world.left);
                    }
                }
                Step::Tick => world.shard.tick(world.now),
            }
            for out in world.drain() {
                if let Out::Send { leg: B, port: Port::Rtp, bytes, .. } = out {
                    ear.hear(bytes.bytes());
                }
            }
        }
    }

    #[test]
    fn arbitrary_packets_never_panic(
        packets in proptest::collection::vec(
            (any::<[u8; 2]>(), proptest::collection::vec(any::<u8>(), 0..120), any::<bool>()), 1..50)
    ) {
        let mut world = World::bridged();
        for ([first, second], rest, rtcp) in packets {
            let mut bytes = vec![0x80 | (first & 0x3f), second];
            bytes.extend_from_slice(&rest);
            let port = if rtcp { Port::Rtcp } else { Port::Rtp };
            world.packet(A, port, PHONE_A, &bytes);
            world.packet(B, port, "192.0.2.20:5001", &bytes);
            world.run(Duration::from_secs(1));
        }
    }
}
