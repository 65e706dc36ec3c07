//! Datagrams with a source that is somebody else's: IPv4 and UDP headers of our own, over a raw socket. Only root may.

use rustix::net::{AddressFamily, SendFlags, SocketType, ipproto, sendto, socket};
use std::net::SocketAddrV4;
use std::os::fd::OwnedFd;

/// Sends what others are to be blamed for.
pub struct Forger {
    raw: OwnedFd,
}

impl Default for Forger {
    fn default() -> Self {
        let raw = socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::RAW))
            .expect("root may send raw packets");
        Self { raw }
    }
}

impl Forger {
    /// Sends `text` as if from `source`.
    pub fn send(&self, source: SocketAddrV4, to: SocketAddrV4, text: &str) {
        sendto(&self.raw, &datagram(source, to, text.as_bytes()), SendFlags::empty(), &to).expect("sent");
    }
}

/// RFC 791 section 3.1 and RFC 768. The kernel fills in identification and the header's checksum; UDP's may be zero.
fn datagram(source: SocketAddrV4, to: SocketAddrV4, text: &[u8]) -> Vec<u8> {
    const HEADERS: u16 = 28;
    let length = HEADERS + u16::try_from(text.len()).expect("one datagram");
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    // No fragments; 64 hops, UDP.
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(source.ip().octets());
    packet.extend(to.ip().octets());
    for field in [source.port(), to.port(), length - 20, 0] {
        packet.extend(field.to_be_bytes());
    }
    packet.extend(text);
    packet
}
