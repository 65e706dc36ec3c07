//! Connections to the console: admitted by the gate, counted, behind TLS, and handed to whoever speaks HTTP on them.
//!
//! A connection that was let in ends when its address is blocked or shut out later: its [`Ended`] says so, an answer on
//! its way is still given. Not here: HTTP, its time-outs and who may do what (`api`).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use guard::{Connections, Limits, Proof, Service, Verdict};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

use crate::sip::{Door, Overheard, accept, handshake};

/// Browsers open six connections each: fifty administrators and scripts behind one address, 500 connections in all, of
/// which a share is kept for addresses where somebody has signed in.
const LIMITS: Limits = Limits { total: 500, per_source: 100, unproven_per_source: 100, unproven: 350 };
/// Visitors that wait for whoever speaks HTTP: he takes them at once, so these are a burst's.
const WAITING: usize = 64;
/// How long a peer may take nothing of what is sent to it.
const STALLED: Duration = Duration::from_secs(20);

/// Who is at the console.
pub(crate) struct Visits {
    next: AtomicU64,
    open: Mutex<Open>,
    /// Where visitors go; nobody is let in before somebody takes them.
    taker: OnceLock<mpsc::Sender<Visit>>,
}

struct Open {
    counts: Connections,
    guests: HashMap<u64, (SocketAddr, watch::Sender<bool>), foldhash::fast::RandomState>,
}

impl Default for Visits {
    fn default() -> Visits {
        let open = Open { counts: Connections::new(LIMITS), guests: HashMap::default() };
        Visits { next: AtomicU64::new(0), open: Mutex::new(open), taker: OnceLock::new() }
    }
}

impl Visits {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the connections of those peers to end.
    pub(crate) fn end_if(&self, is_refused: impl Fn(SocketAddr) -> bool) {
        for (remote, end) in self.open().guests.values() {
            if is_refused(*remote) {
                end.send_replace(true);
            }
        }
    }
}

/// A connection to the console, its handshake done.
pub struct Visit {
    /// What is said on it.
    pub stream: WebStream,
    /// Who came.
    pub remote: SocketAddr,
    /// The address of ours that was reached.
    pub local: SocketAddr,
    /// When it has to end.
    pub ended: Ended,
}

/// Tells when a connection has to end, since its address is refused.
#[derive(Clone, Debug)]
pub struct Ended(watch::Receiver<bool>);

impl Ended {
    /// Done when it has to.
    pub async fn told(&mut self) {
        // An error means that the connection is gone, which ends it as well.
        let _ = self.0.wait_for(|ended| *ended).await;
    }
}

/// The name of a connection in the table; dropping it takes the connection out.
struct Guest {
    door: Arc<Door>,
    number: u64,
    remote: IpAddr,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.door.web.open();
        open.guests.remove(&self.number);
        open.counts.leave(self.remote, Proof::Unproven);
    }
}

impl Door {
    /// Takes what comes to the console from now on; the first who asks has it, nobody else.
    pub fn visits(&self) -> Option<mpsc::Receiver<Visit>> {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.web.taker.set(sender).is_ok().then_some(receiver)
    }

    /// Somebody has signed in from `source`: strangers can't take all its places.
    pub fn know_visitor(&self, source: IpAddr) {
        self.web.open().counts.know(source);
    }

    /// Whether `source` reaches the console now.
    pub fn admits_visitor(&self, source: SocketAddr) -> bool {
        !self.gate.refuses(Service::Web, source)
            || matches!(self.gate.admit(Service::Web, source, source), Verdict::Allow(_))
    }
}

/// Lets a connection in, or resets it before a byte is read.
pub(crate) fn admit(door: &Arc<Door>, socket: TcpStream, remote: SocketAddr) {
    let Ok(local) = socket.local_addr() else { return };
    let admitted = match door.gate.admit(Service::Web, remote, local) {
        Verdict::Allow(admitted) => admitted,
        Verdict::Deny | Verdict::EstablishedOnly(_) => return accept::reset(&socket),
    };
    let Some(taker) = door.web.taker.get().cloned() else { return accept::reset(&socket) };
    let number = door.web.next.fetch_add(1, Ordering::Relaxed);
    let (end, ended) = watch::channel(false);
    {
        let mut open = door.web.open();
        if let Err(why) = open.counts.enter(remote.ip()) {
            drop(open);
            return accept::refuse(door, &socket, remote, why);
        }
        open.guests.insert(number, (remote, end));
    }
    let guest = Guest { door: door.clone(), number, remote: remote.ip() };
    accept::prepare(&socket);
    tokio::spawn(async move {
        let _admitted = admitted;
        let mut ended = Ended(ended);
        let shaken = {
            let patience = guest.door.patience();
            let shake = handshake::shake(&patience, guest.door.certificates.web_acceptor(), socket);
            tokio::select! {
                shaken = Box::pin(shake) => shaken,
                () = ended.told() => return,
            }
        };
        match shaken {
            Ok(secured) => {
                let stream = WebStream { secured, stall: None, _guest: guest };
                // Whoever takes them has gone: the server stops.
                let _ = taker.send(Visit { stream, remote, local, ended }).await;
            }
            Err(trouble) => guest.door.report(trouble.kind(), remote.ip(), |event| {
                event.with("source", remote).with("service", "console").with("why", &trouble)
            }),
        }
    });
}

/// A visitor's connection. Writing fails once the peer has taken nothing for `STALLED`; dropping it counts it out.
pub struct WebStream {
    secured: TlsStream<Overheard>,
    stall: Option<Pin<Box<Sleep>>>,
    _guest: Guest,
}

impl WebStream {
    /// Lets a write that waits for the peer wait so long only.
    fn in_time<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stall = None;
            return polled;
        }
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALLED)));
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for WebStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.secured).poll_read(context, buffer)
    }
}

impl AsyncWrite for WebStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.secured).poll_write(context, bytes);
        self.in_time(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.secured).poll_flush(context);
        self.in_time(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.secured).poll_shutdown(context);
        self.in_time(context, polled)
    }
}
