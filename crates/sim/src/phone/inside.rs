//! Inside an answered call: hold and resume, the other side's offers, keys by INFO, BYE.

use bytes::Bytes;
use model::Mono;
use wire::sdp::Direction;
use wire::sip::{Message, Name};

use super::client::Owner;
use super::dial::target_of;
use super::dialog::{DialogId, Ending, Reoffer, Role, Stage};
use super::sound::Taken;
use super::write::Draft;
use super::{Phone, text};
use crate::clock::millis;

impl Phone {
    /// Holds, resumes, or changes anything else about its side: an offer with this direction.
    pub fn reoffer(&mut self, now: Mono, id: DialogId, direction: Direction) {
        let Some(dialog) = self.dialogs.get_mut(&id.number) else { return };
        dialog.sound.wanted = direction;
        let ready = dialog.stage == Stage::Answered && (dialog.role == Role::Caller || dialog.acknowledged);
        if ready && !matches!(dialog.reoffer, Some(Reoffer::Sent | Reoffer::Asked)) {
            self.send_reoffer(now, id.number);
        }
    }

    /// Sends a re-INVITE without an offer.
    pub fn ask_for_offer(&mut self, now: Mono, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(&id.number) else { return };
        let ready = dialog.stage == Stage::Answered && (dialog.role == Role::Caller || dialog.acknowledged);
        if ready && dialog.reoffer.is_none() {
            dialog.reoffer = Some(Reoffer::Asked);
            let cseq = dialog.next_cseq();
            let draft = dialog.draft("INVITE");
            self.start(now, Owner::Reinvite(id.number), draft, cseq);
        }
    }

    /// The same as [`Phone::reoffer`] by UPDATE (RFC 3311), at once or not at all; if it is told to wait it tries a re-INVITE.
    pub fn update(&mut self, now: Mono, id: DialogId, direction: Direction) {
        let Some(dialog) = self.dialogs.get_mut(&id.number) else { return };
        dialog.sound.wanted = direction;
        dialog.reoffer = Some(Reoffer::Sent);
        let cseq = dialog.next_cseq();
        let body = ("application/sdp", dialog.sound.reoffer());
        let contact = Some(String::new());
        let draft = Draft { body: Some(body), contact, ..dialog.draft("UPDATE") };
        self.start(now, Owner::Update(id.number), draft, cseq);
    }

    pub(super) fn on_update_final(
        &mut self,
        now: Mono,
        number: u32,
        status: u16,
        response: Option<&Message>,
    ) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        dialog.reoffer = None;
        match (status, response) {
            (200..300, Some(response)) => {
                dialog.reoffers_done += 1;
                let heard = dialog.sound.answered(response.body());
                dialog.sound.tune(now);
                self.note_described(number, heard);
            }
            (491 | 500, _) => self.wait_for_the_other(now, number),
            (408 | 481, _) => self.say_bye(now, number, Ending::Forgotten),
            _ => dialog.sound.refused(),
        }
    }

    /// RFC 3261 section 14.1: who made the Call-ID waits longer.
    fn wait_for_the_other(&mut self, now: Mono, number: u32) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        dialog.glares += 1;
        dialog.sound.refused();
        let (least, span) = if dialog.role == Role::Caller { (2_100, 1_900) } else { (0, 2_000) };
        let pause = millis(least + u64::from(self.entropy.below(span)));
        dialog.reoffer = Some(Reoffer::At(now + pause));
    }

    fn send_reoffer(&mut self, now: Mono, number: u32) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        dialog.reoffer = Some(Reoffer::Sent);
        let cseq = dialog.next_cseq();
        let body = ("application/sdp", dialog.sound.reoffer());
        let draft = Draft { body: Some(body), ..dialog.draft("INVITE") };
        self.start(now, Owner::Reinvite(number), draft, cseq);
    }

    pub(super) fn wake_reoffer(&mut self, now: Mono, number: u32) {
        let again = self.dialogs.get(&number).and_then(|dialog| dialog.reoffer);
        if matches!(again, Some(Reoffer::At(at)) if at <= now) {
            self.send_reoffer(now, number);
        }
    }

    pub(super) fn on_reinvite_final(
        &mut self,
        now: Mono,
        number: u32,
        status: u16,
        response: Option<&Message>,
    ) {
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return self.acknowledge_late(number, status, response);
        };
        let cseq = dialog.cseq;
        let asked = dialog.reoffer.take() == Some(Reoffer::Asked);
        dialog.finals.push((cseq, status));
        match (status, response) {
            (200..300, Some(response)) if asked => {
                dialog.reoffers_done += 1;
                let heard = dialog.sound.offered(response.body(), &self.habits).map(|_| ());
                let answer = dialog.sound.answer();
                dialog.sound.tune(now);
                self.note_described(number, heard);
                self.acknowledge_with(number, cseq, Some(answer));
            }
            (491, _) if asked => dialog.glares += 1,
            (200..300, Some(response)) => {
                dialog.reoffers_done += 1;
                let heard = dialog.sound.answered(response.body());
                dialog.sound.tune(now);
                if let Some(target) = target_of(response) {
                    dialog.remote_target = target;
                }
                self.note_described(number, heard);
                self.acknowledge(number, cseq);
            }
            (491, _) => self.wait_for_the_other(now, number),
            (408 | 481, _) => self.say_bye(now, number, Ending::Forgotten),
            _ => dialog.sound.refused(),
        }
    }

    /// An INVITE of its own was answered after it had hung up.
    pub(super) fn acknowledge_late(&mut self, number: u32, status: u16, response: Option<&Message>) {
        let cseq = response.and_then(|response| response.cseq().ok()).map(|cseq| cseq.number);
        if let Some(cseq) = cseq.filter(|_| (200..300).contains(&status)) {
            self.acknowledge(number, cseq);
        }
    }

    pub(super) fn on_reinvite(&mut self, now: Mono, request: &Message) {
        let Some(number) = self.dialog_of(request) else { return self.reply(now, request, 481, None) };
        self.belongs(request, number);
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        let cseq = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        if cseq <= dialog.remote_cseq {
            return self.reply(now, request, 500, None);
        }
        dialog.remote_cseq = cseq;
        let answering = dialog.role == Role::Callee && !dialog.acknowledged;
        if answering || matches!(dialog.reoffer, Some(Reoffer::Sent | Reoffer::Asked)) {
            return self.reply(now, request, 491, None);
        }
        if let Some(target) = target_of(request) {
            dialog.remote_target = target;
        }
        dialog.shown = request.first(Name::PAssertedIdentity).map(text).or(dialog.shown.take());
        let heard = dialog.sound.offered(request.body(), &self.habits);
        let body = dialog.sound.answer();
        dialog.sound.tune(now);
        if heard == Ok(Taken::Formats) {
            return self.reply(now, request, 200, Some(body));
        }
        self.note_described(number, heard.map(|_| ()));
        self.reply(now, request, 488, None);
    }

    pub(super) fn on_bye(&mut self, now: Mono, request: &Message) {
        let Some(number) = self.dialog_of(request) else {
            self.foreign_byes += 1;
            return self.reply(now, request, 481, None);
        };
        self.reply(now, request, 200, None);
        let open: Vec<Message> = self.open_invites_of(number);
        for invite in open {
            self.reply(now, &invite, 487, None);
        }
        if let Some(dialog) = self.dialogs.get_mut(&number) {
            dialog.reason = request.first(Name::Reason).map(text);
        }
        self.finish(number, Ending::PeerHungUp);
    }

    fn open_invites_of(&self, number: u32) -> Vec<Message> {
        self.open_invite(number).into_iter().collect()
    }

    /// Sends a key, or anything else, by INFO.
    pub fn info(&mut self, now: Mono, id: DialogId, body: &str) {
        let Some(dialog) = self.dialogs.get_mut(&id.number) else { return };
        let cseq = dialog.next_cseq();
        let body = ("application/dtmf-relay", Bytes::copy_from_slice(body.as_bytes()));
        let draft = Draft { body: Some(body), ..dialog.draft("INFO") };
        self.start(now, Owner::Info(id.number), draft, cseq);
    }

    pub(super) fn on_info(&mut self, now: Mono, request: &Message) {
        let Some(number) = self.dialog_of(request) else { return self.reply(now, request, 481, None) };
        self.reply(now, request, 200, None);
        if let Some(dialog) = self.dialogs.get_mut(&number) {
            dialog.infos.push(text(request.body()));
        }
    }
}
