//! What a change would do: the difference, what would be lost, and the office as it would be.
//!
//! `apply`, console, API and rollback all come through here: read into a draft, settle it against what there is,
//! check that everything agrees. Nothing is half taken. Not here: storing it (`store`).

use std::fmt;

use serde::Serialize;

use super::agree::{self, Origins};
use super::draft::{Draft, Mode, NewPassword};
use super::file;
use super::office::{Kind, Office};
use super::problem::{Findings, Problems};
use super::read::Reading;
use super::schema::Personal;
use super::settle;
use super::value::{Place, Value};
use crate::{Entropy, Id, IdMint, Secret, Wall};

/// Objects that a change may delete without being told so twice.
pub const MAX_UNCONFIRMED: usize = 20;
/// Largest file taken: 10,000 extensions need some 4 MB.
pub const MAX_FILE: usize = 32 * 1_024 * 1_024;

/// Whether many deletions are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletions {
    /// More than [`MAX_UNCONFIRMED`] are refused.
    #[default]
    Few,
    /// All are meant (`--yes`), or nothing will be done (`--dry-run`).
    Any,
}

/// How a file is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether absent entries are removed.
    pub mode: Mode,
    /// Whether many deletions are meant.
    pub deletions: Deletions,
    /// Refuse if this is not the current revision.
    pub if_revision: Option<u64>,
}

/// Text to apply and the name that errors give it.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A TOML file.
    Toml(&'a str, &'a str),
    /// A JSON body.
    Json(&'a str, &'a str),
}

/// What a plan draws from outside: random bytes, ids, the time, and the slow check of a person's password.
#[derive(Debug)]
pub struct Supply {
    /// For generated passwords.
    pub entropy: Entropy,
    /// For ids of new objects.
    pub mint: IdMint,
    /// Now.
    pub wall: Wall,
    /// Whether a password matches an argon2id PHC string. Asked only for enforced passwords in clear.
    pub verify: fn(&str, &Secret) -> bool,
}

/// One object that changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its kind.
    pub kind: Kind,
    /// Its id; zero for singletons.
    pub id: Id,
    /// Its natural key afterwards, or the one it had if it is removed; empty for singletons.
    pub key: String,
    /// Its former key, if it is renamed.
    pub was: Option<String>,
    /// The record before; `None` if it is new. Never holds a secret.
    pub before: Option<Value>,
    /// The record afterwards; `None` if it is removed.
    pub after: Option<Value>,
    /// Secrets and settings of users that change with it, in words: `password of line 101 generated`.
    pub marks: Vec<String>,
}

/// What is stored beside the objects. Removals come before what is set.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// SIP passwords by username; `None`: removed.
    pub sip_passwords: Vec<(String, Option<Secret>)>,
    /// Passwords of people by login; `None`: removed.
    pub people: Vec<(String, Option<NewPassword>)>,
    /// Password at the mail server, if it changes; inside it `None`: removed.
    pub mail_password: Option<Option<Secret>>,
    /// Settings of users by extension number; `None`: removed.
    pub personal: Vec<(String, Option<Personal>)>,
}

/// A change that can be carried out.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The revision it was made against; the change is refused if that is not current any more.
    pub base: u64,
    /// The objects that change.
    pub changes: Vec<Change>,
    /// What changes beside them.
    pub effects: Effects,
    /// The difference for people, a line each, beginning with `+`, `-` or `~`.
    pub difference: Vec<String>,
    /// What would be lost for good.
    pub lost: Vec<String>,
    /// What the file says but nothing will be done about, and why.
    pub notes: Vec<String>,
    /// Objects and lines deleted.
    pub deletions: usize,
    /// The office afterwards. Hashes of passwords given in clear are still missing in it.
    pub after: Office,
}

impl Plan {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        let effects = &self.effects;
        self.changes.is_empty()
            && effects.sip_passwords.is_empty()
            && effects.people.is_empty()
            && effects.mail_password.is_none()
            && effects.personal.is_empty()
    }
}

/// Why a change is refused whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The input is wrong.
    #[error("{0}")]
    Problems(Problems),
    /// Somebody else changed the configuration since.
    #[error("revision {asked} is not current, {current} is; look at what changed and apply again")]
    Stale {
        /// The revision asked for.
        asked: u64,
        /// The current one.
        current: u64,
    },
    /// Many objects would be deleted.
    #[error("{count} objects would be deleted; look at --dry-run and confirm with --yes")]
    ManyDeletions {
        /// How many.
        count: usize,
    },
    /// Nobody could administrate the PBX any more.
    #[error("the last administrator (role \"full\") would be removed; keep one or add another first")]
    LastAdministrator,
    /// What is named does not exist.
    #[error("{0} does not exist")]
    Unknown(String),
    /// A new object has the natural key of another.
    #[error("{0} exists already; choose another")]
    Exists(String),
    /// Others need what would be deleted: a whole sentence.
    #[error("{0}")]
    InUse(String),
}

/// What applying `source` to `current` would do.
///
/// # Errors
/// Whatever is wrong with it, all at once; a stale revision; too many deletions; the last administrator.
pub fn plan(
    current: &Office,
    source: Source<'_>,
    options: &Options,
    supply: &mut Supply,
) -> Result<Plan, Refusal> {
    fresh(current, options)?;
    let (name, text) = match source {
        Source::Toml(name, text) | Source::Json(name, text) => (name, text),
    };
    let root = parse(source).map_err(Refusal::Problems)?;
    plan_value(current, &root, (name, text), options, supply)
}

/// What applying `root`, read from `text`, would do.
pub(crate) fn plan_value(
    current: &Office,
    root: &Value,
    (name, text): (&str, &str),
    options: &Options,
    supply: &mut Supply,
) -> Result<Plan, Refusal> {
    let mut at = Reading::default();
    let draft = file::read(root, current, options.mode, &mut at);
    let origins = Origins::new(Some(root), &draft);
    let incomplete = draft.incomplete;
    let settled = settle::settle(current, draft, supply);
    agree::check(&settled.after, &origins, incomplete, &mut at.findings);
    at.findings.into_result(name, text).map_err(Refusal::Problems)?;
    permit(current, settled, options)
}

/// What making `current` match `draft` would do, for changes that come from no file.
pub(crate) fn plan_draft(
    current: &Office,
    draft: Draft,
    name: &str,
    options: &Options,
    supply: &mut Supply,
) -> Result<Plan, Refusal> {
    fresh(current, options)?;
    let mut at = Reading::default();
    let origins = Origins::new(None, &draft);
    let settled = settle::settle(current, draft, supply);
    agree::check(&settled.after, &origins, false, &mut at.findings);
    at.findings.into_result(name, "").map_err(Refusal::Problems)?;
    permit(current, settled, options)
}

/// What a key of a section turned out to mean outside, where it can't be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The section.
    pub section: &'static str,
    /// The key.
    pub key: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub cure: String,
}

/// Why a plan from `source`, which is right in itself, is refused after all. `None`: it came from no file.
pub fn misfits(source: Option<Source<'_>>, list: Vec<Misfit>) -> Refusal {
    let (name, text) = match source {
        Some(Source::Toml(name, text) | Source::Json(name, text)) => (name, text),
        None => ("configuration", ""),
    };
    let root = source.and_then(|source| parse(source).ok());
    let mut findings = Findings::default();
    for misfit in list {
        let section = root.as_ref().and_then(|root| root.find(misfit.section));
        let said = section.map(|section| section.find(misfit.key).unwrap_or(section));
        let place = said.map_or(Place::default(), |said| said.place);
        findings.add(place, format!("{}.{}", misfit.section, misfit.key), misfit.what, misfit.cure);
    }
    Refusal::Problems(findings.into_problems(name, text))
}

fn fresh(current: &Office, options: &Options) -> Result<(), Refusal> {
    match options.if_revision {
        Some(asked) if asked != current.revision => Err(Refusal::Stale { asked, current: current.revision }),
        _ => Ok(()),
    }
}

fn permit(current: &Office, plan: Plan, options: &Options) -> Result<Plan, Refusal> {
    if current.administrators() > 0 && plan.after.administrators() == 0 {
        return Err(Refusal::LastAdministrator);
    }
    if plan.deletions > MAX_UNCONFIRMED && options.deletions == Deletions::Few {
        return Err(Refusal::ManyDeletions { count: plan.deletions });
    }
    Ok(plan)
}

pub(crate) fn parse(source: Source<'_>) -> Result<Value, Problems> {
    let (name, text) = match source {
        Source::Toml(name, text) | Source::Json(name, text) => (name, text),
    };
    let result = match source {
        _ if text.len() > MAX_FILE => Err(vec![(Place::default(), format!("larger than {MAX_FILE} bytes"))]),
        Source::Toml(..) => Value::from_toml(text),
        Source::Json(..) => serde_json::from_str(text).map_err(|error| vec![json_error(text, &error)]),
    };
    result.map_err(|errors| {
        let mut findings = Findings::default();
        for (place, message) in errors {
            findings.add(place, "", message, "correct the file");
        }
        findings.into_problems(name, text)
    })
}

fn json_error(text: &str, error: &serde_json::Error) -> (Place, String) {
    let line = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the JSON ends too early",
        _ => "not JSON",
    };
    (Place(Some(before.saturating_add(error.column().saturating_sub(1)))), what.to_owned())
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() { write!(f, "{}", self.kind) } else { write!(f, "{} {}", self.kind, self.key) }
    }
}
