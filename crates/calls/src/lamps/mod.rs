//! Lamps: what watching phones are told of an extension's calls and of its mailbox.
//!
//! After each step of a call the extensions it engages are compared with those it engaged before, so that the table by
//! extension is always right and nobody ever looks through all calls. An extension that nobody watches costs an entry
//! while it is in a call; documents and messages are made for watched ones only. Whom an extension talks with is not
//! told. Not here: subscriptions and NOTIFY (`sip`).

use std::collections::HashSet;
use std::sync::Arc;

use model::{CallId, Now};
use sip::{Package, Published, Stack, Watch};
use wire::dialog_info::{Dialog, Direction, State};
use wire::message_summary::Summary;

use crate::call::Call;
use crate::leg::Leg;
use crate::limits::MAX_SHOWN_CALLS;
use crate::ring::Rang;
use crate::step::{Desk, Step, Table};

/// An extension's part in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    extension: Arc<str>,
    direction: Direction,
    state: State,
}

/// One call that an extension is in.
#[derive(Clone, Copy, Debug)]
struct Engagement {
    call: CallId,
    direction: Direction,
    state: State,
}

/// Who is in calls, who is watched, and what waits in mailboxes.
#[derive(Default)]
pub(crate) struct Lamps {
    engaged: Table<Arc<str>, Vec<Engagement>>,
    watched: HashSet<Arc<str>, foldhash::fast::RandomState>,
    /// Mailboxes that are not empty.
    mailboxes: Table<Arc<str>, Summary>,
    /// Watched extensions whose calls have changed since they were last told of, each once.
    changed: Vec<Arc<str>>,
    /// Kept from step to step, so that comparing allocates nothing.
    parts: Vec<Part>,
}

impl Lamps {
    fn note(&mut self, extension: &Arc<str>) {
        if self.watched.contains(extension) && !self.changed.contains(extension) {
            self.changed.push(Arc::clone(extension));
        }
    }

    fn engage(&mut self, call: CallId, part: &Part) {
        let Part { direction, state, .. } = *part;
        let engagement = Engagement { call, direction, state };
        let list = self.engaged.entry(Arc::clone(&part.extension)).or_default();
        match list.iter_mut().find(|engagement| engagement.call == call) {
            Some(known) => *known = engagement,
            None => list.push(engagement),
        }
    }

    fn release(&mut self, call: CallId, extension: &Arc<str>) {
        if let Some(list) = self.engaged.get_mut(extension) {
            list.retain(|engagement| engagement.call != call);
            if list.is_empty() {
                self.engaged.remove(extension);
            }
        }
    }

    /// The extension's calls as a lamp is told them: one that rings first, since that is what can be picked up.
    fn dialogs(&self, extension: &str) -> Vec<Dialog> {
        let list = self.engaged.get(extension).map(Vec::as_slice).unwrap_or_default();
        let mut dialogs: Vec<Dialog> = list
            .iter()
            .map(|&Engagement { call, direction, state }| Dialog {
                id: call.0.bits(),
                direction: Some(direction),
                state,
            })
            .collect();
        dialogs.sort_by_key(|dialog| match (dialog.state, dialog.direction) {
            (State::Early, Some(Direction::Recipient)) => 0,
            (State::Confirmed, _) => 1,
            _ => 2,
        });
        dialogs.truncate(MAX_SHOWN_CALLS);
        dialogs
    }
}

/// A step of the call is done: lamps follow.
pub(crate) fn follow(step: &mut Step<'_>, call: &mut Call) {
    let mut parts = std::mem::take(&mut step.desk.lamps.parts);
    parts.clear();
    list_parts(call, &mut parts);
    if parts != call.shown {
        for before in &call.shown {
            if !parts.iter().any(|part| part.extension == before.extension) {
                step.desk.lamps.release(call.id, &before.extension);
                step.desk.lamps.note(&before.extension);
            }
        }
        for part in &parts {
            if !call.shown.contains(part) {
                step.desk.lamps.engage(call.id, part);
                step.desk.lamps.note(&part.extension);
            }
        }
        std::mem::swap(&mut parts, &mut call.shown);
    }
    step.desk.lamps.parts = parts;
}

/// The call is over.
pub(crate) fn forget(step: &mut Step<'_>, call: &mut Call) {
    for part in call.shown.drain(..) {
        step.desk.lamps.release(call.id, &part.extension);
        step.desk.lamps.note(&part.extension);
    }
}

/// Whatever came of an input is done: who watches is told. Not before: somebody who is transferred leaves one call and is in
/// another at once, and his lamp must not go out in between.
pub(crate) fn tell_all(desk: &mut Desk, now: Now) {
    while let Some(extension) = desk.lamps.changed.pop() {
        tell(desk, now, &extension);
    }
}

/// Who watches what has changed.
pub(crate) fn watch(desk: &mut Desk, now: Now, watch: Watch) {
    match watch {
        Watch::Began(topic) => match topic.package {
            Package::Dialog => {
                desk.lamps.watched.insert(Arc::clone(&topic.extension));
                tell(desk, now, &topic.extension);
            }
            Package::MessageSummary => {
                let summary = desk.lamps.mailboxes.get(&topic.extension).copied().unwrap_or_default();
                desk.stack.publish(now, &topic.extension, Published::Messages(summary));
            }
        },
        Watch::Ended(topic) => {
            if topic.package == Package::Dialog {
                desk.lamps.watched.remove(&topic.extension);
            }
        }
    }
}

/// What waits in an extension's mailbox.
pub(crate) fn set_mailbox(desk: &mut Desk, now: Now, extension: &Arc<str>, summary: Summary) {
    if summary == Summary::default() || !desk.directory.extensions.contains_key(extension) {
        desk.lamps.mailboxes.remove(extension);
    } else {
        desk.lamps.mailboxes.insert(Arc::clone(extension), summary);
    }
    desk.stack.publish(now, extension, Published::Messages(summary));
}

/// Mailboxes of extensions that are gone are forgotten.
pub(crate) fn review(desk: &mut Desk) {
    let extensions = &desk.directory.extensions;
    desk.lamps.mailboxes.retain(|extension, _| extensions.contains_key(extension));
}

fn tell(desk: &mut Desk, now: Now, extension: &Arc<str>) {
    let Desk { lamps, stack, .. } = desk;
    if lamps.watched.contains(extension) {
        publish(stack, now, extension, lamps.dialogs(extension));
    }
}

fn publish(stack: &mut Stack, now: Now, extension: &Arc<str>, dialogs: Vec<Dialog>) {
    stack.publish(now, extension, Published::Dialogs(dialogs));
}

/// Whom the call engages, and how far. A phone that has not said that it rings does not blink either.
fn list_parts(call: &Call, parts: &mut Vec<Part>) {
    let answered = call.answered.is_some();
    let state = match (answered, call.rings()) {
        (true, _) => State::Confirmed,
        (false, true) => State::Early,
        (false, false) => State::Trying,
    };
    // Who has left a call that is being transferred is not in it any more, nor is who will come into it.
    if call.caller.session.is_some() {
        add(parts, &call.caller.extension, Direction::Initiator, state);
    }
    let there = |phone: &&Leg| phone.session.is_some() && (answered || phone.rang == Rang::Yes);
    for phone in call.phones.iter().filter(there) {
        let state = if answered { State::Confirmed } else { State::Early };
        add(parts, &phone.extension, Direction::Recipient, state);
    }
}

/// An extension that is in a call more than once is told by what says most.
fn add(parts: &mut Vec<Part>, extension: &Arc<str>, direction: Direction, state: State) {
    match parts.iter_mut().find(|part| part.extension == *extension) {
        Some(part) if (part.state, part.direction) < (state, direction) => {
            (part.state, part.direction) = (state, direction);
        }
        Some(_) => {}
        None => parts.push(Part { extension: Arc::clone(extension), direction, state }),
    }
}
