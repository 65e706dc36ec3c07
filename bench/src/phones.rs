//! Many phones in one thread: a socket and an address for each, one epoll for all.

use rustix::event::epoll;
use rustix::fs::Timespec;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Looking again at least so often keeps a lost wake-up from hanging a run.
const LONGEST_WAIT: Duration = Duration::from_millis(20);
/// Ready sockets taken at a time.
const BATCH: usize = 256;

/// The phones' sockets.
pub struct Phones {
    sockets: Vec<UdpSocket>,
    addresses: Vec<SocketAddrV4>,
    epoll: OwnedFd,
    ready: Vec<epoll::Event>,
    buffer: Vec<u8>,
}

impl Phones {
    /// `count` phones at 127.NET.*.*, each at its own address.
    pub fn new(net: u8, count: usize) -> io::Result<Self> {
        let address = |i: usize| {
            let ip = Ipv4Addr::new(127, net, (i / 250) as u8, (i % 250) as u8 + 2);
            SocketAddrV4::new(ip, 5060)
        };
        let addresses: Vec<_> = (0..count).map(address).collect();
        let sockets = addresses.iter().map(UdpSocket::bind).collect::<io::Result<Vec<_>>>()?;
        Self::over(sockets, addresses)
    }

    /// Takes over bound sockets.
    pub fn over(sockets: Vec<UdpSocket>, addresses: Vec<SocketAddrV4>) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (i, socket) in sockets.iter().enumerate() {
            socket.set_nonblocking(true)?;
            epoll::add(&epoll, socket, epoll::EventData::new_u64(i as u64), epoll::EventFlags::IN)?;
        }
        Ok(Self { sockets, addresses, epoll, ready: Vec::with_capacity(BATCH), buffer: vec![0; 65_536] })
    }

    /// Where a phone is.
    pub fn address(&self, phone: usize) -> SocketAddrV4 {
        self.addresses[phone]
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sockets.len()
    }

    /// Sends; what the kernel has no room for is lost, as on a network.
    pub fn send(&self, phone: usize, bytes: &[u8], to: SocketAddrV4) {
        let _ = self.sockets[phone].send_to(bytes, to);
    }

    /// Waits until `until` or for datagrams, and hands on one from each ready socket. Says whether there were any.
    pub fn receive(&mut self, until: Instant, mut take: impl FnMut(usize, &[u8])) -> bool {
        let wait = until.saturating_duration_since(Instant::now()).min(LONGEST_WAIT);
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
        self.ready.clear();
        let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.ready), Some(&wait));
        for event in &self.ready {
            let phone = event.data.u64() as usize;
            if let Ok(length) = self.sockets[phone].recv(&mut self.buffer) {
                take(phone, &self.buffer[..length]);
            }
        }
        !self.ready.is_empty()
    }
}
