//! From a file to a draft: sections known, later or unknown; records with `was`, secrets and initial values.

use std::collections::{BTreeMap, HashSet};

use super::draft::{Draft, Entry, Extra, LineExtra, Mode, NewPassword, overlay};
use super::mail;
use super::office::{Object, Office, Record};
use super::password::{is_acceptable_hash, person_weakness, sip_weakness};
use super::problem::nearest;
use super::read::{Reading, Schema, Step, shown};
use super::schema::{AddressGroup, Extension, Forwarding, LATER, SECTIONS, User};
use super::value::{Data, Value};
use crate::Secret;

/// Address groups in an office.
pub const MAX_GROUPS: usize = 1_000;
/// Users in an office.
pub const MAX_USERS: usize = 10_000;
/// Extensions in an office: twice the largest organisation this product is for.
pub const MAX_EXTENSIONS: usize = 10_000;

/// Reads the whole file; problems are noted in `at`.
pub(crate) fn read(root: &Value, current: &Office, mode: Mode, at: &mut Reading) -> Draft {
    sections(root, at);
    let mut draft = Draft { mode, ..Draft::default() };
    draft.system = single(root, "system", &current.system, mode, at);
    draft.network = single(root, "network", &current.network, mode, at);
    draft.listen = single(root, "listen", &current.listen, mode, at);
    draft.sip = single(root, "sip", &current.sip, mode, at);
    draft.tls = single(root, "tls", &current.tls, mode, at);
    draft.console = single(root, "console", &current.console, mode, at);
    draft.logs = single(root, "logs", &current.logs, mode, at);
    draft.mail = single(root, "mail", &current.mail, mode, at);
    if let (Some(mail), Some(value)) = (&draft.mail, root.find("mail")) {
        draft.mail_password = at.inside(Step::Key("mail"), |at| {
            let password = secret(value, "password", at);
            mail::check_password(mail, password.as_ref(), value, at);
            let removed = value.find("password").is_some_and(|found| found.data == Data::Nothing);
            if removed && mode == Mode::Whole { Some(None) } else { password.map(Some) }
        });
    }
    draft.firewall = single(root, "firewall", &current.firewall, mode, at);
    draft.security = single(root, "security", &current.security, mode, at);
    let groups = Section { map: &current.address_groups, most: MAX_GROUPS, joined: None, extra: no_extra };
    draft.address_groups = groups.read(root, mode, at, &mut draft.incomplete);
    let users = Section { map: &current.users, most: MAX_USERS, joined: None, extra: user_extra };
    draft.users = users.read(root, mode, at, &mut draft.incomplete);
    let joined = Some(("lines", "username"));
    let extensions =
        Section { map: &current.extensions, most: MAX_EXTENSIONS, joined, extra: extension_extra };
    draft.extensions = extensions.read(root, mode, at, &mut draft.incomplete);
    draft
}

fn sections(root: &Value, at: &mut Reading) {
    let Some(table) = root.table() else {
        at.wrong_kind(root, "a table of sections", "[system]");
        return;
    };
    for entry in &table.0 {
        let name = entry.key.as_str();
        if SECTIONS.contains(&name) {
            continue;
        }
        if LATER.contains(&name) {
            let cure = "remove this section; a later release has it";
            at.findings.add(entry.place, name, format!("section {name} is not available yet"), cure);
            continue;
        }
        let cure = match nearest(name, SECTIONS.iter().chain(LATER).copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("known sections: {}", SECTIONS.join(", ")),
        };
        at.findings.add(entry.place, shown(name), format!("unknown section {}", shown(name)), cure);
    }
}

fn single<T: Schema>(
    root: &Value,
    name: &'static str,
    current: &T,
    mode: Mode,
    at: &mut Reading,
) -> Option<T> {
    let value = root.find(name)?;
    at.inside(Step::Key(name), |at| match mode {
        Mode::Match | Mode::Whole => T::read(value, at),
        Mode::Merge => T::read(&overlay(&current.write(), value, None), at),
    })
}

/// How the entries of one list section are read.
struct Section<'a, T> {
    map: &'a BTreeMap<String, Object<T>>,
    most: usize,
    /// The list within an entry that merging joins, and by which key.
    joined: Option<(&'static str, &'static str)>,
    extra: fn(&T, &Value, &mut Reading) -> Extra,
}

impl<T: Record> Section<'_, T> {
    fn read(
        &self,
        root: &Value,
        mode: Mode,
        at: &mut Reading,
        incomplete: &mut bool,
    ) -> Option<Vec<Entry<T>>> {
        let section = T::KIND.section();
        let value = root.find(section)?;
        at.inside(Step::Key(section), |at| {
            let Data::List(items) = &value.data else {
                at.wrong_kind(value, "a list of tables", &format!("[[{section}]]"));
                *incomplete = true;
                return None;
            };
            if items.len() > self.most {
                at.problem(value.place, format!("more than {} entries", self.most), "shorten the list");
                *incomplete = true;
                return None;
            }
            let sources = self.sources(items, at);
            let mut entries = Vec::with_capacity(items.len());
            for (index, (item, from)) in items.iter().zip(sources).enumerate() {
                let entry = at.inside(Step::Index(index), |at| self.entry(item, from, mode, at));
                match entry {
                    Some(entry) => entries.push(Entry { index: Some(index), ..entry }),
                    None => *incomplete = true,
                }
            }
            Some(entries)
        })
    }

    fn entry(&self, item: &Value, from: Option<String>, mode: Mode, at: &mut Reading) -> Option<Entry<T>> {
        let old = from.as_ref().and_then(|from| self.map.get(from));
        let merged = match (mode, old) {
            (Mode::Merge, Some(old)) => Some(overlay(&old.value.write(), item, self.joined)),
            _ => None,
        };
        let item = merged.as_ref().unwrap_or(item);
        let value = T::read(item, at)?;
        let extra = (self.extra)(&value, item, at);
        Some(Entry { extra, ..Entry::new(value, from) })
    }

    /// For each item the key under which it exists now. Twice the same key, and a rename onto something that stays,
    /// are problems.
    fn sources(&self, items: &[Value], at: &mut Reading) -> Vec<Option<String>> {
        let text = |item: &Value, key: &str| item.find(key).and_then(Value::as_text).map(str::to_owned);
        let renamed: HashSet<String> = items.iter().filter_map(|item| text(item, "was")).collect();
        let (mut keys, mut sources) = (HashSet::new(), HashSet::new());
        let mut found = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Some(key) = text(item, T::KEY) else {
                found.push(None);
                continue;
            };
            let was = text(item, "was").filter(|was| *was != key && self.map.contains_key(was));
            let taken = was.is_some() && self.map.contains_key(&key) && !renamed.contains(&key);
            at.inside(Step::Index(index), |at| {
                if !keys.insert(key.to_lowercase()) {
                    let what = format!("{} {} stands twice", T::KIND, shown(&key));
                    at.problem_at(item, T::KEY, what, "remove one of them");
                }
                if taken {
                    let what = format!("{} {} exists beside the one to be renamed", T::KIND, shown(&key));
                    at.problem_at(item, "was", what, "rename or remove one of them first");
                }
            });
            let free = !renamed.contains(&key) || was.as_ref() == Some(&key);
            let source = was.or_else(|| (self.map.contains_key(&key) && free).then_some(key));
            found.push(source.filter(|source| sources.insert(source.clone())));
        }
        found
    }
}

fn no_extra(_: &AddressGroup, value: &Value, at: &mut Reading) -> Extra {
    aside::<String>(value, "was", at);
    Extra::default()
}

/// Reads a key that is no part of the record.
fn aside<T: Schema>(value: &Value, key: &'static str, at: &mut Reading) -> Option<T> {
    let found = value.find(key).filter(|found| found.data != Data::Nothing)?;
    at.inside(Step::Key(key), |at| T::read(found, at))
}

/// Reads a secret: never shown, whatever is wrong with it. Empty text is no secret.
fn secret(value: &Value, key: &'static str, at: &mut Reading) -> Option<Secret> {
    let found = value.find(key).filter(|found| !found.is_empty())?;
    match found.as_text() {
        Some(text) => Some(Secret::new(text.to_owned())),
        None => {
            at.inside(Step::Key(key), |at| at.wrong_kind(found, "a text", "\"...\""));
            None
        }
    }
}

fn user_extra(user: &User, value: &Value, at: &mut Reading) -> Extra {
    aside::<String>(value, "was", at);
    let plain = secret(value, "password", at);
    let hash = secret(value, "password_hash", at);
    if plain.is_some() && hash.is_some() {
        at.problem_at(value, "password_hash", "given beside password", "keep one of the two");
    }
    if let Some(why) = plain.as_ref().and_then(|plain| person_weakness(plain, &user.login)) {
        at.problem_at(value, "password", why, "take a longer one, for example four unrelated words");
    }
    if hash.as_ref().is_some_and(|hash| !is_acceptable_hash(hash.expose())) {
        let cure = "write what export wrote, or use password";
        at.problem_at(value, "password_hash", "not an argon2id hash of bounded cost", cure);
    }
    let password = plain.map(NewPassword::Plain).or(hash.map(NewPassword::Hash));
    Extra { password, ..Extra::default() }
}

fn extension_extra(extension: &Extension, value: &Value, at: &mut Reading) -> Extra {
    aside::<String>(value, "was", at);
    let items = value.find("lines").map_or(&[][..], Value::items);
    let mut lines = Vec::with_capacity(items.len());
    for (index, (item, line)) in items.iter().zip(&extension.lines).enumerate() {
        let extra = at.inside(Step::Key("lines"), |at| {
            at.inside(Step::Index(index), |at| {
                let password = secret(item, "password", at);
                let weakness = |secret: &Secret| sip_weakness(secret, &line.username, &extension.number);
                if let Some(why) = password.as_ref().and_then(weakness) {
                    at.problem_at(item, "password", why, "leave the key out and a strong one is generated");
                }
                LineExtra { was: aside(item, "was", at), password }
            })
        });
        lines.push(extra);
    }
    let mut forwarding: Option<Forwarding> = aside(value, "forwarding", at);
    if let Some(forwarding) = &mut forwarding {
        // `to = ""` switches it off, whatever `after` says.
        forwarding.no_answer.take_if(|rule| rule.to.is_none());
    }
    let do_not_disturb = aside(value, "do_not_disturb", at);
    Extra { password: None, forwarding, do_not_disturb, lines }
}
