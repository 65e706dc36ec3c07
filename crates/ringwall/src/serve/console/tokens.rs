//! Tokens of scripts: random, kept as a hash, for a time and from some addresses, never more than their maker may.

use std::net::IpAddr;
use std::time::Duration;

use api::console::{NewToken, Token, TokenWish};
use api::{Author, By, Caller, Permission, Permissions, Problem, Visitor};
use ipnet::IpNet;
use model::config::Office;
use model::{Secret, Wall, event};
use serde::{Deserialize, Serialize};
use store::console::{StoredToken, key_hash};

use super::guesses::{Guess, Leave};
use super::{Porter, hex, now, person, random};

/// Tokens in all.
const MAX_TOKENS: usize = 1_000;
/// Addresses and prefixes of one.
const MAX_FROM: usize = 100;
/// Longest name.
const MAX_NAME: usize = 100;
/// The longest life that can be written as a date.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);
/// How old the last use on disk may be.
const WRITE_AFTER: Duration = Duration::from_secs(60);
/// What a token begins with, so that scanners for leaked secrets know it.
const PREFIX: &str = "rw_";
const WRONG: &str = "the token is wrong, over, or not for this address";

/// A token in the book.
#[derive(Clone, Debug)]
pub(super) struct KeptToken {
    id: String,
    key_hash: String,
    body: Body,
    used: Option<Wall>,
    written: Option<Wall>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Body {
    name: String,
    permissions: Vec<Permission>,
    from: Vec<IpNet>,
    created: Wall,
    created_by: String,
    /// Id of the maker; empty: made on the control socket.
    person: String,
    expires: Option<Wall>,
}

impl Body {
    /// What it may now from `address`; `None`: it lets nobody in.
    fn may(&self, office: &Office, now: Wall, address: IpAddr) -> Option<Permissions> {
        let from_there = self.from.is_empty() || self.from.iter().any(|prefix| prefix.contains(&address));
        if self.expires.is_some_and(|end| now >= end) || !from_there {
            return None;
        }
        // Never more than the maker may now; a maker who is gone may nothing.
        let mut most = Permissions::ALL;
        if !self.person.is_empty() {
            let (id, user, _) = person(office, &self.created_by)?;
            if id.to_string() != self.person {
                return None;
            }
            most = Permissions::of(user.role);
        }
        Some(self.permissions.iter().copied().collect::<Permissions>().and(most))
    }
}

impl KeptToken {
    /// What can't be read was written by another release, and lets nobody in.
    pub(super) fn restored(stored: StoredToken) -> Option<KeptToken> {
        let body = serde_json::from_str(&stored.body).ok()?;
        let StoredToken { id, key_hash, used, .. } = stored;
        Some(KeptToken { id, key_hash, body, used, written: used })
    }

    fn stored(&self) -> StoredToken {
        let body = serde_json::to_string(&self.body).unwrap_or_default();
        StoredToken { id: self.id.clone(), key_hash: self.key_hash.clone(), body, used: self.used }
    }

    fn row(&self) -> Token {
        let body = &self.body;
        Token {
            id: self.id.clone(),
            name: body.name.clone(),
            permissions: body.permissions.clone(),
            from: body.from.iter().map(IpNet::to_string).collect(),
            created: body.created,
            created_by: body.created_by.clone(),
            expires: body.expires,
            last_used: self.used,
        }
    }
}

impl Porter {
    pub(super) async fn let_script_in(&self, token: &Secret, visitor: &Visitor) -> Result<Caller, Problem> {
        if let Some(caller) = self.script(token, visitor) {
            return Ok(caller);
        }
        if let Leave::Yes(permit) = self.permit(visitor, "token").await? {
            let guess = Guess { service: "api", account: "token", exists: false, reason: "wrong token" };
            self.failed(visitor, permit, guess).await;
        }
        Err(Problem::wrong_credentials(WRONG))
    }

    fn script(&self, token: &Secret, visitor: &Visitor) -> Option<Caller> {
        let (hash, now, office) = (key_hash(token.expose()), now(), self.store.office());
        let address = visitor.remote.ip().to_canonical();
        let mut book = self.book();
        let found = book.tokens.iter_mut().find(|one| one.key_hash == hash)?;
        let permissions = found.body.may(&office, now, address)?;
        let author = Author(format!("token {} of {}", found.body.name, found.body.created_by));
        found.used = Some(now);
        if found.written.is_none_or(|at| now.saturating_since(at) > WRITE_AFTER) {
            found.written = Some(now);
            let (kept, id) = (self.kept(), found.id.clone());
            // What can't be written now is only a time.
            tokio::spawn(async move { kept.touch_token(&id, now).await });
        }
        Some(Caller { author, permissions, address: Some(address), by: By::Token { id: found.id.clone() } })
    }

    /// What the token of this id may, if it still lets in who sits at `address`; looking does not count as use.
    pub(super) fn token_may(&self, id: &str, address: Option<IpAddr>) -> Option<Permissions> {
        let (now, office) = (now(), self.store.office());
        let book = self.book();
        book.tokens.iter().find(|one| one.id == id)?.body.may(&office, now, address?)
    }

    pub(super) fn list_tokens(&self) -> Vec<Token> {
        self.book().tokens.iter().map(KeptToken::row).collect()
    }

    pub(super) async fn new_token(&self, caller: &Caller, wish: TokenWish) -> Result<NewToken, Problem> {
        if matches!(caller.by, By::Token { .. }) {
            return Err(Problem::new(api::StatusCode::FORBIDDEN, "not-allowed", "a token can't make tokens"));
        }
        let TokenWish { name, permissions, from, expires_in_s } = wish;
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(Problem::field(
                "name",
                "this is no name",
                "write what the token is for, on one line",
            ));
        }
        if !caller.permissions.holds(permissions.iter().copied().collect()) {
            return Err(Problem::field(
                "permissions",
                "you don't have all of these",
                "choose among your own",
            ));
        }
        let from = read_prefixes(&from)?;
        let life = expires_in_s.map(Duration::try_from_secs_f64).transpose();
        let life = life.ok().filter(|life| life.is_none_or(|life| life <= LONGEST && !life.is_zero()));
        let life = life.ok_or_else(|| {
            Problem::field("expires_in_s", "this is no life for a token", "write seconds, up to ten years")
        })?;
        if self.book().tokens.len() >= MAX_TOKENS {
            return Err(Problem::refused(format!("there are {MAX_TOKENS} tokens already; end some")));
        }
        let office = self.store.office();
        // Only the machine's own socket makes tokens that are nobody's: whoever is gone meanwhile makes none.
        let person = match caller.login() {
            Ok(login) => person(&office, login).ok_or_else(Problem::signed_out)?.0.to_string(),
            Err(_) => String::new(),
        };
        let key = Secret::new(format!("{PREFIX}{}", hex(&random::<32>()?)));
        let created = now();
        let made = KeptToken {
            // Ids sort by time.
            id: format!("{:012x}{}", created.as_millis(), hex(&random::<4>()?)),
            key_hash: key_hash(key.expose()),
            body: Body {
                name,
                permissions,
                from,
                created,
                created_by: caller.author.0.clone(),
                person,
                expires: life.map(|life| created.after(life)),
            },
            used: None,
            written: None,
        };
        self.kept().keep_token(&made.stored()).await.map_err(Problem::failed)?;
        let row = made.row();
        self.book().tokens.push(made);
        self.tell(&event::TOKEN_MADE, |event| event.with("name", &row.name).with("author", &caller.author));
        Ok(NewToken { token: key.expose().to_owned(), row })
    }

    pub(super) async fn drop_token(&self, caller: &Caller, id: &str) -> Result<(), Problem> {
        // It lets nobody in any more while the disk is asked.
        let taken = {
            let mut book = self.book();
            let place = book.tokens.iter().position(|one| one.id == id);
            place.map(|place| book.tokens.remove(place))
        };
        let token = taken.ok_or_else(|| Problem::not_found("there is no such token (any more)"))?;
        if let Err(error) = self.kept().forget_token(id).await {
            // It would come back at the next start: it stays, so that it can be ended again.
            self.book().tokens.push(token);
            return Err(Problem::failed(error));
        }
        let name = &token.body.name;
        self.tell(&event::TOKEN_ENDED, |event| event.with("name", name).with("author", &caller.author));
        Ok(())
    }
}

#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn read_prefixes(list: &[String]) -> Result<Vec<IpNet>, Problem> {
    if list.len() > MAX_FROM {
        return Err(Problem::field("from", "too many addresses", "name networks instead"));
    }
    let read = |text: &String| {
        let address = text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
        address.or_else(|| text.parse().ok()).ok_or_else(|| {
            Problem::field("from", "this is no address", "write it like 192.0.2.7 or 192.0.2.0/24")
        })
    };
    list.iter().map(read).collect()
}
