//! History and the dial plan as the console looks at them.

use api::Problem;
use api::views::body::{DialPlanKind, DialPlanRow, Firewall, FirewallRow};
use model::history::HistoryQuery;
use model::record::CallRecord;
use model::{CallId, Wall};

use super::desk::{Author, read_problem};
use super::firewall;
use super::now;
use super::objects::shown_pending;
use super::office::Reception;

/// A search looks at each record of its period, so it has one: a month, unless `since` says more.
const SEARCHED_MS: i64 = 31 * 86_400 * 1_000;

/// Key, words and recommendation of each service (SPEC R4.2).
const SERVICES: [(&str, &str, &str); 5] = [
    ("web", "Web server", "Let in every workstation from which somebody uses the console or the web phone."),
    ("sip", "SIP", "Let in the internal network and your providers only."),
    (
        "provisioning",
        "Phone provisioning",
        "Let in the internal network only: TFTP sends passwords in the clear.",
    ),
    ("crm", "CRM integration", "Let in the internal network only."),
    ("snmp", "SNMP monitoring", "Let in the internal network and the monitoring hosts only."),
];

/// The query with its period: text is searched for in each record of one, the last month if nothing else is said.
pub fn within_a_period(mut query: HistoryQuery) -> HistoryQuery {
    if query.search.is_some() && query.since.is_none() {
        let end = query.until.unwrap_or_else(now).as_millis();
        query.since = Some(Wall::from_millis(end.saturating_sub(SEARCHED_MS)));
    }
    query
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

    async fn firewall(&self) -> Result<Firewall, Problem> {
        let office = self.office();
        let row = |(key, service, recommendation): &(&str, &str, &str)| {
            let rows = office.firewall.rows();
            let group = rows.iter().find(|(known, _)| known == key).and_then(|(_, group)| *group);
            let text = match group {
                None => "Everybody who is not blocked reaches it.".to_owned(),
                Some(group) => {
                    let count = firewall::prefixes(&office, group, self.desk().hosts()).len();
                    let networks = if count == 1 { "1 network" } else { &format!("{count} networks") };
                    format!("Only addresses in {group} reach it ({networks}).")
                }
            };
            let group = group.map(str::to_owned);
            FirewallRow {
                service: (*service).to_owned(),
                key: (*key).to_owned(),
                group,
                recommendation: (*recommendation).to_owned(),
                text,
            }
        };
        let pending = self.desk().pending().map(shown_pending);
        Ok(Firewall { rows: SERVICES.iter().map(row).collect(), pending })
    }

    async fn confirm(&self, author: Author) -> Result<(), Problem> {
        self.desk().confirm(&author).await
    }

    async fn revert(&self, author: Author) -> Result<(), Problem> {
        self.desk().revert(author).await
    }
}
