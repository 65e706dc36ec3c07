//! Sessions: a random key in a cookie, its hash here and on disk. One is over when it was idle or old, when the person is
//! gone, may not come in any more or has another password, and when somebody ends it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::console::{Known, NewSession, SessionRow, Stage};
use api::{Caller, Permission, Permissions, Problem, Visitor};
use model::config::Office;
use model::{Id, Secret, Wall, event};
use store::console::{StoredSession, key_hash};

use super::guesses::{Guess, Leave, WRONG};
use super::{Book, Porter, hex, now, person, random};

/// Sessions of one person; a new one ends the oldest.
const MAX_OF_PERSON: usize = 50;
/// Sessions of all, half-open ones among them.
const MAX_SESSIONS: usize = 5_000;
/// How long somebody may think about a second factor.
const SECOND_STEP: Duration = Duration::from_secs(300);
/// How long somebody may think about the first set-up.
const SET_UP: Duration = Duration::from_secs(3_600);
/// How old the last use on disk may be.
const WRITE_AFTER: Duration = Duration::from_secs(30);

/// Somebody who is in, or on the way.
#[derive(Clone, Debug)]
pub(super) struct Session {
    stored: StoredSession,
    stage: Stage,
    written: Wall,
}

impl Session {
    pub(super) fn restored(stored: StoredSession) -> Session {
        let written = stored.seen;
        Session { stored, stage: Stage::SignedIn, written }
    }

    /// Names it in lists; opens nothing.
    fn id(&self) -> &str {
        self.stored.key_hash.get(..24).unwrap_or_default()
    }

    fn limits(&self, office: &Office) -> (Duration, Duration) {
        match self.stage {
            Stage::SignedIn => (office.console.idle_timeout.0, office.console.session_lifetime.0),
            Stage::SecondFactor => (SECOND_STEP, SECOND_STEP),
            Stage::Setup => (SET_UP, SET_UP),
        }
    }

    /// Why it is over, if it is.
    fn over(&self, office: &Office, now: Wall) -> Option<&'static str> {
        let (idle, lifetime) = self.limits(office);
        if now >= self.stored.seen.after(idle) {
            return Some("idle");
        }
        if now >= self.stored.since.after(lifetime) {
            return Some("old");
        }
        if self.stage == Stage::Setup {
            return (office.administrators() > 0).then_some("the office is set up");
        }
        match person(office, &self.stored.login) {
            Some((id, _, _)) if id.to_string() != self.stored.person => Some("the person is gone"),
            None => Some("the person is gone, or may not come in any more"),
            Some((_, _, hash)) if key_hash(hash.expose()) != self.stored.credential => {
                Some("the password was changed")
            }
            Some(_) => None,
        }
    }
}

/// Who somebody has shown to be, and by which password: if it is another one by now, the session is over as it begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Proven {
    person: String,
    credential: String,
    /// By a second factor too.
    by_factor: bool,
}

impl Proven {
    /// By the password of this hash.
    pub(super) fn by(person: &Id, hash: &Secret) -> Proven {
        Proven { person: person.to_string(), credential: key_hash(hash.expose()), by_factor: false }
    }

    /// And by a second factor.
    pub(super) fn and_factor(self) -> Proven {
        Proven { by_factor: true, ..self }
    }
}

impl Book {
    fn known(&self, session: &Session, office: &Office) -> Known {
        let (idle, lifetime) = session.limits(office);
        let found = person(office, &session.stored.login);
        let role = found.map(|(_, user, _)| user.role);
        Known {
            id: session.id().to_owned(),
            stage: session.stage,
            login: session.stored.login.clone(),
            name: found.map(|(_, user, _)| user.name.clone()).unwrap_or_default(),
            role: role.map(|role| role.to_string()).unwrap_or_default(),
            permissions: role.map(Permissions::of).unwrap_or_default(),
            second_factor: self.factors.contains_key(&session.stored.person),
            idle_s: idle.as_secs_f64(),
            ends: session.stored.since.after(lifetime),
        }
    }

    /// Takes somebody in; not by a password alone whose person has set a second factor since it was looked for.
    fn take_in(&mut self, session: Session, by_factor: bool) -> bool {
        let guarded = || self.factors.contains_key(&session.stored.person);
        if session.stage == Stage::SignedIn && !by_factor && guarded() {
            return false;
        }
        self.sessions.insert(session.stored.key_hash.clone(), session);
        true
    }
}

impl Porter {
    /// Whose session this key opens. What a page asks by itself does not count as use, or a window that nobody looks at would
    /// never be idle.
    pub(super) fn find(&self, key: &Secret, visitor: &Visitor) -> Option<Known> {
        let (hash, office, now) = (key_hash(key.expose()), self.store.office(), now());
        let mut book = self.book();
        let session = book.sessions.get_mut(&hash)?;
        if let Some(why) = session.over(&office, now) {
            drop(book);
            self.end_later(hash, why);
            return None;
        }
        if visitor.by_itself {
            let session = session.clone();
            return Some(book.known(&session, &office));
        }
        session.stored.seen = now;
        session.stored.address = visitor.remote.ip().to_string();
        let stale = now.saturating_since(session.written) > WRITE_AFTER && session.stage == Stage::SignedIn;
        if stale {
            session.written = now;
        }
        let session = session.clone();
        let known = book.known(&session, &office);
        drop(book);
        if stale {
            let kept = self.kept();
            // What can't be written now is only a time, written again soon.
            tokio::spawn(async move { kept.touch_session(&session.stored).await });
        }
        Some(known)
    }

    /// What the session of this id may, if it stands; one that only listens is not used, so it ends when it is idle.
    pub(super) fn session_may(&self, id: &str) -> Option<Permissions> {
        let (office, now) = (self.store.office(), now());
        let book = self.book();
        let session = book.sessions.values().find(|session| session.id() == id)?;
        let stands = session.stage == Stage::SignedIn && session.over(&office, now).is_none();
        stands.then(|| book.known(session, &office).permissions)
    }

    /// What somebody on the way has shown so far.
    pub(super) fn proven(&self, known: &Known) -> Option<Proven> {
        let book = self.book();
        let session = book.sessions.values().find(|session| session.id() == known.id)?;
        let StoredSession { person, credential, .. } = &session.stored;
        Some(Proven { person: person.clone(), credential: credential.clone(), by_factor: false })
    }

    fn end_later(&self, hash: String, why: &'static str) {
        self.strike(&hash, why);
        let kept = self.kept();
        // If the disk refuses, it is over by the same rule after a restart.
        tokio::spawn(async move { kept.forget_session(&hash).await });
    }

    /// Takes a session out of the book.
    fn strike(&self, hash: &str, why: &str) -> bool {
        let gone = self.book().sessions.remove(hash);
        if let Some(session) = gone.as_ref().filter(|session| session.stage == Stage::SignedIn) {
            self.tell(&event::SESSION_ENDED, |event| {
                event.with("login", &session.stored.login).with("session", session.id()).with("why", why)
            });
        }
        gone.is_some()
    }

    /// Ends a session, on disk too when this returns.
    pub(super) async fn end(&self, hash: &str, why: &str) -> Result<(), Problem> {
        if self.strike(hash, why) {
            self.kept().forget_session(hash).await.map_err(Problem::failed)?;
        }
        Ok(())
    }

    /// Whether somebody is signed in from there.
    pub(super) fn is_used_at(&self, address: IpAddr) -> bool {
        let address = address.to_string();
        let book = self.book();
        book.sessions.values().any(|one| one.stage == Stage::SignedIn && one.stored.address == address)
    }

    /// Opens a session with a new key; the one that the browser came with is over.
    pub(super) async fn open(
        &self,
        visitor: &Visitor,
        stage: Stage,
        login: &str,
        proven: Proven,
    ) -> Result<NewSession, Problem> {
        let office = self.store.office();
        let Proven { person, credential, by_factor } = proven;
        if let Some(old) = &visitor.key {
            self.end(&key_hash(old.expose()), "signed in anew").await?;
        }
        let key = Secret::new(hex(&random::<32>()?));
        let now = now();
        let stored = StoredSession {
            key_hash: key_hash(key.expose()),
            person,
            login: login.to_owned(),
            credential,
            address: visitor.remote.ip().to_string(),
            agent: visitor.agent.clone(),
            since: now,
            seen: now,
        };
        let session = Session { stored, stage, written: now };
        // The password that was looked at may have been changed while it was.
        if session.over(&office, now).is_some() {
            return Err(Problem::signed_out());
        }
        self.make_room(&session.stored.person).await?;
        if stage == Stage::SignedIn {
            self.kept().keep_session(&session.stored).await.map_err(Problem::failed)?;
        }
        let hash = session.stored.key_hash.clone();
        let known = {
            let mut book = self.book();
            let known = book.known(&session, &office);
            book.take_in(session, by_factor).then_some(known)
        };
        let Some(known) = known else {
            self.kept().forget_session(&hash).await.map_err(Problem::failed)?;
            return Err(Problem::signed_out());
        };
        if stage == Stage::SignedIn {
            self.door.know_visitor(visitor.remote.ip());
            self.remember(visitor.remote.ip()).await;
            self.tell(&event::SESSION_OPENED, |event| {
                event.with("login", login).with("source", visitor.remote).with("agent", &visitor.agent)
            });
        }
        Ok(NewSession { key, known })
    }

    /// Ends what is over, and the oldest where there are too many.
    async fn make_room(&self, person: &str) -> Result<(), Problem> {
        self.sweep();
        let too_many = {
            let book = self.book();
            let all = book.sessions.len() >= MAX_SESSIONS;
            let own = || book.sessions.values().filter(|one| all || one.stored.person == person);
            let full = all || own().count() >= MAX_OF_PERSON;
            let oldest = own().min_by_key(|one| one.stored.seen);
            oldest.filter(|_| full).map(|one| one.stored.key_hash.clone())
        };
        match too_many {
            Some(hash) => self.end(&hash, "too many sessions").await,
            None => Ok(()),
        }
    }

    fn sweep(&self) {
        let (office, now) = (self.store.office(), now());
        let over: Vec<(String, &'static str)> = {
            let book = self.book();
            let over = book.sessions.iter();
            over.filter_map(|(hash, one)| Some((hash.clone(), one.over(&office, now)?))).collect()
        };
        for (hash, why) in over {
            self.end_later(hash, why);
        }
    }

    pub(super) fn list(&self, caller: &Caller) -> Vec<SessionRow> {
        self.sweep();
        let all = caller.permissions.has(Permission::Audit);
        let own = caller.login().unwrap_or_default();
        let book = self.book();
        let open = book.sessions.values().filter(|one| one.stage == Stage::SignedIn);
        let mut rows: Vec<SessionRow> = open
            .filter(|one| all || one.stored.login == own)
            .map(|one| SessionRow {
                id: one.id().to_owned(),
                login: one.stored.login.clone(),
                address: one.stored.address.parse().unwrap_or(IpAddr::from([0, 0, 0, 0])),
                user_agent: one.stored.agent.clone(),
                since: one.stored.since,
                last_seen: one.stored.seen,
                current: caller.session() == Some(one.id()),
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.last_seen));
        rows
    }

    pub(super) async fn end_by_id(&self, caller: &Caller, id: &str) -> Result<(), Problem> {
        let may_all = caller.permissions.has(Permission::Administer);
        let own = caller.login().unwrap_or_default().to_owned();
        let found = {
            let book = self.book();
            let mut all = book.sessions.values();
            all.find(|one| one.id() == id && (may_all || one.stored.login == own))
                .map(|one| one.stored.key_hash.clone())
        };
        // Somebody else's is as unknown as one that does not exist.
        let hash = found.ok_or_else(|| Problem::not_found("there is no such session (any more)"))?;
        self.end(&hash, &format!("ended by {}", caller.author)).await
    }

    /// Ends all of a person but one.
    pub(super) async fn end_others(&self, person: Id, but: Option<&str>, why: &str) -> Result<(), Problem> {
        let person = person.to_string();
        let others: Vec<String> = {
            let book = self.book();
            let of = book.sessions.values().filter(|one| one.stored.person == person);
            of.filter(|one| Some(one.id()) != but).map(|one| one.stored.key_hash.clone()).collect()
        };
        // All are out before the disk is asked, which may refuse.
        for hash in &others {
            self.strike(hash, why);
        }
        let mut written = Ok(());
        for hash in &others {
            written = written.and(self.kept().forget_session(hash).await);
        }
        written.map_err(Problem::failed)
    }

    /// The session stands although its person has a new password.
    pub(super) async fn renew(&self, id: &str, hash: &Secret) -> Result<(), Problem> {
        let renewed = {
            let mut book = self.book();
            let found = book.sessions.values_mut().find(|one| one.id() == id);
            found.map(|one| {
                one.stored.credential = key_hash(hash.expose());
                one.stored.clone()
            })
        };
        match renewed {
            Some(stored) => self.kept().renew_session(&stored).await.map_err(Problem::failed),
            None => Ok(()),
        }
    }

    /// Login and password.
    pub(super) async fn first_step(
        &self,
        visitor: &Visitor,
        login: String,
        password: Secret,
    ) -> Result<NewSession, Problem> {
        let place = self.place(visitor).await?;
        let office = self.store.office();
        let scale = Arc::new(self.scale(&office, &login));
        let leave = self.permit(visitor, &login).await?;
        let fits = self.fits(place, &scale, password).await;
        let wrong = || Problem::wrong_credentials(WRONG);
        let Leave::Yes(permit) = leave else { return Err(wrong()) };
        let Some((id, hash)) = scale.found.as_ref().filter(|_| fits) else {
            let exists = scale.found.is_some();
            let reason = if exists { "wrong password" } else { "no such administrator" };
            let guess = Guess { service: "console", account: &login, exists, reason };
            self.failed(visitor, permit, guess).await;
            return Err(wrong());
        };
        self.succeeded(permit).await;
        let guarded = self.book().factors.contains_key(&id.to_string());
        let stage = if guarded { Stage::SecondFactor } else { Stage::SignedIn };
        self.open(visitor, stage, &login, Proven::by(id, hash)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::console::Factor;

    fn session(key_hash: &str, stage: Stage) -> Session {
        let at = Wall::from_millis(0);
        let stored = StoredSession {
            key_hash: key_hash.to_owned(),
            person: "person".to_owned(),
            login: "admin".to_owned(),
            credential: "hash".to_owned(),
            address: "192.0.2.7".to_owned(),
            agent: String::new(),
            since: at,
            seen: at,
        };
        Session { stored, stage, written: at }
    }

    #[test]
    fn a_second_factor_set_while_the_password_was_looked_at_keeps_it_out() {
        let mut book = Book::default();
        assert!(book.take_in(session("before", Stage::SignedIn), false));
        let factor = Factor { secret: Secret::new("JBSWY3DPEHPK3PXP".to_owned()), last_step: 0 };
        book.factors.insert("person".to_owned(), factor);
        assert!(!book.take_in(session("late", Stage::SignedIn), false));
        assert!(book.take_in(session("half", Stage::SecondFactor), false));
        assert!(book.take_in(session("whole", Stage::SignedIn), true));
        let mut inside: Vec<&str> = book.sessions.keys().map(String::as_str).collect();
        inside.sort_unstable();
        assert_eq!(inside, ["before", "half", "whole"]);
    }
}
