//! The tables of sessions: by id, counted by line, listed by address and by stream connection.

use model::Flow;
use model::room::GiveBack;

use super::Session;
use crate::api::SessionId;
use crate::stack::Stack;

impl Stack {
    pub(crate) fn insert_session(&mut self, session: Session) {
        let count = self.per_line.entry(session.line.clone()).or_insert(0);
        *count = count.saturating_add(1);
        self.count_flow(session.flow, session.id);
        self.sessions.insert(session.id, session);
    }

    pub(crate) fn remove_session(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.sessions.give_back();
        if let Some(count) = self.per_line.get_mut(&session.line) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.per_line.remove(&session.line);
            }
        }
        self.uncount_flow(session.flow, id);
        Some(session)
    }

    pub(crate) fn count_flow(&mut self, flow: Flow, id: SessionId) {
        self.places.add(flow.remote.ip(), id);
        if flow.transport.is_reliable() {
            self.streams.entry(flow.id).or_default().push(id);
        }
    }

    pub(crate) fn uncount_flow(&mut self, flow: Flow, id: SessionId) {
        self.places.remove(flow.remote.ip(), id);
        if let Some(sessions) = self.streams.get_mut(&flow.id).filter(|_| flow.transport.is_reliable()) {
            sessions.retain(|other| *other != id);
            if sessions.is_empty() {
                self.streams.remove(&flow.id);
            }
        }
    }
}
