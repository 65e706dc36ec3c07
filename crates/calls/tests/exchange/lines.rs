//! The lines of a description: what is not audio, audio that goes away, old hold, the ports of reports.

use media::{Command, Port, Remote};
use model::live::CallState;
use wire::sip::Message;

use crate::office::{Office, directory};
use crate::phone::{acknowledge, ask, body, connected, described, dial_with, hang_up, pick_up, respond, sdp};
use crate::{ALICE, BOB, office, talking};

const SDP: &str = "application/sdp";

/// What the relay was told last of the peer at this RTP port.
fn told(office: &Office, port: u16) -> Remote {
    let of_peer = |(_, command): &(usize, Command)| match command {
        Command::Describe { remote, .. } if remote.rtp.port() == port => Some(*remote),
        _ => None,
    };
    office.media.iter().rev().find_map(of_peer).unwrap()
}

fn lines(message: &Message) -> Vec<String> {
    body(message).lines().filter(|line| line.starts_with("m=")).map(str::to_owned).collect()
}

#[test]
fn rtcp_mux_is_accepted_by_invite_and_switched_by_re_invites() {
    let mut office = office(directory());
    let muxed = format!("{}a=rtcp-mux\r\n", sdp(21_101));
    dial_with(&mut office, ALICE, "102", 70, &muxed);
    let invite = office.request(BOB, "INVITE");
    assert!(!body(&invite).contains("rtcp-mux"), "never our idea: {}", body(&invite));
    pick_up(&mut office, BOB, &invite);
    let (alice, accepted) = connected(&mut office, ALICE);
    assert!(body(&accepted).contains("a=rtcp-mux"), "{}", body(&accepted));
    assert_eq!((told(&office, 21_101).rtcp_port, told(&office, 21_101).rtcp.port()), (Port::Rtp, 21_101));
    let plain = sdp(21_101);
    for (offer, port, rtcp) in [(&plain, Port::Rtcp, 21_102), (&muxed, Port::Rtp, 21_101)] {
        ask(&mut office, &alice, "INVITE", Some((SDP, offer)));
        let passed = office.request(BOB, "INVITE");
        assert!(!body(&passed).contains("rtcp-mux"));
        respond(&mut office, BOB, &passed, 200, Some(&sdp(21_202)));
        let accepted = office.response(ALICE, 200);
        assert_eq!(body(&accepted).contains("a=rtcp-mux"), port == Port::Rtp);
        acknowledge(&mut office, &alice, &accepted);
        assert_eq!((told(&office, 21_101).rtcp_port, told(&office, 21_101).rtcp.port()), (port, rtcp));
        assert_eq!(told(&office, 21_202).rtcp_port, Port::Rtcp);
    }
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn lines_beside_the_audio_are_refused_in_their_order_also_inside_the_call() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    let offer = format!(
        "{}m=video 21300 RTP/AVP 31\r\nm=image 21400 udptl t38\r\nm=audio 21500 RTP/AVP 8\r\n",
        sdp(21_101)
    );
    ask(&mut office, &alice, "INVITE", Some((SDP, &offer)));
    let passed = office.request(BOB, "INVITE");
    assert_eq!(lines(&passed).len(), 1, "{}", body(&passed));
    respond(&mut office, BOB, &passed, 200, Some(&sdp(21_102)));
    let accepted = office.response(ALICE, 200);
    let answered = lines(&accepted);
    assert!(answered[0].starts_with("m=audio 3"), "{answered:?}");
    assert_eq!(answered[1..], ["m=video 0 RTP/AVP 31", "m=image 0 udptl t38", "m=audio 0 RTP/AVP 8"]);
    acknowledge(&mut office, &alice, &accepted);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn a_fax_in_place_of_the_audio_is_refused_and_the_call_stays_as_it_was() {
    let mut office = office(directory());
    let (alice, bob) = talking(&mut office);
    let before = sdp(21_101).replace("m=audio 21101", "m=image 21400 udptl t38\r\nm=audio 0");
    let behind = format!("{}m=image 21400 udptl t38\r\n", described(0, "8", "sendrecv"));
    for offer in [before, behind] {
        ask(&mut office, &alice, "INVITE", Some((SDP, &offer)));
        office.response(ALICE, 488);
        office.silent(BOB);
        assert_eq!(office.only_call().state, CallState::Answered);
    }
    // And another offer, of either side, still passes.
    ask(&mut office, &bob, "INVITE", Some((SDP, &sdp(21_104))));
    let passed = office.request(ALICE, "INVITE");
    respond(&mut office, ALICE, &passed, 200, Some(&sdp(21_101)));
    let accepted = office.response(BOB, 200);
    acknowledge(&mut office, &bob, &accepted);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn an_unspecified_address_is_hold_and_the_ports_of_reports_are_honoured() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    let held = sdp(21_101).replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0");
    ask(&mut office, &alice, "INVITE", Some((SDP, &held)));
    let passed = office.request(BOB, "INVITE");
    assert!(body(&passed).contains("a=sendonly") && !body(&passed).contains("0.0.0.0"), "{}", body(&passed));
    respond(&mut office, BOB, &passed, 200, Some(&described(21_102, "8 0 101", "recvonly")));
    let accepted = office.response(ALICE, 200);
    acknowledge(&mut office, &alice, &accepted);
    assert_eq!(office.only_call().state, CallState::Held);
    for (line, rtcp) in [
        ("a=rtcp:22000\r\n", "127.0.0.1:22000"),
        ("a=rtcp:22002 IN IP4 127.0.0.9\r\n", "127.0.0.9:22002"),
        ("", "127.0.0.1:21102"),
    ] {
        ask(&mut office, &alice, "INVITE", Some((SDP, &format!("{}{line}", sdp(21_101)))));
        let passed = office.request(BOB, "INVITE");
        respond(&mut office, BOB, &passed, 200, Some(&sdp(21_202)));
        let accepted = office.response(ALICE, 200);
        acknowledge(&mut office, &alice, &accepted);
        assert_eq!(told(&office, 21_101).rtcp, rtcp.parse().unwrap());
        assert_eq!(office.only_call().state, CallState::Answered);
    }
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn our_version_grows_with_what_changes_and_a_description_said_again_is_not_passed_on() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    let version = |message: &Message| {
        let body = body(message);
        let origin = body.lines().find(|line| line.starts_with("o=")).unwrap();
        origin.split(' ').nth(2).unwrap().parse::<u32>().unwrap()
    };
    ask(&mut office, &alice, "INVITE", Some((SDP, &described(21_101, "8 0 101", "sendonly"))));
    let hold = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &hold, 200, Some(&described(21_102, "8 0 101", "recvonly")));
    let held = office.response(ALICE, 200);
    acknowledge(&mut office, &alice, &held);
    ask(&mut office, &alice, "INVITE", Some((SDP, &described(21_101, "8 0 101", "sendonly"))));
    office.silent(BOB);
    let again = office.response(ALICE, 200);
    assert_eq!(body(&again), body(&held), "same version, same description");
    acknowledge(&mut office, &alice, &again);
    ask(&mut office, &alice, "INVITE", Some((SDP, &sdp(21_101))));
    let resume = office.request(BOB, "INVITE");
    assert_eq!(version(&resume), version(&hold) + 1);
    respond(&mut office, BOB, &resume, 200, Some(&sdp(21_102)));
    let resumed = office.response(ALICE, 200);
    assert_eq!(version(&resumed), version(&held) + 1);
    acknowledge(&mut office, &alice, &resumed);
    hang_up(&mut office, &alice);
    office.close_one();
}
