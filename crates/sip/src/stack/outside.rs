//! Requests outside dialogs: who may open one, and what everybody else is told, as often as his bucket allows.
//!
//! Not here: what the credentials are worth (`auth`), REGISTER (`registrar`).

use guard::Taken;
use model::event::{self, Event};
use model::{Flow, Now};
use wire::sip::{Message, Method, Name, Uri};

use super::Stack;
use crate::api::Refusal;
use crate::auth::{Freshness, Verdict};
use crate::message;
use crate::transaction::key;

impl Stack {
    /// A request that opens a dialog: its sender must prove who he is.
    pub(super) fn on_new_dialog(&mut self, now: Now, flow: Flow, key: key::Key, request: &Message) {
        if request.max_forwards().is_ok_and(|hops| hops == Some(0)) {
            return self.refuse_stray(now, flow, request, Refusal::new(483));
        }
        match self.identify(now, &flow, request) {
            // A call is refused by `calls`, so that history has it.
            Verdict::Proven(line)
                if !line.admits(flow.transport) && request.method() != Some(Method::Invite) =>
            {
                self.refuse_unencrypted(now, flow, request, &line);
            }
            Verdict::Proven(line) if request.method() == Some(Method::Subscribe) => {
                self.on_subscribe(now, flow, key, request, &line);
            }
            Verdict::Proven(line) => self.on_invite(now, flow, key, request, line),
            Verdict::Anonymous => self.challenge(now, flow, request, Freshness::First),
            Verdict::Stale | Verdict::Repeated(_) => self.challenge(now, flow, request, Freshness::Stale),
            Verdict::Unreadable => {
                self.refuse_stray(now, flow, request, Refusal::because(400, "Credentials unusable"));
            }
            Verdict::Wrong => self.refuse_wrong(flow, request),
            Verdict::Blocked => {}
        }
    }

    /// OPTIONS tells what the server can, and nothing about users.
    pub(super) fn on_options(&mut self, now: Now, flow: Flow, request: &Message) {
        let refusal = match request.request_uri().map(Uri::parse) {
            Some(Ok(Uri::Other { .. })) => Refusal::new(416),
            _ if request.first(Name::Require).is_some() => Refusal::new(420),
            _ if self.admit_anonymous(now, &flow) => {
                return self.answer_stateless(flow, request, Refusal::new(200), |writer| {
                    writer
                        .header(Name::Allow, message::ALLOW)
                        .header(Name::Accept, message::SDP)
                        .header(Name::Supported, message::SUPPORTED);
                });
            }
            _ => return,
        };
        self.refuse_stray(now, flow, request, refusal);
    }

    /// Methods that we take nowhere, or only inside dialogs.
    pub(super) fn refuse_outside(&mut self, now: Now, flow: Flow, request: &Message, method: Option<Method>) {
        if method == Some(Method::Refer) {
            let refusal = Refusal::because(403, "REFER only inside a call");
            return self.refuse_stray_refer(now, flow, request, refusal);
        }
        let refusal = match method {
            Some(Method::Bye | Method::Info | Method::Notify | Method::Prack | Method::Update) => {
                return self.refuse_unknown(now, flow, request);
            }
            Some(Method::Other) => Refusal::new(501),
            _ => Refusal::new(405),
        };
        self.refuse_stray(now, flow, request, refusal);
    }

    /// Whether a request without credentials gets an answer: a bucket for each source (SPEC R4.5).
    pub(crate) fn admit_anonymous(&mut self, now: Now, flow: &Flow) -> bool {
        let source = flow.remote.ip();
        match self.buckets.take(now.mono, source, self.bindings.standing_at(source)) {
            Taken::Yes => true,
            Taken::No { first } => {
                if first {
                    self.log(Event::new(&event::CHALLENGES_LIMITED, now.wall).with("source", source));
                }
                false
            }
        }
    }

    /// Refuses a request whose sender has proven nothing, as often as its source's bucket allows.
    pub(crate) fn refuse_stray(&mut self, now: Now, flow: Flow, request: &Message, refusal: Refusal) {
        if request.method() != Some(Method::Ack) && self.admit_anonymous(now, &flow) {
            self.answer_stateless(flow, request, refusal, |_| {});
        }
    }

    /// Answers 481 to a request in a dialog or transaction that there is none of, as often as its source's bucket for
    /// such requests allows; the surplus is dropped.
    pub(crate) fn refuse_unknown(&mut self, now: Now, flow: Flow, request: &Message) {
        let source = flow.remote.ip();
        match self.strays.take(now.mono, source, self.bindings.standing_at(source)) {
            Taken::Yes => self.answer_stateless(flow, request, Refusal::new(481), |_| {}),
            Taken::No { first } => {
                self.strays_dropped = self.strays_dropped.saturating_add(1);
                if first {
                    let limited = Event::new(&event::STRAYS_LIMITED, now.wall)
                        .with("source", source)
                        .with("method", message::lossy_cut(request.method_text(), 16))
                        .with("dropped_since_start", self.strays_dropped);
                    self.log(limited);
                }
            }
        }
    }

    /// Challenges a request, as often as its source's bucket allows.
    pub(crate) fn challenge(&mut self, now: Now, flow: Flow, request: &Message, freshness: Freshness) {
        if self.admit_anonymous(now, &flow) {
            self.send_challenge(now, flow, request, freshness);
        }
    }

    pub(crate) fn send_challenge(&mut self, now: Now, flow: Flow, request: &Message, freshness: Freshness) {
        let claimed = match request.method() {
            Some(Method::Register) => request.to(),
            _ => request.from(),
        };
        let account =
            claimed.ok().and_then(|address| address.uri().ok().and_then(|uri| message::user_of(&uri)));
        let account = message::lossy(&account.unwrap_or_default());
        let directory = self.directory.clone();
        let challenges: Vec<String> =
            self.auth.challenges(now, &flow, &account, freshness, &directory).collect();
        self.answer_stateless(flow, request, Refusal::new(401), |writer| {
            for challenge in challenges {
                writer.header(Name::WwwAuthenticate, challenge);
            }
        });
    }

    pub(crate) fn refuse_wrong(&mut self, flow: Flow, request: &Message) {
        self.answer_stateless(flow, request, Refusal::new(403), |_| {});
    }
}
