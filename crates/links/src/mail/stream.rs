//! The way to a mail server before it is encrypted.
//!
//! Two things of it are bounded: how much the server may say, and how much of it is read ahead. What it says in clear is handed on
//! byte by byte, so that nothing of it is left over when TLS begins: a line that somebody slipped in behind the answer to
//! STARTTLS would else be taken for the first answer of the encrypted server (as in CVE-2011-0411). Now it spoils the handshake.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::limits::MAX_ANSWERS;

#[derive(Debug)]
pub(super) struct Plain {
    stream: TcpStream,
    left: u64,
}

impl Plain {
    pub fn new(stream: TcpStream) -> Plain {
        Plain { stream, left: MAX_ANSWERS }
    }
}

impl AsyncTokioStream for Plain {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::other("the server says too much")));
        }
        let mut byte = [0; 1];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut one))?;
        if buf.remaining() >= one.filled().len() {
            buf.put_slice(one.filled());
        }
        self.left = self.left.saturating_sub(1);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Plain {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
