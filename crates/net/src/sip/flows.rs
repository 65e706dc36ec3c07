//! The table of flows: how an answer gets to where its request came from.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use guard::Places;
use ipnet::IpNet;
use model::{Flow, FlowId, Transport};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::door::Counters;
use super::stream::StreamState;
use super::udp::UdpPort;

/// Messages that may wait to be written to a stranger: challenges to a phone that registers twelve lines at once.
const MAX_QUEUED_TO_STRANGER: usize = 16;

/// What became of bytes to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// On their way.
    Yes,
    /// Dropped and counted: UDP retransmits.
    Dropped,
    /// The connection is gone, or was closed because its peer does not take what we send.
    Closed,
}

/// The sending half of a connection.
pub(crate) struct StreamHandle {
    pub(crate) queue: mpsc::Sender<Bytes>,
    pub(crate) state: Arc<StreamState>,
    pub(crate) remote: SocketAddr,
}

#[derive(Default)]
struct Table {
    datagram: Vec<Arc<UdpPort>>,
    streams: HashMap<FlowId, StreamHandle, foldhash::fast::RandomState>,
    /// Where the other ends of `streams` are.
    places: Places<FlowId>,
}

impl Table {
    fn remove(&mut self, id: FlowId) -> Option<StreamHandle> {
        let stream = self.streams.remove(&id)?;
        self.places.remove(stream.remote.ip(), id);
        Some(stream)
    }
}

/// All flows that can be sent on.
pub struct Flows {
    next: AtomicU64,
    table: RwLock<Table>,
    counters: Arc<Counters>,
}

impl Flows {
    pub(crate) fn new(counters: Arc<Counters>) -> Flows {
        Flows { next: AtomicU64::new(1), table: RwLock::default(), counters }
    }

    /// A name never used before.
    pub(crate) fn mint(&self) -> FlowId {
        FlowId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Sends one message. Never waits.
    pub fn send(&self, flow: &Flow, bytes: &Bytes) -> Sent {
        match flow.transport {
            Transport::Udp => self.send_datagram(flow, bytes),
            Transport::Tcp | Transport::Tls => self.send_on_stream(flow.id, bytes),
        }
    }

    fn send_datagram(&self, flow: &Flow, bytes: &[u8]) -> Sent {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        // After a restart or a change of listeners the socket has another name; its address still tells.
        let named = table.datagram.iter().find(|port| port.id == flow.id);
        let port = named.or_else(|| table.datagram.iter().find(|port| port.covers(flow.local)));
        match port.map(|port| port.send(flow, bytes)) {
            Some(Ok(())) => Sent::Yes,
            Some(Err(_)) | None => {
                self.counters.unsent.fetch_add(1, Ordering::Relaxed);
                Sent::Dropped
            }
        }
    }

    fn send_on_stream(&self, id: FlowId, bytes: &Bytes) -> Sent {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let Some(stream) = table.streams.get(&id) else { return Sent::Closed };
        let waiting = stream.queue.max_capacity().saturating_sub(stream.queue.capacity());
        if waiting < MAX_QUEUED_TO_STRANGER || stream.state.is_proven() {
            match stream.queue.try_send(bytes.clone()) {
                Ok(()) => return Sent::Yes,
                Err(TrySendError::Closed(_)) => return Sent::Closed,
                Err(TrySendError::Full(_)) => {}
            }
        }
        drop(table);
        self.counters.slow.fetch_add(1, Ordering::Relaxed);
        self.close(id);
        Sent::Closed
    }

    /// Lets a connection end once its queue is written.
    pub fn close(&self, id: FlowId) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.remove(id);
    }

    /// Ends the connections with those peers at once, with a reset.
    pub(crate) fn reset_if(&self, is_refused: impl Fn(SocketAddr) -> bool) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let refused = table.streams.iter().filter(|(_, stream)| is_refused(stream.remote));
        let refused: Vec<FlowId> = refused.map(|(id, _)| *id).collect();
        refused.into_iter().filter_map(|id| table.remove(id)).for_each(|stream| stream.state.refuse());
    }

    /// The same for the peers of one network, without a look at all others.
    pub(crate) fn reset_within(&self, network: IpNet, is_refused: impl Fn(SocketAddr) -> bool) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let there: Vec<FlowId> = table.places.within(network).collect();
        drop(table);
        if there.is_empty() {
            return;
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for id in there {
            if table.streams.get(&id).is_some_and(|stream| is_refused(stream.remote))
                && let Some(stream) = table.remove(id)
            {
                stream.state.refuse();
            }
        }
    }

    /// Somebody signed in on a connection.
    pub fn prove(&self, id: FlowId) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = table.streams.get(&id) {
            stream.state.prove();
        }
    }

    /// Whether somebody has signed in on a connection; `true` for what is no connection.
    pub fn is_proven(&self, id: FlowId) -> bool {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.streams.get(&id).is_none_or(|stream| stream.state.is_proven())
    }

    /// The flow on which a phone of before a restart is reached again: `None` for a stream, which the phone must
    /// open, and where no socket listens any more at the address that the phone knows.
    pub fn restored(&self, transport: Transport, local: SocketAddr, remote: SocketAddr) -> Option<Flow> {
        if transport != Transport::Udp {
            return None;
        }
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let port = table.datagram.iter().find(|port| port.covers(local))?;
        Some(Flow { id: port.id, transport, local, remote })
    }

    pub(crate) fn add_stream(&self, id: FlowId, stream: StreamHandle) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.places.add(stream.remote.ip(), id);
        table.streams.insert(id, stream);
    }

    pub(crate) fn add_datagram(&self, port: Arc<UdpPort>) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.datagram.push(port);
    }

    pub(crate) fn remove_datagram(&self, id: FlowId) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.datagram.retain(|port| port.id != id);
    }

    /// Ends every connection, as the server stops.
    pub fn close_all(&self) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.streams.clear();
        table.places = Places::default();
    }
}
