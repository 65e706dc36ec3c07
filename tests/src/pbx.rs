//! The server under test: the real binary, its own data folder, its own addresses. Everything is asked through its
//! command line, as a script would.

use crate::config::Office;
use crate::place::{self, Place};
use crate::process::{Farewell, Process, bound_to_us};
use crate::wait;
use crate::way::{Transport, Version, Way};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// What one run of a command gave.
#[derive(Debug)]
pub struct Answer {
    /// The exit code; see the command line's contract.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Answer {
    /// Panics unless the command succeeded.
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "exit {}\n{}\n{}", self.code, self.stdout, self.stderr);
        self.stdout
    }
}

/// A server, running or not, on a folder that goes away with it.
pub struct Pbx {
    /// Where its data is.
    pub place: Place,
    /// The address of SIP over UDP and TCP.
    pub sip: SocketAddrV4,
    doors: Vec<(Way, SocketAddr)>,
    process: Option<Process>,
    office: Office,
    wrapper: Vec<String>,
    weakness: Option<&'static str>,
    other_data: Option<PathBuf>,
}

impl Pbx {
    /// Starts a server for this office and waits until it is ready.
    pub fn start(office: Office) -> Self {
        let mut pbx = Self::prepare(office);
        pbx.launch();
        pbx
    }

    /// A folder, an address and a configuration; nothing runs yet.
    pub fn prepare(mut office: Office) -> Self {
        let sip = place::sip_address();
        if office.listen.is_empty() {
            office.listen = format!(
                "sip_udp = [\"{sip}\"]\nsip_tcp = [\"{sip}\"]\nsip_tls = []\nconsole = []\nmedia_ports = \"10000-19999\"\n"
            );
        }
        if office.domain.is_empty() {
            office.domain = sip.ip().to_string();
        }
        let doors = vec![(Way::USUAL, sip.into())];
        let place = Place::new("pbx");
        Self {
            place,
            sip,
            doors,
            process: None,
            office,
            wrapper: Vec::new(),
            weakness: None,
            other_data: None,
        }
    }

    /// Starts a server that is reached by each transport over IPv4 and over IPv6, and waits until it is ready.
    pub fn start_dual_stack(office: Office, transports: &[Transport]) -> Self {
        let mut pbx = Self::prepare(office);
        pbx.doors.clear();
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, place::free_port()));
        let mut lines = String::from("console = []\nmedia_ports = \"10000-19999\"\n");
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            let (mut v4, mut v6) = (SocketAddr::from(pbx.sip), v6);
            if transport == Transport::Tls {
                v4.set_port(5061);
                v6.set_port(place::free_port());
            }
            let name = transport.parameter();
            if transports.contains(&transport) {
                // A phone that knows the server as `localhost` may come over IPv4 just as well.
                let also = SocketAddr::from((Ipv4Addr::LOCALHOST, v6.port()));
                lines.push_str(&format!("sip_{name} = [\"{v4}\", \"{v6}\", \"{also}\"]\n"));
                pbx.doors.push((Way { transport, version: Version::V4 }, v4));
                pbx.doors.push((Way { transport, version: Version::V6 }, v6));
            } else {
                lines.push_str(&format!("sip_{name} = []\n"));
            }
        }
        pbx.office.listen = lines;
        pbx.launch();
        pbx
    }

    /// Where it is reached by this transport over this IP.
    pub fn door(&self, transport: Transport, version: Version) -> SocketAddr {
        let way = Way { transport, version };
        self.doors.iter().find(|(w, _)| *w == way).map_or_else(|| panic!("no door for {way}"), |(_, at)| *at)
    }

    /// The certificate of its authority, as a file that phones are given (`ringwall ca`).
    pub fn authority(&self) -> PathBuf {
        self.place.write("authority.pem", &self.run(&["ca"]).done())
    }

    /// Every way by which it is reached, and where.
    pub fn doors(&self) -> &[(Way, SocketAddr)] {
        &self.doors
    }

    /// Changes the configuration of the next start.
    pub fn reconfigure(&mut self, change: impl FnOnce(&mut Office)) {
        change(&mut self.office);
    }

    /// With this weakness planted (docs/decisions/0025).
    pub fn weakened(mut self, weakness: &'static str) -> Self {
        self.weakness = Some(weakness);
        self
    }

    /// Puts words before the server's command line (a tracer, a namespace).
    pub fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
        self
    }

    /// As [`Pbx::under`], for the next start.
    pub fn next_under(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(ToString::to_string).collect();
    }

    /// The same server at another address (another namespace's).
    pub fn at(mut self, sip: SocketAddrV4) -> Self {
        let (old, new) = (self.sip.to_string(), sip.to_string());
        self.office.listen = self.office.listen.replace(&old, &new);
        self.office.domain = self.office.domain.replace(&self.sip.ip().to_string(), &sip.ip().to_string());
        self.sip = sip;
        self
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.other_data.clone().unwrap_or_else(|| self.place.join("data"))
    }

    /// Starts it with its configuration and waits for `ready`.
    pub fn launch(&mut self) {
        self.begin();
        let process = self.process.as_mut().expect("just begun");
        process.expect_output("ready\n");
    }

    /// Starts it with its configuration and doesn't wait.
    pub fn begin(&mut self) {
        let file = self.place.write("office.toml", &self.office.toml());
        self.begin_with(&["--apply", &file.to_string_lossy()]);
    }

    /// Starts it with its configuration on another folder and doesn't wait.
    pub fn begin_in(&mut self, data: &Path) {
        self.other_data = Some(data.to_path_buf());
        self.begin();
    }

    /// Starts it on what is already in its folder and waits for `ready`.
    pub fn restart(&mut self) {
        self.begin_with(&[]);
        self.process.as_mut().expect("just begun").expect_output("ready\n");
    }

    /// Starts `serve` with these further arguments and doesn't wait.
    pub fn begin_with(&mut self, arguments: &[&str]) {
        let mut words = self.wrapper.clone();
        let program = if self.weakness.is_some() { weak_binary() } else { binary() };
        words.extend([program.display().to_string(), "serve".into(), "--data".into()]);
        words.push(self.data().display().to_string());
        words.extend(arguments.iter().map(ToString::to_string));
        let mut command = bound_to_us(&words[0]);
        command
            .args(&words[1..])
            .env_remove("RINGWALL_DATA")
            .env("RINGWALL_ADMIN_PASSWORD", "correct horse battery staple");
        if let Some(weakness) = self.weakness {
            command.env("RINGWALL_WEAKNESS", weakness);
        }
        let farewell = if self.wrapper.is_empty() { Farewell::Kill } else { Farewell::Terminate };
        self.process = Some(Process::spawn("ringwall", command).farewell(farewell));
    }

    /// The running process.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("the server was started")
    }

    /// Runs one command against this server.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        run(&[arguments, &["--data", &self.data().to_string_lossy()]].concat())
    }

    /// Runs one command and reads its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(arguments).done();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{arguments:?}: {e}\n{text}"))
    }

    /// Applies TOML text.
    pub fn apply(&self, toml: &str, options: &[&str]) -> Answer {
        let file = self.place.write("change.toml", toml);
        self.run(&[&["apply", &file.to_string_lossy()], options].concat())
    }

    /// `ringwall status --json`.
    pub fn status(&self) -> Value {
        self.json(&["status", "--json"])
    }

    /// `ringwall history --json`, oldest first.
    pub fn history(&self) -> Vec<Value> {
        list(self.json(&["history", "--json", "--limit", "1000000"]))
    }

    /// `ringwall calls --json`.
    pub fn calls(&self) -> Vec<Value> {
        list(self.json(&["calls", "--json"]))
    }

    /// `ringwall registrations --json`.
    pub fn registrations(&self) -> Vec<Value> {
        list(self.json(&["registrations", "--json"]))
    }

    /// Waits until so many contacts are registered.
    pub fn expect_registrations(&self, count: usize) {
        wait::until(&format!("{count} registrations"), || {
            (self.registrations().len() == count).then_some(())
        });
    }

    /// Waits until no call, leg, dialog, transaction or port is held. Transactions linger up to 32 s by RFC 3261.
    pub fn expect_nothing_held(&self) {
        let mut last = Value::Null;
        let zero = |held: &Value, key: &str| held[key].as_u64() == Some(0);
        let empty = wait::within(Duration::from_secs(60), || {
            last = self.status();
            let held = &last["held"];
            let nothing =
                ["transactions", "dialogs", "legs", "media_ports"].iter().all(|key| zero(held, key));
            (nothing && last["calls"].as_u64() == Some(0)).then_some(())
        });
        assert!(empty.is_some(), "still held: {last:#}");
    }

    /// Waits until there are exactly so many call records, all of calls that have ended, and says them.
    pub fn expect_records(&self, count: usize) -> Vec<Value> {
        let mut last = Vec::new();
        let found = wait::within(wait::PATIENCE, || {
            last = self.history();
            (last.len() == count && last.iter().all(|r| r["result"].is_string())).then_some(())
        });
        assert!(found.is_some(), "{} records instead of {count}: {last:#?}", last.len());
        last
    }

    /// SIGTERM, then the exit status.
    pub fn terminate(&mut self) -> ExitStatus {
        let process = self.process();
        process.signal(Signal::TERM);
        let status = process.end_within(wait::PATIENCE);
        status.unwrap_or_else(|| panic!("not ended by SIGTERM\n{}", self.process().last_words()))
    }

    /// SIGKILL, as a crash.
    pub fn crash(&mut self) {
        self.process().kill();
        self.expect_free_folder();
    }

    /// Waits until nobody holds the data folder: the kernel lets go of a killed server's lock a moment after its parent
    /// has seen it end, if threads of it were in the middle of a sync.
    pub fn expect_free_folder(&self) {
        let lock = self.data().join("lock");
        wait::until("the data folder to be free", || {
            let Ok(file) = File::open(&lock) else { return Some(()) };
            file.try_lock().is_ok().then_some(())
        });
    }
}

/// Lines of the log that a failure tells.
const LAST_LINES: usize = 200;

impl Drop for Pbx {
    fn drop(&mut self) {
        let log = self.data().join("logs/debug.log");
        let Some(process) = &mut self.process else { return };
        if std::thread::panicking() {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            let first = log.lines().count().saturating_sub(LAST_LINES);
            let last: Vec<&str> = log.lines().skip(first).collect();
            eprintln!("{}\n--- its log\n{}", process.last_words(), last.join("\n"));
        }
        process.kill();
    }
}

/// Runs the binary with these arguments to its end.
pub fn run(arguments: &[&str]) -> Answer {
    let output = Command::new(binary())
        .args(arguments)
        .env_remove("RINGWALL_DATA")
        .output()
        .unwrap_or_else(|e| panic!("{}: {e}", binary().display()));
    Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The binary under test: `RINGWALL_BIN`, else what `cargo build` left, the release one first.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("RINGWALL_BIN") {
        return path.into();
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let found = ["release", "debug"].iter().map(|p| target.join(p).join("ringwall")).find(|p| p.exists());
    found.expect("no binary to test: run `cargo build --release -p ringwall`, or set RINGWALL_BIN")
}

/// The same with weaknesses to be planted (docs/decisions/0025): `RINGWALL_WEAK_BIN`, else what was built with the feature.
fn weak_binary() -> PathBuf {
    if let Some(path) = std::env::var_os("RINGWALL_WEAK_BIN") {
        return path.into();
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let path = target.join("debug/ringwall-weak");
    assert!(
        path.exists(),
        "no weak binary: run `cargo build -p ringwall --bin ringwall-weak --features weakness`"
    );
    path
}

/// The project's top folder.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the project").to_path_buf()
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => panic!("a list was expected: {other}"),
    }
}
