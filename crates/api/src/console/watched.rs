//! Answers that go on: live events, a log that is followed, a long history. They end when the session or the token that asked for them does,
//! or may less than it might; without this, whoever was signed out elsewhere would go on reading.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::Console;
use crate::{Caller, Share};

/// Between two looks at who asked: an ended one is out at once, as people understand it.
const LOOK: Duration = Duration::from_millis(500);
/// Pieces that wait for a slow reader before their writer waits.
const PIECES: usize = 4;
/// What a stream of events says last.
const BYE: &[u8] = b"event: bye\ndata: {\"why\":\"the session has ended\"}\n\n";

/// Whether an answer to this path may go on and on.
pub(crate) fn goes_on(path: &str) -> bool {
    path == "/api/v1/events" || is_long(path)
}

/// Whether an answer to this path holds much for as long as its reader takes, so that places for it are counted. Events have
/// places of their own.
pub(crate) fn is_long(path: &str) -> bool {
    path == "/api/v1/history.csv" || path.starts_with("/api/v1/logs/")
}

/// The way to a reader.
struct Reader {
    pieces: mpsc::Sender<Bytes>,
    /// Set before the way ends: what came is not the whole.
    broken: Arc<AtomicBool>,
}

/// The same answer, which ends when `caller` is not let in any more. A table breaks off then, as
/// every answer does whose source fails, so that nobody takes a part for the whole. What made the answer is told when its
/// reader has gone, also while there is nothing to send.
pub(crate) fn until_signed_out<C: Console>(
    console: Arc<C>,
    caller: Caller,
    place: Option<Share>,
    answer: Response,
) -> Response {
    let (parts, mut body) = answer.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
    let ending = Ending::of(kind);
    let (reader, watched) = Reader::new();
    tokio::spawn(async move {
        let _place = place;
        let mut clock = interval(LOOK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let piece = tokio::select! {
                piece = body.frame() => piece,
                () = reader.pieces.closed() => return,
                _ = clock.tick() => {
                    if console.stands(&caller) {
                        continue;
                    }
                    return reader.end(ending).await;
                }
            };
            let data = match piece {
                None => return,
                Some(Ok(frame)) => frame.into_data(),
                Some(Err(_)) => return reader.break_off(),
            };
            // Trailers: none of ours has any.
            let Ok(data) = data else { return };
            match reader.give(&*console, &caller, data).await {
                Given::Taken => {}
                Given::Gone => return,
                Given::SignedOut => return reader.end(ending).await,
            }
        }
    });
    Response::from_parts(parts, watched)
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
            kind if kind.starts_with(b"text/csv") || kind.starts_with(b"application/json") => {
                Ending::BrokenOff
            }
            _ => Ending::Quiet,
        }
    }
}

/// What became of a piece.
enum Given {
    Taken,
    Gone,
    SignedOut,
}

impl Reader {
    fn new() -> (Reader, Body) {
        let (pieces, queue) = mpsc::channel(PIECES);
        let broken = Arc::new(AtomicBool::new(false));
        let last = broken.clone();
        let rest = std::iter::from_fn(move || {
            last.swap(false, Ordering::AcqRel).then(|| Err(io::Error::other("the answer broke off")))
        });
        let stream = ReceiverStream::new(queue).map(Ok).chain(tokio_stream::iter(rest));
        (Reader { pieces, broken }, Body::from_stream(stream))
    }

    fn break_off(self) {
        self.broken.store(true, Ordering::Release);
    }

    async fn end(self, ending: Ending) {
        match ending {
            Ending::Told => {
                // A reader that does not read is told nothing more.
                let _ = tokio::time::timeout(LOOK, self.pieces.send(Bytes::from_static(BYE))).await;
            }
            Ending::Quiet => {}
            Ending::BrokenOff => self.break_off(),
        }
    }

    /// Gives a piece, as long as its reader is let in.
    async fn give<C: Console>(&self, console: &C, caller: &Caller, data: Bytes) -> Given {
        let sent = self.pieces.send(data);
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
}
