//! What records must agree on with each other: names used once, references that lead somewhere, groups without
//! cycles, a line named like nobody else's number.

use std::collections::HashMap;

use ipnet::IpNet;

use super::address::Member;
use super::draft::Draft;
use super::groups::{self, Purpose, Selection};
use super::office::{Kind, Office};
use super::problem::Findings;
use super::read::shown;
use super::value::{Place, Value};

/// Host names in the groups of one key: each is looked up again and again, for as long as the server runs.
const MAX_HOSTS: usize = 256;

/// Finds the file's words for an object, so that a problem names its line.
pub(crate) struct Origins<'a> {
    root: Option<&'a Value>,
    index: HashMap<(Kind, String), usize>,
}

impl<'a> Origins<'a> {
    pub(crate) fn new(root: Option<&'a Value>, draft: &Draft) -> Origins<'a> {
        let mut index = HashMap::new();
        let mut remember = |kind, key: &str, place: Option<usize>| {
            if let Some(place) = place {
                index.entry((kind, key.to_owned())).or_insert(place);
            }
        };
        for entry in draft.address_groups.iter().flatten() {
            remember(Kind::AddressGroup, &entry.value.name, entry.index);
        }
        for entry in draft.users.iter().flatten() {
            remember(Kind::User, &entry.value.login, entry.index);
        }
        for entry in draft.extensions.iter().flatten() {
            remember(Kind::Extension, &entry.value.number, entry.index);
        }
        Origins { root, index }
    }

    fn has(&self, kind: Kind, key: &str) -> bool {
        self.index.contains_key(&(kind, key.to_owned()))
    }

    /// Where the file speaks of the object, or else of its kind.
    fn place(&self, kind: Kind, key: &str) -> Place {
        let (_, object) = self.find(kind, key);
        let section = || self.root.and_then(|root| root.find(kind.section()));
        object.or_else(section).map_or(Place::default(), |found| found.place)
    }

    /// The object's path and value in the file, or its words and the place of what the file says of its kind.
    fn find(&self, kind: Kind, key: &str) -> (String, Option<&'a Value>) {
        let section = self.root.and_then(|root| root.find(kind.section()));
        if key.is_empty() {
            return (kind.section().to_owned(), section);
        }
        match self.index.get(&(kind, key.to_owned())) {
            Some(index) => {
                let item = section.and_then(|section| section.items().get(*index));
                (format!("{}[{index}]", kind.section()), item)
            }
            None => (format!("{kind} {key}"), None),
        }
    }
}

/// Notes every disagreement in `office`.
pub(crate) fn check(office: &Office, origins: &Origins<'_>, incomplete: bool, findings: &mut Findings) {
    let mut judge = Judge { office, origins, findings };
    judge.lines();
    judge.logins();
    judge.group_members();
    if !incomplete {
        judge.references();
    }
}

struct Judge<'a> {
    office: &'a Office,
    origins: &'a Origins<'a>,
    findings: &'a mut Findings,
}

impl Judge<'_> {
    /// Notes a problem about item `index` of the object's list `list`, and there about `key`. If the file does not
    /// speak of the object, the place is that of `cause`, the other object.
    fn note(
        &mut self,
        of: (Kind, &str),
        list: (&str, usize, &str),
        cause: (Kind, &str),
        what: String,
        cure: &str,
    ) {
        let (mut path, object) = self.origins.find(of.0, of.1);
        let (list, index, key) = list;
        let items = object.and_then(|object| object.find(list));
        let item = items.and_then(|items| items.items().get(index));
        let found = item.and_then(|item| item.find(key)).or(item).or(items).or(object);
        path = format!("{path}.{list}[{index}]");
        if !key.is_empty() {
            path = format!("{path}.{key}");
        }
        let place = found.map_or_else(|| self.origins.place(cause.0, cause.1), |found| found.place);
        self.findings.add(place, path, what, cure);
    }

    fn lines(&mut self) {
        let office = self.office;
        let mut owners: HashMap<&str, &str> = HashMap::new();
        for (number, extension) in &office.extensions {
            for (index, line) in extension.value.lines.iter().enumerate() {
                let name = line.username.as_str();
                let at = ("lines", index, "username");
                if let Some(owner) = owners.insert(name, number) {
                    let what = format!("line {} exists already, at extension {owner}", shown(name));
                    let cause = (Kind::Extension, owner);
                    self.note((Kind::Extension, number), at, cause, what, "choose another username");
                }
                if name != number && office.extensions.contains_key(name) {
                    let what = format!("a line named like another extension, {}", shown(name));
                    let cure = "choose another username, like 101-mobile";
                    self.note((Kind::Extension, number), at, (Kind::Extension, name), what, cure);
                }
            }
        }
    }

    fn logins(&mut self) {
        let mut seen = HashMap::new();
        for login in self.office.users.keys() {
            if let Some(other) = seen.insert(login.to_lowercase(), login)
                // Two entries of one file were compared when it was read.
                && !(self.origins.has(Kind::User, login) && self.origins.has(Kind::User, other))
            {
                let (path, object) = self.origins.find(Kind::User, login);
                let place = object.map_or(Place::default(), |object| object.place);
                let what = format!("logins {} and {} differ in case only", shown(other), shown(login));
                self.findings.add(place, format!("{path}.login"), what, "choose another login");
            }
        }
    }

    fn references(&mut self) {
        let office = self.office;
        for (login, user) in &office.users {
            for (index, number) in user.value.extensions.iter().enumerate() {
                if !office.extensions.contains_key(number) {
                    let what = format!("extension {} does not exist", shown(number));
                    let cure = "add the extension, or take it from the user";
                    let at = ("extensions", index, "");
                    self.note((Kind::User, login), at, (Kind::Extension, number), what, cure);
                }
            }
        }
        self.selected_groups();
        self.mail_password();
    }

    fn selected_groups(&mut self) {
        for Selection { kind, key, group, purpose } in groups::selections(self.office) {
            let Some((what, cure)) = self.unfit(group, purpose) else { continue };
            let (path, section) = self.origins.find(kind, "");
            let said =
                section.map(|section| key.split('.').try_fold(section, Value::find).unwrap_or(section));
            let place = said.map_or_else(|| self.origins.place(Kind::AddressGroup, group), |said| said.place);
            self.findings.add(place, format!("{path}.{key}"), what, cure);
        }
    }

    /// Of a file that speaks of mail only: a rollback has no password to give, and must not fail for it.
    fn mail_password(&mut self) {
        let (_, Some(section)) = self.origins.find(Kind::Mail, "") else { return };
        if self.office.mail.username.is_some() && self.office.mail_password.is_none() {
            let place = section.place;
            let cure = "write the password that the mail server knows (again, if host, port, security or username is \
                        another), or remove username";
            self.findings.add(place, "mail.password".to_owned(), "missing".to_owned(), cure);
        }
    }

    /// Why a group can't be selected, and the cure.
    fn unfit(&self, group: &str, purpose: Purpose) -> Option<(String, &'static str)> {
        let named = format!("address group {}", shown(group));
        if !self.office.address_groups.contains_key(group) {
            return Some((format!("{named} does not exist"), "add the group, or remove this key"));
        }
        if groups::members(self.office, group).next().is_none() {
            return Some((format!("{named} is empty"), "give the group members, or remove this key"));
        }
        let hosts = groups::hosts(self.office, group).len();
        if hosts > MAX_HOSTS {
            let what = format!("{named} holds {hosts} host names; {MAX_HOSTS} are looked up at most");
            return Some((what, "write addresses and prefixes instead"));
        }
        if purpose != Purpose::Row && hosts > 0 {
            let who = if purpose == Purpose::Local { "inside" } else { "trusted" };
            let what = format!("{named} holds a host name; who is {who} can't depend on a name server");
            return Some((what, "name addresses and prefixes"));
        }
        let is_everybody = |prefixes: &[IpNet]| prefixes.iter().any(|prefix| prefix.prefix_len() == 0);
        if purpose == Purpose::Trusted
            && is_everybody(&IpNet::aggregate(&groups::prefixes(self.office, group)))
        {
            let what = format!("{named} holds every address, so that nobody would ever be blocked");
            return Some((what, "name only addresses that you trust, or remove this key"));
        }
        None
    }

    fn group_members(&mut self) {
        let office = self.office;
        for (name, group) in &office.address_groups {
            for (index, member) in group.value.members.iter().enumerate() {
                let Member::Group(other) = member else { continue };
                let at = ("members", index, "");
                if !office.address_groups.contains_key(other) {
                    let what = format!("address group {} does not exist", shown(other));
                    let cause = (Kind::AddressGroup, other.as_str());
                    let cure = "add the group, or remove this member";
                    self.note((Kind::AddressGroup, name), at, cause, what, cure);
                } else if let Some(path) = groups::cycle(office, name, other) {
                    let path: Vec<String> = path.into_iter().map(shown).collect();
                    let what = format!("address group {} holds itself: {}", shown(name), path.join(" > "));
                    let cause = (Kind::AddressGroup, other.as_str());
                    self.note((Kind::AddressGroup, name), at, cause, what, "remove one of the references");
                }
            }
        }
    }
}
