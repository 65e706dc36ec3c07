//! One object at a time, as forms and scripts change it: create, replace whole, delete; or one section.
//!
//! The JSON of one object is read as if it stood alone in a file, so that every rule of a file holds for it and every
//! change is a plan. Problems name the key below the object: `lines.0.username`. Not here: what a form may not do to
//! another's work (`ETag`s, `api`), who may do it.

use super::address::Member;
use super::draft::{Draft, Entry, Mode};
use super::groups;
use super::office::{Kind, Object, Office, Record};
use super::plan::{self, Options, Plan, Refusal, Source, Supply, plan_draft};
use super::problem::{Findings, Problems};
use super::read::Schema;
use super::schema::{AddressGroup, Extension, User};
use super::value::{Data, Place, Table, Value};
use crate::Secret;

/// Largest JSON of one object: a group of 20,000 networks with room.
pub const MAX_OBJECT: usize = 2 * 1_024 * 1_024;
/// Reasons named why an object can't be deleted.
const MAX_REASONS: usize = 10;

/// Sections that are replaced as one, by the name that the API gives them.
pub const SETTINGS: &[&str] =
    &["system", "network", "listen", "sip", "tls", "logs", "mail", "firewall", "guessing"];

/// What is done to one object.
#[derive(Clone, Copy, Debug)]
pub enum Edit<'a> {
    /// A new one, from JSON.
    Create(&'a str),
    /// The one with this natural key becomes what the JSON says, its natural key with it.
    Replace(&'a str, &'a str),
    /// The one with this natural key goes.
    Delete(&'a str),
}

/// A plan and what only its maker is told.
#[derive(Clone, Debug)]
pub struct Edited {
    /// The plan.
    pub plan: Plan,
    /// The natural key afterwards; of a deleted object the one it had.
    pub key: String,
    /// SIP passwords that were made, by line.
    pub generated: Vec<(String, Secret)>,
}

/// What `edit` of an object of `kind` (a user, an extension, an address group) would do.
///
/// # Errors
/// As for a file. An object of that key exists already, does not exist, or is needed by others.
pub fn edit(current: &Office, kind: Kind, edit: Edit<'_>, supply: &mut Supply) -> Result<Edited, Refusal> {
    match kind {
        Kind::AddressGroup => of_list(current, &current.address_groups, edit, supply),
        Kind::User => of_list(current, &current.users, edit, supply),
        Kind::Extension => of_list(current, &current.extensions, edit, supply),
        _ => Err(Refusal::Unknown(format!("a list of {kind}"))),
    }
}

/// What replacing `section` (one of [`SETTINGS`]) by `json` would do. A mail password that is not given stays, `null`
/// removes it.
///
/// # Errors
/// As for a file. There is no such section.
pub fn edit_section(
    current: &Office,
    section: &str,
    json: &str,
    supply: &mut Supply,
) -> Result<Plan, Refusal> {
    let Some(section) = SETTINGS.iter().find(|known| **known == section) else {
        return Err(Refusal::Unknown(format!("section {section}")));
    };
    let name = format!("section {section}");
    let mut object = read(&name, json)?;
    for key in ["etag", "password_set"] {
        remove(&mut object, key);
    }
    let (root, prefix) = match *section {
        "guessing" => (within("security", within("guessing", object)), "security.guessing".to_owned()),
        section => (within(section, object), section.to_owned()),
    };
    let options = Options { mode: Mode::Whole, ..Options::default() };
    plan::plan_value(current, &root, (&name, json), &options, supply).map_err(|why| below(why, &prefix, ""))
}

/// A person's new password, whoever had set the old one.
///
/// # Errors
/// There is no such user, or the password is too weak.
pub fn set_password(
    current: &Office,
    login: &str,
    password: &Secret,
    supply: &mut Supply,
) -> Result<Plan, Refusal> {
    let user = known(&current.users, login)?;
    let mut object = user.value.write();
    set(&mut object, "password", Value::text(password.expose()));
    let options = Options { mode: Mode::Whole, ..Options::default() };
    let name = format!("user {login}");
    plan::plan_value(current, &listed::<User>(object), (&name, ""), &options, supply)
        .map_err(|why| below(why, "users[0]", User::KEY))
}

/// What is edited of an object: its record and what its user set, as [`edit`] takes it. Never holds a secret.
pub fn content(current: &Office, kind: Kind, key: &str) -> Option<Value> {
    let mut object = match kind {
        Kind::AddressGroup => current.address_groups.get(key)?.value.write(),
        Kind::User => current.users.get(key)?.value.write(),
        Kind::Extension => {
            let mut object = current.extensions.get(key)?.value.write();
            let own = current.personal_of(key);
            set(&mut object, "forwarding", own.forwarding.write());
            set(&mut object, "do_not_disturb", own.do_not_disturb.write());
            object
        }
        _ => return None,
    };
    // Says what a file overwrites, which is no business of a form; it is kept.
    remove(&mut object, "enforce");
    Some(object)
}

/// A section as [`edit_section`] takes it. The mail server's password is only said to be there.
pub fn section_content(current: &Office, section: &str) -> Option<Value> {
    Some(match section {
        "system" => current.system.write(),
        "network" => current.network.write(),
        "listen" => current.listen.write(),
        "sip" => current.sip.write(),
        "tls" => current.tls.write(),
        "logs" => current.logs.write(),
        "mail" => {
            let mut mail = current.mail.write();
            set(&mut mail, "password_set", current.mail_password.is_some().write());
            mail
        }
        "firewall" => current.firewall.write(),
        "guessing" => current.security.guessing.write(),
        _ => return None,
    })
}

/// What needs address group `name`: keys like `firewall.sip`, and groups that hold it.
pub fn used_by(office: &Office, name: &str) -> Vec<String> {
    let keys = groups::selections(office)
        .into_iter()
        .filter(|selection| selection.group == name)
        .map(|selection| format!("{}.{}", selection.kind.section(), selection.key));
    let holds = |group: &Object<AddressGroup>| {
        group.value.members.iter().any(|member| matches!(member, Member::Group(other) if other == name))
    };
    let groups = office.address_groups.iter().filter(|(_, group)| holds(group));
    keys.chain(groups.map(|(holder, _)| format!("address group {holder}"))).collect()
}

/// A record that is edited alone.
trait Editable: Record {
    /// Keys that a GET shows and a write ignores.
    const SHOWN: &'static [&'static str];
    /// Keys that have a resource of their own.
    const ELSEWHERE: &'static [&'static str];
    /// Why the object named can't go, if others need it.
    fn needed(_: &Office, _: &str) -> Option<String> {
        None
    }
    /// Puts the objects that stay into a draft, and whatever goes with the one named.
    fn without(current: &Office, key: &str) -> Draft;
}

impl Editable for AddressGroup {
    const SHOWN: &'static [&'static str] = &["used_by", "addresses", "unresolved", "etag"];
    const ELSEWHERE: &'static [&'static str] = &[];

    fn needed(current: &Office, key: &str) -> Option<String> {
        let users = used_by(current, key);
        let named: Vec<&str> = users.iter().take(MAX_REASONS).map(String::as_str).collect();
        let more = if users.len() > MAX_REASONS { " and others" } else { "" };
        (!users.is_empty()).then(|| {
            format!(
                "address group {key} is in use by {}{more}; choose another group there first",
                named.join(", ")
            )
        })
    }

    fn without(current: &Office, key: &str) -> Draft {
        Draft { address_groups: Some(others(&current.address_groups, key)), ..Draft::default() }
    }
}

impl Editable for User {
    const SHOWN: &'static [&'static str] = &["second_factor", "etag"];
    const ELSEWHERE: &'static [&'static str] = &["password", "password_hash"];

    fn without(current: &Office, key: &str) -> Draft {
        Draft { users: Some(others(&current.users, key)), ..Draft::default() }
    }
}

impl Editable for Extension {
    const SHOWN: &'static [&'static str] = &["registered", "users", "etag"];
    const ELSEWHERE: &'static [&'static str] = &[];

    /// People keep their login and lose the number.
    fn without(current: &Office, key: &str) -> Draft {
        let mut users = others(&current.users, "");
        for user in &mut users {
            user.value.extensions.retain(|number| number != key);
        }
        let extensions = others(&current.extensions, key);
        Draft { users: Some(users), extensions: Some(extensions), ..Draft::default() }
    }
}

type Map<T> = std::collections::BTreeMap<String, Object<T>>;

fn others<T: Editable>(map: &Map<T>, key: &str) -> Vec<Entry<T>> {
    let staying = map.iter().filter(|(own, _)| *own != key);
    staying
        .map(|(own, object)| Entry {
            id: Some(object.id),
            ..Entry::new((*object.value).clone(), Some(own.clone()))
        })
        .collect()
}

fn known<'a, T: Editable>(map: &'a Map<T>, key: &str) -> Result<&'a Object<T>, Refusal> {
    map.get(key).ok_or_else(|| Refusal::Unknown(format!("{} {}", T::KIND, super::read::shown(key))))
}

fn of_list<T: Editable>(
    current: &Office,
    map: &Map<T>,
    edit: Edit<'_>,
    supply: &mut Supply,
) -> Result<Edited, Refusal> {
    let kind = T::KIND;
    let (old, json) = match edit {
        Edit::Create(json) => (None, json),
        Edit::Replace(key, json) => (Some((key, known(map, key)?)), json),
        Edit::Delete(key) => return delete::<T>(current, map, key, supply),
    };
    let name = old.map_or_else(|| format!("new {kind}"), |(key, _)| format!("{kind} {key}"));
    let mut object = read(&name, json)?;
    clean::<T>(&mut object);
    let key = object.find(T::KEY).and_then(Value::as_text).unwrap_or_default().to_owned();
    match old {
        None if map.contains_key(&key) => return Err(Refusal::Exists(format!("{kind} {key}"))),
        // A hash is for moving people from one server to another; a form has the password.
        None => elsewhere(&name, &object, T::ELSEWHERE.get(1..).unwrap_or_default())?,
        Some((old_key, old)) => {
            elsewhere(&name, &object, T::ELSEWHERE)?;
            keep_enforce(&mut object, &*old.value);
            if old_key != key {
                if map.contains_key(&key) {
                    return Err(Refusal::Exists(format!("{kind} {key}")));
                }
                set(&mut object, "was", Value::text(old_key));
            }
        }
    }
    let unnamed = lines_without_password(&object);
    let options = Options { mode: Mode::Whole, ..Options::default() };
    let planned = plan::plan_value(current, &listed::<T>(object), (&name, json), &options, supply);
    let plan = planned.map_err(|why| below(why, &format!("{}[0]", kind.section()), T::KEY))?;
    let made = plan.effects.sip_passwords.iter().filter(|(line, _)| unnamed.contains(line));
    let generated = made.filter_map(|(line, made)| Some((line.clone(), made.clone()?))).collect();
    Ok(Edited { plan, key, generated })
}

fn delete<T: Editable>(
    current: &Office,
    map: &Map<T>,
    key: &str,
    supply: &mut Supply,
) -> Result<Edited, Refusal> {
    known(map, key)?;
    if let Some(why) = T::needed(current, key) {
        return Err(Refusal::InUse(why));
    }
    let draft = T::without(current, key);
    let plan = plan_draft(current, draft, &format!("{} {key}", T::KIND), &Options::default(), supply)?;
    Ok(Edited { plan, key: key.to_owned(), generated: Vec::new() })
}

fn clean<T: Editable>(object: &mut Value) {
    for key in T::SHOWN.iter().chain(&["was"]) {
        remove(object, key);
    }
    let Data::Table(table) = &mut object.data else { return };
    let lines = table.0.iter_mut().filter(|entry| entry.key == "lines");
    for line in lines.filter_map(|entry| match &mut entry.value.data {
        Data::List(items) => Some(items),
        _ => None,
    }) {
        line.iter_mut().for_each(|line| remove(line, "registered"));
    }
}

/// Refuses keys that have a resource of their own.
fn elsewhere(name: &str, object: &Value, keys: &[&'static str]) -> Result<(), Refusal> {
    let mut findings = Findings::default();
    for key in keys.iter().filter(|key| object.find(key).is_some_and(|value| !value.is_empty())) {
        let what = "is not set here";
        findings.add(
            Place::default(),
            *key,
            what,
            "leave the key out, and set the person's password by itself",
        );
    }
    findings.into_result(name, "").map_err(Refusal::Problems)
}

fn keep_enforce<T: Record>(object: &mut Value, old: &T) {
    if object.find("enforce").is_none()
        && let Some(enforce) = old.write().find("enforce")
    {
        set(object, "enforce", enforce.clone());
    }
}

fn lines_without_password(object: &Value) -> Vec<String> {
    let lines = object.find("lines").map_or(&[][..], Value::items);
    let given = |line: &&Value| line.find("password").is_some_and(|password| !password.is_empty());
    let unnamed = lines.iter().filter(|line| !given(line));
    unnamed.filter_map(|line| line.find("username")?.as_text().map(str::to_owned)).collect()
}

/// The JSON of one object.
fn read(name: &str, json: &str) -> Result<Value, Refusal> {
    let refuse = |what: String, cure: &str| {
        let mut findings = Findings::default();
        findings.add(Place::default(), "", what, cure);
        Refusal::Problems(findings.into_problems(name, ""))
    };
    if json.len() > MAX_OBJECT {
        return Err(refuse(format!("larger than {MAX_OBJECT} bytes"), "send less"));
    }
    let value = plan::parse(Source::Json(name, json)).map_err(Refusal::Problems)?;
    match value.data {
        Data::Table(_) => Ok(value),
        _ => Err(refuse("not an object".to_owned(), "send a JSON object: {\"key\": value}")),
    }
}

fn within(key: &str, value: Value) -> Value {
    let mut table = Table::default();
    table.push(key, value);
    Value::new(Data::Table(table))
}

fn listed<T: Record>(object: Value) -> Value {
    within(T::KIND.section(), Value::list([object]))
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Data::Table(table) = &mut object.data {
        table.set(key, value);
    }
}

fn remove(object: &mut Value, key: &str) {
    if let Data::Table(table) = &mut object.data {
        table.0.retain(|entry| entry.key != key);
    }
}

/// The refusal of a plan that came from [`edit_section`], with paths as that gives them.
pub fn below_section(why: Refusal, section: &str) -> Refusal {
    below(why, section, "")
}

/// The refusal with paths below the object, as a form names its fields.
fn below(why: Refusal, prefix: &str, natural: &str) -> Refusal {
    let Refusal::Problems(Problems { source_name, list, omitted }) = why else { return why };
    let path = |key: &str| {
        let inner = key.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        let inner = inner.map_or(key, |rest| rest.trim_start_matches('.'));
        let path = inner.replace('[', ".").replace(']', "");
        if path == "was" { natural.to_owned() } else { path.trim_start_matches('.').to_owned() }
    };
    let list = list
        .into_iter()
        .map(|problem| super::problem::Problem { key: path(&problem.key), ..problem })
        .collect();
    Refusal::Problems(Problems { source_name, list, omitted })
}
