//! Registrations on their way to the disk, late by a second at most and in a file of their own.
//!
//! A damaged or missing file costs one registration interval: it is begun anew, never an obstacle to starting.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::Wall;
use model::live::{Binding, BindingUpdate};
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, QueryBuilder, Row as _, Sqlite};

use crate::database;
use crate::error::{OpenError, plain};
use crate::logs::LogSink;
use crate::spool::{Outage, Retry, Spool, Taken, Worth};

/// What events call them.
pub const REGISTRATIONS: &str = "registrations";
/// Changes that wait in memory: more than the contacts an office of 10,000 extensions can have registered.
pub const MAX_WAITING_BINDINGS: usize = 200_000;
/// How long changes are gathered; with the commit below the second that a crash may cost.
const GATHER: Duration = Duration::from_millis(400);
/// The writer has nothing to do without changes; it looks up so often only not to sleep for ever.
const IDLE: Duration = Duration::from_secs(3_600);
/// Rows of one statement; full ones are prepared once.
const ROWS: usize = 64;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/registrations");

/// Line and `Binding::key` (in column `contact`): what names a binding.
pub(crate) type BindingKey = (Arc<str>, String);
/// The binding, or that it is gone.
pub(crate) type BindingSpool = Spool<BindingKey, Option<Arc<Binding>>>;

/// Takes registrations from the control thread without ever waiting for a disk.
#[derive(Clone, Debug)]
pub struct BindingWriter(pub(crate) Arc<BindingSpool>);

impl BindingWriter {
    /// Takes a change of a binding; the last one of a contact counts.
    pub fn send(&self, update: BindingUpdate) {
        match update {
            BindingUpdate::Keep(binding) => {
                let key = (Arc::clone(&binding.line), binding.key());
                self.0.put(key, Some(binding), Worth::Usual, |_| false);
            }
            BindingUpdate::Remove { line, key } => self.0.put((line, key), None, Worth::Usual, |_| false),
        }
    }

    /// How many changes were dropped since the start because too many waited.
    pub fn dropped(&self) -> u64 {
        self.0.lost()
    }
}

/// Opens the file, and anew if it can't be read. `true`: what was in it is lost.
pub(crate) async fn open(path: &Path) -> Result<(SqliteConnection, bool), OpenError> {
    match database::open(path, &MIGRATIONS).await {
        Ok(connection) => Ok((connection, false)),
        Err(OpenError::Damaged { .. } | OpenError::Newer { .. }) => {
            for end in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(end);
                // A file that is not there need not go; one that can't go is told by the second try.
                let _ = fs::remove_file(Path::new(&name));
            }
            Ok((database::open(path, &MIGRATIONS).await?, true))
        }
        Err(error) => Err(error),
    }
}

/// The bindings that have not run out by `now`. Rows that can't be read are passed over: the phone comes again.
pub(crate) async fn load(connection: &mut SqliteConnection, now: Wall) -> sqlx::Result<Vec<Binding>> {
    sqlx::query("DELETE FROM bindings WHERE expires <= $1")
        .bind(now.as_millis())
        .execute(&mut *connection)
        .await?;
    let rows = sqlx::query("SELECT body FROM bindings").fetch_all(&mut *connection).await?;
    let mut bindings = Vec::with_capacity(rows.len());
    for row in &rows {
        let body: String = row.try_get(0)?;
        bindings.extend(serde_json::from_str::<Binding>(&body).ok());
    }
    Ok(bindings)
}

/// Writes until the spool is closed and empty.
pub(crate) async fn run(spool: Arc<BindingSpool>, mut connection: SqliteConnection, logs: LogSink) {
    let mut outage = Outage::default();
    loop {
        let batch = match spool.next(GATHER, IDLE).await {
            Taken::Closed => break,
            Taken::Tick => continue,
            Taken::Batch(batch) => batch,
        };
        match write(&mut connection, &batch).await {
            Ok(()) => outage.over(&logs, REGISTRATIONS),
            Err(error) => {
                let why = plain(&error);
                if outage.failed(&spool, batch, &logs, REGISTRATIONS, &why).await == Retry::GiveUp {
                    break;
                }
            }
        }
    }
    // The file is whole without this; closing only folds the write-ahead log into it.
    let _ = connection.close().await;
}

async fn write(
    connection: &mut SqliteConnection,
    batch: &BTreeMap<BindingKey, Option<Arc<Binding>>>,
) -> sqlx::Result<()> {
    let kept: Vec<&Arc<Binding>> = batch.values().flatten().collect();
    for rows in kept.chunks(ROWS) {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO bindings (line, contact, expires, body) ");
        query.push_values(rows, |mut row, binding| {
            // Serialising numbers and texts cannot fail; an empty body would be passed over when it is read.
            let body = serde_json::to_string(binding.as_ref()).unwrap_or_default();
            row.push_bind(binding.line.to_string())
                .push_bind(binding.key())
                .push_bind(binding.expires.as_millis())
                .push_bind(body);
        });
        query.push(
            " ON CONFLICT (line, contact) DO UPDATE SET expires = excluded.expires, body = excluded.body",
        );
        query.build().persistent(rows.len() == ROWS || rows.len() == 1).execute(&mut *connection).await?;
    }
    for (line, contact) in batch.iter().filter(|(_, binding)| binding.is_none()).map(|(key, _)| key) {
        sqlx::query("DELETE FROM bindings WHERE line = $1 AND contact = $2")
            .bind(line.as_ref())
            .bind(contact)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
