//! Who may come without encryption (SPEC R4.15): known only once he has proven who he is, so that strangers learn nothing.

use model::directory::{Encryption, Line};
use model::event::{self, Event};
use model::{Flow, Now};
use wire::sip::Message;

use crate::api::Refusal;
use crate::message;
use crate::stack::Stack;

/// What a phone is told that must encrypt and does not.
const MUST_ENCRYPT: Refusal = Refusal::because(403, "Encryption required, use TLS");

impl Stack {
    /// Refuses a request of a phone that is who it says, and must encrypt.
    pub(crate) fn refuse_unencrypted(&mut self, now: Now, flow: Flow, request: &Message, line: &Line) {
        let event = Event::new(&event::NOT_ENCRYPTED, now.wall)
            .with("extension", &line.extension)
            .with("line", &line.username)
            .with("source", flow.remote)
            .with("transport", flow.transport)
            .with("method", message::lossy_cut(request.method_text(), 16))
            .with("reason", "the extension requires encryption");
        self.log(event);
        self.answer_stateless(flow, request, MUST_ENCRYPT, |_| {});
    }

    /// Drops the registrations of phones that must encrypt from now on and do not.
    pub(crate) fn drop_unencrypted(&mut self, now: Now) {
        let required = |line: &&std::sync::Arc<str>| {
            self.directory.lines.get(*line).is_some_and(|line| line.encryption == Encryption::Required)
        };
        let lines: Vec<_> = self.bindings.registered_lines().filter(required).cloned().collect();
        for line in lines {
            for gone in self.bindings.remove_if(&line, |binding| !binding.transport.is_encrypted()) {
                self.binding_gone(now, &gone, "the extension requires encryption now");
            }
        }
    }
}
