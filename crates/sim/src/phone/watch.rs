//! A busy lamp: the phone watches an extension's calls (RFC 6665, RFC 4235), asks again in time, and begins anew when the
//! server has forgotten it.

use std::time::Duration;

use model::{Entropy, Mono};
use wire::sip::{Message, Name};

use super::client::Owner;
use super::write::Draft;
use super::{Phone, text};
use crate::office::DOMAIN;

/// How long it asks to watch; half of it passes between two refreshes.
const EXPIRES: Duration = Duration::from_secs(90);
/// Pause before a refused or forgotten subscription begins anew.
const RETRY: Duration = Duration::from_secs(3);

/// What a lamp shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lamp {
    /// Nobody has told anything yet.
    Unknown,
    /// No call.
    Dark,
    /// Somebody dials or it rings.
    Blinks,
    /// In a call.
    Lit,
}

/// A lamp and its subscription.
pub struct Watch {
    /// The extension.
    pub number: String,
    /// What it shows.
    pub lamp: Lamp,
    /// What it showed, change by change.
    pub seen: Vec<Lamp>,
    /// NOTIFYs heard.
    pub told: u32,
    call_id: String,
    local_tag: String,
    remote_tag: Option<String>,
    target: String,
    cseq: u32,
    remote_cseq: u32,
    version: Option<u32>,
    pub(super) next: Option<Mono>,
    ends: bool,
}

impl Watch {
    fn new(number: String, entropy: &mut Entropy) -> Watch {
        Watch {
            target: format!("sip:{number}@{DOMAIN}"),
            number,
            lamp: Lamp::Unknown,
            seen: Vec::new(),
            told: 0,
            call_id: entropy.hex(8),
            local_tag: entropy.hex(4),
            remote_tag: None,
            cseq: 0,
            remote_cseq: 0,
            version: None,
            next: None,
            ends: false,
        }
    }

    pub(super) fn next_cseq(&mut self) -> u32 {
        self.cseq += 1;
        self.cseq
    }
}

impl Phone {
    /// Puts a lamp up for an extension.
    pub fn watch(&mut self, now: Mono, number: &str) {
        self.lamp = Some(Watch::new(number.to_owned(), &mut self.entropy));
        self.subscribe(now, EXPIRES);
    }

    /// Takes the lamp down.
    pub fn unwatch(&mut self, now: Mono) {
        if let Some(watch) = &mut self.lamp {
            watch.ends = true;
            self.subscribe(now, Duration::ZERO);
        }
    }

    /// The phone was off, or its connection broke.
    pub(super) fn watch_again(&mut self, at: Mono) {
        if let Some(watch) = self.lamp.as_mut().filter(|watch| !watch.ends) {
            watch.next = Some(at);
        }
    }

    fn subscribe(&mut self, now: Mono, expires: Duration) {
        let Some(watch) = &mut self.lamp else { return };
        watch.next = None;
        let cseq = watch.next_cseq();
        let tag = watch.remote_tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let draft = Draft {
            method: "SUBSCRIBE",
            uri: watch.target.clone(),
            from: format!("<sip:{}@{DOMAIN}>;tag={}", self.account.username, watch.local_tag),
            to: format!("<sip:{}@{DOMAIN}>{tag}", watch.number),
            call_id: watch.call_id.clone(),
            contact: Some(String::new()),
            body: None,
            headers: vec![
                (Name::Event, "dialog".to_owned()),
                (Name::Accept, "application/dialog-info+xml".to_owned()),
                (Name::Expires, expires.as_secs().to_string()),
            ],
        };
        self.start(now, Owner::Watch, draft, cseq);
    }

    pub(super) fn wake_watch(&mut self, now: Mono) {
        if self.lamp.as_ref().and_then(|watch| watch.next).is_some_and(|next| next <= now) {
            self.subscribe(now, EXPIRES);
        }
    }

    pub(super) fn on_subscribed(&mut self, now: Mono, status: u16, response: Option<&Message>) {
        let Some(watch) = self.lamp.as_mut().filter(|watch| !watch.ends) else { return };
        let ours = response.is_none_or(|response| response.call_id() == watch.call_id.as_bytes());
        match (status, response) {
            _ if !ours => {}
            (200..300, Some(response)) => {
                watch.remote_tag = response.to().ok().and_then(|to| to.tag()).map(text);
                if let Some(target) = super::dial::target_of(response) {
                    watch.target = target;
                }
                watch.next = Some(now + EXPIRES / 2);
            }
            _ => self.begin_anew(now),
        }
    }

    fn begin_anew(&mut self, now: Mono) {
        let Some(watch) = &self.lamp else { return };
        let (number, lamp, seen, told) = (watch.number.clone(), watch.lamp, watch.seen.clone(), watch.told);
        let fresh = Watch::new(number, &mut self.entropy);
        self.lamp = Some(Watch { lamp, seen, told, next: Some(now + RETRY), ..fresh });
    }

    /// The server says how the extension is. False: nobody asked.
    pub(super) fn on_watched(&mut self, now: Mono, request: &Message) -> bool {
        let Some(watch) = &mut self.lamp else { return false };
        let to_us =
            request.to().ok().and_then(|to| to.tag()).is_some_and(|tag| tag == watch.local_tag.as_bytes());
        if !to_us || request.call_id() != watch.call_id.as_bytes() {
            return false;
        }
        let cseq = request.cseq().map(|cseq| cseq.number).unwrap_or_default();
        if cseq <= watch.remote_cseq {
            self.reply(now, request, 500, None);
            return true;
        }
        watch.remote_cseq = cseq;
        watch.told += 1;
        let over =
            request.first(Name::SubscriptionState).is_some_and(|state| state.starts_with(b"terminated"));
        let body = text(request.body());
        let mut wrong = None;
        if let Some(version) = version_of(&body) {
            if watch.version.is_some_and(|before| version <= before) {
                wrong = Some(format!("the lamp of {} was told version {version} twice", watch.number));
            }
            watch.version = Some(version);
            let lamp = lamp_of(&body);
            if watch.lamp != lamp {
                watch.seen.push(lamp);
            }
            watch.lamp = lamp;
        }
        let again = over && !watch.ends;
        self.reply(now, request, 200, None);
        if let Some(wrong) = wrong {
            self.wrong(wrong);
        }
        if again {
            self.begin_anew(now);
        }
        true
    }
}

fn version_of(body: &str) -> Option<u32> {
    let (_, rest) = body.split_once("<dialog-info")?.1.split_once("version=\"")?;
    rest.split_once('"')?.0.parse().ok()
}

fn lamp_of(body: &str) -> Lamp {
    let says = |state: &str| body.contains(&format!("<state>{state}</state>"));
    if says("confirmed") {
        Lamp::Lit
    } else if says("early") || says("trying") || says("proceeding") {
        Lamp::Blinks
    } else {
        Lamp::Dark
    }
}
