//! What is told of a block, alone or among others in a digest.

use std::fmt::Write as _;

use model::{Id, Wall};

use super::letter::{Letter, shown};
use super::outbox::Held;

/// What of an address is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Everything.
    Address,
    /// What one account does from there.
    Account(String),
}

/// A block that somebody is to know of. Texts are as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Whom to tell.
    pub to: String,
    /// When.
    pub at: Wall,
    /// The address or prefix.
    pub address: String,
    /// What of it.
    pub refused: Refused,
    /// The services that were tried.
    pub services: Vec<String>,
    /// Accounts tried, the first ones.
    pub accounts: Vec<String>,
    /// How many were tried.
    pub accounts_tried: u32,
    /// What the clients said they are.
    pub agents: Vec<String>,
    /// Wrong passwords.
    pub failures: u32,
    /// The first one.
    pub first: Option<Wall>,
    /// The last one.
    pub last: Option<Wall>,
    /// When the block ends; `None`: when it is lifted.
    pub until: Option<Wall>,
    /// What was tried, whether it got anywhere, what to do.
    pub sentence: String,
}

/// Longest sentence told: the guard's own has some 300 characters, with ten names of 64 in it.
const MAX_SENTENCE: usize = 1_500;

impl Warning {
    /// The letter about this one block.
    pub(super) fn letter(&self, id: Id, office: &str) -> Letter {
        let address = shown(&self.address);
        let subject = match &self.refused {
            Refused::Address => format!("[{}] {address} is blocked", shown(office)),
            Refused::Account(account) => {
                format!("[{}] Account {} is refused at {address}", shown(office), shown(account))
            }
        };
        let mut text = String::from("What happened\n");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\n", self.told());
        for (name, value) in self.rows() {
            let _ = writeln!(text, "{name:<10}{value}");
        }
        let _ = write!(
            text,
            "\nWhat it means\n{}\n\nWhat to do\n\
             Nothing, if you know neither the address nor the accounts: the block holds by itself.\n\
             ringwall blocks                 shows all blocks and why they are there\n\
             ringwall log security           shows each failure\n\
             ringwall unblock {address}      lets the address in again\n",
            match self.refused {
                Refused::Address =>
                    "Nobody at this address gets an answer from the PBX until the block ends. Calls that run go on.",
                Refused::Account(_) =>
                    "A device at this address has an old or wrong password. It alone is refused there; the others go on.",
            }
        );
        Letter { id, to: self.to.clone(), subject, text, written: self.at }
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let refused = match &self.refused {
            Refused::Address => "everything from there".to_owned(),
            Refused::Account(account) => format!("account {} from there", shown(account)),
        };
        let time = |time: Option<Wall>| time.map_or_else(|| "unknown".to_owned(), |time| time.to_string());
        let list = |texts: &[String]| match texts {
            [] => "not given".to_owned(),
            texts => texts.iter().map(|text| shown(text)).collect::<Vec<_>>().join(", "),
        };
        vec![
            ("Address", shown(&self.address)),
            ("Refused", refused),
            ("Service", list(&self.services)),
            ("Accounts", self.accounts_shown()),
            ("Client", list(&self.agents)),
            ("Failures", format!("{}, from {} to {}", self.failures, time(self.first), time(self.last))),
            ("Ends", self.end()),
        ]
    }

    fn accounts_shown(&self) -> String {
        let named = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        let names: Vec<String> = self.accounts.iter().map(|name| shown(name)).collect();
        match self.accounts_tried.saturating_sub(named) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }

    fn end(&self) -> String {
        self.until.map_or_else(|| "when it is lifted".to_owned(), |until| until.to_string())
    }

    /// The sentence, whose names are as they came.
    fn told(&self) -> String {
        let mut told = String::new();
        for c in self.sentence.chars().take(MAX_SENTENCE) {
            if matches!(c, ' '..='~') || c.is_alphanumeric() {
                told.push(c)
            } else {
                told.extend(c.escape_unicode())
            }
        }
        told
    }

    /// What stands of it in a digest.
    pub(super) fn held(self, id: Id) -> Held {
        let refused = match &self.refused {
            Refused::Address => shown(&self.address),
            Refused::Account(account) => format!("account {} at {}", shown(account), shown(&self.address)),
        };
        let first = self.accounts.first().map_or_else(String::new, |name| shown(name));
        let line = format!(
            "{}  {refused}: {} failures, {} accounts ({first}), ends {}",
            self.at,
            self.failures,
            self.accounts_tried,
            self.end()
        );
        Held { id, at: self.at, to: self.to, line, count: 1 }
    }
}

/// The letter about everything that was held for `to`; `unwritten` came too fast to be kept at all.
pub(super) fn digest(id: Id, now: Wall, to: &str, held: &[&Held], unwritten: u64, office: &str) -> Letter {
    let count = held.iter().fold(unwritten, |sum, one| sum.saturating_add(one.count));
    let since = held.first().map_or(now, |first| first.at);
    let subject = format!("[{}] {count} more blocks since {since}", shown(office));
    let mut text = format!(
        "So many addresses were blocked that this letter stands for {count} of them, from {since} to {now}.\n\n"
    );
    for one in held {
        let _ = writeln!(text, "{}", one.line);
    }
    let unnamed = count.saturating_sub(u64::try_from(held.len()).unwrap_or(u64::MAX));
    if unnamed > 0 {
        let _ = writeln!(text, "and {unnamed} more that are not named here");
    }
    text.push_str(
        "\nWhat it means\nMany addresses guess passwords at the same time; each of them is refused now.\n\n\
         What to do\nLet SIP in from your own networks and your provider only, if you can: [firewall] sip.\n\
         ringwall blocks                 shows all blocks and why they are there\n\
         ringwall log security           shows each failure\n",
    );
    Letter { id, to: to.to_owned(), subject, text, written: now }
}
