//! Who is signed in; kept over a restart.

use model::Wall;
use sqlx::Row as _;

use super::ConsoleStore;
use crate::error::{CommitError, ReadError};

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// SHA-256 of its key.
    pub key_hash: String,
    /// Id of the person.
    pub person: String,
    /// The login at that time.
    pub login: String,
    /// SHA-256 of the person's password hash at that time: another password, and the session is over.
    pub credential: String,
    /// Where it was used last.
    pub address: String,
    /// What the browser says it is.
    pub agent: String,
    /// Signed in then.
    pub since: Wall,
    /// Used then.
    pub seen: Wall,
}

impl ConsoleStore {
    /// All sessions.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn sessions(&self) -> Result<Vec<StoredSession>, ReadError> {
        let mut writer = self.0.writer().await;
        let rows = sqlx::query(
            "SELECT key_hash, person, login, credential, address, agent, since, seen FROM sessions ORDER BY since",
        )
        .fetch_all(&mut *writer)
        .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok(StoredSession {
                key_hash: row.try_get(0)?,
                person: row.try_get(1)?,
                login: row.try_get(2)?,
                credential: row.try_get(3)?,
                address: row.try_get(4)?,
                agent: row.try_get(5)?,
                since: Wall::from_millis(row.try_get(6)?),
                seen: Wall::from_millis(row.try_get(7)?),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Keeps a new session. Synced when this returns.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn keep_session(&self, session: &StoredSession) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        sqlx::query(
            "INSERT INTO sessions (key_hash, person, login, credential, address, agent, since, seen) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&session.key_hash)
        .bind(&session.person)
        .bind(&session.login)
        .bind(&session.credential)
        .bind(&session.address)
        .bind(&session.agent)
        .bind(session.since.as_millis())
        .bind(session.seen.as_millis())
        .execute(&mut *writer)
        .await?;
        Ok(())
    }

    /// Keeps where and when a session was used last. One that was forgotten meanwhile stays forgotten.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn touch_session(&self, session: &StoredSession) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        sqlx::query("UPDATE sessions SET address = $2, seen = $3 WHERE key_hash = $1")
            .bind(&session.key_hash)
            .bind(&session.address)
            .bind(session.seen.as_millis())
            .execute(&mut *writer)
            .await?;
        Ok(())
    }

    /// Keeps that a session stands by another password. One that was forgotten meanwhile stays forgotten.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn renew_session(&self, session: &StoredSession) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        sqlx::query("UPDATE sessions SET credential = $2 WHERE key_hash = $1")
            .bind(&session.key_hash)
            .bind(&session.credential)
            .execute(&mut *writer)
            .await?;
        Ok(())
    }

    /// Forgets a session.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn forget_session(&self, key_hash: &str) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        sqlx::query("DELETE FROM sessions WHERE key_hash = $1").bind(key_hash).execute(&mut *writer).await?;
        Ok(())
    }
}
