//! The rehearsal of an attack (SPEC R4.20), the server's side: accounts and addresses for it, lent for as long as who
//! rehearses holds the connection, and everything removed when it ends, however it ends.
//!
//! A drill is in memory only: its accounts are lines of the directory and of no configuration (`desk`), its blocks,
//! registrations and call records are not stored ([`Marks`]), so a server that is killed has forgotten it. What is attacked, and
//! how, is in `commands::drill`.

mod marks;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use api::drill::{Canary, Ground, Reaches, Removed};
use api::{Author, LogLines, Problem};
use bytes::Bytes;
use calls::Command;
use guard::By;
use ipnet::{IpNet, Ipv4Net};
use model::config::Office;
use model::directory::Encryption;
use model::event::{self, Event};
use model::{Entropy, Secret};
use net::ControlHandle;
use store::Store;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

pub use self::marks::{Marks, is_marked};
use super::desk::Desk;
use super::now;

/// A drill takes two minutes; one that takes longer has lost its way.
const LEASE: Duration = Duration::from_secs(600);
/// Between two looks whether who rehearses is still there.
const BEAT: Duration = Duration::from_millis(500);
/// How long somebody who does not read is waited for.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// Tries to find a network and a name that nobody uses.
const TRIES: usize = 32;
/// Digits of a canary's name that no other has.
const NAME_DIGITS: usize = 10;
/// Characters of a canary's password.
const PASSWORD_LENGTH: usize = 24;
/// The accounts: one calls, one answers, one must encrypt.
const CANARIES: [Encryption; 3] = [Encryption::Optional, Encryption::Optional, Encryption::Required];

/// Who asked for the end, waiting to hear what was removed.
type Ending = oneshot::Sender<Removed>;

/// Drills, one at a time.
pub struct Drill {
    marks: Arc<Marks>,
    desk: Arc<Desk>,
    control: ControlHandle,
    stop: watch::Receiver<bool>,
    running: std::sync::Mutex<Running>,
}

/// Whether one runs.
#[derive(Default)]
enum Running {
    #[default]
    No,
    /// It does, and is ended by this.
    Yes(oneshot::Sender<Ending>),
    /// It is being removed.
    Ending,
}

impl Drill {
    /// None runs. `marks` knows what belongs to the one that runs; `stop` turns true when the server ends.
    pub fn new(
        marks: Arc<Marks>,
        desk: Arc<Desk>,
        control: ControlHandle,
        stop: watch::Receiver<bool>,
    ) -> Drill {
        Drill { marks, desk, control, stop, running: std::sync::Mutex::default() }
    }

    /// Begins one: its ground is the first of `lines`, and it lasts until they are read no more.
    ///
    /// # Errors
    /// One runs already, or there is no room for it.
    pub async fn begin(
        self: &Arc<Drill>,
        store: &Store,
        author: Author,
        lines: LogLines,
    ) -> Result<(), Problem> {
        let (end, ended) = oneshot::channel();
        {
            let mut running = self.running();
            if !matches!(*running, Running::No) {
                return Err(Problem::conflict("a drill runs already; wait for its end"));
            }
            *running = Running::Yes(end);
        }
        // A task of its own: it is removed also when who asked has gone.
        let (drill, store) = (self.clone(), store.clone());
        let (told, heard) = oneshot::channel();
        tokio::spawn(async move { drill.run(&store, author, lines, ended, told).await });
        heard.await.map_err(|_| Problem::stopping())?
    }

    /// Ends the one that runs: what was removed.
    ///
    /// # Errors
    /// None runs.
    pub async fn end(&self) -> Result<Removed, Problem> {
        let (told, removed) = oneshot::channel();
        let none = || Problem::not_found("no drill runs; what one made is removed when it ends");
        {
            let mut running = self.running();
            match std::mem::replace(&mut *running, Running::Ending) {
                Running::Yes(end) => end.send(told).map_err(|_| none())?,
                other => {
                    *running = other;
                    return Err(none());
                }
            }
        }
        removed.await.map_err(|_| Problem::stopping())
    }

    async fn run(
        &self,
        store: &Store,
        author: Author,
        lines: LogLines,
        ended: oneshot::Receiver<Ending>,
        told: oneshot::Sender<Result<(), Problem>>,
    ) {
        let ground = match self.prepare(store).await {
            Ok(ground) => ground,
            Err(problem) => {
                *self.running() = Running::No;
                let _ = told.send(Err(problem));
                return;
            }
        };
        let began = Event::new(&event::DRILL_BEGAN, now()).with("author", &author);
        store.logs().write(began.with("name", &ground.name));
        let ending = match self.desk.set_canaries(ground.canaries.clone()).await {
            Ok(()) => {
                // Who asked has gone already: the lines say so too.
                let _ = told.send(Ok(()));
                self.hold(lines, &ground, ended).await
            }
            Err(problem) => {
                let _ = told.send(Err(problem));
                None
            }
        };
        let removed = self.remove(ground.sources).await.unwrap_or_default();
        let event = Event::new(&event::DRILL_ENDED, now()).with("author", &author);
        let event = event.with("name", &ground.name).with("blocks", removed.blocks);
        store.logs().write(event);
        self.marks.clear();
        *self.running() = Running::No;
        if let Some(ending) = ending {
            let _ = ending.send(removed);
        }
    }

    /// Lends the ground until it is given back, nobody reads any more, or the time is over.
    async fn hold(
        &self,
        mut lines: LogLines,
        ground: &Ground,
        mut ended: oneshot::Receiver<Ending>,
    ) -> Option<Ending> {
        // Texts and numbers always serialise.
        let mut first = serde_json::to_vec(ground).unwrap_or_default();
        first.push(b'\n');
        let mut piece = Bytes::from(first);
        let until = Instant::now() + LEASE;
        let mut stop = self.stop.clone();
        loop {
            match tokio::time::timeout(READ_WITHIN, lines.send_data(piece)).await {
                Ok(Ok(())) => piece = Bytes::from_static(b"\n"),
                _ => return None,
            }
            tokio::select! {
                ending = &mut ended => return ending.ok(),
                () = tokio::time::sleep(BEAT) => {}
                () = tokio::time::sleep_until(until) => return None,
                _ = stop.changed() => return None,
            }
        }
    }

    /// Finds names and addresses that nobody uses.
    async fn prepare(&self, store: &Store) -> Result<Ground, Problem> {
        let seed = vault::random_key().map_err(|_| Problem::failed("the system gives no random bytes"))?;
        let mut entropy = Entropy::from_seed(*seed);
        let office = store.office();
        let asked = self.control.ask(|exchange, now| (exchange.registrations(now), exchange.blocks(now)));
        let (registrations, blocks) = asked.await.map_err(|_| Problem::stopping())?;
        let is_free = |network: Ipv4Net| {
            let inside = |address: std::net::IpAddr| IpNet::V4(network).contains(&address.to_canonical());
            !registrations.iter().any(|row| inside(row.source.ip()))
                && !blocks.iter().any(|block| overlap(block.prefix, network))
        };
        let sources = (0..TRIES)
            .map(|_| [127, 100, byte(&mut entropy)])
            .find(|sources| network(*sources).is_some_and(is_free))
            .ok_or_else(|| {
                Problem::conflict(
                    "every loopback network within 127.100.0.0/16 is blocked or used by phones; `ringwall blocks` shows which",
                )
            })?;
        let name = (0..TRIES)
            .map(|_| digits(&mut entropy))
            .find(|name| !is_used(&office, name))
            .ok_or_else(|| Problem::conflict("no free number was found for the drill's accounts"))?;
        let canaries = CANARIES.into_iter().zip(1_u8..).map(|(encryption, n)| Canary {
            number: format!("{name}{n}"),
            password: password(&mut entropy),
            encryption,
        });
        let rows = self.desk.rows();
        let [a, b, c] = sources;
        let source = std::net::IpAddr::from([a, b, c, 1]);
        let ground = Ground {
            sources,
            canaries: canaries.collect(),
            domain: self.desk.directory().domain.clone(),
            listeners: self.desk.listeners(),
            attempts: self.desk.directory().guessing.attempts,
            is_trusted: rows.trusted.contains(source),
            reaches: Reaches { sip: rows.sip.admits(source), console: rows.web.admits(source) },
            lease_s: LEASE.as_secs(),
            name,
        };
        self.marks.set(sources, &ground.name);
        Ok(ground)
    }

    /// Removes everything, and answers when it is gone.
    async fn remove(&self, sources: [u8; 3]) -> Result<Removed, Problem> {
        let mut removed = Removed { accounts: CANARIES.len(), ..Removed::default() };
        let asked = self
            .control
            .ask(|exchange, now| (exchange.calls(now), exchange.registrations(now), exchange.blocks(now)));
        let (calls, registrations, blocks) = asked.await.map_err(|_| Problem::stopping())?;
        removed.registrations = registrations.iter().filter(|row| self.marks.names(&row.line)).count();
        for call in calls.iter().filter(|call| self.marks.names(&call.from) || self.marks.names(&call.to)) {
            removed.calls += 1;
            self.control.command(Command::Hangup { call: call.id, author: "the drill".to_owned() });
        }
        if let Some(network) = network(sources) {
            let hers = |block: &&guard::Block| self.marks.caused(block);
            let foreign = blocks.iter().any(|block| block.by != By::Guard && overlap(block.prefix, network));
            let own = blocks.iter().filter(hers).count();
            if foreign {
                // Lifting would lift the administrator's block too.
                removed.kept = own;
            } else {
                removed.blocks = own;
                let prefix = IpNet::V4(network);
                self.control.command(Command::Unblock { prefix, author: "the drill".to_owned() });
            }
        }
        self.desk.set_canaries(Vec::new()).await?;
        // What all of this caused has been told before the marks are forgotten.
        self.control.ask(|_, _| ()).await.map_err(|_| Problem::stopping())?;
        Ok(removed)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn network([a, b, c]: [u8; 3]) -> Option<Ipv4Net> {
    Ipv4Net::new([a, b, c, 0].into(), 24).ok()
}

fn overlap(prefix: IpNet, network: Ipv4Net) -> bool {
    let network = IpNet::V4(network);
    prefix.contains(&network) || network.contains(&prefix)
}

/// Whether a number or username of the office begins as the canaries' do, or the other way round.
fn is_used(office: &Office, name: &str) -> bool {
    let meets = |known: &str| known.starts_with(name) || name.starts_with(known);
    office.extensions.iter().any(|(number, object)| {
        // A short number is no beginning of ours in any sense that matters: whole numbers are dialled.
        number.len() >= NAME_DIGITS && meets(number)
            || object.value.lines.iter().any(|line| line.username.starts_with(name))
    })
}

fn byte(entropy: &mut Entropy) -> u8 {
    u8::try_from(entropy.below(256)).unwrap_or(u8::MAX)
}

fn digits(entropy: &mut Entropy) -> String {
    // Not 0, which may lead outside.
    let rest = (1..NAME_DIGITS).map(|_| entropy.below(10).to_string());
    std::iter::once("9".to_owned()).chain(rest).collect()
}

fn password(entropy: &mut Entropy) -> Secret {
    Secret::from(entropy.readable(PASSWORD_LENGTH))
}
