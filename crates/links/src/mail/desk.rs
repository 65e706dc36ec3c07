//! Where warnings become letters: ten within the digest's time, then a digest. Nothing is acknowledged here that is not on
//! disk; a disk that refuses is asked again, and what comes meanwhile waits, up to its limit.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::event::{self, Event};
use model::{IdMint, Wall};
use tokio::sync::{Notify, mpsc, watch};

use super::limits::{DISK_PAUSE, LETTERS_AT_ONCE, MAX_HELD, MAX_WAITING};
use super::outbox::{Held, Outbox};
use super::warning::digest;
use super::{Account, Notice, Order, Unwritten, Warning};

/// The task that writes letters.
pub(super) struct Desk<O> {
    pub outbox: Arc<O>,
    pub account: watch::Receiver<Option<Arc<Account>>>,
    /// Rung when there is a letter.
    pub news: Arc<Notify>,
    pub mint: IdMint,
    pub clock: fn() -> Wall,
    pub log: Arc<dyn Fn(Event) + Send + Sync>,
    pub incoming: mpsc::Receiver<Order>,
    pub lost: Arc<AtomicU64>,
}

/// What is to be done next.
enum Turn {
    Order(Order),
    Digest,
    End,
}

impl<O: Outbox> Desk<O> {
    pub async fn run(mut self) {
        // When the digest is due; known from the disk after a restart.
        let mut due = self.digest_due().await;
        loop {
            match self.turn(due).await {
                Turn::Order(Order::Warning(warning)) => self.take(*warning, &mut due).await,
                // Who gave up waiting is told that nothing was written; so nothing is.
                Turn::Order(Order::Notice(_, answer)) if answer.is_closed() => {}
                Turn::Order(Order::Notice(notice, answer)) => {
                    let _ = answer.send(self.take_notice(&notice).await);
                }
                Turn::Digest => due = self.fold().await,
                Turn::End => return,
            }
        }
    }

    async fn turn(&mut self, due: Option<Wall>) -> Turn {
        let wait = due.map(|due| due.saturating_since((self.clock)()));
        tokio::select! {
            biased;
            () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => Turn::Digest,
            order = self.incoming.recv() => order.map_or(Turn::End, Turn::Order),
        }
    }

    /// Where no mail is set there is nobody to write to.
    fn account(&self) -> Option<Arc<Account>> {
        self.account.borrow().clone()
    }

    async fn take(&mut self, warning: Warning, due: &mut Option<Wall>) {
        let Some(account) = self.account() else { return };
        let id = self.mint.mint(warning.at);
        while let Err(why) = self.write(&account, warning.clone(), id, due).await {
            self.disk_refuses(why).await;
        }
    }

    /// Somebody waits for the answer and can ask again, so a disk that refuses is asked once.
    async fn take_notice(&mut self, notice: &Notice) -> Result<(), Unwritten> {
        let account = self.account().ok_or(Unwritten::NoAccount)?;
        let letter = notice.letter(self.mint.mint(notice.at), &account.office);
        match self.outbox.waiting().await {
            Ok(waiting) if waiting >= MAX_WAITING => return Err(Unwritten::TooMany),
            Ok(_) => {}
            Err(_) => return Err(Unwritten::Disk),
        }
        self.outbox.keep(&letter).await.map_err(|_| Unwritten::Disk)?;
        self.news.notify_one();
        Ok(())
    }

    async fn write(
        &self,
        account: &Account,
        warning: Warning,
        id: model::Id,
        due: &mut Option<Wall>,
    ) -> Result<(), String> {
        let now = (self.clock)();
        let window = Wall::from_millis(now.as_millis().saturating_sub(millis(account.digest)));
        if due.is_some() || self.outbox.written_within(window, now).await? >= LETTERS_AT_ONCE {
            self.outbox.hold(&warning.held(id), MAX_HELD).await?;
            // A period without letters: then none of the earlier ones counts any more.
            due.get_or_insert(now.after(account.digest));
            return Ok(());
        }
        if self.outbox.waiting().await? >= MAX_WAITING {
            (self.log)(Event::new(&event::MAIL_LOST, now).with("about", warning.address));
            return Ok(());
        }
        self.outbox.keep(&warning.letter(id, &account.office)).await?;
        self.news.notify_one();
        Ok(())
    }

    /// Makes letters of what is held. When the next digest is due: none is.
    async fn fold(&mut self) -> Option<Wall> {
        // Held until mail is set again.
        let Some(account) = self.account() else { return Some((self.clock)().after(DISK_PAUSE)) };
        let unwritten = self.lost.swap(0, Ordering::Relaxed);
        loop {
            match self.try_fold(&account, unwritten).await {
                Ok(()) => {
                    self.news.notify_one();
                    return None;
                }
                Err(why) => self.disk_refuses(why).await,
            }
        }
    }

    async fn try_fold(&mut self, account: &Account, mut unwritten: u64) -> Result<(), String> {
        let held = self.outbox.held().await?;
        let now = (self.clock)();
        let recipients: BTreeSet<&str> = held.iter().map(|one| one.to.as_str()).collect();
        let mut letters = Vec::new();
        for to in recipients {
            let theirs: Vec<&Held> = held.iter().filter(|one| one.to == to).collect();
            let id = self.mint.mint(now);
            letters.push(digest(id, now, to, &theirs, std::mem::take(&mut unwritten), &account.office));
        }
        self.outbox.fold(&letters).await
    }

    /// When the digest of what is held is due; `None`: nothing is.
    async fn digest_due(&mut self) -> Option<Wall> {
        loop {
            match self.outbox.held().await {
                Ok(held) => {
                    let first = held.first()?;
                    let period = self.account().map_or(DISK_PAUSE, |account| account.digest);
                    let now = (self.clock)();
                    // A clock that was set back must not hold it for ever.
                    return Some(first.at.after(period).min(now.after(period)));
                }
                Err(why) => self.disk_refuses(why).await,
            }
        }
    }

    async fn disk_refuses(&self, why: String) {
        let failed = Event::new(&event::STORE_FAILED, (self.clock)()).with("what", "letters");
        (self.log)(failed.with("why", why));
        tokio::time::sleep(DISK_PAUSE).await;
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
