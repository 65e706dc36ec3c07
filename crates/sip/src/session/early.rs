//! Early dialogs of an INVITE of ours: each phone or fork that says something before it answers (RFC 3261 section 12.1), and
//! our PRACKs to what it says reliably (RFC 3262 section 4).
//!
//! Each has its own count of reliable responses; one that comes out of order is not acknowledged and comes again. Not here:
//! the final response (`outgoing`).

use bytes::Bytes;
use model::{Flow, Mono};
use wire::sip::{Message, Method, Name};

use super::State;
use crate::api::SessionId;
use crate::limits::MAX_EARLY_DIALOGS;
use crate::message;
use crate::stack::Stack;
use crate::transaction::client::{Branch, Owner};

/// One early dialog.
#[derive(Debug, Default)]
pub(crate) struct Early {
    pub(crate) tag: String,
    /// Its answer: a 2xx of the same dialog may come without one.
    pub(crate) answer: Option<Bytes>,
    /// The last reliable response heard in order.
    rseq: Option<u32>,
    /// The last CSeq number of a request of its own: it may say UPDATE (RFC 3311 section 5.1).
    pub(crate) remote_cseq: Option<u32>,
}

/// What a provisional response is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// It counts.
    Yes,
    /// It is a repetition, out of order, or of one dialog too many.
    No,
}

impl Stack {
    /// A provisional response: its dialog is kept, and it gets its PRACK if it wants one.
    pub(crate) fn hear_early(
        &mut self,
        now: Mono,
        arrived: Flow,
        id: SessionId,
        response: &Message,
    ) -> Fresh {
        let Some(session) = self.sessions.get_mut(&id) else { return Fresh::No };
        let State::Calling(calling) = &mut session.state else { return Fresh::No };
        // Without a tag there is no dialog: RFC 2543 phones ring so.
        let Some(tag) = response.to().ok().and_then(|to| to.tag().map(message::lossy)) else {
            return Fresh::Yes;
        };
        if !calling.early.iter().any(|early| early.tag == tag) {
            if calling.early.len() >= MAX_EARLY_DIALOGS {
                return Fresh::No;
            }
            calling.early.push(Early { tag: tag.clone(), ..Early::default() });
        }
        let Some(early) = calling.early.iter_mut().find(|early| early.tag == tag) else { return Fresh::No };
        let reliable = response.requires("100rel").then(|| response.rseq().ok().flatten()).flatten();
        if let (Some(rseq), Some(last)) = (reliable, early.rseq)
            && last.checked_add(1) != Some(rseq)
        {
            return Fresh::No;
        }
        early.rseq = reliable.or(early.rseq);
        if let Some(answer) = message::sdp_of(response) {
            early.answer = Some(answer);
        }
        if let Some(rseq) = reliable {
            self.send_prack(now, arrived, id, rseq, response);
        }
        Fresh::Yes
    }

    fn send_prack(&mut self, now: Mono, arrived: Flow, id: SessionId, rseq: u32, response: &Message) {
        let branch = Branch::random(&mut self.entropy);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.dialog.local_cseq = session.dialog.local_cseq.saturating_add(1);
        let cseq = session.dialog.local_cseq;
        let invite = response.cseq().map_or(1, |cseq| cseq.number);
        let prack = message::to_response(&self.directory, response, &arrived, "PRACK", cseq, branch);
        let Some(mut prack) = prack else { return };
        prack.header_fmt(Name::RAck, format_args!("{rseq} {invite} INVITE"));
        // Its answer tells us nothing: what matters is that the response is not repeated any more.
        self.start_client(now, branch, arrived, Method::Prack, Owner::Nobody, prack.finish());
    }
}
