//! rtpengine without its kernel module, one worker thread, driven by its own control protocol (bencoded dictionaries
//! over UDP).

use super::{Server, folder, pinned};
use crate::calls::Route;
use crate::sip::{session, session_media};
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Commands sent so far.
static COMMANDS: AtomicU32 = AtomicU32::new(0);

const CONTROL: &str = "127.0.0.10:22222";

pub fn start() -> Server {
    let folder = folder("rtpengine");
    let mut command = pinned("rtpengine");
    command.args(["--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--num-threads=1"]);
    command.args(["--interface=127.0.0.10", "--listen-ng", CONTROL, "--port-min=20000", "--port-max=39999"]);
    Server::start("rtpengine", folder, &mut command).await_ready(|_| ask(&[("command", "ping")]).is_some())
}

/// An offer and an answer for each call.
pub fn routes(count: u32, plan: &dyn Fn(u32) -> (SocketAddrV4, SocketAddrV4)) -> Vec<Option<Route>> {
    let route = |call: u32| {
        let (caller, callee) = plan(call);
        let id = format!("bench-{call}");
        let offer = session(caller);
        let offered = [("command", "offer"), ("call-id", &id), ("from-tag", "a"), ("sdp", &offer)];
        let from_callee = session_media(&ask(&offered)?)?;
        let answer = session(callee);
        let answered =
            [("command", "answer"), ("call-id", &id), ("from-tag", "a"), ("to-tag", "b"), ("sdp", &answer)];
        let from_caller = session_media(&ask(&answered)?)?;
        Some(Route { from_caller, from_callee })
    };
    (0..count).map(route).collect()
}

/// One command; the raw answer, in which a session description can be found as it is.
fn ask(fields: &[(&str, &str)]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.9:0").ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    let text = |s: &str| format!("{}:{s}", s.len());
    let body: String = fields.iter().map(|(name, value)| text(name) + &text(value)).collect();
    // A cookie seen before would be answered with what was said then.
    let cookie = COMMANDS.fetch_add(1, Ordering::Relaxed);
    socket.send_to(format!("{cookie} d{body}e").as_bytes(), CONTROL).ok()?;
    let mut buffer = vec![0; 65_536];
    let length = socket.recv(&mut buffer).ok()?;
    buffer.truncate(length);
    Some(buffer)
}
