//! REFER inside a call (RFC 3515), and the NOTIFYs that tell its sender how far the transfer is.
//!
//! The subscription that a REFER opens lives and dies with its session: a phone that hangs up at once, as most do
//! after a blind transfer, has told that it does not care for the rest (RFC 5057 would let it listen on). Not here:
//! who may be called instead, and calling him (`calls`).

use model::event::{self, Event};
use model::{Flow, Now};
use wire::sip::{Message, Method, Name, ReferTo, Replaces, Uri};

use super::incoming::explain;
use super::{Session, State};
use crate::api::{Refusal, SessionEvent, SessionId};
use crate::limits::MAX_TRANSACTIONS;
use crate::message;
use crate::stack::Stack;
use crate::transaction::client::{Branch, Owner};
use crate::transaction::key::Key;
use crate::transaction::server::ServerId;

/// How long a subscription is said to last. A transfer is decided sooner: by the answer, or when ringing ends.
const EXPIRES_S: u32 = 300;
/// Option tags that a REFER may require (RFC 4488, RFC 3891).
const KNOWN: [&str; 2] = ["norefersub", "replaces"];

/// A phone wants the other side of its call connected with somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// With whom: the user part of the Refer-To URI, percent escapes decoded.
    pub dialled: Vec<u8>,
    /// The other call of the same line that this one shall be joined with: the transfer is attended.
    pub replaces: Option<SessionId>,
}

/// How far a transfer is, for who asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// 100 to 699; from 200 on nothing more follows.
    pub status: u16,
    /// `None`: the RFC's words.
    pub phrase: Option<&'static str>,
}

/// What a session knows of REFER.
#[derive(Debug, Default)]
pub(crate) struct Refers {
    /// A REFER that waits for `calls`.
    asked: Option<Asked>,
    subscription: Option<Subscription>,
    /// REFERs accepted so far: from the second on they are told apart by `id` (RFC 3515 section 2.4.6).
    accepted: u32,
}

#[derive(Debug)]
struct Asked {
    server: ServerId,
    request: Message,
}

#[derive(Debug)]
struct Subscription {
    /// `Event: refer`, with an `id` where it needs one.
    event: String,
    /// A NOTIFY is under way: the next one waits, so that none overtakes it.
    under_way: bool,
    waiting: Option<Progress>,
}

impl Stack {
    /// REFER in a dialog of a believed peer.
    pub(crate) fn on_refer(&mut self, now: Now, flow: Flow, id: SessionId, key: Key, request: &Message) {
        let read = self.read_refer(now, flow, id, request);
        let reply = message::reply_flow(request, flow);
        let Ok(server) = self.server.open(key, request, flow, reply, None) else {
            self.answer_stateless(flow, request, Refusal::new(503), |_| {});
            return;
        };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match read {
            Ok(referral) => {
                session.refers.asked = Some(Asked { server, request: request.clone() });
                self.event(SessionEvent::Refer { session: id, referral });
            }
            Err(refusal) => {
                let tag = session.tag();
                self.respond_refusal(now, server, flow, request, refusal, &tag);
            }
        }
    }

    fn read_refer(
        &mut self,
        now: Now,
        flow: Flow,
        id: SessionId,
        request: &Message,
    ) -> Result<Referral, Refusal> {
        let Some(session) = self.sessions.get(&id) else { return Err(Refusal::new(481)) };
        let known = |option: &[u8]| KNOWN.iter().any(|known| option.eq_ignore_ascii_case(known.as_bytes()));
        if request.values(Name::Require).any(|option| !known(option)) {
            return Err(Refusal::new(420));
        }
        if !matches!(session.state, State::Confirmed) {
            return Err(Refusal::because(403, "The call is not answered"));
        }
        // One transfer at a time: the first one's end decides what the second would be about.
        if session.refers.asked.is_some() || session.refers.subscription.is_some() {
            return Err(Refusal::new(491));
        }
        let unreadable = Refusal::because(400, "Refer-To unusable");
        if request.all(Name::ReferTo).count() != 1 {
            return Err(Refusal::because(400, "One Refer-To expected"));
        }
        let refer_to = request.refer_to().map_err(|_| unreadable)?;
        if refer_to.method.is_some() {
            return Err(Refusal::because(403, "Only INVITE can be asked for"));
        }
        let dialled = self.dialled_in(&refer_to, &flow)?;
        let replaces = match refer_to.replaces() {
            None => None,
            Some(replaces) => {
                let line = session.line.clone();
                let named = self.session_named(&replaces);
                let own = named.filter(|own| self.sessions.get(own).is_some_and(|own| own.line == line));
                if own.is_none() {
                    self.report_refer(now, &flow, &line, request, "Refer-To replaces no call of this line");
                    return Err(Refusal::because(403, "Replaces names no call of yours"));
                }
                own
            }
        };
        Ok(Referral { dialled, replaces })
    }

    /// Whom a Refer-To names, by the rules of Request-URIs.
    fn dialled_in(&self, refer_to: &ReferTo<'_>, flow: &Flow) -> Result<Vec<u8>, Refusal> {
        let uri = refer_to.uri().map_err(|_| Refusal::because(400, "Refer-To unusable"))?;
        match &uri {
            Uri::Sip(sip) if !self.is_ours(&sip.host, flow) => {
                Err(Refusal::because(404, "Not a domain of this server"))
            }
            Uri::Other { .. } => Err(Refusal::new(416)),
            uri => message::user_of(uri).ok_or(Refusal::because(400, "Refer-To names nobody")),
        }
    }

    /// The session whose dialog a Replaces names (RFC 3891 section 3): by Call-ID and both tags.
    pub(crate) fn session_named(&self, replaces: &Replaces<'_>) -> Option<SessionId> {
        let id = super::session_of(replaces.to_tag)?;
        let session = self.sessions.get(&id)?;
        let dialog = &session.dialog;
        let theirs = dialog.remote_tag.as_deref().unwrap_or("0");
        let same = dialog.call_id.as_bytes() == replaces.call_id && theirs.as_bytes() == replaces.from_tag;
        (same && !session.is_silent()).then_some(id)
    }

    /// The transfer begins: 202, and a first NOTIFY unless the phone wants none (RFC 4488).
    pub fn accept_refer(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(Asked { server, request }) = session.refers.asked.take() else { return };
        let silent = request.first(Name::ReferSub).is_some_and(|value| value.eq_ignore_ascii_case(b"false"));
        let (flow, tag) = (session.flow, session.tag());
        if !silent {
            let event = match session.refers.accepted {
                0 => "refer".to_owned(),
                _ => format!("refer;id={}", request.cseq().map_or(0, |cseq| cseq.number)),
            };
            session.refers.subscription = Some(Subscription { event, under_way: false, waiting: None });
        }
        session.refers.accepted = session.refers.accepted.saturating_add(1);
        let contact = message::contact(&self.directory, &flow, &session.dialog.contact_user);
        let mut writer = message::answer(&request, flow.remote, 202, None, &tag);
        writer.header(Name::Contact, contact);
        if silent {
            writer.header(Name::ReferSub, "false");
        }
        self.respond(now.mono, server, 202, writer.finish());
        self.report_transfer(now, id, Progress { status: 100, phrase: None });
    }

    /// There will be no transfer; the call goes on.
    pub fn refuse_refer(&mut self, now: Now, id: SessionId, refusal: Refusal) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(Asked { server, request }) = session.refers.asked.take() else { return };
        let (flow, tag) = (session.flow, session.tag());
        self.respond_refusal(now, server, flow, &request, refusal, &tag);
    }

    /// Tells who asked for a transfer how far it is, if he listens.
    pub fn report_transfer(&mut self, now: Now, id: SessionId, progress: Progress) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(subscription) = session.refers.subscription.as_mut() else { return };
        if subscription.under_way {
            subscription.waiting = Some(progress);
            return;
        }
        // Without a transaction nobody hears that it may go on: then the next one goes out as if this were answered.
        subscription.under_way = self.client.len() < MAX_TRANSACTIONS;
        let event = subscription.event.clone();
        session.dialog.local_cseq = session.dialog.local_cseq.saturating_add(1);
        let branch = Branch::random(&mut self.entropy);
        let (flow, cseq) = (session.destination(), session.dialog.local_cseq);
        let contact = message::contact(&self.directory, &flow, &session.dialog.contact_user);
        let mut writer = message::in_dialog(&self.directory, session, "NOTIFY", cseq, branch);
        writer.header(Name::Contact, contact).header(Name::Event, event);
        if progress.status < 200 {
            writer.header_fmt(Name::SubscriptionState, format_args!("active;expires={EXPIRES_S}"));
        } else {
            writer.header(Name::SubscriptionState, "terminated;reason=noresource");
            session.refers.subscription = None;
        }
        let phrase = progress.phrase.unwrap_or_else(|| wire::sip::reason_phrase(progress.status));
        let body = format!("SIP/2.0 {} {phrase}\r\n", progress.status);
        let bytes = writer.body("message/sipfrag;version=2.0", body).finish();
        self.start_client(now.mono, branch, flow, Method::Notify, Owner::Referral(id), bytes);
    }

    /// A NOTIFY was answered: the next one may go. A phone that wants no more gets no more; its call goes on
    /// (RFC 6665 section 4.2.2, RFC 5057 section 5.1).
    pub(crate) fn on_referral_response(&mut self, now: Now, id: SessionId, status: u16) {
        if status < 200 {
            return;
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(subscription) = session.refers.subscription.as_mut() else { return };
        subscription.under_way = false;
        if status >= 300 {
            session.refers.subscription = None;
        } else if let Some(progress) = subscription.waiting.take() {
            self.report_transfer(now, id, progress);
        }
    }

    /// A session ends while its REFER waits: it gets its final response too.
    pub(crate) fn refuse_pending_refer(&mut self, now: Now, session: &mut Session) {
        if let Some(Asked { server, request }) = session.refers.asked.take() {
            let (flow, tag) = (session.flow, session.tag());
            self.respond_refusal(now, server, flow, &request, Refusal::new(481), &tag);
        }
    }

    /// REFER outside a call, or in one that is not there.
    pub(crate) fn refuse_stray_refer(&mut self, now: Now, flow: Flow, request: &Message, refusal: Refusal) {
        if self.admit_anonymous(now, &flow) {
            let claimed = request.from().ok().and_then(|from| from.uri().ok());
            let account = claimed.and_then(|uri| message::user_of(&uri)).unwrap_or_default();
            let account = message::lossy_cut(&account, 64);
            self.report_refer(now, &flow, &account, request, "REFER outside a call");
            self.answer_stateless(flow, request, refusal, |writer| explain(writer, refusal, request));
        }
    }

    pub(crate) fn report_refer(
        &mut self,
        now: Now,
        flow: &Flow,
        line: &str,
        request: &Message,
        reason: &'static str,
    ) {
        let to = request.first(Name::ReferTo).map(|to| message::lossy_cut(to, 128)).unwrap_or_default();
        let event = Event::new(&event::TRANSFER_REFUSED, now.wall)
            .with("line", line)
            .with("source", flow.remote)
            .with("refer_to", to)
            .with("reason", reason);
        self.log(event);
    }

    /// The line that a session's peer is.
    pub fn line(&self, id: SessionId) -> Option<std::sync::Arc<str>> {
        self.sessions.get(&id).map(|session| session.line.clone())
    }
}

/// The value of Referred-By that we write: the extension, whatever the phone called itself (RFC 3892).
pub(crate) fn referred_by(extension: &str, domain: &str) -> String {
    let party = crate::api::Party { user: extension.to_owned(), display: String::new() };
    message::name_addr(&party, domain)
}
