//! Letters that wait for the mail server, and what waits for a digest: rows, each step of them synced.
//!
//! Not here: which letter is written when, and how it is sent (`links`).

use model::{Id, Wall};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::database;
use crate::error::{CommitError, ReadError};
use crate::store::Store;

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterRow {
    /// Its id.
    pub id: Id,
    /// Whom it goes to.
    pub recipient: String,
    /// What it is about.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// When it was written.
    pub written: Wall,
    /// How often it was put off.
    pub tries: u32,
    /// When it is due.
    pub due: Wall,
}

/// What is told in a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRow {
    /// Its id.
    pub id: Id,
    /// When it happened.
    pub happened: Wall,
    /// Whom it is told.
    pub recipient: String,
    /// What is told.
    pub line: String,
    /// For how many it stands.
    pub stands_for: u64,
}

/// How long a letter that is gone is remembered: longer than any digest collects, which counts them.
const REMEMBERED_MS: i64 = 2 * 86_400_000;

/// The letters of a store.
#[derive(Clone, Debug)]
pub struct Letters(pub(crate) Store);

impl Letters {
    /// Letters written after `since` and up to `until`, gone or not. Those dated later are of before the clock was set
    /// back, and nobody knows when that was.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn written_within(&self, since: Wall, until: Wall) -> Result<u32, ReadError> {
        let mut writer = self.0.writer().await;
        let query = sqlx::query("SELECT COUNT(*) FROM letters WHERE written > $1 AND written <= $2")
            .bind(since.as_millis())
            .bind(until.as_millis());
        count(&query.fetch_one(&mut *writer).await?)
    }

    /// Letters that wait.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn waiting(&self) -> Result<u32, ReadError> {
        let mut writer = self.0.writer().await;
        let query = sqlx::query("SELECT COUNT(*) FROM letters WHERE due IS NOT NULL");
        count(&query.fetch_one(&mut *writer).await?)
    }

    /// Keeps a letter; forgets those that are long gone.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn keep(&self, letter: &LetterRow) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        database::begin(&mut writer).await?;
        let written = insert(&mut writer, letter).await;
        database::end(&mut writer, written).await
    }

    /// Keeps what is to be told in a digest; once there are `most`, the last one stands for it too.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn hold(&self, held: &HeldRow, most: u32) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        database::begin(&mut writer).await?;
        let written = hold(&mut writer, held, most).await;
        database::end(&mut writer, written).await
    }

    /// What is to be told in a digest, oldest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn held(&self) -> Result<Vec<HeldRow>, ReadError> {
        let mut writer = self.0.writer().await;
        let rows =
            sqlx::query("SELECT id, happened, recipient, line, stands_for FROM held_letters ORDER BY id")
                .fetch_all(&mut *writer)
                .await?;
        rows.iter().map(held_row).collect()
    }

    /// Keeps the letters in which all of that stands, and forgets it.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn fold(&self, letters: &[LetterRow]) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        database::begin(&mut writer).await?;
        let written = async {
            for letter in letters {
                insert(&mut writer, letter).await?;
            }
            sqlx::query("DELETE FROM held_letters").execute(&mut *writer).await?;
            Ok(())
        }
        .await;
        database::end(&mut writer, written).await
    }

    /// The letter that is due first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn next(&self) -> Result<Option<LetterRow>, ReadError> {
        let mut writer = self.0.writer().await;
        let row = sqlx::query(
            "SELECT id, recipient, subject, body, written, tries, due FROM letters \
             WHERE due IS NOT NULL ORDER BY due, id LIMIT 1",
        )
        .fetch_optional(&mut *writer)
        .await?;
        row.as_ref().map(letter_row).transpose()
    }

    /// A letter waits until then.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn put_off(&self, letter: Id, tries: u32, until: Wall) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        sqlx::query("UPDATE letters SET tries = $2, due = $3 WHERE id = $1")
            .bind(letter.to_string())
            .bind(i64::from(tries))
            .bind(until.as_millis())
            .execute(&mut *writer)
            .await?;
        Ok(())
    }

    /// A letter is gone.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn gone(&self, letter: Id) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        // Its text is of no use any more.
        sqlx::query("UPDATE letters SET due = NULL, body = '' WHERE id = $1")
            .bind(letter.to_string())
            .execute(&mut *writer)
            .await?;
        Ok(())
    }
}

async fn insert(connection: &mut SqliteConnection, letter: &LetterRow) -> Result<(), CommitError> {
    sqlx::query("DELETE FROM letters WHERE due IS NULL AND written < $1")
        .bind(letter.written.as_millis().saturating_sub(REMEMBERED_MS))
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO letters (id, recipient, subject, body, written, tries, due) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(letter.id.to_string())
    .bind(&letter.recipient)
    .bind(&letter.subject)
    .bind(&letter.body)
    .bind(letter.written.as_millis())
    .bind(i64::from(letter.tries))
    .bind(letter.due.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}

async fn hold(connection: &mut SqliteConnection, held: &HeldRow, most: u32) -> Result<(), CommitError> {
    let row = sqlx::query("SELECT COUNT(*), MAX(id) FROM held_letters").fetch_one(&mut *connection).await?;
    let last: Option<String> = row.try_get(1)?;
    if let Some(last) = last.filter(|_| row.try_get::<i64, _>(0).is_ok_and(|count| count >= i64::from(most)))
    {
        sqlx::query("UPDATE held_letters SET stands_for = stands_for + $2 WHERE id = $1")
            .bind(last)
            .bind(i64::try_from(held.stands_for).unwrap_or(i64::MAX))
            .execute(connection)
            .await?;
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO held_letters (id, happened, recipient, line, stands_for) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(held.id.to_string())
    .bind(held.happened.as_millis())
    .bind(&held.recipient)
    .bind(&held.line)
    .bind(i64::try_from(held.stands_for).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}

fn count(row: &SqliteRow) -> Result<u32, ReadError> {
    Ok(u32::try_from(row.try_get::<i64, _>(0)?).unwrap_or(u32::MAX))
}

fn id(row: &SqliteRow) -> Result<Id, ReadError> {
    let text: String = row.try_get(0)?;
    text.parse().map_err(|_| ReadError::Unreadable("id of a letter".to_owned()))
}

fn letter_row(row: &SqliteRow) -> Result<LetterRow, ReadError> {
    Ok(LetterRow {
        id: id(row)?,
        recipient: row.try_get(1)?,
        subject: row.try_get(2)?,
        body: row.try_get(3)?,
        written: Wall::from_millis(row.try_get(4)?),
        tries: u32::try_from(row.try_get::<i64, _>(5)?).unwrap_or(u32::MAX),
        due: Wall::from_millis(row.try_get(6)?),
    })
}

fn held_row(row: &SqliteRow) -> Result<HeldRow, ReadError> {
    Ok(HeldRow {
        id: id(row)?,
        happened: Wall::from_millis(row.try_get(1)?),
        recipient: row.try_get(2)?,
        line: row.try_get(3)?,
        stands_for: u64::try_from(row.try_get::<i64, _>(4)?).unwrap_or(0),
    })
}
