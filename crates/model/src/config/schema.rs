//! The sections of the configuration: the one schema that TOML, JSON and export are views of.
//!
//! Each record lists its keys with their defaults. What a record can say about itself is checked in `check`; what
//! several records must agree on, in `agree`.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::address::Member;
use super::check;
use super::read::section;
use super::scalar::{Digest, Encryption, KernelOffload, Known, PortRange, Role, Size, Span};
use super::value::{Data, Value};
use crate::DialString;

/// Sections of this release, in the order of an export.
pub(crate) const SECTIONS: &[&str] = &[
    "system",
    "network",
    "listen",
    "sip",
    "tls",
    "console",
    "logs",
    "mail",
    "address_groups",
    "firewall",
    "security",
    "users",
    "extensions",
];
/// Sections of releases to come, refused by name.
pub(crate) const LATER: &[&str] = &[
    "call_permissions",
    "blacklist",
    "trunks",
    "routes",
    "emergency",
    "ring_groups",
    "queues",
    "attendants",
    "conferences",
    "snmp",
    "provisioning",
    "crm",
    "directory",
    "vault",
    "backup",
];

section! {
    /// `[system]`: what the office is called and how it writes numbers.
    pub struct System {
        /// The organisation's name.
        name: String = "Ringwall".to_owned(),
        /// IANA time zone: days and history are counted in it.
        time_zone: String = "UTC".to_owned(),
        /// Language of announcements and pages.
        language: String = "en".to_owned(),
        /// The SIP domain, a name or an address.
        domain: String = "localhost".to_owned(),
        /// Other names of the same domain.
        aliases: Vec<String> = Vec::new(),
        /// The digest realm; the domain where absent.
        realm: Option<String> = None,
        /// ISO 3166 country, two letters; absent: numbers have no canonical form.
        country: Option<String> = None,
        /// Dialled before a country code.
        international_prefix: String = "00".to_owned(),
        /// Dialled before an area code; empty where there is none.
        national_prefix: String = String::new(),
        /// How long running calls are given when the server stops (SPEC R3.1).
        drain: Span = Span::seconds(10),
    }
    aside []
    later []
    check check::system
}

section! {
    /// `[network]`: who is inside and what others are shown (SPEC R2.23).
    pub struct Network {
        /// Address group of who is inside; absent: private, loopback and link-local addresses.
        local: Option<String> = None,
        /// Shown to IPv4 peers outside.
        public_address_v4: Option<Ipv4Addr> = None,
        /// Shown to IPv6 peers outside.
        public_address_v6: Option<Ipv6Addr> = None,
        /// Addresses and prefixes of proxies whose forwarding headers are believed (SPEC R4.21).
        trusted_proxies: Vec<Member> = Vec::new(),
        /// Whether nftables is told what is refused, where the process may administer it: `auto` or `off` (SPEC R4.8).
        kernel_offload: KernelOffload = KernelOffload::Auto,
    }
    aside []
    later []
    check check::network
}

section! {
    /// `[listen]`: ports and addresses (SPEC section 2). An empty list switches a listener off.
    pub struct Listen {
        /// SIP over UDP.
        sip_udp: Vec<SocketAddr> = any_address(5_060),
        /// SIP over TCP.
        sip_tcp: Vec<SocketAddr> = any_address(5_060),
        /// SIP over TLS.
        sip_tls: Vec<SocketAddr> = any_address(5_061),
        /// The console and its API, HTTPS.
        console: Vec<SocketAddr> = any_address(4_021),
        /// Media.
        media_ports: PortRange = PortRange { first: 10_000, last: 19_999 },
    }
    aside []
    later []
    check check::listen
}

fn any_address(port: u16) -> Vec<SocketAddr> {
    vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))]
}

section! {
    /// `[sip]`: times of the SIP side.
    pub struct Sip {
        /// Shortest registration granted.
        min_expires: Span = Span::seconds(60),
        /// Longest registration granted.
        max_expires: Span = Span::seconds(3_600),
        /// Between keep-alives to `nat` lines.
        keep_alive: Span = Span::seconds(25),
        /// Silence on an expected media stream after which a call ends.
        dead_media: Span = Span::seconds(60),
        /// How long a phone rings where nothing else says.
        ring_timeout: Span = Span::seconds(120),
        /// A call that neither phone refreshes within this ends, even on hold; `"0s"` switches it off.
        session_expires: Span = Span::seconds(1_800),
        /// Shortest such time that a phone may ask for.
        session_min: Span = Span::seconds(90),
    }
    aside []
    later []
    check check::sip
}

section! {
    /// `[tls]`: a certificate of one's own; absent: the local authority makes them (SPEC R3.2).
    pub struct Tls {
        /// File with the certificate and those between it and its authority, PEM.
        certificate: Option<String> = None,
        /// File with its private key, PEM.
        key: Option<String> = None,
        /// Instead of files: the SHA-256 of a certificate that was uploaded in the console, in hexadecimal.
        uploaded: Option<String> = None,
    }
    aside []
    later []
    check check::tls
}

section! {
    /// `[console]`: how long somebody stays signed in (SPEC R8.1).
    pub struct Console {
        /// Without a request for this long, a session is over.
        idle_timeout: Span = Span::seconds(1_800),
        /// However busy, a session is over after this.
        session_lifetime: Span = Span::seconds(43_200),
    }
    aside []
    later []
    check check::console
}

section! {
    /// `[logs]`: how much of the log files is kept (SPEC R10.1).
    pub struct Logs {
        /// Size at which a file is rotated.
        rotate_size: Size = Size(10_000_000),
        /// Rotated files kept of each log.
        keep: u32 = 10,
    }
    aside []
    later [("syslog", Value::is_empty)]
    check check::logs
}

section! {
    /// `[[address_groups]]`: a named set of addresses (SPEC R4.1).
    pub struct AddressGroup {
        /// Its name.
        name: String,
        /// What it holds.
        members: Vec<Member> = Vec::new(),
    }
    aside ["was"]
    later []
    check check::address_group
}

section! {
    /// `[firewall]`: who reaches a service, as the name of an address group; absent: whoever is not blocked (SPEC R4.2).
    pub struct Firewall {
        /// Console and web phone.
        web: Option<String> = None,
        /// SIP over any transport.
        sip: Option<String> = None,
        /// TFTP and HTTPS for phones.
        provisioning: Option<String> = None,
        /// CRM integration.
        crm: Option<String> = None,
        /// SNMP monitoring.
        snmp: Option<String> = None,
        /// A change over HTTPS that shuts out who makes it goes back by itself after this, unless confirmed (SPEC R4.3).
        confirm_within: Span = Span::seconds(120),
    }
    aside []
    later []
    check check::firewall
}

section! {
    /// `[security]`: what is refused by itself.
    pub struct Security {
        /// Wrong passwords.
        guessing: Guessing = Guessing::default(),
    }
    aside []
    later [("outgoing", Value::is_empty)]
    check |_, _, _| {}
}

section! {
    /// `[security.guessing]`: when wrong passwords block, whom, and for how long (SPEC R4.4 to R4.7).
    pub struct Guessing {
        /// The failure that blocks.
        attempts: u32 = 5,
        /// Failures older than this are forgotten.
        period: Span = Span::seconds(300),
        /// How long is refused who is blocked.
        block: Span = Span::seconds(1_800),
        /// Who is told of each block.
        warn_email: String = String::new(),
        /// What is refused first at an address where phones have signed in before.
        known: Known = Known::default(),
        /// Address group that is never blocked.
        trusted: Option<String> = None,
        /// For patient guessers; absent: off.
        slow: Option<Slow> = None,
    }
    aside []
    later []
    check check::guessing
}

section! {
    /// The rule for patient guessers.
    pub struct Slow {
        /// The failure that blocks.
        attempts: u32 = 100,
        /// Failures older than this are forgotten.
        period: Span = Span::seconds(86_400),
    }
    aside []
    later []
    check |_, _, _| {}
}

section! {
    /// `[[users]]`: a person with a login.
    pub struct User {
        /// Signs in with this.
        login: String,
        /// The person's name.
        name: String = String::new(),
        /// For what is mailed to the person.
        email: String = String::new(),
        /// What the person may do on the console.
        role: Role = Role::User,
        /// Numbers of the person's extensions.
        extensions: Vec<String> = Vec::new(),
        /// Keys owned by the person that `apply` overwrites: `password`.
        enforce: Vec<String> = Vec::new(),
    }
    aside ["was", "password", "password_hash"]
    later []
    check check::user
}

section! {
    /// `[[extensions]]`: an internal number.
    pub struct Extension {
        /// The number dialled.
        number: String,
        /// Shown as the caller's name.
        description: String = String::new(),
        /// Its phones stand behind a translating router.
        nat: bool = false,
        /// Whether its phones must encrypt (SPEC R4.15).
        encryption: Encryption = Encryption::default(),
        /// Its devices.
        lines: Vec<Line> = Vec::new(),
        /// Keys owned by the user that `apply` overwrites: `forwarding`, `do_not_disturb`.
        enforce: Vec<String> = Vec::new(),
    }
    aside ["was", "forwarding", "do_not_disturb"]
    later [
        ("call_permissions", Value::is_empty),
        ("voicemail", is_disabled),
        ("recording", is_off)
    ]
    check check::extension
}

section! {
    /// A device of an extension.
    pub struct Line {
        /// Its SIP username, unique in the office.
        username: String,
        /// Which digests it is challenged with.
        digest: Digest = Digest::default(),
    }
    aside ["was", "password"]
    later []
    check check::line
}

section! {
    /// Where an extension's calls go instead; a user's own setting (SPEC R6.8).
    pub struct Forwarding {
        /// Every call.
        always: Option<DialString> = None,
        /// Calls that find it busy.
        busy: Option<DialString> = None,
        /// Calls that ring too long.
        no_answer: Option<NoAnswer> = None,
        /// Calls while no phone is reachable.
        unreachable: Option<DialString> = None,
    }
    aside []
    later []
    check |_, _, _| {}
}

section! {
    /// Forwarding of calls that ring too long.
    pub struct NoAnswer {
        /// Where to.
        to: Option<DialString>,
        /// After how long.
        after: Span = Span::seconds(20),
    }
    aside []
    later []
    check check::no_answer
}

section! {
    /// What an extension's user sets himself; no part of revisions (SPEC R3.4).
    pub struct Personal {
        /// Where its calls go instead.
        forwarding: Forwarding = Forwarding::default(),
        /// Refuses calls as busy.
        do_not_disturb: bool = false,
    }
    aside []
    later []
    check |_, _, _| {}
}

fn is_off(value: &Value) -> bool {
    value.is_empty() || value.as_text() == Some("off")
}

/// `voicemail` may be there as long as it is not enabled.
fn is_disabled(value: &Value) -> bool {
    value.is_empty() || value.find("enabled").is_some_and(|enabled| enabled.data == Data::Boolean(false))
}

impl Firewall {
    /// Each service's key and the group that its row names.
    pub fn rows(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("web", self.web.as_deref()),
            ("sip", self.sip.as_deref()),
            ("provisioning", self.provisioning.as_deref()),
            ("crm", self.crm.as_deref()),
            ("snmp", self.snmp.as_deref()),
        ]
    }

    /// The groups named, to be changed.
    pub(crate) fn groups_mut(&mut self) -> [&mut Option<String>; 5] {
        [&mut self.web, &mut self.sip, &mut self.provisioning, &mut self.crm, &mut self.snmp]
    }
}

impl Sip {
    /// The section's and the system's times as the machines use them.
    pub fn times(&self, drain: Span) -> crate::directory::Times {
        crate::directory::Times {
            min_expires: self.min_expires.0,
            max_expires: self.max_expires.0,
            keep_alive: self.keep_alive.0,
            dead_media: self.dead_media.0,
            ring_timeout: self.ring_timeout.0,
            session_expires: self.session_expires.0,
            session_min: self.session_min.0,
            drain: drain.0,
        }
    }
}

impl Personal {
    /// The settings as they are stored.
    pub fn to_value(&self) -> Value {
        super::read::Schema::write(self)
    }
}

impl Forwarding {
    /// The setting as the directory holds it.
    pub fn resolved(&self) -> crate::directory::Forwarding {
        let no_answer = |rule: &NoAnswer| rule.to.clone().map(|to| (to, rule.after.0));
        crate::directory::Forwarding {
            always: self.always.clone(),
            busy: self.busy.clone(),
            no_answer: self.no_answer.as_ref().and_then(no_answer),
            unreachable: self.unreachable.clone(),
        }
    }
}

/// Longest time any setting may have: a month covers every timer of an exchange.
pub(crate) const MAX_SPAN: Duration = Duration::from_secs(31 * 86_400);
