//! Accepting connections: the gate and the limits before a byte is read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use guard::{Service, TooMany};
use model::event;
use model::{Flow, Transport};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};

use super::door::{Door, Entrance};
use super::listeners::Wanted;
use super::stream;
use crate::shed::Cause;
use crate::web;

/// Pause after the system refused to give us a connection (out of file handles): it would only refuse again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Silence after which the kernel asks whether the peer is still there, and how often it asks again.
const PROBE_AFTER: Duration = Duration::from_secs(60);
const PROBE_INTERVAL: Duration = Duration::from_secs(20);

/// Accepts until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, wanted: Wanted, door: Arc<Door>) {
    loop {
        match listener.accept().await {
            Ok((socket, remote)) => match wanted.service {
                Service::Web => web::admit(&door, socket, remote),
                _ => admit(&door, wanted.transport, socket, remote),
            },
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn admit(door: &Arc<Door>, transport: Transport, socket: TcpStream, remote: SocketAddr) {
    let Ok(local) = socket.local_addr() else { return };
    // What may only finish a call does so on the connection that it has: a new one is something new.
    if !matches!(door.admit(remote, local), Some(Entrance::Any(_))) {
        reset(&socket);
        return;
    }
    let entered = door.connections().enter(remote.ip());
    if let Err(why) = entered {
        refuse(door, &socket, remote, why);
        return;
    }
    prepare(&socket);
    let flow = Flow { id: door.flows.mint(), transport, local, remote };
    stream::begin(door.clone(), flow, socket);
}

pub(crate) fn refuse(door: &Door, socket: &TcpStream, remote: SocketAddr, why: TooMany) {
    reset(socket);
    door.inbox.count_connection(Cause::Connection);
    door.report(&event::CONNECTION_REFUSED, remote.ip(), |event| {
        event.with("source", remote).with("why", why)
    });
}

/// Closing then sends a reset: the refused peer costs us no state, and learns at once.
pub(crate) fn reset(socket: &TcpStream) {
    // Failing to set it only makes the end politer.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

pub(crate) fn prepare(socket: &TcpStream) {
    // Both are improvements only; a connection without them works.
    let _ = socket.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_INTERVAL);
    let _ = SockRef::from(socket).set_tcp_keepalive(&keepalive);
}
