//! One SIP connection, plain or TLS: frames in, a bounded queue out, and the times after which it is over.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::ready;

use bytes::Bytes;
use guard::Proof;
use model::event;
use model::{Flow, Transport};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use wire::sip::{Frame, FrameError, Malformed, StreamFramer};

use super::accept::reset;
use super::door::{Door, Entrance, Received};
use super::flows::StreamHandle;
use super::handshake::{self, Trouble};
use crate::inbox::Order;
use crate::shed::Cause;
use crate::tls::Offer;

/// Messages that wait to be written on one connection: a phone with twelve keys has a dozen answers on the way; more
/// means that it does not read.
const MAX_QUEUED: usize = 64;
/// Bytes read at once, on the stack of whoever reads.
const READ_BYTES: usize = 16_384;
/// The same of a stranger, who then waits until all others had their turn: some ten requests, where hundreds of strangers with as
/// much as can be read would keep accepting, the control socket and the office's phones waiting for seconds.
const STRANGER_READ_BYTES: usize = 4_096;

/// What a refused peer was answered before is written within this, or not at all.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(1);

/// First byte of a TLS connection (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What the control thread tells a connection.
#[derive(Debug, Default)]
pub(crate) struct StreamState {
    proven: AtomicBool,
    refused: AtomicBool,
}

impl StreamState {
    pub(crate) fn prove(&self) {
        self.proven.store(true, Ordering::Release);
    }

    /// The peer's address is refused from now on: the connection ends with a reset.
    pub(crate) fn refuse(&self) {
        self.refused.store(true, Ordering::Release);
    }

    fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Acquire)
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the peer closed it")]
    Peer,
    #[error("we closed it")]
    Ours,
    #[error("its address is refused")]
    Refused,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Framing(#[from] Malformed),
    #[error("{0}")]
    Pending(#[from] FrameError),
    #[error("idle for too long")]
    Idle,
    #[error("nobody signed in")]
    Unproven,
    #[error("too many bytes before signing in")]
    UnprovenBytes,
    #[error("the peer does not take what is sent")]
    Slow,
    #[error("{0}")]
    Handshake(#[from] Trouble),
    #[error("TLS came to a port for plain SIP")]
    UnexpectedTls,
}

/// Starts a connection's task. It is counted in; the task counts it out.
pub(crate) fn begin(door: Arc<Door>, flow: Flow, socket: TcpStream) {
    let (queue, outgoing) = mpsc::channel(MAX_QUEUED);
    let state = Arc::<StreamState>::default();
    door.flows.add_stream(flow.id, StreamHandle { queue, state: state.clone(), remote: flow.remote });
    let door_halves = door.halves.clone();
    let connection = Connection {
        door,
        flow,
        outgoing,
        state,
        framer: StreamFramer::new(),
        half: Half { all: door_halves, bytes: 0 },
        unproven_bytes: 0,
        proof: Proof::Unproven,
    };
    tokio::spawn(connection.run(socket));
}

/// What a stranger takes of the room for half messages, given back when he has signed in or is gone.
struct Half {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Half {
    /// He takes so many bytes now, and all of them so many.
    fn takes(&mut self, bytes: usize) -> usize {
        let before = self.all.fetch_add(bytes, Ordering::Relaxed);
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
        let own = std::mem::replace(&mut self.bytes, bytes);
        before.saturating_add(bytes).saturating_sub(own)
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        self.takes(0);
    }
}

struct Connection {
    door: Arc<Door>,
    flow: Flow,
    outgoing: mpsc::Receiver<Bytes>,
    state: Arc<StreamState>,
    framer: StreamFramer,
    half: Half,
    unproven_bytes: usize,
    /// As counted in the table of connections.
    proof: Proof,
}

impl Connection {
    async fn run(mut self, mut socket: TcpStream) {
        let end = match self.flow.transport {
            Transport::Tls => self.serve_secured(socket).await,
            Transport::Tcp | Transport::Udp => {
                let end = self.serve(&mut socket).await;
                end.reset(&socket);
                end
            }
        };
        let source = self.flow.remote;
        self.door.flows.close(self.flow.id);
        self.door.connections().leave(source.ip(), self.proof);
        self.door.inbox.order(Order::Closed(self.flow.id));
        if let Some(cause) = end.shed() {
            self.door.inbox.count_connection(cause);
        }
        if !matches!(end, End::Peer | End::Ours | End::Refused) {
            self.door.report(end.kind(), source.ip(), |event| {
                let event = event.with("source", source).with("why", &end);
                match end.offer() {
                    Some(offer) => event.with("offered", offer),
                    None => event,
                }
            });
        }
    }

    async fn serve_secured(&mut self, socket: TcpStream) -> End {
        // In a box of its own: what a handshake needs is given back when it is done.
        let shaken = {
            let (patience, acceptor) = (self.door.patience(), self.door.certificates.acceptor());
            Box::pin(handshake::shake(&patience, acceptor, socket)).await
        };
        match shaken {
            Ok(mut secured) => {
                let end = self.serve(&mut secured).await;
                end.reset(secured.get_ref().0.socket());
                end
            }
            Err(trouble) => trouble.into(),
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&mut self, socket: &mut S) -> End {
        let opened = Instant::now();
        let mut quiet_since = opened;
        // Until the first message is whole, and while one is not, the clock of half a message runs.
        let mut message_since = Some(opened);
        loop {
            let (deadline, end) = self.deadline(opened, quiet_since, message_since);
            let most = if self.proof == Proof::Proven { READ_BYTES } else { STRANGER_READ_BYTES };
            let result = tokio::select! {
                biased;
                bytes = self.outgoing.recv() => match bytes {
                    Some(bytes) => self.write(socket, &bytes).await,
                    None if self.state.is_refused() => Err(End::Refused),
                    None => Err(self.farewell(socket).await),
                },
                read = fill(socket, &mut self.framer, most) => match read {
                    Ok(came) => self.heard(socket, came, &mut quiet_since, &mut message_since).await,
                    Err(end) => Err(end),
                },
                () = tokio::time::sleep_until(deadline) => Err(end),
            };
            if let Err(end) = result {
                if matches!(end, End::Refused) {
                    self.last_words(socket).await;
                }
                return end;
            }
            self.note_proof();
            if self.proof == Proof::Unproven {
                tokio::task::yield_now().await;
            }
        }
    }

    /// When the connection is over if nothing comes, and why.
    fn deadline(
        &self,
        opened: Instant,
        quiet_since: Instant,
        message_since: Option<Instant>,
    ) -> (Instant, End) {
        let patience = self.door.patience();
        let (quiet, end) = if self.state.is_proven() {
            (quiet_since + patience.proven_idle, End::Idle)
        } else {
            (opened + patience.unproven, End::Unproven)
        };
        match message_since.map(|since| since + patience.message).filter(|whole| *whole < quiet) {
            Some(whole) => (whole, End::Idle),
            None => (quiet, end),
        }
    }

    fn note_proof(&mut self) {
        if self.proof == Proof::Unproven && self.state.is_proven() {
            self.proof = Proof::Proven;
            self.door.connections().prove(self.flow.remote.ip());
        }
    }

    async fn heard<S: AsyncWrite + Unpin>(
        &mut self,
        socket: &mut S,
        came: Came,
        quiet_since: &mut Instant,
        message_since: &mut Option<Instant>,
    ) -> Result<(), End> {
        if !self.state.is_proven() {
            if self.unproven_bytes == 0
                && came.first == TLS_HANDSHAKE
                && self.flow.transport == Transport::Tcp
            {
                return Err(End::UnexpectedTls);
            }
            self.unproven_bytes = self.unproven_bytes.saturating_add(came.count);
            if self.unproven_bytes > self.door.patience().unproven_bytes {
                return Err(End::UnprovenBytes);
            }
        }
        let now = Instant::now();
        let mut whole = false;
        while let Some(frame) = self.framer.next()? {
            whole = true;
            // Asked for each, not once: who was let in may be refused by now.
            let Some(entrance) = self.door.admit(self.flow.remote, self.flow.local) else {
                return Err(End::Refused);
            };
            match frame {
                Frame::KeepAlivePing => self.write(socket, b"\r\n").await?,
                Frame::KeepAlivePong => {}
                Frame::Message(bytes) => self.message(socket, &entrance, bytes).await?,
            }
        }
        if whole {
            *quiet_since = now;
            *message_since = None;
        }
        self.holds_half()?;
        *message_since = if self.framer.pending() == 0 { None } else { message_since.or(Some(now)) };
        Ok(())
    }

    /// Half a message takes room, of which strangers have little, one and all.
    fn holds_half(&mut self) -> Result<(), End> {
        let (own, patience) = (self.framer.pending(), self.door.patience());
        if self.state.is_proven() {
            self.half.takes(0);
            return Ok(());
        }
        let all = self.half.takes(own);
        let is_too_much =
            own > patience.unproven_pending || (own > 0 && all > patience.unproven_pending_of_all);
        if is_too_much { Err(End::UnprovenBytes) } else { Ok(()) }
    }

    async fn message<S: AsyncWrite + Unpin>(
        &mut self,
        socket: &mut S,
        entrance: &Entrance,
        bytes: Bytes,
    ) -> Result<(), End> {
        if let Received::Answer(Some(answer)) = self.door.receive(entrance, self.flow, bytes) {
            self.write(socket, &answer).await?;
        }
        Ok(())
    }

    async fn write<S: AsyncWrite + Unpin>(&mut self, socket: &mut S, bytes: &[u8]) -> Result<(), End> {
        let written = async {
            socket.write_all(bytes).await?;
            // TLS keeps what did not fit the kernel's buffer.
            socket.flush().await
        };
        match timeout(self.door.patience().write, written).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(End::Slow),
        }
    }

    /// What was answered before the refusal is still written, the answer to the failure that led to it among it; the queue is
    /// closed after that.
    async fn last_words<S: AsyncWrite + Unpin>(&mut self, socket: &mut S) {
        let all = async {
            while let Some(bytes) = self.outgoing.recv().await {
                if socket.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            // TLS keeps what did not fit the kernel's buffer.
            let _ = socket.flush().await;
        };
        // Whoever does not read it in time does without.
        let _ = timeout(LAST_WORDS, all).await;
    }

    /// The queue is closed and written: say so to the peer.
    async fn farewell<S: AsyncWrite + Unpin>(&mut self, socket: &mut S) -> End {
        // The peer may be gone already, which is as good.
        let _ = timeout(self.door.patience().write, socket.shutdown()).await;
        End::Ours
    }
}

impl End {
    /// Who is refused learns so by a reset: no word of ours follows.
    fn reset(&self, socket: &TcpStream) {
        if matches!(self, End::Refused) {
            reset(socket);
        }
    }

    /// As what it is counted, if its peer held a place without need.
    fn shed(&self) -> Option<Cause> {
        match self {
            End::Slow => Some(Cause::Slow),
            End::Idle | End::Unproven | End::UnprovenBytes => Some(Cause::Idler),
            End::Handshake(Trouble::Slow | Trouble::TooLong) => Some(Cause::Idler),
            _ => None,
        }
    }

    fn offer(&self) -> Option<&Offer> {
        match self {
            End::Handshake(trouble) => trouble.offer(),
            _ => None,
        }
    }

    fn kind(&self) -> &'static event::Kind {
        match self {
            End::Handshake(trouble) => trouble.kind(),
            End::UnexpectedTls => &event::WRONG_PORT,
            _ => &event::CONNECTION_ENDED,
        }
    }
}

/// What a read brought.
struct Came {
    count: usize,
    first: u8,
}

/// Reads what is there, at least a byte and at most so many.
async fn fill<S: AsyncRead + Unpin>(
    socket: &mut S,
    framer: &mut StreamFramer,
    most: usize,
) -> Result<Came, End> {
    poll_fn(|context| {
        let mut bytes = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(bytes.get_mut(..most).unwrap_or_default());
        let read = ready!(Pin::new(&mut *socket).poll_read(context, &mut buffer));
        let came = match (read, buffer.filled().first()) {
            // Few peers end TLS with a word (RFC 5246 section 7.2.1); to us it is the same end.
            (Err(error), _) if error.kind() == io::ErrorKind::UnexpectedEof => Err(End::Peer),
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(End::Peer),
            (Ok(()), Some(&first)) => framer
                .push(buffer.filled())
                .map(|()| Came { count: buffer.filled().len(), first })
                .map_err(End::from),
        };
        std::task::Poll::Ready(came)
    })
    .await
}
