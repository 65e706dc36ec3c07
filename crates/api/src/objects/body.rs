//! The objects as they are sent. Keys that only a GET has are ignored in writes.

use std::fmt;

use model::Wall;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::console::Hidden;

/// `GET extensions/{number}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Extension {
    /// The number dialled.
    pub number: String,
    /// Shown as the caller's name.
    pub description: String,
    /// Its phones stand behind a translating router.
    pub nat: bool,
    /// Whether its phones must encrypt.
    pub encryption: String,
    /// Its devices.
    pub lines: Vec<Line>,
    /// Where its calls go instead.
    pub forwarding: Forwarding,
    /// Refuses calls as busy.
    pub do_not_disturb: bool,
    /// Logins of the people it belongs to.
    #[serde(default)]
    pub users: Vec<String>,
    /// Registered phones.
    #[serde(default)]
    pub registered: usize,
    /// For `If-Match`.
    #[serde(default)]
    pub etag: String,
}

/// A device of an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// Its SIP username.
    pub username: String,
    /// Which digests it is challenged with.
    pub digest: String,
    /// Registered phones.
    #[serde(default)]
    pub registered: usize,
}

/// Where an extension's calls go instead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Forwarding {
    /// Every call.
    pub always: Option<String>,
    /// Calls that find it busy.
    pub busy: Option<String>,
    /// Calls that ring too long.
    pub no_answer: Option<NoAnswer>,
    /// Calls while no phone is reachable.
    pub unreachable: Option<String>,
}

/// Where calls go that ring too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NoAnswer {
    /// Where to.
    pub to: Option<String>,
    /// After how long: `20s`.
    pub after: String,
}

/// `GET users/{login}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Signs in with this.
    pub login: String,
    /// The person's name.
    pub name: String,
    /// For what is mailed to the person.
    pub email: String,
    /// What the person may do on the console.
    pub role: String,
    /// Numbers of the person's extensions.
    pub extensions: Vec<String>,
    /// Whether a second factor is asked for.
    #[serde(default)]
    pub second_factor: bool,
    /// For `If-Match`.
    #[serde(default)]
    pub etag: String,
}

/// `GET address-groups/{name}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddressGroup {
    /// Its name.
    pub name: String,
    /// What it holds, as written.
    pub members: Vec<String>,
    /// What needs it: `firewall.sip`, `address group Phones`.
    #[serde(default)]
    pub used_by: Vec<String>,
    /// Prefixes that it comes down to.
    #[serde(default)]
    pub addresses: usize,
    /// Host names in it that resolve to nothing.
    #[serde(default)]
    pub unresolved: Vec<String>,
    /// For `If-Match`.
    #[serde(default)]
    pub etag: String,
}

/// The answer to a write.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Written {
    /// The revision in force afterwards.
    pub revision: u64,
    /// The object as it is then; `null` where it was deleted.
    pub object: serde_json::Value,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// SIP passwords that were made for new lines; shown this once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passwords: Vec<MadePassword>,
    /// The change goes back by itself unless it is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// A SIP password that was made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadePassword {
    /// The line.
    pub username: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for MadePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MadePassword").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The body of `POST certificates`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateWish {
    /// The certificate, then those between it and its authority; PEM.
    pub certificate: String,
    /// Its private key, without a password; PEM.
    #[schema(value_type = String)]
    pub key: Hidden,
}

/// The answer to `POST extensions.csv`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// The revision in force afterwards.
    pub revision: u64,
    /// Numbers of the new extensions, in the order of the table.
    pub numbers: Vec<String>,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// SIP passwords that were made; shown this once. None of a dry run.
    pub passwords: Vec<MadeLine>,
}

/// A line of a new extension and the SIP password that was made for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeLine {
    /// The number dialled.
    pub extension: String,
    /// The line's SIP username.
    pub username: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for MadeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MadeLine").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A change that waits for its confirmation (SPEC R4.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pending {
    /// When it goes back by itself.
    pub until: Wall,
    /// Who made it.
    pub by: String,
    /// How long that is from now.
    pub seconds: f64,
}

/// `GET extensions/{number}/password`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revealed {
    /// The line.
    pub line: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revealed").field("line", &self.line).finish_non_exhaustive()
    }
}

/// The body of `PUT users/{login}/password`.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordBody {
    /// The new one.
    pub password: String,
}
