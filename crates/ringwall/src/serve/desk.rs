//! The desk: the one place that changes the configuration. A change is planned, its listeners are bound, it is stored,
//! and then the exchange is told; only when all of that is done is it acknowledged (SPEC R3.3, R3.7).

use std::path::Path;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use api::body::Applied;
use api::drill::Canary;
use api::{ApplyOptions, Problem};
use calls::Command;
use guard::Rows;
use ipnet::IpNet;
use model::config::{self, Deletions, Mode, Office, Options, Plan, PortRange, Source, Supply};
use model::directory::Directory;
use model::event::{self, Event};
use model::live::Listener;
use model::{Entropy, IdMint, Secret};
use net::{ControlHandle, Door, Listeners, Offload, Order, Patience};
use store::Store;
use tokio::sync::{Mutex, watch};

pub use api::Author;

mod canaries;
mod confirm;
mod edits;
mod import;
mod learning;
pub mod own_password;
mod problems;
mod renewed;
mod upload;

use self::confirm::pending_note;
pub use self::edits::{Done, Job};
pub use self::problems::read_problem;
use self::problems::{commit_problem, refusal};
use self::renewed::Renewed;

use super::certificates::{Certificates, Occasion};
use super::hosts::Hosts;
use super::overrides::Overrides;
use super::{NODE, now, start_author};
use super::{check, firewall, notes};
use crate::commands::read_file;
use crate::failure::Failure;

/// The login of the administrator that `RINGWALL_ADMIN_PASSWORD` makes.
const FIRST_ADMINISTRATOR: &str = "admin";

/// The configuration's owner.
pub struct Desk {
    store: Store,
    control: ControlHandle,
    door: Arc<Door>,
    kernel: Arc<Offload>,
    overrides: Overrides,
    certificates: Certificates,
    hosts: Arc<Hosts>,
    /// Held for a whole change: one at a time.
    work: Mutex<Work>,
    shown: StdMutex<Shown>,
    /// The change that waits for its confirmation.
    pending: watch::Sender<Option<store::PendingChange>>,
    /// Accounts of a drill, which are in no configuration.
    canaries: StdMutex<Vec<Canary>>,
    /// When lines got their passwords.
    pub renewed: Renewed,
}

/// What a change needs.
struct Work {
    listeners: Listeners,
    entropy: Entropy,
}

/// What others look at meanwhile.
struct Shown {
    directory: Arc<Directory>,
    listeners: Vec<Listener>,
    /// Who reaches which service.
    rows: Arc<Rows>,
}

/// What a change is to be made from.
pub enum Wish {
    /// A file: its name and text.
    File(String, String),
    /// A JSON body.
    Json(String),
    /// An earlier revision.
    Rollback(u64),
}

impl Desk {
    /// A desk before its first listener.
    pub fn new(
        store: Store,
        control: ControlHandle,
        (door, kernel): (Arc<Door>, Arc<Offload>),
        overrides: Overrides,
        certificates: Certificates,
        hosts: Arc<Hosts>,
        entropy: Entropy,
    ) -> Desk {
        let directory = Arc::new(config::directory(&store.office(), None));
        Desk {
            store,
            control,
            overrides,
            certificates,
            hosts,
            work: Mutex::new(Work { listeners: Listeners::new(door.clone()), entropy }),
            door,
            kernel,
            pending: watch::Sender::new(None),
            canaries: StdMutex::default(),
            renewed: Renewed::default(),
            shown: StdMutex::new(Shown { directory, listeners: Vec::new(), rows: Arc::default() }),
        }
    }

    /// Makes the first administrator, if there is none and a password is given (SPEC R3.2).
    ///
    /// # Errors
    /// The password is weak, or the disk refuses.
    pub async fn first_administrator(&self, password: Option<Secret>) -> Result<(), Failure> {
        let office = self.store.office();
        let Some(password) =
            password.filter(|text| !text.expose().is_empty() && office.administrators() == 0)
        else {
            return Ok(());
        };
        let mut work = self.work.lock().await;
        let mut supply = work.supply();
        let plan = config::first_administrator(&office, FIRST_ADMINISTRATOR, password, &mut supply)
            .map_err(|why| Failure::failed(format!("RINGWALL_ADMIN_PASSWORD: {why}")))?;
        self.store.commit(plan, &start_author().0, now()).await.map_err(Failure::failed)?;
        Ok(())
    }

    /// Applies `file`, if any, and opens the listeners; nothing is stored unless all of them can be.
    ///
    /// # Errors
    /// The file is refused, or a listener can't be bound.
    pub async fn open(&self, file: Option<&Path>) -> Result<(), Failure> {
        let office = self.store.office();
        let mut work = self.work.lock().await;
        let plan = match file {
            None => None,
            Some(path) => {
                let text = String::from_utf8(read_file(path)?).map_err(|_| {
                    Failure::failed(format!("{}: not UTF-8 text; save it as UTF-8", path.display()))
                })?;
                let name = path.display().to_string();
                let options = Options { deletions: Deletions::Any, ..Options::default() };
                let plan = config::plan(&office, Source::Toml(&name, &text), &options, &mut work.supply());
                Some(plan.map_err(Failure::failed)?)
            }
        };
        let wanted = plan.as_ref().map_or(&*office, |plan| &plan.after);
        let certificates = self.certificates.prepare(wanted).map_err(Failure::failed)?;
        let listen = plan.as_ref().map_or(&office.listen, |plan| &plan.after.listen);
        let wanted = self.overrides.wanted(listen)?;
        work.listeners.prepare(&wanted).await.map_err(Failure::failed)?;
        self.recall_pending().await;
        let office = match plan {
            Some(plan) => {
                self.forget_pending().await;
                let changed = changed_event(&plan, &start_author());
                let office =
                    self.store.commit(plan, &start_author().0, now()).await.map_err(Failure::failed)?;
                self.tell(changed.map(|event| event.with("revision", office.revision)));
                office
            }
            None => office,
        };
        self.certificates.put_in_force(certificates).await;
        self.show_directory(Arc::new(config::directory(&office, None)));
        // A name server that is away must not keep the phones from coming back: what is not known is learnt later.
        let rows = firewall::rows(&office, &self.hosts);
        self.door.change_rows(rows.clone());
        self.kernel.set_rows(rows.clone());
        self.change_rows(rows);
        work.listeners.commit().await;
        self.show_listeners(&work);
        self.tell_kernel(&office);
        Ok(())
    }

    /// What calls are routed by.
    pub fn directory(&self) -> Arc<Directory> {
        self.shown().directory.clone()
    }

    /// The addresses of host names.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// What listens.
    pub fn listeners(&self) -> Vec<Listener> {
        self.shown().listeners.clone()
    }

    /// The ports for media.
    pub fn media_range(&self) -> PortRange {
        self.overrides.media_range(&self.store.office().listen)
    }

    /// Tells the kernel where we listen, and waits until it knows that and the rows.
    fn tell_kernel(&self, office: &Office) {
        let range = self.overrides.media_range(&office.listen);
        self.kernel.listen(net::kernel::places(&self.listeners(), range));
        self.kernel.switch(office.network.kernel_offload);
        tokio::task::block_in_place(|| self.kernel.settle());
    }

    /// The certificates.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Reads the certificates again and renews those that end soon; what can't be used changes nothing but the log.
    pub async fn look_after_certificates(&self, occasion: Occasion) {
        let _work = self.work.lock().await;
        self.certificates.look_after(&self.store.office(), occasion).await;
    }

    /// Closes the listeners.
    pub async fn close(&self) {
        let mut work = self.work.lock().await;
        work.listeners.close().await;
        self.show_listeners(&work);
    }

    /// Applies a file or goes back to a revision.
    ///
    /// # Errors
    /// It is refused whole, and nothing was changed.
    pub async fn change(
        self: &Arc<Desk>,
        author: Author,
        wish: Wish,
        options: ApplyOptions,
    ) -> Result<Applied, Problem> {
        let desk = self.clone();
        // A task of its own: it is done to its end also when who asked has gone.
        let work = async move {
            let result = desk.do_change(&author, wish, &options).await;
            if let Err(problem) = &result {
                desk.tell_refused(&author, problem);
            }
            result
        };
        finished(tokio::spawn(work).await)
    }

    fn tell_refused(&self, author: &Author, problem: &Problem) {
        let first = problem.detail.lines().next().unwrap_or_default().to_owned();
        self.tell(Some(Event::new(&event::CONFIG_REFUSED, now()).with("author", author).with("why", first)));
    }

    async fn do_change(&self, author: &Author, wish: Wish, asked: &ApplyOptions) -> Result<Applied, Problem> {
        let target = match &wish {
            Wish::Rollback(number) => self.store.objects_at(*number).await.map_err(read_problem)?,
            Wish::File(..) | Wish::Json(_) => Vec::new(),
        };
        let options = Options {
            mode: if asked.merge { Mode::Merge } else { Mode::Match },
            deletions: if asked.yes || asked.dry_run { Deletions::Any } else { Deletions::Few },
            if_revision: asked.if_revision,
        };
        let plan = |work: &mut Work, office: &Office| {
            let mut supply = work.supply();
            let plan = match &wish {
                Wish::File(name, text) => {
                    config::plan(office, Source::Toml(name, text), &options, &mut supply)
                }
                Wish::Json(text) => {
                    config::plan(office, Source::Json("request", text), &options, &mut supply)
                }
                Wish::Rollback(number) => {
                    config::rollback(office, target.clone(), *number, &options, &mut supply)
                }
            };
            plan.map_err(|why| Box::new(refusal(why)))
        };
        let (mut work, office, plan) = self.planned(plan, |plan| plan).await?;
        let mut applied = Applied {
            revision: office.revision,
            changed: !plan.is_empty(),
            difference: plan.difference.clone(),
            lost: plan.lost.clone(),
            notes: plan.notes.clone(),
        };
        applied.notes.extend(notes::of(&plan.after, &self.hosts.unresolved(&plan.after)));
        let source = match &wish {
            Wish::File(name, text) => Some(Source::Toml(name, text)),
            Wish::Json(text) => Some(Source::Json("request", text)),
            Wish::Rollback(_) => None,
        };
        let rows = self.rows_of(&office, &plan);
        let rows = rows.map_err(|dead| refusal(config::misfits(source, dead)))?;
        if let Some(rows) = &rows {
            let registered = self.control.ask(|exchange, now| exchange.registrations(now)).await;
            let registered = registered.map_err(|_| Problem::stopping())?;
            applied.notes.extend(firewall::warnings(&plan.after, &self.rows(), rows, &registered));
        }
        if applied.changed && !asked.dry_run {
            applied.revision =
                self.carry_out_rows(&mut work, author, plan, rows.as_deref(), asked.seat).await?;
            applied
                .notes
                .extend(self.pending().filter(|_| rows.is_some()).map(|pending| pending_note(&pending)));
        }
        Ok(applied)
    }

    /// Sets a new generated password of a line: the line's name, the password, the revision.
    ///
    /// # Errors
    /// There is no such line, or the disk refuses.
    pub async fn new_password(
        self: &Arc<Desk>,
        author: Author,
        extension: String,
        line: Option<String>,
    ) -> Result<(String, Secret, u64), Problem> {
        let desk = self.clone();
        let work = async move {
            let mut work = desk.work.lock().await;
            let office = desk.store.office();
            let mut supply = work.supply();
            let planned = config::new_password(&office, &extension, line.as_deref(), &mut supply);
            let (plan, line, password) = planned.map_err(refusal)?;
            let revision = desk.carry_out(&mut work, &author, plan).await?;
            let changed =
                Event::new(&event::PASSWORD_CHANGED, now()).with("line", &line).with("author", &author);
            desk.store.logs().write(changed);
            Ok((line, password, revision))
        };
        finished(tokio::spawn(work).await)
    }

    /// Binds, stores, tells; the revision that is in force then.
    async fn carry_out(&self, work: &mut Work, author: &Author, plan: Plan) -> Result<u64, Problem> {
        let wanted =
            self.overrides.wanted(&plan.after.listen).map_err(|failure| Problem::refused(failure.line))?;
        let unchanged = |why: String| Problem::refused(format!("nothing was changed: {why}"));
        let before = self.store.office();
        let certificates = self.certificates.prepare_change(&before, &plan.after).map_err(unchanged)?;
        work.listeners.prepare(&wanted).await.map_err(|error| unchanged(error.to_string()))?;
        let forgotten: Vec<String> =
            plan.effects.sip_passwords.iter().map(|(line, _)| line.clone()).collect();
        let changed = changed_event(&plan, author);
        let office = match self.store.commit(plan, &author.0, now()).await {
            Ok(office) => office,
            Err(error) => {
                work.listeners.roll_back().await;
                return Err(commit_problem(error));
            }
        };
        self.renewed.note(&forgotten, now());
        self.certificates.put_in_force(certificates).await;
        self.change_rows(firewall::rows(&office, &self.hosts));
        self.hosts.look_again();
        work.listeners.commit().await;
        self.show_listeners(work);
        self.put_in_force(&office, &forgotten).await?;
        self.tell_kernel(&office);
        self.tell(changed.map(|event| event.with("revision", office.revision)));
        Ok(office.revision)
    }

    /// What weakens the installation.
    pub fn check(&self) -> api::body::Check {
        let office = self.store.office();
        let certificates = self.certificates.described();
        let shown = certificates.as_ref().map_or(&[][..], |certificates| &certificates.shown);
        let ends: Vec<model::Wall> = shown.iter().map(|certificate| certificate.expires).collect();
        check::check(&check::Facts {
            now: now(),
            office: &office,
            rows: &self.rows(),
            listeners: &self.listeners(),
            certificates: &ends,
            renews_itself: certificates.as_ref().is_none_or(|certificates| certificates.local),
            unresolved: &self.hosts.unresolved(&office),
            exposed: &self.store.exposed(),
        })
    }

    /// The prefixes that reach SIP by the firewall's row; `None`: all do.
    pub fn reach_sip(&self) -> Option<Vec<IpNet>> {
        let office = self.store.office();
        let group = office.firewall.sip.as_deref()?;
        Some(firewall::prefixes(&office, group, &self.hosts))
    }

    /// The prefixes that reach the console by the firewall's row; `None`: all do.
    pub fn reach_web(&self) -> Option<Vec<IpNet>> {
        let office = self.store.office();
        let group = office.firewall.web.as_deref()?;
        Some(firewall::prefixes(&office, group, &self.hosts))
    }

    /// Who reaches which service.
    pub fn rows(&self) -> Arc<Rows> {
        self.shown().rows.clone()
    }

    /// Host names may lead elsewhere: rows follow.
    pub async fn refresh_rows(&self) {
        let _work = self.work.lock().await;
        self.change_rows(firewall::rows(&self.store.office(), &self.hosts));
    }

    /// Puts rows in force from the control thread's next turn on.
    fn change_rows(&self, rows: Arc<Rows>) {
        let mut shown = self.shown();
        if *shown.rows != *rows {
            shown.rows = rows.clone();
            self.control.order(Order::Rows(rows));
        }
    }

    /// Tells the exchange, and waits until it has obeyed.
    async fn put_in_force(&self, office: &Office, forgotten: &[String]) -> Result<(), Problem> {
        let before = self.directory();
        let after = Arc::new(tokio::task::block_in_place(|| self.directory_of(office, &before)));
        self.control.order(Order::MediaPorts(self.overrides.media_range(&office.listen)));
        self.control.command(Command::Directory(after.clone()));
        for line in forgotten {
            // A line that was not there before has no registrations.
            if let Some((name, _)) = before.lines.get_key_value(line.as_str()) {
                self.control.command(Command::ForgetLine(name.clone()));
            }
        }
        self.show_directory(after);
        // The exchange has let go of the old directory then, so that it is dropped here and not on its thread.
        self.control.ask(|_, _| ()).await.map_err(|_| Problem::stopping())?;
        drop(before);
        Ok(())
    }

    fn tell(&self, event: Option<Event>) {
        if let Some(event) = event {
            self.store.logs().write(event);
        }
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show_directory(&self, directory: Arc<Directory>) {
        self.door.set_patience(Patience::default().for_registrations_of(directory.times.max_expires));
        self.shown().directory = directory;
    }

    fn show_listeners(&self, work: &Work) {
        self.shown().listeners = work.listeners.shown();
    }
}

impl Work {
    fn supply(&mut self) -> Supply {
        Supply {
            entropy: self.entropy.fork(),
            mint: IdMint::new(NODE, &mut self.entropy),
            wall: now(),
            verify: store::passwords::verify,
        }
    }
}

/// What a task came to; it is cut short only when the runtime ends.
#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn finished<T>(task: Result<Result<T, Problem>, tokio::task::JoinError>) -> Result<T, Problem> {
    match task {
        Ok(result) => result,
        Err(_) => Err(Problem::stopping()),
    }
}

/// `None` for a plan that changes nothing.
fn changed_event(plan: &Plan, author: &Author) -> Option<Event> {
    if plan.is_empty() {
        return None;
    }
    let first = plan.difference.first().cloned().unwrap_or_default();
    let more = plan.difference.len().saturating_sub(1);
    let event = Event::new(&event::CONFIG_CHANGED, now()).with("author", author).with("first", first);
    Some(event.with("further", more))
}
