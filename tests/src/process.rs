//! A program under a test's control: its output is collected, it is stopped by its own process id, and it never
//! outlives the test.

use crate::wait;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a program said so far.
type Said = Arc<Mutex<String>>;

/// A started program.
pub struct Process {
    name: String,
    child: Child,
    stdout: Said,
    stderr: Said,
    readers: Vec<JoinHandle<()>>,
    farewell: Farewell,
}

/// How a program is ended when its test is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// SIGKILL: nothing it does at its end matters.
    Kill,
    /// SIGTERM first: it has children to end.
    Terminate,
}

impl Process {
    /// Starts `program` with `arguments`. The kernel ends it when the test's thread dies without dropping this.
    pub fn start<I, S>(name: &str, program: &str, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = bound_to_us(program);
        command.args(arguments);
        Self::spawn(name, command)
    }

    /// Starts a prepared command, see [`bound_to_us`].
    pub fn spawn(name: &str, mut command: Command) -> Self {
        command.stdin(Stdio::null());
        Self::begin(name, command)
    }

    /// Starts a prepared command that takes orders on its standard input, see [`Process::say`].
    pub fn spawn_asking(name: &str, mut command: Command) -> Self {
        command.stdin(Stdio::piped());
        Self::begin(name, command)
    }

    fn begin(name: &str, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|e| panic!("{name} can't be started ({e}); run ./test, which installs it"));
        let (stdout, stderr) = (Said::default(), Said::default());
        let readers = vec![
            collect(child.stdout.take().expect("piped"), stdout.clone()),
            collect(child.stderr.take().expect("piped"), stderr.clone()),
        ];
        Self { name: name.into(), child, stdout, stderr, readers, farewell: Farewell::Kill }
    }

    /// Ends it by SIGTERM when dropped, SIGKILL only when that doesn't help.
    pub fn farewell(mut self, farewell: Farewell) -> Self {
        self.farewell = farewell;
        self
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything on standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.lock().expect("reader lives").clone()
    }

    /// Everything on standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("reader lives").clone()
    }

    /// Writes a line to its standard input.
    pub fn say(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().expect("started by spawn_asking");
        writeln!(input, "{line}").and_then(|()| input.flush()).expect("it listens");
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid() as i32) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until `text` appears on standard output; panics with both outputs when it ends first or takes too long.
    pub fn expect_output(&mut self, text: &str) {
        let found = wait::within(wait::PATIENCE, || {
            if self.stdout().contains(text) {
                return Some(true);
            }
            self.child.try_wait().ok().flatten().map(|_| self.stdout().contains(text))
        });
        assert!(found == Some(true), "{}: no {text:?}\n{}", self.name, self.last_words());
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end; the outputs are complete then.
    pub fn end_within(&mut self, patience: Duration) -> Option<ExitStatus> {
        let status = wait::within(patience, || self.child.try_wait().ok().flatten())?;
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        Some(status)
    }

    /// Kills it and its descendants (what a tracer traces) at once, and waits until all are gone.
    pub fn kill(&mut self) {
        let family = descendants(self.pid());
        for pid in family.iter().filter_map(|pid| Pid::from_raw(*pid as i32)) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = wait::within(wait::PATIENCE, || family.iter().all(|pid| !lives(*pid)).then_some(()));
    }

    /// The ends of both outputs, for a failure's message.
    pub fn last_words(&self) -> String {
        format!("--- {} stdout\n{}\n--- stderr\n{}", self.name, tail(&self.stdout()), tail(&self.stderr()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.farewell == Farewell::Terminate && self.ended().is_none() {
            self.signal(Signal::TERM);
            let _ = self.end_within(Duration::from_secs(3));
        }
        self.kill();
    }
}

/// A command whose process the kernel kills when we die.
pub fn bound_to_us(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// The living children of a process, and theirs.
fn descendants(pid: u32) -> Vec<u32> {
    let children = |pid: u32| {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists = threads.filter_map(|t| std::fs::read_to_string(t.path().join("children")).ok());
        lists
            .flat_map(|l| l.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<u32>>())
            .collect::<Vec<_>>()
    };
    let mut family = children(pid);
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(children(parent));
        next += 1;
    }
    family
}

/// Whether a process still runs; a zombie doesn't.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn collect(from: impl Read + Send + 'static, to: Said) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            to.lock().expect("reader lives").push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

/// The last 4,000 characters: enough to see why, short enough to read.
fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(4000);
    text.chars().skip(skip).collect()
}
