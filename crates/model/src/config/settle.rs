//! A draft held against what there is: objects keep their ids, passwords and their users' settings; new lines get
//! passwords; references follow renames. The result is a plan, not yet judged.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::address::Member;
use super::describe;
use super::draft::{Draft, Entry, Mode, NewPassword};
use super::office::{Kind, Object, Office, Record};
use super::password::generate;
use super::plan::{Effects, Plan, Supply};
use super::schema::{AddressGroup, Extension, Personal, User};
use crate::Secret;

/// Words about what changes beside an object's record, by its kind and new key.
pub(crate) type Marks = BTreeMap<(Kind, String), Vec<String>>;

/// What the parts of a settlement add to.
#[derive(Default)]
struct Aside {
    marks: Marks,
    notes: Vec<String>,
    people: Vec<(String, Option<NewPassword>)>,
}

impl Aside {
    fn mark(&mut self, kind: Kind, key: &str, words: String) {
        self.marks.entry((kind, key.to_owned())).or_default().push(words);
    }
}

/// Former keys and new ones.
type Renames = HashMap<String, String>;

pub(crate) fn settle(current: &Office, draft: Draft, supply: &mut Supply) -> Plan {
    let mut after = current.clone();
    after.revision = current.revision.saturating_add(1);
    let mut aside = Aside::default();
    let network_given = draft.network.is_some();
    let mode = draft.mode;
    put(&mut after.system, draft.system);
    put(&mut after.network, draft.network);
    put(&mut after.listen, draft.listen);
    put(&mut after.sip, draft.sip);
    put(&mut after.tls, draft.tls);
    put(&mut after.console, draft.console);
    put(&mut after.logs, draft.logs);
    put(&mut after.mail, draft.mail);
    mail_password(current, &mut after, draft.mail_password, &mut aside);
    let firewall_given = draft.firewall.is_some();
    put(&mut after.firewall, draft.firewall);
    let security_given = draft.security.is_some();
    put(&mut after.security, draft.security);
    if let Some(entries) = draft.address_groups {
        let given: BTreeSet<String> = entries.iter().map(|entry| entry.value.name.clone()).collect();
        let renames = replace(&mut after.address_groups, &entries, mode, supply);
        let mut selecting = Vec::new();
        if !network_given {
            selecting.push(&mut after.network.local);
        }
        if !firewall_given {
            selecting.extend(after.firewall.groups_mut());
        }
        if !security_given {
            selecting.push(&mut after.security.guessing.trusted);
        }
        follow(selecting, &renames);
        follow_group_renames(&mut after.address_groups, &renames, &given);
    }
    let given_users: BTreeSet<String> =
        draft.users.iter().flatten().map(|entry| entry.value.login.clone()).collect();
    if let Some(entries) = draft.users {
        replace(&mut after.users, &entries, mode, supply);
        people(current, &mut after, (&entries, mode), supply, &mut aside);
    }
    if let Some(entries) = draft.extensions {
        let renames = replace(&mut after.extensions, &entries, mode, supply);
        follow_extension_renames(&mut after.users, &renames, &given_users);
        passwords(current, &mut after, &entries, supply, &mut aside);
        personal(current, &mut after, (&entries, mode), &mut aside);
    }
    let effects = effects(current, &after, std::mem::take(&mut aside.people));
    let changes = describe::changes(current, &after, &aside.marks);
    let difference = changes.iter().flat_map(describe::lines).collect();
    let (lost, deletions) = describe::losses(current, &after, &changes);
    Plan { base: current.revision, changes, effects, difference, lost, notes: aside.notes, deletions, after }
}

/// The mail server's password is kept until another is given, nobody signs in any more, or it would be said to another server
/// or in another way than it was given for: who may change the settings is not told it by that.
fn mail_password(current: &Office, after: &mut Office, given: Option<Option<Secret>>, aside: &mut Aside) {
    let old = current.mail_password.as_ref();
    let kept = || old.filter(|_| after.mail.is_same_account(&current.mail)).cloned();
    let new = given.unwrap_or_else(kept).filter(|_| after.mail.username.is_some());
    let words = match (old, &new) {
        (Some(old), Some(new)) if old == new => None,
        (Some(_), Some(_)) => Some("password changed"),
        (None, Some(_)) => Some("password set"),
        (Some(_), None) => Some("password removed"),
        (None, None) => None,
    };
    if let Some(words) = words {
        aside.mark(Kind::Mail, "", words.to_owned());
    }
    after.mail_password = new;
}

fn put<T>(place: &mut T, wanted: Option<T>) {
    if let Some(wanted) = wanted {
        *place = wanted;
    }
}

/// Makes `map` hold `entries`, beside the others if merging. Unchanged records stay shared.
fn replace<T: Record>(
    map: &mut BTreeMap<String, Object<T>>,
    entries: &[Entry<T>],
    mode: Mode,
    supply: &mut Supply,
) -> Renames {
    let old = std::mem::take(map);
    if mode != Mode::Match {
        let sources: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.from.as_deref()).collect();
        let stays = |(key, _): &(&String, &Object<T>)| !sources.contains(key.as_str());
        map.extend(old.iter().filter(stays).map(|(key, object)| (key.clone(), object.clone())));
    }
    let mut renames = Renames::new();
    for entry in entries {
        let key = entry.value.key().to_owned();
        let former = entry.from.as_ref().and_then(|from| old.get(from));
        let id = entry.id.or(former.map(|former| former.id)).unwrap_or_else(|| supply.mint.mint(supply.wall));
        let same = former.filter(|former| *former.value == entry.value);
        let value = same.map_or_else(|| Arc::new(entry.value.clone()), |former| Arc::clone(&former.value));
        if let Some(from) = entry.from.as_ref().filter(|from| **from != key) {
            renames.insert(from.clone(), key.clone());
        }
        map.insert(key, Object { id, value });
    }
    renames
}

/// Keys that select a group select it under its new name. Those of a section that the file gives say what they mean.
fn follow(selecting: Vec<&mut Option<String>>, renames: &Renames) {
    for selected in selecting {
        if let Some(new) = selected.as_ref().and_then(|name| renames.get(name)) {
            *selected = Some(new.clone());
        }
    }
}

fn follow_group_renames(
    groups: &mut BTreeMap<String, Object<AddressGroup>>,
    renames: &Renames,
    given: &BTreeSet<String>,
) {
    for (name, group) in groups {
        let renamed = |member: &Member| matches!(member, Member::Group(name) if renames.contains_key(name));
        if given.contains(name) || !group.value.members.iter().any(renamed) {
            continue;
        }
        for member in &mut Arc::make_mut(&mut group.value).members {
            if let Member::Group(name) = member
                && let Some(new) = renames.get(name)
            {
                *name = new.clone();
            }
        }
    }
}

fn follow_extension_renames(
    users: &mut BTreeMap<String, Object<User>>,
    renames: &Renames,
    given: &BTreeSet<String>,
) {
    for (login, user) in users {
        if given.contains(login) || !user.value.extensions.iter().any(|number| renames.contains_key(number)) {
            continue;
        }
        for number in &mut Arc::make_mut(&mut user.value).extensions {
            if let Some(new) = renames.get(number) {
                *number = new.clone();
            }
        }
    }
}

/// A person's password is an initial value: taken for a new user, one without password, or if enforced.
fn people(
    current: &Office,
    after: &mut Office,
    (entries, mode): (&[Entry<User>], Mode),
    supply: &Supply,
    aside: &mut Aside,
) {
    let mut hashes = BTreeMap::new();
    for entry in entries {
        let login = &entry.value.login;
        let old = entry.from.as_ref().and_then(|from| current.password_hashes.get(from));
        let enforced = mode == Mode::Whole || entry.value.enforce.iter().any(|key| key == "password");
        let wanted = match (&entry.extra.password, old) {
            (None, _) => None,
            (Some(new), None) => Some(new),
            (Some(NewPassword::Hash(hash)), Some(old)) if hash == old => None,
            (Some(NewPassword::Plain(plain)), Some(old)) if enforced => {
                if (supply.verify)(old.expose(), plain) { None } else { entry.extra.password.as_ref() }
            }
            (Some(new), Some(_)) if enforced => Some(new),
            (Some(NewPassword::Hash(_)), Some(_)) => {
                let note = "password_hash is an initial value and was not written again (enforce = [\"password\"] does)";
                aside.notes.push(format!("user {login}: {note}"));
                None
            }
            (Some(_), Some(_)) => None,
        };
        match wanted {
            Some(new) => {
                let words = if old.is_some() { "password changed" } else { "password set" };
                aside.mark(Kind::User, login, words.to_owned());
                aside.people.push((login.clone(), Some(new.clone())));
                if let NewPassword::Hash(hash) = new {
                    hashes.insert(login.clone(), hash.clone());
                }
            }
            None => {
                if let Some(old) = old {
                    hashes.insert(login.clone(), old.clone());
                }
            }
        }
    }
    let given: BTreeSet<&str> = entries.iter().map(|entry| entry.value.login.as_str()).collect();
    for login in after.users.keys().filter(|login| !given.contains(login.as_str())) {
        if let Some(old) = current.password_hashes.get(login) {
            hashes.insert(login.clone(), old.clone());
        }
    }
    after.password_hashes = hashes;
}

/// Each line keeps its password, takes the one given, or gets a generated one.
fn passwords(
    current: &Office,
    after: &mut Office,
    entries: &[Entry<Extension>],
    supply: &mut Supply,
    aside: &mut Aside,
) {
    let given: HashMap<&str, &Entry<Extension>> =
        entries.iter().map(|entry| (entry.value.number.as_str(), entry)).collect();
    let mut made = super::office::SipPasswords::default();
    made.reserve(current.sip_passwords.len());
    for (number, extension) in &after.extensions {
        let entry = given.get(number.as_str());
        for (index, line) in extension.value.lines.iter().enumerate() {
            let name = &line.username;
            let extra = entry.and_then(|entry| entry.extra.lines.get(index));
            let was = extra.and_then(|extra| extra.was.as_ref()).unwrap_or(name);
            let old = current.sip_passwords.get(was).or_else(|| current.sip_passwords.get(name));
            let new = extra.and_then(|extra| extra.password.as_ref());
            let mut mark =
                |what: &str| aside.mark(Kind::Extension, number, format!("password of line {name} {what}"));
            let password: Secret = match (new, old) {
                (Some(new), Some(old)) if new == old => old.clone(),
                (Some(new), old) => {
                    mark(if old.is_some() { "changed" } else { "set" });
                    new.clone()
                }
                (None, Some(old)) => old.clone(),
                (None, None) => {
                    mark("generated");
                    generate(&mut supply.entropy)
                }
            };
            made.insert(name.clone(), password);
        }
    }
    after.sip_passwords = made;
}

/// What users set themselves moves with their extension; the file's values are taken for a new one or if enforced.
fn personal(
    current: &Office,
    after: &mut Office,
    (entries, mode): (&[Entry<Extension>], Mode),
    aside: &mut Aside,
) {
    let mut kept = BTreeMap::new();
    for number in after.extensions.keys() {
        if let Some(personal) = current.personal.get(number) {
            kept.insert(number.clone(), personal.clone());
        }
    }
    for entry in entries {
        let number = &entry.value.number;
        let old = entry.from.as_ref().map(|from| current.personal_of(from));
        let mut own = old.clone().unwrap_or_default();
        let named = |key: &str| entry.value.enforce.iter().any(|name| name == key);
        let enforced = |key: &str| old.is_none() || mode == Mode::Whole || named(key);
        let mut note = |key: &str| {
            let note = "is an initial value; the user's own was kept (enforce overwrites it)";
            aside.notes.push(format!("extension {number}: {key} {note}"));
        };
        match &entry.extra.forwarding {
            Some(wanted) if enforced("forwarding") => own.forwarding = wanted.clone(),
            Some(wanted) if *wanted != own.forwarding => note("forwarding"),
            _ => {}
        }
        match entry.extra.do_not_disturb {
            Some(wanted) if enforced("do_not_disturb") => own.do_not_disturb = wanted,
            Some(wanted) if wanted != own.do_not_disturb => note("do_not_disturb"),
            _ => {}
        }
        if old.is_some_and(|old| old != own) {
            aside.mark(Kind::Extension, number, "the user's own settings overwritten".to_owned());
        }
        kept.remove(number);
        if own != Personal::default() {
            kept.insert(number.clone(), own);
        }
    }
    after.personal = kept;
}

fn effects(current: &Office, after: &Office, mut people: Vec<(String, Option<NewPassword>)>) -> Effects {
    let mut effects = Effects::default();
    if current.mail_password != after.mail_password {
        effects.mail_password = Some(after.mail_password.clone());
    }
    let gone = current.sip_passwords.keys().filter(|name| !after.sip_passwords.contains_key(*name));
    effects.sip_passwords.extend(gone.map(|name| (name.clone(), None)));
    let fresh =
        after.sip_passwords.iter().filter(|(name, secret)| current.sip_passwords.get(*name) != Some(secret));
    effects.sip_passwords.extend(fresh.map(|(name, secret)| (name.clone(), Some(secret.clone()))));

    let set: BTreeSet<String> = people.iter().map(|(login, _)| login.clone()).collect();
    for login in current.password_hashes.keys().filter(|login| !after.users.contains_key(*login)) {
        effects.people.push((login.clone(), None));
    }
    for (login, hash) in after.password_hashes.iter().filter(|(login, _)| !set.contains(*login)) {
        if current.password_hashes.get(login) != Some(hash) {
            effects.people.push((login.clone(), Some(NewPassword::Hash(hash.clone()))));
        }
    }
    effects.people.append(&mut people);

    let gone = current.personal.keys().filter(|number| !after.personal.contains_key(*number));
    effects.personal.extend(gone.map(|number| (number.clone(), None)));
    let fresh = after.personal.iter().filter(|(number, own)| current.personal.get(*number) != Some(own));
    effects.personal.extend(fresh.map(|(number, own)| (number.clone(), Some(own.clone()))));
    effects
}
