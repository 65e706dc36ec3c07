//! A thin layer over epoll for one shard: which sockets have a packet, and the doorbell that ends a wait.

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use media::Port;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};

/// Sockets looked at per wait. Each gets one packet read before the next wait, which is fair; a busy one comes again.
const MAX_READY: usize = 512;
const DOORBELL: u64 = u64::MAX;

/// Ends another thread's wait.
#[derive(Clone, Debug)]
pub struct Doorbell(Arc<OwnedFd>);

impl Doorbell {
    /// Rings; a bell that rings already stays so.
    pub fn ring(&self) {
        // Fails only when it has been rung 2^64 times without an answer.
        let _ = rustix::io::write(self.0.as_fd(), &1_u64.to_ne_bytes());
    }
}

/// What is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Somebody rang.
    Rung,
    /// A leg's socket has a packet.
    Packet(usize, Port),
}

/// The sockets of one shard.
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
    doorbell: Doorbell,
}

/// What one wait found. Stays on its thread.
pub struct Batch(Vec<epoll::Event>);

impl Batch {
    /// Room for a whole wait.
    pub fn new() -> Batch {
        Batch(Vec::with_capacity(MAX_READY))
    }
}

impl Poller {
    /// Without sockets.
    ///
    /// # Errors
    /// No file handle is free.
    pub fn new() -> io::Result<Poller> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &bell, EventData::new_u64(DOORBELL), EventFlags::IN)?;
        Ok(Poller { epoll, doorbell: Doorbell(Arc::new(bell)) })
    }

    /// The bell of this poller.
    pub fn doorbell(&self) -> Doorbell {
        self.doorbell.clone()
    }

    /// Looks after a leg's socket too. Closing the socket ends it.
    ///
    /// # Errors
    /// The kernel has no memory for it.
    pub fn watch(&self, socket: &UdpSocket, slot: usize, port: Port) -> io::Result<()> {
        let data = (u64::try_from(slot).unwrap_or(DOORBELL) << 1) | u64::from(port == Port::Rtcp);
        epoll::add(&self.epoll, socket, EventData::new_u64(data), EventFlags::IN)?;
        Ok(())
    }

    /// Waits for packets, the bell, or `timeout`. How many are ready.
    pub fn wait(&self, batch: &mut Batch, timeout: Option<Duration>) -> usize {
        batch.0.clear();
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // Interrupted by a signal: nothing is ready, and the caller waits again.
        epoll::wait(&self.epoll, spare_capacity(&mut batch.0), timeout.as_ref()).unwrap_or(0)
    }

    /// What is ready at this place of a batch.
    pub fn ready(&self, batch: &Batch, place: usize) -> Option<Ready> {
        let data = batch.0.get(place)?.data.u64();
        if data == DOORBELL {
            let mut count = [0; 8];
            // Nothing in it: it was rung once for two reasons.
            let _ = rustix::io::read(self.doorbell.0.as_fd(), &mut count);
            return Some(Ready::Rung);
        }
        let port = if data & 1 == 0 { Port::Rtp } else { Port::Rtcp };
        Some(Ready::Packet(usize::try_from(data >> 1).ok()?, port))
    }
}
