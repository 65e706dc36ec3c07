//! Revisions, read back: who changed what and when, and the objects as they were. They hold no secrets.

use std::collections::BTreeMap;

use model::config::{Change, Kind, Row, Value};
use model::{Id, Wall};
use serde::Serialize;
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use crate::error::ReadError;
use crate::load::{self, body, named};

/// A change of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revision {
    /// Its number, from 1.
    pub number: u64,
    /// When it took effect.
    pub time: Wall,
    /// Who made it.
    pub author: String,
    /// How many objects it changed.
    pub changes: u64,
    /// The first line of its difference.
    pub summary: String,
}

/// A change of the configuration, whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RevisionDetail {
    /// Its number, from 1.
    pub number: u64,
    /// When it took effect.
    pub time: Wall,
    /// Who made it.
    pub author: String,
    /// What it changed, in words.
    pub difference: Vec<String>,
    /// What it changed, object by object.
    pub changes: Vec<Change>,
}

pub(crate) async fn list(pool: &SqlitePool) -> Result<Vec<Revision>, ReadError> {
    let rows = sqlx::query(
        "SELECT number, made, author, difference, \
         (SELECT COUNT(*) FROM changes WHERE changes.revision = revisions.number) \
         FROM revisions ORDER BY number",
    )
    .fetch_all(pool)
    .await?;
    let revision = |row: &SqliteRow| {
        let difference: String = row.try_get(3)?;
        Ok(Revision {
            number: count(row.try_get(0)?),
            time: Wall::from_millis(row.try_get(1)?),
            author: row.try_get(2)?,
            changes: count(row.try_get(4)?),
            summary: difference.lines().next().unwrap_or("").to_owned(),
        })
    };
    rows.iter().map(revision).collect()
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn stored(number: u64) -> Result<i64, ReadError> {
    i64::try_from(number).map_err(|_| ReadError::NoRevision(number))
}

pub(crate) async fn detail(pool: &SqlitePool, number: u64) -> Result<RevisionDetail, ReadError> {
    let row = sqlx::query("SELECT made, author, difference FROM revisions WHERE number = $1")
        .bind(stored(number)?)
        .fetch_optional(pool)
        .await?
        .ok_or(ReadError::NoRevision(number))?;
    let difference: String = row.try_get(2)?;
    let changes = sqlx::query(
        "SELECT kind, id, natural_key, former_key, body_before, body_after, marks \
         FROM changes WHERE revision = $1 ORDER BY place",
    )
    .bind(stored(number)?)
    .fetch_all(pool)
    .await?;
    Ok(RevisionDetail {
        number,
        time: Wall::from_millis(row.try_get(0)?),
        author: row.try_get(1)?,
        difference: difference.lines().map(str::to_owned).collect(),
        changes: changes.iter().map(change).collect::<Result<_, _>>()?,
    })
}

fn change(row: &SqliteRow) -> Result<Change, ReadError> {
    let (kind, id) = named(&row.try_get::<String, _>(0)?, &row.try_get::<String, _>(1)?)?;
    let record = |place: usize| -> Result<Option<Value>, ReadError> {
        row.try_get::<Option<String>, _>(place)?.map(|text| body(&text)).transpose()
    };
    let marks: String = row.try_get(6)?;
    Ok(Change {
        kind,
        id,
        key: row.try_get(2)?,
        was: row.try_get(3)?,
        before: record(4)?,
        after: record(5)?,
        marks: serde_json::from_str(&marks).map_err(|error| ReadError::Unreadable(error.to_string()))?,
    })
}

/// The objects as they were in revision `number`: today's, with every later change undone. 0 is the empty office.
pub(crate) async fn objects_at(pool: &SqlitePool, number: u64) -> Result<Vec<Row>, ReadError> {
    let mut connection = pool.begin().await?;
    if number > load::revision(&mut connection).await? {
        return Err(ReadError::NoRevision(number));
    }
    let today = load::objects(&mut connection).await?;
    let mut objects: BTreeMap<(Kind, Id), Row> =
        today.into_iter().map(|row| ((row.kind, row.id), row)).collect();
    let later = sqlx::query(
        "SELECT kind, id, natural_key, former_key, body_before, body_after, marks \
         FROM changes WHERE revision > $1 ORDER BY revision DESC, place DESC",
    )
    .bind(stored(number)?)
    .fetch_all(&mut *connection)
    .await?;
    for row in &later {
        let Change { kind, id, key, was, before, .. } = change(row)?;
        match before {
            None => drop(objects.remove(&(kind, id))),
            Some(body) => {
                let key = was.unwrap_or(key);
                objects.insert((kind, id), Row { kind, id, key, body });
            }
        }
    }
    Ok(objects.into_values().collect())
}
