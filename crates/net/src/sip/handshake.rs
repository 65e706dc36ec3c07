//! The TLS handshake of an accepted connection: bounded in time and bytes, and explained when it fails.
//!
//! What the peer said first is kept while it lasts, so that one line of the log can name what it offered.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use model::event;
use rustls::{AlertDescription, Error, PeerIncompatible};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::door::Patience;
use crate::tls::{Kind, Offer};

/// Bytes kept of what a peer says first: a ClientHello has 200 to 600, with a post-quantum key share 1,800.
const MAX_HEARD: usize = 2_048;
/// Bytes that may come behind our part: the rest of the peer's, of less than a kilobyte, and the first record of what it has
/// to say, which a browser sends along with it (RFC 5246 section 6.2.3: 18 KB; RFC 8446 section 5.2: less).
const MAX_BEHIND: usize = 1_024 + 5 + (16 << 10) + 2_048;

/// Why there is no TLS with a peer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the peer began no handshake, or did not end it in time")]
    Slow,
    #[error("the peer's part of the handshake is too long")]
    TooLong,
    #[error("the peer went away during the handshake: {0}")]
    Gone(io::Error),
    #[error("plain SIP came to a port for TLS")]
    PlainSip,
    #[error("this is no TLS")]
    NoTls,
    #[error("nothing in common: {why}")]
    NothingInCommon { why: &'static str, offer: Offer },
    #[error("{0}")]
    Refused(&'static str),
    #[error("{0}")]
    Broken(String),
}

impl Trouble {
    /// The event that tells of it.
    pub(crate) fn kind(&self) -> &'static event::Kind {
        match self {
            Trouble::PlainSip => &event::WRONG_PORT,
            Trouble::NothingInCommon { .. } | Trouble::Refused(_) => &event::TLS_REFUSED,
            Trouble::Slow | Trouble::TooLong | Trouble::Gone(_) | Trouble::NoTls | Trouble::Broken(_) => {
                &event::CONNECTION_ENDED
            }
        }
    }

    fn of(error: io::Error, opening: &Opening) -> Trouble {
        let heard = &opening.heard;
        match Kind::of(heard) {
            Kind::PlainSip => return Trouble::PlainSip,
            Kind::Other => return Trouble::NoTls,
            Kind::Tls if opening.room == 0 => return Trouble::TooLong,
            Kind::Tls => {}
        }
        let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
            return Trouble::Gone(error);
        };
        if let Error::AlertReceived(alert) = tls {
            return Trouble::Refused(alerted(*alert));
        }
        let Some(offer) = Offer::read(heard) else {
            return Trouble::Broken(format!("the handshake failed: {tls}"));
        };
        // What it offers says more than what the library looked at first.
        let why = match tls {
            _ if !offer.has_version() => "TLS 1.2 or 1.3 is needed",
            _ if !offer.has_suite() => "a cipher suite with ECDHE and AES-GCM or ChaCha20-Poly1305 is needed",
            Error::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon) => {
                "a key exchange over X25519, P-256 or P-384 is needed"
            }
            Error::PeerIncompatible(_) | Error::General(_) => {
                "a signature by ECDSA P-256 or by RSA with SHA-256 is needed"
            }
            other => return Trouble::Broken(format!("the handshake failed: {other}")),
        };
        Trouble::NothingInCommon { why, offer }
    }

    /// What the peer offered, where that is the trouble.
    pub(crate) fn offer(&self) -> Option<&Offer> {
        match self {
            Trouble::NothingInCommon { offer, .. } => Some(offer),
            _ => None,
        }
    }
}

fn alerted(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateExpired => {
            "the phone does not trust our certificate; load what `ringwall ca` prints into it"
        }
        AlertDescription::ProtocolVersion => "the phone wants another version of TLS than 1.2 or 1.3",
        _ => "the phone broke the handshake off",
    }
}

/// Does the handshake.
pub(crate) async fn shake(
    patience: &Patience,
    acceptor: &TlsAcceptor,
    socket: TcpStream,
) -> Result<TlsStream<Overheard>, Trouble> {
    // The library would keep an unfinished message of 64 KB for whoever claims to send one.
    let opening = Opening { heard: Vec::new(), room: patience.unproven_pending };
    let accepting = acceptor.accept(Overheard { socket, opening: Some(opening) });
    match timeout(patience.message, accepting.into_fallible()).await {
        Ok(Ok(mut secured)) => {
            secured.get_mut().0.opening = None;
            Ok(secured)
        }
        Ok(Err((error, overheard))) => Err(Trouble::of(error, &overheard.opening.unwrap_or_default())),
        Err(_) => Err(Trouble::Slow),
    }
}

/// What came during the handshake.
#[derive(Default)]
struct Opening {
    /// The first bytes.
    heard: Vec<u8>,
    /// Bytes that may still come before the handshake is done, or we say something to what came.
    room: usize,
}

/// A connection of which the first bytes are kept, and all are counted, until the handshake is done.
pub(crate) struct Overheard {
    socket: TcpStream,
    opening: Option<Opening>,
}

impl Overheard {
    /// The connection itself.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

impl AsyncRead for Overheard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.opening.as_ref().is_some_and(|opening| opening.room == 0) {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.socket).poll_read(context, buffer);
        if let Some(Opening { heard, room }) = &mut self.opening {
            let new = buffer.filled().get(before..).unwrap_or_default();
            *room = room.saturating_sub(new.len());
            let kept = MAX_HEARD.saturating_sub(heard.len()).min(new.len());
            heard.extend_from_slice(new.get(..kept).unwrap_or_default());
        }
        polled
    }
}

impl AsyncWrite for Overheard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(opening) = &mut self.opening {
            // What is answered is not kept any more.
            opening.room = MAX_BEHIND;
        }
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
