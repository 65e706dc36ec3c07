//! What passwords were worth, for the logs (SPEC R4.7): every wrong one is a line, every right one that is news, and tries of an
//! account that is refused at an address are counted, since they are not looked at and cost a guesser nothing.
//!
//! News is a line's first success from an address where it is not registered (`registration.added` has said the rest), and
//! after that once an hour with their number: a line for each call would hide what matters.

use std::net::IpAddr;
use std::sync::Arc;

use model::directory::Line;
use model::event::{self, Event, Kind};
use model::{Flow, Mono, Now};
use wire::sip::{Message, Method};

use super::Stack;
use super::identify::SERVICE;
use super::paced::Paced;
use crate::limits::{MAX_REFUSED_TRIES, MAX_SIGNED_IN, REFUSED_PACE, SIGNED_IN_PACE};
use crate::message;

/// The reason in the line of a try that was not looked at.
const REFUSED: &str = "the account is refused from there; not evaluated";

/// What was said lately.
#[derive(Debug)]
pub(super) struct Tellings {
    signed_in: Paced<(Arc<str>, IpAddr)>,
    refused: Paced<(String, IpAddr)>,
}

impl Default for Tellings {
    fn default() -> Tellings {
        Tellings {
            signed_in: Paced::new(SIGNED_IN_PACE, MAX_SIGNED_IN),
            refused: Paced::new(REFUSED_PACE, MAX_REFUSED_TRIES),
        }
    }
}

impl Tellings {
    pub(super) fn next_wake(&self) -> Option<Mono> {
        [self.refused.next(), self.signed_in.next()].into_iter().flatten().min()
    }
}

impl Stack {
    /// Service, account, source address and port, reason.
    pub(super) fn report_failure(
        &mut self,
        now: Now,
        flow: &Flow,
        request: &Message,
        account: &str,
        reason: &str,
    ) {
        let event = told(&event::AUTHENTICATION_FAILED, now, account, flow.remote)
            .with("transport", flow.transport)
            .with("method", message::lossy_cut(request.method_text(), 16))
            .with("reason", reason);
        self.log(event);
    }

    /// A try of an account that is refused there.
    pub(super) fn report_refused(&mut self, now: Now, flow: &Flow, account: &str) {
        self.tell_paced(now);
        if self.tellings.refused.note(now.mono, &(account.to_owned(), flow.remote.ip())) {
            let event = told(&event::AUTHENTICATION_FAILED, now, account, flow.remote)
                .with("transport", flow.transport);
            self.log(event.with("reason", REFUSED));
        }
    }

    /// Says how many tries and successes there were that have no line.
    pub(super) fn tell_paced(&mut self, now: Now) {
        while let Some(((account, source), tries)) = self.tellings.refused.due(now.mono) {
            let event = told(&event::AUTHENTICATION_FAILED, now, &account, source);
            self.log(event.with("reason", REFUSED).with("tries", tries));
        }
        while let Some(((line, source), times)) = self.tellings.signed_in.due(now.mono) {
            self.log(told(&event::SIGNED_IN, now, &line, source).with("times", times));
        }
    }

    /// A right password that no registration tells of.
    pub(super) fn report_success(&mut self, now: Now, flow: &Flow, request: &Message, line: &Line) {
        let source = flow.remote.ip();
        let registered = self.bindings.of_line(&line.username).any(|binding| binding.source.ip() == source);
        if registered || request.method() == Some(Method::Register) {
            return;
        }
        self.tell_paced(now);
        if self.tellings.signed_in.note(now.mono, &(line.username.clone(), source)) {
            let event = told(&event::SIGNED_IN, now, &line.username, flow.remote)
                .with("transport", flow.transport)
                .with("method", message::lossy_cut(request.method_text(), 16));
            self.log(event);
        }
    }
}

fn told(kind: &'static Kind, now: Now, account: impl ToString, source: impl ToString) -> Event {
    Event::new(kind, now.wall).with("service", SERVICE).with("account", account).with("source", source)
}
