//! A bell for one thread that sleeps: whoever puts something into one of its queues rings, and only a sleeper costs the
//! ringer a system call. (A channel's own blocking over several queues spins and yields before it sleeps, which at a
//! thousand messages a second is most of what the control thread does.)

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Instant;

#[derive(Debug, Default)]
struct State {
    asleep: AtomicBool,
    sleeper: OnceLock<Thread>,
}

/// The ringers' end.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<State>);

impl Bell {
    /// A bell that nobody sleeps beside yet.
    pub fn new() -> Bell {
        Bell::default()
    }

    /// Wakes the sleeper. Call it after the queue was filled.
    pub fn ring(&self) {
        // Against the fence in `sleep`: either we see that it sleeps, or it sees what we put into the queue.
        fence(Ordering::SeqCst);
        if self.0.asleep.load(Ordering::Relaxed)
            && self.0.asleep.swap(false, Ordering::AcqRel)
            && let Some(sleeper) = self.0.sleeper.get()
        {
            sleeper.unpark();
        }
    }

    /// Sleeps until somebody rings, or until `deadline`, unless there `is_work`. May return early. To be called by one
    /// thread only.
    pub(crate) fn sleep(&self, deadline: Option<Instant>, is_work: impl FnOnce() -> bool) {
        self.0.sleeper.get_or_init(std::thread::current);
        self.0.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if !is_work() {
            match deadline {
                Some(deadline) => {
                    std::thread::park_timeout(deadline.saturating_duration_since(Instant::now()))
                }
                None => std::thread::park(),
            }
        }
        self.0.asleep.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn no_ring_is_ever_missed() {
        let bell = Bell::new();
        let (count, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let sleeper = std::thread::spawn({
            let (bell, count, done) = (bell.clone(), count.clone(), done.clone());
            move || {
                let mut seen = 0;
                while !done.load(Ordering::Acquire) || count.load(Ordering::Acquire) != seen {
                    seen = count.load(Ordering::Acquire);
                    // Without a deadline: a missed ring would hang this test.
                    bell.sleep(None, || {
                        count.load(Ordering::Acquire) != seen || done.load(Ordering::Acquire)
                    });
                }
                seen
            }
        });
        for _ in 0..50_000 {
            count.fetch_add(1, Ordering::Release);
            bell.ring();
        }
        done.store(true, Ordering::Release);
        bell.ring();
        assert_eq!(sleeper.join().unwrap(), 50_000);
    }

    #[test]
    fn a_deadline_ends_the_sleep() {
        Bell::new().sleep(Some(Instant::now()), || false);
    }
}
