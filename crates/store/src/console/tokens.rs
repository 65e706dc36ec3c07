//! Tokens of scripts.

use model::Wall;
use sqlx::Row as _;

use super::ConsoleStore;
use crate::error::{CommitError, ReadError};

/// A token as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// Its id, which opens nothing.
    pub id: String,
    /// SHA-256 of the token.
    pub key_hash: String,
    /// The rest, as JSON.
    pub body: String,
    /// Used last.
    pub used: Option<Wall>,
}

impl ConsoleStore {
    /// All tokens, oldest first: ids count up.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn tokens(&self) -> Result<Vec<StoredToken>, ReadError> {
        let mut writer = self.0.writer().await;
        let rows = sqlx::query("SELECT id, key_hash, body, used FROM tokens ORDER BY id")
            .fetch_all(&mut *writer)
            .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Ok(StoredToken {
                id: row.try_get(0)?,
                key_hash: row.try_get(1)?,
                body: row.try_get(2)?,
                used: row.try_get::<Option<i64>, _>(3)?.map(Wall::from_millis),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Keeps a new token.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn keep_token(&self, token: &StoredToken) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        sqlx::query("INSERT INTO tokens (id, key_hash, body, used) VALUES ($1, $2, $3, $4)")
            .bind(&token.id)
            .bind(&token.key_hash)
            .bind(&token.body)
            .bind(token.used.map(Wall::as_millis))
            .execute(&mut *writer)
            .await?;
        Ok(())
    }

    /// Keeps when a token was used last. One that was forgotten meanwhile stays forgotten.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn touch_token(&self, id: &str, used: Wall) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        sqlx::query("UPDATE tokens SET used = $2 WHERE id = $1")
            .bind(id)
            .bind(used.as_millis())
            .execute(&mut *writer)
            .await?;
        Ok(())
    }

    /// Forgets a token.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn forget_token(&self, id: &str) -> Result<(), CommitError> {
        let mut writer = self.0.writer().await;
        sqlx::query("DELETE FROM tokens WHERE id = $1").bind(id).execute(&mut *writer).await?;
        Ok(())
    }
}
