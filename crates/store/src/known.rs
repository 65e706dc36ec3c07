//! Where phones were registered lately, on its way to the disk: gathered for a moment, each batch one synced transaction.
//!
//! How long a source is known and how often it is said is the guard's business; here too old and too many go.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::Wall;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::Mutex;

use crate::database;
use crate::error::plain;
use crate::logs::LogSink;
use crate::spool::{Outage, Retry, Spool, Taken, Worth};

/// Sources on the disk, and waiting for it: as many as the guard keeps.
pub const MAX_KNOWN: usize = 16_384;
/// Older ones are of no use.
const KEPT_FOR: Duration = Duration::from_secs(86_400);
/// How long sources are gathered: an office that comes back after a power cut shares a few syncs.
const GATHER: Duration = Duration::from_millis(200);
/// The writer has nothing to do without sources.
const IDLE: Duration = Duration::from_secs(3_600);

pub(crate) type KnownSpool = Spool<IpAddr, Wall>;

/// Takes sources from the control thread without ever waiting for a disk.
#[derive(Clone, Debug)]
pub struct KnownWriter(pub(crate) Arc<KnownSpool>);

impl KnownWriter {
    pub(crate) fn new() -> KnownWriter {
        KnownWriter(Spool::new(MAX_KNOWN))
    }

    /// A phone was registered from here at this time. Where too many wait it is forgotten: the next hour says it again.
    pub fn keep(&self, source: IpAddr, seen: Wall) {
        self.0.put(source, seen, Worth::Usual, |_| false);
    }
}

/// The sources of the last day, the most recent last.
pub(crate) async fn load(connection: &mut SqliteConnection, now: Wall) -> sqlx::Result<Vec<(IpAddr, Wall)>> {
    prune(connection, now).await?;
    let rows =
        sqlx::query("SELECT source, seen_ms FROM known ORDER BY seen_ms").fetch_all(&mut *connection).await?;
    let mut known = Vec::with_capacity(rows.len());
    for row in &rows {
        let source: String = row.try_get(0)?;
        // What can't be read was written by another release and is learnt anew.
        known.extend(source.parse().ok().map(|source| (source, row.try_get(1))));
    }
    known.into_iter().map(|(source, seen)| Ok((source, Wall::from_millis(seen?)))).collect()
}

/// Writes until the spool is closed and empty.
pub(crate) async fn run(spool: Arc<KnownSpool>, connection: Arc<Mutex<SqliteConnection>>, logs: LogSink) {
    let mut outage = Outage::default();
    loop {
        let batch = match spool.next(GATHER, IDLE).await {
            Taken::Closed => return,
            Taken::Tick => continue,
            Taken::Batch(batch) => batch,
        };
        let result = {
            let mut connection = connection.lock().await;
            write(&mut connection, &batch).await
        };
        match result {
            Ok(()) => outage.over(&logs, "known addresses"),
            Err(error) => {
                let why = plain(&error);
                if outage.failed(&spool, batch, &logs, "known addresses", &why).await == Retry::GiveUp {
                    return;
                }
            }
        }
    }
}

async fn write(connection: &mut SqliteConnection, batch: &BTreeMap<IpAddr, Wall>) -> sqlx::Result<()> {
    database::begin(connection).await?;
    let written = write_rows(connection, batch).await;
    database::end(connection, written).await
}

async fn write_rows(connection: &mut SqliteConnection, batch: &BTreeMap<IpAddr, Wall>) -> sqlx::Result<()> {
    for (source, seen) in batch {
        sqlx::query(
            "INSERT INTO known (source, seen_ms) VALUES ($1, $2) \
             ON CONFLICT (source) DO UPDATE SET seen_ms = excluded.seen_ms",
        )
        .bind(source.to_string())
        .bind(seen.as_millis())
        .execute(&mut *connection)
        .await?;
    }
    prune(connection, crate::wall()).await
}

/// Too old ones go, then those seen longest ago that are too many.
async fn prune(connection: &mut SqliteConnection, now: Wall) -> sqlx::Result<()> {
    let oldest = now.as_millis().saturating_sub(i64::try_from(KEPT_FOR.as_millis()).unwrap_or(i64::MAX));
    sqlx::query("DELETE FROM known WHERE seen_ms < $1").bind(oldest).execute(&mut *connection).await?;
    let count: i64 =
        sqlx::query("SELECT COUNT(*) FROM known").fetch_one(&mut *connection).await?.try_get(0)?;
    let surplus = count.saturating_sub(i64::try_from(MAX_KNOWN).unwrap_or(i64::MAX));
    if surplus > 0 {
        sqlx::query(
            "DELETE FROM known WHERE source IN (SELECT source FROM known ORDER BY seen_ms, source LIMIT $1)",
        )
        .bind(surplus)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
