//! What stands between a guess and its answer: the guard's leave, a place at the hashing, and the count of failures.

use std::net::IpAddr;
use std::sync::Arc;

use api::{Problem, Visitor};
use guard::{Exists, Failure, Permit, Refused, SignedIn};
use model::config::Office;
use model::{Secret, event};

use super::Porter;
use super::places::{Place, Standing};
use super::weigh::Scale;

/// Longest login looked at; a longer one is nobody's.
const MAX_LOGIN: usize = 256;
/// The answer to whatever is wrong with a sign-in: nobody learns what.
pub(super) const WRONG: &str = "login or password is wrong";

/// What the guard says to a guess.
pub(super) enum Leave {
    /// It may be looked at.
    Yes(Permit),
    /// It is answered like a wrong one.
    AsWrong,
}

/// A guess, as it is counted.
pub(super) struct Guess<'a> {
    /// `console`, `api` or `setup`.
    pub service: &'static str,
    /// What was named.
    pub account: &'a str,
    /// Whether there is such an account.
    pub exists: bool,
    /// What was wrong, for the log.
    pub reason: &'static str,
}

impl Porter {
    /// A place at the hashing, or a word that there is none.
    pub(super) async fn place(&self, visitor: &Visitor) -> Result<Place, Problem> {
        let source = visitor.remote.ip();
        let standing = if self.is_used_at(source) { Standing::Known } else { Standing::Stranger };
        if let Some(place) = self.hashing.take(standing).await {
            return Ok(place);
        }
        // Asked only where it matters, so that most guesses cost the control thread one question.
        let place = match standing {
            Standing::Stranger if self.remembers(source).await => self.hashing.take(Standing::Known).await,
            Standing::Stranger | Standing::Known => None,
        };
        place.ok_or_else(crowded)
    }

    /// Whether somebody signed in from there lately, by a phone or here.
    async fn remembers(&self, source: IpAddr) -> bool {
        let asked = self
            .control
            .ask(move |exchange, now| exchange.consult(now, |judge| judge.remembers(now, source)));
        asked.await.unwrap_or(false)
    }

    /// Somebody has signed in from there.
    pub(super) async fn remember(&self, source: IpAddr) {
        let told =
            self.control.ask(move |exchange, now| exchange.consult(now, |judge| judge.remember(now, source)));
        // Without a control thread nobody is served any more.
        let _ = told.await;
    }

    /// Whether a guess may be looked at.
    pub(super) async fn permit(&self, visitor: &Visitor, account: &str) -> Result<Leave, Problem> {
        let (source, account) = (visitor.remote.ip(), account.chars().take(MAX_LOGIN).collect::<String>());
        let asked = self
            .control
            .ask(move |exchange, now| exchange.consult(now, |judge| judge.permit(now, source, &account)));
        match asked.await.map_err(|_| Problem::stopping())? {
            Ok(permit) => Ok(Leave::Yes(permit)),
            Err(Refused::Account) => Ok(Leave::AsWrong),
            // A blocked address is reset at the gate before it comes here; this connection ends in a moment.
            Err(Refused::Address | Refused::Pending) => Err(crowded()),
        }
    }

    /// The guess was wrong. When this returns, what follows from it is in force.
    pub(super) async fn failed(&self, visitor: &Visitor, permit: Permit, guess: Guess<'_>) {
        let Guess { service, account, exists, reason } = guess;
        let source = visitor.remote;
        self.tell(&event::AUTHENTICATION_FAILED, |event| {
            event
                .with("service", service)
                .with("account", account)
                .with("source", source)
                .with("reason", reason)
                .with("agent", &visitor.agent)
        });
        let (account, agent) = (account.chars().take(MAX_LOGIN).collect::<String>(), visitor.agent.clone());
        let exists = if exists { Exists::Yes } else { Exists::No };
        let signed_in = if self.is_used_at(source.ip()) { SignedIn::Before } else { SignedIn::Never };
        let told = self.control.ask(move |exchange, now| {
            let failure = Failure { service, account: &account, exists, agent: &agent, signed_in };
            exchange.consult(now, |judge| judge.failed(now, permit, failure));
        });
        // Without a control thread nobody is served any more.
        let _ = told.await;
    }

    /// The guess was right.
    pub(super) async fn succeeded(&self, permit: Permit) {
        let _ = self
            .control
            .ask(move |exchange, now| exchange.consult(now, |judge| judge.succeeded(now, permit)))
            .await;
    }

    /// What the password of `login` is held against.
    pub(super) fn scale(&self, office: &Office, login: &str) -> Scale {
        Scale::of(office, login, &self.nobody, &self.lot)
    }

    /// Whether a password is right.
    pub(super) async fn fits(&self, place: Place, scale: &Arc<Scale>, password: Secret) -> bool {
        let scale = scale.clone();
        let fits = tokio::task::spawn_blocking(move || {
            let fits = scale.weigh(&password, store::passwords::verify);
            drop(place);
            fits
        });
        fits.await.unwrap_or(false)
    }
}

/// More are being looked at than there are places.
fn crowded() -> Problem {
    Problem::slow_down("too many passwords are being looked at; try again in a moment")
}
