//! How a call sounded is told when it is over (SPEC R10.2): a real call, one direction of which loses packets.

use super::common::{admin, server};
use blackbox::{RawPhone, wait};
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One packet's time.
const FRAME: Duration = Duration::from_millis(20);
/// What the caller says is lost now and then.
const TENTH: u16 = 10;

#[test]
fn a_past_calls_story_says_how_each_direction_of_it_was() {
    let (pbx, web) = server("");
    let [mut one, mut other] = ["101", "102"].map(|number| RawPhone::new(number, pbx.sip));
    for phone in [&mut one, &mut other] {
        assert_eq!(phone.register(300).status(), 200);
    }
    let mut calling = one.dial("102", "");
    let called = other.ring();
    other.take(&called);
    let answer = one.expect_answer(&mut calling);
    let over = AtomicBool::new(false);
    let figures = std::thread::scope(|scope| {
        let say = |phone: &RawPhone, to: SocketAddrV4, lost: Option<u16>| {
            let socket = UdpSocket::bind((*phone.address.ip(), 4_000)).expect("as the offer says");
            let over = &over;
            scope.spawn(move || talk(&socket, to, lost, over));
        };
        say(&one, answer.audio(), Some(TENTH));
        say(&other, called.invite.audio(), None);
        let figures = wait::within(wait::PATIENCE, || {
            let call = pbx.calls().pop()?;
            let known = |side: &str| call[side]["loss_percent"].is_number();
            (known("caller") && known("callee")).then_some(call)
        });
        over.store(true, Ordering::Relaxed);
        figures.expect("a running call shows how it is")
    });
    let id = figures["id"].as_str().expect("an id").to_owned();
    assert_eq!(one.ask_inside(&mut calling, "BYE", "", "").status(), 200);
    other.agree(&other.expect_request("BYE"));
    pbx.expect_records(1);

    let story = admin(&web).ask(&format!("GET /api/v1/history/{id}"), "").json();
    let quality = &story["record"]["quality"];
    let figure = |side: &str, way: &str, key: &str| quality[side][way][key].as_f64();
    for side in ["caller", "callee"] {
        assert_eq!(quality[side]["codec"], "PCMA", "{story:#}");
        assert!(figure(side, "received", "packets") >= Some(50.0), "{story:#}");
        assert!(figure(side, "received", "jitter_ms").is_some(), "{story:#}");
        assert_eq!(figure(side, "sent", "loss_percent"), None, "the phones report nothing: {story:#}");
    }
    let (lossy, clean) =
        (figure("caller", "received", "loss_percent"), figure("callee", "received", "loss_percent"));
    assert!(lossy > Some(5.0) && lossy < Some(15.0), "each tenth packet is lost: {story:#}");
    assert!(clean < Some(1.0), "{story:#}");
}

/// Says packet after packet until it is over, but for each `lost`th.
fn talk(socket: &UdpSocket, to: SocketAddrV4, lost: Option<u16>, over: &AtomicBool) {
    for number in 0_u16.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let mut packet = [0xd5; 172];
        packet[..2].copy_from_slice(&[0x80, 8]);
        packet[2..4].copy_from_slice(&number.to_be_bytes());
        packet[4..8].copy_from_slice(&(u32::from(number) * 160).to_be_bytes());
        if lost.is_none_or(|each| number % each != 0) {
            // A packet that the system refuses is as good as lost.
            let _ = socket.send_to(&packet, to);
        }
        std::thread::sleep(FRAME);
    }
}
