//! Where a call goes: from what was dialled, over forwardings, to the phones that shall ring, or to nowhere.
//!
//! A walk over the directory that changes nothing but the call's own [`Way`]. Not here: the ringing (`ring`), and what
//! a caller is told (`record`).

#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::DialString;
use model::directory::{Directory, Errand, Extension};
use model::lock::Outgoing;
use model::record::Direction;
use sip::{Diversion, Target, Why};

use crate::limits::{MAX_FORWARDS, MAX_SHOWN};

/// The way a call took so far: its call tree (which extensions it has been at) and the hops it has left.
#[derive(Debug)]
pub(crate) struct Way {
    visited: Vec<Arc<str>>,
    /// Why it went on, for each extension that did not keep it.
    diversions: Vec<Diversion>,
    hops_left: u8,
    /// Whether it may leave the house now.
    outgoing: Outgoing,
    /// Whether it leaves the house, or would have.
    direction: Direction,
}

impl Way {
    /// The way of a call whose INVITE has `max_forwards` hops left (RFC 3261 section 16.6, step 3).
    pub fn new(max_forwards: u8) -> Way {
        Way {
            visited: Vec::new(),
            diversions: Vec::new(),
            hops_left: max_forwards,
            outgoing: Outgoing::Open,
            direction: Direction::Internal,
        }
    }

    /// Says whether calls may leave the house, before each look where it goes on.
    pub fn heed(&mut self, outgoing: Outgoing) {
        self.outgoing = outgoing;
    }

    /// Whether it stays in the house.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Whom `number` leads to: an extension, else a way out. This is the one place where a call leaves the house, whether it
    /// was dialled, forwarded, deflected or transferred there.
    fn leads<'a>(&mut self, directory: &'a Directory, number: &str) -> Result<&'a Arc<Extension>, Stop> {
        if let Some(extension) = directory.extensions.get(number) {
            return Ok(extension);
        }
        let way_out = directory.ways_out.iter().find(|way_out| number.starts_with(&way_out.prefix));
        let way_out = way_out.ok_or(Stop::Unknown)?;
        self.direction = Direction::Outgoing;
        match (way_out.errand, self.outgoing) {
            (Errand::Ordinary, Outgoing::Locked) => Err(Stop::Locked),
            (Errand::Emergency, _) | (_, Outgoing::Open) => Ok(&way_out.by),
        }
    }

    /// Max-Forwards of the INVITEs that we send.
    pub fn hops_left(&self) -> u8 {
        self.hops_left
    }

    /// The extension it is at now.
    pub fn here(&self) -> Option<&Arc<str>> {
        self.visited.last()
    }

    /// The route as history shows it: `102 > 103`; empty until a number of ours was found.
    pub fn text(&self) -> String {
        self.visited.join(" > ")
    }

    /// The forwardings so far.
    pub fn diversions(&self) -> &[Diversion] {
        &self.diversions
    }

    /// It goes on from where it is.
    fn divert(&mut self, why: Why) {
        if let Some(here) = self.visited.last() {
            self.diversions.push(Diversion { from: Arc::clone(here), why });
        }
    }

    fn enter(&mut self, extension: &Arc<str>) -> Result<(), Nowhere> {
        let Some(hops_left) = self.hops_left.checked_sub(1) else { return Err(Nowhere::TooManyHops) };
        if self.visited.contains(extension) || self.visited.len() > MAX_FORWARDS {
            return Err(Nowhere::Loop);
        }
        self.hops_left = hops_left;
        self.visited.push(Arc::clone(extension));
        Ok(())
    }
}

/// Why a number leads nowhere.
enum Stop {
    Unknown,
    Locked,
}

impl Stop {
    /// What becomes of a call that `here` forwards to `number`.
    fn forwarded(self, here: &Arc<str>, number: &DialString) -> Nowhere {
        match self {
            Stop::Unknown => Nowhere::ForwardUnknown(Arc::clone(here), number.clone()),
            Stop::Locked => Nowhere::Locked,
        }
    }
}

/// What a call finds.
#[derive(Debug)]
pub(crate) enum Found {
    /// These phones shall ring.
    Phones {
        /// Whose they are.
        extension: Arc<Extension>,
        /// The phones, the preferred ones first; never empty.
        targets: Vec<Target>,
    },
    /// No phone.
    Nowhere(Nowhere),
}

/// Why no phone rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Nowhere {
    /// Nobody has this number.
    Unknown,
    /// The extension forwards to a number that nobody has.
    ForwardUnknown(Arc<str>, DialString),
    /// It would leave the house, and outgoing calls are locked (SPEC R4.11).
    Locked,
    /// It came back to where it had been, or went over too many.
    Loop,
    /// Max-Forwards is used up: a loop that leaves the house in between.
    TooManyHops,
    /// The extension does not wish to be disturbed.
    Undisturbed(Arc<str>),
    /// None of the extension's phones is registered and reachable.
    Unreachable(Arc<str>),
}

/// Which of an extension's forwardings a failed attempt asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// It is busy, or declined.
    Busy,
    /// Nobody took it.
    NoAnswer,
    /// No phone can be reached.
    Unreachable,
}

/// Who was dialled: an extension's name as it stands, else what a keypad can dial (SPEC R4.18); and how history
/// writes it.
pub(crate) fn dialled<'a>(directory: &'a Directory, text: &[u8]) -> (Option<&'a Arc<Extension>>, String) {
    if let Some(extension) = std::str::from_utf8(text).ok().and_then(|name| directory.extensions.get(name)) {
        return (Some(extension), extension.number.to_string());
    }
    match DialString::parse(text) {
        Ok(number) => (directory.extensions.get(number.as_str()), number.to_string()),
        Err(_) => (None, String::from_utf8_lossy(text).chars().take(MAX_SHOWN).collect()),
    }
}

/// Where a call to what was dialled goes first. `targets` as in [`follow`].
pub(crate) fn begin(
    directory: &Directory,
    way: &mut Way,
    text: &[u8],
    targets: impl FnMut(&Extension) -> Vec<Target>,
) -> Found {
    let (extension, number) = dialled(directory, text);
    // What is no number leads nowhere: only a `DialString` leaves the house (SPEC R4.18).
    let leads = match extension {
        Some(extension) => Ok(extension),
        None if DialString::parse(text).is_ok() => way.leads(directory, &number),
        None => Err(Stop::Unknown),
    };
    match leads {
        Ok(extension) => follow(directory, way, extension, targets),
        Err(Stop::Unknown) => Found::Nowhere(Nowhere::Unknown),
        Err(Stop::Locked) => Found::Nowhere(Nowhere::Locked),
    }
}

/// Follows forwardings from `extension` until phones are found. `targets` tells the phones of an extension that may
/// ring for this call.
pub(crate) fn follow(
    directory: &Directory,
    way: &mut Way,
    extension: &Arc<Extension>,
    mut targets: impl FnMut(&Extension) -> Vec<Target>,
) -> Found {
    let mut extension = extension;
    // Each turn enters one more extension, and `enter` bounds those.
    loop {
        if let Err(nowhere) = way.enter(&extension.number) {
            return Found::Nowhere(nowhere);
        }
        let (forward, why, nowhere) = if let Some(always) = &extension.forwarding.always {
            (Some(always), Why::Unconditional, Nowhere::Loop)
        } else if extension.do_not_disturb {
            (
                extension.forwarding.busy.as_ref(),
                Why::Busy,
                Nowhere::Undisturbed(Arc::clone(&extension.number)),
            )
        } else {
            let targets = targets(extension);
            if !targets.is_empty() {
                return Found::Phones { extension: Arc::clone(extension), targets };
            }
            let nowhere = Nowhere::Unreachable(Arc::clone(&extension.number));
            (extension.forwarding.unreachable.as_ref(), Why::Unreachable, nowhere)
        };
        let Some(forward) = forward else { return Found::Nowhere(nowhere) };
        let next = match way.leads(directory, forward.as_str()) {
            Ok(next) => next,
            Err(stop) => return Found::Nowhere(stop.forwarded(&extension.number, forward)),
        };
        way.divert(why);
        extension = next;
    }
}

/// Where a call goes when a phone sends it on by itself (3xx); `None`: to something that can't be dialled.
pub(crate) fn moved(
    directory: &Directory,
    way: &mut Way,
    to: &[u8],
    targets: impl FnMut(&Extension) -> Vec<Target>,
) -> Option<Found> {
    if let (Some(next), _) = dialled(directory, to) {
        way.divert(Why::Deflected);
        return Some(follow(directory, way, next, targets));
    }
    let (here, number) = (Arc::clone(way.here()?), DialString::parse(to).ok()?);
    match way.leads(directory, number.as_str()) {
        Ok(next) => {
            way.divert(Why::Deflected);
            Some(follow(directory, way, next, targets))
        }
        Err(stop) => Some(Found::Nowhere(stop.forwarded(&here, &number))),
    }
}

/// Where a call goes after its phones were rung in vain: `None`, the caller is refused; else as [`follow`].
pub(crate) fn onward(
    directory: &Directory,
    way: &mut Way,
    attempt: Attempt,
    targets: impl FnMut(&Extension) -> Vec<Target>,
) -> Option<Found> {
    // The extension as it is configured now: forwardings may have changed while it rang.
    let here = directory.extensions.get(way.here()?)?;
    let (forward, why) = match attempt {
        Attempt::Busy => (here.forwarding.busy.as_ref(), Why::Busy),
        Attempt::NoAnswer => (here.forwarding.no_answer.as_ref().map(|(forward, _)| forward), Why::NoAnswer),
        Attempt::Unreachable => (here.forwarding.unreachable.as_ref(), Why::Unreachable),
    };
    let forward = forward?;
    Some(match way.leads(directory, forward.as_str()) {
        Ok(next) => {
            way.divert(why);
            follow(directory, way, next, targets)
        }
        Err(stop) => Found::Nowhere(stop.forwarded(&here.number, forward)),
    })
}
