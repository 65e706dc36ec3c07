//! Transferring: the phone's REFER, and what the server tells it of the transfer (RFC 3515).

use model::Mono;
use wire::sip::{Message, Name};

use super::client::Owner;
use super::dialog::DialogId;
use super::write::Draft;
use super::{Phone, text};
use crate::office::DOMAIN;

/// A transfer that the phone asked for, as it sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referred {
    /// What its last REFER was answered.
    pub status: u16,
    /// What it was told since, such as `100` and `200`, in order.
    pub told: Vec<u16>,
    /// Whether the server said that nothing more follows.
    pub over: bool,
}

impl Phone {
    /// Asks for the other side of a call to be connected with a number.
    pub fn transfer(&mut self, now: Mono, id: DialogId, number: &str) {
        self.refer(now, id, format!("<sip:{number}@{DOMAIN}>"), Vec::new());
    }

    /// The same, with the other side of another call of its own.
    pub fn transfer_to_call(&mut self, now: Mono, id: DialogId, other: DialogId) {
        let Some(dialog) = self.dialogs.get(&other.number) else { return };
        let remote_tag = dialog.remote_tag.clone().unwrap_or_default();
        let (call_id, ours, number) = (&dialog.call_id, &dialog.local_tag, &dialog.peer);
        let to =
            format!("<sip:{number}@{DOMAIN}?Replaces={call_id}%3Bto-tag%3D{remote_tag}%3Bfrom-tag%3D{ours}>");
        self.refer(now, id, to, Vec::new());
    }

    /// Sends a REFER with this Refer-To and these headers.
    pub fn refer(&mut self, now: Mono, id: DialogId, to: String, headers: Vec<(Name, String)>) {
        let Some(dialog) = self.dialogs.get_mut(&id.number) else { return };
        let cseq = dialog.next_cseq();
        let mut draft = Draft { contact: Some(String::new()), ..dialog.draft("REFER") };
        draft.headers.push((Name::ReferTo, to));
        draft.headers.push((Name::ReferredBy, "<sip:somebody.else@office.test>".to_owned()));
        draft.headers.extend(headers);
        self.start(now, Owner::Refer(id.number), draft, cseq);
    }

    pub(super) fn on_refer_final(&mut self, number: u32, status: u16) {
        let known = self.dialogs.get_mut(&number).or_else(|| self.past.get_mut(&number));
        if let Some(dialog) = known {
            dialog.referred.status = status;
        }
    }

    pub(super) fn on_notify(&mut self, now: Mono, request: &Message) {
        let Some(number) = self.dialog_of(request) else { return self.reply(now, request, 481, None) };
        let cseq = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let state = request.first(Name::SubscriptionState).map(text).unwrap_or_default();
        let body = text(request.body());
        let status =
            body.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)).and_then(|s| s.parse().ok());
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        if cseq <= dialog.remote_cseq {
            return self.reply(now, request, 500, None);
        }
        dialog.remote_cseq = cseq;
        let id = dialog.id;
        let over = std::mem::replace(&mut dialog.referred.over, state.starts_with("terminated"));
        match status {
            Some(status) => dialog.referred.told.push(status),
            None => self.wrong(format!("{id} was told of its transfer in {body:?}")),
        }
        if over && self.dialogs.get(&number).is_some_and(|dialog| dialog.referred.told.last() != Some(&100)) {
            self.wrong(format!("{id} was told more of a transfer that was over"));
        }
        let status = self.habits.notify_status;
        self.reply(now, request, status, None);
    }
}
