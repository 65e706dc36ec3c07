//! Kernel offload: what the gate refuses is told to nftables, so that a flood of it costs the process nothing (SPEC R4.8,
//! decision 20).
//!
//! [`Offload`] is told what changes and never waits; a thread of its own tells the kernel, many changes in one
//! transaction. The gate remains the truth: the kernel only ever drops what the gate would refuse, and where it can't be
//! told, the process goes on alone. The table `inet ringwall` belongs to our socket and goes with it, whatever ends the
//! process. Nothing else of nftables is touched. Not here: who is refused (`guard`).

mod mirror;
mod netlink;
mod rule;
mod socket;
mod table;
mod worker;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use guard::{Rows, Service};
use ipnet::IpNet;
use model::config::KernelOffload;

use crate::{Clock, Effects};

use self::mirror::{Changes, Finishing};
pub use self::mirror::{Place, Until, places};
use self::table::Ownership;
use self::worker::Worker;

/// How long blocks are gathered before they are written: a commit costs the kernel about the same for one as for many.
const GATHER: Duration = Duration::from_millis(50);

/// How long an administrator's command waits for the kernel; it takes milliseconds, or something is wrong.
const SETTLE: Duration = Duration::from_secs(2);

/// How it stands, as `status` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Switched off by the configuration, or the server stops.
    Off,
    /// The kernel refuses what the gate does.
    On,
    /// The same, with a table that is nobody's: this kernel knows no owners of tables.
    OnUnowned,
    /// The process refuses alone, and why.
    Unavailable(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Off => f.write_str("off"),
            State::On => f.write_str("on"),
            State::OnUnowned => f.write_str(
                "on, in a table that outlives a crash until the next start (Linux before 5.12 knows no owners of tables)",
            ),
            State::Unavailable(why) => write!(f, "unavailable: {why}"),
        }
    }
}

/// The way to the kernel. Whoever calls it does not wait.
pub struct Offload {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the callers and the thread share.
struct Shared {
    wanted: Mutex<Wanted>,
    bell: Condvar,
    settled: Condvar,
    state: Mutex<State>,
}

/// What the thread has to do.
struct Wanted {
    setting: KernelOffload,
    changes: Changes,
    /// How often somebody has asked to be told when all is written ...
    asked: u64,
    /// ... and which of them has been.
    answered: u64,
    is_stopping: bool,
}

/// What the thread is given at a time.
struct Turn {
    setting: KernelOffload,
    changes: Changes,
    asked: u64,
}

impl Offload {
    /// Starts the thread, switched off until [`Offload::switch`]. What it has to report goes to `effects`.
    ///
    /// # Errors
    /// No thread is free.
    pub fn start(clock: Clock, effects: Arc<dyn Effects>) -> io::Result<Offload> {
        Offload::start_as(clock, effects, Ownership::Socket)
    }

    fn start_as(clock: Clock, effects: Arc<dyn Effects>, wish: Ownership) -> io::Result<Offload> {
        let shared = Arc::new(Shared {
            wanted: Mutex::new(Wanted {
                setting: KernelOffload::Off,
                changes: Changes::default(),
                asked: 0,
                answered: 0,
                is_stopping: false,
            }),
            bell: Condvar::new(),
            settled: Condvar::new(),
            state: Mutex::new(State::Off),
        });
        let worker = Worker::new(shared.clone(), clock, effects, wish);
        let thread = std::thread::Builder::new().name("kernel".into()).spawn(move || worker.run())?;
        Ok(Offload { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Switches it on, if the kernel lets us, or off.
    pub fn switch(&self, setting: KernelOffload) {
        self.shared.wanted().setting = setting;
        self.shared.bell.notify_one();
    }

    /// Where we listen from now on.
    pub fn listen(&self, places: Vec<Place>) {
        self.change(|changes| changes.places = Some(places));
    }

    /// Who reaches which service from now on.
    pub fn set_rows(&self, rows: Arc<Rows>) {
        self.change(|changes| changes.rows = Some(rows));
    }

    /// Which flows of refused addresses may finish; those of before may not any more.
    pub fn set_established(&self, flows: impl IntoIterator<Item = (Service, SocketAddr)>) {
        let flows = flows.into_iter().filter_map(Finishing::of).collect();
        self.change(|changes| changes.finishing = Some(flows));
    }

    /// Blocks an address or network until then, or until other word comes.
    pub fn block(&self, prefix: IpNet, until: Until) {
        self.change(|changes| changes.block(prefix.trunc(), Some(until)));
    }

    /// Lifts exactly this block.
    pub fn unblock(&self, prefix: IpNet) {
        self.change(|changes| changes.block(prefix.trunc(), None));
    }

    /// Waits until the kernel has been told all, or can't be: so that who is let in again is, when the administrator is
    /// told so. At most for `SETTLE`.
    pub fn settle(&self) {
        let mut wanted = self.shared.wanted();
        wanted.asked += 1;
        let mine = wanted.asked;
        self.shared.bell.notify_one();
        let _ = self
            .shared
            .settled
            .wait_timeout_while(wanted, SETTLE, |wanted| wanted.answered < mine && !wanted.is_stopping);
    }

    /// How it stands.
    pub fn state(&self) -> State {
        self.shared.state().clone()
    }

    /// Takes the table away and ends the thread; waits for both.
    pub fn stop(&self) {
        self.shared.wanted().is_stopping = true;
        self.shared.bell.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A thread that panicked has said so on stderr.
        let _ = thread.map(JoinHandle::join);
    }

    fn change(&self, change: impl FnOnce(&mut Changes)) {
        change(&mut self.shared.wanted().changes);
        self.shared.bell.notify_one();
    }
}

impl Drop for Offload {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, state: State) {
        *self.state() = state;
    }

    /// Waits for something to do, or for `deadline`; `None`: the end. Blocks are gathered a while; what opens is not.
    /// `done`: all that was asked before is written.
    fn next(&self, deadline: Instant, (setting, done): (KernelOffload, u64)) -> Option<Turn> {
        let mut gathered: Option<Instant> = None;
        let mut wanted = self.wanted();
        if wanted.answered < done {
            wanted.answered = done;
            self.settled.notify_all();
        }
        loop {
            if wanted.is_stopping {
                self.settled.notify_all();
                return None;
            }
            let now = Instant::now();
            if !wanted.changes.is_empty() {
                gathered.get_or_insert(now + GATHER);
            }
            let until = gathered.map_or(deadline, |at| at.min(deadline));
            let is_awaited = wanted.asked > wanted.answered || wanted.setting != setting;
            if is_awaited || wanted.changes.is_urgent() || now >= until {
                let changes = std::mem::take(&mut wanted.changes);
                return Some(Turn { setting: wanted.setting, changes, asked: wanted.asked });
            }
            let waited = self.bell.wait_timeout(wanted, until - now);
            wanted = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
