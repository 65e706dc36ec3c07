//! RTP and RTCP: known packets, every wrong length, and whatever comes.

use proptest::prelude::*;

use super::*;

fn packet(first: u8, second: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, second, 0x12, 0x34, 0, 0, 0x01, 0x00, 0xde, 0xad, 0xbe, 0xef];
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn a_plain_header_is_read() {
    let header = Header::parse(&packet(0x80, 0x88, &[1, 2, 3])).unwrap();
    assert!(header.marker);
    assert_eq!(header.payload_type, 8);
    assert_eq!(header.sequence, 0x1234);
    assert_eq!(header.timestamp, 256);
    assert_eq!(header.ssrc, 0xdead_beef);
    assert_eq!((header.csrc_count, header.extension, header.payload), (0, None, 12..15));
}

#[test]
fn csrcs_extension_and_padding_are_stepped_over() {
    let mut rest = vec![0; 8];
    rest.extend_from_slice(&[0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
    rest.extend_from_slice(&[7, 7, 0, 0, 3]);
    let header = Header::parse(&packet(0xb2, 0, &rest)).unwrap();
    assert_eq!(header.csrc_count, 2);
    assert_eq!(header.extension, Some(20..28));
    assert_eq!(header.payload, 28..30);
}

#[test]
fn lengths_beyond_the_datagram_are_refused() {
    for (first, rest) in [
        (0x81, vec![0; 3]),
        (0x90, vec![0xbe, 0xde, 0]),
        (0x90, vec![0xbe, 0xde, 0, 1, 0]),
        (0x90, vec![0xbe, 0xde, 0xff, 0xff]),
        (0xa0, vec![0]),
        (0xa0, vec![1, 3]),
        (0x40, vec![]),
        (0xc0, vec![]),
    ] {
        assert_eq!(Header::parse(&packet(first, 0, &rest)), None, "{first:x} {rest:?}");
    }
    let whole = packet(0x80, 0, &[]);
    assert!(Header::parse(&whole).is_some());
    assert_eq!(Header::parse(&whole[..11]), None);
}

#[test]
fn rewriting_changes_what_it_should_and_nothing_else() {
    let mut bytes = packet(0xa0, 0x80, &[5, 6, 0, 2]);
    let new = Rewrite { marker: false, payload_type: 101, sequence: 1, timestamp: 2, ssrc: 3 };
    rewrite(&mut bytes, new).unwrap();
    assert_eq!(bytes, [0xa0, 101, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 5, 6, 0, 2]);
    assert_eq!(rewrite(&mut bytes[..11], new), None);
    assert_eq!(write_header(Rewrite { marker: true, ..new })[..2], [0x80, 0x80 | 101]);
}

#[test]
fn datagrams_are_told_apart_by_their_first_bytes() {
    for (bytes, class) in [
        (&[0x80, 0][..], Class::Rtp),
        (&[0x80, 0x80 | 8], Class::Rtp),
        (&[0xbf, 224], Class::Rtp),
        (&[0x80, 200], Class::Rtcp),
        (&[0x81, 192], Class::Rtcp),
        (&[0x81, 223], Class::Rtcp),
        (&[0, 1], Class::Stun),
        (&[3], Class::Stun),
        (&[22, 254], Class::Dtls),
        (&[64, 0], Class::Unknown),
        (&[0x80], Class::Unknown),
        (&[], Class::Unknown),
    ] {
        assert_eq!(classify(bytes), class, "{bytes:?}");
    }
}

#[test]
fn a_telephone_event_reads_back() {
    let bytes = [11, 0x8a, 0x03, 0x20];
    let event = TelephoneEvent::parse(&bytes).unwrap();
    assert_eq!(event, TelephoneEvent { event: 11, end: true, volume: 10, duration: 800 });
    assert_eq!(event.key(), Some('#'));
    assert_eq!(event.to_bytes(), bytes);
    assert_eq!(TelephoneEvent::parse(&bytes[..3]), None);
    assert_eq!(TelephoneEvent { event: 16, ..event }.key(), None);
}

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 7,
    fraction_lost: 25,
    lost: -3,
    highest: 0x0001_ffff,
    jitter: 44,
    last_report: 0x1234_5678,
    delay: 0x0001_0000,
};
const INFO: SenderInfo = SenderInfo { ntp: 0x0102_0304_0506_0708, timestamp: 160, packets: 50, octets: 8000 };

#[test]
fn a_written_compound_reads_back() {
    for (sender, report) in [(Some(INFO), Some(BLOCK)), (Some(INFO), None), (None, Some(BLOCK)), (None, None)]
    {
        let mut bytes = [0; COMPOUND_MAX];
        let outgoing = Outgoing { ssrc: 9, sender, report, cname: b"0123456789abcdef01234567", ends: true };
        let length = write_compound(&mut bytes, &outgoing).unwrap();
        assert_eq!(length % 4, 0);
        let packets: Vec<RtcpPacket<'_>> = compound(&bytes[..length]).map(Result::unwrap).collect();
        let [first, RtcpPacket::Description, RtcpPacket::Bye(bye)] = packets.as_slice() else {
            panic!("three packets: {packets:?}")
        };
        assert_eq!(bye.collect::<Vec<u32>>(), [9]);
        let (info, reports) = match first {
            RtcpPacket::SenderReport { ssrc: 9, info, reports } => (Some(*info), *reports),
            RtcpPacket::ReceiverReport { ssrc: 9, reports } => (None, *reports),
            other => panic!("a report: {other:?}"),
        };
        assert_eq!(info, sender);
        assert_eq!(reports.collect::<Vec<ReportBlock>>(), report.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn the_description_ends_in_zeros_on_a_word() {
    for length in 0..=40 {
        let mut bytes = [0xaa; 200];
        let cname = vec![b'x'; length];
        let outgoing = Outgoing { ssrc: 9, sender: None, report: None, cname: &cname, ends: false };
        let written = write_compound(&mut bytes, &outgoing).unwrap();
        assert_eq!(compound(&bytes[..written]).filter(Result::is_ok).count(), 2, "CNAME of {length}");
        assert_eq!(bytes[written - 1], 0);
        assert_eq!(usize::from(bytes[17]), length.min(32));
    }
}

#[test]
fn a_compound_that_does_not_fit_is_not_written() {
    let outgoing = Outgoing { ssrc: 9, sender: Some(INFO), report: Some(BLOCK), cname: b"name", ends: true };
    let mut bytes = [0; COMPOUND_MAX];
    let length = write_compound(&mut bytes, &outgoing).unwrap();
    for room in 0..length {
        assert_eq!(write_compound(&mut bytes[..room], &outgoing), None);
    }
}

#[test]
fn broken_compounds_are_errors() {
    let first = |bytes: &[u8]| compound(bytes).next().unwrap().err();
    assert_eq!(first(&[]), Some(RtcpError::Short));
    assert_eq!(first(&[0x80, 201, 0]), Some(RtcpError::Short));
    assert_eq!(first(&[0x80, 201, 0, 2, 0, 0, 0, 1]), Some(RtcpError::Short));
    assert_eq!(first(&[0x81, 201, 0, 1, 0, 0, 0, 1]), Some(RtcpError::Short), "a block is promised");
    assert_eq!(first(&[0x40, 201, 0, 1, 0, 0, 0, 1]), Some(RtcpError::Version));
    assert_eq!(first(&[0x80, 203, 0, 0]), Some(RtcpError::NoReport));
    assert_eq!(first(&[0xa0, 201, 0, 1, 0, 0, 0, 9]), Some(RtcpError::Short), "padding beyond the packet");
    let many = [[0x80, 201, 0, 1, 0, 0, 0, 1]; PACKETS_MAX + 1].concat();
    assert_eq!(compound(&many).last().unwrap().err(), Some(RtcpError::TooMany));
    assert_eq!(compound(&many).count(), PACKETS_MAX + 1);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = classify(&bytes);
        let _ = TelephoneEvent::parse(&bytes);
        if let Some(header) = Header::parse(&bytes) {
            prop_assert!(bytes.get(header.payload).is_some());
        }
        for packet in compound(&bytes) {
            match packet {
                Ok(RtcpPacket::SenderReport { reports, .. } | RtcpPacket::ReceiverReport { reports, .. }) => {
                    prop_assert!(reports.count() <= 31);
                }
                Ok(RtcpPacket::Bye(sources)) => prop_assert!(sources.count() <= 31),
                _ => {}
            }
        }
    }

    #[test]
    fn what_looks_like_rtcp_never_panics(
        count in 0_u8..32,
        kind in 200_u8..206,
        words in 0_u8..30,
        rest in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = vec![0x80 | count, kind, 0, words];
        bytes.extend_from_slice(&rest);
        for _ in compound(&bytes) {}
    }

    #[test]
    fn a_rewritten_header_reads_back(
        marker: bool, payload_type in 0_u8..128, sequence: u16, timestamp: u32, ssrc: u32,
    ) {
        let new = Rewrite { marker, payload_type, sequence, timestamp, ssrc };
        let header = Header::parse(&write_header(new)).unwrap();
        let read = Rewrite {
            marker: header.marker,
            payload_type: header.payload_type,
            sequence: header.sequence,
            timestamp: header.timestamp,
            ssrc: header.ssrc,
        };
        prop_assert_eq!(read, new);
        prop_assert!(header.payload.is_empty());
    }
}
