//! History and the dial plan as the console looks at them.

use api::views::body::{DialPlanKind, DialPlanRow};
use api::{HistoryOrder, HistoryQuery, Problem};
use model::record::CallRecord;
use model::{CallId, Wall};

use super::desk::read_problem;
use super::now;
use super::office::Reception;

/// A search looks at each record of its period, so it has one: a month, unless `since` says more.
const SEARCHED_MS: i64 = 31 * 86_400 * 1_000;

/// The query as the store takes it.
pub fn stored(query: HistoryQuery) -> store::HistoryQuery {
    let HistoryQuery { since, until, number, result, direction, search, order, after, limit } = query;
    let month = || {
        let end = until.unwrap_or_else(now).as_millis();
        Wall::from_millis(end.saturating_sub(SEARCHED_MS))
    };
    let since = if search.is_some() { since.or_else(|| Some(month())) } else { since };
    let order = match order {
        HistoryOrder::Latest => store::HistoryOrder::Latest,
        HistoryOrder::Newest => store::HistoryOrder::Newest,
        HistoryOrder::Oldest => store::HistoryOrder::Oldest,
    };
    let limit = limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
    store::HistoryQuery { since, until, number, result, direction, search, order, after, limit }
}

impl api::Views for Reception {
    async fn call(&self, call: CallId) -> Result<CallRecord, Problem> {
        let found = self.store().record(call).await.map_err(read_problem)?;
        found.ok_or_else(|| Problem::not_found("history has no such call"))
    }

    async fn dial_plan(&self) -> Result<Vec<DialPlanRow>, Problem> {
        let office = self.office();
        let row = |(number, object): (&String, &model::config::Object<model::config::Extension>)| {
            let lines: Vec<&str> = object.value.lines.iter().map(|line| line.username.as_str()).collect();
            let own = office.personal_of(number);
            let target = match (&own.forwarding.always, lines.as_slice()) {
                (Some(to), _) => format!("forwarded to {to}"),
                (None, []) => "no phone".to_owned(),
                (None, lines) => format!("rings {}", lines.join(", ")),
            };
            let name = object.value.description.clone();
            DialPlanRow { number: number.clone(), kind: DialPlanKind::Extension, name, target }
        };
        let mut rows: Vec<DialPlanRow> = office.extensions.iter().map(row).collect();
        rows.sort_by(|a, b| (a.number.len(), &a.number).cmp(&(b.number.len(), &b.number)));
        Ok(rows)
    }
}
