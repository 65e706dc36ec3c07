//! Subscriptions (RFC 6665): phones that want to be told when something of an extension changes.
//!
//! One file for each thing that happens: `request` (SUBSCRIBE), `notify` (NOTIFY and what is answered to it), `ending`
//! (expiry, lost connections, changes of the directory), `table` (who watches what). All are parts of [`crate::Stack`];
//! here stands only what a subscription is. What is told comes from `calls` by [`crate::Stack::publish`]; the implicit
//! subscription of a REFER is the session's that it came in.

mod ending;
mod notify;
mod request;
mod table;

use std::sync::Arc;

use model::directory::Nat;
use model::{Flow, Mono};
use wire::dialog_info::{self, Dialog as Watched};
use wire::message_summary::{self, Summary};
use wire::sip::Uri;

pub(crate) use table::Subscriptions;

use crate::registrar::reached_at;
use crate::session::Dialog;

/// An event package (RFC 6665 section 7.2): what can be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Package {
    /// `dialog` (RFC 4235): whether an extension is in calls, for busy lamps.
    Dialog,
    /// `message-summary` (RFC 3842): whether messages wait in an extension's mailbox.
    MessageSummary,
}

/// The packages we have; the value of Allow-Events.
pub(crate) const ALLOW_EVENTS: &str = "dialog, message-summary";

impl Package {
    pub(crate) fn parse(token: &[u8]) -> Option<Package> {
        match token {
            b"dialog" => Some(Package::Dialog),
            b"message-summary" => Some(Package::MessageSummary),
            _ => None,
        }
    }

    pub(crate) const fn text(self) -> &'static str {
        match self {
            Package::Dialog => "dialog",
            Package::MessageSummary => "message-summary",
        }
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Package::Dialog => dialog_info::MEDIA_TYPE,
            Package::MessageSummary => message_summary::MEDIA_TYPE,
        }
    }
}

/// What somebody watches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    /// In which respect.
    pub package: Package,
    /// Which extension.
    pub extension: Arc<str>,
}

/// The state of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// The extension's calls, the most important first.
    Dialogs(Vec<Watched>),
    /// Its mailbox.
    Messages(Summary),
}

impl Published {
    pub(crate) fn package(&self) -> Package {
        match self {
            Published::Dialogs(_) => Package::Dialog,
            Published::Messages(_) => Package::MessageSummary,
        }
    }
}

/// Whether a topic has watchers: only then its state is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Its first subscriber waits for [`crate::Stack::publish`].
    Began(Topic),
    /// Its last one is gone.
    Ended(Topic),
}

/// A subscription of this process; 64 random bits, never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SubscriptionId(u64);

impl SubscriptionId {
    /// Our tag in its dialog. The letter keeps it apart from sessions' tags.
    pub(crate) fn tag(self) -> String {
        format!("n{:016x}", self.0)
    }

    /// The subscription of one of our tags.
    pub(crate) fn of_tag(tag: &[u8]) -> Option<SubscriptionId> {
        let digits = std::str::from_utf8(tag.strip_prefix(b"n")?).ok().filter(|digits| digits.len() == 16)?;
        u64::from_str_radix(digits, 16).ok().map(SubscriptionId)
    }
}

/// Why a subscription ends; the `reason` of Subscription-State (RFC 6665 section 4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It ran out, the phone does not want it any more, or only wanted to look once.
    Timeout,
    /// The line may not watch any more.
    Rejected,
    /// The extension is gone.
    NoResource,
    /// A newer one of the same line needs its room.
    Probation,
}

impl Reason {
    const fn text(self) -> &'static str {
        match self {
            Reason::Timeout => "timeout",
            Reason::Rejected => "rejected",
            Reason::NoResource => "noresource",
            Reason::Probation => "probation",
        }
    }

    /// Whether the last NOTIFY still says the state: who lost his right to it is told nothing more.
    const fn shows_state(self) -> bool {
        matches!(self, Reason::Timeout)
    }
}

/// Whether a NOTIFY can go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// It can, from this time on.
    From(Mono),
    /// Its timer says when.
    Paced,
    /// One is under way; the newest state follows it.
    UnderWay,
    /// Its connection closed: not before the phone is back.
    Lost,
}

/// One subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) topic: Topic,
    /// The `id` parameter of the subscriber's Event, to be repeated in each NOTIFY.
    pub(crate) event_id: Option<Box<str>>,
    pub(crate) dialog: Dialog,
    /// The dialog's own flow: requests on it are believed.
    pub(crate) flow: Flow,
    /// Who the subscriber is, proven.
    pub(crate) line: Arc<str>,
    pub(crate) nat: Nat,
    pub(crate) expires: Mono,
    /// When its one expiry timer fires; a refresh leaves the timer alone and only moves `expires`.
    pub(crate) looked_at: Mono,
    pub(crate) sending: Sending,
    /// Before this time no NOTIFY follows the last one.
    pub(crate) paced: Mono,
    /// Something is to be told that was not.
    pub(crate) due: bool,
    /// Set while the last NOTIFY waits for the first state.
    pub(crate) ending: Option<Reason>,
    /// Answers in a row that were neither an acceptance nor an end.
    pub(crate) failures: u8,
    /// Number of the next document (RFC 4235 section 4.1).
    pub(crate) version: u32,
    /// The calls last told: each is told once more when it is over.
    pub(crate) told: Vec<u128>,
}

impl Subscription {
    /// Where NOTIFY goes: back where the subscription came from, at the port that its Contact names. Another address it may
    /// name, but nobody there has asked for anything: one SUBSCRIBE is many NOTIFYs, each repeated ten times.
    pub(crate) fn destination(&self) -> Flow {
        let target = Uri::parse(self.dialog.remote_target.as_bytes());
        let named = target.ok().and_then(|uri| reached_at(&uri, self.flow, self.nat));
        named.filter(|named| named.remote.ip() == self.flow.remote.ip()).unwrap_or(self.flow)
    }
}

/// What a subscription's timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    Expiry,
    /// The pause between two NOTIFYs is over.
    Pace,
}
