//! Lists: registrations, calls, history.

use model::live::{Call, CallState, Registration};
use model::record::{CallRecord, CallResult};

use super::{say, say_json};
use crate::cli::{History, word};
use crate::client::{Client, Resource, read};
use crate::failure::Failure;
use crate::table::{Table, duration, or_dash};

/// Records shown where nobody says how many: what fits a few screens.
const SHOWN: usize = 100;

pub(super) async fn registrations(client: &Client<'_>, json: bool) -> Result<(), Failure> {
    let body = client.get(Resource::new(&["registrations"])).await?;
    if json {
        return say_json(&body);
    }
    let mut table =
        Table::new(&["extension", "line", "source", "via", "expires", "reachable", "agent", "contact"]);
    for row in read::<Vec<Registration>>(&body)? {
        let reachable = if row.reachable { "yes" } else { "not yet" };
        table.row([
            row.extension,
            row.line,
            row.source.to_string(),
            row.transport.to_string(),
            duration(row.expires_in_s),
            reachable.to_owned(),
            row.user_agent,
            row.contact,
        ]);
    }
    say(&table.text("no phone is registered"))
}

pub(super) async fn calls(client: &Client<'_>, json: bool) -> Result<(), Failure> {
    let body = client.get(Resource::new(&["calls"])).await?;
    if json {
        return say_json(&body);
    }
    let mut table = Table::new(&["id", "from", "to", "state", "started", "answered", "codecs", "loss %"]);
    for call in read::<Vec<Call>>(&body)? {
        let state = match call.state {
            CallState::Dialling => "dialling",
            CallState::Ringing => "ringing",
            CallState::Answered => "answered",
            CallState::Held => "held",
        };
        let loss =
            |percent: Option<f64>| percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1}"));
        table.row([
            call.id.to_string(),
            call.from,
            call.to,
            state.to_owned(),
            call.started.to_string(),
            or_dash(call.answered),
            format!("{} / {}", or_dash(call.caller.codec), or_dash(call.callee.codec)),
            format!("{} / {}", loss(call.caller.loss_percent), loss(call.callee.loss_percent)),
        ]);
    }
    say(&table.text("nobody calls"))
}

pub(super) async fn history(client: &Client<'_>, query: History) -> Result<(), Failure> {
    let limit = query.limit.unwrap_or(SHOWN);
    let all =
        query.since.is_none() && query.until.is_none() && query.number.is_none() && query.result.is_none();
    let resource = Resource::new(&["history"])
        .with_some("since", query.since)
        .with_some("until", query.until)
        .with_some("number", query.number)
        .with_some("result", query.result.map(word))
        .with("limit", limit);
    let body = client.get(resource).await?;
    if query.json {
        return say_json(&body);
    }
    let mut table = Table::new(&["started", "from", "to", "duration", "result", "reason", "route"]);
    for call in read::<Vec<CallRecord>>(&body)? {
        table.row([
            call.started.to_string(),
            call.from,
            call.to,
            duration(call.duration_s),
            call.result.map_or("running", CallResult::text).to_owned(),
            call.reason,
            call.route,
        ]);
    }
    say(&table.text(if all { "no calls yet" } else { "no call matches" }))
}
