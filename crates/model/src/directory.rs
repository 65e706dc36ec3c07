//! The directory: who can be called and who may call, as one immutable snapshot.
//!
//! A change of configuration makes a new snapshot that shares the unchanged records with the old one; the machines
//! swap the pointer. Lookups are by key only. Not here: how it is made from the configuration (`config`).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::number::Numbering;
use crate::{DialString, Secret, Transport, Weakness, planted};

/// Everything that the control plane looks up while it decides.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The configuration's revision that this snapshot shows.
    pub revision: u64,
    /// The SIP domain, lower case.
    pub domain: String,
    /// Other names that mean us, lower case. Our own addresses are known to who listens.
    pub aliases: Vec<String>,
    /// The digest realm.
    pub realm: String,
    /// How numbers are written here.
    pub numbering: Numbering,
    /// Times of the SIP side.
    pub times: Times,
    /// Who is inside and what others are shown.
    pub network: Network,
    /// How strict the guard is with wrong passwords.
    pub guessing: Guessing,
    /// Lines by SIP username.
    pub lines: HashMap<Arc<str>, Arc<Line>, foldhash::fast::RandomState>,
    /// Extensions by number.
    pub extensions: HashMap<Arc<str>, Arc<Extension>, foldhash::fast::RandomState>,
    /// Ways out of the house for numbers that nobody has here; the first that fits. None is configured before there are trunks.
    pub ways_out: Vec<WayOut>,
}

/// A way out of the house.
#[derive(Clone, Debug)]
pub struct WayOut {
    /// What the number begins with, as dialled.
    pub prefix: String,
    /// What kind of calls go there.
    pub errand: Errand,
    /// Who takes them: lines registered with us that lead outside, named in call history.
    pub by: Arc<Extension>,
}

/// Why somebody calls outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// An ordinary call: not while outgoing calls are locked.
    Ordinary,
    /// For help: always.
    Emergency,
}

/// Times of the SIP side, all settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Shortest registration granted; a shorter wish is answered 423.
    pub min_expires: Duration,
    /// Longest registration granted; a longer wish is shortened.
    pub max_expires: Duration,
    /// Between keep-alives to `nat` lines.
    pub keep_alive: Duration,
    /// Silence on an expected media stream after which a call ends.
    pub dead_media: Duration,
    /// How long a phone rings where nothing says otherwise.
    pub ring_timeout: Duration,
    /// Interval of session timers (RFC 4028): half of it passes between two refreshes. Zero: we neither ask for them nor
    /// refresh, unless the peer wants it.
    pub session_expires: Duration,
    /// Shortest such interval taken; a shorter wish is answered 422.
    pub session_min: Duration,
    /// How long running calls are given when the server stops.
    pub drain: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(3_600),
            keep_alive: Duration::from_secs(25),
            dead_media: Duration::from_secs(60),
            ring_timeout: Duration::from_secs(120),
            session_expires: Duration::from_secs(1_800),
            session_min: Duration::from_secs(90),
            drain: Duration::from_secs(10),
        }
    }
}

/// Inside, outside, and the face shown to the outside (SPEC R2.23).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Prefixes that are inside. Empty: private, loopback and link-local addresses are.
    pub local: Vec<IpNet>,
    /// Shown to IPv4 peers outside, in SDP and Contact.
    pub public_v4: Option<Ipv4Addr>,
    /// Shown to IPv6 peers outside.
    pub public_v6: Option<Ipv6Addr>,
}

impl Network {
    /// Whether `address` is inside.
    pub fn is_inside(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self.local.is_empty() {
            return match address {
                IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
                IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
            };
        }
        self.local.iter().any(|prefix| prefix.contains(&address))
    }

    /// The address of ours that `peer` is shown, when it reached us at `reached`.
    pub fn shown_to(&self, peer: IpAddr, reached: IpAddr) -> IpAddr {
        if self.is_inside(peer) {
            return reached;
        }
        match reached.to_canonical() {
            IpAddr::V4(_) => self.public_v4.map_or(reached, IpAddr::V4),
            IpAddr::V6(_) => self.public_v6.map_or(reached, IpAddr::V6),
        }
    }
}

/// How strict the guard is with wrong passwords (SPEC R4.4 to R4.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guessing {
    /// The failure that blocks.
    pub attempts: u32,
    /// Failures older than this are forgotten.
    pub period: Duration,
    /// How long is refused who is blocked.
    pub block: Duration,
    /// What is refused where phones have signed in before.
    pub known: Known,
    /// For patient guessers: as many failures within a longer time.
    pub slow: Option<(u32, Duration)>,
    /// Never blocked, still logged.
    pub trusted: Vec<IpNet>,
}

impl Default for Guessing {
    fn default() -> Guessing {
        Guessing {
            attempts: 5,
            period: Duration::from_secs(300),
            block: Duration::from_secs(1_800),
            known: Known::Account,
            slow: None,
            trusted: Vec::new(),
        }
    }
}

/// What is refused first at an address where somebody had signed in before its first failure (SPEC R4.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// The account that fails, if it exists; the address goes on.
    #[default]
    Account,
    /// The address.
    Address,
}

/// A device: one SIP username and password of an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The SIP username.
    pub username: Arc<str>,
    /// The extension's number.
    pub extension: Arc<str>,
    /// The SIP password, opened from its seal.
    pub password: Secret,
    /// Which digests are offered and taken.
    pub digest: DigestPolicy,
    /// The extension's `nat` switch.
    pub nat: Nat,
    /// Whether the extension's phones must encrypt.
    pub encryption: Encryption,
}

impl Line {
    /// Whether its phone may sign in and call by this way (SPEC R4.15).
    pub fn admits(&self, transport: Transport) -> bool {
        self.encryption != Encryption::Required || transport.is_encrypted() || planted(Weakness::InClear)
    }
}

/// Which digest algorithms a line is challenged with (SPEC R6.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestPolicy {
    /// Two challenges, MD5 first: deployed phones give up when SHA-256 comes first.
    #[default]
    Both,
    /// SHA-256 only.
    Sha256,
    /// MD5 only.
    Md5,
}

/// Whether calls of an extension are encrypted (SPEC R4.15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// Not asked for; a phone that encrypts its signalling is welcome.
    Off,
    /// As the phone likes.
    #[default]
    Optional,
    /// Its phones sign in and call over TLS only.
    Required,
}

/// Whether a phone is expected behind a translating router: its Contact and SDP addresses are then not believed,
/// the addresses its packets come from are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nat {
    /// What the phone says of itself is where it is reached.
    #[default]
    Off,
    /// Where its packets come from is where it is reached.
    On,
}

/// An internal number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The number that is dialled.
    pub number: Arc<str>,
    /// Shown as the caller's name; may be empty.
    pub description: String,
    /// SIP usernames of its devices.
    pub lines: Vec<Arc<str>>,
    /// Where its calls go instead.
    pub forwarding: Forwarding,
    /// Refuses calls as busy; forwarding when busy applies.
    pub do_not_disturb: bool,
}

/// Forwarding of an extension (SPEC R6.8). `None`: not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// Every call.
    pub always: Option<DialString>,
    /// Calls that find it busy, or do not disturb.
    pub busy: Option<DialString>,
    /// Calls that ring longer than this.
    pub no_answer: Option<(DialString, Duration)>,
    /// Calls while no phone is registered or reachable.
    pub unreachable: Option<DialString>,
}

impl Directory {
    /// An office without extensions, for a server before its first `apply` and for tests.
    pub fn empty() -> Directory {
        Directory {
            revision: 0,
            domain: "localhost".into(),
            aliases: Vec::new(),
            realm: "localhost".into(),
            numbering: Numbering {
                country_code: String::new(),
                international_prefix: "00".into(),
                national_prefix: String::new(),
            },
            times: Times::default(),
            network: Network::default(),
            guessing: Guessing::default(),
            lines: HashMap::default(),
            extensions: HashMap::default(),
            ways_out: Vec::new(),
        }
    }

    /// Whether `host` (lower case, no brackets) is a name of ours.
    pub fn is_our_name(&self, host: &str) -> bool {
        host == self.domain || self.aliases.iter().any(|alias| alias == host)
    }
}
