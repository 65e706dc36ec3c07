//! Giving out the lines of a log, and going on with new ones.

use std::time::Duration;

use api::{LogLines, LogQuery, Problem};
use hyper::body::Bytes;
use store::{Cursor, Log, LogReader, MAX_TAIL, Store};
use tokio::sync::watch;

use super::desk::read_problem;

/// Between two looks at a log that is followed.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Bytes given out at once, so that a long log is not twice in memory.
const PIECE: usize = 65_536;

/// Starts to give out lines; ends when the reader has gone, or the server stops, or all was said.
///
/// # Errors
/// There is no such log, or it can't be read.
pub async fn give_out(
    store: &Store,
    query: LogQuery,
    lines: LogLines,
    stop: watch::Receiver<bool>,
) -> Result<(), Problem> {
    let LogQuery { name, since, follow } = query;
    let Some(log) = Log::parse(&name) else {
        return Err(Problem::not_found(format!(
            "there is no log {name:?}; there are security, auth, config, warning, error and debug"
        )));
    };
    let reader = store.log_reader();
    let sink = store.logs();
    let first = reader.clone();
    let tail = tokio::task::spawn_blocking(move || {
        // What was written a moment ago is in the file then.
        sink.flush();
        first.tail(log, since, MAX_TAIL)
    });
    let (tail, cursor) = tail.await.map_err(|_| Problem::stopping())?.map_err(read_problem)?;
    tokio::spawn(async move {
        let mut giver = Giver { lines, reader, log };
        if giver.give(&tail).await && follow {
            drop(tail);
            giver.follow(cursor, stop).await;
        }
    });
    Ok(())
}

struct Giver {
    lines: LogLines,
    reader: LogReader,
    log: Log,
}

impl Giver {
    /// Whether the reader is still there.
    async fn give(&mut self, lines: &[store::LogLine]) -> bool {
        let mut piece = String::new();
        for line in lines {
            piece.push_str(&line.line());
            piece.push('\n');
            if piece.len() >= PIECE
                && self.lines.send_data(Bytes::from(std::mem::take(&mut piece))).await.is_err()
            {
                return false;
            }
        }
        // An empty piece is not sent, but tells whether anybody still reads.
        self.lines.send_data(Bytes::from(piece)).await.is_ok()
    }

    async fn follow(&mut self, mut cursor: Cursor, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|stopping| *stopping) => return,
            }
            let (reader, log) = (self.reader.clone(), self.log);
            let looked = tokio::task::spawn_blocking(move || {
                let lines = reader.after(log, &mut cursor);
                (lines, cursor)
            });
            let Ok((Ok(lines), moved)) = looked.await else { return };
            cursor = moved;
            if !self.give(&lines).await {
                return;
            }
        }
    }
}
