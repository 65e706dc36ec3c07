//! SIPp with scenarios of our own (`tests/scenarios/*.xml`): phones that follow a script to the letter and say where
//! it was left.

use crate::config::password_of;
use crate::place::{self, Place};
use crate::process::Process;
use std::net::SocketAddrV4;
use std::time::Duration;

/// A prepared SIPp.
pub struct Sipp {
    scenario: String,
    replacements: Vec<(String, String)>,
    from: SocketAddrV4,
    to: SocketAddrV4,
    arguments: Vec<String>,
    rows: Vec<String>,
    order: &'static str,
    calls: u32,
}

/// A SIPp at work.
pub struct Running {
    /// Where it listens.
    pub from: SocketAddrV4,
    scenario: String,
    process: Process,
    place: Place,
}

impl Sipp {
    /// A scenario by its file's name, from a fresh address to this server, one call.
    pub fn new(scenario: &str, to: SocketAddrV4) -> Self {
        Self {
            scenario: scenario.into(),
            replacements: Vec::new(),
            from: place::sip_address(),
            to,
            arguments: Vec::new(),
            rows: Vec::new(),
            order: "SEQUENTIAL",
            calls: 1,
        }
    }

    /// From this address.
    pub fn from(mut self, address: SocketAddrV4) -> Self {
        self.from = address;
        self
    }

    /// One row of users: the caller (with its password) and whom it calls. Rows are taken in turn.
    pub fn row(mut self, caller: &str, callee: &str) -> Self {
        let password = password_of(caller);
        self.rows.push(format!("{caller};[authentication username={caller} password={password}];{callee}"));
        self
    }

    /// Rows are taken at random rather than in turn.
    pub fn at_random(mut self) -> Self {
        self.order = "RANDOM";
        self
    }

    /// So many calls in all.
    pub fn calls(mut self, calls: u32) -> Self {
        self.calls = calls;
        self
    }

    /// So many calls a second, at most `limit` at once.
    pub fn rate(self, rate: u32, limit: u32) -> Self {
        self.arguments(&["-r", &rate.to_string(), "-l", &limit.to_string()])
    }

    /// Further options of SIPp's.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    /// Replaces `@NAME@` in the scenario.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.replacements.push((format!("@{name}@"), value.into()));
        self
    }

    /// Starts it.
    pub fn start(self) -> Running {
        let place = Place::new(&self.scenario);
        let mut xml = scenario(&format!("{}.xml", self.scenario));
        for (name, value) in &self.replacements {
            xml = xml.replace(name, value);
        }
        for (name, value) in DEFAULTS {
            xml = xml.replace(&format!("@{name}@"), value);
        }
        let file = place.write("scenario.xml", &xml);
        let mut words: Vec<String> = vec![self.to.to_string()];
        let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
        option("-sf", file.display().to_string());
        option("-i", self.from.ip().to_string());
        option("-p", self.from.port().to_string());
        option("-m", self.calls.to_string());
        option("-error_file", place.join("errors").display().to_string());
        option("-message_file", place.join("messages").display().to_string());
        if !self.rows.is_empty() {
            let table = format!("{}\n{}\n", self.order, self.rows.join("\n"));
            option("-inf", place.write("users.csv", &table).display().to_string());
        }
        words.extend(["-nostdin", "-trace_err"].map(String::from));
        if self.calls <= TRACED_CALLS {
            words.push("-trace_msg".into());
        }
        words.extend(self.arguments);
        let process = Process::start(&self.scenario, "sipp", &words);
        Running { from: self.from, scenario: self.scenario, process, place }
    }

    /// Runs it to its end; panics unless every call went by the script.
    pub fn run(self) {
        self.start().succeed();
    }
}

/// A scenario's text, with each line `@part NAME@` replaced by `parts/NAME.txt`, which may have parts itself.
fn scenario(file: &str) -> String {
    let path = crate::pbx::root().join("tests/scenarios").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let line = |line: &str| {
        let part = line.strip_prefix("@part ").and_then(|rest| rest.strip_suffix('@'));
        part.map_or_else(|| format!("{line}\n"), |name| scenario(&format!("parts/{name}.txt")))
    };
    text.lines().map(line).collect()
}

/// Up to so many calls are traced message by message, for a failure's report.
const TRACED_CALLS: u32 = 20;
/// Characters of a trace that a report tells: all messages of so many calls.
const TOLD: usize = 300_000;
/// SIPp's own patience is longer than any scenario of one call; thousands of calls set their own.
const END_WITHIN: Duration = Duration::from_secs(60);
/// What scenarios leave open, and what stands there unless a test says otherwise.
const DEFAULTS: [(&str, &str); 9] = [
    ("CODE", "486"),
    ("REASON", "Busy Here"),
    ("HOLD_MS", "200"),
    ("RING_MS", "100"),
    ("EXPIRES", "600"),
    ("MATCH", ".*"),
    ("LINGER_MS", "500"),
    ("ACK_MAY_MISS", "false"),
    // Percent; below zero: as everything else.
    ("RINGING_LOST", "-1"),
];

/// What a CANCEL must say when another phone answered (RFC 3326).
pub const COMPLETED_ELSEWHERE: &str = "Reason:[ ]*SIP[ ]*;.*cause=200.*ompleted elsewhere";

impl Running {
    /// Waits for its end; panics unless every call went by the script.
    pub fn succeed(self) {
        self.succeed_within(END_WITHIN);
    }

    /// As [`Running::succeed`], for long runs.
    pub fn succeed_within(mut self, patience: Duration) {
        let status = self.process.end_within(patience);
        let right = status.is_some_and(|s| s.success());
        assert!(right, "{}: {}", self.scenario, status.map_or("still running".into(), |s| s.to_string()));
    }

    /// Stops it whatever it is doing (a phone that waits for calls), and waits until it is gone.
    pub fn stop(mut self) {
        self.process.kill();
    }

    /// Waits until it listens.
    pub fn listening(self) -> Self {
        let (ip, port) = (self.from.ip().octets(), self.from.port());
        let [a, b, c, d] = ip;
        let entry = format!("{d:02X}{c:02X}{b:02X}{a:02X}:{port:04X}");
        crate::wait::until(&format!("{} listens", self.scenario), || {
            std::fs::read_to_string("/proc/net/udp").ok()?.contains(&entry).then_some(())
        });
        self
    }

    fn report(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.place.join(name)).unwrap_or_default();
        let (errors, messages) = (read("errors"), read("messages"));
        let cut = |text: &str| text.chars().take(TOLD).collect::<String>();
        format!(
            "--- errors\n{}\n--- messages\n{}\n{}",
            cut(&errors),
            cut(&messages),
            self.process.last_words()
        )
    }
}

/// The other side of what failed says what it saw.
impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{}", self.scenario, self.report());
        }
    }
}

/// Registers these numbers from one address, so that a scenario that waits there for calls is found.
pub fn register(numbers: &[&str], from: SocketAddrV4, server: SocketAddrV4) {
    let calls = numbers.len() as u32;
    let sipp = Sipp::new("register", server).from(from).calls(calls).rate(100, 50);
    numbers.iter().fold(sipp, |sipp, number| sipp.row(number, number)).run();
}

/// A registered phone that waits for calls by this scenario.
pub fn phone(scenario: &str, number: &str, server: SocketAddrV4) -> Sipp {
    let from = place::sip_address();
    register(&[number], from, server);
    Sipp::new(scenario, server).from(from)
}
