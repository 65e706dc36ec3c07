//! Blocks on their way to the disk: written at once, each batch one synced transaction, so that a restart forgets none.
//!
//! What a block is, is the guard's business: here it is a name, an end and a body.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use model::Wall;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, watch};

use crate::database;
use crate::error::plain;
use crate::logs::LogSink;
use crate::spool::{Outage, Retry, Spool, Taken, Worth};

/// What events call them.
pub const BLOCKS: &str = "blocks";
/// Changes that wait in memory while the disk refuses: as many as the guard keeps blocks.
pub const MAX_WAITING_BLOCKS: usize = 100_000;
/// How long changes are gathered: under a storm of blocks they share a sync, alone each is written at once.
const GATHER: Duration = Duration::from_millis(5);
/// The writer has nothing to do without changes.
const IDLE: Duration = Duration::from_secs(3_600);

/// A block, as the disk sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    /// What tells it from others.
    pub name: String,
    /// Its end; `None`: until lifted.
    pub until: Option<Wall>,
    /// The rest, as JSON.
    pub body: String,
}

pub(crate) type BlockSpool = Spool<String, Option<StoredBlock>>;

/// Takes blocks from the control thread without ever waiting for a disk.
#[derive(Clone, Debug)]
pub struct BlockWriter {
    pub(crate) spool: Arc<BlockSpool>,
    sent: Arc<AtomicU64>,
    written: watch::Receiver<u64>,
}

/// The writing task's end.
pub(crate) struct BlockTask {
    spool: Arc<BlockSpool>,
    sent: Arc<AtomicU64>,
    written: watch::Sender<u64>,
}

pub(crate) fn writer() -> (BlockWriter, BlockTask) {
    let spool = Spool::new(MAX_WAITING_BLOCKS);
    let sent = Arc::<AtomicU64>::default();
    let (done, written) = watch::channel(0);
    let task = BlockTask { spool: spool.clone(), sent: sent.clone(), written: done };
    (BlockWriter { spool, sent, written }, task)
}

impl BlockWriter {
    /// A block is new or changed.
    pub fn keep(&self, block: StoredBlock) {
        self.put(block.name.clone(), Some(block));
    }

    /// A block is over.
    pub fn forget(&self, name: String) {
        self.put(name, None);
    }

    fn put(&self, name: String, block: Option<StoredBlock>) {
        self.spool.put(name, block, Worth::Irreplaceable, |_| false);
        // After it: who reads this number finds at least so many in the spool, or written.
        self.sent.fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until everything sent so far is on the disk. Whether it is; the disk may refuse for good.
    pub async fn written(&self, patience: Duration) -> bool {
        let sent = self.sent.load(Ordering::Acquire);
        let mut written = self.written.clone();
        let wait = written.wait_for(|count| *count >= sent);
        tokio::time::timeout(patience, wait).await.is_ok_and(|told| told.is_ok())
    }
}

/// The blocks that are not over by `now`.
pub(crate) async fn load(connection: &mut SqliteConnection, now: Wall) -> sqlx::Result<Vec<String>> {
    sqlx::query("DELETE FROM blocks WHERE until_ms <= $1")
        .bind(now.as_millis())
        .execute(&mut *connection)
        .await?;
    let rows = sqlx::query("SELECT body FROM blocks ORDER BY name").fetch_all(&mut *connection).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Writes until the spool is closed and empty.
pub(crate) async fn run(task: BlockTask, connection: Arc<Mutex<SqliteConnection>>, logs: LogSink) {
    let BlockTask { spool, sent, written } = task;
    let mut outage = Outage::default();
    loop {
        // Whatever is counted here is in the next batch at the latest.
        let before = sent.load(Ordering::Acquire);
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
            Ok(()) => outage.over(&logs, BLOCKS),
            Err(error) => {
                let why = plain(&error);
                if outage.failed(&spool, batch, &logs, BLOCKS, &why).await == Retry::GiveUp {
                    return;
                }
                continue;
            }
        }
        let count = sent.load(Ordering::Acquire);
        // While a storm of blocks never lets the spool run empty, those who wait hear of what came before the batch.
        let known = if spool.is_empty() { count } else { before };
        written.send_if_modified(|told| known > std::mem::replace(told, known.max(*told)));
    }
}

async fn write(
    connection: &mut SqliteConnection,
    batch: &BTreeMap<String, Option<StoredBlock>>,
) -> sqlx::Result<()> {
    database::begin(connection).await?;
    let written = write_rows(connection, batch).await;
    database::end(connection, written).await
}

async fn write_rows(
    connection: &mut SqliteConnection,
    batch: &BTreeMap<String, Option<StoredBlock>>,
) -> sqlx::Result<()> {
    for (name, block) in batch {
        let Some(block) = block else {
            sqlx::query("DELETE FROM blocks WHERE name = $1").bind(name).execute(&mut *connection).await?;
            continue;
        };
        sqlx::query(
            "INSERT INTO blocks (name, until_ms, body) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET until_ms = excluded.until_ms, body = excluded.body",
        )
        .bind(name)
        .bind(block.until.map(Wall::as_millis))
        .bind(&block.body)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
