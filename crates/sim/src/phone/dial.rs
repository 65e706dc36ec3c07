//! Calling: the phone's INVITE from the first to the last response.

use bytes::Bytes;
use model::Mono;
use wire::sip::{Contacts, Message, Name};

use super::client::Owner;
use super::dialog::{Dialog, DialogId, Ending, Role, Stage};
use super::late::Late;
use super::sound::Sound;
use super::write::Draft;
use super::{Phone, text};
use crate::office::DOMAIN;

impl Phone {
    /// Calls a number.
    pub fn call(&mut self, now: Mono, number: &str) -> DialogId {
        self.dial(now, number, None, Vec::new())
    }

    /// Calls a number, with these headers in the INVITE.
    pub fn call_with(&mut self, now: Mono, number: &str, headers: Vec<(Name, String)>) -> DialogId {
        self.dial(now, number, None, headers)
    }

    pub(super) fn dial(
        &mut self,
        now: Mono,
        number: &str,
        late: Option<Late>,
        headers: Vec<(Name, String)>,
    ) -> DialogId {
        let serial = self.new_id();
        let id = DialogId { phone: self.number, number: serial };
        let sound = Sound::new(id, &self.habits, self.address.ip(), &mut self.entropy);
        let mut dialog = Dialog::new(now, id, Role::Caller, number.to_owned(), sound);
        dialog.call_id = self.entropy.hex(8);
        dialog.local_tag = format!("{:x}c{serial}", self.number);
        dialog.local_uri = format!("<sip:{}@{DOMAIN}>", self.account.username);
        dialog.remote_uri = format!("<sip:{number}@{DOMAIN}>");
        dialog.remote_target = format!("sip:{number}@{DOMAIN}");
        let cseq = dialog.next_cseq();
        dialog.late = late;
        let body = late.is_none().then(|| ("application/sdp", dialog.sound.offer()));
        let mut draft = Draft { body, headers, ..dialog.draft("INVITE") };
        if self.habits.reliable {
            draft.headers.push((Name::Supported, "100rel".to_owned()));
        }
        self.dialogs.insert(serial, dialog);
        self.start(now, Owner::Invite(serial), draft, cseq);
        id
    }

    /// The INVITE was sent again under another number.
    pub(super) fn resent(&mut self, owner: Owner, cseq: u32) {
        if let Owner::Invite(number) | Owner::Reinvite(number) = owner
            && let Some(dialog) = self.dialogs.get_mut(&number)
        {
            dialog.cseq = cseq;
        }
    }

    /// Hangs up, whatever that means at the moment.
    pub fn hang_up(&mut self, now: Mono, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id.number) else { return };
        match (dialog.stage, dialog.role) {
            (Stage::Calling | Stage::Ringing, Role::Caller) => {
                if !dialog.hang_up_due {
                    dialog.hang_up_due = true;
                    if self.may_cancel(id.number) {
                        self.send_cancel(now, id.number);
                    }
                }
            }
            (Stage::Calling | Stage::Ringing, Role::Callee) => self.refuse(now, id, 603),
            (Stage::Answered, _) => self.say_bye(now, id.number, Ending::HungUp),
            (Stage::Ended(_), _) => {}
        }
    }

    /// Sends BYE. Who answered waits for the ACK of his answer (RFC 3261 section 15), unless it is overdue.
    pub(super) fn say_bye(&mut self, now: Mono, number: u32, ending: Ending) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        let patient = !self.habits.hasty && ending == Ending::HungUp;
        if dialog.role == Role::Callee && !dialog.acknowledged && patient {
            dialog.hang_up_due = true;
            return;
        }
        let cseq = dialog.next_cseq();
        let draft = dialog.draft("BYE");
        self.finish(number, ending);
        self.start(now, Owner::Bye, draft, cseq);
    }

    /// Gives up with BYE where others send CANCEL (RFC 3261 section 15 lets a caller do so in an early dialog).
    pub fn bye_early(&mut self, now: Mono, id: DialogId) {
        let Some(dialog) = self.dialogs.get(&id.number) else { return };
        if dialog.stage == Stage::Ringing && dialog.role == Role::Caller {
            self.say_bye(now, id.number, Ending::HungUp);
        }
    }

    pub(super) fn on_invite_progress(&mut self, now: Mono, number: u32, status: u16, response: &Message) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        dialog.statuses.push(status);
        if status > 100 {
            dialog.stage = Stage::Ringing;
            let tag = response.to().ok().and_then(|to| to.tag()).map(text);
            if dialog.remote_tag.is_none() {
                dialog.remote_tag = tag;
            } else if dialog.remote_tag != tag {
                let what = format!("{} got a provisional response with another tag", dialog.id);
                return self.wrong(what);
            }
        }
        if status > 100 {
            self.acknowledge_early(now, number, response);
        }
        if !response.body().is_empty() && status > 100 {
            self.early_answer(now, number, response);
        }
        let due = self.dialogs.get(&number).is_some_and(|dialog| dialog.hang_up_due);
        let asked = self
            .clients
            .iter()
            .any(|client| client.draft.method == "CANCEL" && client.owner == Owner::Nobody);
        if due && !asked && self.may_cancel(number) {
            self.send_cancel(now, number);
        }
    }

    fn early_answer(&mut self, now: Mono, number: u32, response: &Message) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        if dialog.late.is_some() && dialog.early_answer.is_none() {
            let what = format!("{} was made an offer that may get lost", dialog.id);
            return self.wrong(what);
        }
        match &dialog.early_answer {
            Some(before) if before != response.body() => {
                let what = format!("{} got two different answers to one offer", dialog.id);
                self.wrong(what);
            }
            Some(_) => {}
            None => {
                dialog.early_answer = Some(response.body_bytes());
                let heard = dialog.sound.answered(response.body());
                dialog.sound.tune(now);
                self.note_described(number, heard);
            }
        }
    }

    pub(super) fn note_described(&mut self, number: u32, heard: Result<(), String>) {
        if let Err(why) = heard {
            self.wrong(format!("call {number}: {why}"));
        }
    }

    pub(super) fn on_invite_final(
        &mut self,
        now: Mono,
        number: u32,
        status: u16,
        response: Option<&Message>,
    ) {
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return self.acknowledge_late(number, status, response);
        };
        // A PRACK may have taken a number since.
        let answered = response.and_then(|response| response.cseq().ok()).map(|cseq| cseq.number);
        let cseq = answered.unwrap_or(dialog.cseq);
        dialog.statuses.push(status);
        if response.is_some() {
            dialog.finals.push((cseq, status));
        }
        let Some(response) = response else {
            let ending = if dialog.hang_up_due { Ending::Cancelled } else { Ending::TimedOut };
            return self.finish(number, ending);
        };
        if status >= 300 {
            let cancelled = dialog.hang_up_due && status == 487;
            return self.finish(number, if cancelled { Ending::Cancelled } else { Ending::Refused(status) });
        }
        let tag = response.to().ok().and_then(|to| to.tag()).map(text);
        if dialog.remote_tag.is_some() && dialog.remote_tag != tag {
            let what = format!("{} was answered under another tag than it rang", dialog.id);
            self.wrong(what);
        }
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        dialog.remote_tag = tag;
        dialog.stage = Stage::Answered;
        dialog.answered = Some(now);
        if let Some(target) = target_of(response) {
            dialog.remote_target = target;
        }
        if let (Some(late), None) = (dialog.late, &dialog.early_answer) {
            let answer = self.late_answer(now, number, late, response);
            self.acknowledge_with(number, cseq, answer);
            return self.hang_up_if_due(now, number);
        }
        let promised = dialog.early_answer.take();
        if response.body().is_empty() && promised.is_some() && dialog.rseq.is_some() {
            self.acknowledge(number, cseq);
            return self.hang_up_if_due(now, number);
        }
        let heard = dialog.sound.answered(response.body());
        dialog.sound.tune(now);
        if promised.is_some_and(|promised| promised != response.body()) {
            self.wrong(format!("call {number}: the 2xx describes other media than the 183 before"));
        }
        self.note_described(number, heard);
        self.acknowledge(number, cseq);
        self.hang_up_if_due(now, number);
    }

    fn hang_up_if_due(&mut self, now: Mono, number: u32) {
        if self.dialogs.get(&number).is_some_and(|dialog| dialog.hang_up_due) {
            self.say_bye(now, number, Ending::HungUp);
        }
    }

    /// Sends the ACK of a 2xx and keeps it for repetitions of that (RFC 3261 section 13.2.2.4).
    pub(super) fn acknowledge(&mut self, number: u32, cseq: u32) {
        self.acknowledge_with(number, cseq, None);
    }

    /// The same, with an answer in it.
    pub(super) fn acknowledge_with(&mut self, number: u32, cseq: u32, answer: Option<Bytes>) {
        let known = self.dialogs.get(&number).or_else(|| self.past.get(&number));
        let Some(mut draft) = known.map(|dialog| dialog.draft("ACK")) else { return };
        draft.body = answer.map(|answer| ("application/sdp", answer));
        let branch = format!("z9hG4bK{}", self.entropy.hex(8));
        let ack = self.write(&draft, &branch, cseq, None);
        let known = self.dialogs.get_mut(&number).or_else(|| self.past.get_mut(&number));
        if let Some(dialog) = known {
            dialog.acks.push((cseq, ack.clone()));
        }
        self.send(ack);
    }
}

/// The Contact's URI.
pub(super) fn target_of(message: &Message) -> Option<String> {
    match message.contacts() {
        Ok(Contacts::List(list)) => list.first().map(|contact| text(contact.uri)),
        _ => None,
    }
}
