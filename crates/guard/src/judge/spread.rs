//! Guessing that no single address gives away: one address that tries many accounts, one account tried from many addresses
//! each below the limit. Both are named, once in a period; neither blocks anybody by itself.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use model::event;
use model::{Mono, Now};

use super::counter::account_key;
use super::{Failure, Guessing, Ruling, is_recent, told};
use crate::Source;

/// Accounts and addresses watched, each; the one heard of longest ago is forgotten first.
const MAX_WATCHED: usize = 8_192;
/// Addresses that one account is tried from, accounts that one address tries, within a period, that are worth a line.
const MANY: usize = 5;

/// Who was met by whom.
#[derive(Debug, Default)]
struct Meetings {
    by_key: HashMap<u64, Met, foldhash::fast::RandomState>,
    order: VecDeque<u64>,
}

#[derive(Debug, Default)]
struct Met {
    /// Others, each with when it was last met; at most [`MANY`].
    others: Vec<(u64, Mono)>,
    told_at: Option<Mono>,
}

impl Meetings {
    /// Notes a meeting. Whether it is the one to tell of.
    fn note(&mut self, now: Mono, key: u64, other: u64, settings: &Guessing) -> bool {
        if !self.by_key.contains_key(&key) {
            self.order.push_back(key);
            if self.order.len() > MAX_WATCHED
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_key.remove(&oldest);
            }
        }
        let met = self.by_key.entry(key).or_default();
        met.others.retain(|(who, at)| *who != other && is_recent(now, *at, settings.period));
        if met.others.len() < MANY {
            met.others.push((other, now));
        }
        let silent = met.told_at.is_none_or(|at| !is_recent(now, at, settings.period));
        let tell = met.others.len() >= MANY && silent;
        if tell {
            met.told_at = Some(now);
        }
        tell
    }
}

/// Watches accounts and addresses.
#[derive(Debug, Default)]
pub(super) struct Spread {
    accounts: Meetings,
    addresses: Meetings,
}

impl Spread {
    pub(super) fn failed(
        &mut self,
        now: Now,
        source: IpAddr,
        failure: Failure<'_>,
        settings: &Guessing,
        rulings: &mut VecDeque<Ruling>,
    ) {
        use std::hash::BuildHasher;
        let address = foldhash::quality::FixedState::with_seed(1).hash_one(Source::of(source));
        let account = account_key(failure.account);
        if self.accounts.note(now.mono, account, address, settings) {
            let event = told(&event::ACCOUNT_UNDER_ATTACK, now)
                .with("service", failure.service)
                .with("account", failure.account)
                .with("addresses", format!("{MANY} or more"));
            rulings.push_back(Ruling::Event(event));
        }
        if self.addresses.note(now.mono, address, account, settings) {
            let event = told(&event::ACCOUNTS_SPRAYED, now)
                .with("service", failure.service)
                .with("address", source)
                .with("accounts", format!("{MANY} or more"));
            rulings.push_back(Ruling::Event(event));
        }
    }
}
