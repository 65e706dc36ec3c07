//! Messages out of a stream (RFC 3261 section 18.3), and the keep-alives between them (RFC 5626 section 3.5.1).
//!
//! What is refused here ends the connection: where the next message begins can't be known any more.

use bytes::{Buf, Bytes, BytesMut};

use super::error::{Malformed, MalformedKind};
use super::limits::{IDLE_CAPACITY, MAX_LINE, MAX_MESSAGE, MAX_PENDING};
use super::name::Name;
use super::text::{self, is_token};

/// The peer sent more than may be pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_PENDING} bytes pending")]
pub struct FrameError;

/// What a stream carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The bytes of one message, for [`Message::parse`](super::Message::parse).
    Message(Bytes),
    /// CRLF CRLF between messages: answer with CRLF.
    KeepAlivePing,
    /// A single CRLF between messages: the answer to a ping of ours.
    KeepAlivePong,
}

/// Cuts a stream into messages.
#[derive(Debug, Default)]
pub struct StreamFramer {
    pending: BytesMut,
    /// Bytes already searched for the end of the headers: a peer that sends byte by byte costs no more than others.
    searched: usize,
    /// The length of the message at the front, once its headers are complete.
    needed: Option<usize>,
    /// The last thing seen was a single CRLF: another one makes a ping that arrived in two pieces.
    half_ping: bool,
}

impl StreamFramer {
    /// An empty one; it allocates with the first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what was read.
    pub fn push(&mut self, data: &[u8]) -> Result<(), FrameError> {
        if self.pending.len().saturating_add(data.len()) > MAX_PENDING {
            return Err(FrameError);
        }
        self.pending.extend_from_slice(data);
        Ok(())
    }

    /// Bytes that wait for the rest of their message.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The next complete thing, if there is one. After an error the connection must be closed.
    #[allow(clippy::should_implement_trait)] // it can fail, and goes on after `None`
    pub fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        if self.needed.is_none() {
            if let Some(keep_alive) = self.keep_alive() {
                return Ok(Some(keep_alive));
            }
            self.needed = self.find_length()?;
        }
        let Some(length) = self.needed.filter(|length| *length <= self.pending.len()) else {
            return Ok(None);
        };
        // Copied, so that a message kept for long does not keep the whole buffer with it.
        let message = Bytes::copy_from_slice(self.pending.get(..length).unwrap_or_default());
        self.drop_front(length);
        self.half_ping = false;
        Ok(Some(Frame::Message(message)))
    }

    fn keep_alive(&mut self) -> Option<Frame> {
        match self.pending.as_ref() {
            [b'\r', b'\n', b'\r', b'\n', ..] if !self.half_ping => {
                self.drop_front(4);
                Some(Frame::KeepAlivePing)
            }
            [b'\r', b'\n', ..] => {
                self.drop_front(2);
                self.half_ping = !self.half_ping;
                Some(if self.half_ping { Frame::KeepAlivePong } else { Frame::KeepAlivePing })
            }
            _ => None,
        }
    }

    fn drop_front(&mut self, length: usize) {
        self.pending.advance(length.min(self.pending.len()));
        self.searched = 0;
        self.needed = None;
        if self.pending.is_empty() && self.pending.capacity() > IDLE_CAPACITY {
            self.pending = BytesMut::new();
        }
    }

    /// The whole length of the message at the front, when its headers are there.
    fn find_length(&mut self) -> Result<Option<usize>, MalformedKind> {
        let first = match self.pending.as_ref() {
            [] | [b'\r'] => return Ok(None),
            [first, ..] => *first,
        };
        if !is_token(first) {
            return Err(MalformedKind::StartLine);
        }
        // The end may have begun in the last three bytes of the search before.
        let from = self.searched.saturating_sub(3);
        let rest = self.pending.get(from..).unwrap_or_default();
        let Some(found) = memchr::memmem::find(rest, b"\r\n\r\n") else {
            self.searched = self.pending.len();
            return if self.pending.len() > MAX_MESSAGE {
                Err(MalformedKind::TooLarge)
            } else {
                self.check_first_line()
            };
        };
        let body = from.saturating_add(found).saturating_add(4);
        let length = content_length(self.pending.get(..body).unwrap_or_default())?;
        let whole = usize::try_from(length).ok().and_then(|length| body.checked_add(length));
        whole.filter(|whole| *whole <= MAX_MESSAGE).map(Some).ok_or(MalformedKind::TooLarge)
    }

    /// What has no line end after this long is no start line.
    fn check_first_line(&self) -> Result<Option<usize>, MalformedKind> {
        let start = self.pending.get(..=MAX_LINE);
        if start.is_some_and(|start| memchr::memchr(b'\n', start).is_none()) {
            return Err(MalformedKind::LineTooLong);
        }
        Ok(None)
    }
}

/// The Content-Length of a header section: there, a number, and the same wherever it stands.
fn content_length(section: &[u8]) -> Result<u64, MalformedKind> {
    let index = super::scan::scan(section)?;
    let mut lengths = index.entries.iter().filter(|entry| entry.name == Name::ContentLength);
    let value = lengths.next().ok_or(MalformedKind::NoContentLength)?.value(section);
    if lengths.any(|entry| entry.value(section) != value) {
        return Err(MalformedKind::Conflicting(Name::ContentLength));
    }
    text::decimal(value).map_err(|why| MalformedKind::Field(Name::ContentLength, why))
}
