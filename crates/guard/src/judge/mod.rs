//! The judge: counts wrong passwords and decides who is refused (SPEC R4.4 to R4.6).
//!
//! Any service that asks for a password speaks to it with three calls: [`Judge::permit`] before it looks at one,
//! then [`Judge::failed`] or [`Judge::succeeded`]. What it decides comes out of [`Judge::poll`]. It has no clock and no
//! socket; its tables are bounded, cheap and old entries going first. Not here: whether an answer was one to our own challenge
//! (`sip`: only such count), the refusal itself ([`crate::Gate`]), the disk.

mod block;
mod counter;
mod counters;
mod evidence;
mod known;
mod permits;
mod spread;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use model::event::{self, Event};
use model::{Mono, Now, Wall, Weakness, planted};

pub use block::{Block, By, Scope};
pub use evidence::{Evidence, MAX_WHY};
pub use known::{KNOWN_FOR, KnownSource, MAX_KNOWN_SOURCES};
pub use permits::{PERMIT_LIFE, Permit};

use crate::{AddressSet, Source};
use block::Blocks;
use counter::Counted;
use counters::Counters;
use known::KnownSources;
use spread::Spread;

/// How strict the judge is (SPEC R4.4; `[security.guessing]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guessing {
    /// The failure that blocks, 1 to 100.
    pub attempts: u32,
    /// Failures older than this are forgotten.
    pub period: Duration,
    /// How long an address is refused.
    pub block: Duration,
    /// What happens at an address whose phones have signed in before.
    pub known: Known,
    /// For patient guessers: as many failures within a longer time. `None`: off.
    pub slow: Option<(u32, Duration)>,
    /// Never blocked, still logged.
    pub trusted: AddressSet,
}

impl Default for Guessing {
    fn default() -> Guessing {
        Guessing {
            attempts: 5,
            period: Duration::from_secs(300),
            block: Duration::from_secs(1_800),
            known: Known::Account,
            slow: Some((100, Duration::from_secs(86_400))),
            trusted: AddressSet::default(),
        }
    }
}

/// What is refused first at an address where somebody had signed in before its first failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The account that fails, if it exists; the address goes on.
    Account,
    /// The address.
    Address,
}

/// Whether an account that was named exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exists {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// Whether somebody was signed in from an address before: phones registered or sessions open there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedIn {
    /// Yes.
    Before,
    /// Not that anybody knows.
    Never,
}

/// A wrong password.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The service in a word: `sip`, `console`, `api` ...
    pub service: &'static str,
    /// The account as claimed; hostile text.
    pub account: &'a str,
    /// Whether there is such an account.
    pub exists: Exists,
    /// What the client says it is; hostile text, may be empty.
    pub agent: &'a str,
    /// Whether somebody is signed in from the address; the judge itself knows where phones registered within the last day.
    pub signed_in: SignedIn,
}

/// Why no password is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The address is blocked: no answer.
    Address,
    /// The account is refused at this address: answered like a wrong password.
    Account,
    /// As many guesses are being judged as may fail: try again in a moment.
    Pending,
}

/// What the judge decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Ruling {
    /// Refuse from now on. In force in [`Judge::is_blocked`] already.
    Block(Block),
    /// No longer.
    Lift(Block),
    /// Phones registered from here; to be remembered over a restart.
    Known(KnownSource),
    /// Worth a log line.
    Event(Event),
}

/// Counts failures and keeps the list of who is refused.
#[derive(Debug)]
pub struct Judge {
    settings: Guessing,
    /// Prefixes that are inside: their IPv6 addresses are counted one by one.
    inside: AddressSet,
    counters: Counters,
    blocks: Blocks,
    spread: Spread,
    known: KnownSources,
    rulings: VecDeque<Ruling>,
}

impl Judge {
    /// A judge without memory. `inside`: `network.local`.
    pub fn new(settings: Guessing, inside: AddressSet) -> Judge {
        Judge {
            settings,
            inside,
            counters: Counters::default(),
            blocks: Blocks::default(),
            spread: Spread::default(),
            known: KnownSources::default(),
            rulings: VecDeque::new(),
        }
    }

    /// Other settings. Counts and blocks stay; blocks of addresses that are trusted now are lifted.
    pub fn set(&mut self, now: Now, settings: Guessing, inside: AddressSet) {
        self.settings = settings;
        self.inside = inside;
        let trusted = &self.settings.trusted;
        let trusts =
            |prefix: IpNet| trusted.contains(prefix.network()) && trusted.contains(prefix.broadcast());
        let lifted = self.blocks.lift_if(|block| block.by == By::Guard && trusts(block.prefix));
        self.lift(now, lifted, "trusted now");
    }

    /// May this password be looked at?
    ///
    /// # Errors
    /// Why not; it must then not be evaluated, and there is nothing to report.
    pub fn permit(&mut self, now: Now, source: IpAddr, account: &str) -> Result<Permit, Refused> {
        if self.is_blocked(now.wall, source) {
            return Err(Refused::Address);
        }
        if self.refuses(now.mono, source, account) {
            return Err(Refused::Account);
        }
        self.permit_signed_in(now, source, account)
    }

    /// The same for somebody who is signed in already, on this very flow and to this account: that the account is refused
    /// at the address is nothing to him (SPEC R4.6: its live registrations stay).
    ///
    /// # Errors
    /// Why not, as with [`Judge::permit`].
    pub fn permit_signed_in(&mut self, now: Now, source: IpAddr, account: &str) -> Result<Permit, Refused> {
        let source = source.to_canonical();
        if self.is_blocked(now.wall, source) {
            return Err(Refused::Address);
        }
        let counted = Counted::of(source, &self.inside);
        let account = counter::account_key(account);
        if self.settings.trusted.contains(source) {
            return Ok(Permit::new(source, account, None));
        }
        let rule = (self.settings.attempts, self.settings.period);
        let counter = self.counters.entry(now.mono, counted.own);
        let ticket = counter.take_permit(now.mono, rule).ok_or(Refused::Pending)?;
        Ok(Permit::new(source, account, Some(ticket)))
    }

    /// Somebody signed in from here: the address is known for a day, whatever becomes of the registration or session.
    pub fn remember(&mut self, now: Now, source: IpAddr) {
        let noted = self.known.note(now.wall, Source::of(source));
        self.rulings.extend(noted.map(Ruling::Known));
    }

    /// Whether somebody signed in from here within a day.
    pub fn remembers(&self, now: Now, source: IpAddr) -> bool {
        self.known.has(now.wall, Source::of(source))
    }

    /// Sources known before a restart.
    pub fn restore_known(&mut self, known: Vec<KnownSource>) {
        known.into_iter().for_each(|known| self.known.put(known));
    }

    /// The password was wrong.
    pub fn failed(&mut self, now: Now, permit: Permit, mut failure: Failure<'_>) {
        if planted(Weakness::Uncounted) {
            return self.succeeded(now, permit);
        }
        let (source, account) = (permit.source, permit.account);
        if self.known.has(now.wall, Source::of(source)) {
            failure.signed_in = SignedIn::Before;
        }
        let counted = Counted::of(source, &self.inside);
        self.spread.failed(now, source, failure, &self.settings, &mut self.rulings);
        let Some(ticket) = permit.ticket else { return };
        let settings = &self.settings;
        let counter = self.counters.entry(now.mono, counted.own);
        counter.give_back(ticket);
        counter.note(now, account, &failure, settings);
        let own = if settings.known == Known::Account
            && failure.exists == Exists::Yes
            && counter.refuse_account(now.mono, account, settings)
        {
            let evidence = Evidence::of_account(now.wall, &failure, settings);
            Some((Scope::Account(evidence.accounts.first().cloned().unwrap_or_default()), evidence))
        } else {
            counter.is_full(now.mono, settings).map(|rule| (Scope::Address, counter.spent(rule)))
        };
        // Also what blocks a /64: who has a /48 has 65,536 of them.
        let wider = counted.wider.and_then(|wider| {
            let counter = self.counters.entry(now.mono, wider);
            counter.note(now, account, &failure, settings);
            let rule = counter.is_full_tenfold(now.mono, settings)?;
            Some((wider, counter.spent(rule)))
        });
        if let Some((scope, evidence)) = own {
            self.block(now, counted.own, scope, evidence);
        }
        if let Some((wider, evidence)) = wider {
            self.block(now, wider, Scope::Address, evidence);
        }
    }

    /// The password was right. No counter is reset by it.
    pub fn succeeded(&mut self, now: Now, permit: Permit) {
        let Some(ticket) = permit.ticket else { return };
        let own = Counted::of(permit.source, &self.inside).own;
        if let Some(counter) = self.counters.get_mut(own) {
            counter.give_back(ticket);
            counter.signed_in();
            if counter.is_idle(now.mono) {
                self.counters.forget(own);
            }
        }
    }

    /// Whether an address is refused everything.
    pub fn is_blocked(&self, now: Wall, source: IpAddr) -> bool {
        !planted(Weakness::BlocksIgnored)
            && !self.settings.trusted.contains(source)
            && self.blocks.hold(source, |block| !block.is_over(now))
    }

    /// Whether a block of an address is in the list. One whose time is over stays in it until [`Judge::wake`].
    pub fn holds(&self, source: IpAddr) -> bool {
        !planted(Weakness::BlocksIgnored)
            && !self.settings.trusted.contains(source)
            && self.blocks.hold(source, |_| true)
    }

    /// Refused addresses and accounts, those that began first first.
    pub fn blocks(&self, now: Wall) -> Vec<Block> {
        self.blocks.list(now)
    }

    /// The block of exactly this network, if it is in force.
    pub fn block_of(&self, now: Wall, prefix: IpNet) -> Option<&Block> {
        self.blocks.of(prefix.trunc()).filter(|block| !block.is_over(now))
    }

    /// How many blocks [`Judge::unblock`] would lift.
    pub fn count_within(&self, now: Wall, prefix: IpNet) -> usize {
        self.blocks.count_within(now, prefix.trunc())
    }

    /// Blocks by hand; `until` `None`: until lifted.
    pub fn block_by_hand(&mut self, now: Now, prefix: IpNet, until: Option<Wall>, by: &str, why: &str) {
        let evidence = Evidence::by_hand(now.wall, why);
        let by = By::Name(by.to_owned());
        let block = Block { prefix: prefix.trunc(), scope: Scope::Address, until, by, evidence };
        self.put_in_force(now, block);
    }

    /// Lifts every block that lies within `prefix` or covers it, and sets the counters there to zero. How many blocks.
    pub fn unblock(&mut self, now: Now, prefix: IpNet, by: &str) -> usize {
        let prefix = prefix.trunc();
        let lifted =
            self.blocks.lift_if(|block| block.prefix.contains(&prefix) || prefix.contains(&block.prefix));
        self.counters.forget_within(prefix);
        let count = lifted.len();
        self.lift(now, lifted, by);
        count
    }

    /// Whether nobody at these addresses is ever blocked.
    pub fn trusts(&self, prefix: IpNet) -> bool {
        let trusted = &self.settings.trusted;
        trusted.contains(prefix.network()) && trusted.contains(prefix.broadcast())
    }

    /// Blocks of before a restart, which the gate knows already: nothing is ruled. Those that are over are lifted by the next
    /// [`Judge::wake`], so that the gate and the disk hear of it.
    pub fn restore(&mut self, now: Now, blocks: Vec<Block>) {
        for block in blocks {
            if let Scope::Account(account) = &block.scope {
                let left = block.until.map_or(self.settings.block, |until| until.saturating_since(now.wall));
                let key = counter::account_key(account);
                self.counters.entry(now.mono, block.prefix).refuse_again(now.mono.after(left), key);
            }
            self.blocks.put(block);
        }
    }

    /// Ends blocks whose time is over. When to call again at the latest.
    pub fn wake(&mut self, now: Now) -> Option<Wall> {
        let over = self.blocks.lift_over(now.wall);
        self.lift(now, over, "its time was over");
        self.blocks.next_end()
    }

    /// What was decided, in order.
    pub fn poll(&mut self) -> Option<Ruling> {
        self.rulings.pop_front()
    }

    /// How many blocks there are; one whose time is over may be among them until [`Judge::wake`].
    pub fn count(&self) -> usize {
        self.blocks.len()
    }

    /// Addresses and networks counted at the moment.
    pub fn counted(&self) -> usize {
        self.counters.len()
    }

    /// Whether an account is refused at an address, for the list of what a service still takes from there.
    pub fn refuses(&self, now: Mono, source: IpAddr, account: &str) -> bool {
        let own = Counted::of(source, &self.inside).own;
        let key = counter::account_key(account);
        self.counters.get(own).is_some_and(|counter| counter.refuses(now, key))
    }

    fn block(&mut self, now: Now, prefix: IpNet, scope: Scope, evidence: Evidence) {
        let until = Some(now.wall.after(self.settings.block));
        self.put_in_force(now, Block { prefix, scope, until, by: By::Guard, evidence });
    }

    fn put_in_force(&mut self, now: Now, block: Block) {
        self.rulings.push_back(Ruling::Event(block.event(now.wall)));
        self.rulings.push_back(Ruling::Block(block.clone()));
        if let Some(given_up) = self.blocks.put(block) {
            self.lift(now, vec![given_up], "too many are blocked");
        }
    }

    fn lift(&mut self, now: Now, blocks: Vec<Block>, why: &str) {
        for block in blocks {
            let event = told(&event::UNBLOCKED, now).with("address", block.shown()).with("why", why);
            let event = match &block.scope {
                Scope::Address => event,
                Scope::Account(account) => {
                    if let Some(counter) = self.counters.get_mut(block.prefix) {
                        counter.refuse_no_more(counter::account_key(account));
                    }
                    event.with("account", account)
                }
            };
            self.rulings.push_back(Ruling::Event(event));
            self.rulings.push_back(Ruling::Lift(block));
        }
    }
}

/// When a failure at `at` is forgotten.
fn is_recent(now: Mono, at: Mono, period: Duration) -> bool {
    now.saturating_since(at) < period
}

/// An event of the judge.
fn told(kind: &'static event::Kind, now: Now) -> Event {
    Event::new(kind, now.wall)
}
