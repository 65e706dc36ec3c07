//! The difference between two offices: as changes of objects, in words, and what would be lost for good.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::office::{Kind, Object, Office, Record};
use super::plan::Change;
use super::read::Schema;
use super::schema::{AddressGroup, Extension, Personal, User};
use super::settle::Marks;
use super::value::{Data, Value};
use crate::Id;

/// Longest value shown in a line of the difference; the rest is cut.
const MAX_SHOWN: usize = 160;

/// The objects that differ or carry a mark, in the order of sections and keys.
pub(crate) fn changes(current: &Office, after: &Office, marks: &Marks) -> Vec<Change> {
    let mut list = Vec::new();
    single(&mut list, Kind::System, &current.system, &after.system);
    single(&mut list, Kind::Network, &current.network, &after.network);
    single(&mut list, Kind::Listen, &current.listen, &after.listen);
    single(&mut list, Kind::Sip, &current.sip, &after.sip);
    single(&mut list, Kind::Tls, &current.tls, &after.tls);
    single(&mut list, Kind::Console, &current.console, &after.console);
    single(&mut list, Kind::Logs, &current.logs, &after.logs);
    marked(&mut list, Kind::Mail, &current.mail, &after.mail, marks);
    several(&mut list, &current.address_groups, &after.address_groups, marks);
    single(&mut list, Kind::Firewall, &current.firewall, &after.firewall);
    single(&mut list, Kind::Security, &current.security, &after.security);
    several(&mut list, &current.users, &after.users, marks);
    several(&mut list, &current.extensions, &after.extensions, marks);
    list
}

fn single<T: Schema + PartialEq>(list: &mut Vec<Change>, kind: Kind, before: &T, after: &T) {
    marked(list, kind, before, after, &Marks::new());
}

fn marked<T: Schema + PartialEq>(list: &mut Vec<Change>, kind: Kind, before: &T, after: &T, marks: &Marks) {
    let marks = marks.get(&(kind, String::new())).cloned().unwrap_or_default();
    if before == after && marks.is_empty() {
        return;
    }
    list.push(Change {
        kind,
        id: Id::from_bits(0),
        key: String::new(),
        was: None,
        before: Some(before.write()),
        after: Some(after.write()),
        marks,
    });
}

fn several<T: Record>(
    list: &mut Vec<Change>,
    before: &BTreeMap<String, Object<T>>,
    after: &BTreeMap<String, Object<T>>,
    marks: &Marks,
) {
    let former: HashMap<Id, (&String, &Object<T>)> =
        before.iter().map(|(key, object)| (object.id, (key, object))).collect();
    let kept: HashSet<Id> = after.values().map(|object| object.id).collect();
    for (key, object) in before.iter().filter(|(_, object)| !kept.contains(&object.id)) {
        list.push(Change {
            kind: T::KIND,
            id: object.id,
            key: key.clone(),
            was: None,
            before: Some(object.value.write()),
            after: None,
            marks: Vec::new(),
        });
    }
    for (key, object) in after {
        let old = former.get(&object.id);
        let marks = marks.get(&(T::KIND, key.clone())).cloned().unwrap_or_default();
        let same = old.is_some_and(|(old_key, old)| {
            *old_key == key && (Arc::ptr_eq(&old.value, &object.value) || old.value == object.value)
        });
        if same && marks.is_empty() {
            continue;
        }
        list.push(Change {
            kind: T::KIND,
            id: object.id,
            key: key.clone(),
            was: old.map(|(old_key, _)| (*old_key).clone()).filter(|old_key| old_key != key),
            before: old.map(|(_, old)| old.value.write()),
            after: Some(object.value.write()),
            marks,
        });
    }
}

/// A change in words, a line each.
pub(crate) fn lines(change: &Change) -> Vec<String> {
    let mut lines = Vec::new();
    match (&change.before, &change.after) {
        (None, Some(after)) => lines.push(format!("+ {change}{}", summary(after))),
        (Some(before), None) => lines.push(format!("- {change}{}", summary(before))),
        (Some(before), Some(after)) => {
            if let Some(was) = &change.was {
                lines.push(format!("~ {change}: renamed from {was}"));
            }
            for (key, old, new) in differing(change.kind, before, after) {
                lines.push(format!("~ {change}: {key} {} -> {}", inline(old), inline(new)));
            }
        }
        (None, None) => {}
    }
    lines.extend(change.marks.iter().map(|mark| format!("~ {change}: {mark}")));
    lines
}

/// The keys whose values differ. A renamed key was told already.
fn differing<'a>(
    kind: Kind,
    before: &'a Value,
    after: &'a Value,
) -> Vec<(&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let (Some(old), Some(new)) = (before.table(), after.table()) else { return Vec::new() };
    let natural = match kind {
        Kind::AddressGroup => AddressGroup::KEY,
        Kind::User => User::KEY,
        Kind::Extension => Extension::KEY,
        _ => "",
    };
    let pairs = new.0.iter().map(|entry| (entry.key.as_str(), old.find(&entry.key), Some(&entry.value)));
    pairs.filter(|(key, old, new)| old != new && *key != natural).collect()
}

fn summary(record: &Value) -> String {
    let text = |key: &str| record.find(key).and_then(Value::as_text).filter(|text| !text.is_empty());
    let mut summary = String::new();
    if let Some(words) = text("description").or(if text("login").is_some() { text("name") } else { None }) {
        summary.push_str(&format!(" \"{}\"", cut(words)));
    }
    let names: Vec<&str> = record
        .find("lines")
        .map_or(&[][..], Value::items)
        .iter()
        .filter_map(|line| line.find("username").and_then(Value::as_text))
        .collect();
    if !names.is_empty() {
        summary.push_str(&format!(", lines {}", cut(&names.join(", "))));
    }
    if let Some(members) = record.find("members") {
        summary.push_str(&format!(" {}", inline(Some(members))));
    }
    summary
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_SHOWN {
        return text.to_owned();
    }
    text.chars().take(MAX_SHOWN).chain("...".chars()).collect()
}

/// A value in one line, as in TOML.
fn inline(value: Option<&Value>) -> String {
    let Some(value) = value.filter(|value| value.data != Data::Nothing) else { return "none".to_owned() };
    cut(&super::export::inline(value))
}

/// What can't be got back by undoing the change, in words; and how many objects and lines are deleted.
pub(crate) fn losses(current: &Office, after: &Office, changes: &[Change]) -> (Vec<String>, usize) {
    let mut lost = Vec::new();
    let mut deletions: usize = 0;
    for change in changes {
        let Some(before) = &change.before else { continue };
        if change.after.is_none() {
            deletions = deletions.saturating_add(1);
        }
        match change.kind {
            Kind::Extension => {
                let gone = lines_gone(before, change.after.as_ref());
                if change.after.is_some() {
                    deletions = deletions.saturating_add(gone.len());
                }
                let still = |name: &&&str| !after.sip_passwords.contains_key(**name);
                lost.extend(gone.iter().filter(still).map(|name| format!("SIP password of line {name}")));
                let own = current.personal.get(&change.key).filter(|own| **own != Personal::default());
                if change.after.is_none() && own.is_some() {
                    lost.push(format!("forwarding and do-not-disturb setting of extension {}", change.key));
                }
            }
            Kind::User if change.after.is_none() && current.password_hashes.contains_key(&change.key) => {
                lost.push(format!("password of user {}", change.key));
            }
            _ => {}
        }
    }
    (lost, deletions)
}

fn lines_gone<'a>(before: &'a Value, after: Option<&Value>) -> Vec<&'a str> {
    fn names(record: &Value) -> impl Iterator<Item = &str> {
        let lines = record.find("lines").map_or(&[][..], Value::items);
        lines.iter().filter_map(|line| line.find("username").and_then(Value::as_text))
    }
    let kept: HashSet<&str> = after.map(|after| names(after).collect()).unwrap_or_default();
    names(before).filter(|name| !kept.contains(name)).collect()
}
