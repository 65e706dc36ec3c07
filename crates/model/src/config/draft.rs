//! What somebody wants: the sections that are to match, before they are held against what there is.

use super::mail::Mail;
use super::schema::{
    AddressGroup, Console, Extension, Firewall, Forwarding, Listen, Logs, Network, Security, Sip, System,
    Tls, User,
};
use super::value::Value;
use crate::{Id, Secret};

/// Whether absent entries are removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A section that is there is made to match; the others are left alone.
    #[default]
    Match,
    /// Entries and keys are added and changed, nothing is removed.
    Merge,
    /// What is given becomes as it is given, also what its user set himself; what is not named stays.
    Whole,
}

/// The wanted sections; `None`: left as it is.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) mode: Mode,
    pub(crate) system: Option<System>,
    pub(crate) network: Option<Network>,
    pub(crate) listen: Option<Listen>,
    pub(crate) sip: Option<Sip>,
    pub(crate) tls: Option<Tls>,
    pub(crate) console: Option<Console>,
    pub(crate) logs: Option<Logs>,
    pub(crate) mail: Option<Mail>,
    pub(crate) mail_password: Option<Option<Secret>>,
    pub(crate) firewall: Option<Firewall>,
    pub(crate) security: Option<Security>,
    pub(crate) address_groups: Option<Vec<Entry<AddressGroup>>>,
    pub(crate) users: Option<Vec<Entry<User>>>,
    pub(crate) extensions: Option<Vec<Entry<Extension>>>,
    /// An entry could not be read: references to what may stand in it are not judged.
    pub(crate) incomplete: bool,
}

/// A wanted entry.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) value: T,
    /// Its natural key at present, if it exists under another or this one.
    pub(crate) from: Option<String>,
    /// The id it must get; `None`: keeps its own or gets a new one.
    pub(crate) id: Option<Id>,
    /// Its place in the file's list.
    pub(crate) index: Option<usize>,
    pub(crate) extra: Extra,
}

/// Keys of an entry that are no part of its record.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    /// A person's password.
    pub(crate) password: Option<NewPassword>,
    /// Initial or enforced settings of the extension's user.
    pub(crate) forwarding: Option<Forwarding>,
    pub(crate) do_not_disturb: Option<bool>,
    /// One for each line.
    pub(crate) lines: Vec<LineExtra>,
}

/// Keys of a line that are no part of its record.
#[derive(Debug, Default)]
pub(crate) struct LineExtra {
    pub(crate) was: Option<String>,
    pub(crate) password: Option<Secret>,
}

/// A person's new password.
#[derive(Clone, Debug)]
pub enum NewPassword {
    /// In clear, to be hashed before it is stored.
    Plain(Secret),
    /// An argon2id PHC string.
    Hash(Secret),
}

impl<T> Entry<T> {
    pub(crate) fn new(value: T, from: Option<String>) -> Entry<T> {
        Entry { value, from, id: None, index: None, extra: Extra::default() }
    }
}

/// `over` laid upon `base`: its keys win, lists of records are joined by `key`. Places of `over` are kept.
pub(crate) fn overlay(base: &Value, over: &Value, joined: Option<(&str, &str)>) -> Value {
    let (Some(_), Some(upper)) = (base.table(), over.table()) else {
        return over.clone();
    };
    let mut result = base.clone();
    result.place = over.place;
    let super::value::Data::Table(table) = &mut result.data else {
        return over.clone();
    };
    for entry in &upper.0 {
        let value = match (table.find(&entry.key), joined) {
            (Some(old), Some((list, key))) if list == entry.key => join(old, &entry.value, key),
            _ => entry.value.clone(),
        };
        table.set(&entry.key, value);
        if let Some(set) = table.0.iter_mut().find(|set| set.key == entry.key) {
            set.place = entry.place;
        }
    }
    result
}

fn join(base: &Value, over: &Value, key: &str) -> Value {
    if !matches!(over.data, super::value::Data::List(_)) {
        return over.clone();
    }
    let name = |item: &Value, key: &str| item.find(key).and_then(Value::as_text).map(str::to_owned);
    let mut rest: Vec<&Value> = over.items().iter().collect();
    let mut list = Vec::new();
    for old in base.items() {
        let own = name(old, key);
        let found =
            rest.iter().position(|new| own.is_some() && (name(new, "was") == own || name(new, key) == own));
        match found {
            Some(place) => list.push(overlay(old, rest.remove(place), None)),
            None => list.push(old.clone()),
        }
    }
    list.extend(rest.into_iter().cloned());
    let mut joined = Value::list(list);
    joined.place = over.place;
    joined
}
