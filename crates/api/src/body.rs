//! What goes over the wire beside `model`'s own records: names and meanings are the command line's contract.

use std::net::IpAddr;

use model::live::{Held, Listener};
use model::lock::Lock;
use model::{Transport, Wall};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The release.
    pub version: String,
    /// This node's number.
    pub node: u16,
    /// When the server started.
    pub started: Wall,
    /// For how long it runs.
    pub uptime_s: f64,
    /// The configuration's revision in force.
    pub revision: u64,
    /// Registered contacts.
    pub registrations: usize,
    /// Calls of now.
    pub calls: usize,
    /// The lock on outgoing calls, while it is on.
    #[schema(required)]
    pub lock: Option<Lock>,
    /// What is held.
    pub held: Held,
    /// Whether stored data is encrypted: `off`, `converting`, `on`, `locked`, `reverting`.
    pub vault: String,
    /// `on`, `off`, or `unavailable: WHY`.
    pub kernel_offload: String,
    /// Addresses and accounts blocked.
    pub blocks: usize,
    /// What listens.
    pub listeners: Vec<Listener>,
    /// Messages and packets that were dropped since the start, by reason.
    pub dropped: Dropped,
    /// What does not work at the moment.
    pub troubles: Vec<Trouble>,
    /// What was not served since the start because there was too much of it, by cause.
    pub shed: Shed,
}

/// Something that does not work at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trouble {
    /// The part: `call records`, `registrations`, `blocks`, `logs`, `file handles`, `host name NAME`.
    pub part: String,
    /// Since when, where that is known.
    #[schema(required)]
    pub since: Option<Wall>,
    /// What the system says.
    pub why: String,
    /// What to do.
    pub cure: String,
}

/// What was dropped since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dropped {
    /// Refused by the gate.
    pub denied: u64,
    /// No SIP.
    pub malformed: u64,
    /// Messages that were more than could be served; `shed` of the status says which.
    pub shed: u64,
    /// SIP messages that could not be sent.
    pub unsent: u64,
    /// Packets of calls that could not be sent.
    pub media_unsent: u64,
    /// Call records and registrations that could not wait for the disk any more.
    pub unstored: u64,
    /// Log lines.
    pub log_lines: u64,
}

/// What was not served since the start because there was too much of it: first messages, then connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shed {
    /// Messages of calls in progress.
    pub in_progress: u64,
    /// Requests with credentials.
    pub credentialed: u64,
    /// New requests of addresses where somebody has signed in.
    pub familiar: u64,
    /// New requests of strangers.
    pub unknown: u64,
    /// New requests of either that had waited too long.
    pub late: u64,
    /// New requests of either that were dropped unread.
    pub unread: u64,
    /// Connections beyond a limit.
    pub connections: u64,
    /// Connections closed because their peer left a handshake or message unfinished, was idle, or did not sign in.
    pub idlers: u64,
    /// Connections closed because their peer did not take what was sent.
    pub slow: u64,
}

/// A row of `GET blocks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// The address or prefix.
    pub address: String,
    /// What is refused of it.
    pub scope: BlockScope,
    /// The services that were tried, with commas.
    pub service: String,
    /// Accounts tried, the first ones; as they came.
    pub accounts: Vec<String>,
    /// How many accounts were tried.
    pub accounts_tried: u32,
    /// What the clients said they are; as it came.
    pub user_agents: Vec<String>,
    /// Wrong passwords.
    pub failures: u32,
    /// The first one, or when it was blocked by hand.
    #[schema(required)]
    pub first: Option<Wall>,
    /// The last one.
    #[schema(required)]
    pub last: Option<Wall>,
    /// Its end; `None`: until lifted.
    #[schema(required)]
    pub until: Option<Wall>,
    /// `guard`, or who made it.
    pub by: String,
    /// What was tried, whether it got anywhere, what to do.
    pub evidence: String,
    /// In the answer to `PUT blocks/{address}`: whom it shuts out that may not be meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a block refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BlockScope {
    /// Everything from the address.
    Address,
    /// One account from there.
    Account,
}

/// The answer to `DELETE blocks/{address}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unblocked {
    /// How many blocks were lifted.
    pub lifted: usize,
}

/// The answer to `PUT configuration`, a rollback, and a dry run of either.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// The revision in force afterwards.
    pub revision: u64,
    /// Whether anything changed; after a dry run, whether anything would.
    pub changed: bool,
    /// The difference, a line each, beginning with `+`, `-` or `~`.
    pub difference: Vec<String>,
    /// What is lost for good.
    pub lost: Vec<String>,
    /// What the file says but nothing is done about, and why.
    pub notes: Vec<String>,
}

/// A row of `GET revisions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// Its number, from 1.
    pub number: u64,
    /// When it took effect.
    pub time: Wall,
    /// Who made it.
    pub author: String,
    /// How many objects it changed.
    pub changes: u64,
    /// The first line of its difference.
    pub summary: String,
}

/// `GET revisions/{n}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RevisionDetail {
    /// Its number, from 1.
    pub number: u64,
    /// When it took effect.
    pub time: Wall,
    /// Who made it.
    pub author: String,
    /// What it changed, a line each.
    pub difference: Vec<String>,
    /// The objects that changed, each with `before` and `after`.
    pub changes: Vec<serde_json::Value>,
}

/// `POST extensions/{number}/password`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewPassword {
    /// The line.
    pub line: String,
    /// The password, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The revision that changed it.
    pub revision: u64,
}

/// A row of `GET ports` (SPEC section 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PortRow {
    /// The requirement's number: `2.1`.
    pub r: String,
    /// The service in words.
    pub service: String,
    /// How it travels.
    pub transport: Transport,
    /// Who reaches it by the firewall's row, as prefixes; `None`: whoever is not blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Vec<String>>,
    /// Our address; `None`: all, or as calls need.
    #[schema(value_type = Option<String>, required)]
    pub address: Option<IpAddr>,
    /// Lowest port.
    pub first: u16,
    /// Highest port; the same for a single one.
    pub last: u16,
    /// What the outer firewall does with it outwards.
    pub outbound: String,
    /// What the outer firewall does with it inwards.
    pub inbound: String,
    /// Why it is there.
    pub reason: String,
    /// `listening`, `failed: WHY`, or `bound as calls need it`.
    pub state: String,
}

/// Body of `GET check` (SPEC R4.19).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// 100: nothing found.
    pub score: u32,
    /// What was found, the heaviest first.
    pub findings: Vec<Finding>,
}

/// Something that weakens the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Stable name, for scripts: `sip.open`.
    pub id: String,
    /// How much it matters.
    pub weight: Weight,
    /// What is the matter.
    pub what: String,
    /// What to do.
    pub cure: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Worth doing at leisure.
    Low,
    /// To be done.
    Medium,
    /// To be done today.
    High,
}

/// Body of `GET certificates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificates {
    /// The local authority, which phones are told to trust.
    pub authority: Authority,
    /// Whether the certificates that are shown are the local authority's; else they are those of `[tls]`.
    pub local: bool,
    /// The certificates that are shown to who connects, the preferred one first.
    pub shown: Vec<Certificate>,
}

/// A certificate authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Authority {
    /// Its certificate in PEM form.
    pub certificate: String,
    /// SHA-256 of the certificate, as phones show it: `AB:CD:...`.
    pub fingerprint_sha256: String,
    /// What it calls itself.
    pub subject: String,
    /// Until when it is good.
    pub expires: Wall,
}

/// A certificate that is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// Whom it was issued to.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Until when it is good.
    pub expires: Wall,
    /// Names and addresses that it covers.
    pub covers: Vec<String>,
}

/// `GET destinations/{name}`: where a host or SIP URI leads (RFC 3263).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Destination {
    /// As it was asked for.
    pub destination: String,
    /// Where requests would be sent, in this order; empty: nowhere.
    pub candidates: Vec<Candidate>,
    /// The lookups that led there, in their order.
    pub lookups: Vec<Lookup>,
}

/// An address to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// How.
    pub transport: Transport,
    /// Where.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
}

/// A question to the name servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lookup {
    /// `NAPTR`, `SRV` or `A/AAAA`.
    pub record: String,
    /// Of which name.
    pub name: String,
    /// The records, as text.
    pub found: Vec<String>,
    /// Why there was no answer at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// When.
    pub time: String,
    /// `debug`, `info`, `warning` or `error`.
    pub level: String,
    /// The event's name.
    pub event: String,
    /// The rest: title and fields.
    pub text: String,
}

impl LogLine {
    /// Takes a line of a log file apart.
    pub fn parse(line: &str) -> LogLine {
        let mut words = line.trim_end().splitn(4, ' ');
        let mut word = || words.next().unwrap_or("").to_owned();
        LogLine { time: word(), level: word(), event: word(), text: word() }
    }
}
