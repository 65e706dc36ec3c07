//! SDP as phones send it, and what must not be taken for SDP.

use proptest::prelude::*;

use super::*;

const PHONE: &str = "v=0\r\n\
    o=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\n\
    s=Call\r\n\
    i=About something\r\n\
    u=http://example.com/\r\n\
    c=IN IP4 10.47.16.5\r\n\
    b=AS:64\r\n\
    t=0 0\r\n\
    a=tool:phone 1.0\r\n\
    m=audio 49170 RTP/AVP 0 8 9 96 101\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:96 opus/48000/2\r\n\
    a=fmtp:96 useinbandfec=1; stereo=0\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\n\
    a=x-unknown:kept as it is\r\n\
    a=ptime:20\r\n\
    a=sendrecv\r\n\
    m=video 51372 RTP/AVP 31\r\n\
    i=Camera\r\n\
    c=IN IP4 10.47.16.6\r\n\
    b=AS:512\r\n\
    a=rtcp:53020 IN IP4 10.47.16.7\r\n";

fn parse(text: &str) -> Session {
    Session::parse(text.as_bytes()).unwrap()
}

fn with(lines: &str) -> Session {
    parse(&format!("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n{lines}"))
}

#[test]
fn a_body_with_unknown_lines_comes_back_byte_for_byte() {
    assert_eq!(parse(PHONE).to_string(), PHONE);
}

#[test]
fn the_parts_that_we_decide_by_are_typed() {
    let session = parse(PHONE);
    let [audio, video] = session.media.as_slice() else { panic!("two sections") };
    assert!(audio.is_audio() && !video.is_audio());
    assert_eq!(audio.protocol, Protocol::RtpAvp);
    assert_eq!(audio.ptime(), Some(20));
    assert_eq!(session.rtp_address(audio), Some("10.47.16.5:49170".parse().unwrap()));
    assert_eq!(session.rtcp_address(audio), Some("10.47.16.5:49171".parse().unwrap()));
    assert_eq!(session.rtp_address(video), Some("10.47.16.6:51372".parse().unwrap()));
    assert_eq!(session.rtcp_address(video), Some("10.47.16.7:53020".parse().unwrap()));
    assert_eq!(session.attribute("tool"), Some("phone 1.0"));
    let codecs: Vec<String> = audio.codecs().iter().map(ToString::to_string).collect();
    let expected =
        ["0 PCMU/8000", "8 PCMA/8000", "9 G722/8000", "96 opus/48000/2", "101 telephone-event/8000"];
    assert_eq!(codecs, expected);
    assert_eq!(audio.codecs()[3].fmtp.as_deref(), Some("useinbandfec=1; stereo=0"));
}

#[test]
fn line_feeds_alone_and_missing_lines_are_tolerated() {
    let session = parse("v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\n\n");
    assert_eq!(session.media.len(), 1);
    let expected = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0\r\n";
    assert_eq!(session.to_string(), expected);
}

#[test]
fn a_missing_time_line_is_put_before_the_attributes() {
    let session = parse("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nb=AS:84\r\na=sendonly\r\n");
    assert!(session.to_string().ends_with("b=AS:84\r\nt=0 0\r\na=sendonly\r\n"));
}

#[test]
fn ipv6_is_read_and_written() {
    let session =
        with("m=audio 4000/2 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\na=rtcp:4009 IN IP6 2001:db8::2\r\n");
    let audio = &session.media[0];
    assert_eq!(session.rtp_address(audio), Some("[2001:db8::1]:4000".parse().unwrap()));
    assert_eq!(session.rtcp_address(audio), Some("[2001:db8::2]:4009".parse().unwrap()));
    assert_eq!(audio.port_count, Some(2));
    assert!(session.to_string().contains("m=audio 4000/2 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n"));
}

#[test]
fn a_host_name_is_kept_and_is_no_address() {
    let session = with("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 phone.example.com\r\n");
    assert_eq!(session.rtp_address(&session.media[0]), None);
    assert!(session.to_string().contains("c=IN IP4 phone.example.com\r\n"));
}

#[test]
fn a_multicast_suffix_is_kept() {
    let session = with("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127/3\r\n");
    assert!(session.to_string().contains("c=IN IP4 224.2.1.1/127/3\r\n"));
}

#[test]
fn a_direction_is_inherited_and_the_section_overrides() {
    let session = with("a=sendonly\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\na=inactive\r\n");
    assert_eq!(session.direction_of(&session.media[0]), Direction::Sendonly);
    assert_eq!(session.direction_of(&session.media[1]), Direction::Inactive);
    assert_eq!(with("m=audio 1 RTP/AVP 0\r\n").media[0].direction(), None);
}

#[test]
fn a_direction_is_replaced_in_place() {
    let mut session = with("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\na=ptime:20\r\n");
    session.media[0].set_direction(Direction::Recvonly);
    assert!(session.to_string().ends_with("a=recvonly\r\na=ptime:20\r\n"));
    session.media[0].lines.clear();
    session.media[0].set_direction(Direction::Inactive);
    assert!(session.to_string().ends_with("RTP/AVP 0\r\na=inactive\r\n"));
}

#[test]
fn directions_mirror_and_intersect() {
    use Direction::{Inactive, Recvonly, Sendonly, Sendrecv};
    for direction in [Sendrecv, Sendonly, Recvonly, Inactive] {
        assert_eq!(direction.mirrored().mirrored(), direction);
        assert_eq!(direction.and(Sendrecv), direction);
        assert_eq!(direction.and(Inactive), Inactive);
        assert_eq!(Direction::parse(&direction.to_string()), Some(direction));
    }
    assert_eq!(Sendonly.mirrored(), Recvonly);
    assert_eq!(Sendonly.and(Recvonly), Inactive);
}

#[test]
fn formats_without_meaning_are_no_codecs() {
    let session = with(
        "m=audio 4000 RTP/AVP 97 200 x 0 98 99\r\na=rtpmap:98 opus\r\na=rtpmap:99 L16/44100/0\r\na=rtpmap:zz\r\n",
    );
    let codecs = session.media[0].codecs();
    assert_eq!(codecs.len(), 1);
    assert_eq!(codecs[0].name, "PCMU");
}

#[test]
fn a_refused_section_keeps_kind_and_protocol_only() {
    let session = with("m=video 4000 RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\n");
    assert_eq!(session.media[0].refused().to_string(), "m=video 0 RTP/SAVPF 96\r\n");
}

#[test]
fn text_that_is_not_utf_8_does_not_refuse_the_body() {
    let session = Session::parse(b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=B\xfcro\r\nt=0 0\r\n").unwrap();
    assert_eq!(session.name, "B\u{fffd}ro");
}

#[test]
fn malformed_bodies_are_refused_with_the_line() {
    let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n";
    for bad in [
        "m=audio\r\n",
        "m=audio x RTP/AVP 0\r\n",
        "m=audio 65536 RTP/AVP 0\r\n",
        "m=audio 4000/x RTP/AVP 0\r\n",
        "m=audio 4000\r\n",
        "c=IN IP5 192.0.2.1\r\n",
        "c=192.0.2.1\r\n",
        "junk\r\n",
        "=0\r\n",
        "a=two\rlines\r\n",
        "a=nul\0\r\n",
    ] {
        let body = format!("{head}{bad}");
        assert_eq!(Session::parse(body.as_bytes()), Err(Error::BadLine(4)), "{bad:?}");
    }
    for bad in ["", "\r\n", "o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n", "v=1\r\n"] {
        assert_eq!(Session::parse(bad.as_bytes()), Err(Error::NoVersion), "{bad:?}");
    }
    assert_eq!(Session::parse(b"v=0\r\no=- 1 1 IN\r\n"), Err(Error::BadLine(2)));
}

#[test]
fn limits_are_enforced() {
    let many = |count: usize, line: &str| format!("v=0\r\n{}", line.repeat(count));
    let sections = "m=audio 4000 RTP/AVP 0\r\n";
    assert!(Session::parse(many(MEDIA_MAX, sections).as_bytes()).is_ok());
    assert_eq!(Session::parse(many(MEDIA_MAX + 1, sections).as_bytes()), Err(Error::TooManyMedia));
    assert!(Session::parse(many(LINES_MAX - 1, "a=x\n").as_bytes()).is_ok());
    assert_eq!(Session::parse(many(LINES_MAX, "a=x\n").as_bytes()), Err(Error::TooManyLines));
    assert_eq!(Session::parse(&vec![b'v'; BYTES_MAX + 1]), Err(Error::TooLong));
    let formats = format!("v=0\r\nm=audio 4000 RTP/AVP{}\r\n", " 0".repeat(FORMATS_MAX + 1));
    assert_eq!(Session::parse(formats.as_bytes()), Err(Error::TooManyFormats(2)));
}

#[test]
fn a_line_end_inside_a_value_cannot_add_a_line() {
    let mut session = with("m=audio 4000 RTP/AVP 0\r\n");
    session.media[0].lines.push(Line::attribute("label", "x\r\na=sendonly\nc=IN IP4 203.0.113.9"));
    let written = session.to_string();
    assert_eq!(written.lines().count(), 7);
    assert_eq!(parse(&written).media[0].direction(), None);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Session::parse(&body);
    }

    #[test]
    fn what_was_written_reads_back_the_same(
        lines in proptest::collection::vec(
            prop_oneof![
                "[a-z]=[ -~]{0,30}",
                "m=(audio|video|image) [0-9]{1,4} RTP/AVP( [0-9]{1,3}){0,5}",
                "c=IN IP(4 192\\.0\\.2\\.[0-9]|6 2001:db8::[0-9])",
                "a=(rtpmap|fmtp|rtcp|ptime|sendonly):?[0-9]{0,3} ?[ -~]{0,20}",
            ],
            0..40,
        )
    ) {
        let body = format!("v=0\n{}", lines.join("\n"));
        if let Ok(session) = Session::parse(body.as_bytes()) {
            let written = session.to_string();
            let again = Session::parse(written.as_bytes()).unwrap();
            prop_assert_eq!(&again, &session);
            prop_assert_eq!(again.to_string(), written);
            for media in &session.media {
                let _ = (media.codecs(), session.rtp_address(media), session.rtcp_address(media));
            }
        }
    }
}
