//! `ringwall check` (SPEC R4.19): what an attacker would look for in this installation, and what to do about each.
//!
//! Pure: facts in, findings out. A finding's id is stable, so that scripts may know it. Not here: gathering the facts.

use std::net::IpAddr;
use std::path::PathBuf;

use api::body::{Check, Finding, Weight};
use guard::{Row, Rows};
use ipnet::IpNet;
use model::Wall;
use model::config::{self, Office};
use model::directory::{DigestPolicy, Encryption};
use model::live::Listener;

use super::notes;

/// Lines and extensions named in a finding; the rest is a number.
const NAMED: usize = 5;
/// A certificate that ends within this many days is to be renewed; within the shorter time it is urgent.
const CERTIFICATE_DAYS: u64 = 30;
const CERTIFICATE_URGENT_DAYS: u64 = 7;
const DAY_S: u64 = 86_400;
/// More attempts than anybody mistypes.
const MANY_ATTEMPTS: u32 = 20;
/// A proxy is a host: whoever names a wider network than this has named its users too.
const PROXY_V4_BITS: u8 = 24;

/// What is looked at.
pub struct Facts<'a> {
    pub now: Wall,
    pub office: &'a Office,
    pub rows: &'a Rows,
    pub listeners: &'a [Listener],
    /// When each certificate that is shown ends, and whether the local authority renews it by itself.
    pub certificates: &'a [Wall],
    pub renews_itself: bool,
    /// Host names in rows that lead nowhere at the moment.
    pub unresolved: &'a [String],
    /// Files of the data folder that others than the server's user may read or write.
    pub exposed: &'a [PathBuf],
}

/// All findings, the heaviest first, and the score: 100 less what each costs.
pub fn check(facts: &Facts<'_>) -> Check {
    let mut found = Vec::new();
    network(facts, &mut found);
    passwords(facts.office, &mut found);
    encryption(facts, &mut found);
    upkeep(facts, &mut found);
    found.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
    let cost = |finding: &Finding| match finding.weight {
        Weight::High => 25_u32,
        Weight::Medium => 10,
        Weight::Low => 3,
    };
    let score = 100_u32.saturating_sub(found.iter().map(cost).sum());
    Check { score, findings: found }
}

fn add(found: &mut Vec<Finding>, id: &str, weight: Weight, what: String, cure: &str) {
    found.push(Finding { id: id.to_owned(), weight, what, cure: cure.to_owned() });
}

fn network(facts: &Facts<'_>, found: &mut Vec<Finding>) {
    let reaches_far = |listener: &&Listener| is_open(listener) && !listener.address.is_loopback();
    let everybody = match &*facts.rows.sip {
        Row::Anybody => true,
        Row::Only(set) => set.is_everybody(),
    };
    let is_sip = |listener: &&Listener| listener.service == "sip";
    if everybody && facts.listeners.iter().filter(is_sip).any(|listener| reaches_far(&listener)) {
        let what = "SIP answers every address that can reach it: scanners find it within hours".to_owned();
        let cure = "name an address group of your networks and providers in firewall.sip, and narrow the outer \
                    firewall (ringwall ports --nftables)";
        add(found, "sip.open", Weight::High, what, cure);
    }
    for listener in facts.listeners.iter().filter(|listener| !is_open(listener)) {
        let what = format!("{} over {} is {}", listener.service, listener.transport, listener.state);
        add(found, "listeners.failed", Weight::High, what, "free the port, or change the section listen");
    }
    if !facts.unresolved.is_empty() {
        let what = format!("host names in rows of the firewall lead nowhere: {}", named(facts.unresolved));
        let cure = "mend the names or the name server, or write addresses into the groups";
        add(found, "firewall.unresolved", Weight::Medium, what, cure);
    }
    let wide = |member: &config::Member| match member {
        config::Member::Network(network) => match network.addr() {
            IpAddr::V4(_) => network.prefix_len() < PROXY_V4_BITS,
            IpAddr::V6(_) => network.prefix_len() < 64,
        },
        _ => true,
    };
    let proxies = &facts.office.network.trusted_proxies;
    if proxies.iter().any(wide) {
        let what =
            "network.trusted_proxies names whole networks: who is in them can claim any address".to_owned();
        add(found, "proxies.wide", Weight::High, what, "name the proxies' own addresses");
    }
}

fn is_open(listener: &Listener) -> bool {
    listener.state == "listening"
}

fn passwords(office: &Office, found: &mut Vec<Finding>) {
    let weak = config::weak_lines(office);
    if !weak.is_empty() {
        let what = format!("{} SIP passwords are weak: lines {}", weak.len(), named(&weak));
        let cure = "ringwall password EXTENSION makes a strong one";
        add(found, "sip-passwords.weak", Weight::High, what, cure);
    }
    let by_hand = config::hand_set_lines(office);
    if !by_hand.is_empty() {
        let what = format!("{} SIP passwords were set by hand: lines {}", by_hand.len(), named(&by_hand));
        let cure = "let ringwall password EXTENSION generate them, so that they stand nowhere else";
        add(found, "sip-passwords.by-hand", Weight::Low, what, cure);
    }
    let lines = office.extensions.values().flat_map(|extension| &extension.value.lines);
    let md5: Vec<&str> =
        lines.filter(|line| line.digest.0 == DigestPolicy::Md5).map(|line| line.username.as_str()).collect();
    if !md5.is_empty() {
        let what = format!("{} lines take MD5 digests alone: {}", md5.len(), named(&md5));
        add(found, "digest.md5", Weight::Low, what, "set digest = \"both\" once their phones can do SHA-256");
    }
    if office.administrators() == 1 {
        let what = "there is a single administrator, whose lost password locks everybody out".to_owned();
        add(found, "administrators.one", Weight::Low, what, "add a second user with role = \"full\"");
    }
}

fn encryption(facts: &Facts<'_>, found: &mut Vec<Finding>) {
    let with = |policy: Encryption| -> Vec<&str> {
        let all = facts.office.extensions.iter();
        all.filter(|(_, extension)| extension.value.encryption.0 == policy)
            .map(|(number, _)| number.as_str())
            .collect()
    };
    let (off, optional) = (with(Encryption::Off), with(Encryption::Optional));
    if !off.is_empty() {
        let what = format!("{} extensions have encryption switched off: {}", off.len(), named(&off));
        let cure = "set encryption = \"optional\", or \"required\" once their phones use TLS";
        add(found, "encryption.off", Weight::Medium, what, cure);
    }
    if !optional.is_empty() {
        let what =
            format!("{} extensions may be used without encryption: {}", optional.len(), named(&optional));
        let cure = "set encryption = \"required\" once their phones use TLS";
        add(found, "encryption.optional", Weight::Low, what, cure);
    }
    let soonest = facts.certificates.iter().min();
    let left_s = soonest.map(|end| end.saturating_since(facts.now).as_secs());
    if let Some(left_s) = left_s.filter(|left| *left < CERTIFICATE_DAYS * DAY_S && !facts.renews_itself) {
        let weight = if left_s < CERTIFICATE_URGENT_DAYS * DAY_S { Weight::High } else { Weight::Medium };
        let what = format!("the certificate of the section tls ends in {} days", left_s / DAY_S);
        add(found, "certificate.expires", weight, what, "get a new one, put it in place and send SIGHUP");
    }
}

fn upkeep(facts: &Facts<'_>, found: &mut Vec<Finding>) {
    if facts.office.mail.host.is_none() {
        let what = "no mail server is set: warnings reach nobody who does not look at the logs".to_owned();
        add(found, "mail.none", Weight::Medium, what, "set the section mail");
    } else if facts.office.security.guessing.warn_email.is_empty() {
        let what = "nobody is told by mail when an address is blocked".to_owned();
        add(found, "guessing.silent", Weight::Low, what, "set security.guessing.warn_email");
    }
    let guessing = &facts.office.security.guessing;
    if guessing.attempts > MANY_ATTEMPTS {
        let what = format!("an address may try {} wrong passwords before it is blocked", guessing.attempts);
        let cure = "set security.guessing.attempts to 5 or so";
        add(found, "guessing.loose", Weight::Medium, what, cure);
    }
    if let Some((what, cure)) = notes::slow(guessing) {
        add(found, "guessing.slow", Weight::Low, what, cure);
    }
    let trusted = guessing.trusted.as_deref().map(|group| config::prefixes(facts.office, group));
    if trusted.unwrap_or_default().iter().any(is_wide) {
        let what = "security.guessing.trusted holds a wide network, which may guess without end".to_owned();
        add(found, "trusted.wide", Weight::High, what, "trust single addresses, such as your monitoring's");
    }
    if !facts.exposed.is_empty() {
        let names: Vec<String> = facts.exposed.iter().map(|path| path.display().to_string()).collect();
        let what = format!("others than the server's user may open {}", named(&names));
        add(found, "files.exposed", Weight::High, what, "chmod go-rwx these files");
    }
}

/// Wider than any network of one office.
fn is_wide(network: &IpNet) -> bool {
    match network {
        IpNet::V4(v4) => v4.prefix_len() < 16,
        IpNet::V6(v6) => v6.prefix_len() < 48,
    }
}

fn named<T: AsRef<str>>(names: &[T]) -> String {
    let mut text = names.iter().take(NAMED).map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    if names.len() > NAMED {
        text.push_str(&format!(" and {} more", names.len() - NAMED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Transport;
    use std::sync::Arc;
    use std::time::Duration;

    fn listener(address: &str, state: &str) -> Listener {
        Listener {
            service: "sip".into(),
            transport: Transport::Udp,
            address: address.parse().unwrap(),
            port: 5060,
            state: state.into(),
        }
    }

    fn ids(facts: &Facts<'_>) -> Vec<String> {
        check(facts).findings.into_iter().map(|finding| finding.id).collect()
    }

    #[test]
    fn each_weakness_is_found_and_a_sound_server_has_none() {
        let mut office = Office::default();
        office.mail.host = Some("mail.test".into());
        office.security.guessing.warn_email = "it@example.test".into();
        let now = Wall::from_millis(1_800_000_000_000);
        let days = |days| now.after(Duration::from_secs(days * DAY_S));
        let inside = guard::AddressSet::of(["10.0.0.0/8".parse().unwrap()]);
        let closed = Rows { sip: Arc::new(Row::Only(inside)), ..Rows::default() };
        let everywhere = [listener("0.0.0.0", "listening")];
        let certificates = [days(90)];
        let sound = || Facts {
            now,
            office: &office,
            rows: &closed,
            listeners: &everywhere,
            certificates: &certificates,
            renews_itself: false,
            unresolved: &[],
            exposed: &[],
        };
        assert_eq!(check(&sound()), Check { score: 100, findings: Vec::new() });
        let open = Rows::default();
        assert_eq!(ids(&Facts { rows: &open, ..sound() }), ["sip.open"]);
        let loopback = [listener("127.0.0.1", "listening")];
        assert!(ids(&Facts { rows: &open, listeners: &loopback, ..sound() }).is_empty());
        let failed = [listener("0.0.0.0", "failed: port in use")];
        assert_eq!(ids(&Facts { listeners: &failed, ..sound() }), ["listeners.failed"]);
        let soon = Facts { certificates: &[days(6)], ..sound() };
        assert_eq!(
            (ids(&soon), check(&soon).findings[0].weight),
            (vec!["certificate.expires".into()], Weight::High)
        );
        assert!(ids(&Facts { certificates: &[days(6)], renews_itself: true, ..sound() }).is_empty());
        assert_eq!(ids(&Facts { unresolved: &["a.test".into()], ..sound() }), ["firewall.unresolved"]);
        assert_eq!(ids(&Facts { exposed: &["/srv/secret.key".into()], ..sound() }), ["files.exposed"]);
        let mut bad = office.clone();
        bad.mail.host = None;
        bad.network.trusted_proxies = vec![config::Member::parse("10.0.0.0/8").unwrap()];
        let found = check(&Facts { office: &bad, ..sound() });
        assert_eq!(found.score, 65);
        let mut loose = office.clone();
        loose.security.guessing.attempts = 50;
        assert_eq!(ids(&Facts { office: &loose, ..sound() }), ["guessing.loose"]);
        let mut slow = office.clone();
        slow.security.guessing.slow =
            Some(config::Slow { attempts: 3, period: config::Span::seconds(86_400) });
        assert_eq!(ids(&Facts { office: &slow, ..sound() }), ["guessing.slow"]);
        let mut silent = office.clone();
        silent.security.guessing.warn_email.clear();
        assert_eq!(ids(&Facts { office: &silent, ..sound() }), ["guessing.silent"]);
        assert_eq!(
            ids(&Facts { office: &bad, ..sound() }),
            ["proxies.wide", "mail.none"],
            "the heaviest first"
        );
    }
}
