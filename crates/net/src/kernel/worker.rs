//! The thread that tells the kernel: makes the table, keeps it as the gate is, and looks whether it is still there.
//!
//! Any failure gives the table up, so that the kernel drops nothing that it should not, and the process goes on alone
//! until another attempt succeeds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Wall;
use model::config::KernelOffload;
use model::event::{self, Event, Kind};
use rustix::io::Errno;

use super::mirror::{MAX_PLACES, Mirror, Stale};
use super::socket::{Found, Refused, Socket};
use super::table::{self, Before, NAME, Ownership};
use super::{Shared, State};
use crate::{Clock, Effects};

/// How often it is looked whether somebody else has changed something: a question of the kernel that costs microseconds.
const LOOK: Duration = Duration::from_secs(1);
/// Pauses between attempts, doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// A wall clock that moves by more against the monotonic one has been set: all times are reckoned anew.
const JUMP: i64 = 500;

/// Why the process goes on alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Alone {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(
        "another Ringwall on this machine owns the table inet ringwall (netlink port {0}, mostly its process id); stop it, \
         or run one of them in a network namespace of its own"
    )]
    Another(u32),
    #[error(
        "{0} addresses and ports to listen at, and {MAX_PLACES} is the most; name fewer under listen, or 0.0.0.0"
    )]
    Places(usize),
}

/// The thread's own.
pub(super) struct Worker {
    shared: Arc<Shared>,
    clock: Clock,
    effects: Arc<dyn Effects>,
    wish: Ownership,
    setting: KernelOffload,
    mirror: Mirror,
    link: Link,
    /// What the log was told last, so that each attempt does not say the same.
    told: Option<Alone>,
    pause: Duration,
    /// Whose asking has been answered.
    done: u64,
}

/// How we stand with the kernel.
enum Link {
    Down,
    /// The next attempt is then.
    Waiting(Instant),
    Up(Up),
}

/// A table that stands.
struct Up {
    socket: Socket,
    ownership: Ownership,
    found: Found,
    /// The number that the kernel's last change has if nobody else made one.
    generation: u32,
    next_look: Instant,
    /// Wall clock less monotonic clock, in milliseconds, for which the times left were reckoned.
    offset: i64,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        clock: Clock,
        effects: Arc<dyn Effects>,
        wish: Ownership,
    ) -> Worker {
        let (setting, mirror) = (KernelOffload::Off, Mirror::default());
        let (link, pause) = (Link::Down, FIRST_PAUSE);
        Worker { shared, clock, effects, wish, setting, mirror, link, told: None, pause, done: 0 }
    }

    pub(super) fn run(mut self) {
        while let Some(turn) = self.shared.next(self.deadline(), (self.setting, self.done)) {
            self.setting = turn.setting;
            let stale = self.mirror.take(turn.changes);
            self.turn(&stale);
            self.done = turn.asked;
        }
        self.give_up();
        self.shared.show(State::Off);
    }

    fn deadline(&self) -> Instant {
        match &self.link {
            // Any change of the setting ends the waiting.
            Link::Down => Instant::now() + LAST_PAUSE,
            Link::Waiting(until) => *until,
            Link::Up(up) => up.next_look,
        }
    }

    fn turn(&mut self, stale: &Stale) {
        if self.setting == KernelOffload::Off {
            if !matches!(self.link, Link::Down) {
                self.give_up();
                self.told = None;
            }
            return self.shared.show(State::Off);
        }
        let done = match &mut self.link {
            Link::Waiting(until) if Instant::now() < *until => return,
            Link::Down | Link::Waiting(_) => self.set_up(),
            Link::Up(up) => up.keep(&self.mirror, stale, self.clock).map(|kept| {
                if kept == Kept::Repaired {
                    self.tell(&event::KERNEL_REPAIRED, None);
                }
            }),
        };
        if let Err(why) = done {
            self.fail(why);
        }
    }

    fn set_up(&mut self) -> Result<(), Alone> {
        let up = Up::new(&self.mirror, self.clock, self.wish)?;
        let state = match up.ownership {
            Ownership::Socket => State::On,
            Ownership::Nobody => State::OnUnowned,
        };
        self.link = Link::Up(up);
        self.pause = FIRST_PAUSE;
        self.told = None;
        self.tell(&event::KERNEL_ON, None);
        self.shared.show(state);
        Ok(())
    }

    fn fail(&mut self, why: Alone) {
        self.give_up();
        self.link = Link::Waiting(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LAST_PAUSE);
        if self.told.replace(why) != Some(why) {
            let kind = match why {
                Alone::Refused(Refused::NotPermitted) => &event::KERNEL_NOT_PERMITTED,
                _ => &event::KERNEL_FAILED,
            };
            self.tell(kind, Some(why));
        }
        self.shared.show(State::Unavailable(why.to_string()));
    }

    /// Takes the table away, if there is one.
    fn give_up(&mut self) {
        if let Link::Up(mut up) = std::mem::replace(&mut self.link, Link::Down)
            && up.ownership == Ownership::Nobody
        {
            let mut batch = up.socket.batch();
            table::delete(&mut batch);
            // Where even that is refused, the next start takes it away.
            let _ = up.socket.commit(batch);
        }
    }

    fn tell(&self, kind: &'static Kind, why: Option<Alone>) {
        let event = Event::new(kind, Clock::wall());
        self.effects.event(match why {
            Some(why) => event.with("why", why),
            None => event,
        });
    }
}

/// What a look at a standing table came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    AsItWas,
    /// Somebody had deleted it, or changed its chains or sets.
    Repaired,
}

impl Up {
    fn new(mirror: &Mirror, clock: Clock, wish: Ownership) -> Result<Up, Alone> {
        let found = Found { owner: None, handle: 0, holds: 0 };
        let (next_look, offset) = (Instant::now() + LOOK, offset(clock));
        let mut up = Up { socket: Socket::open()?, ownership: wish, found, generation: 0, next_look, offset };
        match up.write_whole(mirror, clock) {
            // What kernels say that know no owners of tables.
            Err(Alone::Refused(Refused::Kernel(Errno::INVAL | Errno::OPNOTSUPP)))
                if wish == Ownership::Socket =>
            {
                up.ownership = Ownership::Nobody;
                up.write_whole(mirror, clock)?;
            }
            other => other?,
        }
        Ok(up)
    }

    fn write_whole(&mut self, mirror: &Mirror, clock: Clock) -> Result<(), Alone> {
        if mirror.places.len() > MAX_PLACES {
            return Err(Alone::Places(mirror.places.len()));
        }
        let before = match self.socket.table(NAME)? {
            Some(Found { owner: Some(owner), .. }) if owner != self.socket.port() => {
                return Err(Alone::Another(owner));
            }
            Some(_) => Before::Table,
            None => Before::Nothing,
        };
        let mut batch = self.socket.batch();
        self.offset = offset(clock);
        table::whole(&mut batch, mirror, Clock::wall(), self.ownership, before);
        self.socket.commit(batch)?;
        self.generation = self.socket.generation()?;
        self.found = self.socket.table(NAME)?.ok_or(Refused::NoAnswer)?;
        Ok(())
    }

    /// Brings the table to where the mirror is.
    fn keep(&mut self, mirror: &Mirror, stale: &Stale, clock: Clock) -> Result<Kept, Alone> {
        let was_set = (offset(clock) - self.offset).abs() > JUMP;
        let (mut kept, mut whole) = (Kept::AsItWas, stale.whole || was_set);
        if Instant::now() >= self.next_look {
            self.next_look = Instant::now() + LOOK;
            let generation = self.socket.generation()?;
            if generation != self.generation {
                self.generation = generation;
                let is_ours = self.socket.table(NAME)? == Some(self.found);
                if !is_ours {
                    kept = Kept::Repaired;
                }
                // In a table that is nobody's, sets and chains may have been emptied.
                whole |= !is_ours || self.ownership == Ownership::Nobody;
            }
        }
        if whole {
            self.write_whole(mirror, clock)?;
            return Ok(kept);
        }
        let mut batch = self.socket.batch();
        if stale.finishing {
            table::finishing(&mut batch, mirror);
        }
        table::blocks(&mut batch, mirror, &stale.blocks, Clock::wall());
        if !batch.is_empty() {
            self.socket.commit(batch)?;
            self.generation = self.generation.wrapping_add(1);
        }
        Ok(kept)
    }
}

fn offset(clock: Clock) -> i64 {
    let mono: Wall = Wall::from_millis(0).after(Duration::from_nanos(clock.mono().as_nanos()));
    Clock::wall().as_millis().saturating_sub(mono.as_millis())
}

#[cfg(test)]
mod tests {
    use super::super::tests::in_a_namespace;
    use super::*;

    #[test]
    fn times_are_reckoned_anew_when_the_wall_clock_is_set_and_the_table_is_left_alone_otherwise() {
        in_a_namespace(|| {
            let (mirror, clock) = (Mirror::default(), Clock::start());
            let mut up = Up::new(&mirror, clock, Ownership::Socket).unwrap();
            let made = up.found.handle;
            for (set_by, is_new) in [(0, false), (JUMP / 2, false), (3_600_000, true), (-3_600_000, true)] {
                let before = up.found.handle;
                up.offset += set_by;
                assert_eq!(up.keep(&mirror, &Stale::default(), clock), Ok(Kept::AsItWas));
                assert_eq!(up.found.handle != before, is_new, "{set_by} ms");
            }
            assert_ne!(up.found.handle, made);
        });
    }
}
