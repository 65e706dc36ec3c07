//! What stands between a guess and its answer: the guard's leave, a place at the hashing, and the count of failures.

use api::{Problem, Visitor};
use guard::{Exists, Failure, Permit, Refused, SignedIn};
use model::{Secret, event};

use super::Porter;
use super::places::{Place, Standing};

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
        let is_known = self.is_used_at(visitor.remote.ip());
        let standing = if is_known { Standing::Known } else { Standing::Stranger };
        self.hashing.take(standing).await.ok_or_else(Problem::slow_down)
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
            Err(Refused::Address | Refused::Pending) => Err(Problem::slow_down()),
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

    /// Whether a password fits a hash; takes as long for nobody's.
    pub(super) async fn fits(&self, place: Place, hash: Option<Secret>, password: Secret) -> bool {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let fits = tokio::task::spawn_blocking(move || {
            let fits = store::passwords::verify(hash.expose(), &password);
            drop(place);
            fits
        });
        fits.await.unwrap_or(false) && exists
    }
}
