//! What each resource needs: the one table below all doors. A resource that is not in it answers nobody, whatever its
//! handler says, so a new one can't be left open by oversight.

use axum::http::Method;

use crate::Permission::{Administer, Audit, Configure, Operate, Reveal, View};
use crate::caller::Access::{self, Machine, Needs, Open, Person};

/// A row: method, path below `/api/v1`, and what it needs.
pub type Row = (&'static str, &'static str, Access);

/// Every resource.
pub const TABLE: &[Row] = &[
    ("GET", "/session", Open),
    ("POST", "/session", Open),
    ("POST", "/session/second-factor", Open),
    ("DELETE", "/session", Open),
    ("POST", "/setup/code", Open),
    ("POST", "/setup", Open),
    ("GET", "/sessions", Person),
    ("DELETE", "/sessions/{id}", Person),
    ("PUT", "/me/password", Person),
    ("POST", "/me/second-factor", Person),
    ("PUT", "/me/second-factor", Person),
    ("DELETE", "/me/second-factor", Person),
    ("GET", "/tokens", Needs(Audit)),
    ("POST", "/tokens", Needs(Administer)),
    ("DELETE", "/tokens/{id}", Needs(Administer)),
    ("GET", "/audit", Needs(Audit)),
    ("POST", "/administrators/reset-password", Needs(Administer)),
    ("GET", "/openapi.json", Needs(View)),
    ("GET", "/status", Needs(View)),
    ("GET", "/registrations", Needs(View)),
    ("GET", "/calls", Needs(View)),
    ("DELETE", "/calls/{id}", Needs(Operate)),
    ("GET", "/blocks", Needs(View)),
    ("PUT", "/blocks/{address}", Needs(Operate)),
    ("DELETE", "/blocks/{address}", Needs(Operate)),
    ("GET", "/lock", Needs(View)),
    ("PUT", "/lock", Needs(Operate)),
    ("DELETE", "/lock", Needs(Operate)),
    ("GET", "/history", Needs(View)),
    ("GET", "/history.csv", Needs(View)),
    ("GET", "/history/{id}", Needs(View)),
    ("GET", "/revisions", Needs(View)),
    ("GET", "/revisions/{number}", Needs(View)),
    // An older office may have other administrators.
    ("POST", "/revisions/{number}/rollback", Needs(Administer)),
    ("GET", "/configuration", Needs(View)),
    // A file may make administrators.
    ("PUT", "/configuration", Needs(Administer)),
    ("GET", "/extensions", Needs(View)),
    ("POST", "/extensions", Needs(Configure)),
    ("POST", "/extensions.csv", Needs(Configure)),
    ("GET", "/extensions/{number}", Needs(View)),
    ("PUT", "/extensions/{number}", Needs(Configure)),
    ("DELETE", "/extensions/{number}", Needs(Configure)),
    ("POST", "/extensions/{number}/password", Needs(Operate)),
    ("GET", "/extensions/{number}/password", Needs(Reveal)),
    ("GET", "/users", Needs(View)),
    ("POST", "/users", Needs(Administer)),
    ("GET", "/users/{login}", Needs(View)),
    ("PUT", "/users/{login}", Needs(Administer)),
    ("DELETE", "/users/{login}", Needs(Administer)),
    ("PUT", "/users/{login}/password", Needs(Administer)),
    ("GET", "/address-groups", Needs(View)),
    ("POST", "/address-groups", Needs(Configure)),
    ("GET", "/address-groups/{name}", Needs(View)),
    ("PUT", "/address-groups/{name}", Needs(Configure)),
    ("DELETE", "/address-groups/{name}", Needs(Configure)),
    ("GET", "/settings", Needs(View)),
    ("GET", "/settings/{section}", Needs(View)),
    ("PUT", "/settings/{section}", Needs(Configure)),
    ("GET", "/firewall", Needs(View)),
    ("POST", "/firewall/confirm", Needs(Configure)),
    ("POST", "/firewall/revert", Needs(Configure)),
    ("GET", "/dial-plan", Needs(View)),
    ("GET", "/attacks", Needs(View)),
    ("POST", "/attacks/{extension}/mail", Needs(Operate)),
    ("GET", "/events", Needs(View)),
    ("GET", "/destinations/{name}", Needs(View)),
    ("GET", "/ports", Needs(View)),
    ("GET", "/check", Needs(View)),
    // Who attacks sits beside the server: over the network it would be a way to make accounts without a revision.
    ("POST", "/drill", Machine),
    ("DELETE", "/drill", Machine),
    ("GET", "/certificates", Needs(View)),
    ("POST", "/certificates", Needs(Configure)),
    ("GET", "/certificates/authority.der", Needs(View)),
    ("GET", "/logs/{name}", Needs(View)),
    ("POST", "/mail/test", Needs(Operate)),
];

/// What a resource needs, in a word: `open`, `person`, `machine`, or the permission's name.
pub(crate) fn word(method: &str, path: &str) -> Option<&'static str> {
    let (_, _, access) = TABLE.iter().find(|(known, row, _)| *known == method && *row == path)?;
    Some(match access {
        Open => "open",
        Person => "person",
        Machine => "machine",
        Needs(permission) => permission.name(),
    })
}

/// What a request needs; `None`: there is no such row.
pub(crate) fn needed(method: &Method, path: &str, query: Option<&str>) -> Option<Access> {
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let (_, _, access) = TABLE.iter().find(|(known, row, _)| *known == method && *row == path)?;
    // An export with its secrets is more than an export. A name may be written in many ways (%73ecrets), so whatever is
    // not plainly without them counts as with them.
    let secrets = query.is_some_and(|query| !matches!(query, "" | "secrets=false"));
    Some(if path == "/configuration" && method == "GET" && secrets { Needs(Reveal) } else { *access })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_resource_has_one_row_and_what_is_not_in_the_table_answers_nobody() {
        let rows: BTreeSet<_> = TABLE.iter().map(|(method, path, _)| (method, path)).collect();
        assert_eq!(rows.len(), TABLE.len());
        assert_eq!(needed(&Method::GET, "/status", None), Some(Needs(View)));
        assert_eq!(needed(&Method::PATCH, "/status", None), None);
        assert_eq!(needed(&Method::GET, "/forgotten", None), None);
    }

    #[test]
    fn an_export_with_secrets_needs_more_however_it_is_asked() {
        let needs = |query| needed(&Method::GET, "/configuration", query);
        assert_eq!(needs(Some("secrets=false")), Some(Needs(View)));
        for asked in
            ["%73ecrets=true", "secrets=true", "a=1&secrets=true", "secrets", "secrets=true&secrets=false"]
        {
            assert_eq!(needs(Some(asked)), Some(Needs(Reveal)), "{asked}");
        }
    }
}
