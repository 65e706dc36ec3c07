//! Whoever can reach the server can talk to whoever else can: each pair of ways (UDP, TCP, TLS; IPv4, IPv6) is called
//! once, and the tone is heard both ways.

use blackbox::way::{Transport, Version, Way};
use blackbox::{Baresip, Office, Pbx};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Two phones for each pair; their numbers start here.
const FIRST: u32 = 200;
/// Pairs that talk side by side: more would leave a small machine no time for their audio.
const AT_ONCE: usize = 4;

#[test]
fn each_pair_of_ways_talks_and_the_tone_is_heard_both_ways() {
    let transports = [Transport::Udp, Transport::Tcp, Transport::Tls];
    let ways = 2 * transports.len();
    let office = Office::of(FIRST, 2 * (ways * (ways + 1) / 2) as u32).with_old_phones();
    let pbx = Pbx::start_dual_stack(office, &transports);
    let (doors, authority) = (pbx.doors().to_vec(), pbx.authority());
    let world = World { pbx, authority };
    let pbx = &world.pbx;
    let pairs: Vec<_> = (0..ways).flat_map(|one| (one..ways).map(move |other| (one, other))).collect();
    let numbered: Vec<_> = pairs.iter().zip((FIRST..).step_by(2)).collect();
    for some in numbered.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            for ((one, other), number) in some {
                scope.spawn(|| world.talk(doors[*one], doors[*other], *number));
            }
        });
    }
    assert_eq!(
        pbx.expect_records(pairs.len()).iter().filter(|r| r["result"] == "answered").count(),
        pairs.len()
    );
    pbx.expect_nothing_held();
}

struct World {
    pbx: Pbx,
    authority: PathBuf,
}

impl World {
    /// One call from the first door to the second, and its end.
    fn talk(&self, from: (Way, SocketAddr), to: (Way, SocketAddr), number: u32) {
        eprintln!("{} calls {}", from.0, to.0);
        let (caller, callee) = (number.to_string(), (number + 1).to_string());
        let mut one = self.phone(&caller, from, 1000);
        let other = self.phone(&callee, to, 1600);
        one.call(&callee);
        one.expect_tone(1600);
        other.expect_tone(1000);
        one.hang_up();
        other.expect_event("CALL_CLOSED");
    }

    /// A phone at this door, which the server says to have come that way.
    fn phone(&self, number: &str, (way, address): (Way, SocketAddr), tone: u32) -> Baresip {
        let phone = Baresip::phone(number, address).over(way.transport).trusting(&self.authority);
        let phone = phone.playing(tone).start();
        let registrations = self.pbx.registrations();
        let row = registrations.iter().find(|r| r["extension"] == number).expect("it has registered");
        let source: SocketAddr = row["source"].as_str().and_then(|s| s.parse().ok()).expect("a source");
        assert_eq!(row["transport"].as_str(), Some(way.transport.parameter()), "{row:#}");
        assert_eq!(source.is_ipv6(), way.version == Version::V6, "{row:#}");
        phone
    }
}
