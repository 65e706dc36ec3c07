//! SDP, RTP and RTCP.

use media::sdp::{Local, LocalMedia, offer, remote};
use wire::rtp::{
    Class, FIXED_HEADER, Header, PACKETS_MAX, Rewrite, RtcpPacket, TelephoneEvent, classify, compound,
    rewrite,
};
use wire::sdp::{LINES_MAX, MEDIA_MAX, Session};

/// A body: written it is read the same, and what we offer because of it can be read.
pub fn sdp(input: &[u8]) {
    let Ok(session) = Session::parse(input) else { return };
    assert!(session.media.len() <= MEDIA_MAX && session.lines.len() <= LINES_MAX);
    let written = session.to_bytes();
    // Text that is no UTF-8 grows to three bytes each when it is shown; line ends by one.
    assert!(written.len() <= 4 * input.len() + 256, "{} bytes of {}", written.len(), input.len());
    if written.len() <= wire::sdp::BYTES_MAX {
        assert_eq!(Session::parse(&written).as_ref(), Ok(&session));
    }
    for media in &session.media {
        let _ = (
            session.rtp_address(media),
            session.rtcp_address(media),
            session.direction_of(media),
            media.codecs(),
        );
    }
    let ours = LocalMedia { ip: [192, 0, 2, 1].into(), rtp_port: 10_000 };
    let mut local = Local::new(ours, 7);
    if let Ok(offered) = offer(&session, &mut local) {
        assert!(Session::parse(&offered.to_bytes()).is_ok());
        let again = offer(&session, &mut local);
        assert_eq!(again.as_ref(), Ok(&offered), "the version grew although nothing changed");
    }
    let _ = remote(&session, None);
}

/// A packet: its parts lie inside it, and what is rewritten is read.
pub fn rtp(input: &[u8]) {
    let _ = TelephoneEvent::parse(input)
        .map(|event| assert_eq!(TelephoneEvent::parse(&event.to_bytes()), Some(event)));
    let Some(header) = Header::parse(input) else { return };
    assert!(matches!(classify(input), Class::Rtp | Class::Rtcp));
    assert!(header.payload.end <= input.len() && header.payload.start >= FIXED_HEADER);
    assert!(header.extension.is_none_or(|extension| extension.end <= input.len()));
    let mut bytes = input.to_vec();
    let new = Rewrite { marker: true, payload_type: 101, sequence: 65_535, timestamp: 1, ssrc: u32::MAX };
    assert!(rewrite(&mut bytes, new).is_some());
    let again = Header::parse(&bytes).expect("a rewritten packet is a packet");
    assert_eq!((again.payload, again.csrc_count), (header.payload, header.csrc_count));
    assert_eq!((again.sequence, again.ssrc, again.payload_type), (65_535, u32::MAX, 101));
}

/// A compound: a bounded number of packets, each report inside the datagram.
pub fn rtcp(input: &[u8]) {
    let mut count = 0;
    for packet in compound(input) {
        count += 1;
        let Ok(packet) = packet else { break };
        let _ = match packet {
            RtcpPacket::Other(_) => 0,
            other => format!("{other:?}").len(),
        };
    }
    assert!(count <= PACKETS_MAX + 1, "{count} packets");
}
