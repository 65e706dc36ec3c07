//! Mail: the account that `[mail]` describes, the outbox in the database, and what of the guard's work is worth a letter.

use std::sync::Arc;

use guard::{Block, By, Scope};
use links::mail::{
    Account, Counter, Held, Letter, Outbox, Refused, Security, Slot, Supplies, Waiting, Warning,
};
use model::config::{MailSecurity, Office};
use model::{Entropy, Id, IdMint, Wall};
use store::{HeldRow, LetterRow, Letters, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{NODE, now};

/// The tasks that write and carry letters.
pub struct Mail {
    task: JoinHandle<()>,
    accounts: JoinHandle<()>,
}

impl Mail {
    /// Starts them over `store`: where blocks are told, and the tasks.
    pub fn start(store: &Store, entropy: &mut Entropy) -> (Post, Mail) {
        let (account, accounts) = watch::channel(account(&store.office()).map(Arc::new));
        let logs = store.logs();
        let (slot, task) = links::mail::start(Supplies {
            outbox: Kept(store.letters()),
            account: accounts,
            mint: IdMint::new(NODE, entropy),
            clock: now,
            log: Arc::new(move |event| logs.write(event)),
        });
        let accounts = tokio::spawn(follow(store.watch(), account));
        (Post { slot, offices: store.watch() }, Mail { task, accounts })
    }

    /// Waits until a letter that is being taken is crossed out. The [`Post`] has been dropped.
    pub async fn stop(self) {
        // A task that panicked has nothing more to do.
        let _ = self.task.await;
        self.accounts.abort();
    }
}

/// Where blocks are told; never waits.
pub struct Post {
    slot: Slot,
    offices: watch::Receiver<Arc<Office>>,
}

impl Post {
    /// Where letters to users are handed in.
    pub fn counter(&self) -> Counter {
        self.slot.counter()
    }

    /// Warns whom `security.guessing.warn_email` names of a block that the guard made. What administrators do themselves they
    /// know.
    pub fn tell(&self, block: &Block) {
        if block.by != By::Guard {
            return;
        }
        let office = self.offices.borrow();
        let to = &office.security.guessing.warn_email;
        if !to.is_empty() && office.mail.host.is_some() {
            self.slot.put(warning(to, block));
        }
    }
}

fn warning(to: &str, block: &Block) -> Warning {
    let evidence = &block.evidence;
    Warning {
        to: to.to_owned(),
        at: now(),
        address: block.shown(),
        refused: match &block.scope {
            Scope::Address => Refused::Address,
            Scope::Account(account) => Refused::Account(account.clone()),
        },
        services: evidence.services.iter().map(ToString::to_string).collect(),
        accounts: evidence.accounts.clone(),
        accounts_tried: evidence.accounts_tried,
        agents: evidence.agents.clone(),
        failures: evidence.failures,
        first: evidence.first,
        last: evidence.last,
        until: block.until,
        sentence: block.sentence(),
    }
}

/// Tells the postman of each change of `[mail]`.
async fn follow(mut offices: watch::Receiver<Arc<Office>>, accounts: watch::Sender<Option<Arc<Account>>>) {
    while offices.changed().await.is_ok() {
        let wanted = account(&offices.borrow_and_update());
        accounts.send_if_modified(|known| {
            if known.as_deref() == wanted.as_ref() {
                return false;
            }
            *known = wanted.map(Arc::new);
            true
        });
    }
}

/// The account of an office; `None`: no mail is set.
pub fn account(office: &Office) -> Option<Account> {
    let mail = &office.mail;
    let login = mail.username.clone().zip(office.mail_password.clone());
    Some(Account {
        host: mail.host.clone()?,
        port: mail.effective_port(),
        security: match mail.security {
            MailSecurity::None => Security::None,
            MailSecurity::StartTls => Security::StartTls,
            MailSecurity::Tls => Security::Tls,
        },
        login,
        from: mail.from.clone()?,
        office: office.system.name.clone(),
        retry: mail.retry.0,
        timeout: mail.timeout.0,
        digest: mail.digest.0,
    })
}

/// The outbox in the database.
struct Kept(Letters);

fn row(letter: &Letter) -> LetterRow {
    LetterRow {
        id: letter.id,
        recipient: letter.to.clone(),
        subject: letter.subject.clone(),
        body: letter.text.clone(),
        written: letter.written,
        tries: 0,
        due: letter.written,
    }
}

fn said(why: impl ToString) -> String {
    why.to_string()
}

impl Outbox for Kept {
    async fn written_within(&self, since: Wall, until: Wall) -> Result<u32, String> {
        self.0.written_within(since, until).await.map_err(said)
    }

    async fn waiting(&self) -> Result<u32, String> {
        self.0.waiting().await.map_err(said)
    }

    async fn keep(&self, letter: &Letter) -> Result<(), String> {
        self.0.keep(&row(letter)).await.map_err(said)
    }

    async fn hold(&self, held: &Held, most: u32) -> Result<(), String> {
        let row = HeldRow {
            id: held.id,
            happened: held.at,
            recipient: held.to.clone(),
            line: held.line.clone(),
            stands_for: held.count,
        };
        self.0.hold(&row, most).await.map_err(said)
    }

    async fn held(&self) -> Result<Vec<Held>, String> {
        let rows = self.0.held().await.map_err(said)?;
        let held = |row: HeldRow| {
            let HeldRow { id, happened, recipient, line, stands_for } = row;
            Held { id, at: happened, to: recipient, line, count: stands_for }
        };
        Ok(rows.into_iter().map(held).collect())
    }

    async fn fold(&self, digests: &[Letter]) -> Result<(), String> {
        let rows: Vec<LetterRow> = digests.iter().map(row).collect();
        self.0.fold(&rows).await.map_err(said)
    }

    async fn next(&self) -> Result<Option<(Wall, Waiting)>, String> {
        let Some(row) = self.0.next().await.map_err(said)? else { return Ok(None) };
        let LetterRow { id, recipient, subject, body, written, tries, due } = row;
        let letter = Letter { id, to: recipient, subject, text: body, written };
        Ok(Some((due, Waiting { letter, tries })))
    }

    async fn put_off(&self, letter: Id, tries: u32, until: Wall) -> Result<(), String> {
        self.0.put_off(letter, tries, until).await.map_err(said)
    }

    async fn gone(&self, letter: Id) -> Result<(), String> {
        self.0.gone(letter).await.map_err(said)
    }
}
