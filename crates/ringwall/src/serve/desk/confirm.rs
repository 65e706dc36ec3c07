//! Confirm or go back (SPEC R4.3): a change over HTTPS that shuts out who makes it takes effect at once, and goes back by itself
//! unless somebody who still gets in confirms it. It is kept before the change is stored, so that no crash leaves the administrator
//! out for good. The control socket's changes are final: who sits at the machine can't shut himself out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::Problem;
use guard::Rows;
use model::config::{self, Plan};
use model::event::{self, Event};
use store::PendingChange;

use super::{Author, Desk, Work, commit_problem, finished, own_password, read_problem, refusal};
use crate::serve::now;

/// Between two tries to go back while the disk refuses.
const RETRY: Duration = Duration::from_secs(5);

impl Desk {
    /// The change that waits for its confirmation.
    pub fn pending(&self) -> Option<PendingChange> {
        self.pending.borrow().clone()
    }

    /// Carries out a plan that may change rows: the revision, and whether it waits for a confirmation. `seat` is where its maker
    /// sits, unless at the machine itself. While one waits, only what lets its maker in again is taken from elsewhere: anything
    /// else would either make it final or be taken back with it, unknown to who asked.
    pub(super) async fn carry_out_rows(
        &self,
        work: &mut Work,
        author: &Author,
        plan: Plan,
        rows: Option<&Rows>,
        seat: Option<IpAddr>,
    ) -> Result<u64, Problem> {
        if seat.is_some() && own_password::is_set(&self.store.office(), &plan, author) {
            return Err(own_password::refusal());
        }
        let Some(rows) = rows else { return self.carry_out(work, author, plan).await };
        let before = self.pending();
        if let Some(before) = before.as_ref().filter(|before| seat.is_some() && !lets_in_again(rows, before))
        {
            return Err(another_waits(before));
        }
        let shut_out = seat.filter(|address| !rows.web.admits(*address));
        let wanted = shut_out.map(|address| PendingChange {
            back_to: before.as_ref().map_or(plan.base, |before| before.back_to),
            made: plan.base.saturating_add(1),
            until: now().after(plan.after.firewall.confirm_within.0),
            author: author.0.clone(),
            address: address.to_string(),
        });
        if let Some(wanted) = &wanted {
            self.store.keep_pending(Some(wanted)).await.map_err(commit_problem)?;
        }
        match self.carry_out(work, author, plan).await {
            Ok(revision) => {
                if wanted.is_none() && before.is_some() {
                    self.store.keep_pending(None).await.map_err(commit_problem)?;
                }
                // Shown before it is told: pages look when they hear of it.
                self.pending.send_replace(wanted.clone());
                if let Some(wanted) = &wanted {
                    self.tell(Some(told(&event::FIREWALL_PENDING, wanted)));
                }
                Ok(revision)
            }
            Err(problem) => {
                // Nothing was changed, so what waited before still waits; if this can't be said, nothing is lost but a countdown.
                let _ = self.store.keep_pending(before.as_ref()).await;
                Err(problem)
            }
        }
    }

    /// Lets the change that waits stand.
    ///
    /// # Errors
    /// None waits, or the disk refuses.
    pub async fn confirm(&self, author: &Author) -> Result<(), Problem> {
        let _work = self.work.lock().await;
        let Some(pending) = self.pending() else { return Err(nothing_waits()) };
        self.store.keep_pending(None).await.map_err(commit_problem)?;
        self.pending.send_replace(None);
        self.tell(Some(told(&event::FIREWALL_CONFIRMED, &pending).with("confirmed_by", author)));
        Ok(())
    }

    /// Takes the change that waits back now.
    ///
    /// # Errors
    /// None waits, or the disk refuses.
    pub async fn revert(self: &Arc<Desk>, author: Author) -> Result<(), Problem> {
        let Some(pending) = self.pending() else { return Err(nothing_waits()) };
        self.go_back(pending, author).await
    }

    /// Brings the rows and groups of before back, as a revision of its own.
    async fn go_back(self: &Arc<Desk>, pending: PendingChange, author: Author) -> Result<(), Problem> {
        let desk = self.clone();
        let work = async move {
            let mut work = desk.work.lock().await;
            if desk.pending().as_ref() != Some(&pending) {
                return Ok(());
            }
            let office = desk.store.office();
            // The server may have died before the change itself was stored.
            if pending.made <= office.revision {
                let target = desk.store.objects_at(pending.back_to).await.map_err(read_problem)?;
                let mut supply = work.supply();
                let plan = config::restore_rows(&office, target, pending.back_to, &mut supply);
                let plan = plan.map_err(refusal)?;
                if !plan.is_empty() {
                    desk.carry_out(&mut work, &author, plan).await?;
                }
            }
            desk.store.keep_pending(None).await.map_err(commit_problem)?;
            desk.pending.send_replace(None);
            desk.tell(Some(told(&event::FIREWALL_REVERTED, &pending)));
            Ok(())
        };
        finished(tokio::spawn(work).await)
    }

    /// Learns what waited before a restart.
    pub(super) async fn recall_pending(&self) {
        match self.store.pending().await {
            Ok(kept) => {
                self.pending.send_replace(kept);
            }
            Err(error) => self.tell_refused(&unconfirmed(""), &read_problem(error)),
        }
    }

    /// Forgets what waits, since somebody at the machine decided.
    pub(super) async fn forget_pending(&self) {
        if self.pending().is_some() && self.store.keep_pending(None).await.is_ok() {
            self.pending.send_replace(None);
        }
    }

    /// Takes changes back whose time is over, as long as the server runs.
    pub async fn look_after_pending(self: Arc<Desk>) {
        let mut watched = self.pending.subscribe();
        loop {
            let pending = watched.borrow_and_update().clone();
            let Some(pending) = pending else {
                if watched.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let left = pending.until.saturating_since(now());
            tokio::select! {
                _ = watched.changed() => continue,
                () = tokio::time::sleep(left) => {}
            }
            let author = unconfirmed(&pending.author);
            if let Err(problem) = self.go_back(pending, author.clone()).await {
                self.tell_refused(&author, &problem);
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Whom the revision names that takes a change back.
fn unconfirmed(author: &str) -> Author {
    api::Author(format!("firewall (change by {author} was not confirmed)"))
}

fn told(kind: &'static event::Kind, pending: &PendingChange) -> Event {
    Event::new(kind, now())
        .with("author", &pending.author)
        .with("address", &pending.address)
        .with("until", pending.until)
}

/// Whether who shut himself out gets in by these rows.
fn lets_in_again(rows: &Rows, pending: &PendingChange) -> bool {
    pending.address.parse().is_ok_and(|address| rows.web.admits(address))
}

fn another_waits(pending: &PendingChange) -> Problem {
    let PendingChange { author, until, .. } = pending;
    Problem::refused(format!(
        "a change of the firewall by {author} waits for its confirmation until {until}; confirm it or take it back first"
    ))
}

fn nothing_waits() -> Problem {
    Problem::not_found("no change of the firewall waits for a confirmation")
}

/// What to tell who has just shut himself out.
pub(super) fn pending_note(pending: &PendingChange) -> String {
    format!(
        "this shuts out {} itself: it goes back at {} unless it is confirmed from an address that still gets in",
        pending.address, pending.until
    )
}
