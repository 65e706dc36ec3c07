//! Answers that go on: live events, a log that is followed. They end when the session or the token that asked for them does,
//! or may less than it might; without this, whoever was signed out elsewhere would go on reading.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::channel::Channel;
use tokio::time::{MissedTickBehavior, interval};

use super::Console;
use crate::Caller;

/// Between two looks at who asked: an ended one is out at once, as people understand it.
const LOOK: Duration = Duration::from_millis(500);
/// Pieces that wait for a slow reader before their writer waits.
const PIECES: usize = 4;
/// What a stream of events says last.
const BYE: &[u8] = b"event: bye\ndata: {\"why\":\"the session has ended\"}\n\n";

/// Whether an answer to this path may go on and on.
pub(crate) fn goes_on(path: &str) -> bool {
    path == "/api/v1/events" || path.starts_with("/api/v1/logs/")
}

/// The same answer, which ends when `caller` is not let in any more.
pub(crate) fn until_signed_out<C: Console>(console: Arc<C>, caller: Caller, answer: Response) -> Response {
    let (parts, mut body) = answer.into_parts();
    let is_events = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let (mut pieces, watched) = Channel::<Bytes>::new(PIECES);
    tokio::spawn(async move {
        let mut clock = interval(LOOK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let piece = tokio::select! {
                piece = body.frame() => piece,
                _ = clock.tick() => {
                    if console.stands(&caller) {
                        continue;
                    }
                    if is_events {
                        // A reader that does not read is told nothing more.
                        let _ = tokio::time::timeout(LOOK, pieces.send_data(Bytes::from_static(BYE))).await;
                    }
                    return;
                }
            };
            let Some(Ok(Ok(data))) = piece.map(|piece| piece.map(|frame| frame.into_data())) else { return };
            if !give(&*console, &caller, &mut pieces, data).await {
                return;
            }
        }
    });
    Response::from_parts(parts, Body::new(watched))
}

/// Whether a piece was taken while its reader was let in.
async fn give<C: Console>(
    console: &C,
    caller: &Caller,
    pieces: &mut http_body_util::channel::Sender<Bytes>,
    data: Bytes,
) -> bool {
    let sent = pieces.send_data(data);
    tokio::pin!(sent);
    loop {
        match tokio::time::timeout(LOOK, sent.as_mut()).await {
            Ok(taken) => return taken.is_ok(),
            Err(_) if console.stands(caller) => {}
            Err(_) => return false,
        }
    }
}
