//! Answers that go on: live events, a log that is followed, a long history. They end when the session or the token that asked for them does,
//! or may less than it might; without this, whoever was signed out elsewhere would go on reading.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::channel::{Channel, Sender};
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
    matches!(path, "/api/v1/events" | "/api/v1/history.csv") || path.starts_with("/api/v1/logs/")
}

/// Pieces on their way to a reader.
type Pieces = Sender<Bytes, io::Error>;

/// The same answer, which ends when `caller` is not let in any more. A table breaks off then, as
/// every answer does whose source fails, so that nobody takes a part for the whole.
pub(crate) fn until_signed_out<C: Console>(console: Arc<C>, caller: Caller, answer: Response) -> Response {
    let (parts, mut body) = answer.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
    let ending = Ending::of(kind);
    let (mut pieces, watched) = Channel::<Bytes, io::Error>::new(PIECES);
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
                    return end(pieces, ending).await;
                }
            };
            let data = match piece {
                None => return,
                Some(Ok(frame)) => frame.into_data(),
                Some(Err(error)) => return pieces.abort(io::Error::other(error)),
            };
            // Trailers: none of ours has any.
            let Ok(data) = data else { return };
            match give(&*console, &caller, &mut pieces, data).await {
                Given::Taken => {}
                Given::Gone => return,
                Given::SignedOut => return end(pieces, ending).await,
            }
        }
    });
    Response::from_parts(parts, Body::new(watched))
}

/// How an answer ends whose reader is not let in any more.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// With a word: events.
    Told,
    /// In order: it has no end of its own, like a log that is followed.
    Quiet,
    /// Broken off: it would be taken for whole.
    BrokenOff,
}

impl Ending {
    fn of(kind: &[u8]) -> Ending {
        match kind {
            kind if kind.starts_with(b"text/event-stream") => Ending::Told,
            kind if kind.starts_with(b"text/csv") => Ending::BrokenOff,
            _ => Ending::Quiet,
        }
    }
}

async fn end(mut pieces: Pieces, ending: Ending) {
    match ending {
        Ending::Told => {
            // A reader that does not read is told nothing more.
            let _ = tokio::time::timeout(LOOK, pieces.send_data(Bytes::from_static(BYE))).await;
        }
        Ending::Quiet => {}
        Ending::BrokenOff => pieces.abort(io::Error::other("the session has ended")),
    }
}

/// What became of a piece.
enum Given {
    Taken,
    Gone,
    SignedOut,
}

/// Gives a piece to its reader, as long as that one is let in.
async fn give<C: Console>(console: &C, caller: &Caller, pieces: &mut Pieces, data: Bytes) -> Given {
    let sent = pieces.send_data(data);
    tokio::pin!(sent);
    loop {
        match tokio::time::timeout(LOOK, sent.as_mut()).await {
            Ok(Ok(())) => return Given::Taken,
            Ok(Err(_)) => return Given::Gone,
            Err(_) if console.stands(caller) => {}
            Err(_) => return Given::SignedOut,
        }
    }
}
