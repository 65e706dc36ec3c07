//! Who carries letters to the mail server, one after the other, and comes back when it is not there.
//!
//! Trouble with the server (no way there, TLS, login) is everybody's: the pause doubles from the account's `retry` on. A letter
//! that the server puts off (4xx) waits alone; one that it refuses (5xx) is given up, since asking again gets the same answer
//! (RFC 5321 section 4.2.1).

use std::sync::Arc;
use std::time::Duration;

use model::event::{self, Event};
use model::{Id, Wall};
use tokio::sync::{Mutex, Notify, watch};

use super::Account;
use super::delivery::{Trouble, deliver};
use super::limits::{DISK_PAUSE, KEPT, LONGEST_PAUSE};
use super::outbox::{Outbox, Waiting};

pub(super) struct Postman<O> {
    outbox: Arc<O>,
    account: watch::Receiver<Option<Arc<Account>>>,
    news: Arc<Notify>,
    clock: fn() -> Wall,
    log: Arc<dyn Fn(Event) + Send + Sync>,
    /// Conversations in a row that came to nothing.
    failures: u32,
    /// Held for each conversation, until the letter is crossed out.
    busy: Arc<Mutex<()>>,
}

impl<O: Outbox> Postman<O> {
    pub fn new(
        outbox: Arc<O>,
        account: watch::Receiver<Option<Arc<Account>>>,
        news: Arc<Notify>,
        clock: fn() -> Wall,
        log: Arc<dyn Fn(Event) + Send + Sync>,
        busy: Arc<Mutex<()>>,
    ) -> Postman<O> {
        Postman { outbox, account, news, clock, log, failures: 0, busy }
    }

    pub async fn run(mut self) {
        loop {
            let pause = match self.round().await {
                Ok(pause) => pause,
                Err(why) => {
                    let failed = Event::new(&event::STORE_FAILED, (self.clock)()).with("what", "letters");
                    (self.log)(failed.with("why", why));
                    Some(DISK_PAUSE)
                }
            };
            if !self.rest(pause).await {
                return;
            }
        }
    }

    /// Waits for so long, or for news; whether there is somebody to work for.
    async fn rest(&mut self, pause: Option<Duration>) -> bool {
        let waits_for_server = self.failures > 0;
        let pause = pause.unwrap_or(LONGEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            // A new letter is no reason to ask a server again that has just failed.
            () = self.news.notified(), if !waits_for_server => true,
            changed = self.account.changed() => {
                // Somebody mended something, perhaps.
                self.failures = 0;
                changed.is_ok()
            }
        }
    }

    /// Delivers the letter that is due, if one is. How long to rest; `None`: until there is a letter.
    async fn round(&mut self) -> Result<Option<Duration>, String> {
        let account = self.account.borrow_and_update().clone();
        let Some(account) = account else { return Ok(None) };
        let Some((due, waiting)) = self.outbox.next().await? else { return Ok(None) };
        let now = (self.clock)();
        let wait = due.saturating_since(now);
        // Nothing waits longer than that, unless the clock was set back.
        if !wait.is_zero() && wait <= LONGEST_PAUSE {
            return Ok(Some(wait));
        }
        if now.saturating_since(waiting.letter.written) > KEPT {
            self.give_up(&waiting, "the mail server did not take it for days").await?;
            return Ok(Some(Duration::ZERO));
        }
        let busy = self.busy.clone();
        let _busy = busy.lock().await;
        match deliver(&account, &waiting.letter).await {
            Ok(_) => {
                self.failures = 0;
                self.taken(waiting.letter.id).await;
                let sent = Event::new(&event::MAIL_SENT, now).with("to", &waiting.letter.to);
                (self.log)(sent.with("subject", &waiting.letter.subject).with("id", waiting.letter.id));
                Ok(Some(Duration::ZERO))
            }
            Err(trouble) => self.failed(&account, waiting, trouble).await.map(Some),
        }
    }

    async fn failed(
        &mut self,
        account: &Account,
        waiting: Waiting,
        trouble: Trouble,
    ) -> Result<Duration, String> {
        let (now, id) = ((self.clock)(), waiting.letter.id);
        let delayed = |why: &str, pause: Duration| {
            Event::new(&event::MAIL_DELAYED, now)
                .with("server", format!("{}:{}", account.host, account.port))
                .with("why", why)
                .with("again_in_s", pause.as_secs())
        };
        match trouble {
            Trouble::Server(why) => {
                let pause = pause(account.retry, self.failures);
                self.failures = self.failures.saturating_add(1);
                (self.log)(delayed(&why, pause));
                Ok(pause)
            }
            Trouble::Later(why) => {
                self.failures = 0;
                let pause = pause(account.retry, waiting.tries);
                (self.log)(delayed(&why, pause));
                self.outbox.put_off(id, waiting.tries.saturating_add(1), now.after(pause)).await?;
                Ok(Duration::ZERO)
            }
            Trouble::Never(why) => {
                self.failures = 0;
                self.give_up(&waiting, &why).await?;
                Ok(Duration::ZERO)
            }
        }
    }

    async fn give_up(&self, waiting: &Waiting, why: &str) -> Result<(), String> {
        self.outbox.gone(waiting.letter.id).await?;
        let refused = Event::new(&event::MAIL_REFUSED, (self.clock)()).with("to", &waiting.letter.to);
        (self.log)(refused.with("subject", &waiting.letter.subject).with("why", why));
        Ok(())
    }

    /// Crosses out a letter that the server has. Nothing else is sent before that is on disk: it would go out again.
    async fn taken(&self, letter: Id) {
        while let Err(why) = self.outbox.gone(letter).await {
            let failed = Event::new(&event::STORE_FAILED, (self.clock)()).with("what", "letters");
            (self.log)(failed.with("why", why));
            tokio::time::sleep(DISK_PAUSE).await;
        }
    }
}

/// The pause after so many failures before this one.
fn pause(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE)
}
