//! The rows of signing in, sessions, tokens, the audit trail and the first set-up.

use utoipa::openapi::HttpMethod::{Delete, Get, Post, Put};

use super::operation::{Operation, object, text, texts, whole};
use crate::console::setup::{Phones, Proposed};
use crate::console::{AuditRow, NewFactor, NewToken, SessionRow, SessionView, SetUpWish, Token, TokenWish};

const JSON: &str = "application/json";
/// What the control socket answers, where nobody signs in.
const BROWSERS: &[u16] = &[404];

/// Each of them.
pub(super) fn rows() -> Vec<Operation> {
    let mut rows: Vec<Operation> = session().into_iter().map(|row| row.may(BROWSERS)).collect();
    rows.extend(own());
    rows.extend(tokens());
    rows
}

fn session() -> Vec<Operation> {
    vec![
        Operation::new(Get, "/session", "Who one is.").gives::<SessionView>(200),
        Operation::new(Post, "/session", "Signs in.")
            .takes_as(JSON, texts(&["login", "password"]))
            .gives::<SessionView>(200),
        Operation::new(
            Post,
            "/session/second-factor",
            "The second step, with a code of the app or of recovery.",
        )
        .takes_as(JSON, texts(&["code"]))
        .gives::<SessionView>(200),
        Operation::new(Delete, "/session", "Signs out.").may(&[500]).done(),
        Operation::new(Get, "/sessions", "One's own sessions; all of them with audit.").lists::<SessionRow>(),
        Operation::new(Delete, "/sessions/{id}", "Ends one's own; anybody's with administer.")
            .may(&[500])
            .done(),
        Operation::new(Post, "/setup/code", "The code of the first set-up, from DIR/setup-code.")
            .takes_as(JSON, texts(&["code"]))
            .may(&[409])
            .gives::<Proposed>(200),
        Operation::new(Post, "/setup", "Sets the office up, all or nothing.")
            .takes::<SetUpWish>()
            .may(&[409])
            .gives::<Phones>(201),
    ]
}

fn own() -> Vec<Operation> {
    let password = || texts(&["password"]);
    vec![
        Operation::new(Put, "/me/password", "Changes one's own password; other sessions end.")
            .takes_as(JSON, texts(&["current", "new"]))
            .may(&[409])
            .done(),
        Operation::new(Post, "/me/second-factor", "A secret for an app; in force once it was confirmed.")
            .takes_as(JSON, password())
            .may(&[409])
            .gives::<NewFactor>(200),
        Operation::new(Put, "/me/second-factor", "Confirms it with its first code; recovery codes, once.")
            .takes_as(JSON, texts(&["code"]))
            .may(&[409])
            .gives_as(200, &[(JSON, object())]),
        Operation::new(Delete, "/me/second-factor", "Asks for it no more.")
            .takes_as(JSON, password())
            .may(&[409])
            .done(),
    ]
}

fn tokens() -> Vec<Operation> {
    vec![
        Operation::new(Get, "/tokens", "The tokens of scripts.").lists::<Token>(),
        Operation::new(Post, "/tokens", "A new one; it is shown once.")
            .takes::<TokenWish>()
            .may(&[409])
            .gives::<NewToken>(201),
        Operation::new(Delete, "/tokens/{id}", "Ends it.").may(&[500]).done(),
        Operation::new(Get, "/audit", "What was done and refused, the newest first.")
            .query("limit", "Rows of a page.", whole(Some(1_000)))
            .query("after", "Older than this row.", whole(None))
            .query("author", "By this author alone.", text())
            .may(&[500])
            .lists::<AuditRow>(),
        Operation::new(Post, "/administrators/reset-password", "A new password for who lost his.")
            .takes_as(JSON, texts(&[]))
            .may(&[404, 409])
            .gives_as(200, &[(JSON, object())]),
    ]
}
