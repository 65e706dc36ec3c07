//! Opening an SQLite file: private, with a write-ahead log, every commit synced, checked for damage, migrated.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _};

use crate::error::OpenError;
use crate::folder::private;

/// How long a statement waits for another connection's lock; only readers and one writer of this process exist.
const BUSY: Duration = Duration::from_secs(5);
/// Files up to this size are checked whole when they are opened (some 0.1 s); of larger ones, whose bulk is call
/// records, the configuration's tables.
const CHECKED_WHOLE: u64 = 64 * 1_024 * 1_024;
/// Tables that must be sound for the server to run.
const VITAL: &[&str] = &["objects", "secrets", "personal", "revisions", "changes"];

/// Memory for pages of each connection: `-512` is half a megabyte (SQLite's own choice is four times as much). All that
/// calls need is in memory anyway; what is read here is read once.
const PAGES_KEPT: &str = "-512";

pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", PAGES_KEPT)
        .busy_timeout(BUSY)
        .disable_statement_logging()
}

/// Opens the one connection that writes to `path`.
pub(crate) async fn open(path: &Path, migrations: &Migrator) -> Result<SqliteConnection, OpenError> {
    let file = private(path).map_err(|error| OpenError::folder(path, &error))?;
    let size = file.metadata().map_err(|error| OpenError::folder(path, &error))?.len();
    drop(file);
    let fault = |error: sqlx::Error| OpenError::database(path, &error);
    let mut connection = options(path).connect().await.map_err(fault)?;
    if size > 0 {
        check(&mut connection, path, size).await?;
    }
    migrations.run(&mut connection).await.map_err(|error| migration_error(path, error))?;
    Ok(connection)
}

async fn check(connection: &mut SqliteConnection, path: &Path, size: u64) -> Result<(), OpenError> {
    let fault = |error: sqlx::Error| OpenError::database(path, &error);
    let mut statements = Vec::new();
    if size <= CHECKED_WHOLE {
        statements.push("PRAGMA quick_check(1)".to_owned());
    } else {
        statements.extend(VITAL.iter().map(|table| format!("PRAGMA quick_check({table})")));
    }
    for statement in statements {
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(statement)).fetch_all(&mut *connection).await.map_err(fault)?;
        let verdict: String = rows.first().map_or(Ok("ok".into()), |row| row.try_get(0)).map_err(fault)?;
        if verdict != "ok" {
            let why = verdict.lines().next().unwrap_or("quick_check failed").to_owned();
            return Err(OpenError::Damaged { path: path.to_owned(), why });
        }
    }
    Ok(())
}

fn migration_error(path: &Path, error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(migration) | MigrateError::VersionTooNew(migration, _) => {
            OpenError::Newer { path: path.to_owned(), migration }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            OpenError::database(path, &error)
        }
        other => OpenError::Database { path: path.to_owned(), why: other.to_string() },
    }
}

/// Begins a transaction that will write. By hand rather than by sqlx: when the disk is full SQLite may roll back on
/// its own, after which sqlx believes the transaction open for ever.
pub(crate) async fn begin(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    if sqlx::query(BEGIN).execute(&mut *connection).await.is_ok() {
        return Ok(());
    }
    // One may be left from work that was cut short; if none is, the second try tells what is wrong.
    let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    sqlx::query(BEGIN).execute(&mut *connection).await.map(drop)
}

const BEGIN: &str = "BEGIN IMMEDIATE";

/// Ends the transaction as `result` says: synced when this returns `Ok`, undone otherwise.
pub(crate) async fn end<T, E: From<sqlx::Error>>(
    connection: &mut SqliteConnection,
    result: Result<T, E>,
) -> Result<T, E> {
    let done = match result {
        Ok(value) => match sqlx::query("COMMIT").execute(&mut *connection).await {
            Ok(_) => return Ok(value),
            Err(error) => Err(error.into()),
        },
        Err(error) => Err(error),
    };
    // SQLite may have undone it already, which is what is wanted.
    let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    done
}
