//! The name server falls silent.

use crate::common::{Pair, expect_logged, expect_no_trouble};
use blackbox::{Office, Pbx, Place, place, wait};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where `office.test` leads.
const LEADS_TO: [u8; 4] = [192, 0, 2, 7];

/// Answers each question for an A record with [`LEADS_TO`] for 5 s, any other with nothing, and while it is mute none.
fn name_server(at: SocketAddr) -> Arc<AtomicBool> {
    let socket = UdpSocket::bind(at).expect("an address of our own, as root");
    let mute = Arc::new(AtomicBool::new(false));
    let silent = mute.clone();
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question) {
            if !silent.load(Ordering::Relaxed) {
                let _ = socket.send_to(&answer(&question[..length]), from);
            }
        }
    });
    mute
}

/// RFC 1035 section 4.1, the question as it came and without additional records.
fn answer(asked: &[u8]) -> Vec<u8> {
    let name = asked[12..].iter().position(|byte| *byte == 0).expect("a name's end") + 13;
    let is_a = asked[name..name + 2] == [0, 1];
    let mut text = asked[..2].to_vec();
    text.extend([0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
    text.extend(&asked[12..name + 4]);
    if is_a {
        text.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4]);
        text.extend(LEADS_TO);
    }
    text
}

#[test]
fn when_the_name_server_falls_silent_calls_go_on_and_the_name_is_named_until_it_answers() {
    let (folder, at) = (Place::new("names"), place::address());
    let mute = name_server(SocketAddr::from((at, 53)));
    let file = folder.write("resolv.conf", &format!("nameserver {at}\noptions timeout:1 attempts:1\n"));
    let script = format!("mount --bind {} /etc/resolv.conf && exec \"$0\" \"$@\"", file.display());
    let mut pbx = Pbx::prepare(Office::of(101, 2).with_old_phones());
    pbx.reconfigure(|office| {
        office.more =
            "[[address_groups]]\nname = \"Let in\"\nmembers = [\"127.0.0.0/8\", \"host:office.test\"]\n\
                       [firewall]\nsip = \"Let in\"\n"
                .into();
    });
    pbx.next_under(&["unshare", "--mount", "sh", "-c", &script]);
    pbx.launch();
    let mut pair = Pair::of(&pbx);
    pair.talk();
    mute.store(true, Ordering::Relaxed);
    let named = wait::until("the name is named", || {
        let troubles = pbx.status()["troubles"].to_string();
        troubles.contains("host name office.test").then_some(troubles)
    });
    assert!(named.contains("name server"), "what to do is said: {named}");
    assert!(pbx.run(&["check"]).stdout.contains("office.test"));
    expect_logged(&pbx, "warning", "net.host-unresolved");
    pair.hear();
    pair.hang_up();
    pair.talk();
    pair.hang_up();

    mute.store(false, Ordering::Relaxed);
    expect_no_trouble(&pbx);
    pair.talk();
    pair.hang_up();
    pbx.expect_nothing_held();
}
