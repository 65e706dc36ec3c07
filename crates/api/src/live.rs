//! What happens, as it happens: server-sent events (WHATWG HTML, section 9.2), and who tried passwords lately.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use model::Wall;
use model::live::Call;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

/// Between two comments on a silent stream, so that proxies and we notice that somebody is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Notes that wait for a slow browser; then its stream ends, and it asks anew.
pub const WAITING: usize = 16;

/// Where the notes for one listener go.
pub type Notes = mpsc::Sender<Arc<Note>>;

/// Something that a page shows has changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// `GET status`, as it is now.
    Status(serde_json::Value),
    /// `GET calls`, as it is now.
    Calls(Vec<Call>),
    /// Resources to be asked for again.
    Changed(Changed),
    /// The stream ends, and why.
    Bye(String),
}

/// Resources that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// Which.
    pub resources: Vec<Resource>,
}

/// A resource that pages show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// `GET registrations`.
    Registrations,
    /// `GET calls`.
    Calls,
    /// `GET history`.
    History,
    /// `GET blocks`.
    Blocks,
    /// `GET attacks`.
    Attacks,
    /// The lock on outgoing calls, in `GET status`.
    Lock,
    /// `GET revisions`, and all that is configured.
    Revisions,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Resource; 7] = [
        Resource::Registrations,
        Resource::Calls,
        Resource::History,
        Resource::Blocks,
        Resource::Attacks,
        Resource::Lock,
        Resource::Revisions,
    ];

    /// A bit of its own.
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// The answer to `GET attacks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttackView {
    /// What happened, in a sentence.
    pub sentence: String,
    /// Accounts that were tried in vain, the one tried most often first.
    pub accounts: Vec<TriedAccount>,
    /// Addresses that gave wrong passwords, the one that tried most often first.
    pub addresses: Vec<Attacker>,
    /// Minutes in which something happened, in their order.
    pub timeline: Vec<Minute>,
}

/// An account that was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TriedAccount {
    /// Its name, as it came.
    pub account: String,
    /// The extension whose line it is; `None`: there is no such account.
    #[schema(required)]
    pub extension: Option<String>,
    /// Whether it exists.
    pub exists: bool,
    /// Wrong passwords.
    pub failures: u64,
    /// Addresses that they came from; from 32 on there may be more.
    pub addresses: usize,
    /// The first one remembered.
    pub first: Wall,
    /// The last one.
    pub last: Wall,
    /// Whether it is refused at an address.
    pub blocked: bool,
    /// Whether it is tried from so many addresses that no single one may stand out.
    pub spread: bool,
}

/// An address that gave wrong passwords.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attacker {
    /// The address, or the first one of an IPv6 /64.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// Wrong passwords.
    pub failures: u64,
    /// Accounts that it tried, as they came; from 32 on there may be more.
    pub accounts: Vec<String>,
    /// Services that it tried.
    pub services: Vec<String>,
    /// The first failure remembered.
    pub first: Wall,
    /// The last one.
    pub last: Wall,
    /// Whether it is blocked now.
    pub blocked: bool,
    /// When the block that refuses it ends; `None`: it is not blocked, or until the block is lifted.
    pub blocked_until: Option<Wall>,
    /// What is blocked: the address itself, or the network around it; the name under which `DELETE /blocks` lifts it.
    pub blocked_as: Option<String>,
    /// The account that somebody then signed in to from there.
    #[schema(required)]
    pub entered: Option<String>,
}

/// What happened within a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Minute {
    /// Its beginning.
    pub time: Wall,
    /// Wrong passwords.
    pub failures: u64,
    /// Blocks that the guard made.
    pub blocks: u64,
}

/// A stream of what `receiver` is told, until it ends.
pub(crate) fn stream(receiver: mpsc::Receiver<Arc<Note>>) -> Response {
    let notes = ReceiverStream::new(receiver).map(|note| Ok::<_, Infallible>(shown(&note)));
    Sse::new(notes).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

fn shown(note: &Note) -> Event {
    let (name, data) = match note {
        Note::Status(status) => ("status", serde_json::to_string(status)),
        Note::Calls(calls) => ("calls", serde_json::to_string(calls)),
        Note::Changed(changed) => ("changed", serde_json::to_string(changed)),
        Note::Bye(why) => ("bye", serde_json::to_string(&serde_json::json!({ "why": why }))),
    };
    // Texts and numbers always serialise; JSON has no line ends of its own, which would end an event.
    Event::default().event(name).data(data.unwrap_or_default())
}
