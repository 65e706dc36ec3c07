//! The thread against the real kernel, each test in a network namespace of its own, read back by `nft`.

use std::process::Command;
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use guard::{AddressSet, Row, Ruling};
use model::config::PortRange;
use model::event::{self, Event};
use model::live::{BindingUpdate, Listener};
use model::record::RecordUpdate;
use model::{Transport, Wall};
use nix::sched::{CloneFlags, unshare};

use super::*;

mod agreement;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(super) struct Heard(Mutex<Vec<Event>>);

impl Effects for Heard {
    fn record(&self, _: RecordUpdate) {}
    fn binding(&self, _: BindingUpdate) {}
    fn ruling(&self, _: &Ruling) {}
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Heard {
    fn count(&self, kind: &event::Kind) -> usize {
        self.0.lock().unwrap().iter().filter(|event| event.kind.name == kind.name).count()
    }
}

pub(super) fn in_a_namespace(act: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET)
            .expect("network namespaces need root: run this test by `sudo -E ./test`");
        act();
    });
    thread.join().unwrap();
}

fn nft(words: &str) -> String {
    let output = Command::new("nft").args(words.split(' ')).output().expect("nft, of the package nftables");
    let text = String::from_utf8(output.stdout).unwrap();
    if output.status.success() { text } else { String::from_utf8(output.stderr).unwrap() }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "never came: {what}\n{}", nft("list ruleset"));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn start(ownership: Ownership) -> (Offload, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let offload = Offload::start_as(Clock::start(), heard.clone(), ownership).unwrap();
    offload.switch(KernelOffload::Auto);
    (offload, heard)
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn soon(seconds: u64) -> Until {
    Some(Clock::wall().after(Duration::from_secs(seconds)))
}

fn set(name: &str) -> String {
    nft(&format!("list set inet ringwall {name}"))
}

fn listener(service: &str, address: &str, transport: Transport) -> Listener {
    let address: SocketAddr = address.parse().unwrap();
    Listener {
        service: service.into(),
        transport,
        address: address.ip(),
        port: address.port(),
        state: "listening".into(),
    }
}

#[test]
fn blocks_are_elements_with_their_time_until_they_are_lifted() {
    in_a_namespace(|| {
        let (offload, heard) = start(Ownership::Socket);
        until("on", || offload.state() == State::On);
        offload.block(net("192.0.2.1/32"), soon(1_000));
        offload.block(net("192.0.2.2/32"), None);
        offload.block(net("2001:db8::1/128"), soon(1_000));
        offload.block(net("2001:db8:1:2::/64"), soon(1_000));
        offload.block(net("2001:db8:9::/48"), soon(1_000));
        until("all are there", || set("blocked_6_48").contains("2001:db8:9::"));
        assert!(set("blocked_4").contains("192.0.2.1 timeout 16m") && set("blocked_4").contains("192.0.2.2"));
        assert!(set("blocked_6").contains("2001:db8::1 timeout 16m"));
        assert!(set("blocked_6_64").contains("2001:db8:1:2:: timeout 16m"));
        // Prolonged, also what has run out in the kernel already.
        offload.block(net("192.0.2.1/32"), soon(5_000));
        offload.block(net("192.0.2.3/32"), Some(Clock::wall().after(Duration::from_millis(200))));
        until("prolonged", || set("blocked_4").contains("192.0.2.1 timeout 1h23m"));
        until("run out", || !set("blocked_4").contains("192.0.2.3"));
        offload.block(net("192.0.2.3/32"), soon(1_000));
        until("again", || set("blocked_4").contains("192.0.2.3"));
        offload.unblock(net("192.0.2.2/32"));
        offload.unblock(net("192.0.2.3/32"));
        until("lifted", || !set("blocked_4").contains("192.0.2.3"));
        assert!(!set("blocked_4").contains("192.0.2.2") && set("blocked_4").contains("192.0.2.1"));
        assert_eq!(offload.state(), State::On);
        assert_eq!((heard.count(&event::KERNEL_ON), heard.count(&event::KERNEL_FAILED)), (1, 0));
        offload.stop();
        assert!(nft("list ruleset").is_empty(), "it goes with the server");
    });
}

#[test]
fn rows_networks_and_flows_are_written_as_the_gate_has_them() {
    in_a_namespace(|| {
        let (offload, _) = start(Ownership::Socket);
        let listeners = [
            listener("sip", "0.0.0.0:5060", Transport::Udp),
            listener("sip", "[2001:db8::9]:5061", Transport::Tls),
            listener("console", "192.0.2.9:4021", Transport::Tls),
        ];
        offload.listen(places(&listeners, PortRange { first: 10_000, last: 19_999 }));
        let inside = AddressSet::of(["10.0.0.0/9", "10.128.0.0/9", "2001:db8::/32"].map(net));
        let sip = Arc::new(Row::Only(inside));
        let trusted = AddressSet::of([net("10.1.1.1/32")]);
        offload.set_rows(Arc::new(Rows { sip, trusted, ..Rows::default() }));
        offload.block(net("172.16.0.0/12"), None);
        offload.block(net("172.16.5.0/24"), soon(1_000));
        offload.set_established([
            (Service::Sip, "[::ffff:192.0.2.1]:5062".parse().unwrap()),
            (Service::Media, "192.0.2.1:0".parse().unwrap()),
            (Service::Sip, "[2001:db8::5]:5062".parse().unwrap()),
        ]);
        until("written", || set("networks_4").contains("172.16.0.0/12"));
        for (name, expected) in [
            ("sip_4", "10.0.0.0/8 }"),
            ("sip_6", "2001:db8::/32 }"),
            ("trusted_4", "{ 10.1.1.1 }"),
            ("networks_4", "{ 172.16.0.0/12 }"),
            ("finishing_4", "192.0.2.1 . 5062"),
            ("finishing_6", "2001:db8::5 . 5062"),
            ("sounding_4", "192.0.2.1 }"),
        ] {
            until(name, || set(name).contains(expected));
        }
        let table = nft("list table inet ringwall");
        for rule in [
            "flags owner",
            "type filter hook prerouting priority raw; policy accept;",
            "meta nfproto ipv4 udp dport 5060 fib daddr type local goto sip",
            "ip6 daddr 2001:db8::9 goto sip",
            "ip daddr 192.0.2.9 goto web",
            "udp dport 10000-19999 fib daddr type local goto media",
            "ip saddr . th sport @finishing_4 accept",
            "ip6 saddr & ffff:ffff:ffff:ffff:: == @blocked_6_64 goto refused",
            "ip saddr != @sip_4 goto refused",
            "reject with tcp reset",
        ] {
            assert!(table.contains(rule), "{rule}\n{table}");
        }
        assert!(!table.contains("@web_4"), "that row is open");
        offload.unblock(net("172.16.0.0/12"));
        until("the narrower one stays", || set("networks_4").contains("{ 172.16.5.0/24 }"));
        offload.set_established([]);
        until("over", || !set("finishing_4").contains("elements") && !set("sounding_4").contains("elements"));
        offload.switch(KernelOffload::Off);
        until("off", || nft("list ruleset").is_empty());
        until("shown", || offload.state() == State::Off);
    });
}

#[test]
fn an_owned_table_withstands_who_flushes_everything_and_touches_nobody_elses() {
    in_a_namespace(|| {
        let (offload, heard) = start(Ownership::Socket);
        until("on", || offload.state() == State::On);
        offload.block(net("192.0.2.1/32"), None);
        until("there", || set("blocked_4").contains("192.0.2.1"));
        assert!(nft("delete table inet ringwall").contains("not permitted"));
        nft("flush ruleset");
        nft("add table inet theirs");
        nft("add chain inet theirs input { type filter hook input priority 0; policy accept; }");
        offload.block(net("192.0.2.2/32"), None);
        until("goes on", || set("blocked_4").contains("192.0.2.2"));
        assert!(set("blocked_4").contains("192.0.2.1"));
        offload.stop();
        let rest = nft("list ruleset");
        assert!(rest.contains("table inet theirs") && !rest.contains("ringwall"), "{rest}");
        assert_eq!(heard.count(&event::KERNEL_REPAIRED), 0, "nothing was broken");
    });
}

#[test]
fn a_table_that_is_nobodys_is_made_anew_when_somebody_deletes_or_empties_it() {
    in_a_namespace(|| {
        // As a release before a crash left it.
        nft("add table inet ringwall");
        nft("add chain inet ringwall leftover");
        let (offload, heard) = start(Ownership::Nobody);
        until("on", || offload.state() == State::OnUnowned);
        assert!(!nft("list table inet ringwall").contains("leftover"));
        offload.block(net("192.0.2.1/32"), soon(1_000));
        until("there", || set("blocked_4").contains("192.0.2.1"));
        nft("flush ruleset");
        until("anew", || set("blocked_4").contains("192.0.2.1 timeout 16m"));
        until("told", || heard.count(&event::KERNEL_REPAIRED) == 1);
        nft("flush chain inet ringwall incoming");
        nft("flush set inet ringwall blocked_4");
        until("filled", || set("blocked_4").contains("192.0.2.1"));
        offload.block(net("192.0.2.2/32"), None);
        until("goes on", || set("blocked_4").contains("192.0.2.2"));
        assert_eq!(heard.count(&event::KERNEL_FAILED), 0);
        offload.stop();
        assert!(nft("list ruleset").is_empty());
    });
}

#[test]
fn of_two_on_one_machine_the_second_says_who_is_there_and_takes_over_when_it_goes() {
    in_a_namespace(|| {
        let (first, _) = start(Ownership::Socket);
        until("on", || first.state() == State::On);
        let (second, heard) = start(Ownership::Socket);
        let says =
            |state: State| matches!(state, State::Unavailable(why) if why.contains("another Ringwall"));
        until("refused", || says(second.state()));
        second.block(net("192.0.2.7/32"), None);
        assert_eq!(first.state(), State::On);
        first.stop();
        until("taken over", || second.state() == State::On);
        assert!(set("blocked_4").contains("192.0.2.7"), "what came meanwhile");
        until("told", || heard.count(&event::KERNEL_ON) == 1);
        assert_eq!(heard.count(&event::KERNEL_FAILED), 1);
    });
}

#[test]
fn twenty_thousand_blocks_are_one_transaction() {
    in_a_namespace(|| {
        let (offload, _) = start(Ownership::Socket);
        until("on", || offload.state() == State::On);
        for n in 0..20_000_u32 {
            offload.block(IpNet::from(std::net::IpAddr::V4((0x0a00_0000 + n).into())), soon(1_000));
        }
        until("all", || set("blocked_4").matches("timeout").count() == 20_001);
        // All of them again, in a new table.
        let row = Row::Only(AddressSet::of([net("192.0.2.0/24")]));
        offload.listen(places(
            &[listener("sip", "0.0.0.0:5060", Transport::Udp)],
            PortRange { first: 10_000, last: 19_999 },
        ));
        offload.set_rows(Arc::new(Rows { sip: Arc::new(row), ..Rows::default() }));
        until("rows", || set("sip_4").contains("192.0.2.0/24"));
        assert_eq!(set("blocked_4").matches("timeout").count(), 20_001);
        assert_eq!(offload.state(), State::On);
        let (sent, received) = mpsc::channel();
        std::thread::spawn(move || {
            offload.stop();
            sent.send(()).unwrap();
        });
        received.recv_timeout(PATIENCE).expect("it ends");
    });
}

#[test]
fn a_wall_clock_that_is_set_is_seen_by_the_difference_of_two_clocks() {
    // The judge's end is by the wall: what is left is reckoned from it at the moment of writing.
    let now = Wall::from_millis(1_000_000);
    let mut mirror = super::mirror::Mirror::default();
    let mut changes = super::mirror::Changes::default();
    changes.block(net("192.0.2.1/32"), Some(Some(now.after(Duration::from_secs(7)))));
    changes.block(net("192.0.2.2/32"), Some(Some(now)));
    mirror.take(changes);
    let written = |now: Wall| {
        let mut batch = super::netlink::Batch::new(0);
        super::table::whole(&mut batch, &mirror, now, Ownership::Socket, super::table::Before::Nothing);
        batch.finish().0
    };
    let holds = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(holds(&written(now), &7_000_u64.to_be_bytes()));
    assert!(holds(&written(now.after(Duration::from_secs(3))), &4_000_u64.to_be_bytes()));
    assert!(!holds(&written(now), &[192, 0, 2, 2]), "over");
}
