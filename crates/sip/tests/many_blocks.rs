//! What a new block costs where many phones watch lamps: what the blocked source has, not what all have. The figures are
//! printed (`cargo test -p sip --release --test many_blocks -- --nocapture`); what is checked is who still watches.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod phone;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use model::Flow;
use model::directory::DigestPolicy;
use phone::{Office, Text, directory, line, udp};

/// Phones, each at an address of its own, and blocks of other addresses.
const MANY: u32 = if cfg!(debug_assertions) { 2_000 } else { 20_000 };
/// Phones of one line: fewer than may watch.
const PER_LINE: u32 = 100;
const HOUR: Duration = Duration::from_secs(3_600);

fn place(network: u32, number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(network + number))
}

fn flow(number: u32) -> Flow {
    udp(&SocketAddr::new(place(0x0a10_0000, number), 5060).to_string())
}

/// An office whose phones all watch one extension.
fn watched_by(phones: u32) -> Office {
    let mut directory = directory();
    for number in 0..phones.div_ceil(PER_LINE) {
        let name = format!("w{number}");
        directory.lines.insert(name.as_str().into(), line(&name, "101", DigestPolicy::Both));
    }
    let mut office = Office::with(directory);
    for number in 0..phones {
        let (user, flow) = (format!("w{}", number / PER_LINE), flow(number));
        let mut text =
            Text::new("SUBSCRIBE", "sip:102@pbx.example.com", &user, "<sip:102@pbx.example.com>", flow);
        text.call_id = format!("watch-{number}");
        text.headers.push(format!("Contact: <sip:{user}@{}>", flow.remote));
        text.headers.push("Event: dialog".into());
        text.headers.push("Expires: 3600".into());
        office.authenticated(flow, &text, &format!("password-of-{user}"));
        office.sent();
    }
    office
}

fn block(office: &mut Office, address: IpAddr, lasting: Duration) {
    let until = Some(office.now.wall.after(lasting));
    office.stack.block(office.now, IpNet::from(address), until, "test", "measured");
}

#[test]
fn a_new_block_ends_what_its_source_watches_and_leaves_everybody_else_alone() {
    for phones in [100, MANY] {
        let mut office = watched_by(phones);
        assert_eq!(office.stack.subscriptions(), phones as usize);
        let begin = Instant::now();
        for number in 0..MANY {
            let lasting = HOUR + Duration::from_millis(10) * number;
            block(&mut office, place(0xc633_0000, number), lasting);
        }
        let each = begin.elapsed() / MANY;
        assert_eq!((office.stack.blocked(), office.stack.subscriptions()), (MANY as usize, phones as usize));
        let begin = Instant::now();
        (0..phones).for_each(|number| block(&mut office, place(0x0a10_0000, number), HOUR * 2));
        let own = begin.elapsed() / phones;
        assert_eq!(office.stack.subscriptions(), 0);
        // All end, one after the other.
        let begin = Instant::now();
        office.sent();
        office.pass(HOUR + Duration::from_millis(10) * MANY);
        let ended = begin.elapsed() / MANY;
        assert_eq!(office.stack.blocked(), phones as usize);
        println!("{phones} phones: {each:?} a block of a stranger, {own:?} of a phone, {ended:?} to end one");
    }
}
