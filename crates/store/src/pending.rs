//! A change of the firewall that waits for its confirmation (SPEC R4.3): kept, so that it goes back by itself also over a
//! restart.

use model::Wall;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use crate::error::{CommitError, ReadError};

/// A change that waits for its confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingChange {
    /// The revision whose rows come back.
    pub back_to: u64,
    /// The revision that it is, or would have been if the server died before it was stored.
    pub made: u64,
    /// When it goes back.
    pub until: Wall,
    /// Who made it.
    pub author: String,
    /// The address that it shuts out.
    pub address: String,
}

pub(crate) async fn load(pool: &SqlitePool) -> Result<Option<PendingChange>, ReadError> {
    let row =
        sqlx::query("SELECT back_to, made, until_ms, author, address FROM pending_change WHERE place = 0");
    let Some(row) = row.fetch_optional(pool).await? else { return Ok(None) };
    let revision = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Some(PendingChange {
        back_to: revision(row.try_get(0)?),
        made: revision(row.try_get(1)?),
        until: Wall::from_millis(row.try_get(2)?),
        author: row.try_get(3)?,
        address: row.try_get(4)?,
    }))
}

pub(crate) async fn keep(
    connection: &mut SqliteConnection,
    kept: Option<&PendingChange>,
) -> Result<(), CommitError> {
    sqlx::query("DELETE FROM pending_change").execute(&mut *connection).await?;
    let Some(PendingChange { back_to, made, until, author, address }) = kept else { return Ok(()) };
    let revision = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO pending_change (place, back_to, made, until_ms, author, address) VALUES (0, $1, $2, $3, $4, $5)",
    )
    .bind(revision(*back_to))
    .bind(revision(*made))
    .bind(until.as_millis())
    .bind(author)
    .bind(address)
    .execute(&mut *connection)
    .await?;
    Ok(())
}
