//! A phone that acknowledges provisional responses (PRACK, RFC 3262 section 4).

use model::Mono;
use wire::sip::{Message, Name};

use super::Phone;
use super::client::Owner;
use super::dial::target_of;
use super::write::Draft;

impl Phone {
    /// Acknowledges a provisional response that wants it, in order and once.
    pub(super) fn acknowledge_early(&mut self, now: Mono, number: u32, response: &Message) {
        let Some(rseq) = response.rseq().ok().flatten().filter(|_| response.requires("100rel")) else {
            return;
        };
        if !self.habits.reliable {
            return self.wrong(format!("call {number} got a reliable response that it can't acknowledge"));
        }
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        let last = dialog.rseq;
        if last.is_some_and(|last| rseq != last + 1) {
            return;
        }
        dialog.rseq = Some(rseq);
        if let Some(target) = target_of(response) {
            dialog.remote_target = target;
        }
        // Who made no offer finds the server's here, and answers it at once (RFC 3262 section 5).
        let late = dialog.late.filter(|_| dialog.early_answer.is_none() && !response.body().is_empty());
        let answer = late.and_then(|late| self.late_answer(now, number, late, response));
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        if late.is_some() {
            dialog.early_answer = Some(response.body_bytes());
        }
        let invite = response.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let cseq = dialog.next_cseq();
        let headers = vec![(Name::RAck, format!("{rseq} {invite} INVITE"))];
        let body = answer.map(|answer| ("application/sdp", answer));
        let draft = Draft { headers, body, ..dialog.draft("PRACK") };
        self.start(now, Owner::Nobody, draft, cseq);
    }
}
