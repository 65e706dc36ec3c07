//! The random walker: random phones do random things over random networks for some minutes of virtual time, then
//! everything comes to rest, and nothing may be left. One seed is one walk.
//!
//! Not here: what may happen in a walk (`acts`), what must hold (`world::checks`).

mod acts;
mod many;
mod office;

use std::time::Duration;

use calls::Command;
use model::Entropy;
use model::live::CallState;

use crate::clock::{millis, secs};
use crate::network::Faults;
use crate::phone::{Answering, DialogId, Lamp};
use crate::sabotage::Bug;
use crate::world::{Failure, World};

pub use many::{Tally, many};
pub use office::HONEYPOT;

/// How long things happen.
const LIVELY: Duration = secs(100);
/// After the last one hung up everything that can end by itself has ended: an INVITE without an answer, then its CANCEL,
/// and media that is dead even by the patience for those who just listen.
const QUIET: Duration = secs(150);

/// A subscription that ended is forgotten when its last transactions are.
const LAMPS_END: Duration = secs(75);

/// What a walk was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Story {
    /// Steps of the world.
    pub steps: u64,
    /// Call records.
    pub records: usize,
    /// Calls that were answered.
    pub answered: usize,
    /// Differs between two walks when anything they said differed.
    pub digest: u64,
}

/// A walk under way.
struct Walker {
    world: World,
    entropy: Entropy,
    phones: Vec<usize>,
    honeypot: usize,
    attacker: usize,
    server_crashed: bool,
    phone_crashed: bool,
    line_forgotten: bool,
    /// REFERs sent: each may be a call of its own.
    transfers: u64,
}

/// Walks.
///
/// # Errors
/// What must not have happened.
pub fn walk(seed: u64, bug: Option<Bug>) -> Result<Story, Failure> {
    let mut walker = Walker::new(seed, bug);
    walker.live()?;
    walker.rest()?;
    walker.judge()
}

impl Walker {
    fn new(seed: u64, bug: Option<Bug>) -> Walker {
        let mut bytes = [0xa5; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut entropy = Entropy::from_seed(bytes);
        let (office, lines) = office::random(&mut entropy);
        let mut world = World::new(seed, office).sabotaged(bug);
        let mut phones = Vec::new();
        for line in lines {
            let plan = office::random_plan(&mut entropy, &line);
            let phone = world.phone(&line.username, plan);
            world.link(phone).faults = acts::random_faults(&mut entropy);
            phones.push(phone);
        }
        let honeypot = world.phone(HONEYPOT, crate::world::Plan::default());
        let attacker = world.attacker();
        Walker {
            world,
            entropy,
            phones,
            honeypot,
            attacker,
            server_crashed: false,
            phone_crashed: false,
            line_forgotten: false,
            transfers: 0,
        }
    }

    fn live(&mut self) -> Result<(), Failure> {
        self.world.pass(secs(2))?;
        let end = self.world.now().mono + LIVELY;
        while self.world.now().mono < end {
            self.act();
            let pause = millis(u64::from(self.entropy.below(1_500)));
            self.world.pass(pause)?;
        }
        Ok(())
    }

    /// The network heals, everybody hangs up, and nobody answers any more.
    fn rest(&mut self) -> Result<(), Failure> {
        self.world.start_server();
        self.world.server().ports.limit = usize::MAX;
        for phone in self.phones.clone() {
            self.world.link(phone).faults = Faults::NONE;
            self.world.link(phone).down = false;
            self.world.phones[phone].habits.answering = Answering::Refuses(486);
        }
        self.hang_up_all();
        self.world.pass(secs(40))?;
        self.hang_up_all();
        self.world.pass(QUIET)?;
        self.end_what_nobody_can()?;
        self.take_lamps_down()?;
        self.world.check_quiet()
    }

    /// A held call whose phones are both off has nobody left who would notice: silence is what was agreed, and session
    /// timers (RFC 4028) are not there yet.
    fn end_what_nobody_can(&mut self) -> Result<(), Failure> {
        let now = self.world.now();
        let mut calls = self.world.server().exchange.calls(now);
        calls.retain(|call| call.state == CallState::Held);
        if calls.is_empty() || !self.phone_crashed {
            return Ok(());
        }
        for call in calls {
            self.world.command(Command::Hangup { call: call.id, author: "walker".to_owned() });
        }
        self.world.pass(secs(80))
    }

    /// Nobody is in a call any more, and every lamp is dark.
    fn take_lamps_down(&mut self) -> Result<(), Failure> {
        for phone in self.phones.clone() {
            let watch = self.world.phones[phone].lamp.as_ref().filter(|_| self.world.phones[phone].on);
            if let Some(watch) = watch.filter(|watch| watch.lamp != Lamp::Dark) {
                let what =
                    format!("the lamp of {} at phone {phone} is {:?} in the end", watch.number, watch.lamp);
                self.world.object(&what);
            }
            self.world.tell(phone, |phone, now| phone.unwatch(now.mono));
        }
        self.world.pass(LAMPS_END)
    }

    fn hang_up_all(&mut self) {
        let running = self.world.phones.iter().flat_map(|phone| phone.running().map(|dialog| dialog.id));
        let running: Vec<DialogId> = running.collect();
        for id in running {
            self.world.hang_up(id);
        }
    }

    /// Who believes to be registered can be called, unless the server crashed or was told to forget.
    fn check_registrations(&mut self) {
        let now = self.world.now();
        if self.server_crashed || self.line_forgotten {
            return;
        }
        let rows = self.world.server().exchange.registrations(now);
        let believes = self.world.phones.iter().filter(|phone| phone.on && phone.is_registered(now.mono));
        let missing = believes.map(|phone| phone.account.username.clone());
        let missing =
            missing.into_iter().find(|name| !rows.iter().any(|row| row.line == *name && row.reachable));
        if let Some(name) = missing {
            self.world.object(&format!("the phone of {name} believes to be registered and can't be called"));
        }
    }

    /// What shows only in the end.
    fn judge(&mut self) -> Result<Story, Failure> {
        let records = self.world.history();
        let answered = records.iter().filter(|record| record.answered.is_some()).count();
        let called: u64 = self.world.phones.iter().map(|phone| phone.called).sum();
        if self.world.phones[self.honeypot].invited > 0 || records.iter().any(|r| r.to == HONEYPOT) {
            self.world.object("somebody without a password called");
        }
        if u64::try_from(records.len()).unwrap_or(u64::MAX) > called + self.transfers {
            self.world.object("there are more records than calls with a password");
        }
        let talked = self.world.phones.iter().flat_map(|phone| phone.all_dialogs());
        let talked = talked.filter(|d| d.role == crate::phone::Role::Caller && d.answered.is_some()).count();
        if talked > answered && !self.server_crashed {
            self.world.object("a call that was answered has no record that says so");
        }
        if self.world.attackers[self.attacker].statuses.iter().any(|status| *status < 300) {
            self.world.object("an attacker got more than a refusal");
        }
        self.check_registrations();
        self.world.check_quiet()?;
        let (steps, digest) = (self.world.steps(), self.world.digest());
        Ok(Story { steps, records: records.len(), answered, digest })
    }
}
