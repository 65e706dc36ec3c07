//! Rows of the firewall with real phones and sockets: a server with one network inside and one outside.

use blackbox::name_server::NameServer;
use blackbox::{Baresip, Namespaces, Office, Pbx, netns, wait};
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;

const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 20, 0, 1), 5060);
const INSIDE: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 2);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

/// The row under test: only the network inside reaches SIP.
const ROW: &str = "[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.20.0.0/24\"]\n\
                   [firewall]\nsip = \"Inside\"\n";
const NO_ROW: &str = "[firewall]\n";
/// How long nothing must come for it to be nothing. On a cable in memory an answer takes far less than a millisecond.
const NOTHING: Duration = Duration::from_millis(500);

fn world() -> Namespaces {
    let world = Namespaces::new(&["pbx", "in", "out"]);
    world.cable(("pbx", "10.20.0.1/24"), ("in", "10.20.0.2/24"));
    world.cable(("pbx", "198.51.100.1/24"), ("out", "198.51.100.2/24"));
    world.default_route("out", "198.51.100.1");
    world
}

fn server(world: &Namespaces) -> Pbx {
    let wrapper = ["ip", "netns", "exec", world.name("pbx")];
    let mut pbx = Pbx::prepare(Office::of(101, 2).with_old_phones()).at(SERVER).under(&wrapper);
    pbx.launch();
    pbx
}

/// What an OPTIONS from a namespace is answered, if anything.
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

    fn is_answered(&self, text: &str) -> bool {
        self.0.send(text.as_bytes()).expect("sent");
        // What came late for the packet before is no answer to this one.
        let answered = self.0.recv(&mut [0; 2_048]).is_ok();
        while answered && self.0.recv(&mut [0; 2_048]).is_ok() {}
        answered
    }
}

fn options() -> String {
    format!(
        "OPTIONS sip:{SERVER} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{:x};rport\r\n\
         From: <sip:a@x>;tag=1\r\nTo: <sip:{SERVER}>\r\nCall-ID: probe\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n",
        std::process::id()
    )
}

#[test]
fn from_outside_a_row_datagrams_get_nothing_and_connections_not_one_byte_from_the_next_packet_on() {
    let world = world();
    let pbx = server(&world);
    let (inside, outside) = (Probe::of(&world, "in"), Probe::of(&world, "out"));
    assert!(inside.is_answered(&options()) && outside.is_answered(&options()));
    let mut old = netns::connect(world.name("out"), SERVER.into());
    old.set_read_timeout(Some(wait::PATIENCE)).expect("a timeout");

    pbx.apply(ROW, &["--merge"]).done();
    assert!(!outside.is_answered(&options()), "the next packet");
    assert!(!outside.is_answered("\u{0}\u{1}nothing that is SIP\r\n\r\n"));
    assert!(inside.is_answered(&options()));
    let mut new = netns::connect(world.name("out"), SERVER.into());
    new.set_read_timeout(Some(wait::PATIENCE)).expect("a timeout");
    for connection in [&mut new, &mut old] {
        let end = connection.read(&mut [0; 1]).expect_err("no byte");
        assert_eq!(end.kind(), ErrorKind::ConnectionReset);
    }

    pbx.apply(NO_ROW, &[]).done();
    assert!(outside.is_answered(&options()), "let in again by the next packet");
}

#[test]
fn a_running_call_with_a_phone_that_is_shut_out_goes_on_and_either_side_can_hang_up() {
    let world = world();
    let pbx = server(&world);
    let phone = |number: &str, tone: u32, namespace: &str, address: Ipv4Addr| {
        Baresip::phone(number, SERVER).playing(tone).within(world.name(namespace), address).start()
    };
    let mut inside = phone("101", 1000, "in", INSIDE);
    let mut outside = phone("102", 1600, "out", OUTSIDE);

    for round in 1..=2 {
        inside.call("102");
        outside.expect_events("CALL_ESTABLISHED", round);
        let warned = pbx.apply(ROW, &["--merge", "--dry-run"]);
        assert!(
            warned.stderr.contains("firewall.sip shuts out 1 of 2 registered phones (102 at"),
            "{warned:?}"
        );
        let applied = pbx.apply(ROW, &["--merge"]);
        assert!(applied.code == 0 && applied.stderr.contains("102 at 198.51.100.2"), "{applied:?}");
        inside.expect_tone(1600);
        outside.expect_tone(1000);
        match round {
            1 => outside.hang_up(),
            _ => inside.hang_up(),
        }
        inside.expect_events("CALL_CLOSED", round);
        outside.expect_events("CALL_CLOSED", round);
        let records = pbx.expect_records(round);
        assert_eq!(records[round - 1]["result"], "answered", "{records:#?}");
        pbx.apply(NO_ROW, &[]).done();
    }

    pbx.apply(ROW, &["--merge"]).done();
    let rung = outside.events("CALL_INCOMING").len();
    inside.dial("102");
    inside.expect_events("CALL_CLOSED", 3);
    assert_eq!(outside.events("CALL_INCOMING").len(), rung, "a phone that is shut out does not ring");
}

#[test]
fn the_control_socket_is_never_locked_out_and_a_row_for_nobody_is_refused() {
    let mut pbx = Pbx::start(Office::of(101, 1));
    let elsewhere = "[[address_groups]]\nname = \"Far\"\nmembers = [\"192.0.2.0/24\"]\n[firewall]\nweb = \"Far\"\nsip = \"Far\"\n";
    pbx.apply(elsewhere, &[]).done();
    assert!(pbx.terminate().success());
    pbx.restart();
    let probe = UdpSocket::bind("127.0.0.1:0").expect("a port");
    probe.set_read_timeout(Some(NOTHING)).expect("a timeout");
    probe.send_to(options().as_bytes(), pbx.sip).expect("sent");
    assert!(probe.recv(&mut [0; 2_048]).is_err(), "rows hold from the start on");
    for (text, expected) in [
        (
            "[firewall]\nsip = \"Nowhere\"",
            "change.toml:2:7: firewall.sip: address group Nowhere does not exist",
        ),
        (
            "[firewall]\nsip = \"Names\"\n[[address_groups]]\nname = \"Names\"\nmembers = [\"host:nobody.invalid\"]",
            "change.toml:2:7: firewall.sip: address group Names resolves to no address now",
        ),
    ] {
        let refused = pbx.apply(text, &[]);
        assert!(refused.code == 1 && refused.stderr.contains(expected), "{refused:?}");
    }
    pbx.apply(NO_ROW, &[]).done();
    probe.send_to(options().as_bytes(), pbx.sip).expect("sent");
    assert!(probe.recv(&mut [0; 2_048]).is_ok());
}

#[test]
fn a_row_follows_a_host_name_and_keeps_its_last_good_addresses_over_a_restart() {
    let world = world();
    let record = |address: Ipv4Addr| format!("--host-record=phone.test,{address}");
    let mut names = NameServer::start(&world, "pbx", &[&record(OUTSIDE)]);
    let wrapper = names.asked_by();
    let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let mut pbx = Pbx::prepare(Office::of(101, 1)).at(SERVER).under(&words);
    pbx.launch();
    let (inside, outside) = (Probe::of(&world, "in"), Probe::of(&world, "out"));
    let group = "[[address_groups]]\nname = \"Phone\"\nmembers = [\"host:phone.test\"]\n[firewall]\nsip = \"Phone\"\n";
    pbx.apply(group, &[]).done();
    assert!(outside.is_answered(&options()) && !inside.is_answered(&options()));

    names.stop();
    assert!(pbx.terminate().success());
    pbx.restart();
    assert!(outside.is_answered(&options()), "known from before, though no name server answers");
    assert!(!inside.is_answered(&options()));

    let _names = NameServer::start(&world, "pbx", &[&record(INSIDE)]);
    wait::until("the name's new address to be let in", || inside.is_answered(&options()).then_some(()));
    assert!(!outside.is_answered(&options()), "and the old one not any more");
}

#[test]
fn the_outer_firewall_takes_the_rules_that_ports_prints_and_check_says_what_is_open() {
    let world = world();
    let pbx = server(&world);
    let weaknesses = || {
        let found = pbx.json(&["check", "--json"]);
        let findings = found["findings"].as_array().cloned().unwrap_or_default();
        assert!(findings.iter().all(|f| f["what"].is_string() && f["cure"].is_string()), "{found:#}");
        let ids: Vec<String> =
            findings.iter().filter_map(|finding| Some(finding["id"].as_str()?.to_owned())).collect();
        (found["score"].as_u64().expect("a score"), ids)
    };
    let (open_score, open) = weaknesses();
    assert!(open.contains(&"sip.open".to_owned()) && open.contains(&"mail.none".to_owned()), "{open:?}");
    assert!(!open.contains(&"files.exposed".to_owned()), "{open:?}");

    let groups = "[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.20.0.0/24\", \"10.20.0.128/25\", \
                  \"192.0.2.5-192.0.2.9\", \"2001:db8::/48\"]\n[firewall]\nsip = \"Inside\"\n";
    pbx.apply(groups, &["--merge"]).done();
    let (score, closed) = weaknesses();
    assert!(!closed.contains(&"sip.open".to_owned()) && score == open_score + 25, "{closed:?} {score}");
    assert!(pbx.run(&["check"]).done().contains(" of 100\n"));

    let rules = pbx.place.write("rules.nft", &pbx.run(&["ports", "--nftables"]).done());
    let nft = |name: &str, words: &[&str]| {
        let all = [&["netns", "exec", world.name(name), "nft"], words].concat();
        let output = std::process::Command::new("ip").args(all).output().expect("nft");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    nft("in", &["-c", "-f", &rules.to_string_lossy()]);
    // In force before the server, with all else dropped, they let in whom its own row lets in.
    nft(
        "pbx",
        &[
            "add table inet filter; add chain inet filter input { type filter hook input priority 0; policy drop; }",
        ],
    );
    nft("pbx", &["-f", &rules.to_string_lossy()]);
    pbx.apply("[firewall]\n", &["--merge"]).done();
    assert!(Probe::of(&world, "in").is_answered(&options()));
    assert!(nft("pbx", &["list", "ruleset"]).contains("@ringwall_sip_v4"));
}
