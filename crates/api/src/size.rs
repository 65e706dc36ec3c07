//! Bodies that say beforehand that they are too large: refused at their head, before a byte of them is read or asked for
//! (`Expect: 100-continue`, RFC 9110 section 10.1.1).
//!
//! Not here: bodies that turn out to be, which whoever reads them refuses.

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Problem;

/// Lets requests pass whose bodies claim no more than so many bytes. HTTP's own reader has checked that the claim is a number,
/// and that there is one.
pub(crate) async fn within<const MOST: usize>(request: Request, next: Next) -> Response {
    match look(request.headers(), MOST) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The same for whoever reads a body himself.
#[allow(clippy::result_large_err, reason = "a problem is made once per refused request")]
pub(crate) fn look(headers: &HeaderMap, most: usize) -> Result<(), Problem> {
    let claimed = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match claimed.and_then(|length| length.parse::<u64>().ok()) {
        Some(claimed) if claimed > u64::try_from(most).unwrap_or(u64::MAX) => Err(too_large(most)),
        _ => Ok(()),
    }
}

fn too_large(most: usize) -> Problem {
    let detail =
        format!("the body has more than {most} bytes; send it in parts (a configuration with --merge)");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
}
