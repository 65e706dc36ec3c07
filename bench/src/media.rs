//! The load of speech: G.711 packets every 20 ms in both directions of many calls, each with its number and its time
//! inside, so that loss and delay are known exactly.

use crate::calls::Route;
use crate::pace::Delays;
use crate::phones::Phones;
use rustix::net::sockopt;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

/// Sockets at each side; calls share them, as what is measured is the server and not us.
const SOCKETS: usize = 32;
const PORT: u16 = 4000;
/// One packet's time.
const FRAME: Duration = Duration::from_millis(20);
/// RTP header and 160 samples.
const PACKET: usize = 172;
/// Shortest sleep: waking up for every packet would cost us more than sending it.
const NAP: Duration = Duration::from_micros(250);
/// What is on its way may take so long to arrive before it counts as lost.
const LINGER: Duration = Duration::from_millis(300);
/// Room in each socket for what arrives while we send.
const BUFFER: usize = 4 << 20;

/// What came through.
pub struct Heard {
    /// Packets sent.
    pub sent: u64,
    /// Packets received.
    pub received: u64,
    /// From our send to our receive.
    pub delays: Delays,
}

/// Both ends' media sockets.
pub struct Talk {
    phones: Phones,
}

/// Where the two ends of a call want their audio.
pub fn plan(call: u32) -> (SocketAddrV4, SocketAddrV4) {
    let at =
        |side: u8| SocketAddrV4::new(Ipv4Addr::new(127, 3, side, 2 + (call as usize % SOCKETS) as u8), PORT);
    (at(0), at(1))
}

impl Talk {
    /// Binds the addresses of [`plan`].
    pub fn new() -> std::io::Result<Self> {
        let ends = (0..SOCKETS as u32).map(plan);
        let (callers, callees): (Vec<_>, Vec<_>) = ends.unzip();
        let addresses = [callers, callees].concat();
        let bind = |address: &SocketAddrV4| {
            let socket = UdpSocket::bind(address)?;
            // Without root the kernel's limit stays; then what we lose ourselves would show as the server's loss.
            let _ = sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER);
            Ok(socket)
        };
        let sockets = addresses.iter().map(bind).collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self { phones: Phones::over(sockets, addresses)? })
    }

    /// Speaks on all routes for this long. Each call has its own moment within the 20 ms.
    pub fn speak(&mut self, routes: &[Option<Route>], lasting: Duration) -> Heard {
        let mut heard = Heard { sent: 0, received: 0, delays: Delays::default() };
        let (begin, count) = (Instant::now(), routes.len() as u64);
        let frames = (lasting.as_micros() / FRAME.as_micros()) as u64;
        let (mut next, total) = (0, frames * count);
        while next < total {
            let due = (begin.elapsed().as_secs_f64() / FRAME.as_secs_f64() * count as f64) as u64;
            while next < due.min(total) {
                let call = (next % count) as usize;
                if let Some(route) = &routes[call] {
                    self.say(call, route, (next / count) as u32, begin);
                    heard.sent += 2;
                }
                next += 1;
                // Nobody may starve while we catch up.
                if next % 64 == 0 {
                    self.listen(begin, Instant::now(), &mut heard);
                }
            }
            let next_due = begin + FRAME.mul_f64((next + 1) as f64 / count as f64);
            self.listen(begin, next_due.max(Instant::now() + NAP), &mut heard);
        }
        let end = Instant::now() + LINGER;
        while Instant::now() < end && heard.received < heard.sent {
            self.listen(begin, end, &mut heard);
        }
        heard
    }

    fn say(&self, call: usize, route: &Route, frame: u32, begin: Instant) {
        let socket = call % SOCKETS;
        for (socket, to, side) in [(socket, route.from_caller, 0), (socket + SOCKETS, route.from_callee, 1)] {
            let mut packet = [0xd5; PACKET];
            packet[..2].copy_from_slice(&[0x80, 8]);
            packet[2..4].copy_from_slice(&(frame as u16).to_be_bytes());
            packet[4..8].copy_from_slice(&(frame.wrapping_mul(160)).to_be_bytes());
            packet[8..12].copy_from_slice(&((call as u32) << 1 | side).to_be_bytes());
            packet[12..20].copy_from_slice(&(begin.elapsed().as_nanos() as u64).to_be_bytes());
            self.phones.send(socket, &packet, to);
        }
    }

    fn listen(&mut self, begin: Instant, until: Instant, heard: &mut Heard) {
        self.phones.receive(until, |_, packet| {
            let Some(stamp) = packet.get(12..20).filter(|_| packet.len() == PACKET) else { return };
            let stamp = Duration::from_nanos(u64::from_be_bytes(stamp.try_into().unwrap_or_default()));
            heard.received += 1;
            heard.delays.add(begin.elapsed().saturating_sub(stamp));
        });
    }
}
