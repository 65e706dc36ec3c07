//! Offer and answer as phones make them: what each side is told, and what becomes of the numbers.

use wire::sdp::{Direction, Kind};

use super::*;
use crate::command::{Port, Remote};
use crate::payload::Role;

const HEAD: &str = "v=0\r\no=phone 11 1 IN IP4 192.0.2.10\r\ns=call\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n";
const AUDIO: &str = "m=audio 4000 RTP/AVP 96 8 0 101\r\na=rtpmap:96 opus/48000/2\r\n\
    a=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n";

fn session(lines: &str) -> wire::sdp::Session {
    wire::sdp::Session::parse(format!("{HEAD}{lines}").as_bytes()).unwrap()
}

fn local(port: u16) -> Local {
    Local::new(LocalMedia { ip: "198.51.100.1".parse().unwrap(), rtp_port: port }, 40)
}

fn codecs(session: &wire::sdp::Session) -> Vec<String> {
    audio(session).unwrap().1.codecs().iter().map(ToString::to_string).collect()
}

#[test]
fn our_offer_names_us_and_the_codecs_of_the_caller() {
    let mut callee = local(10_000);
    let offer = offer(&session(AUDIO), &mut callee).unwrap();
    assert_eq!(
        offer.to_string(),
        "v=0\r\no=- 10 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n\
         m=audio 10000 RTP/AVP 96 8 0 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    );
}

#[test]
fn only_the_first_plain_audio_stream_is_offered() {
    let caller = session(
        "m=video 4100 RTP/AVP 31\r\nm=audio 4200 RTP/SAVP 0\r\nm=audio 0 RTP/AVP 0\r\n\
         m=audio 4300 RTP/AVP 8\r\nm=audio 4400 RTP/AVP 0\r\n",
    );
    let mut callee = local(10_000);
    let offered = offer(&caller, &mut callee).unwrap();
    assert_eq!(offered.media.len(), 1);
    assert_eq!(codecs(&offered), ["8 PCMA/8000"]);
    let mut from = local(10_002);
    let answered = session("m=audio 5000 RTP/AVP 8\r\n");
    let agreed = answer(&caller, &mut from, &answered, &callee).unwrap();
    let ports: Vec<u16> = agreed.answer.media.iter().map(|media| media.port).collect();
    assert_eq!(ports, [0, 0, 0, 10_002, 0]);
    assert_eq!(agreed.answer.media[0].kind, Kind::Video);
}

#[test]
fn offers_without_plain_audio_are_refused() {
    for lines in [
        "",
        "m=audio 4000 RTP/SAVP 0\r\n",
        "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n",
        "m=audio 0 RTP/AVP 0\r\n",
        "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 phone.example.com\r\n",
        "m=image 4000 udptl t38\r\n",
    ] {
        assert_eq!(offer(&session(lines), &mut local(10_000)), Err(Refused::NoAudio), "{lines}");
    }
}

#[test]
fn the_answer_is_in_the_callers_numbers_and_both_maps_follow() {
    let caller = session(AUDIO);
    let (mut from, mut to) = (local(10_002), local(10_000));
    offer(&caller, &mut to).unwrap();
    // The callee likes PCMA, and numbers keys its own way.
    let callee = session(
        "m=audio 5000 RTP/AVP 8 97\r\na=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\na=ptime:30\r\n",
    );
    let agreed = answer(&caller, &mut from, &callee, &to).unwrap();
    assert_eq!(codecs(&agreed.answer), ["8 PCMA/8000", "101 telephone-event/8000"]);
    let ours = &agreed.answer.media[0];
    assert_eq!((ours.port, ours.attribute("fmtp"), ours.ptime()), (10_002, Some("101 0-15"), Some(30)));
    assert_eq!(agreed.codec.name, "PCMA");
    assert_eq!(agreed.offerer_to_answerer.get(101), Some(97));
    assert_eq!(agreed.offerer_to_answerer.get(8), Some(8));
    assert_eq!(agreed.offerer_to_answerer.get(0), None, "not answered");
    assert_eq!(agreed.answerer_to_offerer.get(101), Some(101), "as we offered it");
    assert_eq!(agreed.answerer_to_offerer.get(97), Some(101), "as it answered");
    assert_eq!(agreed.offerer_payloads.role(101), Some(Role::TelephoneEvent));
    assert_eq!(agreed.answerer_payloads.role(97), Some(Role::TelephoneEvent));
    assert_eq!(agreed.answerer_payloads.role(96), None);
}

#[test]
fn an_answer_without_a_common_codec_is_refused() {
    let caller = session(AUDIO);
    let (mut from, mut to) = (local(10_002), local(10_000));
    let callee = session("m=audio 5000 RTP/AVP 8\r\n");
    assert_eq!(answer(&caller, &mut from, &callee, &to).unwrap_err(), Refused::NotOffered);
    offer(&caller, &mut to).unwrap();
    for lines in [
        "m=audio 0 RTP/AVP 8\r\n",
        "m=audio 5000 RTP/AVP 18\r\n",
        "m=audio 5000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        "",
    ] {
        let refused = answer(&caller, &mut from, &session(lines), &to).unwrap_err();
        assert_eq!(refused, Refused::NoCommonCodec, "{lines}");
    }
    assert_eq!(from.current(), None, "nothing was said to the caller");
}

#[test]
fn two_codecs_of_one_name_are_told_apart_by_number_and_parameters() {
    let two = "a=rtpmap:97 AMR/8000\r\na=fmtp:97 octet-align=1\r\na=rtpmap:98 AMR/8000\r\n";
    let caller = session(&format!("m=audio 4000 RTP/AVP 97 98\r\n{two}"));
    let (mut from, mut to) = (local(10_002), local(10_000));
    assert_eq!(codecs(&offer(&caller, &mut to).unwrap()), ["97 AMR/8000", "98 AMR/8000"]);
    let callee = session("m=audio 5000 RTP/AVP 98\r\na=rtpmap:98 AMR/8000\r\n");
    let agreed = answer(&caller, &mut from, &callee, &to).unwrap();
    assert_eq!(codecs(&agreed.answer), ["98 AMR/8000"]);
    let callee = session("m=audio 5000 RTP/AVP 110\r\na=rtpmap:110 AMR/8000\r\na=fmtp:110 octet-align=1\r\n");
    let agreed = answer(&caller, &mut from, &callee, &to).unwrap();
    assert_eq!(codecs(&agreed.answer), ["97 AMR/8000"]);
    assert_eq!(agreed.offerer_to_answerer.get(97), Some(110));
}

#[test]
fn a_number_keeps_its_meaning_on_a_leg() {
    let (mut from, mut to) = (local(10_002), local(10_000));
    offer(&session(AUDIO), &mut to).unwrap();
    answer(&session(AUDIO), &mut from, &session("m=audio 5000 RTP/AVP 8\r\n"), &to).unwrap();
    // Now the callee offers: opus is 96 on its leg as before; for the caller it is 96 too, but 97 means iLBC.
    let callee = session(
        "m=audio 5000 RTP/AVP 101 96 0\r\na=rtpmap:96 iLBC/8000\r\na=rtpmap:101 opus/48000/2\r\n\
         a=fmtp:101 useinbandfec=1\r\n",
    );
    let offered = offer(&callee, &mut from).unwrap();
    assert_eq!(codecs(&offered), ["96 opus/48000/2", "97 iLBC/8000", "0 PCMU/8000"]);
}

#[test]
fn numbers_that_are_used_up_drop_codecs_not_the_call() {
    let mut leg = local(10_000);
    for round in 0..20_u32 {
        let formats: Vec<String> = (96..128).map(|payload: u8| payload.to_string()).collect();
        let mut lines = format!("m=audio 4000 RTP/AVP {} 0\r\n", formats.join(" "));
        for payload in 96..128 {
            lines.push_str(&format!("a=rtpmap:{payload} x{round}-{payload}/8000\r\n"));
        }
        let offered = offer(&session(&lines), &mut leg).unwrap();
        assert!(codecs(&offered).contains(&"0 PCMU/8000".to_owned()));
    }
}

#[test]
fn the_version_grows_with_changes_only_and_the_session_id_stays() {
    let caller = session(AUDIO);
    let mut leg = local(10_000);
    let first = offer(&caller, &mut leg).unwrap();
    assert_eq!(offer(&caller, &mut leg).unwrap(), first);
    let held = offer(&session(&format!("{AUDIO}a=sendonly\r\n")), &mut leg).unwrap();
    assert_eq!((held.origin.version.as_str(), held.origin.session_id.as_str()), ("2", "10"));
    let resumed = offer(&caller, &mut leg).unwrap();
    assert_eq!(resumed.origin.version, "3");
    assert_eq!(resumed.media, first.media);
}

#[test]
fn hold_and_resume_pass_through_as_each_side_sees_them() {
    let (mut from, mut to) = (local(10_002), local(10_000));
    for (offered, our_offer, answered, our_answer) in [
        ("sendrecv", "sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "sendonly", "recvonly", "recvonly"),
        ("inactive", "inactive", "inactive", "inactive"),
        ("sendonly", "sendonly", "sendrecv", "recvonly"),
        ("sendrecv", "sendrecv", "sendonly", "sendonly"),
        ("recvonly", "recvonly", "sendonly", "sendonly"),
        ("sendonly", "sendonly", "inactive", "inactive"),
    ] {
        let caller = session(&format!("{AUDIO}a={offered}\r\n"));
        let callee = session(&format!("m=audio 5000 RTP/AVP 8\r\na={answered}\r\n"));
        assert_eq!(offer(&caller, &mut to).unwrap().media[0].direction(), Direction::parse(our_offer));
        let agreed = answer(&caller, &mut from, &callee, &to).unwrap();
        assert_eq!(agreed.answer.media[0].direction(), Direction::parse(our_answer));
        // What the relay is told: each peer sends only if the other receives.
        let (a, b) = (remote(&caller, Some(&from)).unwrap(), remote(&callee, Some(&to)).unwrap());
        assert_eq!(a.direction, b.direction.mirrored(), "{offered} {answered}");
    }
}

#[test]
fn hold_by_an_unspecified_address_is_hold() {
    let held = session("m=audio 4000 RTP/AVP 8\r\nc=IN IP4 0.0.0.0\r\n");
    assert!(holds(&held));
    assert!(!holds(&session(AUDIO)));
    let mut to = local(10_000);
    let offered = offer(&held, &mut to).unwrap();
    assert_eq!(offered.media[0].direction(), Some(Direction::Sendonly));
    assert!(offered.to_string().contains("c=IN IP4 198.51.100.1"));
    assert!(holds(&session("a=inactive\r\nm=audio 4000 RTP/AVP 8\r\n")));
}

#[test]
fn a_leg_keeps_the_places_of_its_streams() {
    let caller = session(&format!("m=video 4100 RTP/AVP 31\r\n{AUDIO}m=text 4300 RTP/AVP 98\r\n"));
    let (mut from, mut to) = (local(10_002), local(10_000));
    offer(&caller, &mut to).unwrap();
    let callee = session("m=audio 5000 RTP/AVP 8\r\n");
    answer(&caller, &mut from, &callee, &to).unwrap();
    // The callee holds: our offer to the caller has its three streams, audio in the middle.
    let held = session("m=audio 5000 RTP/AVP 8\r\na=sendonly\r\n");
    let offered = offer(&held, &mut from).unwrap();
    let ports: Vec<u16> = offered.media.iter().map(|media| media.port).collect();
    assert_eq!(ports, [0, 10_002, 0]);
    assert_eq!(offered.media[1].direction(), Some(Direction::Sendonly));
    assert_eq!(offered.origin.version, "2");
}

#[test]
fn the_relay_learns_the_peers_addresses() {
    let peer =
        session("m=audio 4000 RTP/AVP 8\r\na=rtcp:4567 IN IP4 192.0.2.11\r\na=rtcp-mux\r\na=recvonly\r\n");
    let expected = Remote {
        rtp: "192.0.2.10:4000".parse().unwrap(),
        rtcp: "192.0.2.11:4567".parse().unwrap(),
        rtcp_port: Port::Rtcp,
        direction: Direction::Recvonly,
    };
    assert_eq!(remote(&peer, None), Some(expected));
    assert_eq!(remote(&session("m=audio 0 RTP/AVP 8\r\n"), None), None);
    let mut to = local(10_000);
    assert!(!offer(&peer, &mut to).unwrap().to_string().contains("rtcp-mux"));
}

#[test]
fn an_ipv6_leg_and_an_ipv4_leg_are_described_each_in_its_family() {
    let mut to = Local::new(LocalMedia { ip: "2001:db8::1".parse().unwrap(), rtp_port: 10_000 }, 40);
    let offered = offer(&session(AUDIO), &mut to).unwrap().to_string();
    assert!(offered.contains("o=- 10 1 IN IP6 2001:db8::1\r\n"), "{offered}");
    assert!(offered.contains("c=IN IP6 2001:db8::1\r\n"), "{offered}");
}

#[test]
fn rtcp_mux_is_accepted_when_offered_and_kept_until_it_is_not() {
    let (plain, muxed) = (AUDIO.to_owned(), format!("{AUDIO}a=rtcp:4567\r\na=rtcp-mux\r\n"));
    let callee = session("m=audio 5000 RTP/AVP 8\r\n");
    let mut from = local(10_002);
    let (on_rtp, above): (std::net::SocketAddr, std::net::SocketAddr) =
        ("192.0.2.10:4000".parse().unwrap(), "192.0.2.10:4001".parse().unwrap());
    for (offered, rtcp, rtcp_port) in
        [(&muxed, on_rtp, Port::Rtp), (&plain, above, Port::Rtcp), (&muxed, on_rtp, Port::Rtp)]
    {
        let caller = session(offered);
        let mut to = local(10_000);
        assert!(!offer(&caller, &mut to).unwrap().media[0].rtcp_mux(), "never our idea");
        let agreed = answer(&caller, &mut from, &callee, &to).unwrap();
        assert_eq!(agreed.answer.media[0].rtcp_mux(), rtcp_port == Port::Rtp);
        let told = remote(&caller, Some(&from)).unwrap();
        assert_eq!((told.rtcp, told.rtcp_port), (rtcp, rtcp_port));
        // A callee that says it unasked changes nothing.
        let unasked = session("m=audio 5000 RTP/AVP 8\r\na=rtcp-mux\r\n");
        assert_eq!(remote(&unasked, Some(&to)).unwrap().rtcp_port, Port::Rtcp);
    }
    // The callee holds: our offer keeps what is in force, and the peer may still decline it.
    let held = session("m=audio 5000 RTP/AVP 8\r\na=sendonly\r\n");
    assert!(offer(&held, &mut from).unwrap().media[0].rtcp_mux());
    assert_eq!(remote(&session(&plain), Some(&from)).unwrap().rtcp_port, Port::Rtcp);
    assert_eq!(remote(&session(&muxed), Some(&from)).unwrap().rtcp_port, Port::Rtp);
}

#[test]
fn lines_that_are_not_relayed_are_refused_in_their_places() {
    for (line, refused) in [
        ("m=video 4100 RTP/AVP 31 96", "m=video 0 RTP/AVP 31"),
        (
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        ),
        ("m=message 2855 TCP/MSRP *", "m=message 0 TCP/MSRP *"),
        ("m=image 4200 udptl t38", "m=image 0 udptl t38"),
        ("m=text 4300 RTP/AVP 98", "m=text 0 RTP/AVP 98"),
        ("m=audio 4400 RTP/AVP 0 8", "m=audio 0 RTP/AVP 0"),
        ("m=audio 0 RTP/AVP 0", "m=audio 0 RTP/AVP 0"),
        ("m=video 4100/2 RTP/SAVP 31", "m=video 0 RTP/SAVP 31"),
    ] {
        let caller = session(&format!("{AUDIO}{line}\r\n"));
        let (mut from, mut to) = (local(10_002), local(10_000));
        assert_eq!(offer(&caller, &mut to).unwrap().media.len(), 1);
        let agreed = answer(&caller, &mut from, &session("m=audio 5000 RTP/AVP 8\r\n"), &to).unwrap();
        let text = agreed.answer.to_string();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(lines, ["m=audio 10002 RTP/AVP 8", refused]);
    }
}
