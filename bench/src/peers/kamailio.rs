//! Kamailio with the configuration in `bench/peers/kamailio.cfg`.

use super::{FIRST_NUMBER, SERVER, Server, folder, pinned};
use crate::digest::PASSWORD;
use std::net::UdpSocket;
use std::time::Duration;

const CONFIG: &str = include_str!("../../peers/kamailio.cfg");

pub fn start(users: usize) -> Server {
    let folder = folder("kamailio");
    let config = CONFIG
        .replace("@LISTEN@", &SERVER.to_string())
        .replace("@USERS@", &users.to_string())
        .replace("@FIRST@", &FIRST_NUMBER.to_string())
        .replace("@PASSWORD@", PASSWORD);
    let file = folder.join("kamailio.cfg");
    std::fs::write(&file, config).expect("a file in its folder");
    let mut command = pinned("kamailio");
    command.args(["-DD", "-E", "-m", "256", "-M", "32", "-f"]).arg(&file);
    command.arg("-Y").arg(&folder).arg("-P").arg(folder.join("pid"));
    let knock = UdpSocket::bind("127.0.0.9:0").expect("a socket");
    knock.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    Server::start("kamailio", folder, &mut command).await_ready(|_| {
        let me = knock.local_addr().expect("bound");
        let text = format!(
            "OPTIONS sip:{SERVER} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK-knock\r\nMax-Forwards: 0\r\n\
             From: <sip:knock@{me}>;tag=k\r\nTo: <sip:{SERVER}>\r\nCall-ID: knock@{me}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        let _ = knock.send_to(text.as_bytes(), SERVER);
        knock.recv(&mut [0; 2048]).is_ok()
    })
}
