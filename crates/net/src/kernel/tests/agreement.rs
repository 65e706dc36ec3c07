//! The kernel against the gate: whatever is blocked, restricted, trusted or may finish, a packet arrives exactly when the
//! gate would let it in.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use guard::{Gate, Verdict};

use super::*;

/// Configurations tried, and packets sent under each.
const ROUNDS: u32 = 100;
const PACKETS: u32 = 80;

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u32::try_from(self.0 >> 33).unwrap() % end
    }

    /// One of few addresses, so that prefixes meet them.
    fn address(&mut self) -> IpAddr {
        let [a, b] = [self.below(3), self.below(5)].map(|n| u8::try_from(n).unwrap());
        match self.below(2) {
            0 => IpAddr::V4(Ipv4Addr::new(127, 50 + a, b, 1)),
            _ => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, u16::from(a), 0, 0, 0, 1 + u16::from(b))),
        }
    }

    fn prefix(&mut self) -> IpNet {
        let address = self.address();
        let widths: &[u8] = match address {
            IpAddr::V4(_) => &[32, 32, 24, 16, 15],
            IpAddr::V6(_) => &[128, 64, 48, 126, 62],
        };
        let width = widths[usize::try_from(self.below(5)).unwrap()];
        IpNet::new(address, width).unwrap().trunc()
    }

    fn prefixes(&mut self, end: u32) -> Vec<IpNet> {
        (0..self.below(end)).map(|_| self.prefix()).collect()
    }
}

fn run(words: &str) {
    let mut words = words.split(' ');
    let done = Command::new(words.next().unwrap()).args(words).status().unwrap();
    assert!(done.success());
}

/// Two sockets of ours, for signalling and for sound, in each family.
struct House {
    sockets: Vec<(Service, UdpSocket)>,
}

impl House {
    fn open() -> House {
        run("ip link set lo up");
        run("ip -6 route add local 2001:db8::/32 dev lo");
        run("sysctl -qw net.ipv6.ip_nonlocal_bind=1");
        let open = |(service, address): (Service, &str)| {
            let socket = UdpSocket::bind(address).unwrap();
            socket.set_nonblocking(true).unwrap();
            (service, socket)
        };
        let places = [
            (Service::Sip, "127.0.0.1:5060"),
            (Service::Media, "127.0.0.1:10002"),
            (Service::Sip, "[2001:db8::1]:5060"),
            (Service::Media, "[2001:db8::1]:10002"),
        ];
        House { sockets: places.map(open).into() }
    }

    /// Whether a packet from there arrives. On a loopback it has when it is sent.
    fn hears(&self, service: Service, source: SocketAddr) -> bool {
        let fits = |(of, socket): &&(Service, UdpSocket)| {
            *of == service && socket.local_addr().unwrap().is_ipv4() == source.is_ipv4()
        };
        let (_, socket) = self.sockets.iter().find(fits).unwrap();
        let sender = bound(source);
        sender.send_to(b"x", socket.local_addr().unwrap()).unwrap();
        socket.recv(&mut [0; 8]).is_ok()
    }
}

/// A socket at this address, which the last packet's may still hold: a test beside this one that starts a
/// program has a copy of each open file until the program runs.
fn bound(source: SocketAddr) -> UdpSocket {
    let end = Instant::now() + PATIENCE;
    loop {
        match UdpSocket::bind(source) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < end => {
                std::thread::yield_now()
            }
            other => return other.unwrap(),
        }
    }
}

#[test]
fn a_packet_arrives_exactly_when_the_gate_would_let_it_in() {
    in_a_namespace(|| {
        let house = House::open();
        let (offload, heard) = start(Ownership::Socket);
        until("on", || offload.state() == State::On);
        offload.listen(places(
            &[
                listener("sip", "0.0.0.0:5060", Transport::Udp),
                listener("sip", "[2001:db8::1]:5060", Transport::Udp),
            ],
            PortRange { first: 10_000, last: 19_999 },
        ));
        let gate = Gate::open();
        let mut dice = Dice(7);
        let (mut passed, mut stopped) = (0, 0);
        for _ in 0..ROUNDS {
            let blocks = dice.prefixes(6);
            let row =
                if dice.below(2) == 0 { Row::Anybody } else { Row::Only(AddressSet::of(dice.prefixes(8))) };
            let trusted = AddressSet::of(dice.prefixes(3));
            let rows = Arc::new(Rows { sip: Arc::new(row), trusted, ..Rows::default() });
            let flows: Vec<_> = (0..dice.below(4))
                .map(|_| {
                    let service = if dice.below(2) == 0 { Service::Sip } else { Service::Media };
                    (service, SocketAddr::new(dice.address(), 4_000))
                })
                .collect();
            blocks.iter().for_each(|prefix| {
                gate.block(*prefix);
                offload.block(*prefix, soon(1_000));
            });
            gate.set_rows(rows.clone());
            offload.set_rows(rows.clone());
            gate.set_established(flows.iter().copied());
            offload.set_established(flows.iter().copied());
            offload.settle();
            for _ in 0..PACKETS {
                let service = if dice.below(2) == 0 { Service::Sip } else { Service::Media };
                let source = SocketAddr::new(dice.address(), 4_000 + u16::try_from(dice.below(2)).unwrap());
                let local = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 5_060);
                let let_in = !matches!(gate.admit(service, source, local), Verdict::Deny);
                assert_eq!(
                    house.hears(service, source),
                    let_in,
                    "{service:?} from {source}: {blocks:?} {rows:?} {flows:?}\n{}",
                    nft("list table inet ringwall")
                );
                if let_in { passed += 1 } else { stopped += 1 }
            }
            for prefix in blocks {
                gate.unblock(prefix);
                offload.unblock(prefix);
            }
        }
        assert!(passed > 300 && stopped > 300, "{passed} passed, {stopped} stopped");
        assert_eq!(heard.count(&event::KERNEL_FAILED), 0);
    });
}
