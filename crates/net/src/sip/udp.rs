//! SIP over UDP: batches in, the gate before the parser, answers out from the address that was asked.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use model::{Flow, FlowId, Transport};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use rustix::net::sockopt;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::door::{Door, Received};

/// Room for one receive: the kernel may hand over several datagrams of one sender at once (GRO), 64 KB together.
const RECEIVE_BYTES: usize = 65_535;
/// Datagrams up to this size that hold nothing but line ends or zeros keep a router's mapping alive; no answer.
const KEEP_ALIVE_BYTES: usize = 4;

/// A listening UDP socket.
pub(crate) struct UdpPort {
    pub(crate) id: FlowId,
    /// The address bound, perhaps a wildcard, with the real port.
    pub(crate) bound: SocketAddr,
    socket: UdpSocket,
    state: UdpSocketState,
}

impl UdpPort {
    /// Takes over a bound socket.
    pub(crate) fn new(id: FlowId, socket: std::net::UdpSocket) -> io::Result<UdpPort> {
        let bound = socket.local_addr()?;
        let state = UdpSocketState::new((&socket).into())?;
        allow_fragments(&socket, bound)?;
        Ok(UdpPort { id, bound, socket: UdpSocket::from_std(socket)?, state })
    }

    /// Whether a flow with our address `local` ran over this socket.
    pub(crate) fn covers(&self, local: SocketAddr) -> bool {
        self.bound.port() == local.port()
            && self.bound.is_ipv4() == local.is_ipv4()
            && (self.bound.ip().is_unspecified() || self.bound.ip() == local.ip())
    }

    /// Sends one datagram, now or never.
    pub(crate) fn send(&self, flow: &Flow, bytes: &[u8]) -> io::Result<()> {
        let src_ip = self.bound.ip().is_unspecified().then(|| flow.local.ip());
        let transmit =
            Transmit { destination: flow.remote, ecn: None, contents: bytes, segment_size: None, src_ip };
        self.state.try_send((&self.socket).into(), &transmit)
    }

    /// Our concrete address that a datagram was sent to.
    fn local(&self, meta: &RecvMeta) -> SocketAddr {
        match meta.dst_ip {
            Some(ip) if self.bound.ip().is_unspecified() => SocketAddr::new(ip, self.bound.port()),
            _ => self.bound,
        }
    }

    /// Reads until the task is dropped.
    pub(crate) async fn serve(self: Arc<UdpPort>, door: Arc<Door>) {
        let mut storage = vec![0_u8; RECEIVE_BYTES * BATCH_SIZE];
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            if self.socket.readable().await.is_err() {
                return;
            }
            let mut slices: Vec<IoSliceMut<'_>> =
                storage.chunks_exact_mut(RECEIVE_BYTES).map(IoSliceMut::new).collect();
            let mut count = 0;
            // An error is "nothing there", or an ICMP message about something sent before: the next receive goes on.
            let _ = self.socket.try_io(Interest::READABLE, || {
                count = self.state.recv((&self.socket).into(), &mut slices, &mut metas)?;
                // Fewer than there was room for: that was all, so the runtime may wait at once instead of being told so
                // by another receive. What arrives from now on makes the socket ready anew.
                if count < BATCH_SIZE { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            for (slice, meta) in slices.iter().zip(&metas).take(count) {
                let whole = slice.get(..meta.len).unwrap_or_default();
                for datagram in whole.chunks(meta.stride.max(1)) {
                    self.take(&door, meta, datagram);
                }
            }
            if count == BATCH_SIZE {
                // Under a flood there is always more, and this task would never let go of its thread: other sockets, the
                // control socket and the console have their turn after each batch.
                tokio::task::yield_now().await;
            }
        }
    }

    fn take(&self, door: &Door, meta: &RecvMeta, datagram: &[u8]) {
        let local = self.local(meta);
        let Some(entrance) = door.admit(meta.addr, local) else { return };
        if datagram.len() <= KEEP_ALIVE_BYTES && datagram.iter().all(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return;
        }
        if door.drops_unread(meta.addr.ip(), datagram) {
            return;
        }
        let flow = Flow { id: self.id, transport: Transport::Udp, local, remote: meta.addr };
        // Copied, so that a message kept for long does not keep the whole batch's storage with it.
        if let Received::Answer(Some(answer)) =
            door.receive(&entrance, flow, Bytes::copy_from_slice(datagram))
        {
            // Would block, or unreachable: who gets such an answer may do without.
            let _ = self.send(&flow, &answer);
        }
    }
}

/// SIP messages over UDP may be longer than a packet and must then be cut in fragments, which the library that reads
/// batches forbids for its own protocol's sake.
fn allow_fragments(socket: &std::net::UdpSocket, bound: SocketAddr) -> io::Result<()> {
    if bound.is_ipv4() {
        sockopt::set_ip_mtu_discover(socket, sockopt::Ipv4PathMtuDiscovery::DONT)?;
    } else {
        sockopt::set_ipv6_mtu_discover(socket, sockopt::Ipv6PathMtuDiscovery::DONT)?;
        nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::Ipv6DontFrag, &false)?;
    }
    Ok(())
}
