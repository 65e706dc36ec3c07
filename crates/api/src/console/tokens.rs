//! `tokens` of scripts, `audit`, and the way back in for an administrator who lost his password.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};

use super::session::{Given, Shared};
use super::{AuditQuery, Console, Token, TokenWish};
use crate::routes::{Place, Wish};
use crate::{Caller, Problem};

/// Rows of the audit trail where nobody says otherwise, and at most.
const USUAL_ROWS: u32 = 100;
const MOST_ROWS: u32 = 1_000;

pub(crate) async fn list<C: Console>(State(console): Shared<C>) -> Result<Json<Vec<Token>>, Problem> {
    console.tokens().await.map(Json)
}

pub(crate) async fn make<C: Console>(
    State(console): Shared<C>,
    caller: Caller,
    Given(wish): Given<TokenWish>,
) -> Result<Response, Problem> {
    let made = console.make_token(&caller, wish).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

pub(crate) async fn end<C: Console>(
    State(console): Shared<C>,
    caller: Caller,
    Place(id): Place<String>,
) -> Result<StatusCode, Problem> {
    console.end_token(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn audit<C: Console>(
    State(console): Shared<C>,
    Wish(mut query): Wish<AuditQuery>,
) -> Result<Response, Problem> {
    let limit = query.limit.unwrap_or(USUAL_ROWS).clamp(1, MOST_ROWS);
    query.limit = Some(limit);
    let author = query.author.clone();
    let rows = console.audit(query).await?;
    let last = rows.last().map(|row| row.id).filter(|_| rows.len() == usize::try_from(limit).unwrap_or(0));
    let mut response = Json(rows).into_response();
    if let Some(last) = last {
        let author = author.map(|author| format!("&author={}", escaped(&author))).unwrap_or_default();
        let link = format!("</api/v1/audit?limit={limit}&after={last}{author}>; rel=\"next\"");
        if let Ok(value) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(header::LINK, value);
        }
    }
    Ok(response)
}

/// Percent-encodes all but unreserved characters (RFC 3986 section 2.3).
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    login: Option<String>,
}

#[derive(Serialize)]
struct NewPassword {
    login: String,
    password: String,
}

pub(crate) async fn reset_password<C: Console>(
    State(console): Shared<C>,
    caller: Caller,
    Given(Reset { login }): Given<Reset>,
) -> Result<Response, Problem> {
    let (login, password) = console.reset_password(&caller, login).await?;
    Ok(Json(NewPassword { login, password: password.expose().to_owned() }).into_response())
}
