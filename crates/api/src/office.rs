//! What stands behind the resources.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use model::history::HistoryQuery;
use model::live::{Call, Registration};
use model::lock::Lock;
use model::record::CallRecord;
use model::{CallId, Transport, Wall};

use crate::body::{
    Applied, Block, Certificates, Check, Destination, NewPassword, PortRow, Revision, RevisionDetail, Status,
    Unblocked,
};
use crate::drill::Removed;
use crate::live::{AttackView, Notes};
use crate::objects::{ListQuery, Page};
use crate::{Author, Caller, Problem};

/// Where the lines of a log go; each piece is whole lines.
pub type LogLines = http_body_util::channel::Sender<Bytes, Infallible>;

/// How a configuration is applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Add and change only.
    pub merge: bool,
    /// Change nothing, only say.
    pub dry_run: bool,
    /// Many deletions are meant.
    pub yes: bool,
    /// Refuse if this is not the current revision.
    pub if_revision: Option<u64>,
    /// What the file is called, for messages.
    pub file: String,
    /// Where its maker sits, unless at the machine itself.
    pub seat: Option<IpAddr>,
}

/// How an administrator blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockWish {
    /// For how long; `None`: until lifted.
    pub period: Option<Duration>,
    /// Why, for who reads the list.
    pub why: String,
    /// A very wide network is meant.
    pub yes: bool,
}

/// Which registrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistrationQuery {
    /// Text, order and page.
    pub list: ListQuery<RegistrationSort>,
    /// Reached in this way alone.
    pub transport: Option<Transport>,
}

/// What registrations are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationSort {
    /// The extension's number, shorter ones first.
    #[default]
    Extension,
    /// The line's name.
    Line,
    /// Where the phone is.
    Source,
    /// What the phone says it is.
    Phone,
    /// Since when.
    Registered,
}

/// Which lines of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The log's name.
    pub name: String,
    /// Of then or later.
    pub since: Option<Wall>,
    /// Whether to go on with lines as they are written.
    pub follow: bool,
}

/// The server, as the resources see it.
pub trait Office: Send + Sync + 'static {
    /// How the server is.
    fn status(&self) -> impl Future<Output = Result<Status, Problem>> + Send;
    /// Who is registered: a page of it.
    fn registrations(
        &self,
        query: RegistrationQuery,
    ) -> impl Future<Output = Result<Page<Registration>, Problem>> + Send;
    /// Who calls whom.
    fn calls(&self) -> impl Future<Output = Result<Vec<Call>, Problem>> + Send;
    /// Ends a call.
    fn hangup(&self, author: Author, call: CallId) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Who is refused, oldest first.
    fn blocks(&self) -> impl Future<Output = Result<Vec<Block>, Problem>> + Send;
    /// Blocks an address or a network.
    fn block(
        &self,
        author: Author,
        address: String,
        wish: BlockWish,
    ) -> impl Future<Output = Result<Block, Problem>> + Send;
    /// Lifts the blocks of an address or a network, and sets its counters to zero. `yes`: also very many.
    fn unblock(
        &self,
        author: Author,
        address: String,
        yes: bool,
    ) -> impl Future<Output = Result<Unblocked, Problem>> + Send;
    /// Locks outgoing calls (SPEC R4.11). The lock in force: this one, or the one that was there.
    fn lock(&self, author: Author, why: String) -> impl Future<Output = Result<Lock, Problem>> + Send;
    /// Lets outgoing calls out again.
    fn unlock(&self, author: Author) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Who called whom.
    fn history(&self, query: HistoryQuery) -> impl Future<Output = Result<Vec<CallRecord>, Problem>> + Send;
    /// What was configured when, oldest first.
    fn revisions(&self) -> impl Future<Output = Result<Vec<Revision>, Problem>> + Send;
    /// One of them.
    fn revision(&self, number: u64) -> impl Future<Output = Result<RevisionDetail, Problem>> + Send;
    /// Goes back to one.
    fn rollback(
        &self,
        author: Author,
        number: u64,
        options: ApplyOptions,
    ) -> impl Future<Output = Result<Applied, Problem>> + Send;
    /// The configuration as a file.
    fn export(
        &self,
        author: Author,
        with_secrets: bool,
    ) -> impl Future<Output = Result<String, Problem>> + Send;
    /// Applies a file.
    fn apply(
        &self,
        author: Author,
        text: String,
        options: ApplyOptions,
    ) -> impl Future<Output = Result<Applied, Problem>> + Send;
    /// Sets a new generated SIP password.
    fn new_password(
        &self,
        author: Author,
        extension: String,
        line: Option<String>,
        show: bool,
    ) -> impl Future<Output = Result<NewPassword, Problem>> + Send;
    /// Where a host or SIP URI leads (RFC 3263), by the server's own name servers.
    fn destination(&self, name: String) -> impl Future<Output = Result<Destination, Problem>> + Send;
    /// What listens and why.
    fn ports(&self) -> impl Future<Output = Result<Vec<PortRow>, Problem>> + Send;
    /// What weakens the installation.
    fn check(&self) -> impl Future<Output = Result<Check, Problem>> + Send;
    /// Begins the rehearsal of an attack: its ground is the first line; it lasts until the reader goes.
    fn drill(&self, author: Author, lines: LogLines) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Ends it, and answers when everything is removed.
    fn end_drill(&self) -> impl Future<Output = Result<Removed, Problem>> + Send;
    /// The certificates in force.
    fn certificates(&self) -> impl Future<Output = Result<Certificates, Problem>> + Send;
    /// The local authority's certificate, DER.
    fn authority(&self) -> impl Future<Output = Result<Bytes, Problem>> + Send;
    /// Who tried passwords since then.
    fn attacks(&self, since: Wall) -> impl Future<Output = Result<AttackView, Problem>> + Send;
    /// Starts to tell what happens; it ends when the receiver is dropped, or with a reason.
    fn events(&self, caller: &Caller, notes: Notes) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Starts to give out the lines of a log; they end when the sender is dropped.
    fn log(&self, query: LogQuery, lines: LogLines) -> impl Future<Output = Result<(), Problem>> + Send;
}
