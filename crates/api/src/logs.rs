//! The logs: text, a line each, or an array; both piece by piece, so that a long log is not in memory for each reader.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::channel::{Channel, Sender};
use model::Wall;
use serde::Deserialize;

use crate::Problem;
use crate::body::LogLine;
use crate::office::{LogQuery, Office};
use crate::routes::{Place, Wish};

/// Pieces of a log that wait for a slow reader before its writer waits.
const PIECES: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogWish {
    since: Option<Wall>,
    #[serde(default)]
    follow: bool,
}

/// Text, a line each; or with `Accept: application/json` an array, which can't follow.
pub(crate) async fn log<O: Office>(
    State(office): State<Arc<O>>,
    Place(name): Place<String>,
    Wish(wish): Wish<LogWish>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let LogWish { since, follow } = wish;
    let as_json = headers.get(header::ACCEPT).is_some_and(|accept| accept == "application/json");
    let query = LogQuery { name, since, follow: follow && !as_json };
    let (sender, text) = Channel::<Bytes>::new(PIECES);
    office.log(query, sender).await?;
    if !as_json {
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], Body::new(text)).into_response());
    }
    let (sender, array) = Channel::<Bytes, io::Error>::new(1);
    tokio::spawn(give_array(text, sender));
    Ok(([(header::CONTENT_TYPE, "application/json")], Body::new(array)).into_response())
}

async fn give_array(mut text: Channel<Bytes>, mut sender: Sender<Bytes, io::Error>) {
    let mut array = Array::default();
    while let Some(Ok(frame)) = text.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        let written = array.piece(&data);
        if !written.is_empty() && sender.send_data(written.into()).await.is_err() {
            return;
        }
    }
    // Who is gone needs no end.
    let _ = sender.send_data(array.end().into()).await;
}

/// Lines on their way to an array of objects.
#[derive(Default)]
struct Array {
    begun: bool,
    /// The line that the last piece broke off in.
    rest: Vec<u8>,
}

impl Array {
    /// What is to be written for the next piece of text.
    fn piece(&mut self, text: &[u8]) -> Vec<u8> {
        let mut written = Vec::with_capacity(text.len().saturating_mul(2));
        for part in text.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.line(&mut written);
            }
        }
        written
    }

    /// What is to be written last.
    fn end(mut self) -> Vec<u8> {
        let mut written = Vec::new();
        if !self.rest.is_empty() {
            self.line(&mut written);
        }
        written.extend_from_slice(if self.begun { b"]" } else { b"[]" });
        written
    }

    fn line(&mut self, written: &mut Vec<u8>) {
        written.push(if self.begun { b',' } else { b'[' });
        self.begun = true;
        let line = LogLine::parse(&String::from_utf8_lossy(&self.rest));
        self.rest.clear();
        written.extend_from_slice(&serde_json::to_vec(&line).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_an_array_wherever_the_pieces_break() {
        let text =
            "2026-11-22T17:44:18.000Z info call.started Call started from=\"101\"\nt error x \u{e9}\nlast";
        let wanted: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::to_value(LogLine::parse(line)).unwrap()).collect();
        for size in 1..=text.len() {
            let mut array = Array::default();
            let mut written: Vec<u8> =
                text.as_bytes().chunks(size).flat_map(|piece| array.piece(piece)).collect();
            written.extend(array.end());
            let read: Vec<serde_json::Value> = serde_json::from_slice(&written).unwrap();
            assert_eq!(read, wanted, "pieces of {size}");
        }
        assert_eq!(Array::default().end(), b"[]");
    }
}
