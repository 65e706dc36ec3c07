//! The console's pages, embedded when the server was built. Each path that is no file is the page itself, whose script
//! knows what to show; nothing here depends on who asks.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::Problem;

/// A file, as it is and packed.
pub(crate) struct File {
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Where there are no pages: a server that was built by cargo alone.
const PLACEHOLDER: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Ringwall</title>\
    <h1>Ringwall runs, without its console</h1><p>This server was built without the pages. \
    <code>./run</code> builds both; <code>npm run build</code> in <code>ui</code>, then <code>cargo build</code>, does too.</p>";

/// A year, for files whose names change with their content (RFC 8246).
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The rest is asked for again each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// Answers what is not below `/api`.
pub(crate) async fn show(request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return Problem::not_found("there is no such resource; see the description of the API")
            .into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", "pages are only read").into_response();
    }
    let name = path.trim_start_matches('/');
    let exact = FILES.iter().find(|file| file.path == name);
    // A missing asset is an old page's: the page in its place would be taken for a script.
    if exact.is_none() && name.starts_with("assets/") {
        return Problem::not_found("there is no such file; load the page again").into_response();
    }
    match exact.or_else(|| FILES.iter().find(|file| file.path == "index.html")) {
        Some(file) => file.answer(request.headers()),
        None => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PLACEHOLDER).into_response(),
    }
}

impl File {
    fn answer(&self, asked: &HeaderMap) -> Response {
        let (bytes, coding) = match (self.brotli, self.gzip) {
            (Some(packed), _) if takes(asked, "br") => (packed, Some("br")),
            (_, Some(packed)) if takes(asked, "gzip") => (packed, Some("gzip")),
            _ => (self.plain, None),
        };
        let mut response = Bytes::from_static(bytes).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(self.path)));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        let keeping = if self.path.starts_with("assets/") { FOR_EVER } else { ASK_AGAIN };
        headers.insert(header::CACHE_CONTROL, keeping);
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }
}

/// Whether a coding is among those of Accept-Encoding (RFC 9110 section 12.5.3) and not refused by `q=0`.
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let text = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.split(',').any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(codings: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(codings))])
    }

    #[test]
    fn the_best_coding_that_is_taken_is_chosen_and_assets_are_kept() {
        let file =
            File { path: "assets/app-1a2b.js", plain: b"plain", brotli: Some(b"br"), gzip: Some(b"gz") };
        let coding = |codings| {
            let answer = file.answer(&asking(codings));
            answer.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(coding("gzip, deflate, br").as_deref(), Some("br"));
        assert_eq!(coding("gzip, br;q=0").as_deref(), Some("gzip"));
        assert_eq!(coding("identity"), None);
        let answer = file.answer(&asking("br"));
        assert_eq!(answer.headers()[header::CACHE_CONTROL], FOR_EVER);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
    }
}
