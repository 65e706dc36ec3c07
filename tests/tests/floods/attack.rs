//! What all floods have in common: where they come from, how fast, and that they are polite to the machine they share with those
//! whom they attack.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two salvoes.
const TICK: Duration = Duration::from_millis(5);
const TICKS_PER_SECOND: u64 = 200;
/// A flood takes what processor time is left by phones and server: one that starves them would show nothing of the server.
const NICE: i32 = 10;

/// From where a flood comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// One address.
    One,
    /// As many addresses as a /16 has.
    Many,
}

impl Source {
    /// The address of the `number`-th packet or connection.
    pub fn address(self, number: u64) -> Ipv4Addr {
        let number = if self == Source::One { 0 } else { number };
        // Neither the network's own addresses nor its broadcast.
        let [low, high] = [number % 250, number / 250 % 250].map(|part| part as u8 + 1);
        Ipv4Addr::new(10, 66, high, low)
    }
}

/// A flood that goes on until it is stopped.
pub struct Flood {
    halt: Arc<AtomicBool>,
    acted: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Flood {
    /// `per_second` times a second `act` with the number of times so far, on one thread.
    pub fn begin(per_second: u64, mut act: impl FnMut(u64) + Send + 'static) -> Self {
        let halt = Arc::<AtomicBool>::default();
        let (acted, stopped) = (Arc::<AtomicU64>::default(), halt.clone());
        let counted = acted.clone();
        let thread = std::thread::spawn(move || {
            // Linux keeps this number for each thread. Without it the flood is only ruder.
            let _ = rustix::process::setpriority_process(None, NICE);
            while !stopped.load(Ordering::Relaxed) {
                // Who was kept from running does not catch up: a burst would be another flood than the one meant.
                for _ in 0..per_second / TICKS_PER_SECOND {
                    act(counted.fetch_add(1, Ordering::Relaxed));
                }
                std::thread::sleep(TICK);
            }
        });
        Self { halt, acted, thread }
    }

    /// How often it has acted so far.
    pub fn acted(&self) -> u64 {
        self.acted.load(Ordering::Relaxed)
    }

    /// Stops it, and lets go of what it held.
    pub fn stop(self) {
        self.halt.store(true, Ordering::Relaxed);
        self.thread.join().expect("a flood of the test's own");
    }
}

/// Sockets that send from wherever a flood comes from.
pub struct Datagrams {
    source: Source,
    one: UdpSocket,
}

impl Datagrams {
    /// Of this source.
    pub fn from(source: Source) -> Self {
        let one = UdpSocket::bind((source.address(0), 0)).expect("the namespace has the address");
        Self { source, one }
    }

    /// Sends one; whether the machine takes it is its business.
    pub fn send(&self, number: u64, bytes: &[u8], to: impl std::net::ToSocketAddrs) {
        let _ = match self.source {
            Source::One => self.one.send_to(bytes, to),
            Source::Many => {
                UdpSocket::bind((self.source.address(number), 0)).and_then(|socket| socket.send_to(bytes, to))
            }
        };
    }
}
