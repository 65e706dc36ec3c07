//! Transfers at random: who may come to talk with whom because of them, as far as the world can know it.
//!
//! A scenario says itself whom a transfer connects (`may_connect`); a walk can't, since it does not know whose phone will
//! answer. Not here: the checks themselves (`checks`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::Mono;

use super::World;
use crate::clock::secs;
use crate::phone::{Dialog, DialogId, Role, Stage};

/// What was on its way when two were parted has arrived.
const ON_ITS_WAY: Duration = secs(2);

/// Who is being transferred, or was.
#[derive(Default)]
pub(super) struct Moves {
    /// And as whom the phones of the target may have been shown the caller: as him, or as who called them before.
    shown: BTreeMap<DialogId, BTreeSet<String>>,
    /// Ends whose calls were joined, and theirs again: two who transfer at once join people whom neither of them knows.
    joined: Vec<BTreeSet<DialogId>>,
    /// With whom somebody talked until when.
    former: BTreeMap<DialogId, (DialogId, Mono)>,
}

impl Moves {
    fn join(&mut self, ends: [DialogId; 4]) {
        let touches = |set: &BTreeSet<DialogId>| ends.iter().any(|id| set.contains(id));
        let (touched, rest) = std::mem::take(&mut self.joined).into_iter().partition(touches);
        self.joined = rest;
        let touched: Vec<BTreeSet<DialogId>> = touched;
        self.joined.push(touched.into_iter().flatten().chain(ends).collect());
    }
}

impl World {
    /// Transfers whoever talks with this end to a number. False: it is not known who does.
    pub fn transfer_away(&mut self, id: DialogId, number: &str) -> bool {
        let Some(transferee) = self.partner(id) else { return false };
        let shown = self.extension_at(transferee);
        self.move_away(id, transferee, shown);
        self.transfer(id, transferee, number);
        true
    }

    /// Transfers whoever talks with this end to the other side of another call of the same phone, answered or not. False: it
    /// is not known who talks.
    pub fn join_calls(&mut self, id: DialogId, other: DialogId) -> bool {
        let Some(transferee) = self.partner(id) else { return false };
        let answered = self.dialog(other).stage == Stage::Answered;
        let target = self.partner(other);
        if answered && target.is_none() {
            return false;
        }
        let shown = self.extension_at(id);
        self.move_away(id, transferee, shown.clone());
        if let Some(target) = target {
            self.move_away(other, target, shown);
            self.let_go(target);
            self.moves.join([id, transferee, other, target]);
        }
        self.transfer_to_call(id, other);
        true
    }

    fn move_away(&mut self, from: DialogId, transferee: DialogId, shown: String) {
        self.let_go(from);
        self.let_go(transferee);
        self.moves.shown.entry(transferee).or_default().insert(shown);
    }

    /// With whom this end talks, if both have heard each other and still do.
    fn partner(&self, id: DialogId) -> Option<DialogId> {
        let partner = *self.pairs.get(&id)?;
        let talks = |id| self.find(id).is_some_and(|dialog| dialog.stage == Stage::Answered);
        (self.pairs.get(&partner) == Some(&id) && talks(id) && talks(partner)).then_some(partner)
    }

    fn extension_at(&self, id: DialogId) -> String {
        self.phones[usize::from(id.phone)].account.extension.clone()
    }

    /// Whether a transfer may have brought these two together.
    pub(super) fn are_joined(&self, one: &Dialog, other: &Dialog) -> bool {
        let moved_to = |who: &Dialog, target: &Dialog| {
            let shown = self.moves.shown.get(&who.id);
            target.role == Role::Callee && shown.is_some_and(|shown| shown.contains(&target.peer))
        };
        let joined =
            || self.moves.joined.iter().any(|ends| ends.contains(&one.id) && ends.contains(&other.id));
        self.connected.contains(&(one.id, other.id))
            || moved_to(one, other)
            || moved_to(other, one)
            || joined()
    }

    /// Somebody hears somebody new.
    pub(super) fn pair_anew(&mut self, listener: DialogId, speaker: DialogId, now: Mono) {
        if let Some(before) = self.pairs.insert(listener, speaker) {
            self.moves.former.insert(listener, (before, now));
        }
    }

    /// Whether what is heard of somebody may have been on its way since the two were parted.
    pub(super) fn is_late(&self, listener: DialogId, speaker: DialogId, now: Mono) -> bool {
        let former = self.moves.former.get(&listener);
        former.is_some_and(|(before, until)| *before == speaker && *until + ON_ITS_WAY > now)
    }

    /// Whether this end was part of a transfer at random: whom it should hear is not known.
    pub(super) fn is_moved(&self, id: DialogId) -> bool {
        self.moves.shown.contains_key(&id)
            || self.pairs.get(&id).is_some_and(|p| self.moves.shown.contains_key(p))
    }

    /// Whether a phone may be rung with this caller on behalf of somebody who is transferred.
    pub(super) fn rings_for_another(&self, peer: &str, now: Mono) -> bool {
        let lives = |id: &DialogId| {
            let ended = self.find(*id).map(|dialog| dialog.ended);
            ended.is_some_and(|ended| ended.is_none_or(|at| at + secs(6) > now))
        };
        self.moves.shown.iter().any(|(id, shown)| shown.contains(peer) && lives(id))
    }
}
