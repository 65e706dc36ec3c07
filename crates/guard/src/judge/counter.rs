//! What is counted of one address, or of one IPv6 network.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv6Net};
use model::{Mono, Now};
use smallvec::SmallVec;

use super::evidence::{Evidence, Rule};
use super::{Failure, Guessing, PERMIT_LIFE, SignedIn, is_recent};
use crate::AddressSet;

/// Accounts refused at one address at a time; a third one that fails blocks the address (SPEC R4.6).
pub(super) const MAX_REFUSED: usize = 2;
/// Failures remembered of one counter: the largest number that a rule counts to (SPEC R4.4: 100; ten times that for a /48).
const MAX_FAILURES: usize = 1_000;

/// Which counters an address has (SPEC R4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// Its own: IPv4 and inside addresses one by one, other IPv6 by /64.
    pub own: IpNet,
    /// The /48 around an IPv6 address from outside.
    pub wider: Option<IpNet>,
}

impl Counted {
    pub(super) fn of(source: IpAddr, inside: &AddressSet) -> Counted {
        let single = |address| Counted { own: IpNet::from(address), wider: None };
        match source.to_canonical() {
            IpAddr::V6(v6) => {
                let near = v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local();
                if near || inside.contains(source) {
                    return single(source);
                }
                Counted { own: network(v6, 64), wider: Some(network(v6, 48)) }
            }
            v4 @ IpAddr::V4(_) => single(v4),
        }
    }
}

fn network(address: Ipv6Addr, length: u8) -> IpNet {
    // 48 and 64 are lengths of IPv6 prefixes.
    Ipv6Net::new(address, length).map_or(IpNet::from(IpAddr::V6(address)), |net| IpNet::V6(net.trunc()))
}

/// An account's name as counters keep it. Somebody who finds two names with one key gains nothing: the failures
/// of both count together.
pub(super) fn account_key(account: &str) -> u64 {
    use std::hash::BuildHasher;
    foldhash::quality::FixedState::with_seed(0x5249_4e47).hash_one(account)
}

#[derive(Clone, Copy, Debug)]
struct Failed {
    at: Mono,
    account: u64,
    spent: Spent,
}

/// Whether a failure has led to a block already: then it counts for patient guessers alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spent {
    No,
    Yes,
}

/// Failures of one address.
#[derive(Debug, Default)]
pub(super) struct Counter {
    failures: Vec<Failed>,
    /// When each permit was given that is not back.
    permits: SmallVec<[Mono; 4]>,
    /// Accounts refused here, and until when.
    refused: SmallVec<[(u64, Mono); MAX_REFUSED]>,
    /// Whether somebody had signed in from here before the first of `failures`.
    before: Option<SignedIn>,
    evidence: Evidence,
}

impl Counter {
    /// Room for one more guess, so that all that are being judged may fail without passing the limit. One at a time is
    /// let through whatever the count, which a lower limit may have left behind: its failure blocks.
    pub(super) fn take_permit(&mut self, now: Mono, (attempts, period): (u32, Duration)) -> Option<Mono> {
        self.permits.retain(|given| now.saturating_since(*given) < PERMIT_LIFE);
        let recent = self.counting(now, period).count();
        let limit = usize::try_from(attempts.max(1)).unwrap_or(usize::MAX);
        if recent.saturating_add(self.permits.len()) >= limit && !self.permits.is_empty() {
            return None;
        }
        self.permits.push(now);
        Some(now)
    }

    pub(super) fn give_back(&mut self, ticket: Mono) {
        if let Some(place) = self.permits.iter().position(|given| *given == ticket) {
            self.permits.swap_remove(place);
        }
    }

    pub(super) fn note(&mut self, now: Now, account: u64, failure: &Failure<'_>, settings: &Guessing) {
        let longest = settings.slow.map_or(settings.period, |(_, period)| settings.period.max(period));
        self.failures.retain(|failed| is_recent(now.mono, failed.at, longest));
        if !self.failures.iter().any(|failed| is_recent(now.mono, failed.at, settings.period)) {
            self.before = Some(failure.signed_in);
        }
        if self.failures.is_empty() {
            self.evidence = Evidence::default();
        }
        if self.failures.len() >= MAX_FAILURES {
            self.failures.remove(0);
        }
        self.failures.push(Failed { at: now.mono, account, spent: Spent::No });
        self.evidence.note(now.wall, failure);
    }

    pub(super) fn signed_in(&mut self) {
        self.evidence.signed_in();
    }

    /// Whether an account is refused here.
    pub(super) fn refuses(&self, now: Mono, account: u64) -> bool {
        self.refused.iter().any(|(refused, until)| *refused == account && *until > now)
    }

    /// An account that fails as often as is allowed, at an address that is known, is refused alone: its failures
    /// leave the address's count (SPEC R4.6). Whether it is.
    pub(super) fn refuse_account(&mut self, now: Mono, account: u64, settings: &Guessing) -> bool {
        self.refused.retain(|(_, until)| *until > now);
        let count = self.counting(now, settings.period).filter(|failed| failed.account == account).count();
        let enough = count >= usize::try_from(settings.attempts).unwrap_or(usize::MAX);
        let may = self.before == Some(SignedIn::Before) && !self.refuses(now, account);
        if !may || !enough || self.refused.len() >= MAX_REFUSED {
            return false;
        }
        self.failures.retain(|failed| failed.account != account);
        self.refused.push((account, now.after(settings.block)));
        true
    }

    pub(super) fn refuse_again(&mut self, until: Mono, account: u64) {
        if self.refused.len() < MAX_REFUSED && !self.refused.iter().any(|(refused, _)| *refused == account) {
            self.refused.push((account, until));
        }
    }

    pub(super) fn refuse_no_more(&mut self, account: u64) {
        self.refused.retain(|(refused, _)| *refused != account);
    }

    /// The rule that the count has reached, if it has.
    pub(super) fn is_full(&self, now: Mono, settings: &Guessing) -> Option<Rule> {
        self.reached(now, settings, 1)
    }

    /// The same for a /48, which counts to ten times as many.
    pub(super) fn is_full_tenfold(&self, now: Mono, settings: &Guessing) -> Option<Rule> {
        self.reached(now, settings, 10)
    }

    fn reached(&self, now: Mono, settings: &Guessing, times: u32) -> Option<Rule> {
        let enough = |count: usize, attempts: u32| {
            let wanted = usize::try_from(attempts.saturating_mul(times)).unwrap_or(usize::MAX);
            count >= wanted.min(MAX_FAILURES)
        };
        if enough(self.counting(now, settings.period).count(), settings.attempts) {
            return Some(Rule::Attempts(settings.period));
        }
        let (attempts, period) = settings.slow?;
        let all = self.failures.iter().filter(|failed| is_recent(now, failed.at, period)).count();
        enough(all, attempts).then_some(Rule::Slow(period))
    }

    /// Failures that count for the main rule.
    fn counting(&self, now: Mono, period: Duration) -> impl Iterator<Item = &Failed> {
        self.failures
            .iter()
            .filter(move |failed| failed.spent == Spent::No && is_recent(now, failed.at, period))
    }

    /// The failures have led to a block: what comes after it is counted afresh, but for patient guessers.
    fn spend(&mut self, rule: Rule) {
        match rule {
            Rule::Attempts(_) => self.failures.iter_mut().for_each(|failed| failed.spent = Spent::Yes),
            Rule::Slow(_) => self.failures.clear(),
        }
        self.evidence = Evidence::default();
    }

    /// The evidence of it, with which the next one begins afresh.
    pub(super) fn spent(&mut self, rule: Rule) -> Evidence {
        let evidence = self.evidence.within(rule);
        self.spend(rule);
        evidence
    }

    /// Whether nothing is known of it that matters.
    pub(super) fn is_idle(&self, now: Mono) -> bool {
        self.failures.is_empty()
            && self.permits.iter().all(|given| now.saturating_since(*given) >= PERMIT_LIFE)
            && self.refused.iter().all(|(_, until)| *until <= now)
    }

    /// Whether a password is being looked at: if this were forgotten, more of them could be at once than may fail.
    pub(super) fn is_pending(&self, now: Mono) -> bool {
        self.permits.iter().any(|given| now.saturating_since(*given) < PERMIT_LIFE)
    }

    /// What losing it would cost: how much it knows.
    pub(super) fn weight(&self, now: Mono) -> usize {
        let refused = self.refused.iter().filter(|(_, until)| *until > now).count();
        self.failures.len().saturating_add(refused.saturating_mul(MAX_FAILURES))
    }
}
