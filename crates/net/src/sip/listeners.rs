//! Which signalling sockets are open, and how that changes without losing any: open the new, then let go of the old.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use guard::Service;
use model::live::Listener;
use model::{FlowId, Transport};
use tokio::task::JoinHandle;

use super::accept;
use super::door::Door;
use super::udp::UdpPort;
use crate::bind::{self, BindError};

/// A listener that the configuration asks for; port 0 is any free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// What is reached there: SIP, or the console.
    pub service: Service,
    /// How it travels.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

impl Wanted {
    /// The service in a word, for people.
    fn word(&self) -> &'static str {
        match self.service {
            Service::Web => "console",
            _ => "sip",
        }
    }
}

/// A bound socket that nobody reads yet.
enum Bound {
    Udp(Arc<UdpPort>),
    Stream(TcpListener),
}

/// A socket that is read.
struct Open {
    wanted: Wanted,
    local: SocketAddr,
    datagram: Option<FlowId>,
    task: JoinHandle<()>,
}

/// A wildcard that this machine has no address family for.
struct Missing {
    wanted: Wanted,
    why: String,
}

/// A change that is bound but not in force.
#[derive(Default)]
struct Pending {
    wanted: Vec<Wanted>,
    bound: Vec<(Wanted, SocketAddr, Bound)>,
    missing: Vec<Missing>,
    /// Listeners that had to be closed first, since the new ones cover their addresses.
    stepped_aside: Vec<Wanted>,
}

/// The signalling sockets. Call from within the tokio runtime.
pub struct Listeners {
    door: Arc<Door>,
    open: Vec<Open>,
    missing: Vec<Missing>,
    pending: Option<Pending>,
}

impl Listeners {
    /// None open.
    pub fn new(door: Arc<Door>) -> Listeners {
        Listeners { door, open: Vec::new(), missing: Vec::new(), pending: None }
    }

    /// Binds what is wanted and not open yet. Then either [`Listeners::commit`] or [`Listeners::roll_back`]. Bound ones are not
    /// read before the commit; unchanged ones go on being read.
    ///
    /// # Errors
    /// One can't be bound; everything is as before.
    pub async fn prepare(&mut self, wanted: &[Wanted]) -> Result<(), BindError> {
        self.roll_back().await;
        let mut pending = Pending { wanted: wanted.to_vec(), ..Pending::default() };
        for &entry in wanted {
            if self.open.iter().any(|open| open.wanted == entry) {
                continue;
            }
            if let Err(error) = self.bind_one(&mut pending, entry).await {
                self.pending = Some(pending);
                self.roll_back().await;
                return Err(BindError::new(entry.word(), entry.transport, entry.address, &error));
            }
        }
        self.pending = Some(pending);
        Ok(())
    }

    async fn bind_one(&mut self, pending: &mut Pending, wanted: Wanted) -> io::Result<()> {
        let mut result = self.bind(wanted);
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
            && self.step_aside(pending, wanted).await
        {
            result = self.bind(wanted);
        }
        match result {
            Ok((local, bound)) => pending.bound.push((wanted, local, bound)),
            // The defaults name both families; a machine without one of them still has the other.
            Err(error) if wanted.address.ip().is_unspecified() && bind::is_family_missing(&error) => {
                let why = "failed: this machine does not speak that version of IP".to_owned();
                pending.missing.push(Missing { wanted, why });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn bind(&self, wanted: Wanted) -> io::Result<(SocketAddr, Bound)> {
        match wanted.transport {
            Transport::Udp => {
                let port = UdpPort::new(self.door.flows.mint(), bind::sip_udp(wanted.address)?)?;
                Ok((port.bound, Bound::Udp(Arc::new(port))))
            }
            Transport::Tcp | Transport::Tls => {
                let listener = bind::sip_tcp(wanted.address)?;
                Ok((listener.local_addr()?, Bound::Stream(listener)))
            }
        }
    }

    /// Closes open listeners that overlap with `wanted` and are not wanted any more. Whether there were any.
    async fn step_aside(&mut self, pending: &mut Pending, wanted: Wanted) -> bool {
        let overlaps = |open: &Open| {
            open.wanted.transport.is_reliable() == wanted.transport.is_reliable()
                && open.local.port() == wanted.address.port()
                && open.local.is_ipv4() == wanted.address.is_ipv4()
                && (open.local.ip().is_unspecified() || wanted.address.ip().is_unspecified())
                && !pending.wanted.contains(&open.wanted)
        };
        let (aside, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open).into_iter().partition(overlaps);
        self.open = stay;
        let any = !aside.is_empty();
        for open in aside {
            pending.stepped_aside.push(Wanted { address: open.local, ..open.wanted });
            self.shut(open).await;
        }
        any
    }

    /// Reads the new ones and closes what is not wanted any more. Connections that were accepted live on.
    pub async fn commit(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        let (stay, leave): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|open| pending.wanted.contains(&open.wanted));
        self.open = stay;
        for open in leave {
            self.shut(open).await;
        }
        for (wanted, local, bound) in pending.bound {
            self.serve(wanted, local, bound);
        }
        self.missing = pending.missing;
    }

    /// Forgets a prepared change.
    pub async fn roll_back(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        drop(pending.bound);
        for wanted in pending.stepped_aside {
            // It was ours a moment ago; should somebody have taken it in between, `shown` will say so.
            match self.bind(wanted) {
                Ok((local, bound)) => self.serve(wanted, local, bound),
                Err(error) => self.missing.push(Missing { wanted, why: format!("failed: {error}") }),
            }
        }
    }

    fn serve(&mut self, wanted: Wanted, local: SocketAddr, bound: Bound) {
        let door = self.door.clone();
        let (datagram, task) = match bound {
            Bound::Udp(port) => {
                door.flows.add_datagram(port.clone());
                (Some(port.id), tokio::spawn(port.serve(door)))
            }
            Bound::Stream(listener) => match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => (None, tokio::spawn(accept::serve(listener, wanted, door))),
                Err(error) => {
                    self.missing.push(Missing { wanted, why: format!("failed: {error}") });
                    return;
                }
            },
        };
        self.open.push(Open { wanted, local, datagram, task });
    }

    /// Closes a listener; its port is free on return.
    async fn shut(&self, open: Open) {
        if let Some(id) = open.datagram {
            self.door.flows.remove_datagram(id);
        }
        open.task.abort();
        // Ends as cancelled, which is what was asked; then its socket is dropped.
        let _ = open.task.await;
    }

    /// Closes all.
    pub async fn close(&mut self) {
        self.roll_back().await;
        for open in std::mem::take(&mut self.open) {
            self.shut(open).await;
        }
    }

    /// What is bound, for `status` and `ports`.
    pub fn shown(&self) -> Vec<Listener> {
        let listener = |wanted: &Wanted, address: SocketAddr, state: &str| Listener {
            service: wanted.word().to_owned(),
            transport: wanted.transport,
            address: address.ip(),
            port: address.port(),
            state: state.to_owned(),
        };
        let open = self.open.iter().map(|open| listener(&open.wanted, open.local, "listening"));
        let missing = self
            .missing
            .iter()
            .map(|missing| listener(&missing.wanted, missing.wanted.address, &missing.why));
        open.chain(missing).collect()
    }
}
