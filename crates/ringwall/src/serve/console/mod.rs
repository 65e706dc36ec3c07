//! The porter: who is at the console, and what lets him in. Sessions, second factors, tokens, the first set-up and the audit
//! trail; every guess passes the guard (SPEC R4.4), every key is kept as a hash.
//!
//! Not here: HTTP and cookies (`api`), the rules of guessing (`guard`), changing the configuration (`desk`).

mod factors;
mod guesses;
mod own;
mod places;
mod sessions;
mod setup;
mod tokens;
mod trail;
mod weigh;

use std::collections::{BTreeMap, HashMap};
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::console::{
    AuditEntry, AuditQuery, AuditRow, CodeProposals, Known, NewFactor, NewSession, NewToken, OfficeName,
    Phone, SessionRow, SetUpWish, Token, TokenWish,
};
use api::{By, Caller, Https, Permissions, Problem, Visitor};
use model::config::{Office, User};
use model::event::{Event, Kind};
use model::{Id, Secret, Wall};
use net::{ControlHandle, Door, Visit};
use store::Store;
use store::console::{ConsoleStore, Factor, NewAudit};
use tokio::sync::{mpsc, watch};

use self::places::Places;
use self::sessions::Session;
use self::tokens::KeptToken;
use self::trail::{Fate, Pace};
use super::desk::{Desk, read_problem};
use super::{now, stop};
use crate::failure::Failure;

/// What lets people and scripts in.
pub struct Porter {
    store: Store,
    desk: Arc<Desk>,
    control: ControlHandle,
    door: Arc<Door>,
    book: Mutex<Book>,
    hashing: Places,
    pace: Arc<Mutex<Pace>>,
    /// The hash that a password is held against where there is no administrator.
    nobody: Secret,
    /// Whose hash it is where there are some, by the login that is nobody's.
    lot: RandomState,
}

/// Who is in.
#[derive(Default)]
struct Book {
    /// By the hash of their key.
    sessions: HashMap<String, Session>,
    /// By id of the person.
    factors: BTreeMap<String, Factor>,
    /// Second factors that wait for their first code, by id of the person.
    proposed: BTreeMap<String, Secret>,
    tokens: Vec<KeptToken>,
}

impl Porter {
    /// With who was in before a restart.
    ///
    /// # Errors
    /// What was kept can't be read.
    pub async fn restore(
        store: Store,
        desk: Arc<Desk>,
        control: ControlHandle,
        door: Arc<Door>,
    ) -> Result<Porter, Failure> {
        let kept = store.console();
        let mut book = Book::default();
        for stored in kept.sessions().await.map_err(Failure::failed)? {
            book.sessions.insert(stored.key_hash.clone(), Session::restored(stored));
        }
        book.factors = kept.factors().await.map_err(Failure::failed)?.into_iter().collect();
        let tokens = kept.tokens().await.map_err(Failure::failed)?;
        book.tokens = tokens.into_iter().filter_map(KeptToken::restored).collect();
        let random = random::<32>().map_err(|problem| Failure::failed(problem.detail))?;
        let nobody = store::passwords::hash(&Secret::new(hex(&random))).map_err(Failure::failed)?;
        let (book, hashing, lot) = (Mutex::new(book), Places::new(), RandomState::new());
        Ok(Porter { store, desk, control, door, book, hashing, pace: Arc::default(), nobody, lot })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> ConsoleStore {
        self.store.console()
    }

    fn tell(&self, kind: &'static Kind, fill: impl FnOnce(Event) -> Event) {
        self.store.logs().write(fill(Event::new(kind, now())));
    }
}

/// Adds a row to the audit trail, or says why it could not.
async fn write_down(store: &Store, row: &NewAudit) {
    if let Err(error) = store.console().add_audit(row).await {
        let failed = Event::new(&model::event::STORE_FAILED, now());
        store.logs().write(failed.with("what", "audit").with("why", error));
    }
}

/// Serves who comes to the console, until the server stops.
pub async fn receive(mut visits: mpsc::Receiver<Visit>, https: Https, stop: watch::Receiver<bool>) {
    loop {
        let visit = tokio::select! {
            visit = visits.recv() => visit,
            () = stop::told(stop.clone()) => return,
        };
        let Some(Visit { stream, remote, local, mut ended }) = visit else { return };
        let stop = stop.clone();
        tokio::spawn(https.clone().serve(stream, remote, local, async move {
            tokio::select! {
                () = ended.told() => {}
                () = stop::told(stop) => {}
            }
        }));
    }
}

/// Random bytes of the system.
#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    vault::fill_random(&mut bytes).map_err(Problem::failed)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A person who may come in: the id, the record, and the hash of the password.
fn person<'a>(office: &'a Office, login: &str) -> Option<(Id, &'a User, &'a Secret)> {
    let object = office.users.get(login)?;
    let hash = office.password_hashes.get(login)?;
    object.value.role.is_administrator().then_some((object.id, &*object.value, hash))
}

impl api::Console for Porter {
    fn is_new(&self) -> bool {
        self.store.office().administrators() == 0
    }

    fn answers_to(&self, host: &str) -> bool {
        let office = self.store.office();
        let is = |name: &str| name.trim_end_matches('.').eq_ignore_ascii_case(host);
        let own = ["localhost", office.system.domain.as_str()].into_iter();
        own.chain(office.system.aliases.iter().map(String::as_str)).any(is)
            || self.desk.certificates().covers(host)
    }

    fn has_trusted_certificate(&self) -> bool {
        self.desk.certificates().are_trusted()
    }

    fn office_name(&self) -> OfficeName {
        let office = self.store.office();
        OfficeName {
            name: office.system.name.clone(),
            language: office.system.language.clone(),
            time_zone: Some(office.system.time_zone.clone()),
        }
    }

    fn known(&self, key: &Secret, visitor: &Visitor) -> Option<Known> {
        self.find(key, visitor)
    }

    fn stands(&self, caller: &Caller) -> bool {
        match &caller.by {
            By::Socket => Some(Permissions::ALL),
            By::Session { id, .. } => self.session_may(id),
            By::Token { id } => self.token_may(id, caller.address),
        }
        .is_some_and(|permissions| permissions.holds(caller.permissions))
    }

    async fn token(&self, token: &Secret, visitor: &Visitor) -> Result<Caller, Problem> {
        self.let_script_in(token, visitor).await
    }

    async fn sign_in(
        &self,
        visitor: &Visitor,
        login: String,
        password: Secret,
    ) -> Result<NewSession, Problem> {
        self.first_step(visitor, login, password).await
    }

    async fn second_factor(&self, visitor: &Visitor, code: String) -> Result<NewSession, Problem> {
        self.second_step(visitor, &code).await
    }

    async fn sign_out(&self, visitor: &Visitor) -> Result<(), Problem> {
        match &visitor.key {
            Some(key) => self.end(&store::console::key_hash(key.expose()), "signed out").await,
            None => Ok(()),
        }
    }

    async fn setup_code(
        &self,
        visitor: &Visitor,
        code: Secret,
    ) -> Result<(NewSession, CodeProposals), Problem> {
        self.look_at_setup_code(visitor, code).await
    }

    async fn set_up(&self, visitor: &Visitor, wish: SetUpWish) -> Result<(NewSession, Vec<Phone>), Problem> {
        self.set_office_up(visitor, wish).await
    }

    async fn sessions(&self, caller: &Caller) -> Result<Vec<SessionRow>, Problem> {
        Ok(self.list(caller))
    }

    async fn end_session(&self, caller: &Caller, id: String) -> Result<(), Problem> {
        self.end_by_id(caller, &id).await
    }

    async fn set_password(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        current: Secret,
        new: Secret,
    ) -> Result<(), Problem> {
        self.change_password(caller, visitor, current, new).await
    }

    async fn propose_factor(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        password: Secret,
    ) -> Result<NewFactor, Problem> {
        self.propose(caller, visitor, password).await
    }

    async fn confirm_factor(&self, caller: &Caller, code: String) -> Result<Vec<String>, Problem> {
        self.confirm(caller, &code).await
    }

    async fn remove_factor(
        &self,
        caller: &Caller,
        visitor: &Visitor,
        password: Secret,
    ) -> Result<(), Problem> {
        self.remove(caller, visitor, password).await
    }

    async fn reset_password(
        &self,
        caller: &Caller,
        login: Option<String>,
    ) -> Result<(String, Secret), Problem> {
        self.reset(caller, login).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, Problem> {
        Ok(self.list_tokens())
    }

    async fn make_token(&self, caller: &Caller, wish: TokenWish) -> Result<NewToken, Problem> {
        self.new_token(caller, wish).await
    }

    async fn end_token(&self, caller: &Caller, id: String) -> Result<(), Problem> {
        self.drop_token(caller, &id).await
    }

    async fn write_audit(&self, entry: AuditEntry) {
        let row = NewAudit {
            time: now(),
            author: entry.author,
            action: entry.action,
            object: entry.object,
            detail: entry.detail,
            address: entry.address.map(|address| address.to_string()).unwrap_or_default(),
            outcome: entry.outcome.to_owned(),
        };
        let author = row.author.clone();
        let fate = self.pace.lock().unwrap_or_else(PoisonError::into_inner).judge(row, now());
        match fate {
            Fate::Written(row) => write_down(&self.store, &row).await,
            Fate::Counted(None) => {}
            Fate::Counted(Some(after)) => {
                let (store, pace) = (self.store.clone(), self.pace.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let summary = pace.lock().unwrap_or_else(PoisonError::into_inner).summary(&author);
                    if let Some(row) = summary {
                        write_down(&store, &NewAudit { time: now(), ..row }).await;
                    }
                });
            }
        }
    }

    async fn audit(&self, query: AuditQuery) -> Result<Vec<AuditRow>, Problem> {
        let AuditQuery { limit, after, author } = query;
        let rows = self.kept().audit(after, author.as_deref(), limit.unwrap_or(100)).await;
        let shown = |found: store::console::AuditRow| {
            let NewAudit { time, author, action, object, detail, address, outcome } = found.row;
            AuditRow { id: found.number, time, author, action, object, detail, address, outcome }
        };
        Ok(rows.map_err(read_problem)?.into_iter().map(shown).collect())
    }

    fn now(&self) -> Wall {
        now()
    }
}
