//! Port pairs for legs, bound as they are given out: a port that the exchange promises to a phone is ours.
//!
//! The control thread binds; the sockets wait here until the order that opens the leg takes them to their shard.
//! Not here: which pair comes next (`media::Ports`).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use media::{MediaPort, PortPair, PortSource, PortsExhausted};
use model::Entropy;
use model::config::PortRange;

use crate::bind;

/// Of a stretch that is looked for, one port in so many is tried: another server's stretch is as long as ours.
const LOOKED_AT_EVERY: usize = 25;
/// Pairs tried before a leg is refused: other programs in our range take some, a range taken wholly is a fault to
/// be mended by who configured it.
const MAX_TRIES: usize = 64;

/// A stretch of `count` ports, even, at `address`, of which a few that were looked at are free; looked for from `near`
/// upwards: for servers beside others on one host (SPEC R2.21). `None`: there is none.
pub fn free_range(near: u16, count: u16, address: IpAddr) -> Option<PortRange> {
    let mut first = near & !1;
    loop {
        let last = first.checked_add(count.checked_sub(1)?)?;
        let is_free = |port| bind::media_udp(SocketAddr::new(address, port)).is_ok();
        if (first..=last).step_by(LOOKED_AT_EVERY).all(is_free) {
            return Some(PortRange { first, last });
        }
        first = first.checked_add(count)?;
    }
}

/// A leg's two sockets.
#[derive(Debug)]
pub struct Sockets {
    /// On the even port.
    pub rtp: UdpSocket,
    /// On the port above.
    pub rtcp: UdpSocket,
}

/// The real [`PortSource`].
#[derive(Debug)]
pub struct BoundPorts {
    entropy: Entropy,
    range: PortRange,
    ports: media::Ports,
    /// Pairs in use, by our RTP address; `Some` until their shard has the sockets.
    held: HashMap<SocketAddr, Held, foldhash::fast::RandomState>,
}

#[derive(Debug)]
struct Held {
    pair: PortPair,
    /// The range that the pair came from: it may have been exchanged for another one since.
    range: PortRange,
    waiting: Option<Sockets>,
}

impl BoundPorts {
    /// Pairs of `range`, in an order that comes from `entropy`.
    pub fn new(range: PortRange, mut entropy: Entropy) -> BoundPorts {
        let ports = media::Ports::new(range.first, range.last, &mut entropy);
        BoundPorts { entropy, range, ports, held: HashMap::default() }
    }

    /// Takes pairs from another range from now on. Legs that are open keep theirs.
    pub fn change_range(&mut self, range: PortRange) {
        if range != self.range {
            self.range = range;
            self.ports = media::Ports::new(range.first, range.last, &mut self.entropy);
        }
    }

    /// The sockets of a pair, for the shard that its leg opens on.
    pub fn take_sockets(&mut self, rtp: SocketAddr) -> Option<Sockets> {
        self.held.get_mut(&rtp)?.waiting.take()
    }

    fn bind(&mut self, local: IpAddr) -> io::Result<MediaPort> {
        let mut taken_by_others = Vec::new();
        let mut result = Err(io::ErrorKind::AddrInUse.into());
        while let Ok(pair) = self.ports.take() {
            let (rtp, rtcp) = (SocketAddr::new(local, pair.rtp()), SocketAddr::new(local, pair.rtcp()));
            let bound =
                bind::media_udp(rtp).and_then(|rtp| Ok(Sockets { rtp, rtcp: bind::media_udp(rtcp)? }));
            match bound {
                Ok(sockets) => {
                    self.held.insert(rtp, Held { pair, range: self.range, waiting: Some(sockets) });
                    result = Ok(MediaPort { rtp, rtcp });
                    break;
                }
                Err(error) => {
                    taken_by_others.push(pair);
                    let in_use = error.kind() == io::ErrorKind::AddrInUse;
                    result = Err(error);
                    if !in_use || taken_by_others.len() >= MAX_TRIES {
                        break;
                    }
                }
            }
        }
        taken_by_others.into_iter().for_each(|pair| self.ports.release(pair));
        result
    }
}

impl PortSource for BoundPorts {
    fn open(&mut self, local: IpAddr) -> Result<MediaPort, PortsExhausted> {
        self.bind(local).map_err(|_| PortsExhausted)
    }

    fn close(&mut self, port: MediaPort) {
        if let Some(held) = self.held.remove(&port.rtp)
            && held.range == self.range
        {
            self.ports.release(held.pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 9));

    fn ports(first: u16, last: u16) -> BoundPorts {
        BoundPorts::new(PortRange { first, last }, Entropy::from_seed([1; 32]))
    }

    #[test]
    fn a_pair_given_out_is_bound_and_a_closed_one_is_free() {
        let mut source = ports(41_000, 41_003);
        let port = source.open(HERE).unwrap();
        assert_eq!((port.rtp.port() & 1, port.rtcp.port()), (0, port.rtp.port() + 1));
        assert!(bind::media_udp(port.rtp).is_err() && bind::media_udp(port.rtcp).is_err());
        source.close(port);
        assert!(bind::media_udp(port.rtp).is_ok());
    }

    #[test]
    fn pairs_that_others_hold_are_passed_over_until_none_is_left() {
        let _other = bind::media_udp(SocketAddr::new(HERE, 41_103)).unwrap();
        let mut source = ports(41_100, 41_105);
        let one = source.open(HERE).unwrap();
        let two = source.open(HERE).unwrap();
        assert!(one.rtp.port() != 41_102 && two.rtp.port() != 41_102);
        assert!(source.open(HERE).is_err());
        assert!(source.take_sockets(one.rtp).is_some() && source.take_sockets(one.rtp).is_none());
        source.close(one);
        assert!(source.open(HERE).is_ok());
    }
}
