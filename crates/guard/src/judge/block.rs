//! Blocks: who is refused, why, and until when.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::net::IpAddr;

use ipnet::IpNet;
use model::Wall;
use model::event::{self, Event};
use serde::{Deserialize, Serialize};

use super::Evidence;

/// Blocks that the guard itself makes and keeps. Beyond it the one that ends first goes; those made by hand never do.
pub const MAX_BLOCKS: usize = 100_000;

/// What is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Everything from the address.
    Address,
    /// New flows of this account from the address.
    Account(String),
}

/// Who blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The guard.
    Guard,
    /// An administrator.
    Name(String),
}

/// A refusal. Kept as JSON over a restart: what is added to it must have a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The address, or the network.
    pub prefix: IpNet,
    /// What of it.
    pub scope: Scope,
    /// Its end by the wall clock; `None`: until lifted.
    pub until: Option<Wall>,
    /// Who made it.
    pub by: By,
    /// Why.
    pub evidence: Evidence,
}

impl Block {
    /// Whether its time is over.
    pub fn is_over(&self, now: Wall) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// What tells it from other blocks: the prefix, and the account if it is one's.
    pub fn key(&self) -> String {
        match &self.scope {
            Scope::Address => self.prefix.to_string(),
            Scope::Account(account) => format!("{} {account}", self.prefix),
        }
    }

    /// The address or prefix, as people write it.
    pub fn shown(&self) -> String {
        let single = self.prefix.prefix_len() == self.prefix.max_prefix_len();
        if single { self.prefix.addr().to_string() } else { self.prefix.to_string() }
    }

    /// One plain sentence or two: what was tried, whether it got anywhere, what to do. Names in it are as they came.
    pub fn sentence(&self) -> String {
        let who = self.shown();
        let evidence = &self.evidence;
        if let By::Name(name) = &self.by {
            let why = if evidence.why.is_empty() { "no reason was given" } else { &evidence.why };
            return format!("{name} blocked {who}: {why}.");
        }
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(text, "{} wrong passwords came from {who}", evidence.failures);
        if let Some(period) = evidence.within {
            // Failures that trickled in count from the first to the last, which may be longer than the rule looks back.
            let span = match (evidence.first, evidence.last) {
                (Some(first), Some(last)) => period.max(last.saturating_since(first)),
                _ => period,
            };
            let _ = write!(text, " within {} minutes", span.as_secs().div_ceil(60));
        }
        let more =
            usize::try_from(evidence.accounts_tried).unwrap_or(0).saturating_sub(evidence.accounts.len());
        let _ = write!(text, " for {}", evidence.accounts.join(", "));
        if more > 0 {
            let _ = write!(text, " and {more} more");
        }
        match (&self.scope, evidence.signed_in) {
            (Scope::Account(account), _) => {
                let _ = write!(
                    text,
                    ". Others are signed in from there and go on; {account} is refused from there: look for a device with an \
                     old password."
                );
            }
            (Scope::Address, true) => text.push_str(
                ". Somebody signed in from there too: an office with several old passwords, or a guesser who found one; look at \
                 its calls and registrations.",
            ),
            (Scope::Address, false) => {
                text.push_str(". None was right, and nobody is signed in from there; there is nothing to do unless you know the address.");
            }
        }
        text
    }

    /// The line for the security log.
    pub(super) fn event(&self, now: Wall) -> Event {
        let until = self.until.map_or_else(|| "lifted".to_owned(), |until| until.to_string());
        if let By::Name(name) = &self.by {
            return Event::new(&event::BLOCKED_BY_HAND, now)
                .with("address", self.shown())
                .with("author", name)
                .with("why", &self.evidence.why)
                .with("until", until);
        }
        let kind = match self.scope {
            Scope::Address => &event::ADDRESS_BLOCKED,
            Scope::Account(_) => &event::ACCOUNT_REFUSED,
        };
        Event::new(kind, now)
            .with("address", self.shown())
            .with("service", self.evidence.services.join(","))
            .with("accounts", self.evidence.accounts.join(","))
            .with("failures", self.evidence.failures)
            .with("until", until)
    }
}

/// All blocks.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    by_key: HashMap<(IpNet, Scope), Block, foldhash::fast::RandomState>,
    /// Those that end, by their end: a storm of blocks must not be gone through for each of them.
    ends: BTreeSet<(Wall, IpNet, Scope)>,
    /// How many blocks of a whole address have each prefix length: lengths to look under, by family.
    lengths: HashMap<(bool, u8), u32, foldhash::fast::RandomState>,
}

impl Blocks {
    /// Puts a block in force, instead of an earlier one of the same. What had to make room for it.
    pub(super) fn put(&mut self, block: Block) -> Option<Block> {
        let key = (block.prefix, block.scope.clone());
        self.remove(&key);
        let is_full = block.by == By::Guard && self.by_key.len() >= MAX_BLOCKS;
        let given_up = if is_full { self.give_up_one() } else { None };
        if block.scope == Scope::Address {
            let count = self.lengths.entry(length_of(block.prefix)).or_default();
            *count = count.saturating_add(1);
        }
        if let Some(until) = block.until {
            self.ends.insert((until, key.0, key.1.clone()));
        }
        self.by_key.insert(key, block);
        given_up
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    fn remove(&mut self, key: &(IpNet, Scope)) -> Option<Block> {
        let block = self.by_key.remove(key)?;
        if let Some(until) = block.until {
            self.ends.remove(&(until, key.0, key.1.clone()));
        }
        if block.scope == Scope::Address
            && let Some(count) = self.lengths.get_mut(&length_of(block.prefix))
        {
            *count = count.saturating_sub(1);
        }
        self.lengths.retain(|_, count| *count > 0);
        Some(block)
    }

    /// The guard's block that ends first makes room.
    fn give_up_one(&mut self) -> Option<Block> {
        // Those of the guard all end; few made by hand end before.
        let mut keys = self.ends.iter().map(|(_, prefix, scope)| (*prefix, scope.clone()));
        let first = keys.find(|key| self.by_key.get(key).is_some_and(|block| block.by == By::Guard));
        first.and_then(|key| self.remove(&key))
    }

    /// Whether one of the blocks of an address is such a one.
    pub(super) fn hold(&self, source: IpAddr, such: impl Fn(&Block) -> bool) -> bool {
        let source = source.to_canonical();
        self.lengths.keys().filter(|(v4, _)| *v4 == source.is_ipv4()).any(|(_, length)| {
            let Ok(prefix) = IpNet::new(source, *length) else { return false };
            self.by_key.get(&(prefix.trunc(), Scope::Address)).is_some_and(&such)
        })
    }

    /// The block of exactly this network.
    pub(super) fn of(&self, prefix: IpNet) -> Option<&Block> {
        self.by_key.get(&(prefix, Scope::Address))
    }

    /// How many lie within a network, or around it.
    pub(super) fn count_within(&self, now: Wall, prefix: IpNet) -> usize {
        let meant = |block: &&Block| block.prefix.contains(&prefix) || prefix.contains(&block.prefix);
        self.by_key.values().filter(|block| !block.is_over(now)).filter(meant).count()
    }

    pub(super) fn lift_if(&mut self, lifted: impl Fn(&Block) -> bool) -> Vec<Block> {
        let keys: Vec<_> =
            self.by_key.iter().filter(|(_, block)| lifted(block)).map(|(key, _)| key.clone()).collect();
        keys.iter().filter_map(|key| self.remove(key)).collect()
    }

    /// Takes out those whose time is over.
    pub(super) fn lift_over(&mut self, now: Wall) -> Vec<Block> {
        let mut over = Vec::new();
        while let Some((_, prefix, scope)) = self.ends.first().filter(|(until, ..)| *until <= now).cloned() {
            over.extend(self.remove(&(prefix, scope)));
        }
        over
    }

    pub(super) fn list(&self, now: Wall) -> Vec<Block> {
        let mut list: Vec<Block> =
            self.by_key.values().filter(|block| !block.is_over(now)).cloned().collect();
        list.sort_unstable_by_key(|block| (block.evidence.first, block.prefix));
        list
    }

    pub(super) fn next_end(&self) -> Option<Wall> {
        self.ends.first().map(|(until, ..)| *until)
    }
}

fn length_of(prefix: IpNet) -> (bool, u8) {
    (matches!(prefix, IpNet::V4(_)), prefix.prefix_len())
}
