//! Kamailio with the configuration in `bench/peers/kamailio.cfg`.

use super::{FIRST_NUMBER, SECURE_SERVER, SERVER, Server, folder, pinned};
use crate::digest::PASSWORD;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const CONFIG: &str = include_str!("../../peers/kamailio.cfg");

/// As a registrar over UDP alone.
pub fn start(users: usize) -> Server {
    run(users, folder("kamailio"), "")
}

/// The same over TLS too, with a P-256 certificate, as ours.
pub fn start_secure(users: usize) -> Server {
    let folder = folder("kamailio");
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=127.0.0.10", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("openssl is there");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let tls = format!(
        "enable_tls=yes\ntcp_children=1\ntcp_max_connections=8192\ntls_max_connections=8192\ntcp_connection_lifetime=3600\n\
         listen=tls:{SECURE_SERVER}\nloadmodule \"tls.so\"\nmodparam(\"tls\", \"tls_method\", \"TLSv1.2+\")\n\
         modparam(\"tls\", \"private_key\", \"{}\")\nmodparam(\"tls\", \"certificate\", \"{}\")\n",
        key.display(),
        certificate.display()
    );
    run(users, folder, &tls)
}

fn run(users: usize, folder: PathBuf, tls: &str) -> Server {
    let config = CONFIG
        .replace("disable_tcp=yes", if tls.is_empty() { "disable_tcp=yes" } else { "disable_tcp=no" })
        .replace("@TLS@", tls)
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
