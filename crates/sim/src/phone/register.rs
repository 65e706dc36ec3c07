//! The phone's registration: asked for when it is switched on, again in time, and again after a while when it failed.

use std::time::Duration;

use model::{Entropy, Mono};
use wire::sip::{Contacts, Message, Name, Uri};

use super::client::Owner;
use super::write::Draft;
use super::{Phone, text};
use crate::office::DOMAIN;

/// Pause before a failed registration is tried again. Real phones wait longer; nobody here has the time.
const RETRY: Duration = Duration::from_secs(5);

/// Where the registration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// Not registered.
    No,
    /// Until then.
    Until(Mono),
}

pub(super) struct Registrar {
    call_id: String,
    tag: String,
    cseq: u32,
    pub state: Registered,
    busy: bool,
    wish: Option<Duration>,
    next: Option<Mono>,
}

impl Registrar {
    pub fn new(entropy: &mut Entropy) -> Registrar {
        Registrar {
            call_id: entropy.hex(10),
            tag: entropy.hex(4),
            cseq: 0,
            state: Registered::No,
            busy: false,
            wish: None,
            next: None,
        }
    }

    pub fn next_cseq(&mut self) -> u32 {
        self.cseq += 1;
        self.cseq
    }

    pub fn next_wake(&self) -> Option<Mono> {
        self.next
    }
}

impl Phone {
    /// Whether it believes to be registered.
    pub fn is_registered(&self, now: Mono) -> bool {
        matches!(self.registrar.state, Registered::Until(until) if until > now)
    }

    /// Asks to be registered.
    pub fn register(&mut self, now: Mono) {
        let wish = self.registrar.wish.unwrap_or(self.habits.expires);
        self.send_register(now, wish);
    }

    /// Signs off.
    pub fn unregister(&mut self, now: Mono) {
        self.habits.registers = false;
        self.send_register(now, Duration::ZERO);
    }

    fn send_register(&mut self, now: Mono, expires: Duration) {
        if self.registrar.busy {
            return;
        }
        self.registrar.busy = true;
        self.registrar.next = None;
        let user = &self.account.username;
        let draft = Draft {
            method: "REGISTER",
            uri: format!("sip:{DOMAIN}"),
            from: format!("<sip:{user}@{DOMAIN}>;tag={}", self.registrar.tag),
            to: format!("<sip:{user}@{DOMAIN}>"),
            call_id: self.registrar.call_id.clone(),
            contact: Some(format!(";expires={}", expires.as_secs())),
            body: None,
            headers: Vec::new(),
        };
        let cseq = self.registrar.next_cseq();
        self.start(now, Owner::Register, draft, cseq);
    }

    pub(super) fn wake_registrar(&mut self, now: Mono) {
        if self.registrar.next.is_some_and(|next| next <= now) {
            self.register(now);
        }
    }

    pub(super) fn on_registered(&mut self, now: Mono, status: u16, response: Option<&Message>) {
        self.registrar.busy = false;
        let granted = response.filter(|_| status == 200).and_then(|response| self.granted(response));
        if let Some(granted) = granted {
            self.registrar.state = Registered::Until(now + granted);
            self.registered_at = Some(now);
            self.registrar.next = self.habits.registers.then(|| now + granted / 2);
            return;
        }
        if status == 423 {
            let least = response.and_then(|response| response.first(Name::MinExpires));
            let least = least.and_then(|value| text(value).parse().ok()).map(Duration::from_secs);
            self.registrar.wish = least;
            self.registrar.next = Some(now);
            return;
        }
        if status == 200 || status == 401 {
            self.registrar.state = Registered::No;
        }
        self.registrar.next = self.habits.registers.then(|| now + RETRY);
    }

    /// The stream is gone: what was asked on it gets no answer.
    pub(super) fn registrar_lost(&mut self, now: Mono) {
        self.clients_lost();
        self.watch_again(now + Duration::from_secs(2));
        self.registrar.busy = false;
        self.registrar.next = self.habits.registers.then(|| now + Duration::from_secs(1));
    }

    fn clients_lost(&mut self) {
        self.clients.retain(|client| !matches!(client.owner, Owner::Register | Owner::Watch));
    }

    /// How long our own contact was granted.
    fn granted(&self, response: &Message) -> Option<Duration> {
        let Ok(Contacts::List(contacts)) = response.contacts() else { return None };
        let ours = self.contact_uri();
        let mine = contacts.iter().find(|contact| {
            let (Ok(one), Ok(two)) = (Uri::parse(contact.uri), Uri::parse(ours.as_bytes())) else {
                return false;
            };
            one.matches(&two)
        })?;
        let expires = mine.param("expires").flatten().map(text).and_then(|text| text.parse().ok());
        Some(Duration::from_secs(expires?))
    }
}
