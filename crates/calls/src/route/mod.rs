//! Where a call goes: from what was dialled, over forwardings, to the phones that shall ring, or to nowhere.
//!
//! A walk over the directory that changes nothing but the call's own [`Way`]. Not here: the ringing (`ring`), and what
//! a caller is told (`record`).

#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::DialString;
use model::directory::{Directory, Extension};
use sip::{Diversion, Target, Why};

use crate::limits::{MAX_FORWARDS, MAX_SHOWN};

/// The way a call took so far: its call tree (which extensions it has been at) and the hops it has left.
#[derive(Debug, Default)]
pub(crate) struct Way {
    visited: Vec<Arc<str>>,
    /// Why it went on, for each extension that did not keep it.
    diversions: Vec<Diversion>,
    hops_left: u8,
}

impl Way {
    /// The way of a call whose INVITE has `max_forwards` hops left (RFC 3261 section 16.6, step 3).
    pub fn new(max_forwards: u8) -> Way {
        Way { hops_left: max_forwards, ..Way::default() }
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
        let Some(next) = directory.extensions.get(forward.as_str()) else {
            let here = Arc::clone(&extension.number);
            return Found::Nowhere(Nowhere::ForwardUnknown(here, forward.clone()));
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
    Some(Found::Nowhere(Nowhere::ForwardUnknown(here, number)))
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
    Some(match directory.extensions.get(forward.as_str()) {
        Some(next) => {
            way.divert(why);
            follow(directory, way, next, targets)
        }
        None => Found::Nowhere(Nowhere::ForwardUnknown(Arc::clone(&here.number), forward.clone())),
    })
}
