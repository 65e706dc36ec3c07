//! The first set-up: the one door that is open while there is no administrator, and what goes through it in one change
//! (SPEC R3.2).

use std::net::IpAddr;

use api::console::{
    CodeProposals, FirewallWish, MailWish, NetworkWish, NewSession, Phone, SetUpFirewall, SetUpWish, Stage,
};
use api::{ApplyOptions, Author, Problem, Visitor};
use model::config::{Office, System};
use model::{Secret, event};
use serde_json::{Map, Value, json};
use store::SetupCode;

use super::guesses::{Guess, Leave};
use super::sessions::Proven;
use super::{Porter, person};
use crate::serve::desk::Wish;

/// The address group of who is inside.
const INSIDE: &str = "Inside";
/// The address group of who reaches what the firewall restricts.
const ALLOWED: &str = "Allowed";
/// Networks that are never on the Internet (RFC 1918, RFC 4193).
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
/// The numbers of the first two phones where there are none yet.
const FIRST_NUMBERS: [&str; 2] = ["101", "102"];

impl Porter {
    pub(super) async fn look_at_setup_code(
        &self,
        visitor: &Visitor,
        code: Secret,
    ) -> Result<(NewSession, CodeProposals), Problem> {
        let waiting = match self.store.setup_code().map_err(Problem::failed)? {
            SetupCode::Waiting(waiting) => waiting,
            SetupCode::NotNeeded => return Err(done_already()),
        };
        let wrong = || {
            Problem::wrong_credentials("the code is wrong; it is in the file setup-code of the data folder")
        };
        let account = "set-up code";
        let Leave::Yes(permit) = self.permit(visitor, account).await? else { return Err(wrong()) };
        let code = Secret::new(code.expose().trim().to_owned());
        if code != waiting {
            let guess = Guess { service: "setup", account, exists: false, reason: "wrong set-up code" };
            self.failed(visitor, permit, guess).await;
            return Err(wrong());
        }
        self.succeeded(permit).await;
        let session = self.open(visitor, Stage::Setup, "", Proven::default()).await?;
        Ok((session, self.proposals(visitor)))
    }

    fn proposals(&self, visitor: &Visitor) -> CodeProposals {
        let mut members: Vec<String> = PRIVATE.map(str::to_owned).to_vec();
        members.extend(["127.0.0.0/8".to_owned(), "::1".to_owned()]);
        let source = visitor.remote.ip().to_canonical();
        let is_private = match source {
            IpAddr::V4(v4) => v4.is_private() || v4.is_loopback(),
            IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback(),
        };
        if !is_private {
            members.push(source.to_string());
        }
        let office = self.store.office();
        let local = visitor.local.to_canonical();
        let unset = office.system.domain == "localhost";
        let default = System::default();
        let told = |value: &String, default: &String| (value != default).then(|| value.clone());
        let existing = office.extensions.keys().cloned();
        let fresh = FIRST_NUMBERS.map(str::to_owned).into_iter();
        let fresh = fresh.filter(|number| !office.extensions.contains_key(number));
        CodeProposals {
            address: local,
            firewall: SetUpFirewall { group_members: members },
            time_zones: model::config::time_zones(),
            domain: if unset { local.to_string() } else { office.system.domain.clone() },
            name: told(&office.system.name, &default.name),
            time_zone: told(&office.system.time_zone, &default.time_zone),
            extensions: existing.chain(fresh).take(FIRST_NUMBERS.len()).collect(),
        }
    }

    pub(super) async fn set_office_up(
        &self,
        visitor: &Visitor,
        wish: SetUpWish,
    ) -> Result<(NewSession, Vec<Phone>), Problem> {
        let office = self.store.office();
        if office.administrators() > 0 {
            return Err(done_already());
        }
        let known = visitor.key.as_ref().and_then(|key| self.find(key, visitor));
        known.filter(|known| known.stage == Stage::Setup).ok_or_else(Problem::signed_out)?;
        let login = wish.login.clone();
        let numbers: Vec<String> = numbers(&wish);
        let change = change(&wish, &numbers, &office).to_string();
        let options = ApplyOptions {
            merge: true,
            if_revision: Some(office.revision),
            file: "setup".into(),
            // A row that shuts out who sets the office up comes back by itself, like any other.
            seat: Some(visitor.remote.ip().to_canonical()),
            ..Default::default()
        };
        let applied = self.desk.change(Author(login.clone()), Wish::Json(change), options).await;
        applied.map_err(|problem| at_fields(problem, numbers.first().map(String::as_str)))?;
        self.tell(&event::SET_UP, |event| event.with("login", &login).with("source", visitor.remote));
        let office = self.store.office();
        let (id, _, hash) = person(&office, &login).ok_or_else(Problem::signed_out)?;
        let session = self.open(visitor, Stage::SignedIn, &login, Proven::by(&id, hash)).await?;
        Ok((session, self.phones(&office, &numbers)))
    }

    fn phones(&self, office: &Office, numbers: &[String]) -> Vec<Phone> {
        let listeners = self.desk.listeners();
        let open = || listeners.iter().filter(|one| one.service == "sip" && one.state == "listening");
        let port = open().find(|one| !one.transport.is_encrypted()).or_else(|| open().next());
        let mut transports: Vec<String> = open().map(|one| one.transport.to_string()).collect();
        transports.dedup();
        let phone = |number: &String| {
            let line = office.extensions.get(number)?.value.lines.first()?;
            Some(Phone {
                extension: number.clone(),
                username: line.username.clone(),
                password: office.sip_passwords.get(&line.username)?.expose().to_owned(),
                server: office.system.domain.clone(),
                port: port.map_or(5_060, |one| one.port),
                transports: transports.clone(),
            })
        };
        numbers.iter().filter_map(phone).collect()
    }
}

fn done_already() -> Problem {
    Problem::new(api::StatusCode::FORBIDDEN, "not-allowed", "the office is set up already; sign in")
}

fn numbers(wish: &SetUpWish) -> Vec<String> {
    let second = wish.second_extension.iter().filter(|number| !number.is_empty());
    std::iter::once(&wish.first_extension).chain(second).cloned().collect()
}

/// The wish as a configuration to be merged. Extensions that a file has brought stay as they are: their phones may be
/// registered already.
fn change(wish: &SetUpWish, numbers: &[String], office: &Office) -> Value {
    let mut root = Map::new();
    root.insert(
        "system".into(),
        json!({ "name": wish.name, "time_zone": wish.time_zone, "language": wish.language, "domain": wish.domain }),
    );
    root.insert(
        "users".into(),
        json!([{ "login": wish.login, "role": "full", "password": wish.password.0.expose() }]),
    );
    let extension = |number: &String| json!({ "number": number, "lines": [{ "username": number }] });
    let new = numbers.iter().filter(|number| !office.extensions.contains_key(*number));
    root.insert("extensions".into(), new.map(extension).collect());
    if let Some(mail) = wish.mail.as_ref().filter(|mail| !mail.host.is_empty()) {
        root.insert("mail".into(), mail_section(mail));
    }
    let NetworkWish { local_members, public_address_v4 } = &wish.network;
    let FirewallWish { web, sip, members } = &wish.firewall;
    let mut groups = Vec::new();
    let mut network = Map::new();
    if !local_members.is_empty() {
        groups.push(json!({ "name": INSIDE, "members": local_members }));
        network.insert("local".into(), INSIDE.into());
    }
    if let Some(address) = public_address_v4.as_ref().filter(|address| !address.is_empty()) {
        network.insert("public_address_v4".into(), address.as_str().into());
    }
    if !network.is_empty() {
        root.insert("network".into(), network.into());
    }
    if *web || *sip {
        groups.push(json!({ "name": ALLOWED, "members": members }));
        let mut firewall = Map::new();
        for (key, _) in [("web", web), ("sip", sip)].into_iter().filter(|(_, on)| **on) {
            firewall.insert(key.into(), ALLOWED.into());
        }
        root.insert("firewall".into(), firewall.into());
    }
    if !groups.is_empty() {
        root.insert("address_groups".into(), groups.into());
    }
    root.into()
}

fn mail_section(mail: &MailWish) -> Value {
    let mut section = Map::new();
    section.insert("host".into(), mail.host.as_str().into());
    if let Some(port) = mail.port {
        section.insert("port".into(), port.into());
    }
    if let Some(security) = &mail.security {
        section.insert("security".into(), security.as_str().into());
    }
    for (key, text) in [("username", &mail.username), ("from", &mail.from)] {
        if !text.is_empty() {
            section.insert(key.into(), text.as_str().into());
        }
    }
    if let Some(password) = mail.password.as_ref().filter(|password| !password.0.expose().is_empty()) {
        section.insert("password".into(), password.0.expose().into());
    }
    section.into()
}

/// The problems of a configuration, told at the fields of the form.
fn at_fields(mut problem: Problem, first: Option<&str>) -> Problem {
    for one in &mut problem.problems {
        let Some(key) = one.get("key").and_then(Value::as_str) else { continue };
        let last = key.rsplit('.').next().unwrap_or_default().to_owned();
        let field = match key.split(['.', '[']).next().unwrap_or_default() {
            "system" | "users" => last,
            "extensions" if first.is_some_and(|first| key.contains(first)) || key.contains('0') => {
                "first_extension".into()
            }
            "extensions" => "second_extension".into(),
            "address_groups" if key.contains(INSIDE) => "network.local_members".into(),
            "address_groups" => "firewall.members".into(),
            _ => key.to_owned(),
        };
        if let Some(object) = one.as_object_mut() {
            object.insert("key".into(), field.into());
            // Places in a text that nobody has seen.
            object.remove("line");
            object.remove("column");
        }
    }
    problem
}
