//! The resources: a path and a method each, and how their parameters are read.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{
    ConnectInfo, DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request, State,
};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{delete, get, post, put};
use bytes::Bytes;
use model::lock::MAX_CAUSE;
use model::{CallId, Wall};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::body::Applied;
use crate::console::{Console, front, me, session, setup, tokens};
use crate::letters::{self, Letters};
use crate::objects::{self, Registry, Seat};
use crate::office::{ApplyOptions, BlockWish, Office};
use crate::problem::Told;
use crate::registrations;
use crate::views::{self, Views};
use crate::{Author, Caller, MAX_BODY, Problem, size};

/// How long a request may take: applying 10,000 extensions takes seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

type Shared<O> = State<Arc<O>>;
pub(crate) type Peer = ConnectInfo<Author>;

/// All resources over `office`.
pub(crate) fn router<O: Office + Registry + Views + Letters, C: Console>(
    office: Arc<O>,
    console: Arc<C>,
) -> Router {
    let v1 = Router::new()
        .route("/openapi.json", get(crate::openapi::show))
        .route("/status", get(status::<O>))
        .route("/registrations", get(registrations::list::<O>))
        .route("/calls", get(calls::<O>))
        .route("/calls/{id}", delete(hangup::<O>))
        .route("/blocks", get(blocks::<O>))
        .route("/blocks/{address}", put(block::<O>).delete(unblock::<O>))
        .route("/lock", put(lock::<O>).delete(unlock::<O>))
        .route("/revisions", get(revisions::<O>))
        .route("/revisions/{number}", get(revision::<O>))
        .route("/revisions/{number}/rollback", post(rollback::<O>))
        .route("/configuration", get(export::<O>).put(apply::<O>))
        .route("/extensions/{number}/password", post(new_password::<O>).get(objects::reveal::<O>))
        .route("/destinations/{name}", get(destination::<O>))
        .route("/ports", get(ports::<O>))
        .route("/attacks", get(attacks::<O>))
        .route("/events", get(events::<O>))
        .route("/check", get(check::<O>))
        .route("/certificates", get(certificates::<O>))
        .route("/certificates/authority.der", get(authority::<O>))
        .route("/logs/{name}", get(crate::logs::log::<O>))
        .merge(objects::resources::<O>())
        .merge(views::resources::<O>())
        .merge(crate::drill::resources::<O>())
        .merge(letters::resources::<O>())
        .with_state(office)
        .merge(doors(console.clone()))
        .layer(middleware::from_fn(size::within::<MAX_BODY>))
        .layer(middleware::from_fn(in_time))
        .route_layer(middleware::from_fn_with_state(console, front::permit::<C>))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    Router::new()
        .nest("/api/v1", v1)
        .fallback(|| async { Problem::not_found("there is no such resource; see the command line's help") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "the resource does not know this method")
        })
}

/// Signing in, sessions, tokens, the audit trail and the first set-up.
fn doors<C: Console>(console: Arc<C>) -> Router {
    Router::new()
        .route("/session", get(session::show::<C>).post(session::sign_in::<C>).delete(session::sign_out::<C>))
        .route("/session/second-factor", post(session::second_factor::<C>))
        .route("/sessions", get(session::list::<C>))
        .route("/sessions/{id}", delete(session::end::<C>))
        .route("/me/password", put(me::set_password::<C>))
        .route("/me/second-factor", post(me::propose::<C>).put(me::confirm::<C>).delete(me::remove::<C>))
        .route("/setup", post(setup::set_up::<C>))
        .route("/setup/code", post(setup::code::<C>))
        .route("/tokens", get(tokens::list::<C>).post(tokens::make::<C>))
        .route("/tokens/{id}", delete(tokens::end::<C>))
        .route("/audit", get(tokens::audit::<C>))
        .route("/administrators/reset-password", post(tokens::reset_password::<C>))
        .with_state(console)
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "the server did not answer in time; look at its logs",
        )
        .into_response(),
    }
}

/// Parameters of the path, or a problem.
pub(crate) struct Place<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> Result<Place<T>, Problem> {
        let found: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        found.map(|Path(value)| Place(value)).map_err(|why| Problem::bad_request(why.body_text()))
    }
}

/// Parameters behind the question mark, or a problem.
pub(crate) struct Wish<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Wish<T> {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> Result<Wish<T>, Problem> {
        let found: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        found.map(|Query(value)| Wish(value)).map_err(|why| Problem::bad_request(why.body_text()))
    }
}

/// A body of text, or a problem.
pub(crate) struct Text(pub(crate) String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Text, Problem> {
        let bytes: Result<Bytes, BytesRejection> = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|why| match why.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "the body is too large; send it in parts (a configuration with --merge)",
            ),
            _ => Problem::bad_request(why.body_text()),
        })?;
        match String::from_utf8(bytes.into()) {
            Ok(text) => Ok(Text(text)),
            Err(_) => Err(Problem::bad_request("the file is not UTF-8 text; save it as UTF-8")),
        }
    }
}

async fn status<O: Office>(State(office): Shared<O>) -> Result<impl IntoResponse, Problem> {
    office.status().await.map(Json)
}

async fn calls<O: Office>(State(office): Shared<O>) -> Result<impl IntoResponse, Problem> {
    office.calls().await.map(Json)
}

async fn hangup<O: Office>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Place(id): Place<String>,
) -> Result<impl IntoResponse, Problem> {
    let id = id
        .parse()
        .map_err(|why| Problem::bad_request(format!("{id:?} is {why}; `ringwall calls` shows them")))?;
    office.hangup(author, CallId(id)).await.map(|()| StatusCode::NO_CONTENT)
}

async fn blocks<O: Office>(State(office): Shared<O>) -> Result<impl IntoResponse, Problem> {
    office.blocks().await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockParameters {
    for_s: Option<f64>,
    #[serde(default)]
    why: String,
    #[serde(default)]
    yes: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnblockParameters {
    #[serde(default)]
    yes: bool,
}

async fn block<O: Office>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Place(address): Place<String>,
    Wish(wish): Wish<BlockParameters>,
) -> Result<impl IntoResponse, Problem> {
    let BlockParameters { for_s, why, yes } = wish;
    let period = for_s.map(Duration::try_from_secs_f64).transpose();
    let period = period.map_err(|why| Problem::bad_request(format!("for_s: {why}; write seconds")))?;
    office.block(author, address, BlockWish { period, why, yes }).await.map(Json)
}

async fn unblock<O: Office>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Place(address): Place<String>,
    Wish(wish): Wish<UnblockParameters>,
) -> Result<impl IntoResponse, Problem> {
    office.unblock(author, address, wish.yes).await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockWish {
    #[serde(default)]
    why: String,
}

async fn lock<O: Office>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Wish(wish): Wish<LockWish>,
) -> Result<impl IntoResponse, Problem> {
    if wish.why.len() > MAX_CAUSE || wish.why.chars().any(char::is_control) {
        return Err(Problem::bad_request(format!("why: write one line of up to {MAX_CAUSE} bytes")));
    }
    office.lock(author, wish.why).await.map(Json)
}

async fn unlock<O: Office>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
) -> Result<impl IntoResponse, Problem> {
    office.unlock(author).await.map(|()| StatusCode::NO_CONTENT)
}

async fn revisions<O: Office>(State(office): Shared<O>) -> Result<impl IntoResponse, Problem> {
    office.revisions().await.map(Json)
}

async fn revision<O: Office>(
    State(office): Shared<O>,
    Place(number): Place<u64>,
) -> Result<impl IntoResponse, Problem> {
    office.revision(number).await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplyWish {
    #[serde(default)]
    merge: bool,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    yes: bool,
    if_revision: Option<u64>,
    #[serde(default)]
    file: String,
}

impl From<ApplyWish> for ApplyOptions {
    fn from(wish: ApplyWish) -> ApplyOptions {
        let ApplyWish { merge, dry_run, yes, if_revision, file } = wish;
        let file = if file.is_empty() { "configuration".to_owned() } else { file };
        ApplyOptions { merge, dry_run, yes, if_revision, file, seat: None }
    }
}

async fn rollback<O: Office>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Seat(seat): Seat,
    Place(number): Place<u64>,
    Wish(wish): Wish<ApplyWish>,
) -> Result<Response, Problem> {
    office.rollback(author, number, ApplyOptions { seat, ..wish.into() }).await.map(applied)
}

fn applied(applied: Applied) -> Response {
    let what = if applied.changed { "revision" } else { "nothing to change, revision" };
    let told = Told(format!("{what} {}", applied.revision));
    let mut response = Json(applied).into_response();
    response.extensions_mut().insert(told);
    response
}

async fn apply<O: Office>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Seat(seat): Seat,
    Wish(wish): Wish<ApplyWish>,
    Text(text): Text,
) -> Result<Response, Problem> {
    office.apply(author, text, ApplyOptions { seat, ..wish.into() }).await.map(applied)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportWish {
    #[serde(default)]
    secrets: bool,
}

async fn export<O: Office>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Wish(wish): Wish<ExportWish>,
) -> Result<impl IntoResponse, Problem> {
    let text = office.export(author, wish.secrets).await?;
    Ok(([(header::CONTENT_TYPE, "application/toml")], text))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordWish {
    line: Option<String>,
    #[serde(default)]
    show: bool,
}

async fn new_password<O: Office>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Place(number): Place<String>,
    Wish(wish): Wish<PasswordWish>,
) -> Result<impl IntoResponse, Problem> {
    office.new_password(author, number, wish.line, wish.show).await.map(Json)
}

async fn certificates<O: Office>(State(office): Shared<O>) -> Result<impl IntoResponse, Problem> {
    office.certificates().await.map(Json)
}

async fn authority<O: Office>(State(office): Shared<O>) -> Result<impl IntoResponse, Problem> {
    // RFC 2585 section 4.
    office.authority().await.map(|der| ([(header::CONTENT_TYPE, "application/pkix-cert")], der))
}

async fn destination<O: Office>(
    State(office): Shared<O>,
    Place(name): Place<String>,
) -> Result<impl IntoResponse, Problem> {
    office.destination(name).await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttackWish {
    since: Option<Wall>,
}

async fn attacks<O: Office>(
    State(office): Shared<O>,
    Wish(wish): Wish<AttackWish>,
) -> Result<impl IntoResponse, Problem> {
    office.attacks(wish.since.unwrap_or(Wall::from_millis(0))).await.map(Json)
}

async fn events<O: Office>(State(office): Shared<O>, caller: Caller) -> Result<Response, Problem> {
    let (notes, receiver) = tokio::sync::mpsc::channel(crate::live::WAITING);
    office.events(&caller, notes).await?;
    Ok(crate::live::stream(receiver))
}

async fn check<O: Office>(State(office): Shared<O>) -> Result<impl IntoResponse, Problem> {
    office.check().await.map(Json)
}

async fn ports<O: Office>(State(office): Shared<O>) -> Result<impl IntoResponse, Problem> {
    office.ports().await.map(Json)
}
