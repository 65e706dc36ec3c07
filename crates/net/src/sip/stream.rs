//! One SIP connection: frames in, a bounded queue out, and the times after which it is over.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use guard::Proof;
use model::Flow;
use model::event;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use wire::sip::{Frame, FrameError, Malformed, StreamFramer};

use super::door::{Door, Entrance, Received};
use super::flows::StreamHandle;
use crate::inbox::Order;

/// Messages that wait to be written on one connection: a phone with twelve keys has a dozen answers on the way; more
/// means that it does not read.
const MAX_QUEUED: usize = 64;
/// Bytes read at once, on the stack of whoever reads.
const READ_BYTES: usize = 16_384;

/// What the control thread tells a connection.
#[derive(Debug, Default)]
pub(crate) struct StreamState {
    proven: AtomicBool,
}

impl StreamState {
    pub(crate) fn prove(&self) {
        self.proven.store(true, Ordering::Release);
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
}

/// Starts a connection's task. It is counted in; the task counts it out.
pub(crate) fn begin(door: Arc<Door>, entrance: Entrance, flow: Flow, socket: TcpStream) {
    let (queue, outgoing) = mpsc::channel(MAX_QUEUED);
    let state = Arc::<StreamState>::default();
    door.flows.add_stream(flow.id, StreamHandle { queue, state: state.clone() });
    let connection = Connection {
        door,
        entrance,
        flow,
        socket,
        outgoing,
        state,
        framer: StreamFramer::new(),
        unproven_bytes: 0,
        proof: Proof::Unproven,
    };
    tokio::spawn(connection.run());
}

struct Connection {
    door: Arc<Door>,
    entrance: Entrance,
    flow: Flow,
    socket: TcpStream,
    outgoing: mpsc::Receiver<Bytes>,
    state: Arc<StreamState>,
    framer: StreamFramer,
    unproven_bytes: usize,
    /// As counted in the table of connections.
    proof: Proof,
}

impl Connection {
    async fn run(mut self) {
        let end = self.serve().await;
        let source = self.flow.remote;
        self.door.flows.close(self.flow.id);
        self.door.connections().leave(source.ip(), self.proof);
        self.door.inbox.order(Order::Closed(self.flow.id));
        if !matches!(end, End::Peer | End::Ours) {
            self.door.report(&event::CONNECTION_ENDED, source.ip(), |event| {
                event.with("source", source).with("why", &end)
            });
        }
    }

    async fn serve(&mut self) -> End {
        let opened = Instant::now();
        let mut quiet_since = opened;
        // Until the first message is whole, and while one is not, the clock of half a message runs.
        let mut message_since = Some(opened);
        loop {
            let (deadline, end) = self.deadline(opened, quiet_since, message_since);
            let result = tokio::select! {
                biased;
                bytes = self.outgoing.recv() => match bytes {
                    Some(bytes) => self.write(&bytes).await,
                    None => Err(self.farewell().await),
                },
                ready = self.socket.readable() => match ready {
                    Ok(()) => self.read(&mut quiet_since, &mut message_since).await,
                    Err(error) => Err(error.into()),
                },
                () = tokio::time::sleep_until(deadline) => Err(end),
            };
            if let Err(end) = result {
                return end;
            }
            self.note_proof();
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

    async fn read(
        &mut self,
        quiet_since: &mut Instant,
        message_since: &mut Option<Instant>,
    ) -> Result<(), End> {
        if !self.fill()? {
            return Ok(());
        }
        let now = Instant::now();
        let mut whole = false;
        while let Some(frame) = self.framer.next()? {
            whole = true;
            match frame {
                Frame::KeepAlivePing => self.write(b"\r\n").await?,
                Frame::KeepAlivePong => {}
                Frame::Message(bytes) => self.message(bytes).await?,
            }
        }
        if whole {
            *quiet_since = now;
            *message_since = None;
        }
        if !self.state.is_proven() && self.framer.pending() > self.door.patience().unproven_pending {
            return Err(End::UnprovenBytes);
        }
        *message_since = if self.framer.pending() == 0 { None } else { message_since.or(Some(now)) };
        Ok(())
    }

    /// Reads what is there; `false`: nothing yet.
    fn fill(&mut self) -> Result<bool, End> {
        let mut buffer = [0_u8; READ_BYTES];
        match self.socket.try_read(&mut buffer) {
            Ok(0) => Err(End::Peer),
            Ok(count) => {
                if !self.state.is_proven() {
                    self.unproven_bytes = self.unproven_bytes.saturating_add(count);
                    if self.unproven_bytes > self.door.patience().unproven_bytes {
                        return Err(End::UnprovenBytes);
                    }
                }
                self.framer.push(buffer.get(..count).unwrap_or_default())?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn message(&mut self, bytes: Bytes) -> Result<(), End> {
        if let Received::Answer(Some(answer)) = self.door.receive(&self.entrance, self.flow, bytes) {
            self.write(&answer).await?;
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        match timeout(self.door.patience().write, self.socket.write_all(bytes)).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(End::Slow),
        }
    }

    /// The queue is closed and written: say so to the peer.
    async fn farewell(&mut self) -> End {
        // The peer may be gone already, which is as good.
        let _ = timeout(self.door.patience().write, self.socket.shutdown()).await;
        End::Ours
    }
}
