//! Who tried passwords lately, and what came of it: the memory behind the attack view (SPEC R4.9).
//!
//! It is told of each failure, each block and each sign-in, and answers who is under attack, from where, and when. It
//! decides nothing: that is [`Judge`](crate::Judge)'s business. Its memory is bounded whatever comes; those heard of
//! longest ago are forgotten first.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use model::Wall;

use crate::Source;

/// How long something is remembered: a day covers the night before the morning on which somebody looks.
pub const MEMORY: Duration = Duration::from_secs(86_400);
/// Accounts and addresses remembered, each: a page shows some dozens, and a botnet has thousands.
pub const MAX_REMEMBERED: usize = 4_096;
/// Addresses remembered of an account, accounts of an address.
pub const MAX_MET: usize = 32;
/// Minutes of the timeline.
const MINUTES: usize = 24 * 60;
/// Addresses from which an account is tried in vain that make it more than a phone with an old password.
const SPREAD: usize = 3;
/// Longest name kept: as long as a SIP username may be.
const MAX_NAME: usize = 64;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A failure, as the events tell of it.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// Where: `sip`, `console`.
    pub service: &'a str,
    /// Which account, as it came.
    pub account: &'a str,
    /// From where.
    pub source: IpAddr,
}

/// What is remembered.
#[derive(Debug, Default)]
pub struct Attacks {
    accounts: Map<Box<str>, Account>,
    sources: Map<Source, Origin>,
    minutes: VecDeque<Minute>,
}

#[derive(Debug)]
struct Account {
    failures: u64,
    first: Wall,
    last: Wall,
    from: Vec<Source>,
    blocked: Option<Wall>,
}

#[derive(Debug)]
struct Origin {
    failures: u64,
    first: Wall,
    last: Wall,
    accounts: Vec<Box<str>>,
    services: Vec<Box<str>>,
    blocked: bool,
    entered: Option<Box<str>>,
}

/// What happened within a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minute {
    /// Its beginning.
    pub time: Wall,
    /// Wrong passwords.
    pub failures: u64,
    /// Blocks that the guard made.
    pub blocks: u64,
}

/// An account that was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriedAccount {
    /// Its name, as it came.
    pub account: String,
    /// Wrong passwords.
    pub failures: u64,
    /// Addresses they came from; at [`MAX_MET`] there may be more.
    pub addresses: usize,
    /// The first one remembered.
    pub first: Wall,
    /// The last one.
    pub last: Wall,
    /// Whether it is refused at an address.
    pub refused: bool,
    /// Whether it is tried from so many addresses that no single one may stand out.
    pub spread: bool,
}

/// An address that gave wrong passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attacker {
    /// The address, or the first one of an IPv6 /64.
    pub address: IpAddr,
    /// Wrong passwords.
    pub failures: u64,
    /// Accounts that it tried, as they came; at [`MAX_MET`] there may be more.
    pub accounts: Vec<String>,
    /// Services that it tried.
    pub services: Vec<String>,
    /// The first failure remembered.
    pub first: Wall,
    /// The last one.
    pub last: Wall,
    /// Whether the guard blocked it since.
    pub blocked: bool,
    /// The account that somebody then signed in to from there.
    pub entered: Option<String>,
}

/// What is remembered of a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Accounts, the one tried most often first.
    pub accounts: Vec<TriedAccount>,
    /// Addresses, the one that tried most often first.
    pub addresses: Vec<Attacker>,
    /// Minutes in which something happened, in their order.
    pub timeline: Vec<Minute>,
}

impl Attacks {
    /// Somebody gave a wrong password.
    pub fn failed(&mut self, now: Wall, tried: Tried<'_>) {
        let (name, source) = (cut(tried.account), Source::of(tried.source));
        if !self.accounts.contains_key(name) && self.accounts.len() >= MAX_REMEMBERED {
            forget_half(&mut self.accounts, |account| account.last);
        }
        let account = self.accounts.entry(name.into()).or_insert_with(|| Account {
            failures: 0,
            first: now,
            last: now,
            from: Vec::new(),
            blocked: None,
        });
        account.failures = account.failures.saturating_add(1);
        account.last = now;
        meet(&mut account.from, source);

        if !self.sources.contains_key(&source) && self.sources.len() >= MAX_REMEMBERED {
            forget_half(&mut self.sources, |origin| origin.last);
        }
        let origin = self.sources.entry(source).or_insert_with(|| Origin {
            failures: 0,
            first: now,
            last: now,
            accounts: Vec::new(),
            services: Vec::new(),
            blocked: false,
            entered: None,
        });
        origin.failures = origin.failures.saturating_add(1);
        origin.last = now;
        meet(&mut origin.accounts, name.into());
        meet(&mut origin.services, cut(tried.service).into());
        self.count(now, |minute| minute.failures = minute.failures.saturating_add(1));
    }

    /// Somebody gave the right password of an account.
    pub fn signed_in(&mut self, account: &str, source: IpAddr) {
        if let Some(origin) = self.sources.get_mut(&Source::of(source)) {
            origin.entered = Some(cut(account).into());
        }
    }

    /// The guard blocked an address or network, or one account there.
    pub fn blocked(&mut self, now: Wall, prefix: IpNet, account: Option<&str>) {
        if let Some(account) = account.and_then(|name| self.accounts.get_mut(cut(name))) {
            account.blocked = Some(now);
        } else if is_one_source(prefix) {
            if let Some(origin) = self.sources.get_mut(&Source::of(prefix.addr())) {
                origin.blocked = true;
            }
        } else {
            let within = |source: &Source| prefix.contains(&source.address());
            let meant = self.sources.iter_mut().filter(|(source, _)| within(source));
            meant.for_each(|(_, origin)| origin.blocked = true);
        }
        self.count(now, |minute| minute.blocks = minute.blocks.saturating_add(1));
    }

    /// What happened at `since` or later.
    pub fn view(&self, now: Wall, since: Wall) -> View {
        let since = since.max(day_before(now));
        let mut accounts: Vec<TriedAccount> =
            self.accounts.iter().filter(|(_, a)| a.last >= since).map(|(name, a)| shown(name, a)).collect();
        accounts.sort_by(|a, b| b.failures.cmp(&a.failures).then_with(|| a.account.cmp(&b.account)));
        let recent = self.sources.iter().filter(|(_, origin)| origin.last >= since);
        let mut addresses: Vec<Attacker> = recent.map(|(source, origin)| attacker(*source, origin)).collect();
        addresses.sort_by(|a, b| b.failures.cmp(&a.failures).then_with(|| a.address.cmp(&b.address)));
        let timeline = self.minutes.iter().filter(|minute| minute.time >= since).copied().collect();
        View { accounts, addresses, timeline }
    }

    /// Counts in the minute of `now`; a clock that was put back counts in the minute that was reached.
    fn count(&mut self, now: Wall, with: impl FnOnce(&mut Minute)) {
        let millis = now.as_millis();
        let time = Wall::from_millis(millis.saturating_sub(millis.rem_euclid(60_000)));
        if self.minutes.back().is_none_or(|last| last.time < time) {
            if self.minutes.len() >= MINUTES {
                self.minutes.pop_front();
            }
            self.minutes.push_back(Minute { time, failures: 0, blocks: 0 });
        }
        if let Some(minute) = self.minutes.back_mut() {
            with(minute);
        }
    }
}

fn shown(name: &str, account: &Account) -> TriedAccount {
    TriedAccount {
        account: name.to_owned(),
        failures: account.failures,
        addresses: account.from.len(),
        first: account.first,
        last: account.last,
        refused: account.blocked.is_some(),
        spread: account.from.len() >= SPREAD,
    }
}

fn attacker(source: Source, origin: &Origin) -> Attacker {
    let owned = |names: &[Box<str>]| names.iter().map(ToString::to_string).collect();
    Attacker {
        address: source.address(),
        failures: origin.failures,
        accounts: owned(&origin.accounts),
        services: owned(&origin.services),
        first: origin.first,
        last: origin.last,
        blocked: origin.blocked,
        entered: origin.entered.as_ref().map(ToString::to_string),
    }
}

fn day_before(now: Wall) -> Wall {
    let day = i64::try_from(MEMORY.as_millis()).unwrap_or(i64::MAX);
    Wall::from_millis(now.as_millis().saturating_sub(day))
}

/// Adds to a short list what it does not hold yet, while there is room.
fn meet<T: PartialEq>(list: &mut Vec<T>, new: T) {
    if list.len() < MAX_MET && !list.contains(&new) {
        list.push(new);
    }
}

/// Forgets the half heard of longest ago: rarely, so that each new entry costs next to nothing on the average.
fn forget_half<K: Eq + std::hash::Hash, V>(map: &mut Map<K, V>, last: impl Fn(&V) -> Wall) {
    let mut times: Vec<Wall> = map.values().map(&last).collect();
    let half = times.len() / 2;
    if half == 0 {
        return;
    }
    let (_, middle, _) = times.select_nth_unstable(half);
    let middle = *middle;
    let before = map.len();
    map.retain(|_, value| last(value) > middle);
    // All of one instant: none is older than another.
    if map.len() == before {
        map.clear();
    }
}

/// Whether a prefix is an IPv4 address, an IPv6 /64, or a part of one.
fn is_one_source(prefix: IpNet) -> bool {
    match prefix {
        IpNet::V4(v4) => v4.prefix_len() == 32,
        IpNet::V6(v6) => v6.prefix_len() >= 64,
    }
}

fn cut(name: &str) -> &str {
    name.get(..name.floor_char_boundary(MAX_NAME)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Wall {
        Wall::from_millis(seconds * 1_000)
    }

    fn fail(attacks: &mut Attacks, seconds: i64, account: &str, source: &str) {
        attacks.failed(at(seconds), Tried { service: "sip", account, source: source.parse().unwrap() });
    }

    #[test]
    fn an_account_tried_from_many_addresses_stands_out_though_each_of_them_is_below_the_limit() {
        let mut attacks = Attacks::default();
        for host in 1..=4 {
            fail(&mut attacks, 100 + host, "101", &format!("198.51.100.{host}"));
        }
        fail(&mut attacks, 130, "102", "198.51.100.9");
        let view = attacks.view(at(200), at(0));
        assert_eq!((view.accounts[0].account.as_str(), view.accounts[0].failures), ("101", 4));
        assert!(view.accounts[0].spread && !view.accounts[1].spread);
        assert_eq!(view.addresses.len(), 5);
        assert_eq!(view.timeline.iter().map(|minute| minute.failures).collect::<Vec<_>>(), [4, 1]);
        assert_eq!(attacks.view(at(200), at(125)).accounts.len(), 1, "of then or later");
        assert_eq!(attacks.view(at(90_000), at(0)), View { timeline: vec![], ..View::default() });
    }

    #[test]
    fn a_block_and_whoever_got_in_are_shown_at_their_address() {
        let mut attacks = Attacks::default();
        for _ in 0..5 {
            fail(&mut attacks, 10, "101", "2001:db8::5");
        }
        attacks.blocked(at(11), "2001:db8::/64".parse().unwrap(), None);
        fail(&mut attacks, 12, "102", "198.51.100.1");
        attacks.signed_in("102", "198.51.100.1".parse().unwrap());
        attacks.signed_in("103", "198.51.100.2".parse().unwrap());
        let view = attacks.view(at(20), at(0));
        assert!(view.addresses[0].blocked && view.addresses[0].entered.is_none());
        assert_eq!(view.addresses[1].entered.as_deref(), Some("102"));
        assert_eq!(view.timeline.last().unwrap().blocks, 1);
    }

    #[test]
    fn a_botnet_with_a_dictionary_of_names_does_not_fill_the_memory() {
        let mut attacks = Attacks::default();
        for n in 0..50_000_u32 {
            let source = IpAddr::from((0x0a00_0000 + n).to_be_bytes());
            let account = "n".repeat(300) + &n.to_string();
            attacks.failed(at(i64::from(n) / 100), Tried { service: "sip", account: &account, source });
            fail(&mut attacks, i64::from(n) / 100, &n.to_string(), "198.51.100.1");
        }
        assert!(attacks.accounts.len() <= MAX_REMEMBERED && attacks.sources.len() <= MAX_REMEMBERED);
        assert!(attacks.accounts.keys().all(|name| name.len() <= MAX_NAME));
        let loudest = &attacks.view(at(500), at(0)).addresses[0];
        assert_eq!((loudest.address.to_string().as_str(), loudest.failures), ("198.51.100.1", 50_000));
        assert_eq!(loudest.accounts.len(), MAX_MET);
    }
}
