//! Paths and methods of the objects.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post, put};
use model::Secret;
use model::config::{Kind, MAX_GROUPS, MAX_OBJECT, SETTINGS};
use serde::Deserialize;

use super::body::{CertificateWish, PasswordBody, Written};
use super::page::{self, ListWish, Page};
use super::{Asker, EditWish, ExtensionSort, IfMatch, Registry, TableWish, Tag};
use crate::problem::Told;
use crate::routes::{Peer, Place, Text, Wish};
use crate::{Problem, size};

/// Rows of a page that asks for no number.
const USUAL_PAGE: usize = 50;

type Shared<O> = State<Arc<O>>;

/// The resources of the objects.
pub(crate) fn resources<O: Registry>() -> Router<Arc<O>> {
    Router::new()
        .route("/extensions", get(extensions::<O>).post(new_extension::<O>))
        .route("/extensions.csv", post(import::<O>))
        .route("/certificates", post(upload::<O>))
        .route(
            "/extensions/{number}",
            get(extension::<O>).put(change_extension::<O>).delete(delete_extension::<O>),
        )
        .route("/users", get(users::<O>).post(new_user::<O>))
        .route("/users/{login}", get(user::<O>).put(change_user::<O>).delete(delete_user::<O>))
        .route("/users/{login}/password", put(set_password::<O>))
        .route("/address-groups", get(groups::<O>).post(new_group::<O>))
        .route("/address-groups/{name}", get(group::<O>).put(change_group::<O>).delete(delete_group::<O>))
        .route("/settings", get(settings::<O>))
        .route("/settings/{section}", get(section::<O>).put(change_section::<O>))
        .layer(middleware::from_fn(size::within::<MAX_OBJECT>))
        .layer(DefaultBodyLimit::max(MAX_OBJECT))
}

/// An object with its tag as a header too.
fn tagged(object: impl serde::Serialize, etag: &str) -> Response {
    let mut response = Json(object).into_response();
    tag(&mut response, etag);
    response
}

fn tag(response: &mut Response, etag: &str) {
    if let Ok(value) = HeaderValue::from_str(&Tag(etag.to_owned()).quoted()) {
        response.headers_mut().insert(header::ETAG, value);
    }
}

fn written(status: StatusCode, written: Written) -> Response {
    let told = told(&written);
    let etag = written.object.get("etag").and_then(|etag| etag.as_str()).map(str::to_owned);
    let mut response = (status, Json(written)).into_response();
    if let Some(etag) = etag {
        tag(&mut response, &etag);
    }
    response.extensions_mut().insert(told);
    response
}

/// Which object and which revision: a new object's path does not say.
fn told(written: &Written) -> Told {
    let key = ["number", "login"].iter().find_map(|key| written.object.get(key)?.as_str());
    let key = key.map(|key| format!("{key}, ")).unwrap_or_default();
    Told(format!("{key}revision {}", written.revision))
}

fn parameters<S: serde::Serialize>(query: &super::ListQuery<S>) -> [(&'static str, String); 4] {
    [
        ("search", query.search.clone()),
        ("sort", page::word(&query.sort)),
        ("order", page::word(query.order)),
        ("limit", query.limit.to_string()),
    ]
}

async fn extensions<O: Registry>(
    State(office): Shared<O>,
    Wish(wish): Wish<ListWish<ExtensionSort>>,
) -> Result<Response, Problem> {
    let query = wish.read(USUAL_PAGE)?;
    let parameters = parameters(&query);
    let page = office.extensions(query).await?;
    Ok(page::answer(&page, "/extensions", &parameters))
}

async fn extension<O: Registry>(
    State(office): Shared<O>,
    Place(number): Place<String>,
) -> Result<Response, Problem> {
    let found = office.extension(number).await?;
    Ok(tagged(&found, &found.etag))
}

async fn users<O: Registry>(
    State(office): Shared<O>,
    Wish(wish): Wish<ListWish<()>>,
) -> Result<Response, Problem> {
    let query = wish.read(USUAL_PAGE)?;
    let parameters = parameters(&query);
    let page = office.users(query).await?;
    Ok(page::answer(&page, "/users", &parameters))
}

async fn user<O: Registry>(
    State(office): Shared<O>,
    Place(login): Place<String>,
) -> Result<Response, Problem> {
    let found = office.user(login).await?;
    Ok(tagged(&found, &found.etag))
}

async fn groups<O: Registry>(
    State(office): Shared<O>,
    Wish(wish): Wish<ListWish<()>>,
) -> Result<Response, Problem> {
    // Forms choose from all of them.
    let query = wish.read(MAX_GROUPS)?;
    let parameters = parameters(&query);
    let page: Page<_> = office.address_groups(query).await?;
    Ok(page::answer(&page, "/address-groups", &parameters))
}

async fn group<O: Registry>(
    State(office): Shared<O>,
    Place(name): Place<String>,
) -> Result<Response, Problem> {
    let found = office.address_group(name).await?;
    Ok(tagged(&found, &found.etag))
}

/// The three ways to write an object of a kind.
macro_rules! writes {
    ($kind:expr, $create:ident, $replace:ident, $delete:ident) => {
        async fn $create<O: Registry>(
            State(office): Shared<O>,
            asker: Asker,
            Text(json): Text,
        ) -> Result<Response, Problem> {
            let made = office.edit(asker, $kind, EditWish::Create(json), IfMatch::Any).await?;
            Ok(written(StatusCode::CREATED, made))
        }

        async fn $replace<O: Registry>(
            State(office): Shared<O>,
            asker: Asker,
            Place(key): Place<String>,
            expected: IfMatch,
            Text(json): Text,
        ) -> Result<Response, Problem> {
            let made = office.edit(asker, $kind, EditWish::Replace(key, json), expected).await?;
            Ok(written(StatusCode::OK, made))
        }

        async fn $delete<O: Registry>(
            State(office): Shared<O>,
            asker: Asker,
            Place(key): Place<String>,
            expected: IfMatch,
        ) -> Result<Response, Problem> {
            let made = office.edit(asker, $kind, EditWish::Delete(key), expected).await?;
            Ok(written(StatusCode::OK, made))
        }
    };
}
writes!(Kind::Extension, new_extension, change_extension, delete_extension);
writes!(Kind::User, new_user, change_user, delete_user);
writes!(Kind::AddressGroup, new_group, change_group, delete_group);

async fn set_password<O: Registry>(
    State(office): Shared<O>,
    asker: Asker,
    Place(login): Place<String>,
    Text(json): Text,
) -> Result<StatusCode, Problem> {
    let body: PasswordBody = serde_json::from_str(&json)
        .map_err(|_| Problem::bad_request("send {\"password\": \"...\"} and nothing else"))?;
    office.set_password(asker, login, Secret::new(body.password)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn settings<O: Registry>(State(office): Shared<O>) -> Result<Response, Problem> {
    let mut all = serde_json::Map::new();
    for section in SETTINGS {
        let (content, _) = office.section((*section).to_owned()).await?;
        all.insert((*section).to_owned(), content);
    }
    Ok(Json(all).into_response())
}

async fn section<O: Registry>(
    State(office): Shared<O>,
    Place(name): Place<String>,
) -> Result<Response, Problem> {
    let (content, tag) = office.section(name).await?;
    Ok(tagged(content, &tag.0))
}

async fn change_section<O: Registry>(
    State(office): Shared<O>,
    asker: Asker,
    Place(name): Place<String>,
    expected: IfMatch,
    Text(json): Text,
) -> Result<Response, Problem> {
    let made = office.edit_section(asker, name, json, expected).await?;
    Ok(written(StatusCode::OK, made))
}

async fn upload<O: Registry>(
    State(office): Shared<O>,
    asker: Asker,
    Text(json): Text,
) -> Result<Response, Problem> {
    // The library's words would quote the key.
    let wish: CertificateWish = serde_json::from_str(&json).map_err(|_| {
        Problem::bad_request("send {\"certificate\": \"...\", \"key\": \"...\"}, both in PEM form")
    })?;
    let made = office.upload(asker, wish).await?;
    Ok(written(StatusCode::CREATED, made))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportWish {
    #[serde(default)]
    dry_run: bool,
}

async fn import<O: Registry>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Wish(ImportWish { dry_run }): Wish<ImportWish>,
    Text(table): Text,
) -> Result<Response, Problem> {
    let made = office.import(author, TableWish { table, dry_run }).await?;
    let what = if dry_run { "looked at" } else { "made" };
    let told = Told(format!("{} extensions {what}, revision {}", made.numbers.len(), made.revision));
    let status = if dry_run { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = (status, Json(made)).into_response();
    response.extensions_mut().insert(told);
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevealWish {
    line: Option<String>,
}

/// `GET extensions/{number}/password`: the stored one, which is logged.
pub(crate) async fn reveal<O: Registry>(
    State(office): Shared<O>,
    ConnectInfo(author): Peer,
    Place(number): Place<String>,
    Wish(wish): Wish<RevealWish>,
) -> Result<Response, Problem> {
    let shown = office.reveal(author, number, wish.line).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(shown)).into_response())
}
