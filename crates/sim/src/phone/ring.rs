//! Being called: a new INVITE, and what the phone does with it by habit or when told.

use model::Mono;
use wire::sip::{Message, Name};

use super::dial::target_of;
use super::dialog::{Act, Dialog, DialogId, Ending, Role, Stage};
use super::habits::Answering;
use super::sound::{Sound, Taken};
use super::{Phone, text, user_of};

impl Phone {
    pub(super) fn on_invite(&mut self, now: Mono, request: &Message) {
        self.invited += 1;
        if self.habits.answering == Answering::Silent {
            return;
        }
        let serial = self.new_id();
        let id = DialogId { phone: self.number, number: serial };
        self.belongs(request, serial);
        let mut sound = Sound::new(id, &self.habits, self.address.ip(), &mut self.entropy);
        let heard = sound.offered(request.body(), &self.habits);
        let mut dialog = Dialog::new(now, id, Role::Callee, user_of(request.from()), sound);
        let header = |name| request.first(name).map(text).unwrap_or_default();
        let from = request.from().ok();
        dialog.peer_name = from.map(|from| from.display_text().into_owned()).unwrap_or_default();
        dialog.call_id = header(Name::CallId);
        dialog.referred_by = request.first(Name::ReferredBy).map(text);
        dialog.local_tag = format!("{:x}p{serial}", self.number);
        dialog.local_uri = header(Name::To);
        dialog.remote_uri = from.map(|from| format!("<{}>", text(from.uri))).unwrap_or_default();
        dialog.remote_tag = from.and_then(|from| from.tag()).map(text);
        dialog.remote_target = target_of(request).unwrap_or_default();
        dialog.remote_cseq = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let busy = self.dialogs.len() >= self.habits.keys;
        self.dialogs.insert(serial, dialog);
        if heard != Ok(Taken::Formats) {
            self.note_described(serial, heard.map(|_| ()));
            return self.refuse(now, id, 488);
        }
        if busy {
            return self.refuse(now, id, 486);
        }
        self.begin_ringing(now, id);
    }

    fn begin_ringing(&mut self, now: Mono, id: DialogId) {
        let mut act = None;
        match self.habits.answering {
            Answering::Silent => return,
            Answering::AtOnce => return self.answer(now, id),
            Answering::Refuses(status) => return self.refuse(now, id, status),
            Answering::Moved(_) => return self.refuse(now, id, 302),
            Answering::Rings => self.provisional(now, id, 180),
            Answering::After(after) => {
                self.provisional(now, id, 180);
                act = Some((now + after, Act::Answer));
            }
            Answering::RefusesAfter(status, after) => {
                self.provisional(now, id, 180);
                act = Some((now + after, Act::Refuse(status)));
            }
            Answering::EarlyMedia(after) => {
                self.provisional(now, id, 183);
                act = Some((now + after, Act::Answer));
            }
        }
        if let Some(dialog) = self.dialogs.get_mut(&id.number) {
            dialog.stage = Stage::Ringing;
            dialog.act = act;
        }
    }

    fn provisional(&mut self, now: Mono, id: DialogId, status: u16) {
        let Some(request) = self.open_invite(id.number) else { return };
        let mut body = None;
        if status == 183
            && let Some(dialog) = self.dialogs.get_mut(&id.number)
        {
            body = Some(dialog.sound.answer());
            dialog.sound.tune(now);
        }
        self.reply(now, &request, status, body);
    }

    pub(super) fn wake_act(&mut self, now: Mono, number: u32) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        let Some((_, act)) = dialog.act.filter(|(at, _)| *at <= now) else { return };
        dialog.act = None;
        let id = dialog.id;
        match act {
            Act::Answer => self.answer(now, id),
            Act::Refuse(status) => self.refuse(now, id, status),
        }
    }

    /// Somebody picks up.
    pub fn answer(&mut self, now: Mono, id: DialogId) {
        let Some(request) = self.open_invite(id.number) else { return };
        let Some(dialog) = self.dialogs.get_mut(&id.number) else { return };
        dialog.stage = Stage::Answered;
        dialog.answered = Some(now);
        dialog.act = None;
        let body = dialog.sound.answer();
        dialog.sound.tune(now);
        self.reply(now, &request, 200, Some(body.clone()));
        if self.habits.forks {
            let other = format!("{:x}f{}", self.number, id.number);
            let bytes = self.write_answer(&request, 200, &other, Some(&body));
            self.send(bytes);
        }
    }

    /// Somebody, or the phone itself, refuses.
    pub fn refuse(&mut self, now: Mono, id: DialogId, status: u16) {
        let Some(request) = self.open_invite(id.number) else { return };
        self.reply(now, &request, status, None);
        self.finish(id.number, Ending::Refused(status));
    }

    /// The ACK of an answer is there.
    pub(super) fn acknowledged(&mut self, number: u32) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        dialog.acknowledged = true;
        if dialog.hang_up_due {
            let now = self.clock;
            self.say_bye(now, number, Ending::HungUp);
        }
    }

    pub(super) fn on_cancel(&mut self, now: Mono, request: &Message) {
        let found = self
            .cancelled_by(request)
            .map(|served| (served.request.clone(), served.dialog, served.is_open()));
        let Some((invite, dialog, open)) = found else { return self.reply(now, request, 481, None) };
        self.reply(now, request, 200, None);
        if !open {
            return;
        }
        self.reply(now, &invite, 487, None);
        if let Some(number) = dialog {
            if let Some(dialog) = self.dialogs.get_mut(&number) {
                dialog.reason = request.first(Name::Reason).map(text);
            }
            self.finish(number, Ending::Cancelled);
        }
    }
}
