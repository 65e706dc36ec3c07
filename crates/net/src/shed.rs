//! What was not served, counted by cause; and whether there is an overload, which is told once when it begins and once when
//! it is over.
//!
//! Written by all threads that shed, without locks. Not here: what is shed and when (`inbox`, `sip::door`, `guard::Connections`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use model::Mono;

/// An overload is over when nothing was shed for so long. So there are at most six pairs of events a minute.
pub const OVER_AFTER: Duration = Duration::from_secs(10);

/// Why something was not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A message of a call, while too many of them waited.
    InProgress,
    /// A request with credentials, while too many of them waited.
    Credentialed,
    /// A new request of a known address, while too many of them waited.
    Familiar,
    /// A new request of a stranger, while too many of them waited.
    Unknown,
    /// A new request that had waited too long.
    Late,
    /// A stranger's datagram, dropped before it was read.
    Unread,
    /// A connection beyond its limit.
    Connection,
    /// A connection whose peer did not end its handshake or message, or did not sign in.
    Idler,
    /// A connection whose peer does not take what we send.
    Slow,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// See [`Cause::InProgress`].
    pub in_progress: u64,
    /// See [`Cause::Credentialed`].
    pub credentialed: u64,
    /// See [`Cause::Familiar`].
    pub familiar: u64,
    /// See [`Cause::Unknown`].
    pub unknown: u64,
    /// See [`Cause::Late`].
    pub late: u64,
    /// See [`Cause::Unread`].
    pub unread: u64,
    /// See [`Cause::Connection`].
    pub connections: u64,
    /// See [`Cause::Idler`].
    pub idlers: u64,
    /// See [`Cause::Slow`].
    pub slow: u64,
}

impl Counts {
    /// Messages that were not served; connections are not among them.
    pub fn messages(&self) -> u64 {
        let new = self.familiar.saturating_add(self.unknown).saturating_add(self.late);
        self.in_progress.saturating_add(self.credentialed).saturating_add(new).saturating_add(self.unread)
    }
}

/// What [`Shed::message`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// It begins with this message.
    Begins,
    /// It lasts.
    Lasts,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// An overload has begun.
    Began,
    /// It is over.
    Over(Over),
}

/// An overload that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// From the first to the last message that was not served.
    pub lasted: Duration,
    /// Messages that were not served.
    pub shed: u64,
}

/// The counters.
#[derive(Debug, Default)]
pub struct Shed {
    counts: [AtomicU64; 9],
    /// When it began, in nanoseconds of [`Mono`], 0 while there is none; and how many messages were shed before.
    began: AtomicU64,
    is_told: AtomicBool,
    before: AtomicU64,
    last: AtomicU64,
}

impl Shed {
    /// Counts a connection.
    pub fn connection(&self, cause: Cause) {
        self.count(cause);
    }

    /// Counts a message.
    pub fn message(&self, cause: Cause, now: Mono) -> Overload {
        let now = now.as_nanos().max(1);
        // In this order, or the control thread could find an overload that has begun and was over long ago.
        self.last.store(now, Ordering::SeqCst);
        let begins = self.began.compare_exchange(0, now, Ordering::SeqCst, Ordering::Relaxed).is_ok();
        if begins {
            self.before.store(self.counts().messages(), Ordering::Relaxed);
        }
        self.count(cause);
        if begins { Overload::Begins } else { Overload::Lasts }
    }

    /// When it is to be asked for news.
    pub fn next_look(&self) -> Option<Mono> {
        let is_on = self.began.load(Ordering::SeqCst) != 0;
        let last = || Mono::from_nanos(self.last.load(Ordering::SeqCst));
        is_on
            .then(|| if self.is_told.load(Ordering::Relaxed) { last().after(OVER_AFTER) } else { Mono::ZERO })
    }

    /// What there is to tell; each once, asked by one thread.
    pub fn news(&self, now: Mono) -> Option<News> {
        if self.next_look().is_none_or(|at| at > now) {
            return None;
        }
        if !self.is_told.swap(true, Ordering::Relaxed) {
            return Some(News::Began);
        }
        let before = self.before.load(Ordering::Relaxed);
        let last = Mono::from_nanos(self.last.load(Ordering::SeqCst));
        self.is_told.store(false, Ordering::Relaxed);
        let began = Mono::from_nanos(self.began.swap(0, Ordering::SeqCst));
        let shed = self.counts().messages().saturating_sub(before);
        Some(News::Over(Over { lasted: last.saturating_since(began), shed }))
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        let [in_progress, credentialed, familiar, unknown, late, unread, connections, idlers, slow] =
            self.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        Counts { in_progress, credentialed, familiar, unknown, late, unread, connections, idlers, slow }
    }

    fn count(&self, cause: Cause) {
        let [in_progress, credentialed, familiar, unknown, late, unread, connections, idlers, slow] =
            &self.counts;
        let count = match cause {
            Cause::InProgress => in_progress,
            Cause::Credentialed => credentialed,
            Cause::Familiar => familiar,
            Cause::Unknown => unknown,
            Cause::Late => late,
            Cause::Unread => unread,
            Cause::Connection => connections,
            Cause::Idler => idlers,
            Cause::Slow => slow,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::ZERO.after(Duration::from_secs(seconds))
    }

    #[test]
    fn an_overload_begins_once_and_is_over_once_after_a_while_without_a_loss() {
        let shed = Shed::default();
        assert_eq!((shed.next_look(), shed.news(at(5))), (None, None));
        assert_eq!(shed.message(Cause::Unknown, at(100)), Overload::Begins);
        assert_eq!((shed.news(at(100)), shed.news(at(100))), (Some(News::Began), None));
        assert_eq!(shed.message(Cause::Late, at(103)), Overload::Lasts);
        assert_eq!((shed.next_look(), shed.news(at(112))), (Some(at(113)), None));
        let over = |seconds, shed| Some(News::Over(Over { lasted: Duration::from_secs(seconds), shed }));
        assert_eq!((shed.news(at(113)), shed.news(at(200))), (over(3, 2), None));
        assert_eq!(shed.message(Cause::Unread, at(201)), Overload::Begins);
        assert_eq!((shed.news(at(201)), shed.news(at(211))), (Some(News::Began), over(0, 1)));
    }

    #[test]
    fn connections_are_counted_by_cause_and_make_no_overload_of_messages() {
        let shed = Shed::default();
        for cause in [Cause::Connection, Cause::Idler, Cause::Idler, Cause::Slow] {
            shed.connection(cause);
        }
        let counts = shed.counts();
        assert_eq!((counts.connections, counts.idlers, counts.slow, counts.messages()), (1, 2, 1, 0));
        assert_eq!(shed.next_look(), None);
    }
}
