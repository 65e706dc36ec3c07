//! People's passwords: one's own, asked for again before it is changed, and the way back in for who lost it.

use std::sync::Arc;

use api::objects::{Asker, IfMatch};
use api::{Author, Caller, Problem, Visitor};
use model::config::Role;
use model::{Entropy, Id, Secret};

use super::guesses::{Guess, Leave};
use super::{Porter, random};
use crate::serve::desk::{Job, own_password};

/// Characters of a password that is made here.
const MADE: usize = 20;

impl Porter {
    /// Whether this is the caller's own password: his login and id.
    pub(super) async fn own_password(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        password: Secret,
    ) -> Result<(String, Id), Problem> {
        let login = caller.login()?.to_owned();
        let place = self.place(visitor).await?;
        let office = self.store.office();
        let scale = Arc::new(self.scale(&office, &login));
        let (id, _) = scale.found.clone().ok_or_else(Problem::signed_out)?;
        let wrong = || Problem::wrong_credentials("the password is wrong");
        let Leave::Yes(permit) = self.permit(visitor, &login).await? else { return Err(wrong()) };
        let fits = self.fits(place, &scale, password).await;
        if !fits {
            let guess = Guess { service: "console", account: &login, exists: true, reason: "wrong password" };
            self.failed(visitor, permit, guess).await;
            return Err(wrong());
        }
        self.succeeded(permit).await;
        Ok((login, id))
    }

    pub(super) async fn change_password(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        current: Secret,
        new: Secret,
    ) -> Result<(), Problem> {
        let (login, id) = self.own_password(caller, visitor, current).await?;
        self.set(caller.author.clone(), &login, new).await?;
        let hash = self.store.office().password_hashes.get(&login).cloned();
        if let (Some(session), Some(hash)) = (caller.session(), hash) {
            self.renew(session, &hash).await?;
        }
        self.end_others(id, caller.session(), "the password was changed").await
    }

    async fn set(&self, author: Author, login: &str, password: Secret) -> Result<(), Problem> {
        let job = Job::Password(login.to_owned(), password);
        self.desk.edit(Asker { author, seat: None }, job, IfMatch::Any).await.map(|_| ())
    }

    /// A new random password; without a login, of the only administrator.
    pub(super) async fn reset(
        &self,
        caller: &Caller,
        login: Option<String>,
    ) -> Result<(String, Secret), Problem> {
        let office = self.store.office();
        let full = office.users.values().filter(|user| user.value.role == Role::Full);
        let logins: Vec<&str> = full.map(|user| user.value.login.as_str()).collect();
        let login = match (login, logins.as_slice()) {
            (Some(login), _) => login,
            (None, [only]) => (*only).to_owned(),
            (None, _) => {
                return Err(Problem::bad_request(format!(
                    "name the login; administrators are: {}",
                    logins.join(", ")
                )));
            }
        };
        if caller.login().is_ok_and(|own| own == login) {
            return Err(own_password::refusal());
        }
        let user = office.users.get(&login).filter(|user| user.value.role.is_administrator());
        let id = user.map(|user| user.id).ok_or_else(|| {
            Problem::not_found(format!("{login:?} is no administrator; `ringwall export` shows who is"))
        })?;
        let password = Secret::new(Entropy::from_seed(random()?).readable(MADE));
        self.set(caller.author.clone(), &login, password.clone()).await?;
        self.forget_factor(&id.to_string(), &login, caller).await?;
        self.end_others(id, None, "the password was reset").await?;
        Ok((login, password))
    }
}
