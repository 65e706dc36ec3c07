//! Other people's probes: sipsak and sipvicious' svmap.

use std::net::SocketAddrV4;
use std::process::Command;

/// sipsak's OPTIONS to this user; its exit code and what it printed.
pub fn sipsak(user: &str, server: SocketAddrV4) -> (i32, String) {
    said(Command::new("sipsak").args(["-vv", "-s", &format!("sip:{user}@{server}")]))
}

/// svmap over one address; what it printed.
pub fn svmap(server: SocketAddrV4) -> String {
    let port = server.port().to_string();
    said(Command::new("svmap").args(["-p", &port, &server.ip().to_string()])).1
}

fn said(command: &mut Command) -> (i32, String) {
    let output =
        command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; run ./test, which installs it"));
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}
