//! Call records on their way to the disk: collected by call, written in batches, each batch one synced transaction.
//!
//! A call that is over before its batch is written once. While the disk refuses, records wait in memory and are
//! tried again each second; beyond [`MAX_WAITING_RECORDS`] those of calls that begin are dropped and counted, beyond
//! twice as many also those of calls that end.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use model::record::{CallRecord, CallResult, RecordUpdate};
use model::{CallId, Wall};
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Row as _, Sqlite};
use tokio::sync::Mutex;

use crate::database;
use crate::error::plain;
use crate::history::direction_name;
use crate::logs::LogSink;
use crate::spool::{Outage, Retry, Spool, Taken, Worth};

/// Records that wait in memory while the disk refuses: some 40 MB, a busy day of a large office.
pub const MAX_WAITING_RECORDS: usize = 100_000;
/// How long records are gathered: with the commit well under the second that a crash may cost (SPEC R3.7).
const GATHER: Duration = Duration::from_millis(250);
/// How often the time is noted while calls run, so that a crash knows when they ended at the latest.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Rows of one statement; full ones are prepared once.
const ROWS: usize = 64;

/// What events call them.
pub const RECORDS: &str = "call records";

/// Takes records from the control thread without ever waiting for a disk.
#[derive(Clone, Debug)]
pub struct RecordWriter(pub(crate) Arc<Spool<CallId, CallRecord>>);

impl RecordWriter {
    /// Takes what is known of a call now.
    pub fn send(&self, update: RecordUpdate) {
        let (RecordUpdate::Open(record) | RecordUpdate::Closed(record)) = update;
        let opening = record.ended.is_none();
        // That a call began is told again by its end; how it ended is told only once.
        let worth = if opening { Worth::Usual } else { Worth::Irreplaceable };
        self.0.put(record.id, record, worth, |old| opening && old.ended.is_some());
    }

    /// How many updates were dropped since the start because too many waited; 0 unless the disk was gone for long.
    pub fn dropped(&self) -> u64 {
        self.0.lost()
    }
}

/// Writes until the spool is closed and empty.
pub(crate) async fn run(
    spool: Arc<Spool<CallId, CallRecord>>,
    connection: Arc<Mutex<SqliteConnection>>,
    logs: LogSink,
) {
    let mut outage = Outage::default();
    let mut open = HashSet::new();
    loop {
        let batch = match spool.next(GATHER, HEARTBEAT).await {
            Taken::Closed => return,
            Taken::Tick if open.is_empty() => continue,
            Taken::Tick => BTreeMap::new(),
            Taken::Batch(batch) => batch,
        };
        let written = {
            let mut connection = connection.lock().await;
            write(&mut connection, &batch).await
        };
        match written {
            Ok(()) => {
                outage.over(&logs, RECORDS);
                for record in batch.values() {
                    if record.ended.is_some() {
                        open.remove(&record.id)
                    } else {
                        open.insert(record.id)
                    };
                }
            }
            Err(error) => {
                let why = plain(&error);
                if outage.failed(&spool, batch, &logs, RECORDS, &why).await == Retry::GiveUp {
                    return;
                }
            }
        }
    }
}

async fn write(connection: &mut SqliteConnection, batch: &BTreeMap<CallId, CallRecord>) -> sqlx::Result<()> {
    database::begin(connection).await?;
    let written = write_rows(connection, batch).await;
    database::end(connection, written).await
}

async fn write_rows(
    connection: &mut SqliteConnection,
    batch: &BTreeMap<CallId, CallRecord>,
) -> sqlx::Result<()> {
    let records: Vec<&CallRecord> = batch.values().collect();
    for rows in records.chunks(ROWS) {
        let mut query = statement(rows);
        query.build().persistent(rows.len() == ROWS || rows.len() == 1).execute(&mut *connection).await?;
    }
    sqlx::query(
        "INSERT INTO meta (name, value) VALUES ('alive', $1) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(crate::wall().as_millis())
    .execute(&mut *connection)
    .await
    .map(drop)
}

fn statement(rows: &[&CallRecord]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(
        "INSERT INTO call_records \
         (id, caller, callee, direction, started, answered, ended, duration_s, result, reason, route, quality) ",
    );
    query.push_values(rows, |mut row, record| {
        row.push_bind(record.id.to_string())
            .push_bind(record.from.clone())
            .push_bind(record.to.clone())
            .push_bind(direction_name(record.direction))
            .push_bind(record.started.as_millis())
            .push_bind(record.answered.map(Wall::as_millis))
            .push_bind(record.ended.map(Wall::as_millis))
            .push_bind(record.duration_s)
            .push_bind(record.result.map(CallResult::text))
            .push_bind(record.reason.clone())
            .push_bind(record.route.clone())
            .push_bind(record.quality.as_ref().and_then(|quality| serde_json::to_string(quality).ok()));
    });
    // A record that is closed stays as it is, whatever comes late.
    query.push(
        " ON CONFLICT (id) DO UPDATE SET caller = excluded.caller, callee = excluded.callee, \
         direction = excluded.direction, started = excluded.started, answered = excluded.answered, \
         ended = excluded.ended, duration_s = excluded.duration_s, result = excluded.result, \
         reason = excluded.reason, route = excluded.route, quality = excluded.quality \
         WHERE call_records.ended IS NULL",
    );
    query
}

/// Closes the records of calls that a crash cut, at the last time the server is known to have lived.
pub(crate) async fn recover(connection: &mut SqliteConnection) -> sqlx::Result<u64> {
    let alive =
        sqlx::query("SELECT value FROM meta WHERE name = 'alive'").fetch_optional(&mut *connection).await?;
    let alive: i64 = alive.map_or(Ok(0), |row| row.try_get(0))?;
    let closed = sqlx::query(
        "UPDATE call_records SET result = 'failed', reason = 'the server ended during the call', \
         ended = CASE WHEN COALESCE(answered, started) > $1 THEN COALESCE(answered, started) ELSE $1 END, \
         duration_s = CASE WHEN answered IS NULL OR answered > $1 THEN 0.0 ELSE ($1 - answered) / 1000.0 END \
         WHERE ended IS NULL",
    )
    .bind(alive)
    .execute(&mut *connection)
    .await?;
    Ok(closed.rows_affected())
}
