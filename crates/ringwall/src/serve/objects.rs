//! The configuration's objects as the resources show them: records from the snapshot, counts of registered phones from one
//! question to the exchange for a whole page.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use api::Problem;
use api::objects::body::{
    AddressGroup, CertificateWish, Extension, Imported, MadePassword, Pending, Revealed, User, Written,
};
use api::objects::{Asker, Cursor, EditWish, ExtensionSort, IfMatch, ListQuery, Order, Page, TableWish, Tag};
use model::Secret;
use model::config::{self, Kind, Office};
use model::event::{self, Event};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::desk::{Author, Done, Job};
use super::firewall;
use super::now;
use super::office::Reception;

/// Registered phones by extension and line.
type Registered = HashMap<(String, String), usize>;

/// A row that a list may show: what it is sorted by, and its natural key.
pub(super) struct Candidate {
    pub value: String,
    pub key: String,
}

impl api::Registry for Reception {
    async fn extensions(&self, query: ListQuery<ExtensionSort>) -> Result<Page<Extension>, Problem> {
        let office = self.office();
        let registered = self.registered().await?;
        let users = owners(&office);
        let counts = by_extension(&registered);
        let needle = query.search.to_lowercase();
        let found = office.extensions.iter().filter(|(number, object)| {
            let lines = object.value.lines.iter().map(|line| line.username.as_str());
            let logins = users.get(number.as_str()).into_iter().flatten().copied();
            let texts = [number.as_str(), &object.value.description].into_iter().chain(lines).chain(logins);
            matches(&needle, texts)
        });
        let candidates = found.map(|(number, object)| {
            let value = match query.sort {
                ExtensionSort::Number => String::new(),
                ExtensionSort::Description => object.value.description.to_lowercase(),
                ExtensionSort::Registered => {
                    format!("{:08}", counts.get(number.as_str()).copied().unwrap_or(0))
                }
            };
            Candidate { value, key: number.clone() }
        });
        page(candidates.collect(), &query, |number| extension(&office, number, &registered, &users))
    }

    async fn extension(&self, number: String) -> Result<Extension, Problem> {
        let office = self.office();
        let registered = self.registered().await?;
        extension(&office, &number, &registered, &owners(&office))
            .ok_or_else(|| missing(Kind::Extension, &number))
    }

    async fn users(&self, query: ListQuery<()>) -> Result<Page<User>, Problem> {
        let office = self.office();
        let needle = query.search.to_lowercase();
        let found = office.users.iter().filter(|(login, object)| {
            let user = &object.value;
            let numbers = user.extensions.iter().map(String::as_str);
            matches(&needle, [login.as_str(), &user.name, &user.email].into_iter().chain(numbers))
        });
        let candidates =
            found.map(|(login, _)| Candidate { value: login.to_lowercase(), key: login.clone() });
        let guarded = self.guarded().await?;
        page(candidates.collect(), &query, |login| user(&office, login, &guarded))
    }

    async fn user(&self, login: String) -> Result<User, Problem> {
        let guarded = self.guarded().await?;
        user(&self.office(), &login, &guarded).ok_or_else(|| missing(Kind::User, &login))
    }

    async fn address_groups(&self, query: ListQuery<()>) -> Result<Page<AddressGroup>, Problem> {
        let office = self.office();
        let needle = query.search.to_lowercase();
        let found = office.address_groups.iter().filter(|(name, object)| {
            let members = object.value.members.iter().map(ToString::to_string);
            matches(&needle, [(*name).clone()].into_iter().chain(members))
        });
        let candidates = found.map(|(name, _)| Candidate { value: name.to_lowercase(), key: name.clone() });
        page(candidates.collect(), &query, |name| self.group(&office, name))
    }

    async fn address_group(&self, name: String) -> Result<AddressGroup, Problem> {
        self.group(&self.office(), &name).ok_or_else(|| missing(Kind::AddressGroup, &name))
    }

    async fn section(&self, name: String) -> Result<(Value, Tag), Problem> {
        section(&self.office(), &name)
    }

    async fn edit(
        &self,
        asker: Asker,
        kind: Kind,
        wish: EditWish,
        expected: IfMatch,
    ) -> Result<Written, Problem> {
        let gone = matches!(wish, EditWish::Delete(_));
        let done = self.desk().edit(asker, Job::Object(kind, wish), expected).await?;
        let object = match kind {
            _ if gone => Value::Null,
            Kind::Extension => {
                let office = self.office();
                let registered = self.registered().await?;
                json(extension(&office, &done.key, &registered, &owners(&office)))
            }
            Kind::User => json(user(&self.office(), &done.key, &self.guarded().await?)),
            _ => json(self.group(&self.office(), &done.key)),
        };
        Ok(written(done, object))
    }

    async fn edit_section(
        &self,
        asker: Asker,
        name: String,
        json: String,
        expected: IfMatch,
    ) -> Result<Written, Problem> {
        let done = self.desk().edit(asker, Job::Section(name.clone(), json), expected).await?;
        let (object, _) = section(&self.office(), &name)?;
        Ok(written(done, object))
    }

    async fn set_password(&self, asker: Asker, login: String, password: Secret) -> Result<(), Problem> {
        let job = Job::Password(login, password);
        self.desk().edit(asker, job, IfMatch::Any).await.map(|_| ())
    }

    async fn upload(&self, asker: Asker, wish: CertificateWish) -> Result<Written, Problem> {
        let done = self.desk().upload(asker, wish).await?;
        let object = json(self.desk().certificates().described());
        Ok(written(done, object))
    }

    async fn import(&self, author: Author, wish: TableWish) -> Result<Imported, Problem> {
        self.desk().import(author, wish).await
    }

    async fn reveal(
        &self,
        author: Author,
        number: String,
        line: Option<String>,
    ) -> Result<Revealed, Problem> {
        let office = self.office();
        let lines = office.extensions.get(&number).map(|object| &object.value.lines);
        let lines = lines.ok_or_else(|| missing(Kind::Extension, &number))?;
        let found = match (&line, lines.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => return Err(Problem::bad_request("line: name one of the extension's lines")),
            (Some(name), lines) => lines.iter().find(|line| line.username == *name),
        };
        let name = found.map(|line| line.username.clone()).unwrap_or_default();
        let Some(password) = office.sip_passwords.get(&name) else {
            return Err(Problem::not_found(format!("extension {number} has no such line")));
        };
        let shown = Event::new(&event::PASSWORD_SHOWN, now()).with("line", &name).with("author", author);
        self.logs().write(shown);
        Ok(Revealed { line: name, password: password.expose().to_owned() })
    }
}

impl Reception {
    async fn registered(&self) -> Result<Registered, Problem> {
        let list = self.ask(|exchange, now| exchange.registrations(now)).await?;
        let mut counts = Registered::new();
        for row in list {
            let count = counts.entry((row.extension.to_string(), row.line.to_string())).or_default();
            *count = count.saturating_add(1);
        }
        Ok(counts)
    }

    /// Ids of the people with a second factor.
    async fn guarded(&self) -> Result<BTreeSet<String>, Problem> {
        self.store().console().people_with_factor().await.map_err(Problem::failed)
    }

    fn group(&self, office: &Office, name: &str) -> Option<AddressGroup> {
        let hosts = self.desk().hosts();
        let (mut group, etag): (AddressGroup, _) = body(office, Kind::AddressGroup, name)?;
        let unresolved = hosts.unresolved(office);
        let own = config::hosts(office, name);
        group.used_by = config::used_by(office, name);
        group.addresses = firewall::prefixes(office, name, hosts).len();
        group.unresolved = unresolved.into_iter().filter(|host| own.contains(host.as_str())).collect();
        group.etag = etag;
        Some(group)
    }
}

/// An object's content as its body, and its tag.
fn body<T: DeserializeOwned>(office: &Office, kind: Kind, key: &str) -> Option<(T, String)> {
    let content = config::content(office, kind, key)?;
    let body = serde_json::to_value(&content).and_then(serde_json::from_value).ok()?;
    Some((body, Tag::of(&content).0))
}

fn extension(
    office: &Office,
    number: &str,
    registered: &Registered,
    users: &HashMap<&str, Vec<&str>>,
) -> Option<Extension> {
    let (mut extension, etag): (Extension, _) = body(office, Kind::Extension, number)?;
    extension.etag = etag;
    for line in &mut extension.lines {
        let key = (number.to_owned(), line.username.clone());
        line.registered = registered.get(&key).copied().unwrap_or(0);
        extension.registered = extension.registered.saturating_add(line.registered);
    }
    let logins = users.get(number).into_iter().flatten();
    extension.users = logins.map(|login| (*login).to_owned()).collect();
    Some(extension)
}

/// `guarded`: ids of the people with a second factor. It is no part of the tag: nobody overwrites it by a form.
fn user(office: &Office, login: &str, guarded: &BTreeSet<String>) -> Option<User> {
    let (user, etag): (User, _) = body(office, Kind::User, login)?;
    let second_factor = guarded.contains(&office.users.get(login)?.id.to_string());
    Some(User { etag, second_factor, ..user })
}

#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn section(office: &Office, name: &str) -> Result<(Value, Tag), Problem> {
    let content = config::section_content(office, name).ok_or_else(|| {
        Problem::not_found(format!("there is no such section; there are {}", config::SETTINGS.join(", ")))
    })?;
    let tag = Tag::of(&content);
    let mut object = json(Some(content));
    if let Some(object) = object.as_object_mut() {
        object.insert("etag".to_owned(), Value::String(tag.0.clone()));
    }
    Ok((object, tag))
}

fn json(object: Option<impl serde::Serialize>) -> Value {
    // Bodies always serialise.
    object.and_then(|object| serde_json::to_value(object).ok()).unwrap_or(Value::Null)
}

fn written(done: Done, object: Value) -> Written {
    let Done { revision, notes, generated, pending, .. } = done;
    let shown = |(username, password): (String, Secret)| {
        let password = password.expose().to_owned();
        MadePassword { username, password }
    };
    let passwords = generated.into_iter().map(shown).collect();
    Written { revision, object, notes, passwords, pending: pending.map(shown_pending) }
}

/// A change that waits, as it is sent.
pub fn shown_pending(pending: store::PendingChange) -> Pending {
    let seconds = pending.until.saturating_since(now()).as_secs_f64();
    Pending { until: pending.until, by: pending.author, seconds }
}

fn missing(kind: Kind, key: &str) -> Problem {
    Problem::not_found(format!("{kind} {key} does not exist"))
}

/// Logins by the extension they own.
fn owners(office: &Office) -> HashMap<&str, Vec<&str>> {
    let mut owners: HashMap<&str, Vec<&str>> = HashMap::new();
    for (login, user) in &office.users {
        for number in &user.value.extensions {
            owners.entry(number).or_default().push(login);
        }
    }
    owners
}

fn by_extension(registered: &Registered) -> HashMap<&str, usize> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for ((number, _), count) in registered {
        let sum = counts.entry(number).or_default();
        *sum = sum.saturating_add(*count);
    }
    counts
}

pub(super) fn matches(needle: &str, texts: impl IntoIterator<Item = impl AsRef<str>>) -> bool {
    needle.is_empty() || texts.into_iter().any(|text| text.as_ref().to_lowercase().contains(needle))
}

/// Numbers by their length first, so that 99 comes before 100; names as they are written.
fn compare(left: (&str, &str), right: (&str, &str)) -> Ordering {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let keys = || {
        let (a, b) = (left.1, right.1);
        if digits(a) && digits(b) { a.len().cmp(&b.len()).then_with(|| a.cmp(b)) } else { a.cmp(b) }
    };
    left.0.cmp(right.0).then_with(keys)
}

#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
pub(super) fn page<S, T>(
    mut candidates: Vec<Candidate>,
    query: &ListQuery<S>,
    show: impl Fn(&str) -> Option<T>,
) -> Result<Page<T>, Problem> {
    let total = candidates.len();
    let directed = |left: (&str, &str), right: (&str, &str)| match query.order {
        Order::Asc => compare(left, right),
        Order::Desc => compare(right, left),
    };
    candidates.sort_unstable_by(|a, b| directed((&a.value, &a.key), (&b.value, &b.key)));
    let start = query.after.as_ref().map_or(0, |after| {
        candidates.partition_point(|row| {
            directed((&row.value, &row.key), (&after.value, &after.key)) != Ordering::Greater
        })
    });
    let rest = candidates.get(start..).unwrap_or_default();
    let chosen = rest.get(..query.limit.min(rest.len())).unwrap_or_default();
    let more = rest.len() > chosen.len();
    let last = chosen.last().filter(|_| more);
    let next = last.map(|row| Cursor { value: row.value.clone(), key: row.key.clone() });
    Ok(Page { rows: chosen.iter().filter_map(|row| show(&row.key)).collect(), total, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(order: Order, limit: usize, after: Option<Cursor>) -> ListQuery<()> {
        ListQuery { search: String::new(), sort: (), order, limit, after }
    }

    fn candidates(keys: &[&str]) -> Vec<Candidate> {
        keys.iter().map(|key| Candidate { value: String::new(), key: (*key).to_owned() }).collect()
    }

    #[test]
    fn pages_hold_every_row_once_also_when_the_last_one_seen_is_gone() {
        let keys = ["100", "99", "1000", "101"];
        for (order, expected) in
            [(Order::Asc, ["99", "100", "101", "1000"]), (Order::Desc, ["1000", "101", "100", "99"])]
        {
            let first = page(candidates(&keys), &query(order, 2, None), |key| Some(key.to_owned())).unwrap();
            assert_eq!((first.rows.as_slice(), first.total), (&expected.map(String::from)[..2], 4));
            let gone: Vec<&str> = keys.into_iter().filter(|key| *key != expected[1]).collect();
            let second =
                page(candidates(&gone), &query(order, 2, first.next), |key| Some(key.to_owned())).unwrap();
            assert_eq!(second.rows, &expected[2..]);
            assert_eq!(second.next, None);
        }
    }
}
