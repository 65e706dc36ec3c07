//! Heads that can't be read are answered by the HTTP library itself, before anything of ours is asked: with a status and
//! nothing else. On the way out such an answer is given what every other has, the guarding fields and the problem in words.
//!
//! It is told from ours by counting, never by its looks: it is what is written while no answer of ours is under way. Not
//! here: reading heads (`hyper`), the fields (`headers`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::headers;
use crate::Problem;

/// The answers of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// An answer under way, from its request to the last byte that was taken of it.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Counts>);

impl Answers {
    /// A request was read; its answer is ours.
    pub(crate) fn begin(&self) -> Answering {
        self.0.begun.fetch_add(1, Ordering::AcqRel);
        Answering(self.0.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::AcqRel);
    }
}

impl Answering {
    /// The answer, which ends with its body.
    pub(crate) fn with(self, answer: Response) -> Response {
        answer.map(|body| Body::new(Counted { body, _answering: self }))
    }
}

struct Counted {
    body: Body,
    _answering: Answering,
}

impl hyper::body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose peer never gets an answer without the guarding fields.
pub(crate) struct Guarded<S> {
    stream: S,
    answers: Answers,
    /// As many answers were begun, have ended and are sent.
    settled: usize,
    /// Whether browsers may insist on our certificate.
    insist: bool,
    /// What goes out in place of the library's own words.
    instead: Bytes,
}

impl<S: AsyncWrite + Unpin> Guarded<S> {
    pub(crate) fn new(stream: S, answers: Answers, insist: bool) -> Guarded<S> {
        Guarded { stream, answers, settled: 0, insist, instead: Bytes::new() }
    }

    fn is_between_answers(&self) -> bool {
        self.answers.0.begun.load(Ordering::Acquire) == self.settled
    }

    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &self.instead))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let _ = self.instead.split_to(sent.min(self.instead.len()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(context))?;
        if !self.is_between_answers() {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        self.instead = in_full(bytes, self.insist);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        // The library flushes once all it has to say is written, and lets go of a body after it took the end of it.
        let Counts { begun, ended } = &*self.answers.0;
        let (begun, ended) = (begun.load(Ordering::Acquire), ended.load(Ordering::Acquire));
        if begun == ended {
            self.settled = begun;
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The library's answer in full: its status and date (RFC 9110 section 6.6.1), our fields, the problem.
fn in_full(bare: &[u8], insist: bool) -> Bytes {
    let bare = String::from_utf8_lossy(bare);
    let status = bare.split(' ').nth(1).and_then(|status| StatusCode::from_bytes(status.as_bytes()).ok());
    let problem = problem(status.unwrap_or(StatusCode::BAD_REQUEST));
    let mut answer = problem.clone().into_response();
    headers::add(answer.headers_mut(), insist);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut whole = format!("HTTP/1.1 {} {}\r\n", problem.status, problem.title).into_bytes();
    for (name, value) in answer.headers().iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        whole.extend_from_slice(name.as_str().as_bytes());
        whole.extend_from_slice(b": ");
        whole.extend_from_slice(value.as_bytes());
        whole.extend_from_slice(b"\r\n");
    }
    let date = bare.lines().find(|line| line.starts_with("date: ")).map(|line| format!("{line}\r\n"));
    whole.extend_from_slice(date.unwrap_or_default().as_bytes());
    whole
        .extend_from_slice(format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes());
    whole.extend_from_slice(&body);
    whole.into()
}

fn problem(status: StatusCode) -> Problem {
    let (code, detail) = match status {
        StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ("too-large", "the head of the request is too long or has too many fields; send less in it")
        }
        _ => ("bad-request", "the head of the request is not that of HTTP/1.1; nothing was done"),
    };
    Problem::new(status, code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;

    const BARE: &[u8] = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
        content-length: 0\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n";

    #[tokio::test]
    async fn only_what_is_said_between_answers_is_put_in_full() {
        let answers = Answers::default();
        let mut line = Guarded::new(Vec::new(), answers.clone(), false);
        let answering = answers.begin();
        line.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        line.flush().await.unwrap();
        drop(answering);
        // It has ended, and is not sent yet.
        line.write_all(BARE).await.unwrap();
        line.flush().await.unwrap();
        let before = line.stream.len();
        assert_eq!(before, 25 + BARE.len());
        line.write_all(BARE).await.unwrap();
        line.shutdown().await.unwrap();
        let said = String::from_utf8(line.stream.split_off(before)).unwrap();
        assert!(said.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{said}");
        assert!(said.contains("\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"), "{said}");
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert_eq!(head.matches("content-length").count(), 1, "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert!(head.contains(headers::POLICY), "{head}");
    }
}
