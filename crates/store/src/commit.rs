//! A plan carried out: one transaction, synced before it is acknowledged, all or nothing.

use std::sync::Arc;

use model::config::{Change, NewPassword, Office, Personal, Plan};
use model::{Secret, Wall};
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};
use vault::Sealer;

use crate::database;
use crate::error::{CommitError, plain};
use crate::load::{self, MAIL, PERSON, SIP, sealed_name};
use crate::passwords;

/// Rows of one statement: a large import becomes a few hundred statements.
const ROWS: usize = 200;

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> CommitError {
        CommitError::Disk(plain(&error))
    }
}

/// Stores `plan` and returns the office as it is now.
pub(crate) async fn commit(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    plan: Plan,
    author: &str,
    wall: Wall,
) -> Result<Arc<Office>, CommitError> {
    let Plan { base, changes, effects, difference, mut after, .. } = plan;
    let people = hashed(effects.people).await?;
    let stamp = Stamp { base, author, wall, difference: difference.join("\n") };
    database::begin(connection).await?;
    let written = async {
        let number = insert_revision(connection, &stamp).await?;
        insert_changes(connection, number, &changes).await?;
        write_objects(connection, &changes).await?;
        write_personal(connection, &effects.personal).await?;
        write_secrets(connection, sealer, SIP, &effects.sip_passwords).await?;
        if let Some(password) = effects.mail_password {
            write_secrets(connection, sealer, MAIL, &[("password".to_owned(), password)]).await?;
        }
        write_secrets(connection, sealer, PERSON, &people).await
    }
    .await;
    database::end(connection, written).await?;
    for (login, hash) in people {
        match hash {
            Some(hash) => drop(after.password_hashes.insert(login, hash)),
            None => drop(after.password_hashes.remove(&login)),
        }
    }
    after.revision = base.saturating_add(1);
    Ok(Arc::new(after))
}

/// Who changes what, from which base.
struct Stamp<'a> {
    base: u64,
    author: &'a str,
    wall: Wall,
    difference: String,
}

async fn insert_revision(connection: &mut SqliteConnection, stamp: &Stamp<'_>) -> Result<i64, CommitError> {
    let current = load::revision(connection).await?;
    if current != stamp.base {
        return Err(CommitError::Stale { current });
    }
    let number = i64::try_from(current.saturating_add(1)).unwrap_or(i64::MAX);
    sqlx::query("INSERT INTO revisions (number, made, author, difference) VALUES ($1, $2, $3, $4)")
        .bind(number)
        .bind(stamp.wall.as_millis())
        .bind(stamp.author)
        .bind(&stamp.difference)
        .execute(connection)
        .await?;
    Ok(number)
}

/// Hashes what was given in clear, off the threads that serve.
async fn hashed(
    people: Vec<(String, Option<NewPassword>)>,
) -> Result<Vec<(String, Option<Secret>)>, CommitError> {
    let hash_all = move || {
        let hash = |(login, new)| {
            let hash = match new {
                None => None,
                Some(NewPassword::Hash(hash)) => Some(hash),
                Some(NewPassword::Plain(plain)) => Some(passwords::hash(&plain)?),
            };
            Ok((login, hash))
        };
        people.into_iter().map(hash).collect::<Result<Vec<_>, String>>()
    };
    let hashed = tokio::task::spawn_blocking(hash_all).await.map_err(|_| CommitError::Stopping)?;
    hashed.map_err(CommitError::Disk)
}

fn json(value: &impl serde::Serialize) -> Result<String, CommitError> {
    serde_json::to_string(value).map_err(|error| CommitError::Disk(error.to_string()))
}

async fn insert_changes(
    connection: &mut SqliteConnection,
    revision: i64,
    changes: &[Change],
) -> Result<(), CommitError> {
    let mut rows = Vec::with_capacity(changes.len());
    for (place, change) in (0_i64..).zip(changes) {
        let before = change.before.as_ref().map(json).transpose()?;
        let after = change.after.as_ref().map(json).transpose()?;
        rows.push((place, change, before, after, json(&change.marks)?));
    }
    for rows in rows.chunks(ROWS) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
            "INSERT INTO changes \
             (revision, place, kind, id, natural_key, former_key, body_before, body_after, marks) ",
        );
        query.push_values(rows, |mut row, (place, change, before, after, marks)| {
            row.push_bind(revision)
                .push_bind(*place)
                .push_bind(change.kind.name())
                .push_bind(change.id.to_string())
                .push_bind(change.key.clone())
                .push_bind(change.was.clone())
                .push_bind(before.clone())
                .push_bind(after.clone())
                .push_bind(marks.clone());
        });
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_objects(connection: &mut SqliteConnection, changes: &[Change]) -> Result<(), CommitError> {
    for change in changes.iter().filter(|change| change.after.is_none()) {
        sqlx::query("DELETE FROM objects WHERE kind = $1 AND id = $2")
            .bind(change.kind.name())
            .bind(change.id.to_string())
            .execute(&mut *connection)
            .await?;
    }
    let mut rows = Vec::new();
    for change in changes {
        if let Some(after) = &change.after {
            rows.push((change, json(after)?));
        }
    }
    for rows in rows.chunks(ROWS) {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO objects (kind, id, natural_key, body) ");
        query.push_values(rows, |mut row, (change, body)| {
            row.push_bind(change.kind.name())
                .push_bind(change.id.to_string())
                .push_bind(change.key.clone())
                .push_bind(body.clone());
        });
        query.push(
            " ON CONFLICT (kind, id) DO UPDATE SET natural_key = excluded.natural_key, body = excluded.body",
        );
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_personal(
    connection: &mut SqliteConnection,
    personal: &[(String, Option<Personal>)],
) -> Result<(), CommitError> {
    for (number, own) in personal {
        let query = match own {
            None => sqlx::query("DELETE FROM personal WHERE extension = $1").bind(number),
            Some(own) => sqlx::query(
                "INSERT INTO personal (extension, body) VALUES ($1, $2) \
                 ON CONFLICT (extension) DO UPDATE SET body = excluded.body",
            )
            .bind(number)
            .bind(json(&own.to_value())?),
        };
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

pub(crate) async fn write_secrets(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    kind: &'static str,
    secrets: &[(String, Option<Secret>)],
) -> Result<(), CommitError> {
    for (name, _) in secrets.iter().filter(|(_, secret)| secret.is_none()) {
        sqlx::query("DELETE FROM secrets WHERE kind = $1 AND name = $2")
            .bind(kind)
            .bind(name)
            .execute(&mut *connection)
            .await?;
    }
    let mut rows = Vec::new();
    for (name, secret) in secrets {
        if let Some(secret) = secret {
            let sealed = sealer.seal_text(sealed_name(kind, name), secret);
            rows.push((name, sealed.map_err(|error| CommitError::Disk(error.to_string()))?));
        }
    }
    for rows in rows.chunks(ROWS) {
        let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("INSERT INTO secrets (kind, name, sealed) ");
        query.push_values(rows, |mut row, (name, sealed)| {
            row.push_bind(kind).push_bind((*name).clone()).push_bind(sealed.clone());
        });
        query.push(" ON CONFLICT (kind, name) DO UPDATE SET sealed = excluded.sealed");
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}
