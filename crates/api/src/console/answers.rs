//! What goes over the wire at the console's doors.

use std::net::IpAddr;

use model::{Secret, Wall};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{Permission, Permissions};

/// A secret in a body.
#[derive(Clone, Debug)]
pub struct Hidden(pub Secret);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hidden, D::Error> {
        String::deserialize(deserializer).map(|text| Hidden(Secret::new(text)))
    }
}

/// How far somebody is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The code of the first set-up was right.
    Setup,
    /// The password was right, a second factor is missing.
    SecondFactor,
    /// Signed in.
    SignedIn,
}

/// A session that stands.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its id, which opens nothing.
    pub id: String,
    /// How far it goes.
    pub stage: Stage,
    /// Whose it is.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// The role in a word.
    pub role: String,
    /// What it may.
    pub permissions: Permissions,
    /// Whether a second factor is set.
    pub second_factor: bool,
    /// How long it lasts without a request.
    pub idle_s: f64,
    /// When it ends whatever happens.
    pub ends: Wall,
}

/// A new session and the key that opens it.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// For the cookie.
    pub key: Secret,
    /// What it is.
    pub known: Known,
}

/// What the office is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfficeName {
    /// The organisation.
    pub name: String,
    /// Language of the pages.
    pub language: String,
    /// Its IANA time zone, for who is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// `GET session`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// `setup`, `signed-out`, `second-factor` or `signed-in`.
    pub state: String,
    /// Where one is.
    pub office: OfficeName,
    /// Who one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserView>,
    /// Seconds without a request after which it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_s: Option<f64>,
    /// When it is over in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Wall>,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// Signs in with this.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// The role.
    pub role: String,
    /// What it may.
    pub permissions: Vec<Permission>,
    /// Whether a second factor is set.
    pub second_factor: bool,
}

/// A row of `GET sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionRow {
    /// Its id, which opens nothing.
    pub id: String,
    /// Whose it is.
    pub login: String,
    /// Where it was used last.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// What the browser says it is.
    pub user_agent: String,
    /// Signed in then.
    pub since: Wall,
    /// Used then.
    pub last_seen: Wall,
    /// Whether it is the asker's own.
    pub current: bool,
}

/// A second factor that waits for its first code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewFactor {
    /// The secret in base 32 (RFC 4648).
    pub secret: String,
    /// The same for an app, `otpauth://totp/...`.
    pub uri: String,
}

/// A row of `GET tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id, which opens nothing.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may.
    pub permissions: Vec<Permission>,
    /// From where; empty: from anywhere.
    pub from: Vec<String>,
    /// Made then.
    pub created: Wall,
    /// By whom.
    pub created_by: String,
    /// Over then; `None`: never.
    #[schema(required)]
    pub expires: Option<Wall>,
    /// Used last.
    #[schema(required)]
    pub last_used: Option<Wall>,
}

/// A token as its maker sees it, once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NewToken {
    /// The token itself.
    pub token: String,
    /// The rest.
    #[serde(flatten)]
    pub row: Token,
}

/// `POST tokens`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenWish {
    /// What it is for.
    pub name: String,
    /// What it may.
    pub permissions: Vec<Permission>,
    /// Addresses and prefixes it may be used from; empty: any.
    #[serde(default)]
    pub from: Vec<String>,
    /// Seconds until it is over; absent: never.
    pub expires_in_s: Option<f64>,
}

/// Something that was done or refused.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Who.
    pub author: String,
    /// What, as method and resource.
    pub action: String,
    /// To which.
    pub object: String,
    /// Why it was refused; empty else.
    pub detail: String,
    /// From where; `None`: the control socket.
    pub address: Option<IpAddr>,
    /// What became of it: `done`, `refused`, `failed`.
    pub outcome: &'static str,
}

/// A row of `GET audit`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// Its number; later ones are larger.
    pub id: i64,
    /// When.
    pub time: Wall,
    /// Who.
    pub author: String,
    /// What, as method and resource.
    pub action: String,
    /// To which.
    pub object: String,
    /// Why it was refused, or what it came to.
    pub detail: String,
    /// From where; empty: the control socket.
    pub address: String,
    /// `done`, `refused`, `failed`.
    pub outcome: String,
}

/// Which rows of the audit trail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Not more than so many.
    pub limit: Option<u32>,
    /// Older than this number.
    pub after: Option<i64>,
    /// By this author alone.
    pub author: Option<String>,
}

/// What the set-up page is filled with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeProposals {
    /// Our address that the browser reached.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// The networks that look like the office's own.
    pub firewall: SetUpFirewall,
    /// IANA time zones.
    pub time_zones: Vec<String>,
    /// The SIP domain.
    pub domain: String,
    /// What a file has named the office already; absent while nobody has.
    #[schema(required)]
    pub name: Option<String>,
    /// The time zone, if one was set already; absent: the browser's.
    #[schema(required)]
    pub time_zone: Option<String>,
    /// Numbers for the first two phones: those that exist already come first.
    pub extensions: Vec<String>,
}

/// Part of [`CodeProposals`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SetUpFirewall {
    /// Addresses and prefixes.
    pub group_members: Vec<String>,
}

/// `POST setup`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUpWish {
    /// The administrator's login.
    #[serde(default = "admin")]
    pub login: String,
    /// The password.
    #[schema(value_type = String)]
    pub password: Hidden,
    /// What the office is called.
    pub name: String,
    /// Its IANA time zone.
    pub time_zone: String,
    /// Language of pages and announcements.
    pub language: String,
    /// The SIP domain.
    pub domain: String,
    /// Number of the first phone. An extension that exists already stays as it is.
    pub first_extension: String,
    /// Number of the second; absent or empty: none.
    #[serde(default)]
    pub second_extension: Option<String>,
    /// The mail server; absent: none.
    #[serde(default)]
    pub mail: Option<MailWish>,
    /// Who is inside.
    #[serde(default)]
    pub network: NetworkWish,
    /// Who reaches what.
    #[serde(default)]
    pub firewall: FirewallWish,
}

fn admin() -> String {
    "admin".to_owned()
}

/// Part of [`SetUpWish`].
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailWish {
    /// The server.
    pub host: String,
    /// Its port.
    pub port: Option<u16>,
    /// `starttls`, `tls` or `none`.
    pub security: Option<String>,
    /// Signs in with this.
    #[serde(default)]
    pub username: String,
    /// And this.
    #[schema(value_type = Option<String>)]
    pub password: Option<Hidden>,
    /// The sender.
    #[serde(default)]
    pub from: String,
}

/// Part of [`SetUpWish`].
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkWish {
    /// Addresses and prefixes of who is inside; empty: the usual private ones.
    #[serde(default)]
    pub local_members: Vec<String>,
    /// Shown to peers outside.
    #[serde(default)]
    pub public_address_v4: Option<String>,
}

/// Part of [`SetUpWish`].
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirewallWish {
    /// Whether the console answers these members alone.
    #[serde(default)]
    pub web: bool,
    /// Whether SIP does.
    #[serde(default)]
    pub sip: bool,
    /// Addresses, prefixes and host names.
    #[serde(default)]
    pub members: Vec<String>,
}

/// What a phone is set up with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Phone {
    /// Its number.
    pub extension: String,
    /// SIP user name.
    pub username: String,
    /// SIP password.
    pub password: String,
    /// The registrar.
    pub server: String,
    /// Its port for UDP and TCP.
    pub port: u16,
    /// What it answers on.
    pub transports: Vec<String>,
}
