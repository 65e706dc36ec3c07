//! REGISTER: read, judged whole, then carried out whole (RFC 3261 section 10.3).

use std::sync::Arc;
use std::time::Duration;

use model::directory::Line;
use model::event::{self, Event};
use model::live::{Binding, BindingUpdate};
use model::{Flow, Now};
use wire::sip::{Contacts, Message, Name, Writer};

use super::bindings::{Due, Kept};
use super::contact::{Unfit, Wish};
use super::outbound::{self, Outbound};
use crate::api::{Output, Refusal, Target};
use crate::auth::{Freshness, Verdict};
use crate::limits::{MAX_CALL_ID, MAX_CONTACTS_PER_LINE, MAX_USER_AGENT};
use crate::message;
use crate::stack::Stack;

/// What a REGISTER asks for.
enum Request {
    /// The list of bindings.
    Query,
    /// No binding any more: `Contact: *`.
    Clear,
    /// These contacts, some to be removed.
    Change(Vec<Wish>),
}

impl Stack {
    /// A REGISTER outside dialogs. Answered statelessly: repeating it changes nothing.
    pub(crate) fn on_register(&mut self, now: Now, flow: Flow, request: &Message) {
        match self.identify(now, &flow, request) {
            Verdict::Proven(line) if !line.admits(flow.transport) => {
                self.refuse_unencrypted(now, flow, request, &line);
            }
            Verdict::Proven(line) => self.register(now, flow, request, &line),
            Verdict::Repeated(line) if self.is_repetition(request, &line) => {
                self.answer_registered(now, flow, request, &line);
            }
            Verdict::Anonymous => self.challenge(now, flow, request, Freshness::First),
            Verdict::Stale | Verdict::Repeated(_) => self.challenge(now, flow, request, Freshness::Stale),
            Verdict::Unreadable => {
                self.refuse_stray(now, flow, request, Refusal::because(400, "Credentials unusable"));
            }
            Verdict::Wrong => self.refuse_wrong(flow, request),
            Verdict::Blocked => {}
        }
    }

    /// Whether this very REGISTER was carried out already and only its answer got lost.
    fn is_repetition(&self, request: &Message, line: &Line) -> bool {
        let number = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        self.bindings
            .of_line(&line.username)
            .any(|binding| binding.call_id.as_bytes() == request.call_id() && binding.cseq == number)
    }

    fn register(&mut self, now: Now, flow: Flow, request: &Message, line: &Arc<Line>) {
        match self.weigh(flow, request, line) {
            Err(refusal) => {
                let minimum = self.directory.times.min_expires.as_secs();
                self.answer_stateless(flow, request, refusal, |writer| {
                    if refusal.status == 423 {
                        writer.header_fmt(Name::MinExpires, format_args!("{minimum}"));
                    }
                });
            }
            Ok(asked) => {
                let contact = request.addresses(Name::Contact).next().and_then(Result::ok);
                let contact = contact.and_then(|contact| contact.uri().ok());
                self.recover_sessions(&line.username, flow, contact.as_ref());
                self.recover_subscriptions(now.mono, &line.username, flow, contact.as_ref());
                self.carry_out(now, flow, request, line, asked);
                self.answer_registered(now, flow, request, line);
            }
        }
    }

    fn weigh(&self, flow: Flow, request: &Message, line: &Line) -> Result<Request, Refusal> {
        if !outbound::is_all_that_is_required(request) {
            return Err(Refusal::new(420));
        }
        let to = request.to().ok().and_then(|to| to.uri().ok().and_then(|uri| message::user_of(&uri)));
        let user = to.unwrap_or_default();
        // Tolerance: phones that have one user name for all register the extension and authenticate as the line.
        if user != line.username.as_bytes() && user != line.extension.as_bytes() {
            return Err(Refusal::because(403, "Not your address"));
        }
        if request.call_id().len() > MAX_CALL_ID {
            return Err(Refusal::because(400, "Call-ID too long"));
        }
        let number = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let same_call = |binding: &Arc<Binding>| binding.call_id.as_bytes() == request.call_id();
        if self.bindings.of_line(&line.username).filter(|b| same_call(b)).any(|b| b.cseq >= number) {
            return Err(Refusal::because(500, "CSeq out of order"));
        }
        let expires = request.expires().map_err(|_| Refusal::because(400, "Expires unreadable"))?;
        match request.contacts().map_err(|_| Refusal::because(400, "Contact unreadable"))? {
            Contacts::Star if expires == Some(0) => Ok(Request::Clear),
            Contacts::Star => Err(Refusal::because(400, "Contact * needs Expires 0")),
            Contacts::List(list) if list.is_empty() => Ok(Request::Query),
            Contacts::List(list) if list.len() > MAX_CONTACTS_PER_LINE => {
                Err(Refusal::because(400, "Too many contacts"))
            }
            Contacts::List(list) => {
                let times = &self.directory.times;
                let outbound = Outbound::of(request, flow);
                let wish = |contact| Wish::of(contact, expires, times, flow, line.nat, outbound);
                let wishes = list.iter().map(wish);
                let wishes: Result<Vec<Wish>, Unfit> = wishes.collect();
                wishes.map(Request::Change).map_err(|unfit| match unfit {
                    Unfit::Uri => Refusal::because(400, "Contact unusable"),
                    Unfit::TooBrief => Refusal::new(423),
                })
            }
        }
    }

    fn carry_out(&mut self, now: Now, flow: Flow, request: &Message, line: &Line, asked: Request) {
        match asked {
            Request::Query => {}
            Request::Clear => {
                for gone in self.bindings.remove_line(&line.username) {
                    self.binding_gone(now, &gone, "unregistered");
                }
            }
            Request::Change(wishes) => {
                for wish in wishes {
                    if wish.expires.is_zero() {
                        if let Some(gone) = self.bindings.remove(&line.username, wish.naming()) {
                            self.binding_gone(now, &gone, "unregistered");
                        }
                    } else {
                        self.keep_binding(now, flow, request, line, wish);
                    }
                }
            }
        }
    }

    fn keep_binding(&mut self, now: Now, flow: Flow, request: &Message, line: &Line, wish: Wish) {
        let call_id = request.call_id();
        let same_phone = |binding: &&Arc<Binding>| binding.call_id.as_bytes() == call_id;
        let before = self.bindings.find(&line.username, wish.naming());
        let before = before.or_else(|| self.bindings.of_line(&line.username).find(same_phone));
        if let Some(old) = before.map(|binding| binding.source) {
            self.follow_registration(&line.username, old, flow);
            self.follow_watcher(now.mono, &line.username, old, flow);
        }
        let known = self.bindings.find(&line.username, wish.naming());
        let registered = known.map_or(now.wall, |binding| binding.registered);
        let binding = Arc::new(Binding {
            line: line.username.clone(),
            extension: line.extension.clone(),
            contact: known
                .filter(|_| wish.reg_id.is_none())
                .map_or(wish.uri, |binding| binding.contact.clone()),
            transport: flow.transport,
            local: flow.local,
            source: flow.remote,
            user_agent: message::lossy_cut(
                request.first(Name::UserAgent).unwrap_or_default(),
                MAX_USER_AGENT,
            ),
            call_id: message::lossy(request.call_id()),
            cseq: request.cseq().map(|cseq| cseq.number).unwrap_or_default(),
            q: wish.q,
            instance: wish.instance,
            reg_id: wish.reg_id,
            registered,
            expires: now.wall.after(wish.expires),
        });
        let keep_alive = self.directory.times.keep_alive;
        let (kept, gone) = self.bindings.keep(now, binding.clone(), Some(wish.flow), line.nat, keep_alive);
        self.remember_source(now, binding.source.ip());
        for gone in gone {
            self.binding_gone(now, &gone, "replaced by a newer contact");
        }
        if kept == Kept::New {
            let event = Event::new(&event::REGISTERED, now.wall)
                .with("extension", &binding.extension)
                .with("line", &binding.line)
                .with("source", binding.source)
                .with("transport", binding.transport)
                .with("agent", &binding.user_agent);
            self.log(event);
        }
        self.output(Output::Binding(BindingUpdate::Keep(binding)));
    }

    pub(crate) fn binding_gone(&mut self, now: Now, binding: &Binding, why: &str) {
        let event = Event::new(&event::UNREGISTERED, now.wall)
            .with("extension", &binding.extension)
            .with("line", &binding.line)
            .with("source", binding.source)
            .with("reason", why);
        self.log(event);
        let (line, key) = (binding.line.clone(), binding.key());
        self.output(Output::Binding(BindingUpdate::Remove { line, key }));
    }

    fn answer_registered(&mut self, now: Now, flow: Flow, request: &Message, line: &Line) {
        let reply = message::reply_flow(request, flow);
        let tag = self.stateless_tag(request);
        let mut writer = message::answer(request, flow.remote, 200, None, &tag);
        self.list_contacts(now, &mut writer, &line.username);
        outbound::confirm(&mut writer, request, flow);
        self.send(reply, writer.finish());
    }

    fn list_contacts(&self, now: Now, writer: &mut Writer, line: &str) {
        for (binding, left) in self.bindings.lifetimes(now.mono, line) {
            // Rounded up, so that a phone which asks for 60 s is told 60 s.
            let left = left.saturating_add(Duration::from_millis(999)).as_secs();
            let contact = &binding.contact;
            match &binding.instance {
                Some(id) if binding.reg_id.is_some() => writer.header_fmt(
                    Name::Contact,
                    format_args!(
                        "<{contact}>;expires={left};+sip.instance=\"{}\";reg-id={}",
                        id.replace('"', ""),
                        binding.reg_id.unwrap_or_default()
                    ),
                ),
                Some(id) => writer.header_fmt(
                    Name::Contact,
                    format_args!("<{contact}>;expires={left};+sip.instance=\"{}\"", id.replace('"', "")),
                ),
                None => writer.header_fmt(Name::Contact, format_args!("<{contact}>;expires={left}")),
            };
        }
    }

    /// Takes up bindings from before a restart; one without a flow stays unreachable until its phone is back.
    pub fn restore(&mut self, now: Now, bindings: Vec<(Binding, Option<Flow>)>) {
        for (binding, arrived) in bindings {
            let line = self.directory.lines.get(&binding.line).cloned();
            let Some(line) = line
                .filter(|line| line.extension == binding.extension && binding.expires > now.wall)
                .filter(|line| line.admits(binding.transport))
            else {
                let (line, key) = (binding.line.clone(), binding.key());
                self.output(Output::Binding(BindingUpdate::Remove { line, key }));
                continue;
            };
            let flow = arrived.and_then(|arrived| {
                let text = format!("<{}>", binding.contact);
                let contact = wire::sip::NameAddr::parse(text.as_bytes()).ok()?;
                let times = &self.directory.times;
                Wish::of(&contact, None, times, arrived, line.nat, Outbound::Unasked)
                    .ok()
                    .map(|wish| wish.flow)
            });
            let keep_alive = self.directory.times.keep_alive;
            self.remember_source(now, binding.source.ip());
            self.bindings.keep(now, Arc::new(binding), flow, line.nat, keep_alive);
        }
    }

    /// Drops the registrations of a line, for example because its password changed.
    pub fn forget_line(&mut self, now: Now, line: &str) {
        for gone in self.bindings.remove_line(line) {
            self.binding_gone(now, &gone, "dropped by the server");
        }
        self.forget_subscriptions(now.mono, line);
    }

    /// The reachable contacts of all lines of an extension, preferred ones first.
    pub fn targets(&self, extension: &model::directory::Extension) -> Vec<Target> {
        let mut targets = self.bindings.targets(extension);
        let admits = |target: &Target| {
            self.directory.lines.get(&target.line).is_none_or(|line| line.admits(target.flow.transport))
        };
        targets.retain(|target| admits(target) && !self.is_refused(target.flow.remote.ip()));
        targets
    }

    /// One due timer of the registrar; false: none was due.
    pub(crate) fn wake_bindings(&mut self, now: Now) -> bool {
        let Some(due) = self.bindings.due(now.mono, self.directory.times.keep_alive) else { return false };
        match due {
            Due::Nothing => {}
            Due::Expired(binding) => self.binding_gone(now, &binding, "expired"),
            // RFC 5626 section 3.5.1 for streams; over UDP any packet keeps the router's mapping, and phones ignore
            // empty lines (RFC 3261 section 7.5).
            Due::KeepAlive(flow) if self.is_refused(flow.remote.ip()) => {}
            Due::KeepAlive(flow) => self.send(flow, bytes::Bytes::from_static(b"\r\n\r\n")),
        }
        true
    }
}
