//! Who sent this request, and may he try: the one place where passwords are looked at, and where the guard hears of each.
//!
//! The guard permits before a password is evaluated and is told what it was worth before anybody is answered; what it rules
//! leaves the stack ahead of the answer, so that the failure that blocks is the last one (SPEC R4.4 to R4.6). Not here:
//! counting (`guard::Judge`), log lines (`tell`), challenges and digests (`auth`).

use std::net::IpAddr;
use std::sync::Arc;

use guard::{
    AddressSet, Block, Exists, Failure, Guessing, Judge, Known, KnownSource, Refused, Ruling, Scope, SignedIn,
};
use ipnet::IpNet;
use model::directory::{self, Directory, Line};
use model::{Flow, Mono, Now, Wall, Weakness, planted};
use wire::sip::{Message, Name, Uri};

use super::Stack;
use crate::api::Output;
use crate::auth::{Verdict, Worth};
use crate::limits::{LOOK_AT_BLOCKS, MAX_USER_AGENT};
use crate::message;

/// The guard's word for us.
pub(super) const SERVICE: &str = "sip";

impl Stack {
    /// Judges a request's credentials. Who is not [`Verdict::Proven`] must be told nothing more than the verdict says.
    pub(crate) fn identify(&mut self, now: Now, flow: &Flow, request: &Message) -> Verdict {
        let directory = self.directory.clone();
        let claim = match self.auth.claim(now, flow, request, &directory) {
            Ok(claim) => claim,
            Err(Verdict::Anonymous) if planted(Weakness::NoPasswords) => {
                return believe(request, &directory).map_or(Verdict::Anonymous, Verdict::Proven);
            }
            Err(verdict) => return verdict,
        };
        let (source, account) = (flow.remote.ip(), claim.account());
        let is_signed_in = claim.line.is_some_and(|line| self.bindings.is_signed_in(&line.username, flow));
        let permit = if is_signed_in {
            self.judge.permit_signed_in(now, source, &account)
        } else {
            self.judge.permit(now, source, &account)
        };
        let permit = match permit {
            Ok(permit) => permit,
            Err(Refused::Address) => return Verdict::Blocked,
            Err(refused @ (Refused::Account | Refused::Pending)) => {
                self.auth.reject(&claim);
                if refused == Refused::Account {
                    self.report_refused(now, flow, &account);
                }
                return Verdict::Wrong;
            }
        };
        match self.auth.evaluate(&claim, request, &directory) {
            Worth::Right(line) => {
                self.judge.succeeded(now, permit);
                self.report_success(now, flow, request, &line);
                Verdict::Proven(line)
            }
            Worth::RightAgain(line) => {
                self.judge.succeeded(now, permit);
                Verdict::Repeated(line)
            }
            Worth::Wrong(reason) => {
                let agent =
                    message::lossy_cut(request.first(Name::UserAgent).unwrap_or_default(), MAX_USER_AGENT);
                let signed_in = match self.bindings.standing_at(source) {
                    0 => SignedIn::Never,
                    _ => SignedIn::Before,
                };
                let exists = if claim.line.is_some() { Exists::Yes } else { Exists::No };
                self.report_failure(now, flow, request, &account, reason);
                let failure =
                    Failure { service: SERVICE, account: &account, exists, agent: &agent, signed_in };
                self.judge.failed(now, permit, failure);
                self.announce_rulings(now);
                Verdict::Wrong
            }
        }
    }

    /// What the guard ruled goes out.
    fn announce_rulings(&mut self, now: Now) {
        while let Some(ruling) = self.judge.poll() {
            if let Ruling::Block(Block { scope: Scope::Address, prefix, .. }) = &ruling {
                self.forget_watchers_within(*prefix);
            }
            if let Ruling::Block(Block { until: Some(until), .. }) = &ruling {
                let end = now.mono.after(until.saturating_since(now.wall).min(LOOK_AT_BLOCKS));
                self.blocks_looked_at = Some(self.blocks_looked_at.map_or(end, |at| at.min(end)));
            }
            self.output(Output::Ruling(ruling));
        }
    }

    /// Ends blocks whose time is over by the wall clock, which may jump: so it is looked at now and then.
    pub(super) fn wake_blocks(&mut self, now: Now) {
        if self.blocks_looked_at.is_none_or(|at| at > now.mono) {
            return;
        }
        let next = self.judge.wake(now);
        self.blocks_looked_at =
            next.map(|end| now.mono.after(end.saturating_since(now.wall).min(LOOK_AT_BLOCKS)));
        self.announce_rulings(now);
    }

    pub(super) fn next_end_of_block(&self) -> Option<Mono> {
        self.blocks_looked_at
    }

    /// A phone is registered from here: the guard knows the address for a day.
    pub(crate) fn remember_source(&mut self, now: Now, source: IpAddr) {
        self.judge.remember(now, source);
        self.announce_rulings(now);
    }

    /// Addresses known before a restart.
    pub fn restore_known(&mut self, known: Vec<KnownSource>) {
        self.judge.restore_known(known);
    }

    /// Another service asks the guard about a password, or tells it what one was worth; what is ruled then goes out.
    pub fn consult<T>(&mut self, now: Now, with: impl FnOnce(&mut Judge) -> T) -> T {
        let answer = with(&mut self.judge);
        self.announce_rulings(now);
        answer
    }

    /// Refused addresses and accounts, those that began first first.
    pub fn blocks(&self, now: Wall) -> Vec<Block> {
        self.judge.blocks(now)
    }

    /// The block of exactly this network, if it is in force.
    pub fn block_of(&self, now: Wall, prefix: IpNet) -> Option<Block> {
        self.judge.block_of(now, prefix).cloned()
    }

    /// How many blocks [`Stack::unblock`] would lift.
    pub fn blocks_within(&self, now: Wall, prefix: IpNet) -> usize {
        self.judge.count_within(now, prefix)
    }

    /// Whether nobody at these addresses is ever blocked.
    pub fn trusts(&self, prefix: ipnet::IpNet) -> bool {
        self.judge.trusts(prefix)
    }

    /// How many there are.
    pub fn blocked(&self) -> usize {
        self.judge.count()
    }

    /// Blocks of before a restart, which the gate knows already.
    pub fn restore_blocks(&mut self, now: Now, blocks: Vec<Block>) {
        self.judge.restore(now, blocks);
        self.blocks_looked_at = Some(now.mono);
    }

    /// An administrator blocks; `until` `None`: until lifted.
    pub fn block(&mut self, now: Now, prefix: IpNet, until: Option<Wall>, by: &str, why: &str) {
        self.judge.block_by_hand(now, prefix, until, by, why);
        self.announce_rulings(now);
    }

    /// An administrator lifts every block within `prefix` or around it. How many.
    pub fn unblock(&mut self, now: Now, prefix: IpNet, by: &str) -> usize {
        let lifted = self.judge.unblock(now, prefix, by);
        self.announce_rulings(now);
        lifted
    }

    pub(super) fn set_guessing(&mut self, now: Now) {
        let (settings, inside) = strictness(&self.directory);
        self.judge.set(now, settings, inside);
        self.announce_rulings(now);
    }
}

/// How strict the judge is by the directory, and who is inside.
pub(super) fn strictness(directory: &Directory) -> (Guessing, AddressSet) {
    let set = &directory.guessing;
    let known = match set.known {
        directory::Known::Account => Known::Account,
        directory::Known::Address => Known::Address,
    };
    let guessing = Guessing {
        attempts: set.attempts,
        period: set.period,
        block: set.block,
        known,
        slow: set.slow,
        trusted: AddressSet::of(set.trusted.iter().copied()),
    };
    (guessing, AddressSet::of(directory.network.local.iter().copied()))
}

/// A line of the extension that a request claims to come from: what [`Weakness::NoPasswords`] takes for proof.
fn believe(request: &Message, directory: &Directory) -> Option<Arc<Line>> {
    let from = request.from().ok().and_then(|from| from.uri().ok());
    let user = from.as_ref().and_then(Uri::sip).map(|uri| message::lossy(&uri.user_decoded()))?;
    let extension = directory.extensions.get(&*user)?;
    directory.lines.get(extension.lines.first()?).cloned()
}
