//! One shard: its legs, the commands that shape them, and the timetable of reports, keep-alives and silences.
//!
//! Both legs of a bridge live in one shard, so that a packet needs no lock and no message. The driver calls
//! [`Shard::packet`], [`Shard::command`] and, at [`Shard::next_wake`], [`Shard::tick`]; after each it drains
//! [`Shard::poll`].
//!
//! Not here: the packet path itself (`packet`), incoming RTCP (`control`).

mod control;
mod packet;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use model::{Entropy, Mono};

use crate::command::{Command, Event, Out, Port, Why};
use crate::id::LegId;
use crate::latch::later;
use crate::leg::Leg;
use crate::quality::Quality;
use crate::stage::Tap;

/// How many times [`Config::dead_media`] a peer may be silent when its silence may be deliberate.
pub const SILENCE_FACTOR: u32 = 10;
/// Legs looked after in one [`Shard::tick`], so that packets never wait for a crowd of reports.
const TICK_LEGS: usize = 64;

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Silence after which a peer counts as dead, where media is expected: the leg is bridged and the peer has not
    /// agreed to be quiet (hold). Any RTP or RTCP of the pinned peer ends the silence. It is multiplied by
    /// [`SILENCE_FACTOR`] for a peer that was never heard at all (it may only listen), and for one that announced
    /// silence (comfort noise agreed, or its last packet) and has never sent RTCP that could be missed now.
    pub dead_media: Duration,
    /// After this long without a packet to a peer it is sent an empty one (RFC 6263; 15 s there).
    pub keep_alive: Duration,
    /// Mean time between our reports (RFC 3550 6.2: 5 s); each wait is random between half and one and a half.
    pub report: Duration,
    /// Most legs.
    pub legs_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dead_media: Duration::from_secs(60),
            keep_alive: Duration::from_secs(15),
            report: Duration::from_secs(5),
            legs_max: 32_768,
        }
    }
}

/// The relay of one thread.
#[derive(Debug)]
pub struct Shard {
    config: Config,
    entropy: Entropy,
    legs: Vec<Option<Box<Leg>>>,
    held: usize,
    timetable: BinaryHeap<Reverse<(Mono, LegId)>>,
    out: VecDeque<Out>,
    dropped: [u64; Why::ALL.len()],
}

impl Shard {
    /// A shard without legs.
    #[must_use]
    pub fn new(config: Config, entropy: Entropy) -> Self {
        Self {
            config,
            entropy,
            legs: Vec::new(),
            held: 0,
            timetable: BinaryHeap::new(),
            out: VecDeque::new(),
            dropped: [0; Why::ALL.len()],
        }
    }

    /// Obeys.
    pub fn command(&mut self, now: Mono, command: Command) {
        match command {
            Command::Open { leg, local } => {
                if self.open(leg, local).is_none() {
                    self.out.push_back(Out::Event(Event::Refused { leg }));
                }
            }
            Command::Describe { leg, remote, payloads, nat_source } => {
                if let Some(leg) = self.leg_mut(leg) {
                    leg.describe(now, remote, *payloads, nat_source);
                }
                self.schedule(leg);
            }
            Command::Reopen { leg, nat_source } => {
                if let Some(leg) = self.leg_mut(leg) {
                    leg.latch.reopen(now, Some(nat_source));
                }
            }
            Command::Bridge { a, b, map_ab, map_ba } => {
                if a != b && self.leg(a).is_some() && self.leg(b).is_some() {
                    self.join(now, a, b, *map_ab);
                    self.join(now, b, a, *map_ba);
                }
            }
            Command::Unbridge { leg } => self.part(now, leg),
            Command::Tap { leg, tap } => {
                if let Some(leg) = self.leg_mut(leg) {
                    leg.tap = tap;
                }
            }
            Command::DeadMedia { after } => self.config.dead_media = after,
            Command::Close { leg } => self.close(now, leg),
        }
    }

    /// Does what is due: reports, keep-alives, silences that lasted too long.
    pub fn tick(&mut self, now: Mono) {
        for _ in 0..TICK_LEGS {
            match self.timetable.peek() {
                Some(Reverse((at, _))) if *at <= now => {}
                _ => return,
            }
            let Some(Reverse((at, id))) = self.timetable.pop() else { return };
            if let Some(leg) = self.leg_mut(id).filter(|leg| leg.wake_at == Some(at)) {
                leg.wake_at = None;
                self.attend(now, id);
                self.schedule(id);
            }
        }
    }

    /// When [`Shard::tick`] has something to do; it may be in the past.
    #[must_use]
    pub fn next_wake(&self) -> Option<Mono> {
        self.timetable.peek().map(|Reverse((at, _))| *at)
    }

    /// The next thing to do for the driver.
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    /// How a leg's media is so far.
    #[must_use]
    pub fn quality(&self, leg: LegId) -> Option<Quality> {
        self.leg(leg).map(Leg::quality)
    }

    /// The tap on a leg.
    #[must_use]
    pub fn tap(&self, leg: LegId) -> Option<&Tap> {
        self.leg(leg).map(|leg| &leg.tap)
    }

    /// Our RTP address of a leg.
    #[must_use]
    pub fn local(&self, leg: LegId) -> Option<std::net::SocketAddr> {
        self.leg(leg).map(|leg| leg.local)
    }

    /// Legs open.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }

    /// Packets dropped for this reason, over all legs there were.
    #[must_use]
    pub fn dropped(&self, why: Why) -> u64 {
        self.dropped.get(why as usize).copied().unwrap_or(0)
    }

    fn leg(&self, id: LegId) -> Option<&Leg> {
        let leg = self.legs.get(usize::try_from(id.index).ok()?)?.as_deref()?;
        (leg.id == id).then_some(leg)
    }

    #[inline]
    fn leg_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        let leg = self.legs.get_mut(usize::try_from(id.index).ok()?)?.as_deref_mut()?;
        (leg.id == id).then_some(leg)
    }

    fn open(&mut self, id: LegId, local: std::net::SocketAddr) -> Option<()> {
        let index = usize::try_from(id.index).ok().filter(|_| id.index < self.config.legs_max)?;
        if self.legs.len() <= index {
            self.legs.resize_with(index.checked_add(1)?, || None);
        }
        let slot = self.legs.get_mut(index).filter(|slot| slot.is_none())?;
        *slot = Some(Box::new(Leg::new(id, local, &mut self.entropy)));
        self.held = self.held.saturating_add(1);
        Some(())
    }

    fn join(&mut self, now: Mono, id: LegId, partner: LegId, map: crate::PayloadMap) {
        let before = self.leg(id).and_then(|leg| leg.partner).filter(|before| *before != partner);
        if let Some(before) = before.and_then(|before| self.leg_mut(before)) {
            before.part(now);
        }
        let wait = self.report_wait();
        if let Some(leg) = self.leg_mut(id) {
            if !leg.has_started() {
                leg.report_at = later(now, wait);
            }
            leg.join(now, partner, map);
        }
        self.schedule(id);
    }

    fn part(&mut self, now: Mono, id: LegId) {
        let Some(leg) = self.leg_mut(id) else { return };
        let partner = leg.partner;
        leg.part(now);
        if let Some(partner) = partner.and_then(|partner| self.leg_mut(partner)) {
            partner.part(now);
        }
    }

    fn close(&mut self, now: Mono, id: LegId) {
        self.part(now, id);
        let Some(leg) = self.leg_mut(id) else { return };
        let way = leg.rtcp_way().filter(|_| leg.has_started());
        let farewell = way.and_then(|(port, to)| Some((port, to, leg.report(now, true)?)));
        let quality = leg.quality();
        if let Some((port, to, bytes)) = farewell {
            self.out.push_back(Out::Send { leg: id, port, to, bytes });
        }
        self.out.push_back(Out::Event(Event::Closed { leg: id, quality }));
        if let Some(slot) = usize::try_from(id.index).ok().and_then(|index| self.legs.get_mut(index)) {
            *slot = None;
            self.held = self.held.saturating_sub(1);
        }
    }

    /// What one leg needs at this instant.
    fn attend(&mut self, now: Mono, id: LegId) {
        let wait = self.report_wait();
        let config = self.config;
        let Some(leg) = self.leg_mut(id) else { return };
        let mut send = [None, None];
        let mut told = [None, None];
        if leg.has_started() && leg.report_at <= now {
            leg.report_at = later(now, wait);
            told[0] = Some(Event::Quality { leg: id, quality: leg.quality() });
            send[0] = leg.rtcp_way().and_then(|(port, to)| Some((port, to, leg.report(now, false)?)));
        }
        if leg.keep_alive_at(&config).is_some_and(|at| at <= now) {
            send[1] = leg.latch.rtp().and_then(|to| Some((Port::Rtp, to, leg.keep_alive(now)?)));
        }
        if leg.dead_at(&config).is_some_and(|at| at <= now) {
            told[1] = Some(Event::Dead { leg: id, silent_for: leg.die(now) });
        }
        for (port, to, bytes) in send.into_iter().flatten() {
            self.out.push_back(Out::Send { leg: id, port, to, bytes });
        }
        self.out.extend(told.into_iter().flatten().map(Out::Event));
    }

    /// Puts a leg's next instant into the timetable. Packets only move deadlines back, so what is in there is
    /// never too late; an entry that became too early is looked at and put back.
    fn schedule(&mut self, id: LegId) {
        let config = self.config;
        let Some(leg) = self.leg_mut(id) else { return };
        let report = leg.has_started().then_some(leg.report_at);
        let next = [report, leg.keep_alive_at(&config), leg.dead_at(&config)].into_iter().flatten().min();
        let Some(next) = next.filter(|next| leg.wake_at.is_none_or(|at| *next < at)) else { return };
        leg.wake_at = Some(next);
        self.timetable.push(Reverse((next, id)));
    }

    fn report_wait(&mut self) -> Duration {
        let mean = u32::try_from(self.config.report.as_micros()).unwrap_or(u32::MAX);
        let micros = u64::from(mean / 2).saturating_add(u64::from(self.entropy.below(mean)));
        Duration::from_micros(micros)
    }
}

#[cfg(test)]
mod tests;
