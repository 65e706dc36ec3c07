//! Second factors: the sealed secret, the last step that was used, and hashes of the recovery codes.

use std::collections::BTreeSet;

use model::Secret;
use sqlx::Row as _;
use vault::Name;

use super::{ConsoleStore, key_hash};
use crate::database;
use crate::error::{CommitError, ReadError};

/// A person's second factor.
#[derive(Clone, Debug)]
pub struct Factor {
    /// The shared secret in base 32.
    pub secret: Secret,
    /// The last time step whose code was taken: it and those before it are not taken again (RFC 6238 section 5.2).
    pub last_step: u64,
}

fn name(person: &str) -> Name<'_> {
    Name { table: "second_factors", key: person, field: "secret" }
}

impl ConsoleStore {
    /// The people who have one, by id.
    ///
    /// # Errors
    /// The database refuses, or its key is not the one it was sealed with.
    pub async fn factors(&self) -> Result<Vec<(String, Factor)>, ReadError> {
        let mut writer = self.0.writer().await;
        let rows = sqlx::query("SELECT person, sealed, last_step FROM second_factors")
            .fetch_all(&mut *writer)
            .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let person: String = row.try_get(0)?;
            let sealed: Vec<u8> = row.try_get(1)?;
            let secret = self.0.sealer().open_text(name(&person), &sealed);
            let secret = secret.map_err(|error| ReadError::Unreadable(error.to_string()))?;
            let last_step = u64::try_from(row.try_get::<i64, _>(2)?).unwrap_or(0);
            Ok((person, Factor { secret, last_step }))
        };
        rows.iter().map(read).collect()
    }

    /// Ids of the people who have one.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn people_with_factor(&self) -> Result<BTreeSet<String>, ReadError> {
        let mut writer = self.0.writer().await;
        let rows = sqlx::query("SELECT person FROM second_factors").fetch_all(&mut *writer).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Keeps a new second factor and its recovery codes in place of those before. Synced when this returns.
    ///
    /// # Errors
    /// The disk refuses; nothing was changed.
    pub async fn keep_factor(
        &self,
        person: &str,
        factor: &Factor,
        codes: &[String],
    ) -> Result<(), CommitError> {
        let sealed = self.0.sealer().seal_text(name(person), &factor.secret);
        let sealed = sealed.map_err(|error| CommitError::Disk(error.to_string()))?;
        let mut writer = self.0.writer().await;
        database::begin(&mut writer).await?;
        let written = async {
            remove(&mut writer, person).await?;
            sqlx::query("INSERT INTO second_factors (person, sealed, last_step) VALUES ($1, $2, $3)")
                .bind(person)
                .bind(sealed)
                .bind(i64::try_from(factor.last_step).unwrap_or(i64::MAX))
                .execute(&mut *writer)
                .await?;
            for code in codes {
                sqlx::query("INSERT INTO recovery_codes (person, code_hash) VALUES ($1, $2)")
                    .bind(person)
                    .bind(key_hash(code))
                    .execute(&mut *writer)
                    .await?;
            }
            Ok(())
        }
        .await;
        database::end(&mut writer, written).await
    }

    /// Takes a step, if none as late was taken yet. Whether it was.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn take_step(&self, person: &str, step: u64) -> Result<bool, CommitError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let mut writer = self.0.writer().await;
        let done =
            sqlx::query("UPDATE second_factors SET last_step = $1 WHERE person = $2 AND last_step < $1")
                .bind(step)
                .bind(person)
                .execute(&mut *writer)
                .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Uses a recovery code up. Whether there was such a one.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn take_recovery_code(&self, person: &str, code: &str) -> Result<bool, CommitError> {
        let mut writer = self.0.writer().await;
        let done = sqlx::query("DELETE FROM recovery_codes WHERE person = $1 AND code_hash = $2")
            .bind(person)
            .bind(key_hash(code))
            .execute(&mut *writer)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes a second factor and its recovery codes.
    ///
    /// # Errors
    /// The disk refuses; nothing was changed.
    pub async fn forget_factor(&self, person: &str) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        database::begin(&mut writer).await?;
        let written = remove(&mut writer, person).await;
        database::end(&mut writer, written).await
    }
}

async fn remove(connection: &mut sqlx::sqlite::SqliteConnection, person: &str) -> Result<(), CommitError> {
    for table in
        ["DELETE FROM second_factors WHERE person = $1", "DELETE FROM recovery_codes WHERE person = $1"]
    {
        sqlx::query(table).bind(person).execute(&mut *connection).await?;
    }
    Ok(())
}
