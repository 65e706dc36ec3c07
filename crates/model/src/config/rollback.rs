//! Changes that come from no file: back to an earlier revision, a new SIP password, the first administrator.
//!
//! A rollback takes back what was configured. It keeps today's secrets and what users set themselves, and touches
//! no administrator (SPEC R3.4).

use std::collections::{BTreeMap, HashMap, HashSet};

use super::draft::{Draft, Entry, Extra, LineExtra, Mode, NewPassword};
use super::office::{Object, Office, Record, Row};
use super::password::{generate, person_weakness};
use super::plan::{Options, Plan, Refusal, Supply, plan_draft};
use super::problem::Findings;
use super::scalar::Role;
use super::schema::User;
use super::value::Place;
use crate::{Id, Secret};

/// What going back to `target` (the objects of revision `number`) would do.
///
/// # Errors
/// As for a file; a revision that this release can't read.
pub fn rollback(
    current: &Office,
    target: Vec<Row>,
    number: u64,
    options: &Options,
    supply: &mut Supply,
) -> Result<Plan, Refusal> {
    let name = format!("revision {number}");
    let wanted = Office::restore(number, target).map_err(|why| Refusal::Problems(why.0))?;
    let extensions = entries(&current.extensions, &wanted.extensions);
    let numbers: HashSet<String> = wanted.extensions.keys().cloned().collect();
    let draft = Draft {
        mode: Mode::Match,
        system: Some(wanted.system.clone()),
        network: Some(wanted.network.clone()),
        listen: Some(wanted.listen.clone()),
        sip: Some(wanted.sip.clone()),
        tls: Some(wanted.tls.clone()),
        console: Some(wanted.console.clone()),
        logs: Some(wanted.logs.clone()),
        mail: Some(wanted.mail.clone()),
        mail_password: None,
        firewall: Some(wanted.firewall.clone()),
        security: Some(wanted.security.clone()),
        address_groups: Some(entries(&current.address_groups, &wanted.address_groups)),
        users: Some(users(current, &wanted, &numbers)),
        extensions: Some(extensions),
        incomplete: false,
    };
    plan_draft(current, draft, &name, options, supply)
}

/// What bringing the firewall and the address groups of `target` (the objects of revision `number`) back would do. Groups that
/// came later stay.
///
/// # Errors
/// As for a file; a revision that this release can't read.
pub fn restore_rows(
    current: &Office,
    target: Vec<Row>,
    number: u64,
    supply: &mut Supply,
) -> Result<Plan, Refusal> {
    let wanted = Office::restore(number, target).map_err(|why| Refusal::Problems(why.0))?;
    let draft = Draft {
        mode: Mode::Whole,
        firewall: Some(wanted.firewall.clone()),
        address_groups: Some(entries(&current.address_groups, &wanted.address_groups)),
        ..Draft::default()
    };
    plan_draft(current, draft, &format!("revision {number}"), &Options::default(), supply)
}

/// Entries that make today's objects those of `wanted`; the id says which is which, whatever they are called.
fn entries<T: Record>(
    current: &BTreeMap<String, Object<T>>,
    wanted: &BTreeMap<String, Object<T>>,
) -> Vec<Entry<T>> {
    let today: HashMap<Id, &String> = current.iter().map(|(key, object)| (object.id, key)).collect();
    let entry = |object: &Object<T>| Entry {
        id: Some(object.id),
        ..Entry::new((*object.value).clone(), today.get(&object.id).map(|key| (*key).clone()))
    };
    wanted.values().map(entry).collect()
}

/// Today's administrators as they are (but for extensions that will not exist), and the people of then.
fn users(current: &Office, wanted: &Office, numbers: &HashSet<String>) -> Vec<Entry<User>> {
    let (staying, _): (Vec<_>, Vec<_>) =
        current.users.iter().partition(|(_, user)| user.value.role.is_administrator());
    let taken: HashSet<String> = staying.iter().map(|(login, _)| login.to_lowercase()).collect();
    let ids: HashSet<Id> = staying.iter().map(|(_, user)| user.id).collect();
    let mut list: Vec<Entry<User>> = staying
        .into_iter()
        .map(|(login, user)| {
            let mut value = (*user.value).clone();
            value.extensions.retain(|number| numbers.contains(number));
            Entry { id: Some(user.id), ..Entry::new(value, Some(login.clone())) }
        })
        .collect();
    let people = entries(&current.users, &wanted.users).into_iter().filter(|entry| {
        let known = entry.id.is_some_and(|id| ids.contains(&id));
        !known && !taken.contains(&entry.value.login.to_lowercase())
    });
    for entry in people {
        let today = entry.from.as_ref().and_then(|login| current.users.get(login));
        match (entry.value.role, today) {
            (Role::User, _) => list.push(entry),
            // An administrator of then who is a person today stays what he is today; one who is gone stays gone.
            (_, Some(today)) => {
                let mut value = (*today.value).clone();
                value.extensions.retain(|number| numbers.contains(number));
                list.push(Entry { value, ..entry });
            }
            (_, None) => {}
        }
    }
    list
}

/// A new generated SIP password for `line` of extension `number`, or for its only line.
///
/// # Errors
/// The extension or line does not exist, or the extension has several lines and none was named.
pub fn new_password(
    current: &Office,
    number: &str,
    line: Option<&str>,
    supply: &mut Supply,
) -> Result<(Plan, String, Secret), Refusal> {
    let object =
        current.extensions.get(number).ok_or_else(|| Refusal::Unknown(format!("extension {number}")))?;
    let extension = &object.value;
    let place = match (line, extension.lines.as_slice()) {
        (Some(line), lines) => lines.iter().position(|known| known.username == line),
        (None, [_]) => Some(0),
        (None, []) => None,
        (None, lines) => {
            let names: Vec<&str> = lines.iter().map(|line| line.username.as_str()).collect();
            let what = format!("extension {number} has {} lines", lines.len());
            return Err(refused("password", "line", what, format!("name one of {}", names.join(", "))));
        }
    };
    let missing = || Refusal::Unknown(format!("line {} of extension {number}", line.unwrap_or("")));
    let place = place.ok_or_else(missing)?;
    let username = extension.lines.get(place).map(|line| line.username.clone()).ok_or_else(missing)?;
    let password = generate(&mut supply.entropy);
    let mut extra = Extra::default();
    extra.lines.resize_with(extension.lines.len(), LineExtra::default);
    if let Some(line) = extra.lines.get_mut(place) {
        line.password = Some(password.clone());
    }
    let entry = Entry { extra, ..Entry::new((**extension).clone(), Some(number.to_owned())) };
    let draft = Draft { mode: Mode::Merge, extensions: Some(vec![entry]), ..Draft::default() };
    let plan = plan_draft(current, draft, "password", &Options::default(), supply)?;
    Ok((plan, username, password))
}

/// The first administrator of a server that has none (SPEC R3.2).
///
/// # Errors
/// The password is too weak.
pub fn first_administrator(
    current: &Office,
    login: &str,
    password: Secret,
    supply: &mut Supply,
) -> Result<Plan, Refusal> {
    if let Some(why) = person_weakness(&password, login) {
        let cure = "take a longer one, for example four unrelated words";
        return Err(refused("administrator", "password", why.to_owned(), cure.to_owned()));
    }
    let known = current.users.get(login).map(|user| (*user.value).clone());
    let from = known.as_ref().map(|_| login.to_owned());
    let value = User { login: login.to_owned(), role: Role::Full, ..known.unwrap_or_default() };
    let extra = Extra { password: Some(NewPassword::Plain(password)), ..Extra::default() };
    let entry = Entry { extra, ..Entry::new(value, from) };
    let draft = Draft { mode: Mode::Merge, users: Some(vec![entry]), ..Draft::default() };
    plan_draft(current, draft, "administrator", &Options::default(), supply)
}

fn refused(source: &str, key: &str, what: String, cure: String) -> Refusal {
    let mut findings = Findings::default();
    findings.add(Place::default(), key, what, cure);
    Refusal::Problems(findings.into_problems(source, ""))
}
