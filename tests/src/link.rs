//! A bad cable between a SIP phone and the server: every datagram is delivered twice, both ways.

use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the threads look whether the link is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Which way a datagram goes.
#[derive(Clone, Copy)]
enum Way {
    There,
    Back,
}

/// A link that delivers everything twice.
pub struct Doubling {
    /// Where the phone sends to.
    pub near: SocketAddrV4,
    carried: Arc<AtomicU32>,
    gone: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Doubling {
    /// A link to this server, for one phone.
    pub fn to(server: SocketAddrV4) -> Self {
        let near_socket = UdpSocket::bind(crate::place::sip_address()).expect("a free address");
        let far_socket = UdpSocket::bind(crate::place::sip_address()).expect("a free address");
        let SocketAddr::V4(near) = near_socket.local_addr().expect("bound") else {
            unreachable!("bound to IPv4")
        };
        let (carried, gone) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let phone = Arc::new(Mutex::new(None));
        let server = SocketAddr::from(server);
        let carry = |from: &UdpSocket, over: &UdpSocket, way: Way| {
            let (from, over) = (from.try_clone().expect("a socket"), over.try_clone().expect("a socket"));
            from.set_read_timeout(Some(LOOK_EVERY)).expect("a timeout");
            let (carried, gone, phone) = (carried.clone(), gone.clone(), phone.clone());
            std::thread::spawn(move || {
                let mut buffer = vec![0; 65_536];
                while !gone.load(Ordering::Relaxed) {
                    let Ok((length, source)) = from.recv_from(&mut buffer) else { continue };
                    let target = match way {
                        Way::There => {
                            *phone.lock().expect("no thread panics") = Some(source);
                            server
                        }
                        Way::Back => phone.lock().expect("no thread panics").expect("the phone spoke first"),
                    };
                    for _ in 0..2 {
                        let _ = over.send_to(&buffer[..length], target);
                    }
                    carried.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let threads =
            vec![carry(&near_socket, &far_socket, Way::There), carry(&far_socket, &near_socket, Way::Back)];
        Self { near, carried, gone, threads }
    }

    /// How many datagrams it has doubled.
    pub fn carried(&self) -> u32 {
        self.carried.load(Ordering::Relaxed)
    }
}

impl Drop for Doubling {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
