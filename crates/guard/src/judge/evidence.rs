//! What is kept of somebody's failures, for who reads the list of blocks.

use std::time::Duration;

use model::Wall;
use serde::{Deserialize, Serialize};

use super::{Failure, Guessing, SignedIn};

/// Accounts named in evidence; a sprayer tries thousands.
pub const MAX_ACCOUNTS: usize = 10;
/// Clients named in evidence.
pub const MAX_AGENTS: usize = 3;
/// Services named in evidence.
const MAX_SERVICES: usize = 8;
/// Characters kept of a name; they are hostile text.
const MAX_TEXT: usize = 64;

/// Characters of an administrator's reason; who blocks is told when it is longer.
pub const MAX_WHY: usize = 200;

/// The rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// `attempts` within this time.
    Attempts(Duration),
    /// `slow.attempts` within this time.
    Slow(Duration),
}

/// What was tried, by whom, and whether it got anywhere. Names are as they came: escape them where they are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// The services that were tried.
    pub services: Vec<String>,
    /// Accounts tried, the first ones.
    pub accounts: Vec<String>,
    /// How many accounts were tried, as far as they could be told apart.
    pub accounts_tried: u32,
    /// What the clients said they are, the first ones.
    pub agents: Vec<String>,
    /// Wrong passwords.
    pub failures: u32,
    /// The first one.
    pub first: Option<Wall>,
    /// The last one.
    pub last: Option<Wall>,
    /// Whether somebody signed in from there: before, or while passwords were tried.
    pub signed_in: bool,
    /// The time within which this was too much; `None`: blocked by hand.
    pub within: Option<Duration>,
    /// Why it was blocked by hand.
    pub why: String,
}

impl Evidence {
    pub(super) fn by_hand(now: Wall, why: &str) -> Evidence {
        Evidence {
            why: why.chars().take(MAX_WHY).collect(),
            first: Some(now),
            last: Some(now),
            ..Evidence::default()
        }
    }

    /// That one account failed too often.
    pub(super) fn of_account(now: Wall, failure: &Failure<'_>, settings: &Guessing) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.note(now, failure);
        Evidence { failures: settings.attempts, within: Some(settings.period), ..evidence }
    }

    pub(super) fn note(&mut self, now: Wall, failure: &Failure<'_>) {
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.failures = self.failures.saturating_add(1);
        self.signed_in |= failure.signed_in == SignedIn::Before;
        remember(&mut self.services, failure.service, MAX_SERVICES);
        if remember(&mut self.accounts, failure.account, MAX_ACCOUNTS) {
            self.accounts_tried = self.accounts_tried.saturating_add(1);
        }
        if !failure.agent.is_empty() {
            remember(&mut self.agents, failure.agent, MAX_AGENTS);
        }
    }

    pub(super) fn signed_in(&mut self) {
        self.signed_in = true;
    }

    pub(super) fn within(&self, rule: Rule) -> Evidence {
        let (Rule::Attempts(period) | Rule::Slow(period)) = rule;
        Evidence { within: Some(period), ..self.clone() }
    }
}

/// Keeps a name if it is new. Whether it is; one beyond the bound counts as new, since nobody knows.
fn remember(list: &mut Vec<String>, text: &str, most: usize) -> bool {
    let text = cut(text);
    if list.contains(&text) {
        return false;
    }
    if list.len() < most {
        list.push(text);
    }
    true
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}
