//! Call history, read back: filtered, from one end until the limit; every page begins where the index says.

use model::history::{HistoryOrder, HistoryQuery};
use model::record::{CallRecord, CallResult, Direction};
use model::{CallId, Wall};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row as _, Sqlite};

use crate::error::ReadError;

/// Records given at most; who wants more asks for times.
const MAX_HISTORY: usize = 100_000;

/// The comparison with the record before, and the direction of sorting.
fn words(order: HistoryOrder) -> (&'static str, &'static str) {
    match order {
        HistoryOrder::Latest | HistoryOrder::Newest => ("<", " ORDER BY started DESC, id DESC LIMIT "),
        HistoryOrder::Oldest => (">", " ORDER BY started, id LIMIT "),
    }
}

const COLUMNS: &str =
    "id, caller, callee, direction, started, answered, ended, duration_s, result, reason, route";

pub(crate) async fn history(pool: &SqlitePool, wanted: &HistoryQuery) -> Result<Vec<CallRecord>, ReadError> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("");
    match &wanted.number {
        None => select(&mut query, COLUMNS, wanted, None),
        Some(number) => {
            // Each half comes from an index in order; one condition with OR would sort all calls of a busy number.
            query.push(format!("SELECT {COLUMNS} FROM call_records WHERE id IN (SELECT id FROM ("));
            select(&mut query, "id", wanted, Some(("caller = ", number)));
            query.push(") AS placed UNION SELECT id FROM (");
            select(&mut query, "id", wanted, Some(("callee = ", number)));
            query.push(") AS taken)");
            query.push(words(wanted.order).1).push_bind(limit(wanted));
        }
    }
    let rows = query.build().persistent(false).fetch_all(pool).await?;
    match wanted.order {
        HistoryOrder::Latest => rows.iter().rev().map(record).collect(),
        HistoryOrder::Newest | HistoryOrder::Oldest => rows.iter().map(record).collect(),
    }
}

/// One record, with how its media was.
pub(crate) async fn one(pool: &SqlitePool, id: CallId) -> Result<Option<CallRecord>, ReadError> {
    let query = format!("SELECT {COLUMNS}, quality FROM call_records WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(id.to_string()).fetch_optional(pool).await?;
    let Some(row) = row else { return Ok(None) };
    let quality: Option<String> = row.try_get("quality")?;
    let unreadable = |_| ReadError::Unreadable(format!("the quality of call {id}"));
    let quality = quality.map(|text| serde_json::from_str(&text)).transpose().map_err(unreadable)?;
    Ok(Some(CallRecord { quality, ..record(&row)? }))
}

fn limit(wanted: &HistoryQuery) -> i64 {
    i64::try_from(wanted.limit.unwrap_or(MAX_HISTORY).min(MAX_HISTORY)).unwrap_or(i64::MAX)
}

/// `columns` of the first records that fit, and of whom `party` says.
fn select(
    query: &mut QueryBuilder<Sqlite>,
    columns: &str,
    wanted: &HistoryQuery,
    party: Option<(&str, &String)>,
) {
    let (beyond, order) = words(wanted.order);
    query.push(format!("SELECT {columns} FROM call_records"));
    let mut joint = " WHERE ";
    let mut condition = |query: &mut QueryBuilder<Sqlite>, text: &str| {
        query.push(joint).push(text);
        joint = " AND ";
    };
    if let Some((column, number)) = party {
        condition(query, column);
        query.push_bind(number.clone());
    }
    if let Some(since) = wanted.since {
        condition(query, "started >= ");
        query.push_bind(since.as_millis());
    }
    if let Some(until) = wanted.until {
        condition(query, "started < ");
        query.push_bind(until.as_millis());
    }
    if let Some(result) = wanted.result {
        condition(query, "result = ");
        query.push_bind(result.text());
    }
    if let Some(direction) = wanted.direction {
        // Beside a result its index is the better one: the rarer kind of record comes first.
        let column = if wanted.result.is_some() { "(direction || '') = " } else { "direction = " };
        condition(query, column);
        query.push_bind(direction_name(direction));
    }
    if let Some((started, id)) = wanted.after {
        condition(query, &format!("(started, id) {beyond} ("));
        query.push_bind(started.as_millis()).push(", ").push_bind(id.to_string()).push(")");
    }
    if let Some(search) = &wanted.search {
        // One comparison for all; no text holds a line's end.
        condition(query, "lower(caller || '\n' || callee || '\n' || reason || '\n' || route) LIKE ");
        query.push_bind(containing(search)).push(" ESCAPE '!'");
    }
    query.push(order).push_bind(limit(wanted));
}

/// The pattern of `LIKE` for texts that hold this one.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
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
        // Lists don't show it.
        quality: None,
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
