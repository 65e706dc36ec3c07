//! SUBSCRIBE: read, judged, answered (RFC 6665 section 4.2.1).
//!
//! Whoever has proven to be a line of ours may watch the calls of every extension, as colleagues in an office may see
//! each other's lamps; his own mailbox only. Who has proven nothing is challenged, whatever he asks for.

use std::sync::Arc;
use std::time::Duration;

use model::directory::Line;
use model::{Flow, Now};
use wire::sip::{Message, Name, Uri, value_and_params};

use super::{ALLOW_EVENTS, Package, Reason, Sending, Subscription, SubscriptionId, Topic};
use crate::api::Refusal;
use crate::limits::{
    DEFAULT_SUBSCRIPTION, MAX_CALL_ID, MAX_EVENT_ID, MAX_SUBSCRIPTION, MAX_SUBSCRIPTIONS,
    MAX_SUBSCRIPTIONS_PER_LINE, MIN_SUBSCRIPTION, TRANSACTION_LIFE,
};
use crate::message;
use crate::session::Dialog;
use crate::stack::Stack;
use crate::transaction::key::Key;
use crate::transaction::server::ServerId;

/// When a phone may try again that found the table full: subscriptions end all the time.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// What a SUBSCRIBE asks for.
struct Wish {
    package: Package,
    event_id: Option<Box<str>>,
    /// Zero: end it, or look once.
    expires: Duration,
}

impl Stack {
    /// An authenticated SUBSCRIBE outside a dialog.
    pub(crate) fn on_subscribe(
        &mut self,
        now: Now,
        flow: Flow,
        key: Key,
        request: &Message,
        line: &Arc<Line>,
    ) {
        let id = SubscriptionId(self.entropy.next_u64());
        let Some(server) = self.open_subscribe(flow, key, request) else { return };
        let judged = wish_of(request).and_then(|wish| {
            let topic = self.admit_subscribe(flow, request, line, &wish)?;
            Ok((wish, topic))
        });
        let (wish, topic) = match judged {
            Ok(judged) => judged,
            Err(refusal) => return self.refuse_subscribe(now, server, flow, request, refusal, &id.tag()),
        };
        self.make_room(now, &line.username);
        self.answer_subscribed(now, server, flow, request, &wish, (id, &topic));
        let once = wish.expires.is_zero();
        // Who looks once waits for nothing but the state.
        let expires = now.mono.after(if once { TRANSACTION_LIFE } else { wish.expires });
        self.subscriptions.insert(Subscription {
            id,
            event_id: wish.event_id,
            dialog: Dialog::opened_by_peer(request, topic.extension.to_string()),
            topic,
            flow,
            line: Arc::clone(&line.username),
            nat: line.nat,
            expires,
            looked_at: expires,
            sending: Sending::From(now.mono),
            paced: now.mono,
            due: true,
            ending: once.then_some(Reason::Timeout),
            failures: 0,
            version: 0,
            told: Vec::new(),
        });
        self.notify_if_due(now.mono, id);
    }

    /// A SUBSCRIBE whose To has one of our tags: a refresh, or the end.
    pub(crate) fn on_resubscribe(
        &mut self,
        now: Now,
        flow: Flow,
        key: Key,
        id: SubscriptionId,
        request: &Message,
    ) {
        let from_tag = request.from().ok().and_then(|from| from.tag().map(message::lossy));
        let known = self.subscriptions.find(id).filter(|subscription| {
            let dialog = &subscription.dialog;
            dialog.call_id.as_bytes() == request.call_id() && dialog.remote_tag == from_tag
        });
        let Some(subscription) = known else {
            return self.refuse_stray(now, flow, request, Refusal::new(481));
        };
        let (line, topic) = (Arc::clone(&subscription.line), subscription.topic.clone());
        let own = crate::session::is_own_flow(&subscription.flow, &subscription.destination(), &flow);
        if !own && !self.prove_inside(now, flow, &line, request) {
            return;
        }
        let Some(subscription) = self.subscriptions.find(id) else { return };
        let number = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let in_order = subscription.dialog.remote_cseq.is_none_or(|last| number >= last);
        let event_id = subscription.event_id.clone();
        let Some(server) = self.open_subscribe(flow, key, request) else { return };
        let wish = wish_of(request).and_then(|wish| match wish.package == topic.package {
            _ if !in_order => Err(Refusal::because(500, "CSeq out of order")),
            // One dialog, one subscription (RFC 6665 section 4.5.1).
            true if wish.event_id == event_id => Ok(wish),
            _ => Err(Refusal::new(481)),
        });
        let wish = match wish {
            Ok(wish) => wish,
            Err(refusal) => return self.refuse_subscribe(now, server, flow, request, refusal, &id.tag()),
        };
        self.answer_subscribed(now, server, flow, request, &wish, (id, &topic));
        self.refresh(now, flow, id, request, wish.expires);
    }

    fn refresh(&mut self, now: Now, flow: Flow, id: SubscriptionId, request: &Message, expires: Duration) {
        let Some(subscription) = self.subscriptions.find(id) else { return };
        subscription.dialog.remote_cseq = request.cseq().ok().map(|cseq| cseq.number);
        if let Some(target) = message::remote_target(request) {
            subscription.dialog.remote_target = target;
        }
        if subscription.flow != flow {
            self.move_subscription(now.mono, id, flow);
        }
        if expires.is_zero() {
            return self.end_subscription(now.mono, id, Reason::Timeout);
        }
        self.prolong_subscription(id, now.mono.after(expires));
        if let Some(subscription) = self.subscriptions.find(id) {
            subscription.due = true;
        }
        self.notify_if_due(now.mono, id);
    }

    fn open_subscribe(&mut self, flow: Flow, key: Key, request: &Message) -> Option<ServerId> {
        let reply = message::reply_flow(request, flow);
        let opened = self.server.open(key, request, flow, reply, None);
        if opened.is_err() {
            self.answer_stateless(flow, request, full(), |_| {});
        }
        opened.ok()
    }

    /// What may be watched, if everything about the request is in order.
    fn admit_subscribe(
        &self,
        flow: Flow,
        request: &Message,
        line: &Line,
        wish: &Wish,
    ) -> Result<Topic, Refusal> {
        if self.draining {
            return Err(Refusal::because(503, "Server is stopping"));
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Err(full());
        }
        if request.first(Name::Require).is_some() {
            return Err(Refusal::new(420));
        }
        if request.call_id().len() > MAX_CALL_ID || message::remote_target(request).is_none() {
            return Err(Refusal::because(400, "Contact or Call-ID unusable"));
        }
        let uri = Uri::parse(request.request_uri().unwrap_or_default()).map_err(|_| Refusal::new(400))?;
        if uri.sip().is_some_and(|sip| !self.is_ours(&sip.host, &flow)) {
            return Err(Refusal::because(404, "Not a domain of this server"));
        }
        let user = message::user_of(&uri).unwrap_or_default();
        let own = user.is_empty() || user == line.username.as_bytes() || user == line.extension.as_bytes();
        let extension = match wish.package {
            Package::MessageSummary if own => Some(&line.extension),
            // The same for a mailbox that exists and one that does not.
            Package::MessageSummary => return Err(Refusal::because(403, "Not your mailbox")),
            Package::Dialog => {
                let known = std::str::from_utf8(&user).ok().and_then(|n| self.directory.extensions.get(n));
                known.map(|extension| &extension.number)
            }
        };
        let extension = extension.ok_or(Refusal::new(404))?;
        Ok(Topic { package: wish.package, extension: Arc::clone(extension) })
    }

    /// Phones that forget their subscriptions at each start leave them behind: the line's oldest goes.
    fn make_room(&mut self, now: Now, line: &str) {
        let list = self.subscriptions.of_line(line);
        if list.len() >= MAX_SUBSCRIPTIONS_PER_LINE
            && let Some(oldest) = list.first().copied()
        {
            self.end_subscription(now.mono, oldest, Reason::Probation);
        }
    }

    fn answer_subscribed(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Message,
        wish: &Wish,
        (id, topic): (SubscriptionId, &Topic),
    ) {
        let mut writer = message::answer(request, flow.remote, 200, None, &id.tag());
        writer.header_fmt(Name::Expires, format_args!("{}", wish.expires.as_secs()));
        writer.header(Name::Contact, message::contact(&self.directory, &flow, &topic.extension));
        let bytes = writer.header(Name::AllowEvents, ALLOW_EVENTS).finish();
        self.respond(now.mono, server, 200, bytes);
    }

    fn refuse_subscribe(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Message,
        refusal: Refusal,
        tag: &str,
    ) {
        let mut writer = message::answer(request, flow.remote, refusal.status, refusal.phrase, tag);
        crate::session::explain(&mut writer, refusal, request);
        match refusal.status {
            406 => {
                let package = event_of(request).map(|(package, _)| package);
                writer.header(Name::Accept, package.map_or("", Package::media_type));
            }
            423 => {
                writer.header_fmt(Name::MinExpires, format_args!("{}", MIN_SUBSCRIPTION.as_secs()));
            }
            489 => {
                writer.header(Name::AllowEvents, ALLOW_EVENTS);
            }
            _ => {}
        }
        self.respond(now.mono, server, refusal.status, writer.finish());
    }
}

fn full() -> Refusal {
    Refusal { status: 503, phrase: Some("Too many subscriptions"), retry_after: Some(RETRY_AFTER) }
}

fn wish_of(request: &Message) -> Result<Wish, Refusal> {
    let (package, event_id) = event_of(request).ok_or(Refusal::new(489))?;
    if !accepts(request, package.media_type()) {
        return Err(Refusal::new(406));
    }
    let expires = request.expires().map_err(|_| Refusal::because(400, "Expires unreadable"))?;
    let expires = expires.map_or(DEFAULT_SUBSCRIPTION, |s| Duration::from_secs(u64::from(s)));
    if !expires.is_zero() && expires < MIN_SUBSCRIPTION {
        return Err(Refusal::new(423));
    }
    Ok(Wish { package, event_id, expires: expires.min(MAX_SUBSCRIPTION) })
}

/// The package that Event names, and its `id`.
fn event_of(request: &Message) -> Option<(Package, Option<Box<str>>)> {
    let (token, params) = value_and_params(request.first(Name::Event)?).ok()?;
    let id = params.value("id").filter(|id| id.len() <= MAX_EVENT_ID);
    Some((Package::parse(token)?, id.map(|id| message::lossy(id).into_boxed_str())))
}

/// Whether the subscriber takes bodies of this type (RFC 3261 section 20.1); no Accept: the package's own.
fn accepts(request: &Message, media_type: &str) -> bool {
    let mut any = false;
    for value in request.values(Name::Accept) {
        any = true;
        let Ok((range, _)) = value_and_params(value) else { continue };
        let fits = range.eq_ignore_ascii_case(media_type.as_bytes());
        if fits || range == b"*/*" || range.eq_ignore_ascii_case(b"application/*") {
            return true;
        }
    }
    !any
}
