//! Call history, read back: filtered, newest first until the limit, then given oldest first.

use model::record::{CallRecord, CallResult, Direction};
use model::{CallId, Wall};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row as _, Sqlite};

use crate::error::ReadError;

/// Records given at most; who wants more asks for times.
pub const MAX_HISTORY: u32 = 100_000;

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct HistoryQuery {
    /// Started at this time or later.
    pub since: Option<Wall>,
    /// Started before this time.
    pub until: Option<Wall>,
    /// Caller or callee.
    pub number: Option<String>,
    /// How it ended.
    pub result: Option<CallResult>,
    /// The newest so many, at most [`MAX_HISTORY`].
    pub limit: Option<u32>,
}

const COLUMNS: &str =
    "id, caller, callee, direction, started, answered, ended, duration_s, result, reason, route";

pub(crate) async fn history(pool: &SqlitePool, wanted: &HistoryQuery) -> Result<Vec<CallRecord>, ReadError> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(format!("SELECT {COLUMNS} FROM call_records"));
    let mut joint = " WHERE ";
    let mut condition = |query: &mut QueryBuilder<Sqlite>, text: &str| {
        query.push(joint).push(text);
        joint = " AND ";
    };
    if let Some(since) = wanted.since {
        condition(&mut query, "started >= ");
        query.push_bind(since.as_millis());
    }
    if let Some(until) = wanted.until {
        condition(&mut query, "started < ");
        query.push_bind(until.as_millis());
    }
    if let Some(number) = &wanted.number {
        condition(&mut query, "(caller = ");
        query.push_bind(number.clone()).push(" OR callee = ").push_bind(number.clone()).push(")");
    }
    if let Some(result) = wanted.result {
        condition(&mut query, "result = ");
        query.push_bind(result.text());
    }
    let limit = wanted.limit.unwrap_or(MAX_HISTORY).min(MAX_HISTORY);
    query.push(" ORDER BY started DESC, id DESC LIMIT ").push_bind(i64::from(limit));
    let rows = query.build().persistent(false).fetch_all(pool).await?;
    rows.iter().rev().map(record).collect()
}

fn record(row: &SqliteRow) -> Result<CallRecord, ReadError> {
    let id: String = row.try_get(0)?;
    let direction: String = row.try_get(3)?;
    let result: Option<String> = row.try_get(8)?;
    let unreadable = |what: &str| ReadError::Unreadable(format!("{what} of call {id}"));
    Ok(CallRecord {
        id: CallId(id.parse().map_err(|_| unreadable("the id"))?),
        from: row.try_get(1)?,
        to: row.try_get(2)?,
        direction: named(&DIRECTIONS, &direction).ok_or_else(|| unreadable("the direction"))?,
        started: Wall::from_millis(row.try_get(4)?),
        answered: row.try_get::<Option<i64>, _>(5)?.map(Wall::from_millis),
        ended: row.try_get::<Option<i64>, _>(6)?.map(Wall::from_millis),
        duration_s: row.try_get(7)?,
        result: match result {
            Some(name) => Some(CallResult::parse(&name).ok_or_else(|| unreadable("the result"))?),
            None => None,
        },
        reason: row.try_get(9)?,
        route: row.try_get(10)?,
    })
}

const DIRECTIONS: [(Direction, &str); 3] =
    [(Direction::Internal, "internal"), (Direction::Incoming, "incoming"), (Direction::Outgoing, "outgoing")];

fn named<T: Copy>(table: &[(T, &str)], name: &str) -> Option<T> {
    table.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
}

fn name_of<T: Copy + PartialEq>(table: &[(T, &'static str)], value: T) -> &'static str {
    table.iter().find(|(known, _)| *known == value).map_or("", |(_, name)| name)
}

pub(crate) fn direction_name(direction: Direction) -> &'static str {
    name_of(&DIRECTIONS, direction)
}
