//! Connections: bytes arrive in order, whole messages are cut out of them at both ends, each end learns by itself that
//! the connection is gone.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::{Flow, FlowId, Mono};
use wire::sip::{Frame, StreamFramer};

/// One connection of a phone's.
pub(super) struct Stream {
    pub host: usize,
    pub flow: Flow,
    pub to_server: StreamFramer,
    pub to_phone: StreamFramer,
    pub server_open: bool,
    pub phone_open: bool,
    pub last_arrival: [Mono; 2],
}

/// All connections.
#[derive(Default)]
pub(super) struct Streams {
    pub open: BTreeMap<FlowId, Stream>,
    /// The one that a phone uses.
    pub of_host: BTreeMap<usize, FlowId>,
    last: u64,
}

impl Streams {
    pub fn new() -> Streams {
        Streams { last: 9, ..Streams::default() }
    }

    pub fn next_id(&mut self) -> FlowId {
        self.last += 1;
        FlowId(self.last)
    }

    pub fn add(&mut self, host: usize, flow: Flow) {
        let stream = Stream {
            host,
            flow,
            to_server: StreamFramer::new(),
            to_phone: StreamFramer::new(),
            server_open: true,
            phone_open: true,
            last_arrival: [Mono::ZERO; 2],
        };
        self.open.insert(flow.id, stream);
        self.of_host.insert(host, flow.id);
    }

    /// Forgets connections that both ends have closed.
    pub fn sweep(&mut self) {
        self.open.retain(|_, stream| stream.server_open || stream.phone_open);
    }
}

/// Whole messages in what arrived; keep-alives are left out. `None`: the framing is broken.
pub(super) fn messages(framer: &mut StreamFramer, bytes: &[u8]) -> Option<Vec<Bytes>> {
    framer.push(bytes).ok()?;
    let mut found = Vec::new();
    loop {
        match framer.next() {
            Ok(Some(Frame::Message(message))) => found.push(message),
            Ok(Some(Frame::KeepAlivePing | Frame::KeepAlivePong)) => {}
            Ok(None) => return Some(found),
            Err(_) => return None,
        }
    }
}
