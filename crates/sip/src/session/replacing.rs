//! INVITE with Replaces (RFC 3891): a phone takes over a call. Only an answered call of the sender's own extension: the
//! desk phone's call goes on at the softphone. Not here: what the call does with it (`calls`).

use model::directory::Line;
use model::{Flow, Now};
use wire::sip::{Message, Name};

use super::State;
use crate::api::{Refusal, SessionId};
use crate::stack::Stack;

impl Stack {
    /// The session that an INVITE of a proven line replaces, if it replaces one.
    pub(crate) fn replaced_by(
        &mut self,
        now: Now,
        flow: Flow,
        request: &Message,
        caller: &Line,
    ) -> Result<Option<SessionId>, Refusal> {
        match request.all(Name::Replaces).count() {
            0 => return Ok(None),
            1 => {}
            _ => return Err(Refusal::because(400, "One Replaces expected")),
        }
        let unreadable = Refusal::because(400, "Replaces unusable");
        let Some(replaces) = request.replaces().map_err(|_| unreadable)? else { return Ok(None) };
        let gone = Refusal::new(481);
        let Some(id) = self.session_named(&replaces) else { return Err(gone) };
        let Some(session) = self.sessions.get(&id) else { return Err(gone) };
        let own = self.directory.lines.get(&session.line);
        if own.is_none_or(|own| own.extension != caller.extension) {
            self.report_refer(
                now,
                &flow,
                &caller.username,
                request,
                "Replaces names a call of somebody else",
            );
            return Err(Refusal::because(403, "Replaces names no call of yours"));
        }
        match session.state {
            State::Confirmed if replaces.early_only => Err(Refusal::new(486)),
            State::Confirmed => Ok(Some(id)),
            // Section 3: an early dialog can be replaced at its called side only, and that one has no tag with us yet.
            State::Incoming { .. } | State::Calling(_) => Err(gone),
        }
    }
}
