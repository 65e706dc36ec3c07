//! `session`: who one is, signing in and out; `sessions`: all of them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;

use super::{Console, Hidden, Known, NewSession, SessionView, Stage, UserView, cookie};
use crate::routes::Place;
use crate::{Caller, Problem, Visitor, size};

pub(crate) type Shared<C> = State<Arc<C>>;

/// Longest body of signing in and of one's own settings.
const MAX_SMALL: usize = 16 << 10;
/// From a head to the end of such a body.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A small JSON body, or a problem that repeats nothing of it.
pub(crate) struct Given<T>(pub T);

impl<T: serde::de::DeserializeOwned, S: Send + Sync> axum::extract::FromRequest<S> for Given<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Given<T>, Problem> {
        size::look(request.headers(), MAX_SMALL)?;
        let whole = axum::body::to_bytes(request.into_body(), MAX_SMALL);
        let whole = tokio::time::timeout(BODY_WITHIN, whole).await.map_err(|_| {
            Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "timeout",
                "the body did not come in time; send it again",
            )
        })?;
        let bytes = whole.map_err(|_| {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                format!("the body is not whole, or has more than {MAX_SMALL} bytes"),
            )
        })?;
        serde_json::from_slice(&bytes).map(Given).map_err(|error| {
            // The library's words quote values, which may be a password.
            let kind = match error.classify() {
                serde_json::error::Category::Data => "a field is missing, unknown or of the wrong type",
                _ => "this is not JSON",
            };
            let place = format!("line {}, column {}", error.line(), error.column());
            Problem::bad_request(format!("{kind} at {place}; see the description of the API"))
        })
    }
}

/// The author of what was just done, where nobody was signed in before: for the audit trail.
#[derive(Clone)]
pub(crate) struct DoneBy(pub String);

fn view<C: Console>(console: &C, known: Option<&Known>) -> SessionView {
    let state = match known.map(|known| known.stage) {
        _ if console.is_new() => "setup",
        None | Some(Stage::Setup) => "signed-out",
        Some(Stage::SecondFactor) => "second-factor",
        Some(Stage::SignedIn) => "signed-in",
    };
    let mut view = SessionView {
        state: state.to_owned(),
        office: console.office_name(),
        user: None,
        idle_s: None,
        ends: None,
    };
    match known.filter(|_| state == "signed-in") {
        None => view.office.time_zone = None,
        Some(known) => {
            view.user = Some(UserView {
                login: known.login.clone(),
                name: known.name.clone(),
                role: known.role.clone(),
                permissions: known.permissions.list(),
                second_factor: known.second_factor,
            });
            view.idle_s = Some(known.idle_s);
            view.ends = Some(known.ends);
        }
    }
    view
}

/// The answer to whoever is one step further: his new cookie.
pub(crate) fn opened(new: &NewSession, visitor: &Visitor, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    if let Some(value) = cookie::set(&new.key, visitor.port) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    if new.known.stage == Stage::SignedIn {
        response.extensions_mut().insert(DoneBy(new.known.login.clone()));
    }
    response
}

pub(crate) async fn show<C: Console>(State(console): Shared<C>, visitor: Visitor) -> Json<SessionView> {
    let known = visitor.key.as_ref().and_then(|key| console.known(key, &visitor));
    Json(view(&*console, known.as_ref()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    login: String,
    password: Hidden,
}

pub(crate) async fn sign_in<C: Console>(
    State(console): Shared<C>,
    visitor: Visitor,
    Given(SignIn { login, password }): Given<SignIn>,
) -> Result<Response, Problem> {
    let new = console.sign_in(&visitor, login, password.0).await?;
    let body = Json(view(&*console, Some(&new.known)));
    Ok(opened(&new, &visitor, body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    pub(crate) code: String,
}

pub(crate) async fn second_factor<C: Console>(
    State(console): Shared<C>,
    visitor: Visitor,
    Given(Code { code }): Given<Code>,
) -> Result<Response, Problem> {
    let new = console.second_factor(&visitor, code).await?;
    let body = Json(view(&*console, Some(&new.known)));
    Ok(opened(&new, &visitor, body))
}

pub(crate) async fn sign_out<C: Console>(
    State(console): Shared<C>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    console.sign_out(&visitor).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(value) = cookie::clear(visitor.port) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    // What a page kept in the browser goes too (W3C Clear Site Data).
    let cleared = HeaderValue::from_static("\"cache\"");
    response.headers_mut().insert("clear-site-data", cleared);
    Ok(response)
}

pub(crate) async fn list<C: Console>(State(console): Shared<C>, caller: Caller) -> Result<Response, Problem> {
    Ok(Json(console.sessions(&caller).await?).into_response())
}

pub(crate) async fn end<C: Console>(
    State(console): Shared<C>,
    caller: Caller,
    Place(id): Place<String>,
) -> Result<StatusCode, Problem> {
    console.end_session(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
