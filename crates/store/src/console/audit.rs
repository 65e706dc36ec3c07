//! The audit trail: who did or tried what, when and from where.

use model::Wall;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::ConsoleStore;
use crate::error::{CommitError, ReadError};

/// Rows of what was done that are kept: at a hundred changes a day, more than twenty years.
const MAX_DONE: i64 = 1_000_000;
/// Rows kept of what was refused or failed: they can't push out the others.
const MAX_REFUSED: i64 = 100_000;
/// The oldest rows are looked for after so many new ones.
const TRIM_EVERY: i64 = 1_000;

/// A row to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAudit {
    /// When.
    pub time: Wall,
    /// Who.
    pub author: String,
    /// What, as method and resource.
    pub action: String,
    /// To which.
    pub object: String,
    /// Why it was refused.
    pub detail: String,
    /// From where; empty: the control socket.
    pub address: String,
    /// What became of it.
    pub outcome: String,
}

/// A row with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Later ones are larger.
    pub number: i64,
    /// What it says.
    pub row: NewAudit,
}

impl ConsoleStore {
    /// Adds a row; the oldest of its kind go when there are too many.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn add_audit(&self, row: &NewAudit) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        let added = sqlx::query(
            "INSERT INTO audit (number, happened, author, action, object, detail, address, outcome) \
             VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM audit), $1, $2, $3, $4, $5, $6, $7) RETURNING number",
        )
        .bind(row.time.as_millis())
        .bind(&row.author)
        .bind(&row.action)
        .bind(&row.object)
        .bind(&row.detail)
        .bind(&row.address)
        .bind(&row.outcome)
        .fetch_one(&mut *writer)
        .await?;
        if added.try_get::<i64, _>(0)? % TRIM_EVERY == 0 {
            trim(&mut writer, "outcome <> 'done'", MAX_REFUSED).await?;
            trim(&mut writer, "outcome = 'done'", MAX_DONE).await?;
        }
        Ok(())
    }

    /// Rows older than number `after`, newest first; by one author or all.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn audit(
        &self,
        after: Option<i64>,
        author: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, ReadError> {
        let columns = "SELECT number, happened, author, action, object, detail, address, outcome FROM audit \
                       WHERE number < $1";
        let text = match author {
            None => format!("{columns} ORDER BY number DESC LIMIT $2"),
            Some(_) => format!("{columns} AND author = $3 ORDER BY number DESC LIMIT $2"),
        };
        let mut query =
            sqlx::query(sqlx::AssertSqlSafe(text)).bind(after.unwrap_or(i64::MAX)).bind(i64::from(limit));
        if let Some(author) = author {
            query = query.bind(author.to_owned());
        }
        let rows = query.fetch_all(self.0.readers()).await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok(AuditRow {
                number: row.try_get(0)?,
                row: NewAudit {
                    time: Wall::from_millis(row.try_get(1)?),
                    author: row.try_get(2)?,
                    action: row.try_get(3)?,
                    object: row.try_get(4)?,
                    detail: row.try_get(5)?,
                    address: row.try_get(6)?,
                    outcome: row.try_get(7)?,
                },
            })
        };
        rows.iter().map(read).collect()
    }
}

/// Leaves the newest `most` of the rows that `kind` says.
async fn trim(writer: &mut SqliteConnection, kind: &str, most: i64) -> Result<(), sqlx::Error> {
    let oldest = format!("SELECT number FROM audit WHERE {kind} ORDER BY number DESC LIMIT 1 OFFSET $1");
    let text = format!("DELETE FROM audit WHERE {kind} AND number <= ({oldest})");
    sqlx::query(sqlx::AssertSqlSafe(text)).bind(most).execute(writer).await?;
    Ok(())
}
