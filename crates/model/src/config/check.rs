//! What each record must hold by itself: grammar and bounds of its keys.
//!
//! Every function notes problems below the record's own path. Not here: agreement between records (`agree`).

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::address::{Member, check_domain};
use super::country::calling_code;
use super::mail::is_email;
use super::read::{Reading, Step, shown};
use super::scalar::Span;
use super::schema::{
    AddressGroup, Console, Extension, Firewall, Guessing, Line, Listen, Logs, MAX_SPAN, Network, NoAnswer,
    Sip, System, Tls, User,
};
use super::value::{Place, Value};

/// Devices of one extension: desk, mobile, home, conference room, and as many again.
pub const MAX_LINES: usize = 16;
/// Longest extension number: fifteen digits are a whole international number.
pub const MAX_NUMBER: usize = 15;
/// Longest SIP username and login.
pub const MAX_USERNAME: usize = 64;
/// Members of one address group: published lists of a country's or provider's networks are this long.
pub const MAX_MEMBERS: usize = 20_000;
/// Proxies in front of one server.
const MAX_PROXIES: usize = 64;
/// Addresses one listener binds: a socket each.
pub const MAX_LISTEN: usize = 16;
/// Names of one domain.
pub const MAX_ALIASES: usize = 64;
/// Extensions of one user.
pub const MAX_USER_EXTENSIONS: usize = 64;
/// Smallest size of a log file before rotation: below it, rotation is all that happens.
const MIN_ROTATE: u64 = 1_000;
/// Largest size of a log file before rotation.
const MAX_ROTATE: u64 = 100_000_000_000;
/// Rotated files kept at most: each is a name in one folder.
const MAX_KEEP: u32 = 1_000;

pub(crate) fn system(system: &System, value: &Value, at: &mut Reading) {
    if system.name.is_empty() {
        at.problem_at(value, "name", "empty", "write the organisation's name");
    }
    if jiff::tz::TimeZoneDatabase::bundled().get(&system.time_zone).is_err() {
        let what = format!("unknown time zone {}", shown(&system.time_zone));
        at.problem_at(value, "time_zone", what, "write an IANA name like Europe/Prague or UTC");
    }
    if !is_language(&system.language) {
        at.problem_at(value, "language", "not a language", "write a code like en or de-CH");
    }
    if let Err(what) = check_domain(&system.domain) {
        at.problem_at(value, "domain", what, "write a name like pbx.example.test or an address");
    }
    if system.aliases.len() > MAX_ALIASES {
        at.problem_at(value, "aliases", format!("more than {MAX_ALIASES} names"), "shorten the list");
    }
    for (index, alias) in system.aliases.iter().enumerate() {
        if let Err(what) = check_domain(alias) {
            let place = item_place(value, "aliases", index);
            item(at, "aliases", index, place, what, "write a name like pbx.example.test or an address");
        }
    }
    let realm_is_safe =
        |realm: &String| realm.bytes().all(|b| (b' '..=b'~').contains(&b) && !b"\"\\".contains(&b));
    if !system.realm.as_ref().is_none_or(realm_is_safe) {
        at.problem_at(value, "realm", "not printable ASCII", "write a text without quotes and backslashes");
    }
    if system.country.as_deref().is_some_and(|country| calling_code(country).is_none()) {
        at.problem_at(value, "country", "unknown country", "write the two letters of ISO 3166, like CZ");
    }
    for (key, prefix) in
        [("international_prefix", &system.international_prefix), ("national_prefix", &system.national_prefix)]
    {
        if prefix.len() > 8 || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            at.problem_at(value, key, "not a prefix", "write up to 8 digits, or \"\" for none");
        }
    }
    bounded(value, at, "drain", system.drain, Duration::ZERO, Duration::from_secs(86_400));
}

fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let language =
        parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_lowercase()));
    language
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

pub(crate) fn bounded(
    value: &Value,
    at: &mut Reading,
    key: &'static str,
    span: Span,
    least: Duration,
    most: Duration,
) {
    if span.0 < least {
        at.problem_at(value, key, format!("{span} is too short"), &format!("write {} or more", Span(least)));
    } else if span.0 > most {
        at.problem_at(value, key, format!("{span} is too long"), &format!("write {} or less", Span(most)));
    }
}

/// The place of an item of a list below `key`.
pub(crate) fn item_place(value: &Value, key: &str, index: usize) -> Place {
    let list = value.find(key);
    list.and_then(|list| list.items().get(index)).or(list).map_or(value.place, |found| found.place)
}

fn item(
    at: &mut Reading,
    key: &'static str,
    index: usize,
    place: Place,
    what: impl Into<String>,
    cure: &str,
) {
    at.inside(Step::Key(key), |at| at.inside(Step::Index(index), |at| at.problem(place, what, cure)));
}

pub(crate) fn listen(listen: &Listen, value: &Value, at: &mut Reading) {
    for (key, addresses) in [
        ("sip_udp", &listen.sip_udp),
        ("sip_tcp", &listen.sip_tcp),
        ("sip_tls", &listen.sip_tls),
        ("console", &listen.console),
    ] {
        if addresses.len() > MAX_LISTEN {
            at.problem_at(value, key, format!("more than {MAX_LISTEN} addresses"), "shorten the list");
            continue;
        }
        for (index, address) in addresses.iter().enumerate() {
            let before = addresses.iter().take(index);
            if let Some(other) = before.into_iter().find(|other| overlap(address, other)) {
                let what = format!("{address} and {other} overlap");
                item(at, key, index, item_place(value, key, index), what, "keep one of them");
            }
        }
    }
    let tcp: (&'static str, &[SocketAddr]) = ("sip_tcp", &listen.sip_tcp);
    let tls: (&'static str, &[SocketAddr]) = ("sip_tls", &listen.sip_tls);
    apart(value, at, ("sip_tls", &listen.sip_tls), tcp, "give TLS a port of its own, like 5061");
    for other in [tcp, tls] {
        apart(
            value,
            at,
            ("console", &listen.console),
            other,
            "give the console a port of its own, like 4021",
        );
    }
    for (index, address) in listen.sip_udp.iter().enumerate() {
        if listen.media_ports.contains(address.port()) {
            let what = format!("port {} lies in media_ports", address.port());
            let place = item_place(value, "sip_udp", index);
            item(at, "sip_udp", index, place, what, "move the port or the range");
        }
    }
}

/// Two listeners of connections that must not share an address and port.
fn apart(
    value: &Value,
    at: &mut Reading,
    (key, addresses): (&'static str, &[SocketAddr]),
    (other_key, others): (&'static str, &[SocketAddr]),
    cure: &str,
) {
    for (index, address) in addresses.iter().enumerate() {
        if let Some(other) = others.iter().find(|other| overlap(address, other)) {
            let what = format!("{address} overlaps with {other} of {other_key}");
            item(at, key, index, item_place(value, key, index), what, cure);
        }
    }
}

/// Names of time zones that are taken, sorted.
pub fn time_zones() -> Vec<String> {
    let all = jiff::tz::TimeZoneDatabase::bundled();
    let mut names: Vec<String> = all.available().map(|name| name.to_string()).collect();
    names.sort_unstable();
    names
}

pub(crate) fn console(console: &Console, value: &Value, at: &mut Reading) {
    // A second is for tests and the very careful; a session of a week is nobody's any more.
    let (second, week) = (Duration::from_secs(1), Duration::from_secs(7 * 86_400));
    bounded(value, at, "idle_timeout", console.idle_timeout, second, week);
    bounded(value, at, "session_lifetime", console.session_lifetime, second, week);
}

/// Whether two addresses can't both be bound. A wildcard of one family leaves the other alone.
fn overlap(left: &SocketAddr, right: &SocketAddr) -> bool {
    let (a, b) = (left.ip().to_canonical(), right.ip().to_canonical());
    let same_host = a == b || a.is_unspecified() || b.is_unspecified();
    left.port() != 0 && left.port() == right.port() && a.is_ipv4() == b.is_ipv4() && same_host
}

pub(crate) fn sip(sip: &Sip, value: &Value, at: &mut Reading) {
    let second = Duration::from_secs(1);
    let day = Duration::from_secs(86_400);
    bounded(value, at, "min_expires", sip.min_expires, second, day);
    bounded(value, at, "max_expires", sip.max_expires, second, MAX_SPAN);
    bounded(value, at, "keep_alive", sip.keep_alive, second, day);
    bounded(value, at, "dead_media", sip.dead_media, second, day);
    bounded(value, at, "ring_timeout", sip.ring_timeout, second, day);
    bounded(value, at, "session_expires", sip.session_expires, Duration::ZERO, day);
    // RFC 4028 section 5: nobody may ask for less than 90 s.
    bounded(value, at, "session_min", sip.session_min, Duration::from_secs(90), day);
    if !sip.session_expires.0.is_zero() && sip.session_expires < sip.session_min {
        let cure = format!("write {} or more, as session_min, or 0s to switch it off", sip.session_min);
        let what = format!("{} is less than session_min", sip.session_expires);
        at.problem_at(value, "session_expires", what, &cure);
    }
    if sip.max_expires < sip.min_expires {
        let cure = format!("write {} or more, as min_expires", sip.min_expires);
        at.problem_at(value, "max_expires", format!("{} is less than min_expires", sip.max_expires), &cure);
    }
}

/// Longest path of a file that the system opens (PATH_MAX with its end).
const MAX_PATH: usize = 4_095;
/// Hexadecimal digits of a SHA-256.
const FINGERPRINT: usize = 64;

pub(crate) fn tls(tls: &Tls, value: &Value, at: &mut Reading) {
    for (key, path) in [("certificate", &tls.certificate), ("key", &tls.key)] {
        let Some(path) = path else { continue };
        if !path.starts_with('/') || path.len() > MAX_PATH || path.contains(char::is_control) {
            at.problem_at(
                value,
                key,
                "not the whole path of a file",
                "write a path like /etc/ringwall/tls.crt",
            );
        }
    }
    if let Some(uploaded) = &tls.uploaded {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if uploaded.len() != FINGERPRINT || !uploaded.bytes().all(digit) {
            let cure =
                "write the 64 digits that the console shows (Advanced options > Certificates), or remove it";
            at.problem_at(value, "uploaded", "not a SHA-256 in hexadecimal", cure);
        }
        if tls.certificate.is_some() || tls.key.is_some() {
            at.problem_at(value, "uploaded", "stands beside files", "remove it, or certificate and key");
        }
    }
    match (&tls.certificate, &tls.key) {
        (Some(_), None) => {
            at.problem_at(value, "key", "missing", "name the certificate's key, or remove certificate")
        }
        (None, Some(_)) => {
            at.problem_at(value, "certificate", "missing", "name the key's certificate, or remove key")
        }
        _ => {}
    }
}

pub(crate) fn logs(logs: &Logs, value: &Value, at: &mut Reading) {
    if !(MIN_ROTATE..=MAX_ROTATE).contains(&logs.rotate_size.0) {
        at.problem_at(value, "rotate_size", "out of range", "write a size from 1kB to 100GB");
    }
    if logs.keep > MAX_KEEP {
        at.problem_at(value, "keep", "out of range", "write a number from 0 to 1000");
    }
}

/// Whoever may say on whose behalf he speaks must be an address, not a name that a name server gives out.
pub(crate) fn network(network: &Network, value: &Value, at: &mut Reading) {
    if network.trusted_proxies.len() > MAX_PROXIES {
        at.problem_at(
            value,
            "trusted_proxies",
            format!("more than {MAX_PROXIES} entries"),
            "shorten the list",
        );
    }
    for (index, proxy) in network.trusted_proxies.iter().enumerate() {
        let place = item_place(value, "trusted_proxies", index);
        let what = match proxy {
            Member::Host(_) | Member::Group(_) => "neither an address nor a prefix",
            Member::Network(network) if network.prefix_len() == 0 => "believes everybody",
            Member::Network(_) | Member::Range(..) => continue,
        };
        item(
            at,
            "trusted_proxies",
            index,
            place,
            what.to_owned(),
            "write the proxy's address, like 10.0.0.7",
        );
    }
}

pub(crate) fn firewall(firewall: &Firewall, value: &Value, at: &mut Reading) {
    let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3_600));
    bounded(value, at, "confirm_within", firewall.confirm_within, second, hour);
}

pub(crate) fn address_group(group: &AddressGroup, value: &Value, at: &mut Reading) {
    if group.name.is_empty() || group.name.len() > MAX_USERNAME {
        at.problem_at(value, "name", "empty or too long", "write a name of up to 64 characters");
    }
    if group.members.len() > MAX_MEMBERS {
        at.problem_at(value, "members", format!("more than {MAX_MEMBERS} members"), "split the group");
    }
}

/// Largest number of failures that a rule counts to (SPEC R4.4), and of the rule for patient guessers.
const MAX_ATTEMPTS: u32 = 100;
const MAX_SLOW_ATTEMPTS: u32 = 1_000;

pub(crate) fn guessing(guessing: &Guessing, value: &Value, at: &mut Reading) {
    let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
    if !(1..=MAX_ATTEMPTS).contains(&guessing.attempts) {
        let what = format!("{} failures can't be what blocks", guessing.attempts);
        at.problem_at(value, "attempts", what, "write a number from 1 to 100");
    }
    bounded(value, at, "period", guessing.period, second, day);
    bounded(value, at, "block", guessing.block, second, MAX_SPAN);
    if !guessing.warn_email.is_empty() && !is_email(&guessing.warn_email) {
        at.problem_at(value, "warn_email", "not an e-mail address", "write name@example.test");
    }
    let (Some(slow), Some(table)) = (&guessing.slow, value.find("slow")) else { return };
    at.inside(Step::Key("slow"), |at| {
        bounded(table, at, "period", slow.period, second, MAX_SPAN);
        if !(1..=MAX_SLOW_ATTEMPTS).contains(&slow.attempts) {
            let what = format!("{} failures can't be what blocks", slow.attempts);
            at.problem_at(table, "attempts", what, "write a number from 1 to 1000");
        }
    });
}

/// Whether `text` is fit for a SIP username or a login: no escape is ever needed in a URI or a log.
pub(crate) fn is_username(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
    (1..=MAX_USERNAME).contains(&text.len()) && text.bytes().all(fits)
}

pub(crate) fn user(user: &User, value: &Value, at: &mut Reading) {
    let login_part = |part: &str| is_username(part);
    if user.login.len() > MAX_USERNAME || !user.login.split('@').all(login_part) {
        let cure = "write 1 to 64 letters, digits, and . - _ + @";
        at.problem_at(value, "login", "not a login", cure);
    }
    if !user.email.is_empty() && !is_email(&user.email) {
        at.problem_at(value, "email", "not an e-mail address", "write name@example.test");
    }
    if user.extensions.len() > MAX_USER_EXTENSIONS {
        let what = format!("more than {MAX_USER_EXTENSIONS} extensions");
        at.problem_at(value, "extensions", what, "shorten the list");
    }
    repeated(&user.extensions, value, at, "extensions");
    enforceable(&user.enforce, &["password"], &["pin", "greeting"], value, at);
}

fn repeated(list: &[String], value: &Value, at: &mut Reading, key: &'static str) {
    let mut seen = HashSet::new();
    for (index, name) in list.iter().enumerate() {
        if !seen.insert(name) {
            let what = format!("{} stands twice", shown(name));
            item(at, key, index, item_place(value, key, index), what, "remove one");
        }
    }
}

fn enforceable(list: &[String], known: &[&str], later: &[&str], value: &Value, at: &mut Reading) {
    for (index, name) in list.iter().enumerate() {
        let place = item_place(value, "enforce", index);
        let cure = format!("known here: {}", known.join(", "));
        if later.contains(&name.as_str()) {
            item(at, "enforce", index, place, format!("{name} is not available yet"), &cure);
        } else if !known.contains(&name.as_str()) {
            item(at, "enforce", index, place, format!("{} can't be enforced", shown(name)), &cure);
        }
    }
}

pub(crate) fn extension(extension: &Extension, value: &Value, at: &mut Reading) {
    let number = &extension.number;
    let is_number =
        (1..=MAX_NUMBER).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        let what = format!("{} is not an extension number", shown(number));
        at.problem_at(value, "number", what, "write 1 to 15 digits");
    }
    if extension.lines.len() > MAX_LINES {
        let what = format!("more than {MAX_LINES} lines");
        at.problem_at(value, "lines", what, "spread the devices over several extensions");
    }
    enforceable(&extension.enforce, &["forwarding", "do_not_disturb"], &["voicemail.pin"], value, at);
}

pub(crate) fn line(line: &Line, value: &Value, at: &mut Reading) {
    if !is_username(&line.username) {
        let what = format!("{} is not a SIP username", shown(&line.username));
        at.problem_at(value, "username", what, "write 1 to 64 letters, digits, and . - _ +");
    }
}

pub(crate) fn no_answer(rule: &NoAnswer, value: &Value, at: &mut Reading) {
    bounded(value, at, "after", rule.after, Duration::from_secs(1), Duration::from_secs(3_600));
}
