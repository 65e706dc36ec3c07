//! The configuration's objects one at a time: extensions, users, address groups, sections.
//!
//! [`Registry`] is what stands behind them. Two people who edit the same object are told of each other by its tag
//! (`tag`); long lists come in pages (`page`). Not here: what an object means and what of it is wrong (`model`).

mod asker;
pub mod body;
mod page;
mod routes;
mod tag;

use std::future::Future;

use model::Secret;
use model::config::Kind;

use self::body::{AddressGroup, CertificateWish, Extension, Imported, Revealed, User, Written};
use crate::{Author, Problem};

pub use self::asker::{Asker, Seat};
pub use self::page::{Cursor, ListQuery, Order, Page};
pub(crate) use self::page::{ListWish, answer, link, word};
pub(crate) use self::routes::{resources, reveal};
pub use self::tag::{IfMatch, Tag};

/// What extensions are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtensionSort {
    /// Their numbers, shorter ones first.
    #[default]
    Number,
    /// What they are called.
    Description,
    /// How many phones are registered.
    Registered,
}

/// What is done to one object, with the JSON sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditWish {
    /// A new one.
    Create(String),
    /// The one with this natural key becomes what the JSON says.
    Replace(String, String),
    /// The one with this natural key goes.
    Delete(String),
}

/// A table of new extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableWish {
    /// CSV, with the names of its columns in the first line.
    pub table: String,
    /// Change nothing, only say.
    pub dry_run: bool,
}

/// The configuration's objects, as the resources see them.
pub trait Registry: Send + Sync + 'static {
    /// A page of extensions.
    fn extensions(
        &self,
        query: ListQuery<ExtensionSort>,
    ) -> impl Future<Output = Result<Page<Extension>, Problem>> + Send;
    /// One of them.
    fn extension(&self, number: String) -> impl Future<Output = Result<Extension, Problem>> + Send;
    /// A page of users.
    fn users(&self, query: ListQuery<()>) -> impl Future<Output = Result<Page<User>, Problem>> + Send;
    /// One of them.
    fn user(&self, login: String) -> impl Future<Output = Result<User, Problem>> + Send;
    /// A page of address groups.
    fn address_groups(
        &self,
        query: ListQuery<()>,
    ) -> impl Future<Output = Result<Page<AddressGroup>, Problem>> + Send;
    /// One of them.
    fn address_group(&self, name: String) -> impl Future<Output = Result<AddressGroup, Problem>> + Send;
    /// A section and its tag.
    fn section(&self, name: String)
    -> impl Future<Output = Result<(serde_json::Value, Tag), Problem>> + Send;
    /// Changes an object, if it still is what `expected` says.
    fn edit(
        &self,
        asker: Asker,
        kind: Kind,
        wish: EditWish,
        expected: IfMatch,
    ) -> impl Future<Output = Result<Written, Problem>> + Send;
    /// Replaces a section by the JSON sent.
    fn edit_section(
        &self,
        asker: Asker,
        name: String,
        json: String,
        expected: IfMatch,
    ) -> impl Future<Output = Result<Written, Problem>> + Send;
    /// Sets a person's password.
    fn set_password(
        &self,
        asker: Asker,
        login: String,
        password: Secret,
    ) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Puts a certificate that is brought in force.
    fn upload(
        &self,
        asker: Asker,
        wish: CertificateWish,
    ) -> impl Future<Output = Result<Written, Problem>> + Send;
    /// Makes the extensions of a table, all or none.
    fn import(
        &self,
        author: Author,
        wish: TableWish,
    ) -> impl Future<Output = Result<Imported, Problem>> + Send;
    /// Shows the stored password of a line, which is logged.
    fn reveal(
        &self,
        author: Author,
        number: String,
        line: Option<String>,
    ) -> impl Future<Output = Result<Revealed, Problem>> + Send;
}
