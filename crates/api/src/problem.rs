//! Errors as every resource shows them: problem details (RFC 9457), with one sentence that says what, where, and what to do.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, ToSchema)]
#[error("{detail}")]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What, where, and what to do; a line for each thing that is wrong.
    pub detail: String,
    /// The kind of problem in one stable word.
    pub code: String,
    /// What is wrong with a configuration: objects with `line`, `column`, `key`, `what` and `cure`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<serde_json::Value>,
}

impl Problem {
    /// A problem of a kind.
    pub fn new(status: StatusCode, code: &str, detail: impl ToString) -> Problem {
        Problem {
            kind: format!("urn:ringwall:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.to_string(),
            code: code.to_owned(),
            problems: Vec::new(),
        }
    }

    /// The request makes no sense.
    pub fn bad_request(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// What is named does not exist.
    pub fn not_found(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// A rule forbids it.
    pub fn refused(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", detail)
    }

    /// Somebody else was faster.
    pub fn conflict(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::CONFLICT, "stale", detail)
    }

    /// A new thing has the name of one that is there.
    pub fn exists(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::CONFLICT, "exists", detail)
    }

    /// The server could not do it, as on a full disk.
    pub fn failed(detail: impl ToString) -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", detail)
    }

    /// Nobody is signed in.
    pub fn signed_out() -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "signed-out", "sign in first, or again: the session is over")
    }

    /// Who asks may not.
    pub fn not_allowed(needed: crate::Permission) -> Problem {
        let detail = format!("this needs the permission {needed}; ask an administrator who has it");
        Problem::new(StatusCode::FORBIDDEN, "not-allowed", detail)
    }

    /// Too many of these at once: what, and what to do.
    pub fn slow_down(detail: &str) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "slow-down", detail)
    }

    /// The password, code or token is wrong, or the account is none that may come in here.
    pub fn wrong_credentials(detail: &str) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "wrong-credentials", detail)
    }

    /// A field of a form is refused.
    pub fn field(key: &str, what: &str, cure: &str) -> Problem {
        let problem = serde_json::json!({ "key": key, "what": what, "cure": cure });
        Problem { problems: vec![problem], ..Problem::refused(format!("{key}: {what}; {cure}")) }
    }

    /// The server is stopping.
    pub fn stopping() -> Problem {
        let detail = "the server is stopping; try again when it is back";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail)
    }
}

/// What became of something, for the audit trail: put into an answer's extensions. Never holds a value that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told(pub(crate) String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A problem is plain text and numbers, which always serialise.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        // For the audit trail.
        response.extensions_mut().insert(self);
        response
    }
}
