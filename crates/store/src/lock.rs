//! The lock on outgoing calls: at most one row, synced before it is acknowledged (SPEC R4.11).

use model::Wall;
use model::lock::Lock;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use crate::error::CommitError;

/// The lock that was set, if one was.
pub(crate) async fn load(connection: &mut SqliteConnection) -> sqlx::Result<Option<Lock>> {
    let row = sqlx::query("SELECT cause, set_by, since FROM outgoing_lock WHERE place = 0");
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(None) };
    let since = Wall::from_millis(row.try_get(2)?);
    Ok(Some(Lock { cause: row.try_get(0)?, by: row.try_get(1)?, since }))
}

pub(crate) async fn keep(connection: &mut SqliteConnection, lock: Option<&Lock>) -> Result<(), CommitError> {
    let query = match lock {
        None => sqlx::query("DELETE FROM outgoing_lock"),
        Some(lock) => sqlx::query(
            "INSERT INTO outgoing_lock (place, cause, set_by, since) VALUES (0, $1, $2, $3) \
             ON CONFLICT (place) DO UPDATE SET cause = excluded.cause, set_by = excluded.set_by, since = excluded.since",
        )
        .bind(&lock.cause)
        .bind(&lock.by)
        .bind(lock.since.as_millis()),
    };
    query.execute(connection).await?;
    Ok(())
}
