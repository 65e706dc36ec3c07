//! The front door: what each request passes before a resource sees it. Over HTTPS: the Host header, who asks, whether
//! another site asks in his name. By either door: the one check of permissions, and the audit trail.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::Secret;

use super::late::Late;
use super::session::DoneBy;
use super::{AuditEntry, Console, Stage, cookie, headers, patience, watched};
use crate::caller::Access;
use crate::objects::Seat;
use crate::permission::Permission;
use crate::problem::Told;
use crate::{Author, By, Caller, Problem, Share, Shares, Visitor, access};

/// What a page sets on what it asks by itself, because something changed.
const BY_ITSELF: &str = "x-ringwall-by-itself";
/// Longest User-Agent kept.
const MAX_AGENT: usize = 128;
/// Longest reason and object in the audit trail.
const MAX_DETAIL: usize = 300;

/// The two ends of an HTTPS connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub remote: SocketAddr,
    pub local: SocketAddr,
}

/// Everything that comes over HTTPS passes here first. `long` are the places for long answers.
pub(crate) async fn https<C: Console>(
    State((console, long)): State<(Arc<C>, Arc<Shares>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let goes_on = watched::goes_on(request.uri().path());
    let mut answer = match enter(&console, &long, &mut request, is_api).await {
        Ok(place) => {
            let caller = request.extensions().get::<Caller>().cloned();
            let late = Late::default();
            let mut request = request.map(patience::bounded);
            if let Some(caller) = caller.clone().filter(|_| is_write(request.method())) {
                let console = console.clone();
                request = request.map(|body| late.watch(console, caller, body));
            }
            let answer = carry_out(next, request).await;
            let answer = if late.is_out() { Problem::signed_out().into_response() } else { answer };
            match caller {
                Some(caller) if goes_on => watched::until_signed_out(console.clone(), caller, place, answer),
                _ => answer,
            }
        }
        Err(problem) => problem.into_response(),
    };
    headers::add(answer.headers_mut(), console.has_trusted_certificate());
    answer
}

/// Notes who asks; his place, where the answer may be long.
async fn enter<C: Console>(
    console: &Arc<C>,
    long: &Arc<Shares>,
    request: &mut Request,
    is_api: bool,
) -> Result<Option<Share>, Problem> {
    if !is_ours(&**console, request) {
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong-host",
            "this server does not have that name; use its address, or add the name to system.aliases",
        ));
    }
    if !is_api {
        return Ok(None);
    }
    let path = request.uri().path();
    let is_entry = path == "/api/v1/session" && request.method() == Method::GET;
    if console.is_new() && !is_entry && !path.starts_with("/api/v1/setup") {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "setup-first",
            "there is no administrator yet; open the console in a browser and set the office up",
        ));
    }
    let Some(ends) = request.extensions().get::<Ends>().copied() else { return Err(Problem::stopping()) };
    let headers = request.headers();
    let agent = headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    let agent = agent.map(|agent| agent.chars().take(MAX_AGENT).collect()).unwrap_or_default();
    let key = cookie::read(headers, ends.local.port());
    let says_so = headers.get(BY_ITSELF).is_some_and(|value| value == "1");
    // A page opens its stream of events again whenever it ends, and can't mark it.
    let by_itself = !is_write(request.method()) && (says_so || path == "/api/v1/events");
    let Ends { remote, local } = ends;
    let visitor = Visitor { remote, local: local.ip(), port: local.port(), agent, key, by_itself };
    let caller = match bearer(headers) {
        Some(token) => {
            let (console, visitor) = (console.clone(), visitor.clone());
            Some(to_the_end(async move { console.token(&token, &visitor).await }).await??)
        }
        None => {
            if is_write(request.method()) {
                same_site(headers)?;
            }
            person(&**console, &visitor)
        }
    };
    if let Some(caller) = caller {
        request.extensions_mut().insert(ConnectInfo(caller.author.clone()));
        request.extensions_mut().insert(Seat(Some(ends.remote.ip())));
        request.extensions_mut().insert(caller);
    }
    request.extensions_mut().insert(visitor);
    place(long, request)
}

/// A place for a long answer, if this asks for one; several are as many as anybody reads at a time.
#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn place(long: &Arc<Shares>, request: &Request) -> Result<Option<Share>, Problem> {
    let Some(caller) = request.extensions().get::<Caller>() else { return Ok(None) };
    if !watched::is_long(request.uri().path()) {
        return Ok(None);
    }
    let place = long.take(caller.by.holder());
    place.map(Some).ok_or_else(|| {
        Problem::slow_down(
            "too many logs and tables are being read at once; close some, or wait for their end",
        )
    })
}

fn person<C: Console>(console: &C, visitor: &Visitor) -> Option<Caller> {
    let known = console.known(visitor.key.as_ref()?, visitor)?;
    let by = By::Session { id: known.id, login: known.login.clone() };
    let caller = Caller {
        author: Author(known.login),
        permissions: known.permissions,
        address: Some(visitor.remote.ip()),
        by,
    };
    (known.stage == Stage::SignedIn).then_some(caller)
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// `Authorization: Bearer` (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim().to_owned()))
}

/// A name rebound to our address by somebody else's name server would be our own site to a browser.
fn is_ours<C: Console>(console: &C, request: &Request) -> bool {
    let host = host(request.headers());
    let name = host.as_deref().map(without_port);
    let Some(name) = name.filter(|name| !name.is_empty()) else { return false };
    is_address(name) || console.answers_to(name.trim_end_matches('.'))
}

/// An address as it stands in a URI (RFC 3986 section 3.2.2).
fn is_address(name: &str) -> bool {
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => name.parse::<Ipv4Addr>().is_ok(),
    }
}

fn host(headers: &HeaderMap) -> Option<String> {
    let mut all = headers.get_all(header::HOST).into_iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then(|| first.to_ascii_lowercase())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// A write with a cookie must come from our own pages: they set a header that other sites can't without asking, and the
/// browser says where a request comes from (Fetch, section 3.2; W3C Fetch Metadata).
#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
fn same_site(headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |why: &str| Err(Problem::new(StatusCode::FORBIDDEN, "cross-site", why));
    if headers.get("x-ringwall").is_none_or(|value| value != "1") {
        return refuse("a write with a session needs the header X-Ringwall: 1");
    }
    if headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return refuse("another site asked for this");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let own = host(headers).map(|host| format!("https://{host}"));
    let same = origin.to_str().ok().zip(own).is_some_and(|(origin, own)| origin.eq_ignore_ascii_case(&own));
    if same { Ok(()) } else { refuse("another site asked for this") }
}

/// On the control socket everybody is a user of this machine.
pub(crate) async fn socket(mut request: Request, next: Next) -> Response {
    let author = request.extensions().get::<ConnectInfo<Author>>().map(|ConnectInfo(author)| author.clone());
    if let Some(author) = author {
        request.extensions_mut().insert(Caller::of_socket(author));
    }
    carry_out(next, request).await
}

/// A write that was begun is brought to its end, also when who asked goes away meanwhile: no change is left half done, and
/// no guess uncounted.
async fn carry_out(next: Next, request: Request) -> Response {
    if !is_write(request.method()) {
        return next.run(request).await;
    }
    to_the_end(next.run(request)).await.unwrap_or_else(IntoResponse::into_response)
}

/// Goes on although whoever waits for it goes away.
async fn to_the_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Problem> {
    tokio::spawn(work).await.map_err(|_| Problem::failed("this failed within the server; its log tells more"))
}

/// The one check below all doors, and the audit trail behind it.
pub(crate) async fn permit<C: Console>(
    State(console): State<Arc<C>>,
    request: Request,
    next: Next,
) -> Response {
    let template = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let template = template.unwrap_or_default();
    let template = template.strip_prefix("/api/v1").unwrap_or(&template).to_owned();
    let method = request.method().clone();
    let needed = access::needed(&method, &template, request.uri().query());
    let caller = request.extensions().get::<Caller>().cloned();
    let visitor = request.extensions().get::<Visitor>().cloned();
    let object = request.uri().path().to_owned();
    let checked = match needed {
        Some(access) => access.check(caller.as_ref()),
        None => Err(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method",
            "the resource does not know this method",
        )),
    };
    let answer = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if is_write(&method) || needed == Some(Access::Needs(Permission::Reveal)) {
        let author = caller.map(|caller| caller.author.0);
        let author =
            author.or_else(|| answer.extensions().get::<DoneBy>().map(|DoneBy(login)| login.clone()));
        // Strangers' failures are in the security log, and can't fill this one.
        if let Some(author) = author {
            let entry = AuditEntry {
                author,
                action: format!("{method} {template}"),
                object: cut(&object),
                detail: cut(&detail(&answer)),
                address: visitor.map(|visitor| visitor.remote.ip()),
                outcome: outcome(answer.status()),
            };
            console.write_audit(entry).await;
        }
    }
    answer
}

/// Why it was refused, or what it came to.
fn detail(answer: &Response) -> String {
    let refused = answer.extensions().get::<Problem>().map(|problem| problem.detail.clone());
    let told = || answer.extensions().get::<Told>().map(|Told(text)| text.clone());
    refused.or_else(told).unwrap_or_default()
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_DETAIL).collect()
}

fn outcome(status: StatusCode) -> &'static str {
    match status {
        status if status.is_server_error() => "failed",
        status if status.is_client_error() => "refused",
        _ => "done",
    }
}
