//! What must hold after each step, once a second, and when everything is over.

use std::time::Duration;

use guard::{Block, By};
use model::Mono;
use model::live::Call;

use super::{Failure, World};
use crate::clock::secs;
use crate::phone::{Complaint, Dialog, DialogId, Ending, Lamp, Role, Stage, Tone};

/// An answered call on a good network may be silent for this long.
const SILENCE: Duration = secs(6);
/// Packets by which the server has learnt where a phone behind a router is.
const SPOKEN: u32 = 20;
/// A phone that was hard to reach may ring for a call that was given up a moment before: 64 x T1.
const LIFE: Duration = secs(32);
/// Legs that one call may have: phones that ring at once, and the caller.
const LEGS_PER_CALL: usize = 64;
/// More transactions than this can't come from a handful of phones.
const TRANSACTIONS: usize = 5_000;

impl World {
    /// After each step.
    pub(super) fn check_step(&mut self) {
        let Some(server) = &mut self.server else { return };
        let (legs, sockets, ports) = (server.legs(), server.sockets(), server.ports.held());
        let held = server.held();
        let mut broken = server.breaches.pop().or_else(|| server.ports.breaches.pop());
        if broken.is_none() && (legs != ports || legs != held.legs || sockets != 2 * legs) {
            let counted = held.legs;
            broken = Some(format!(
                "{legs} legs in the shards, {sockets} sockets, {ports} ports held, {counted} legs counted"
            ));
        }
        if std::mem::take(&mut server.compare) {
            let calls = server.exchange.calls(self.clock.now());
            broken = broken.or_else(|| self.check_calls(&calls, legs, held.transactions));
        }
        let fresh =
            self.server.as_mut().map_or(Vec::new(), |server| std::mem::take(&mut server.fresh_blocks));
        broken = broken.or_else(|| fresh.iter().find_map(|block| self.check_block(block)));
        if let Some(broken) = broken {
            self.fail(broken);
        }
    }

    /// Nobody is blocked by the guard without `attempts` wrong answers to its own nonces inside the period. A phone with an old
    /// password is beyond the ledger.
    fn check_block(&self, block: &Block) -> Option<String> {
        if block.by != By::Guard {
            return None;
        }
        let (rules, now) = (&self.directory.guessing, self.clock.now().mono);
        let stale = (0..self.phones.len()).any(|number| {
            let (host, phone) = (self.host_of_phone[number], &self.phones[number]);
            let here = block.prefix.contains(&self.network.source_of(host, phone.address.ip()));
            here && phone.account.password != crate::office::password(&phone.account.username)
        });
        let sent = self.guesses.iter().filter(|(source, _)| block.prefix.contains(*source));
        let recent = |at: &&Mono| now.saturating_since(**at) < rules.period;
        let count = sent.flat_map(|(_, times)| times.iter().filter(recent)).count();
        let is_fair = stale || count >= usize::try_from(rules.attempts).unwrap_or(usize::MAX);
        (!is_fair).then(|| format!("{} is refused for {count} wrong answers", block.shown()))
    }

    /// After each step in which a record changed.
    fn check_calls(&self, calls: &[Call], legs: usize, transactions: usize) -> Option<String> {
        if legs > calls.len() * LEGS_PER_CALL || transactions > TRANSACTIONS {
            return Some(format!("{legs} legs and {transactions} transactions for {} calls", calls.len()));
        }
        if calls.len() != self.store.open() {
            return Some(format!("{} calls run, {} records are open", calls.len(), self.store.open()));
        }
        let unknown = calls.iter().find(|call| !self.store.is_open(call.id))?;
        Some(format!("the call {} runs and has no open record", unknown.id))
    }

    /// A phone may complain about silence of the server only if nothing was lost on its way.
    pub(super) fn hear_complaints(&mut self, number: usize, _now: Mono) {
        let host = self.host_of_phone[number];
        for complaint in std::mem::take(&mut self.phones[number].complaints) {
            let down = self.server.is_none() || self.network.link(host).down;
            if down || self.is_blocked(number) || self.is_shut_out(number) {
                self.excuse(host);
            }
            let lost = self.network.link(host).last_loss;
            let name = self.phones[number].account.username.clone();
            let what = match complaint {
                Complaint::Wrong(what) => format!("{name}: {what}"),
                Complaint::Unanswered { since, what } if lost.is_none_or(|lost| lost < since) => {
                    format!("{name} got no answer to {what}, on a good network")
                }
                Complaint::NotAcknowledged { since, what } if lost.is_none_or(|lost| lost + LIFE < since) => {
                    format!("{name} got no ACK for {what}, on a good network")
                }
                Complaint::Unanswered { .. } | Complaint::NotAcknowledged { .. } => continue,
            };
            self.fail(what);
        }
    }

    /// Whether the guard refuses where a phone comes from: then it may complain of silence.
    fn is_blocked(&mut self, number: usize) -> bool {
        let (host, ip) = (self.host_of_phone[number], self.phones[number].address.ip());
        let source = self.network.source_of(host, ip);
        let wall = self.now().wall;
        let blocks = self.server.as_ref().map_or(Vec::new(), |server| server.exchange.blocks(self.now()));
        blocks.iter().any(|block| block.prefix.contains(&source) && !block.is_over(wall))
    }

    /// From now on a silence on this link is excused: something was lost by the world's own doing.
    pub(super) fn excuse(&mut self, host: usize) {
        self.network.link(host).last_loss = Some(self.clock.now().mono);
    }

    /// Who hears whom must be in one call.
    pub(super) fn check_tone(&mut self, listener: DialogId, tone: Tone) {
        let (speaker, now) = (tone.speaker, self.clock.now().mono);
        let (Some(hears), Some(speaks)) = (self.find(listener), self.find(speaker)) else {
            return self.fail(format!("{listener} hears {speaker}, which never was"));
        };
        if !self.may_talk(hears, speaks) {
            let what = format!(
                "{listener} ({:?} of {}) hears {speaker} ({:?} of {}): crossed wires",
                hears.role, hears.peer, speaks.role, speaks.peer
            );
            return self.fail(what);
        }
        if hears.stage != Stage::Answered || speaks.stage != Stage::Answered {
            return;
        }
        match self.pairs.get(&listener) {
            Some(partner) if *partner != speaker && self.are_joined(hears, speaks) => {
                self.pair_anew(listener, speaker, now);
            }
            Some(partner) if *partner != speaker && self.is_late(listener, speaker, now) => {}
            Some(partner) if *partner != speaker => {
                let what = format!("{listener} talked with {partner} and hears {speaker} now");
                self.fail(what);
            }
            Some(_) => {}
            None => {
                self.pairs.insert(listener, speaker);
            }
        }
    }

    /// Whether two ends can belong to one call: one called, the other was called, by that extension.
    fn may_talk(&self, one: &Dialog, other: &Dialog) -> bool {
        if self.are_joined(one, other) {
            return true;
        }
        let (caller, callee) = match (one.role, other.role) {
            (Role::Caller, Role::Callee) => (one, other),
            (Role::Callee, Role::Caller) => (other, one),
            _ => return false,
        };
        let extension = &self.phones[usize::from(caller.id.phone)].account.extension;
        *extension == callee.peer
    }

    pub(super) fn find(&self, id: DialogId) -> Option<&Dialog> {
        self.phones.get(usize::from(id.phone))?.dialog(id)
    }

    /// Once a second: who should hear something and does not.
    pub(super) fn audit(&mut self) {
        let now = self.clock.now().mono;
        match &mut self.server {
            Some(server) => server.compare = true,
            None => return self.excuse_all(),
        }
        self.audit_ends(now);
        let deaf = self.phones.iter().filter(|phone| phone.on).flat_map(|phone| phone.running());
        let deaf: Vec<DialogId> =
            deaf.filter(|dialog| self.is_deaf(dialog, now)).map(|dialog| dialog.id).collect();
        for listener in deaf {
            if let Some(speaker) = self.should_hear(listener, now) {
                let what = format!("{listener} hears nothing for {SILENCE:?} while {speaker} talks to it");
                return self.fail(what);
            }
        }
    }

    /// Once a second: who still rings or talks, and should have been told that it is over.
    fn audit_ends(&mut self, now: Mono) {
        let ring_time = self.directory.times.ring_timeout + SILENCE;
        let running = self.phones.iter().filter(|phone| phone.on).flat_map(|phone| phone.running());
        let mut left = Vec::new();
        for dialog in running.filter(|dialog| dialog.began >= self.server_since) {
            let rings = dialog.role == Role::Callee && dialog.stage == Stage::Ringing;
            if rings && dialog.began + ring_time < now {
                left.push((dialog.id, dialog.began, "rings for longer than anybody waits"));
            }
            if rings && dialog.began + SILENCE < now && self.nobody_calls(dialog, now) {
                left.push((dialog.id, dialog.began, "rings though nobody calls any more"));
            }
            let partner = self.pairs.get(&dialog.id).and_then(|partner| self.find(*partner));
            let gone =
                partner.filter(|p| matches!(p.stage, Stage::Ended(Ending::HungUp | Ending::PeerHungUp)));
            let alone = self.let_go.contains(&dialog.id);
            let gone = gone.filter(|_| !alone);
            if let Some(ended) = gone.and_then(|partner| partner.ended).filter(|ended| *ended + SILENCE < now)
            {
                let partner = partner.map_or(dialog.id, |partner| partner.id);
                if self.lossless_since(partner.phone, ended) {
                    left.push((dialog.id, ended, "goes on without the other side"));
                }
            }
        }
        if let Some((id, _, what)) =
            left.into_iter().find(|(id, since, _)| self.lossless_since(id.phone, *since))
        {
            self.fail(format!("{id} {what}"));
        }
    }

    /// Whether every call that a ringing phone could be rung by was answered elsewhere or is over, for a while.
    fn nobody_calls(&self, rings: &Dialog, now: Mono) -> bool {
        if self.rings_for_another(&rings.peer, now) {
            return false;
        }
        let mut settled = None;
        for phone in self.phones.iter().filter(|phone| phone.account.extension == rings.peer) {
            if !phone.on || !self.lossless_since(phone.number, rings.began) {
                return false;
            }
            if phone.running().any(|dialog| self.let_go.contains(&dialog.id)) {
                return false;
            }
            for dialog in phone.all_dialogs().filter(|dialog| dialog.role == Role::Caller) {
                let Some(at) = dialog.answered.or(dialog.ended) else { return false };
                settled = settled.max(Some(at));
            }
        }
        settled.is_some_and(|at| at + SILENCE < now)
    }

    /// Whether nothing was lost on a phone's link since a while before `since`.
    fn lossless_since(&self, phone: u16, since: Mono) -> bool {
        let link = self.network.link_of(self.host_of_phone[usize::from(phone)]);
        !link.down && link.last_loss.is_none_or(|lost| lost + LIFE < since)
    }

    /// Answered, allowed to hear, and silent for too long.
    fn is_deaf(&self, dialog: &Dialog, now: Mono) -> bool {
        let settled = dialog.answered.is_some_and(|at| at >= self.server_since && at + SILENCE < now);
        let last = dialog.sound.heard.values().map(|heard| heard.last).max();
        let silent = last.is_none_or(|last| last + SILENCE < now);
        let sure = dialog.role == Role::Caller || dialog.acknowledged;
        dialog.stage == Stage::Answered && sure && settled && silent && dialog.sound.hears()
    }

    /// Somebody who can only be talking to `listener`, on a network that loses nothing.
    fn should_hear(&mut self, listener: DialogId, now: Mono) -> Option<DialogId> {
        if !self.is_clean(listener.phone, now) || self.is_moved(listener) {
            return None;
        }
        let behind_nat = self.network.link(self.host_of_phone[usize::from(listener.phone)]).nat.is_some();
        let hears = self.find(listener)?;
        // A router that forgot its mappings cuts the media of running calls: only who was pinned is heard (R4.16),
        // until the phone has proven itself from where it is now.
        let rebound = |dialog: &Dialog| {
            let phone = usize::from(dialog.id.phone);
            let at = self.rebound.get(&phone).copied();
            let known = self.phones[phone].registered_at;
            at.is_some_and(|at| {
                let before = dialog.answered.is_some_and(|answered| answered <= at);
                before && known.is_none_or(|known| known <= at || known + SILENCE > now)
            })
        };
        if rebound(hears) {
            return None;
        }
        // Behind a router nobody hears who has not spoken.
        if behind_nat && hears.sound.sent < SPOKEN {
            return None;
        }
        let mut speakers = Vec::new();
        for phone in self.phones.iter().filter(|phone| phone.on) {
            for speaks in phone.running() {
                let talks = speaks.stage == Stage::Answered
                    && (speaks.role == Role::Caller || speaks.acknowledged)
                    && speaks.sound.sends_since.is_some_and(|since| since + SILENCE < now)
                    && speaks.answered.is_some_and(|at| at + SILENCE < now)
                    && !speaks.sound.is_muted()
                    && !self.is_moved(speaks.id)
                    && !rebound(speaks);
                let mine = self.pairs.get(&listener).is_none_or(|partner| *partner == speaks.id);
                let others =
                    self.pairs.iter().any(|(other, partner)| *partner == speaks.id && *other != listener);
                let heard_me = self.pairs.get(&speaks.id) == Some(&listener);
                let free = !self.pairs.contains_key(&speaks.id) || heard_me;
                if talks && mine && !others && free && self.may_talk(hears, speaks) {
                    speakers.push(speaks.id);
                }
            }
        }
        // More than one: who of them is meant can't be told.
        let [speaker] = speakers[..] else { return None };
        self.is_clean(speaker.phone, now).then_some(speaker)
    }

    fn is_clean(&mut self, phone: u16, now: Mono) -> bool {
        let link = self.network.link(self.host_of_phone[usize::from(phone)]);
        let lossless = link.faults.loss == 0 && !link.down;
        lossless && link.last_loss.is_none_or(|lost| lost + SILENCE + SILENCE < now)
    }

    /// When everything is over: nothing is left of anything.
    ///
    /// # Errors
    /// Something is.
    pub fn check_quiet(&mut self) -> Result<(), Failure> {
        if let Some(server) = &self.server {
            let held = server.held();
            let left = held.transactions + held.dialogs + held.legs + held.media_ports;
            if left > 0 || server.legs() > 0 || server.ports.held() > 0 {
                let calls = server.exchange.calls(self.clock.now());
                let legs = server.legs();
                self.fail(format!(
                    "after a long quiet {held:?} is held, {legs} legs in the shards, {calls:?}"
                ));
            }
        }
        if self.store.open() > 0 {
            self.fail(format!("after a long quiet {} records are open", self.store.open()));
        }
        let lamps = self.phones.iter().filter(|phone| phone.on).filter_map(|phone| phone.lamp.as_ref());
        let lit = lamps.into_iter().find(|watch| matches!(watch.lamp, Lamp::Lit | Lamp::Blinks));
        if let Some(number) = lit.map(|watch| watch.number.clone()) {
            self.fail(format!("after a long quiet the lamp of {number} is lit"));
        }
        let names: Vec<String> = self
            .phones
            .iter()
            .flat_map(|phone| phone.running())
            .map(|dialog| format!("{} ({:?}, {:?}, {})", dialog.id, dialog.stage, dialog.role, dialog.peer))
            .collect();
        if !names.is_empty() {
            self.fail(format!("after a long quiet these calls still run at phones: {}", names.join(", ")));
        }
        let records = self.store.history(self.clock.now().mono);
        if let Some(record) = records.iter().find(|record| record.ended.is_none() || record.result.is_none())
        {
            self.fail(format!("the record of {} is open after a long quiet", record.id));
        }
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(()),
        }
    }
}
