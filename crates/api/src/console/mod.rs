//! What stands behind signing in: sessions, second factors, tokens, the audit trail and the first set-up. The binary
//! implements [`Console`]; what goes over the wire is here.

mod answers;
pub(crate) mod cookie;
pub(crate) mod front;
pub(crate) mod headers;
mod late;
pub(crate) mod me;
pub(crate) mod pages;
pub(crate) mod patience;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod tokens;
pub(crate) mod unread;
pub(crate) mod watched;

use std::future::Future;

use model::{Secret, Wall};

pub use answers::{
    AuditEntry, AuditQuery, AuditRow, CodeProposals, FirewallWish, Hidden, Known, MailWish, NetworkWish,
    NewFactor, NewSession, NewToken, OfficeName, Phone, SessionRow, SessionView, SetUpFirewall, SetUpWish,
    Stage, Token, TokenWish, UserView,
};

use crate::{Caller, Problem, Visitor};

/// The server, as the console's doors see it.
pub trait Console: Send + Sync + 'static {
    /// Whether there is no administrator yet: only the set-up answers.
    fn is_new(&self) -> bool;
    /// Whether `host` (a Host header without its port) is a name of ours.
    fn answers_to(&self, host: &str) -> bool;
    /// Whether an authority that this machine trusts vouches for the certificate shown, so that browsers may insist on it.
    fn has_trusted_certificate(&self) -> bool;
    /// What the office is called.
    fn office_name(&self) -> OfficeName;
    /// Whose session this key opens, if it stands; the session counts as used.
    fn known(&self, key: &Secret, visitor: &Visitor) -> Option<Known>;
    /// Whether who came in so is still let in, with all that he might then; looking does not count as use.
    fn stands(&self, caller: &Caller) -> bool;
    /// Whom a token lets in.
    fn token(
        &self,
        token: &Secret,
        visitor: &Visitor,
    ) -> impl Future<Output = Result<Caller, Problem>> + Send;
    /// Signs in.
    fn sign_in(
        &self,
        visitor: &Visitor,
        login: String,
        password: Secret,
    ) -> impl Future<Output = Result<NewSession, Problem>> + Send;
    /// The second step.
    fn second_factor(
        &self,
        visitor: &Visitor,
        code: String,
    ) -> impl Future<Output = Result<NewSession, Problem>> + Send;
    /// Ends the session of a key.
    fn sign_out(&self, visitor: &Visitor) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Looks at the code of the first set-up.
    fn setup_code(
        &self,
        visitor: &Visitor,
        code: Secret,
    ) -> impl Future<Output = Result<(NewSession, CodeProposals), Problem>> + Send;
    /// Sets the office up.
    fn set_up(
        &self,
        visitor: &Visitor,
        wish: SetUpWish,
    ) -> impl Future<Output = Result<(NewSession, Vec<Phone>), Problem>> + Send;
    /// Sessions: one's own, or all for who may see them.
    fn sessions(&self, caller: &Caller) -> impl Future<Output = Result<Vec<SessionRow>, Problem>> + Send;
    /// Ends one.
    fn end_session(&self, caller: &Caller, id: String) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Sets one's own password.
    fn set_password(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        current: Secret,
        new: Secret,
    ) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Proposes a second factor.
    fn propose_factor(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        password: Secret,
    ) -> impl Future<Output = Result<NewFactor, Problem>> + Send;
    /// Takes it, once a code of it was right: the recovery codes.
    fn confirm_factor(
        &self,
        caller: &Caller,
        code: String,
    ) -> impl Future<Output = Result<Vec<String>, Problem>> + Send;
    /// Removes it.
    fn remove_factor(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        password: Secret,
    ) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Sets a new random password of a person, removes the second factor and ends the sessions.
    fn reset_password(
        &self,
        caller: &Caller,
        login: Option<String>,
    ) -> impl Future<Output = Result<(String, Secret), Problem>> + Send;
    /// Tokens.
    fn tokens(&self) -> impl Future<Output = Result<Vec<Token>, Problem>> + Send;
    /// Makes one.
    fn make_token(
        &self,
        caller: &Caller,
        wish: TokenWish,
    ) -> impl Future<Output = Result<NewToken, Problem>> + Send;
    /// Ends one.
    fn end_token(&self, caller: &Caller, id: String) -> impl Future<Output = Result<(), Problem>> + Send;
    /// Writes into the audit trail.
    fn write_audit(&self, entry: AuditEntry) -> impl Future<Output = ()> + Send;
    /// Reads it, newest first.
    fn audit(&self, query: AuditQuery) -> impl Future<Output = Result<Vec<AuditRow>, Problem>> + Send;
    /// Now.
    fn now(&self) -> Wall;
}
