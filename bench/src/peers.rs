//! The servers under load: ours and those it is measured beside. Each runs pinned to one core, on addresses of its own.

mod bare;
mod kamailio;
mod ringwall;
mod rtpengine;

pub use bare::relay;
pub use ringwall::{binary, office};

use crate::calls::Route;
use rustix::process::{Pid, Signal, kill_process};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The core that servers are pinned to; the load takes the other.
const SERVERS_CORE: &str = "0";
/// The first extension's number; as many as asked follow.
pub const FIRST_NUMBER: usize = 10_000;
/// Where every server listens: one runs at a time.
pub const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 10), 15060);

/// Where they listen for TLS.
pub const SECURE_SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 10), 15061);

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// Ours.
    Ringwall,
    /// Kamailio as registrar and proxy, without media.
    Kamailio,
    /// rtpengine in user space, one thread: media only.
    Rtpengine,
    /// A loop of epoll, recv and send: media only.
    Bare,
}

/// A running server.
pub struct Server {
    /// Its process, the parent of its others.
    pub pid: u32,
    /// What it keeps.
    pub folder: PathBuf,
    child: Child,
}

/// The numbers of so many extensions.
pub fn numbers(count: usize) -> Vec<String> {
    (FIRST_NUMBER..FIRST_NUMBER + count).map(|n| n.to_string()).collect()
}

impl Peer {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ringwall => "Ringwall",
            Self::Kamailio => "Kamailio",
            Self::Rtpengine => "rtpengine",
            Self::Bare => "bare loop",
        }
    }

    /// Starts it with so many users.
    pub fn start(self, users: usize) -> Server {
        match self {
            Self::Ringwall => ringwall::start(users),
            Self::Kamailio => kamailio::start(users),
            Self::Rtpengine => rtpengine::start(),
            Self::Bare => bare::start(users),
        }
    }

    /// Starts it with so many users whose phones come over TLS.
    pub fn start_secure(self, users: usize) -> Server {
        match self {
            Self::Kamailio => kamailio::start_secure(users),
            other => other.start(users),
        }
    }

    /// Opens media for so many calls at a server that has no calls of its own.
    pub fn media_routes(
        self,
        count: u32,
        plan: &dyn Fn(u32) -> (SocketAddrV4, SocketAddrV4),
    ) -> Vec<Option<Route>> {
        match self {
            Self::Rtpengine => rtpengine::routes(count, plan),
            Self::Bare => bare::routes(count),
            Self::Ringwall | Self::Kamailio => Vec::new(),
        }
    }
}

impl Server {
    /// Starts a program on the servers' core; what it says goes to `FOLDER/said`.
    fn start(name: &str, folder: PathBuf, command: &mut Command) -> Self {
        let said = std::fs::File::create(folder.join("said")).expect("a file in its folder");
        let copy = said.try_clone().expect("a file");
        let child = command.stdin(Stdio::null()).stdout(copy).stderr(said).spawn();
        let child = child.unwrap_or_else(|e| panic!("{name} can't be started: {e}; ./test installs it"));
        Self { pid: child.id(), folder, child }
    }

    /// What it printed.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.folder.join("said")).unwrap_or_default()
    }

    /// Whether it still runs.
    pub fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for a condition; panics with what the server said.
    fn await_ready(mut self, mut ready: impl FnMut(&Self) -> bool) -> Self {
        let begin = Instant::now();
        while !ready(&self) {
            let patient = begin.elapsed() < Duration::from_secs(60) && self.lives();
            assert!(patient, "not ready: {}", self.said());
            std::thread::sleep(Duration::from_millis(2));
        }
        self
    }

    /// Ends it in order and starts it again on what it has kept. Ours only.
    pub fn restart(&mut self) {
        self.stop();
        ringwall::resume(self);
    }

    /// Ends it in order, and by force if that takes long; its folder stays.
    pub fn stop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.pid as i32).filter(|_| self.lives()) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let begin = Instant::now();
        while self.lives() && begin.elapsed() < Duration::from_secs(15) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A command on the servers' core, ended by the kernel when we die.
fn pinned(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--", "taskset", "-c", SERVERS_CORE, program]);
    command
}

/// A new folder for a server.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("bench-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}
