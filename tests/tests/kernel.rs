//! The kernel refuses what the guard does (SPEC R4.8), read independently with `nft`. Each test has namespaces of its own:
//! there is one table `inet ringwall` in each.

use blackbox::{Baresip, Guesser, Namespaces, Office, Pbx, netns, wait};
use serde_json::Value;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 20, 0, 1), 5060);
const INSIDE: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 2);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
/// What an answer is waited for where none is to come; on a cable in memory one takes far less.
const NOTHING: Duration = Duration::from_millis(300);
/// How far two readings of a time left may lie apart, in seconds: commands on a busy machine lie between them.
const APART: u64 = 20;

fn world() -> Namespaces {
    let world = Namespaces::new(&["pbx", "in", "out"]);
    world.cable(("pbx", "10.20.0.1/24"), ("in", "10.20.0.2/24"));
    world.cable(("pbx", "198.51.100.1/24"), ("out", "198.51.100.2/24"));
    world.default_route("out", "198.51.100.1");
    world
}

fn office() -> Office {
    Office { more: "[network]\nkernel_offload = \"auto\"\n".into(), ..Office::of(101, 2).with_old_phones() }
}

fn server(world: &Namespaces, more: &[&str]) -> Pbx {
    let wrapper = [&["ip", "netns", "exec", world.name("pbx")], more].concat();
    let mut pbx = Pbx::prepare(office()).at(SERVER).under(&wrapper);
    pbx.launch();
    pbx
}

fn offload(pbx: &Pbx) -> String {
    pbx.status()["kernel_offload"].as_str().expect("a text").to_owned()
}

fn expect_on(pbx: &Pbx) {
    wait::until("the kernel to refuse too", || (offload(pbx) == "on").then_some(()));
}

fn nft(world: &Namespaces, words: &str) -> String {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", world.name("pbx"), "nft"]).args(words.split(' '));
    let output = command.output().expect("nft, of the package nftables");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The elements of a set with the seconds left; `None`: for ever.
fn elements(world: &Namespaces, set: &str) -> Vec<Entry> {
    let text = nft(world, &format!("-j list set inet ringwall {set}"));
    let Ok(list) = serde_json::from_str::<Value>(&text) else { return Vec::new() };
    let sets = list["nftables"].as_array().cloned().unwrap_or_default();
    let found = sets.iter().filter_map(|entry| entry["set"]["elem"].as_array()).flatten();
    let mut all: Vec<_> = found
        .map(|element| match element.as_str() {
            Some(address) => (address.to_owned(), None),
            None => {
                let inner = &element["elem"];
                (inner["val"].as_str().unwrap_or_default().to_owned(), inner["expires"].as_u64())
            }
        })
        .collect();
    all.sort();
    all
}

/// Packets refused so far by the kernel.
fn refused(world: &Namespaces) -> u64 {
    let text = nft(world, "list chain inet ringwall refused");
    let after = |part: &str| part.split(' ').next().and_then(|count| count.parse::<u64>().ok());
    text.split("counter packets ").skip(1).filter_map(after).sum()
}

/// What the guard says, in the form in which the kernel has it.
fn blocks(pbx: &Pbx) -> Vec<Entry> {
    let list = pbx.json(&["blocks", "--json"]);
    let list = list.as_array().cloned().unwrap_or_default();
    let mut all: Vec<_> = list
        .iter()
        .map(|block| {
            let until = block["until"].as_str().map(seconds_until);
            (block["address"].as_str().expect("an address").to_owned(), until)
        })
        .collect();
    all.sort();
    all
}

fn seconds_until(time: &str) -> u64 {
    let output = Command::new("date").args(["-d", time, "+%s"]).output().expect("date");
    let end: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("seconds");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    end.saturating_sub(now.as_secs())
}

/// An address and the seconds that are left; none: for ever.
type Entry = (String, Option<u64>);

/// The set holds the guard's blocks, and the same time is left.
fn expect_mirrored(world: &Namespaces, pbx: &Pbx) {
    let (mut told, mut held) = (Vec::new(), Vec::new());
    let found = wait::within(wait::PATIENCE, || {
        (told, held) = (blocks(pbx), elements(world, "blocked_4"));
        let alike = |(one, other): (&Entry, &Entry)| {
            one.0 == other.0
                && match (one.1, other.1) {
                    (Some(one), Some(other)) => one.abs_diff(other) <= APART,
                    (one, other) => one == other,
                }
        };
        (told.len() == held.len() && told.iter().zip(&held).all(alike)).then_some(())
    });
    assert!(found.is_some(), "the guard has {told:?}, the kernel {held:?}");
}

struct Probe(UdpSocket);

impl Probe {
    fn of(world: &Namespaces, namespace: &str) -> Probe {
        Probe(netns::inside(world.name(namespace), || {
            let socket = UdpSocket::bind("0.0.0.0:0").expect("a port");
            socket.connect(SERVER).expect("a route");
            socket.set_read_timeout(Some(NOTHING)).expect("a timeout");
            socket
        }))
    }

    fn send(&self) {
        let text = format!(
            "OPTIONS sip:{SERVER} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{:x};rport\r\n\
             From: <sip:a@x>;tag=1\r\nTo: <sip:{SERVER}>\r\nCall-ID: probe\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\
             Content-Length: 0\r\n\r\n",
            std::process::id()
        );
        self.0.send(text.as_bytes()).expect("sent");
    }

    fn is_answered(&self) -> bool {
        self.send();
        let answered = self.0.recv(&mut [0; 2_048]).is_ok();
        while answered && self.0.recv(&mut [0; 2_048]).is_ok() {}
        answered
    }
}

#[test]
fn packets_of_blocked_addresses_are_refused_by_the_kernel_and_reach_the_process_not_at_all() {
    let world = world();
    let pbx = server(&world, &[]);
    expect_on(&pbx);
    let (inside, outside) = (Probe::of(&world, "in"), Probe::of(&world, "out"));
    assert!(inside.is_answered() && outside.is_answered());

    // The guard's own block.
    let mut guesser = netns::inside(world.name("out"), || Guesser::udp(OUTSIDE, SERVER));
    for _ in 0..5 {
        assert_eq!(guesser.guess("101", "1234"), 403);
    }
    expect_mirrored(&world, &pbx);
    let [(address, Some(left))] = &elements(&world, "blocked_4")[..] else { panic!("one block") };
    assert!(address == "198.51.100.2" && (1_780 - APART..=1_800).contains(left), "{address} {left}");

    let (denied, counted) = (pbx.status()["dropped"]["denied"].clone(), refused(&world));
    (0..100).for_each(|_| outside.send());
    assert!(!outside.is_answered());
    let reset = netns::inside(world.name("out"), || TcpStream::connect(SERVER));
    assert_eq!(reset.expect_err("refused").kind(), ErrorKind::ConnectionRefused);
    assert!(refused(&world) >= counted + 102, "{} after {counted}", refused(&world));
    assert_eq!(pbx.status()["dropped"]["denied"], denied, "none came to the process");
    assert!(inside.is_answered(), "nobody else is touched");

    pbx.run(&["unblock", "198.51.100.2"]).done();
    assert!(elements(&world, "blocked_4").is_empty());
    assert!(outside.is_answered(), "let in again by the next packet");
}

#[test]
fn the_sets_hold_the_guards_blocks_through_restart_crash_and_somebody_elses_flush() {
    let world = world();
    let mut pbx = server(&world, &[]);
    expect_on(&pbx);
    nft(&world, "add table inet theirs { set kept { type ipv4_addr; elements = { 192.0.2.9 }; }; }");
    let theirs = nft(&world, "list table inet theirs");
    assert!(theirs.contains("192.0.2.9"));
    for words in [
        &["block", "198.51.100.2", "--for", "1h"][..],
        &["block", "192.0.2.1", "--for", "2h"],
        &["block", "192.0.2.2"],
        &["block", "192.0.2.3"],
        &["unblock", "192.0.2.3"],
        &["block", "192.0.2.1", "--for", "3h"],
    ] {
        pbx.run(words).done();
    }
    assert_eq!(elements(&world, "blocked_4").len(), 3, "told before the command line is");
    expect_mirrored(&world, &pbx);

    assert!(pbx.terminate().success());
    assert!(!nft(&world, "list ruleset").contains("ringwall"), "it goes with the server");
    pbx.restart();
    expect_on(&pbx);
    expect_mirrored(&world, &pbx);

    pbx.crash();
    wait::until("the table to be gone after kill -9", || {
        (!nft(&world, "list ruleset").contains("ringwall")).then_some(())
    });
    pbx.restart();
    expect_on(&pbx);
    expect_mirrored(&world, &pbx);
    assert_eq!(nft(&world, "list table inet theirs"), theirs, "not ours, not touched");

    nft(&world, "flush ruleset");
    assert!(nft(&world, "list table inet theirs").is_empty());
    pbx.run(&["block", "192.0.2.4"]).done();
    expect_mirrored(&world, &pbx);
    assert_eq!(elements(&world, "blocked_4").len(), 4);
    assert!(!Probe::of(&world, "out").is_answered() && Probe::of(&world, "in").is_answered());
    assert_eq!(offload(&pbx), "on");
}

#[test]
fn rows_are_mirrored_and_follow_each_change() {
    let world = world();
    let pbx = server(&world, &[]);
    expect_on(&pbx);
    let (inside, outside) = (Probe::of(&world, "in"), Probe::of(&world, "out"));
    let group = "[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.20.0.0/25\", \"10.20.0.128/25\"]\n";
    pbx.apply(&format!("{group}[firewall]\nsip = \"Inside\"\n"), &[]).done();
    assert!(nft(&world, "list set inet ringwall sip_4").contains("{ 10.20.0.0/24 }"));
    let (denied, counted) = (pbx.status()["dropped"]["denied"].clone(), refused(&world));
    assert!(!outside.is_answered() && inside.is_answered());
    assert!(refused(&world) > counted);
    assert_eq!(pbx.status()["dropped"]["denied"], denied, "it did not come to the process");

    pbx.apply("[firewall]\n", &[]).done();
    assert!(outside.is_answered());
    pbx.run(&["block", "198.51.0.0/16"]).done();
    assert!(nft(&world, "list set inet ringwall networks_4").contains("{ 198.51.0.0/16 }"));
    assert!(!outside.is_answered() && inside.is_answered());
    pbx.apply("[[address_groups]]\nname = \"Ours\"\nmembers = [\"198.51.100.2\"]\n[security.guessing]\ntrusted = \"Ours\"\n", &[])
        .done();
    assert!(outside.is_answered(), "who is trusted is let in where the network around is blocked");
    pbx.apply("[network]\nkernel_offload = \"off\"\n", &[]).done();
    assert_eq!(offload(&pbx), "off");
    assert!(!nft(&world, "list ruleset").contains("ringwall"));
}

#[test]
fn a_running_call_of_an_address_that_is_blocked_goes_on() {
    let world = world();
    let pbx = server(&world, &[]);
    expect_on(&pbx);
    let phone = |number: &str, tone: u32, namespace: &str, address: Ipv4Addr| {
        Baresip::phone(number, SERVER).playing(tone).within(world.name(namespace), address).start()
    };
    let mut inside = phone("101", 1000, "in", INSIDE);
    let mut outside = phone("102", 1600, "out", OUTSIDE);
    inside.call("102");
    outside.expect_events("CALL_ESTABLISHED", 1);
    pbx.run(&["block", "198.51.100.2"]).done();
    assert!(nft(&world, "list set inet ringwall finishing_4").contains("198.51.100.2 . "));
    let stranger = Probe::of(&world, "out");
    let counted = refused(&world);
    assert!(!stranger.is_answered(), "another port of that address");
    assert!(refused(&world) > counted);
    inside.expect_tone(1600);
    outside.expect_tone(1000);
    outside.hang_up();
    inside.expect_events("CALL_CLOSED", 1);
    pbx.expect_records(1);
    pbx.expect_nothing_held();
    wait::until("the flow to be closed when its call is over", || {
        (!nft(&world, "list set inet ringwall finishing_4").contains("elements")).then_some(())
    });
}

#[test]
fn without_the_permission_the_process_refuses_alone_and_says_so() {
    let world = world();
    let pbx = server(&world, &["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]);
    wait::until("the reason", || offload(&pbx).starts_with("unavailable: needs CAP_NET_ADMIN").then_some(()));
    assert!(!nft(&world, "list ruleset").contains("ringwall"));
    let phone = |number: &str, tone: u32, namespace: &str, address: Ipv4Addr| {
        Baresip::phone(number, SERVER).playing(tone).within(world.name(namespace), address).start()
    };
    let mut inside = phone("101", 1000, "in", INSIDE);
    let outside = phone("102", 1600, "out", OUTSIDE);
    inside.call("102");
    outside.expect_events("CALL_ESTABLISHED", 1);
    pbx.run(&["block", "198.51.100.2"]).done();
    assert!(!Probe::of(&world, "out").is_answered() && Probe::of(&world, "in").is_answered());
    inside.expect_tone(1600);
    outside.expect_tone(1000);
}

#[test]
fn of_two_servers_on_one_machine_the_second_refuses_alone_and_says_who_owns_the_table() {
    let world = world();
    let mut first = server(&world, &[]);
    expect_on(&first);
    let other = SocketAddrV4::new(*SERVER.ip(), 5070);
    let wrapper = ["ip", "netns", "exec", world.name("pbx")];
    let mut second = Pbx::prepare(office()).at(other).under(&wrapper);
    second.launch();
    wait::until("the reason", || {
        offload(&second).starts_with("unavailable: another Ringwall on this machine").then_some(())
    });
    second.run(&["block", "198.51.100.2"]).done();
    assert!(Probe::of(&world, "out").is_answered(), "the first one has not blocked it");
    assert!(first.terminate().success());
    expect_on(&second);
    assert_eq!(elements(&world, "blocked_4"), [("198.51.100.2".to_owned(), None)]);
}
