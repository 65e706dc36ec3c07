//! The least that relaying can cost: as many sockets as a PBX holds for these calls, one epoll, one recv and one send for
//! each packet, one thread. It checks nothing and counts nothing.

use super::{Server, folder, pinned};
use crate::calls::Route;
use rustix::event::epoll;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 10);
const FIRST_PORT: u16 = 20_000;

pub fn start(users: usize) -> Server {
    let folder = folder("bare");
    let me = std::env::current_exe().expect("our own program");
    let mut command = pinned(&me.display().to_string());
    command.args(["relay", "--calls", &(users / 2).to_string()]);
    Server::start("relay", folder, &mut command).await_ready(|server| server.said().contains("ready"))
}

/// Four ports a call: RTP and RTCP of the caller, RTP and RTCP of the callee.
pub fn routes(count: u32) -> Vec<Option<Route>> {
    let port = |n: u32| SocketAddrV4::new(ADDRESS, FIRST_PORT + n as u16);
    (0..count).map(|c| Some(Route { from_caller: port(4 * c), from_callee: port(4 * c + 2) })).collect()
}

/// Relays for ever.
pub fn relay(calls: u16) -> std::io::Result<()> {
    let bind = |n: u16| UdpSocket::bind((ADDRESS, FIRST_PORT + n));
    let sockets = (0..4 * calls).map(bind).collect::<std::io::Result<Vec<_>>>()?;
    let mut peers: Vec<Option<SocketAddr>> = vec![None; sockets.len()];
    let queue = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (i, socket) in sockets.iter().enumerate() {
        socket.set_nonblocking(true)?;
        epoll::add(&queue, socket, epoll::EventData::new_u64(i as u64), epoll::EventFlags::IN)?;
    }
    println!("ready");
    let (mut ready, mut buffer) = (Vec::with_capacity(256), [0; 2048]);
    loop {
        ready.clear();
        epoll::wait(&queue, rustix::buffer::spare_capacity(&mut ready), None)?;
        for event in &ready {
            let event: &epoll::Event = event;
            let here = event.data.u64() as usize;
            // The other leg of the same call, RTP to RTP and RTCP to RTCP.
            let there = here ^ 2;
            let Ok((length, source)) = sockets[here].recv_from(&mut buffer) else { continue };
            peers[here] = Some(source);
            if let Some(peer) = peers[there] {
                let _ = sockets[there].send_to(&buffer[..length], peer);
            }
        }
    }
}
