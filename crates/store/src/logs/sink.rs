//! Where events go: a bounded queue that never makes its callers wait, and the thread that writes it out.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use model::config::Logs;
use model::event::{Class, Event, Kind, Level};

use super::rotate::{Limits, RotatedFile};
use super::{LOGS, Log};
use crate::folder::make_folder;

/// Events that wait to be written: a burst of 160,000 a second for 50 ms. Beyond, lines are dropped and
/// counted, and the count is a line itself.
pub const QUEUE: usize = 8_192;
/// Of these, lines that matter least may take only so many: what a scanner causes at will must not push out that
/// somebody guesses passwords or that the disk fails.
pub const DEBUG_SHARE: usize = QUEUE / 4;
/// And lines that are not about security may take so many.
pub const COMMON_SHARE: usize = QUEUE / 4 * 3;
/// How long the writer gathers lines, so that a busy server costs it one wake-up for many.
const GATHER: Duration = Duration::from_millis(50);
/// How often lines are tried again that the disk refused.
const RETRY: Duration = Duration::from_secs(1);

/// Whether lines go to stderr too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Echo {
    /// Only to the files.
    #[default]
    Off,
    /// Lines of this level and above.
    Stderr(Level),
}

/// Takes events from any thread without ever waiting.
#[derive(Clone, Debug)]
pub struct LogSink(Arc<Shared>);

struct Shared {
    queue: SyncSender<Order>,
    state: Arc<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
    watcher: OnceLock<Watcher>,
}

/// Sees each event as it is taken, and may add to it, on the thread that writes it: it must neither wait nor write.
type Watcher = Box<dyn Fn(&mut Event) + Send + Sync>;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct State {
    dropped: AtomicU64,
    /// Events in the queue.
    waiting: AtomicUsize,
    size: AtomicU64,
    keep: AtomicU32,
    closing: AtomicBool,
    /// The disk takes no lines; they wait.
    is_refused: AtomicBool,
}

#[derive(Debug)]
enum Order {
    Write(Event),
    /// Write what waits now; tell when it is done.
    Flush(SyncSender<()>),
    Close,
}

impl LogSink {
    pub(crate) fn open(folder: &Path, echo: Echo) -> io::Result<LogSink> {
        make_folder(folder)?;
        let (queue, orders) = sync_channel(QUEUE);
        let defaults = Logs::default();
        let state = Arc::new(State {
            dropped: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            size: AtomicU64::new(defaults.rotate_size.0),
            keep: AtomicU32::new(defaults.keep),
            closing: AtomicBool::new(false),
            is_refused: AtomicBool::new(false),
        });
        let files =
            LOGS.iter().map(|(log, name)| (*log, RotatedFile::new(folder.join(format!("{name}.log")))));
        let writer = Writer { files: files.collect(), state: Arc::clone(&state), echo, told: 0 };
        let thread = std::thread::Builder::new().name("logs".into()).spawn(move || writer.run(&orders))?;
        Ok(LogSink(Arc::new(Shared {
            queue,
            state,
            thread: Mutex::new(Some(thread)),
            watcher: OnceLock::new(),
        })))
    }

    /// Takes an event; dropped and counted if [`QUEUE`] events wait, or the share of its kind.
    pub fn write(&self, mut event: Event) {
        if let Some(watcher) = self.0.watcher.get() {
            watcher(&mut event);
        }
        let state = &self.0.state;
        let waiting = state.waiting.fetch_add(1, Ordering::Relaxed);
        if waiting < share(event.kind) {
            match self.0.queue.try_send(Order::Write(event)) {
                Ok(()) => return,
                // The writer has ended: nobody counts any more.
                Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(_)) => {}
            }
        }
        state.waiting.fetch_sub(1, Ordering::Relaxed);
        state.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on `watcher` sees each event before it is queued and may add fields, also those that are dropped then. It runs on the thread
    /// that writes the event, and must neither wait nor write. Only the first one given is taken.
    pub fn watch(&self, watcher: impl Fn(&mut Event) + Send + Sync + 'static) {
        let _ = self.0.watcher.set(Box::new(watcher));
    }

    /// Lines dropped since the start, because too many waited or the disk refused.
    pub fn dropped(&self) -> u64 {
        self.0.state.dropped.load(Ordering::Relaxed)
    }

    /// Whether the disk refuses lines at the moment; they wait, as far as there is room for them.
    pub fn is_refused(&self) -> bool {
        self.0.state.is_refused.load(Ordering::Relaxed)
    }

    /// Takes over `[logs]`.
    pub fn configure(&self, settings: &Logs) {
        self.0.state.size.store(settings.rotate_size.0, Ordering::Relaxed);
        self.0.state.keep.store(settings.keep, Ordering::Relaxed);
    }

    /// Waits until every event taken before is in its file. For tests and for who reads right after writing.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.0.queue.send(Order::Flush(done)).is_ok() {
            // An error means that the writer has ended, and flushed.
            let _ = wait.recv();
        }
    }

    /// Writes what waits and ends the thread.
    pub(crate) fn close(&self) {
        self.0.state.closing.store(true, Ordering::Release);
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // If the queue is full the writer finds the flag, if it has ended there is nothing to tell.
            let _ = self.0.queue.try_send(Order::Close);
            let _ = thread.join();
        }
    }
}

/// How many events may wait before one of `kind` is dropped.
fn share(kind: &Kind) -> usize {
    match (kind.level, kind.class) {
        (Level::Debug, _) => DEBUG_SHARE,
        (Level::Error, _) | (_, Class::Security | Class::Auth | Class::Config) => QUEUE,
        _ => COMMON_SHARE,
    }
}

struct Writer {
    files: Vec<(Log, RotatedFile)>,
    state: Arc<State>,
    echo: Echo,
    /// How many dropped lines a line has told of.
    told: u64,
}

impl Writer {
    /// Ends when told to, or when the last sink is gone.
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let first = match self.next(orders) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => {
                    self.flush();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut end = self.obey(first);
            if !end && !self.state.closing.load(Ordering::Acquire) {
                end = self.gather(orders);
            }
            while let Ok(order) = orders.try_recv() {
                end |= self.obey(order);
            }
            self.tell_dropped();
            self.flush();
            if end || self.state.closing.load(Ordering::Acquire) {
                return;
            }
        }
        self.flush();
    }

    /// Waits for an order; while the disk refuses lines, not longer than until they are tried again.
    fn next(&self, orders: &Receiver<Order>) -> Result<Order, RecvTimeoutError> {
        if self.state.is_refused.load(Ordering::Relaxed) {
            return orders.recv_timeout(RETRY);
        }
        orders.recv().map_err(|_| RecvTimeoutError::Disconnected)
    }

    /// Collects orders for [`GATHER`] without waking for each. A flush or close ends it early only at its end: both
    /// are rare and 50 ms is nothing to them.
    fn gather(&mut self, orders: &Receiver<Order>) -> bool {
        std::thread::sleep(GATHER);
        let mut end = false;
        for _ in 0..QUEUE {
            match orders.try_recv() {
                Ok(order) => end |= self.obey(order),
                Err(_) => break,
            }
        }
        end
    }

    fn obey(&mut self, order: Order) -> bool {
        match order {
            Order::Write(event) => {
                self.state.waiting.fetch_sub(1, Ordering::Relaxed);
                self.write(&event);
            }
            Order::Flush(done) => {
                self.tell_dropped();
                self.flush();
                // Who asked may have gone.
                let _ = done.try_send(());
            }
            Order::Close => return true,
        }
        false
    }

    fn limits(&self) -> Limits {
        Limits {
            size: self.state.size.load(Ordering::Relaxed),
            keep: self.state.keep.load(Ordering::Relaxed),
        }
    }

    fn write(&mut self, event: &Event) {
        let line = event.line();
        let limits = self.limits();
        for log in Log::of(event.kind) {
            for (_, file) in self.files.iter_mut().filter(|(known, _)| *known == log) {
                let lost = file.add(&line, limits);
                self.state.dropped.fetch_add(lost, Ordering::Relaxed);
            }
        }
        if let Echo::Stderr(level) = self.echo
            && event.kind.level >= level
        {
            // A closed stderr is no reason to stop logging.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    fn tell_dropped(&mut self) {
        let dropped = self.state.dropped.load(Ordering::Relaxed);
        if dropped > self.told {
            let count = dropped - self.told;
            self.told = dropped;
            self.write(&Event::new(&model::event::LOG_LINES_LOST, crate::wall()).with("lines", count));
        }
    }

    fn flush(&mut self) {
        let limits = self.limits();
        for (_, file) in &mut self.files {
            let lost = file.flush(limits);
            self.state.dropped.fetch_add(lost, Ordering::Relaxed);
        }
        let is_refused = self.files.iter().any(|(_, file)| file.is_refused());
        self.state.is_refused.store(is_refused, Ordering::Relaxed);
    }
}
