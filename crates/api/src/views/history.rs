//! Call history: the command line's array, pages for a table, one call. The array may be long, so it is given on the control
//! socket alone; over HTTPS all is in pages.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Json, Response};
use model::record::{CallResult, Direction};
use model::{CallId, Id, Wall};
use serde::{Deserialize, Serialize};

use super::Views;
use super::body::CallStory;
use super::story::story;
use crate::objects::{Cursor, link, word};
use crate::office::Office;
use crate::routes::{Place, Wish};
use crate::{By, Caller, Problem};
use model::history::{HistoryOrder, HistoryQuery};

/// Rows of a page that asks for no number.
const USUAL_PAGE: usize = 50;
/// Rows of a page at most.
pub(super) const MAX_PAGE: usize = 1_000;
/// Longest text searched for: no number or reason is longer.
const MAX_SEARCH: usize = 256;

/// The order of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PageOrder {
    Newest,
    Oldest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryWish {
    since: Option<Wall>,
    until: Option<Wall>,
    number: Option<String>,
    result: Option<CallResult>,
    direction: Option<Direction>,
    search: Option<String>,
    pub(super) order: Option<PageOrder>,
    pub(super) limit: Option<usize>,
    after: Option<String>,
}

impl HistoryWish {
    #[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
    pub(super) fn read(self) -> Result<HistoryQuery, Problem> {
        let HistoryWish { since, until, number, result, direction, search, order, limit, after } = self;
        let search = search.filter(|text| !text.is_empty());
        if search.as_ref().is_some_and(|text| text.len() > MAX_SEARCH) {
            return Err(Problem::bad_request(format!("search: write up to {MAX_SEARCH} bytes")));
        }
        let bad = || Problem::bad_request("after: take it from the Link header of the page before");
        let after = after.map(|text| place(&text).ok_or_else(bad)).transpose()?;
        let order = match order {
            // The contract of the command line.
            None if after.is_none() => HistoryOrder::Latest,
            None | Some(PageOrder::Newest) => HistoryOrder::Newest,
            Some(PageOrder::Oldest) => HistoryOrder::Oldest,
        };
        let number = number.filter(|number| !number.is_empty());
        Ok(HistoryQuery { since, until, number, result, direction, search, order, after, limit })
    }
}

fn place(text: &str) -> Option<(Wall, CallId)> {
    let Cursor { value, key } = Cursor::parse(text)?;
    let id: Id = key.parse().ok()?;
    Some((Wall::from_millis(value.parse().ok()?), CallId(id)))
}

pub(super) async fn history<O: Office>(
    State(office): State<Arc<O>>,
    caller: Caller,
    Wish(wish): Wish<HistoryWish>,
) -> Result<Response, Problem> {
    let mut query = wish.read()?;
    if query.order == HistoryOrder::Latest {
        if caller.by == By::Socket {
            return Ok(Json(office.history(query).await?).into_response());
        }
        query.order = HistoryOrder::Newest;
    }
    let limit = query.limit.unwrap_or(USUAL_PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(Problem::bad_request(format!("limit: write a number from 1 to {MAX_PAGE}")));
    }
    // One more tells whether there is another page.
    query.limit = Some(limit.saturating_add(1));
    let mut rows = office.history(query.clone()).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let mut headers = HeaderMap::new();
    if let Some(last) = rows.last().filter(|_| more) {
        let value = last.started.as_millis().to_string();
        let after = Cursor { value, key: last.id.to_string() };
        link(&mut headers, "/history", &parameters(&query, limit), &after.text());
    }
    Ok((headers, Json(rows)).into_response())
}

fn parameters(query: &HistoryQuery, limit: usize) -> [(&'static str, String); 8] {
    let time = |time: Option<Wall>| time.map(word).unwrap_or_default();
    let order = if query.order == HistoryOrder::Oldest { PageOrder::Oldest } else { PageOrder::Newest };
    [
        ("since", time(query.since)),
        ("until", time(query.until)),
        ("number", query.number.clone().unwrap_or_default()),
        ("result", query.result.map(word).unwrap_or_default()),
        ("direction", query.direction.map(word).unwrap_or_default()),
        ("search", query.search.clone().unwrap_or_default()),
        ("order", word(order)),
        ("limit", limit.to_string()),
    ]
}

pub(super) async fn call<O: Views>(
    State(office): State<Arc<O>>,
    Place(id): Place<String>,
) -> Result<impl IntoResponse, Problem> {
    let id = id.parse().map_err(|_| Problem::not_found("history has no such call"))?;
    let record = office.call(CallId(id)).await?;
    let story = story(&record);
    Ok(Json(CallStory { record, story }))
}
