//! Second factors: codes of an app (RFC 6238), each step once, and ten recovery codes, each once.

use api::console::{NewFactor, NewSession, Stage};
use api::{Caller, Problem, Visitor};
use model::{Secret, event};
use store::console::Factor;
use vault::totp;

use super::guesses::{Guess, Leave};
use super::{Porter, hex, now, person, random};

/// Recovery codes of a person.
const CODES: usize = 10;
/// Bytes of one: beyond guessing even for who has read their hashes.
const CODE_BYTES: usize = 10;
/// Digits between two dashes.
const GROUP: usize = 5;

fn seconds() -> u64 {
    u64::try_from(now().as_millis() / 1_000).unwrap_or(0)
}

/// A recovery code as it is hashed, however somebody typed it.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(64).map(|c| c.to_ascii_lowercase()).collect()
}

impl Porter {
    pub(super) async fn second_step(&self, visitor: &Visitor, code: &str) -> Result<NewSession, Problem> {
        let known = visitor.key.as_ref().and_then(|key| self.find(key, visitor));
        let known =
            known.filter(|known| known.stage == Stage::SecondFactor).ok_or_else(Problem::signed_out)?;
        let office = self.store.office();
        let id =
            person(&office, &known.login).map(|(id, ..)| id.to_string()).ok_or_else(Problem::signed_out)?;
        let proven = self.proven(&known).ok_or_else(Problem::signed_out)?;
        let wrong = || Problem::wrong_credentials("the code is wrong, or was used already");
        let Leave::Yes(permit) = self.permit(visitor, &known.login).await? else { return Err(wrong()) };
        if !self.code_fits(&id, code).await? {
            let guess = Guess {
                service: "console",
                account: &known.login,
                exists: true,
                reason: "wrong second factor",
            };
            self.failed(visitor, permit, guess).await;
            return Err(wrong());
        }
        self.succeeded(permit).await;
        self.open(visitor, Stage::SignedIn, &known.login, proven.and_factor()).await
    }

    async fn code_fits(&self, person: &str, code: &str) -> Result<bool, Problem> {
        let Some(factor) = self.book().factors.get(person).cloned() else { return Ok(false) };
        if let Some(step) = totp::step_of(&factor.secret, code.trim(), seconds()) {
            return self.kept().take_step(person, step).await.map_err(Problem::failed);
        }
        self.kept().take_recovery_code(person, &plain(code)).await.map_err(Problem::failed)
    }

    pub(super) async fn propose(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        password: Secret,
    ) -> Result<NewFactor, Problem> {
        let (login, id) = self.own_password(caller, visitor, password).await?;
        let secret = totp::secret(&random()?);
        let office = self.store.office();
        let uri = format!(
            "otpauth://totp/{}:{}?secret={}&issuer={}",
            escaped(&office.system.name),
            escaped(&login),
            secret.expose(),
            escaped(&office.system.name)
        );
        let shown = secret.expose().to_owned();
        self.book().proposed.insert(id.to_string(), secret);
        Ok(NewFactor { secret: shown, uri })
    }

    pub(super) async fn confirm(&self, caller: &Caller, code: &str) -> Result<Vec<String>, Problem> {
        let login = caller.login()?;
        let office = self.store.office();
        let person = person(&office, login).map(|(id, ..)| id).ok_or_else(Problem::signed_out)?;
        let id = person.to_string();
        let proposed = self.book().proposed.get(&id).cloned();
        let secret = proposed.ok_or_else(|| Problem::refused("ask for a secret first"))?;
        let step = totp::step_of(&secret, code.trim(), seconds()).ok_or_else(|| {
            Problem::field("code", "this is not the code of now", "look whether the phone's clock is right")
        })?;
        let mut codes = Vec::with_capacity(CODES);
        for _ in 0..CODES {
            codes.push(hex(&random::<CODE_BYTES>()?));
        }
        let factor = Factor { secret, last_step: step };
        self.kept().keep_factor(&id, &factor, &codes).await.map_err(Problem::failed)?;
        {
            let mut book = self.book();
            book.proposed.remove(&id);
            book.factors.insert(id, factor);
        }
        self.tell(&event::SECOND_FACTOR_CHANGED, |event| {
            event.with("login", login).with("author", &caller.author).with("now", "set")
        });
        // They were opened by the password alone, perhaps by whom the second factor is to keep out.
        self.end_others(person, caller.session(), "a second factor was set").await?;
        Ok(codes.iter().map(|code| grouped(code)).collect())
    }

    pub(super) async fn remove(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        password: Secret,
    ) -> Result<(), Problem> {
        let (login, id) = self.own_password(caller, visitor, password).await?;
        self.forget_factor(&id.to_string(), &login, caller).await
    }

    pub(super) async fn forget_factor(&self, id: &str, login: &str, by: &Caller) -> Result<(), Problem> {
        self.kept().forget_factor(id).await.map_err(Problem::failed)?;
        if self.book().factors.remove(id).is_some() {
            self.tell(&event::SECOND_FACTOR_CHANGED, |event| {
                event.with("login", login).with("author", &by.author).with("now", "removed")
            });
        }
        Ok(())
    }
}

fn grouped(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(GROUP).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// Percent-encodes all but unreserved characters (RFC 3986 section 2.3).
fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
