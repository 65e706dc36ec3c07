//! The store: what a data folder gives to the server, and the tasks behind it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use model::config::{Office, Plan, Row};
use model::event::{self, Event};
use model::history::HistoryQuery;
use model::live::Binding;
use model::lock::Lock;
use model::record::CallRecord;
use model::{CallId, Secret, Wall};
use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqlitePoolOptions};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use vault::Sealer;

use crate::bindings::{self, BindingWriter, MAX_WAITING_BINDINGS};
use crate::blocks::{self, BlockWriter};
use crate::console::ConsoleStore;
use crate::error::{CommitError, OpenError, ReadError};
use crate::folder::{Folder, SetupCode};
use crate::history;
use crate::hosts::{self, KeptHost};
use crate::known::{self, KnownWriter};
use crate::letters::Letters;
use crate::logs::{Echo, LogReader, LogSink};
use crate::pending::{self, PendingChange};
use crate::records::{self, MAX_WAITING_RECORDS, RecordWriter};
use crate::revisions::{self, Revision, RevisionDetail};
use crate::spool::Spool;
use crate::{commit, database, load, lock};

const DATABASE: &str = "ringwall.db";
const REGISTRATIONS: &str = "registrations.db";
const LOGS: &str = "logs";
/// Connections that read history and revisions: administrators are few, and SQLite reads beside its writer.
const READERS: u32 = 2;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/ringwall");

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data folder, made when missing.
    pub folder: PathBuf,
    /// Whether log lines also go to stderr.
    pub echo: Echo,
}

/// What opening brought.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// Registrations that have not run out.
    pub bindings: Vec<Binding>,
    /// Certificates with their keys, as [`Store::keep_certificates`] was given them.
    pub certificates: BTreeMap<String, Secret>,
    /// The last good addresses of host names, as [`Store::keep_hosts`] was given them.
    pub hosts: Vec<KeptHost>,
    /// The lock on outgoing calls, if it was set.
    pub lock: Option<Lock>,
    /// Bodies of the blocks that are not over.
    pub blocks: Vec<String>,
    /// Where phones were registered within the last day, and when.
    pub known: Vec<(std::net::IpAddr, Wall)>,
    /// Calls that a crash cut, closed now as failed.
    pub recovered: u64,
    /// The registrations' file was damaged and begun anew.
    pub registrations_lost: bool,
    /// The folder held no database before.
    pub first_start: bool,
}

/// A data folder in use. Cheap to clone; closed by [`Store::close`].
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: Folder,
    sealer: Sealer,
    writer: Arc<Mutex<SqliteConnection>>,
    readers: SqlitePool,
    office: watch::Sender<Arc<Office>>,
    records: RecordWriter,
    bindings: BindingWriter,
    blocks: BlockWriter,
    known: KnownWriter,
    logs: LogSink,
    tasks: StdMutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Opens a data folder; must run inside a tokio runtime, which then carries the writing tasks.
    ///
    /// # Errors
    /// One line each: another server, no right, a full or damaged disk, a database of a later release, a lost key.
    pub async fn open(settings: Settings) -> Result<Opened, OpenError> {
        let folder = Folder::open(&settings.folder)?;
        let logs_path = folder.file(LOGS);
        let logs = LogSink::open(&logs_path, settings.echo)
            .map_err(|error| OpenError::folder(&logs_path, &error))?;
        let path = folder.file(DATABASE);
        let fault = |error: sqlx::Error| OpenError::database(&path, &error);
        let first_start = !path.exists();
        let mut writer = database::open(&path, &MIGRATIONS).await?;
        let sealer = folder.sealer(load::has_secrets(&mut writer).await.map_err(fault)?)?;
        let loaded = load::office(&mut writer, &sealer, &path, &folder.file("secret.key")).await?;
        let load::Loaded { office, certificates } = loaded;
        logs.configure(&office.logs);
        let hosts = hosts::load(&mut writer).await.map_err(fault)?;
        let lock = lock::load(&mut writer).await.map_err(fault)?;
        let blocks = blocks::load(&mut writer, crate::wall()).await.map_err(fault)?;
        let known = known::load(&mut writer, crate::wall()).await.map_err(fault)?;
        let recovered = records::recover(&mut writer).await.map_err(fault)?;
        if recovered > 0 {
            logs.write(Event::new(&event::RECOVERED, crate::wall()).with("calls", recovered));
        }
        let registrations = folder.file(REGISTRATIONS);
        let (mut binding_connection, registrations_lost) = bindings::open(&registrations).await?;
        let bindings = bindings::load(&mut binding_connection, crate::wall())
            .await
            .map_err(|error| OpenError::database(&registrations, &error))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(0)
            .connect_lazy_with(database::options(&path).read_only(true));

        let writer = Arc::new(Mutex::new(writer));
        let records = Spool::new(MAX_WAITING_RECORDS);
        let waiting = Spool::new(MAX_WAITING_BINDINGS);
        let (block_writer, block_task) = blocks::writer();
        let known_writer = KnownWriter::new();
        let tasks = vec![
            tokio::spawn(records::run(Arc::clone(&records), Arc::clone(&writer), logs.clone())),
            tokio::spawn(blocks::run(block_task, Arc::clone(&writer), logs.clone())),
            tokio::spawn(known::run(Arc::clone(&known_writer.0), Arc::clone(&writer), logs.clone())),
            tokio::spawn(bindings::run(Arc::clone(&waiting), binding_connection, logs.clone())),
        ];
        let store = Store(Arc::new(Inner {
            folder,
            sealer,
            writer,
            readers,
            office: watch::Sender::new(Arc::new(office)),
            records: RecordWriter(records),
            bindings: BindingWriter(waiting),
            blocks: block_writer,
            known: known_writer,
            logs,
            tasks: StdMutex::new(tasks),
        }));
        Ok(Opened {
            store,
            bindings,
            blocks,
            known,
            certificates,
            hosts,
            lock,
            recovered,
            registrations_lost,
            first_start,
        })
    }

    /// The office as it is.
    pub fn office(&self) -> Arc<Office> {
        Arc::clone(&self.0.office.borrow())
    }

    /// Tells each new state of the office, also when who committed it has gone.
    pub fn watch(&self) -> watch::Receiver<Arc<Office>> {
        self.0.office.subscribe()
    }

    /// Stores a plan as a new revision and returns the office as it is then; a plan without changes makes none.
    /// It is synced when this returns. The work goes on if the caller goes away.
    ///
    /// # Errors
    /// A stale plan, a disk that refuses; nothing was changed.
    pub async fn commit(&self, plan: Plan, author: &str, now: Wall) -> Result<Arc<Office>, CommitError> {
        if plan.is_empty() {
            return Ok(self.office());
        }
        let (store, author) = (self.clone(), author.to_owned());
        let work = async move {
            let inner = &store.0;
            let mut writer = inner.writer.lock().await;
            let office = commit::commit(&mut writer, &inner.sealer, plan, &author, now).await?;
            inner.logs.configure(&office.logs);
            inner.office.send_replace(Arc::clone(&office));
            if office.administrators() > 0 {
                // Left behind, the code is useless: it is asked for only while there is no administrator.
                let _ = inner.folder.remove_setup_code();
            }
            Ok(office)
        };
        tokio::spawn(work).await.map_err(|_| CommitError::Stopping)?
    }

    /// Keeps certificates and keys by name (`None`: no longer), sealed like passwords; they are no part of revisions. Synced
    /// when this returns.
    ///
    /// # Errors
    /// The disk refuses; what was kept before still is.
    pub async fn keep_certificates(
        &self,
        texts: BTreeMap<String, Option<Secret>>,
    ) -> Result<(), CommitError> {
        let inner = &self.0;
        let texts: Vec<_> = texts.into_iter().collect();
        let mut writer = inner.writer.lock().await;
        database::begin(&mut writer).await?;
        let written = commit::write_secrets(&mut writer, &inner.sealer, load::CERTIFICATE, &texts).await;
        database::end(&mut writer, written).await
    }

    /// Keeps the last good addresses of host names in place of those kept before. Synced when this returns.
    ///
    /// # Errors
    /// The disk refuses; what was kept before still is.
    pub async fn keep_hosts(&self, list: Vec<KeptHost>) -> Result<(), CommitError> {
        let mut writer = self.0.writer.lock().await;
        hosts::replace(&mut writer, &list).await
    }

    /// All revisions, oldest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn revisions(&self) -> Result<Vec<Revision>, ReadError> {
        revisions::list(&self.0.readers).await
    }

    /// One revision.
    ///
    /// # Errors
    /// There is none of this number, or the database refuses.
    pub async fn revision(&self, number: u64) -> Result<RevisionDetail, ReadError> {
        revisions::detail(&self.0.readers, number).await
    }

    /// The objects as they were in a revision, for `model::config::rollback`; 0 is the empty office.
    ///
    /// # Errors
    /// There is none of this number, or the database refuses.
    pub async fn objects_at(&self, number: u64) -> Result<Vec<Row>, ReadError> {
        revisions::objects_at(&self.0.readers, number).await
    }

    /// One call's record.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn record(&self, call: CallId) -> Result<Option<CallRecord>, ReadError> {
        history::one(&self.0.readers, call).await
    }

    /// Call history, in the order asked for.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn history(&self, query: &HistoryQuery) -> Result<Vec<CallRecord>, ReadError> {
        history::history(&self.0.readers, query).await
    }

    /// Where call records go.
    pub fn records(&self) -> RecordWriter {
        self.0.records.clone()
    }

    /// Where registrations go.
    pub fn bindings(&self) -> BindingWriter {
        self.0.bindings.clone()
    }

    /// Where sources go from which phones registered.
    pub fn known(&self) -> KnownWriter {
        self.0.known.clone()
    }

    /// Where blocks go.
    pub fn blocks(&self) -> BlockWriter {
        self.0.blocks.clone()
    }

    /// Where events go.
    pub fn logs(&self) -> LogSink {
        self.0.logs.clone()
    }

    /// Reads the log files.
    pub fn log_reader(&self) -> LogReader {
        LogReader::new(self.0.folder.file(LOGS))
    }

    /// Files of the data folder that others than its owner may open. The control socket, which its group may open, is none.
    pub fn exposed(&self) -> Vec<PathBuf> {
        self.0.folder.exposed()
    }

    /// The set-up code in `DIR/setup-code`, made now if there is no administrator and no code.
    ///
    /// # Errors
    /// The file can't be made or removed.
    pub fn setup_code(&self) -> Result<SetupCode, OpenError> {
        if self.office().administrators() > 0 {
            let _ = self.0.folder.remove_setup_code();
            return Ok(SetupCode::NotNeeded);
        }
        self.0.folder.setup_code().map(SetupCode::Waiting)
    }

    /// Letters on their way.
    pub fn letters(&self) -> Letters {
        Letters(self.clone())
    }

    /// Keeps the lock on outgoing calls, or forgets it. Synced when this returns.
    ///
    /// # Errors
    /// The disk refuses; what was kept before still is.
    pub async fn keep_lock(&self, kept: Option<&Lock>) -> Result<(), CommitError> {
        let mut writer = self.writer().await;
        database::begin(&mut writer).await?;
        let written = lock::keep(&mut writer, kept).await;
        database::end(&mut writer, written).await
    }

    /// The change of the firewall that waits for its confirmation.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn pending(&self) -> Result<Option<PendingChange>, ReadError> {
        pending::load(&self.0.readers).await
    }

    /// Keeps the change that waits, or forgets it. Synced when this returns.
    ///
    /// # Errors
    /// The disk refuses; what was kept before still is.
    pub async fn keep_pending(&self, kept: Option<&PendingChange>) -> Result<(), CommitError> {
        let mut writer = self.writer().await;
        database::begin(&mut writer).await?;
        let written = pending::keep(&mut writer, kept).await;
        database::end(&mut writer, written).await
    }

    /// What the console keeps.
    pub fn console(&self) -> ConsoleStore {
        ConsoleStore(self.clone())
    }

    /// Seals with the folder's key.
    pub(crate) fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    /// Connections that read.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    /// The one connection that writes.
    pub(crate) async fn writer(&self) -> tokio::sync::OwnedMutexGuard<SqliteConnection> {
        Arc::clone(&self.0.writer).lock_owned().await
    }

    /// Writes what waits and closes the files. Nothing sent afterwards is kept.
    pub async fn close(&self) {
        self.0.records.0.close();
        self.0.bindings.0.close();
        self.0.blocks.spool.close();
        self.0.known.0.close();
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // A task that panicked has nothing more to write.
            let _ = task.await;
        }
        self.0.readers.close().await;
        // Folds the write-ahead log into the file; the connection itself ends with the last handle.
        let mut writer = self.0.writer.lock().await;
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *writer).await;
        let _ = writer.ping().await;
        drop(writer);
        self.0.logs.close();
    }
}
