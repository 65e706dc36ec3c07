//! Warnings by e-mail (SPEC R4.7): from what happened to a letter, from the letter to the mail server.
//!
//! Two tasks share an [`Outbox`]: `desk` writes letters into it, `postman` carries them away. A mail server that is
//! down or hangs stops the second only. A letter is in the outbox before anything else happens to it, and leaves it when the
//! server has taken it, so that it survives a restart; its Message-ID stays the same, so that a repeated one is known
//! as such. Besides warnings, what somebody asks to be told to a user ([`Notice`]) goes the same way. Not here: when somebody is blocked (`guard`), the outbox's table (`store`).

mod account;
mod delivery;
mod desk;
mod letter;
pub mod limits;
mod notice;
mod outbox;
mod postman;
mod stream;
#[cfg(test)]
mod tests;
mod trial;
mod warning;

use std::sync::Arc;

use model::event::Event;
use model::{IdMint, Wall};
use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};

pub use account::{Account, Security};
pub use letter::Letter;
pub use notice::Notice;
pub use outbox::{Held, Outbox, Waiting};
pub use trial::try_out;
pub use warning::{Refused, Warning};

/// What is handed in to be written.
enum Order {
    Warning(Box<Warning>),
    Notice(Box<Notice>, oneshot::Sender<Result<(), Unwritten>>),
}

/// Why a letter that was asked for is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritten {
    /// No mail is set.
    #[error("no mail server is set")]
    NoAccount,
    /// [`limits::MAX_WAITING`] letters wait for the mail server, or as many orders as are handed in at once.
    #[error("too many letters wait for the mail server")]
    TooMany,
    /// The disk refuses.
    #[error("the disk does not take the letter")]
    Disk,
    /// The server stops.
    #[error("the server stops")]
    Stopping,
}

/// Where warnings are handed in; never waits.
#[derive(Clone, Debug)]
pub struct Slot {
    orders: mpsc::Sender<Order>,
    lost: Arc<std::sync::atomic::AtomicU64>,
}

impl Slot {
    /// Hands in a warning. More than [`limits::MAX_HANDED_IN`] at once are counted only; the next digest says how many.
    pub fn put(&self, warning: Warning) {
        if self.orders.try_send(Order::Warning(Box::new(warning))).is_err() {
            self.lost.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Where notices are handed in.
    pub fn counter(&self) -> Counter {
        Counter { orders: self.orders.downgrade() }
    }
}

/// Where notices are handed in by somebody who waits for the answer. Unlike a [`Slot`] it keeps no task alive.
#[derive(Clone, Debug)]
pub struct Counter {
    orders: mpsc::WeakSender<Order>,
}

impl Counter {
    /// Writes a notice into the outbox; on disk when it returns `Ok`.
    ///
    /// # Errors
    /// It is not written, and will not be.
    pub async fn write(&self, notice: Notice) -> Result<(), Unwritten> {
        let (answer, written) = oneshot::channel();
        let orders = self.orders.upgrade().ok_or(Unwritten::Stopping)?;
        orders.try_send(Order::Notice(Box::new(notice), answer)).map_err(|why| match why {
            mpsc::error::TrySendError::Full(_) => Unwritten::TooMany,
            mpsc::error::TrySendError::Closed(_) => Unwritten::Stopping,
        })?;
        drop(orders);
        written.await.unwrap_or(Err(Unwritten::Stopping))
    }
}

/// What the tasks live on.
pub struct Supplies<O> {
    /// Where letters are kept.
    pub outbox: O,
    /// How mail is sent; `None`: not at all. A change is taken up at once.
    pub account: watch::Receiver<Option<Arc<Account>>>,
    /// Ids of letters.
    pub mint: IdMint,
    /// The wall clock.
    pub clock: fn() -> Wall,
    /// Where events go.
    pub log: Arc<dyn Fn(Event) + Send + Sync>,
}

/// Starts both tasks inside the current runtime. They end soon after the last [`Slot`] is dropped; an
/// outbox is whole at any instant.
pub fn start<O: Outbox>(supplies: Supplies<O>) -> (Slot, tokio::task::JoinHandle<()>) {
    let (orders, incoming) = mpsc::channel(limits::MAX_HANDED_IN);
    let lost = Arc::default();
    let slot = Slot { orders, lost: Arc::clone(&lost) };
    let Supplies { outbox, account, mint, clock, log } = supplies;
    let (outbox, news) = (Arc::new(outbox), Arc::new(Notify::new()));
    let busy = Arc::new(Mutex::new(()));
    let postman = postman::Postman::new(
        outbox.clone(),
        account.clone(),
        news.clone(),
        clock,
        log.clone(),
        busy.clone(),
    );
    let desk = desk::Desk { outbox, account, news, mint, clock, log, incoming, lost };
    let task = tokio::spawn(async move {
        let mut postman = std::pin::pin!(postman.run());
        tokio::select! {
            () = desk.run() => {}
            () = &mut postman => return,
        }
        let last_words = async {
            tokio::select! {
                _ = busy.lock() => {}
                () = &mut postman => {}
            }
        };
        // What is cut off here goes again after the next start, under the same Message-ID.
        let _ = tokio::time::timeout(limits::LAST_WORDS, last_words).await;
    });
    (slot, task)
}
