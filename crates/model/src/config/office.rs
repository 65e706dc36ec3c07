//! The whole state of an office as configured: objects with their ids, secrets, and what users set themselves.
//!
//! Not here: how a file changes it (`plan`), what the machines look up (`snapshot`).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::mail::Mail;
use super::problem::Problems;
use super::read::{Reading, Schema};
use super::scalar::Role;
use super::schema::{
    AddressGroup, Console, Extension, Firewall, Listen, Logs, Network, Personal, Security, Sip, System, Tls,
    User,
};
use super::value::Value;
use crate::{Id, Secret};

/// What kind of thing an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `[system]`.
    System,
    /// `[network]`.
    Network,
    /// `[listen]`.
    Listen,
    /// `[sip]`.
    Sip,
    /// `[tls]`.
    Tls,
    /// `[console]`.
    Console,
    /// `[logs]`.
    Logs,
    /// `[mail]`.
    Mail,
    /// An entry of `[[address_groups]]`.
    AddressGroup,
    /// `[firewall]`.
    Firewall,
    /// `[security]`.
    Security,
    /// An entry of `[[users]]`.
    User,
    /// An entry of `[[extensions]]`.
    Extension,
}

/// Each kind, its stored name, its words, and its section in a file.
const KINDS: &[(Kind, &str, &str, &str)] = &[
    (Kind::System, "system", "system", "system"),
    (Kind::Network, "network", "network", "network"),
    (Kind::Listen, "listen", "listen", "listen"),
    (Kind::Sip, "sip", "sip", "sip"),
    (Kind::Tls, "tls", "tls", "tls"),
    (Kind::Console, "console", "console", "console"),
    (Kind::Logs, "logs", "logs", "logs"),
    (Kind::Mail, "mail", "mail", "mail"),
    (Kind::AddressGroup, "address-group", "address group", "address_groups"),
    (Kind::Firewall, "firewall", "firewall", "firewall"),
    (Kind::Security, "security", "security", "security"),
    (Kind::User, "user", "user", "users"),
    (Kind::Extension, "extension", "extension", "extensions"),
];

impl Kind {
    fn row(self) -> (&'static str, &'static str, &'static str) {
        let found = KINDS.iter().find(|(kind, ..)| *kind == self);
        found.map_or(("", "", ""), |(_, name, words, section)| (name, words, section))
    }

    /// The stable name, as stored: `address-group`.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// The name in a sentence: `address group`.
    pub fn words(self) -> &'static str {
        self.row().1
    }

    /// The section of a file: `address_groups`.
    pub fn section(self) -> &'static str {
        self.row().2
    }

    /// The kind with this stable name.
    pub fn parse(name: &str) -> Option<Kind> {
        KINDS.iter().find(|(_, known, ..)| *known == name).map(|(kind, ..)| *kind)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A configured thing and its id, which stays through renames.
#[derive(Debug)]
pub struct Object<T> {
    /// Its id.
    pub id: Id,
    /// What it is.
    pub value: Arc<T>,
}

impl<T> Clone for Object<T> {
    fn clone(&self) -> Object<T> {
        Object { id: self.id, value: Arc::clone(&self.value) }
    }
}

/// An object as it is stored. Singletons have an empty key and the id zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: Id,
    /// Its natural key.
    pub key: String,
    /// The record; `Serialize` and `Deserialize` make it JSON. Never holds a secret.
    pub body: Value,
}

/// SIP passwords by username.
pub type SipPasswords = HashMap<String, Secret, foldhash::fast::RandomState>;

/// Everything configured.
#[derive(Clone, Debug, Default)]
pub struct Office {
    /// Number of the last revision; 0 before the first.
    pub revision: u64,
    /// `[system]`.
    pub system: System,
    /// `[network]`.
    pub network: Network,
    /// `[listen]`.
    pub listen: Listen,
    /// `[sip]`.
    pub sip: Sip,
    /// `[tls]`.
    pub tls: Tls,
    /// `[console]`.
    pub console: Console,
    /// `[logs]`.
    pub logs: Logs,
    /// `[mail]`.
    pub mail: Mail,
    /// Password at the mail server.
    pub mail_password: Option<Secret>,
    /// `[firewall]`.
    pub firewall: Firewall,
    /// `[security]`.
    pub security: Security,
    /// Address groups by name.
    pub address_groups: BTreeMap<String, Object<AddressGroup>>,
    /// Users by login.
    pub users: BTreeMap<String, Object<User>>,
    /// Extensions by number.
    pub extensions: BTreeMap<String, Object<Extension>>,
    /// What users set themselves, by extension number; absent: nothing set.
    pub personal: BTreeMap<String, Personal>,
    /// SIP passwords by username.
    pub sip_passwords: SipPasswords,
    /// Password hashes (PHC strings) by login.
    pub password_hashes: BTreeMap<String, Secret>,
}

/// A record with a natural key.
pub(crate) trait Record: Schema + Clone + PartialEq + Default {
    /// Its kind.
    const KIND: Kind;
    /// Name of the key that identifies it.
    const KEY: &'static str;
    /// The value of that key.
    fn key(&self) -> &str;
}

macro_rules! record {
    ($type:ty, $kind:ident, $field:ident) => {
        impl Record for $type {
            const KIND: Kind = Kind::$kind;
            const KEY: &'static str = stringify!($field);
            fn key(&self) -> &str {
                &self.$field
            }
        }
    };
}
record!(AddressGroup, AddressGroup, name);
record!(User, User, login);
record!(Extension, Extension, number);

/// Stored state that can't be read: made by a newer release, or damaged.
#[derive(Debug, thiserror::Error)]
#[error("the stored configuration can't be read: {0}")]
pub struct Unreadable(pub Problems);

impl Office {
    /// Builds the state from what is stored.
    ///
    /// # Errors
    /// A row that this release can't read.
    pub fn restore(revision: u64, rows: Vec<Row>) -> Result<Office, Unreadable> {
        let mut office = Office { revision, ..Office::default() };
        let mut at = Reading::default();
        for row in rows {
            office.place(row, &mut at);
        }
        at.findings.into_result("database", "").map_err(Unreadable)?;
        Ok(office)
    }

    fn place(&mut self, row: Row, at: &mut Reading) {
        match row.kind {
            Kind::System => assign(&mut self.system, &row, at),
            Kind::Network => assign(&mut self.network, &row, at),
            Kind::Listen => assign(&mut self.listen, &row, at),
            Kind::Sip => assign(&mut self.sip, &row, at),
            Kind::Tls => assign(&mut self.tls, &row, at),
            Kind::Console => assign(&mut self.console, &row, at),
            Kind::Logs => assign(&mut self.logs, &row, at),
            Kind::Mail => assign(&mut self.mail, &row, at),
            Kind::Firewall => assign(&mut self.firewall, &row, at),
            Kind::Security => assign(&mut self.security, &row, at),
            Kind::AddressGroup => insert(&mut self.address_groups, row, at),
            Kind::User => insert(&mut self.users, row, at),
            Kind::Extension => insert(&mut self.extensions, row, at),
        }
    }

    /// Adds what an extension's user set himself, as stored.
    ///
    /// # Errors
    /// A value that this release can't read.
    pub fn restore_personal(&mut self, number: &str, body: &Value) -> Result<(), Unreadable> {
        let mut at = Reading::default();
        if let Some(personal) = Personal::read(body, &mut at) {
            self.personal.insert(number.to_owned(), personal);
        }
        at.findings.into_result("database", "").map_err(Unreadable)
    }

    /// The objects as they are stored.
    pub fn rows(&self) -> Vec<Row> {
        let single = |kind, body| Row { kind, id: Id::from_bits(0), key: String::new(), body };
        let mut rows = vec![
            single(Kind::System, self.system.write()),
            single(Kind::Network, self.network.write()),
            single(Kind::Listen, self.listen.write()),
            single(Kind::Sip, self.sip.write()),
            single(Kind::Tls, self.tls.write()),
            single(Kind::Console, self.console.write()),
            single(Kind::Logs, self.logs.write()),
            single(Kind::Mail, self.mail.write()),
            single(Kind::Firewall, self.firewall.write()),
            single(Kind::Security, self.security.write()),
        ];
        rows.extend(rows_of(&self.address_groups));
        rows.extend(rows_of(&self.users));
        rows.extend(rows_of(&self.extensions));
        rows
    }

    /// How many users have the role `full`. The last of them can't be removed (SPEC R3.3).
    pub fn administrators(&self) -> usize {
        self.users.values().filter(|user| user.value.role == Role::Full).count()
    }

    /// What the user of extension `number` set himself.
    pub fn personal_of(&self, number: &str) -> Personal {
        self.personal.get(number).cloned().unwrap_or_default()
    }
}

fn assign<T: Schema>(section: &mut T, row: &Row, at: &mut Reading) {
    if let Some(read) = T::read(&row.body, at) {
        *section = read;
    }
}

fn insert<T: Record>(map: &mut BTreeMap<String, Object<T>>, row: Row, at: &mut Reading) {
    if let Some(value) = T::read(&row.body, at) {
        map.insert(row.key, Object { id: row.id, value: Arc::new(value) });
    }
}

fn rows_of<T: Record>(map: &BTreeMap<String, Object<T>>) -> impl Iterator<Item = Row> {
    map.iter().map(|(key, object)| Row {
        kind: T::KIND,
        id: object.id,
        key: key.clone(),
        body: object.value.write(),
    })
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
