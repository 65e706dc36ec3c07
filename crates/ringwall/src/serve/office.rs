//! The reception: answers the resources of `/api/v1` by asking the exchange, the desk and the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use api::body::{
    Applied, Block, Certificates, Check, Destination, Dropped, NewPassword, PortRow, Revision,
    RevisionDetail, Shed, Status, Trouble, Unblocked,
};
use api::live::{AttackView, Notes};
use api::objects::Page;
use api::{ApplyOptions, Author, BlockWish, Caller, LogLines, LogQuery, Problem, RegistrationQuery};
use calls::Command;
use guard::Gate;
use model::event::{self, Event};
use model::history::HistoryQuery;
use model::live::{Call, Registration};
use model::record::CallRecord;
use model::{CallId, Wall};
use net::{ControlHandle, Door, Offload};
use store::Store;
use tokio::sync::watch;
use tokio::time::Instant;

use super::desk::{Desk, Wish, read_problem};
use super::drill::Drill;
use super::letters::Writer;
use super::lock::Lock;
use super::pulse::{Pulse, State};
use super::troubles::{self, Troubles};
use super::{NODE, attacks, blocks, logs, names, now, ports, registrations, views};

/// What answers.
pub struct Reception {
    store: Store,
    desk: Arc<Desk>,
    control: ControlHandle,
    door: Arc<Door>,
    kernel: Arc<Offload>,
    gate: Arc<Gate>,
    lock: Lock,
    drill: Arc<Drill>,
    pulse: Arc<Pulse>,
    troubles: Arc<Troubles>,
    stop: watch::Receiver<bool>,
    writer: Writer,
    started: Wall,
    since: Instant,
}

impl Reception {
    /// Opens for questions. What happens comes from `pulse`; `stop` turns true when the server ends.
    pub fn new(
        store: Store,
        desk: Arc<Desk>,
        control: ControlHandle,
        (door, kernel): (Arc<Door>, Arc<Offload>),
        gate: Arc<Gate>,
        (lock, drill, writer): (Lock, Drill, Writer),
        (pulse, troubles, stop): (Arc<Pulse>, Arc<Troubles>, watch::Receiver<bool>),
    ) -> Reception {
        Reception {
            store,
            desk,
            control,
            door,
            kernel,
            gate,
            lock,
            drill: Arc::new(drill),
            pulse,
            troubles,
            stop,
            writer,
            started: now(),
            since: Instant::now(),
        }
    }

    /// What is configured.
    pub fn office(&self) -> Arc<model::config::Office> {
        self.store.office()
    }

    /// Who changes it.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// What is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Who writes letters on demand.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Who tried passwords since then.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Where events go.
    pub fn logs(&self) -> store::LogSink {
        self.store.logs()
    }

    /// Asks the exchange.
    ///
    /// # Errors
    /// The server is stopping.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut calls::Exchange, model::Now) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        self.control.ask(question).await.map_err(|_| Problem::stopping())
    }

    /// What the pages of the console show while it happens; `None`: the server stops.
    pub async fn state(&self) -> Option<State> {
        use api::Office as _;
        let (status, calls) = (self.status().await.ok()?, self.calls().await.ok()?);
        let mut status = serde_json::to_value(status).unwrap_or_default();
        if let Some(table) = status.as_object_mut() {
            // It changes by itself, which is no news.
            ["uptime_s", "held", "dropped", "shed"].iter().for_each(|key| drop(table.remove(*key)));
        }
        Some(State { status, calls })
    }

    fn troubles(&self) -> Vec<Trouble> {
        let mut all = self.troubles.list(&self.store);
        all.extend(self.desk.hosts().troubles());
        all
    }

    fn dropped(&self) -> Dropped {
        let counters = self.door.counters();
        Dropped {
            denied: self.gate.counts().denied,
            malformed: counters.malformed.load(Ordering::Relaxed),
            shed: self.control.shed().messages(),
            unsent: counters.unsent.load(Ordering::Relaxed),
            media_unsent: counters.media_unsent.load(Ordering::Relaxed),
            unstored: self.store.records().dropped().saturating_add(self.store.bindings().dropped()),
            log_lines: self.store.logs().dropped(),
        }
    }

    fn shed(&self) -> Shed {
        let counts = self.control.shed();
        let full = self.door.counters().slow.load(Ordering::Relaxed);
        Shed {
            in_progress: counts.in_progress,
            credentialed: counts.credentialed,
            familiar: counts.familiar,
            unknown: counts.unknown,
            late: counts.late,
            unread: counts.unread,
            connections: counts.connections,
            idlers: counts.idlers,
            slow: counts.slow.saturating_add(full),
        }
    }
}

impl api::Office for Reception {
    async fn status(&self) -> Result<Status, Problem> {
        let (mut held, registrations, calls, blocks) = self
            .ask(|exchange, now| {
                let (registrations, calls) = (exchange.registrations(now).len(), exchange.calls(now).len());
                (exchange.held(), registrations, calls, exchange.blocked())
            })
            .await?;
        held.connections = self.door.open_connections();
        held.file_handles = net::file_handles();
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: NODE,
            started: self.started,
            uptime_s: self.since.elapsed().as_secs_f64(),
            revision: self.store.office().revision,
            registrations,
            calls,
            lock: self.lock.shown(),
            held,
            vault: "off".to_owned(),
            kernel_offload: self.kernel.state().to_string(),
            blocks,
            listeners: self.desk.listeners(),
            dropped: self.dropped(),
            troubles: self.troubles(),
            shed: self.shed(),
        })
    }

    async fn registrations(&self, query: RegistrationQuery) -> Result<Page<Registration>, Problem> {
        let all = self.ask(|exchange, now| exchange.registrations(now)).await?;
        registrations::list(all, &query)
    }

    async fn calls(&self) -> Result<Vec<Call>, Problem> {
        self.ask(|exchange, now| exchange.calls(now)).await
    }

    async fn hangup(&self, author: Author, call: CallId) -> Result<(), Problem> {
        let running =
            self.ask(move |exchange, now| exchange.calls(now).iter().any(|row| row.id == call)).await?;
        if !running {
            return Err(Problem::not_found(format!(
                "call {call} does not run (any more); `ringwall calls` shows who calls"
            )));
        }
        self.control.command(Command::Hangup { call, author: author.0 });
        Ok(())
    }

    async fn blocks(&self) -> Result<Vec<Block>, Problem> {
        let blocks = self.ask(|exchange, now| exchange.blocks(now)).await?;
        Ok(blocks.into_iter().map(blocks::row).collect())
    }

    async fn block(&self, author: Author, address: String, wish: BlockWish) -> Result<Block, Problem> {
        let block = blocks::block(&self.control, &self.store, author.0, &address, wish).await;
        tokio::task::block_in_place(|| self.kernel.settle());
        block
    }

    async fn unblock(&self, author: Author, address: String, yes: bool) -> Result<Unblocked, Problem> {
        let unblocked = blocks::unblock(&self.control, &self.store, author.0, &address, yes).await;
        tokio::task::block_in_place(|| self.kernel.settle());
        unblocked
    }

    async fn lock(&self, author: Author, why: String) -> Result<model::lock::Lock, Problem> {
        self.lock.set(author, why).await
    }

    async fn unlock(&self, author: Author) -> Result<(), Problem> {
        self.lock.lift(author).await
    }

    async fn history(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, Problem> {
        self.store.history(&views::within_a_period(query)).await.map_err(read_problem)
    }

    async fn revisions(&self) -> Result<Vec<Revision>, Problem> {
        let list = self.store.revisions().await.map_err(read_problem)?;
        let row = |revision: store::Revision| {
            let store::Revision { number, time, author, changes, summary } = revision;
            Revision { number, time, author, changes, summary }
        };
        Ok(list.into_iter().map(row).collect())
    }

    async fn revision(&self, number: u64) -> Result<RevisionDetail, Problem> {
        let detail = self.store.revision(number).await.map_err(read_problem)?;
        let store::RevisionDetail { number, time, author, difference, changes } = detail;
        let changes = changes.iter().filter_map(|change| serde_json::to_value(change).ok()).collect();
        Ok(RevisionDetail { number, time, author, difference, changes })
    }

    async fn rollback(&self, author: Author, number: u64, options: ApplyOptions) -> Result<Applied, Problem> {
        self.desk.change(author, Wish::Rollback(number), options).await
    }

    async fn export(&self, author: Author, with_secrets: bool) -> Result<String, Problem> {
        let secrets =
            if with_secrets { model::config::Secrets::Include } else { model::config::Secrets::Omit };
        if with_secrets {
            self.store.logs().write(Event::new(&event::SECRETS_EXPORTED, now()).with("author", author));
        }
        let office = self.store.office();
        Ok(tokio::task::block_in_place(|| model::config::export(&office, secrets)))
    }

    async fn apply(&self, author: Author, text: String, options: ApplyOptions) -> Result<Applied, Problem> {
        self.desk.change(author, Wish::File(options.file.clone(), text), options).await
    }

    async fn new_password(
        &self,
        author: Author,
        extension: String,
        line: Option<String>,
        show: bool,
    ) -> Result<NewPassword, Problem> {
        let (line, password, revision) = self.desk.new_password(author.clone(), extension, line).await?;
        if show {
            let shown = Event::new(&event::PASSWORD_SHOWN, now()).with("line", &line).with("author", author);
            self.store.logs().write(shown);
        }
        Ok(NewPassword { line, password: show.then(|| password.expose().to_owned()), revision })
    }

    async fn destination(&self, name: String) -> Result<Destination, Problem> {
        names::destination(name, &self.desk.listeners()).await
    }

    async fn ports(&self) -> Result<Vec<PortRow>, Problem> {
        Ok(ports::rows(
            &self.desk.listeners(),
            self.desk.media_range(),
            self.desk.reach_sip().as_deref(),
            self.desk.reach_web().as_deref(),
        ))
    }

    async fn check(&self) -> Result<Check, Problem> {
        let check = tokio::task::block_in_place(|| self.desk.check());
        Ok(troubles::first(self.troubles(), check))
    }

    async fn drill(&self, author: Author, lines: LogLines) -> Result<(), Problem> {
        self.drill.begin(&self.store, author, lines).await
    }

    async fn end_drill(&self) -> Result<api::drill::Removed, Problem> {
        self.drill.end().await
    }

    async fn certificates(&self) -> Result<Certificates, Problem> {
        self.desk.certificates().described().ok_or_else(Problem::stopping)
    }

    async fn authority(&self) -> Result<bytes::Bytes, Problem> {
        self.desk.certificates().authority().ok_or_else(Problem::stopping)
    }

    async fn attacks(&self, since: Wall) -> Result<AttackView, Problem> {
        let blocks = self.ask(|exchange, now| exchange.blocks(now)).await?;
        Ok(attacks::view(self.pulse.tried(since), &blocks, &self.store.office()))
    }

    async fn events(&self, caller: &Caller, notes: Notes) -> Result<(), Problem> {
        let listener = self.pulse.listen(caller.by.holder());
        let listener = listener
            .ok_or_else(|| Problem::slow_down("too many windows of the console are open; close some"))?;
        // Looked at after listening: what happens meanwhile is told.
        let state = self.state().await.ok_or_else(Problem::stopping)?;
        attacks::tell(listener, state, notes, self.stop.clone());
        Ok(())
    }

    async fn log(&self, query: LogQuery, lines: LogLines) -> Result<(), Problem> {
        logs::give_out(&self.store, query, lines, self.stop.clone()).await
    }
}
