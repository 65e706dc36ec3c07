//! The whole set of figures, in the order of a report.

use crate::alike;
use crate::digest::PASSWORD;
use crate::peers::{self, Peer, SECURE_SERVER, SERVER};
use crate::phones::Phones;
use crate::register::Registering;
use crate::runs::{Exchange, Measured, speak_through};
use crate::secure::{SecurePhones, quantiles};
use crate::{report, usage};
use clap::Args;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How much is done.
#[derive(Args, Clone, Copy)]
pub struct Options {
    /// A fifth of the time for each load.
    #[arg(long)]
    pub quick: bool,
    /// Peers only: figures of a machine before there is anything to compare with.
    #[arg(long)]
    pub peers_only: bool,
}

/// What is offered beyond the limit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// REGISTER.
    Registrations,
    /// Calls without speech.
    Calls,
}

const USERS: usize = 1000;
/// So many that a phone which waits for an answer that was lost is not soon due again.
const OVERLOAD_USERS: usize = 5000;
/// Phones over TLS that sign in a second: below what either server can on one core.
pub const SECURE_RATE: u32 = 100;
const HOLD: Duration = Duration::from_millis(500);
/// Transactions are remembered for 64 times T1, to answer whatever is repeated (RFC 3261 section 17.2); and some seconds, until
/// the allocator has given back what they took.
const REMEMBERED: Duration = Duration::from_secs(40);
/// Shorter, and what is offered beyond the limit ends before the first of it is repeated (T1) or hung up.
const OVERLOAD_AT_LEAST: Duration = Duration::from_secs(3);

impl Options {
    fn seconds(self, seconds: u64) -> Duration {
        Duration::from_secs(if self.quick { seconds.div_ceil(5) } else { seconds })
    }

    fn among(self, peers: &[Peer]) -> Vec<Peer> {
        peers.iter().copied().filter(|p| !self.peers_only || *p != Peer::Ringwall).collect()
    }
}

/// The comparisons with peers.
pub fn all(options: Options) {
    println!("Machine: {}\n\n## Registrations and calls\n\n{}", machine(), report::OPERATIONS);
    for peer in options.among(&[Peer::Ringwall, Peer::Kamailio]) {
        for rate in [1000, 8000] {
            let measured = Exchange::open(peer, USERS).register(rate, options.seconds(10));
            report::operations("REGISTER", peer.name(), rate, &measured);
        }
        for rate in [100, 1000] {
            let measured = Exchange::open(peer, USERS).call(rate, options.seconds(20), HOLD);
            report::operations("call", peer.name(), rate, &measured);
        }
    }
    for peer in options.among(&[Peer::Ringwall, Peer::Kamailio]) {
        guess(peer, USERS, 1000, options.seconds(10));
    }
    println!("\n## Speech, G.711, 20 ms, both ways\n\n{}", report::MEDIA);
    for calls in [200, 400, 1400] {
        for peer in options.among(&[Peer::Ringwall, Peer::Rtpengine, Peer::Bare]) {
            let measured = speak_through(peer, calls, options.seconds(15));
            report::media(peer.name(), &measured);
        }
    }
    if options.peers_only {
        return;
    }
    println!("\n## What answers tell\n");
    alike::measure(Peer::Ringwall, if options.quick { 1000 } else { 5000 });
    println!("\n## Beyond the limit\n");
    overload(Peer::Ringwall, What::Registrations, options.seconds(5).max(OVERLOAD_AT_LEAST), None);
    for peer in [Peer::Ringwall, Peer::Kamailio] {
        overload(peer, What::Calls, options.seconds(5).max(OVERLOAD_AT_LEAST), None);
    }
    println!("\n## TLS\n");
    secure(if options.quick { 500 } else { 2000 }, SECURE_RATE);
    println!("\n## Memory\n");
    memory(options);
    println!("\n## Start to the first 200 to a REGISTER\n");
    start();
}

/// Right passwords and wrong ones at the same rate, one after the other, at the same server.
pub fn guess(peer: Peer, users: usize, rate: u32, duration: Duration) {
    let mut exchange = Exchange::open(peer, users);
    let right = exchange.register(rate, duration);
    report::operations("REGISTER", peer.name(), rate, &right);
    let wrong = exchange.guess(rate, duration);
    report::operations("wrong password", peer.name(), rate, &wrong);
}

/// What is offered beyond the limit, as multiples of the clean rate; once the rate itself, for comparison.
const MULTIPLES: [u32; 3] = [1, 2, 5];

/// Finds the highest clean rate, then offers that, twice and five times as much.
pub fn overload(peer: Peer, what: What, duration: Duration, known: Option<u32>) {
    let run = |rate: u32| -> Measured {
        let mut exchange = Exchange::open(peer, OVERLOAD_USERS);
        match what {
            What::Calls => exchange.call(rate, duration, HOLD),
            What::Registrations => exchange.register(rate, duration),
        }
    };
    let (name, first) = if what == What::Calls { ("calls", 500) } else { ("registrations", 2000) };
    // Clean: nothing failed, and hardly anything had to be repeated.
    let is_clean = |rate: u32| -> bool {
        let outcome = run(rate).outcome;
        println!(
            "- {}: {rate} {name}/s offered: {} good, {} failed, {} sent again",
            peer.name(),
            outcome.good,
            outcome.failed,
            outcome.again
        );
        outcome.failed == 0 && outcome.again * 100 <= outcome.offered
    };
    let clean = known.unwrap_or_else(|| highest(first, is_clean));
    for multiple in MULTIPLES {
        println!(
            "- {}: {} {name}/s offered, {multiple} times the clean rate: {}",
            peer.name(),
            clean * multiple,
            {
                let capacity = f64::from(clean) * duration.as_secs_f64();
                beyond(&run(clean * multiple), capacity)
            }
        );
    }
}

/// What became of an offer, beside the operations that can be served in its time.
fn beyond(measured: &Measured, capacity: f64) -> String {
    let Measured { outcome, cpu, own, dropped } = measured;
    let busy = |time: &Duration| 100.0 * time.as_secs_f64() / outcome.lasted.as_secs_f64();
    let share = 100.0 * outcome.in_time as f64 / capacity;
    let hung = outcome.offered.saturating_sub(outcome.good + outcome.failed);
    format!(
        "{share:.0} % of the clean rate served while it lasted, {} good in \
         all, {} failed (refused, by status: {:?}), {hung} without an end; {} messages sent again, {} dropped by the kernel on their way to the \
         server and {} to the phones; in {:.1} s until the last one's end the server was busy {:.0} % of its core and \
         the load {:.0} % of its own",
        outcome.good,
        outcome.failed,
        outcome.refused,
        outcome.again,
        dropped.0,
        dropped.1,
        outcome.lasted.as_secs_f64(),
        busy(cpu),
        busy(own),
    )
}

/// The highest rate that is clean: in steps of a quarter upwards from `first`, then halfway back, and once more.
fn highest(first: u32, is_clean: impl Fn(u32) -> bool) -> u32 {
    let (mut clean, mut rate) = (0, first);
    while is_clean(rate) {
        clean = rate;
        rate += rate / 4;
    }
    let mut unclean = rate;
    for _ in 0..2 {
        let between = clean + (unclean - clean) / 2;
        if is_clean(between) { clean = between } else { unclean = between }
    }
    clean
}

/// Memory per phone, per call, and after many of both.
pub fn memory(options: Options) {
    let kilobytes = |bytes: u64| bytes as f64 / 1024.0;
    let size = |users: usize| {
        let exchange = Exchange::open(Peer::Ringwall, users);
        (usage::memory(exchange.server.pid), exchange)
    };
    let (small, _) = size(1000);
    let (large, _) = size(5000);
    println!("- 1,000 phones registered: {:.1} MB in all", kilobytes(small) / 1024.0);
    println!("- each further registered phone: {:.2} KB", kilobytes(large.saturating_sub(small)) / 4000.0);
    let (before, mut exchange) = size(1000);
    let mut during = 0;
    exchange.speak(Duration::from_secs(2), |server| during = usage::memory(server.pid));
    println!("- each call with speech: {:.1} KB", kilobytes(during.saturating_sub(before)) / 500.0);
    let (registrations, calls) = if options.quick { (50_000, 3_000) } else { (500_000, 30_000) };
    let before = usage::memory(exchange.server.pid);
    exchange.register(4000, Duration::from_secs(registrations / 4000));
    exchange.call(500, Duration::from_secs(calls / 500), HOLD);
    let ratio = || usage::memory(exchange.server.pid) as f64 / before as f64;
    let at_once = ratio();
    std::thread::sleep(REMEMBERED);
    let later = ratio();
    println!(
        "- after {registrations} REGISTER and {calls} calls: {at_once:.2} times as much as before; {later:.2} times when the \
         transactions of the last 32 s are over too"
    );
}

/// Phones over TLS, ours beside Kamailio.
pub fn secure(users: usize, rate: u32) {
    /// As fast as one load can, for who comes back after a restart.
    const AT_ONCE: u32 = 100_000;
    for peer in [Peer::Ringwall, Peer::Kamailio] {
        let mut server = peer.start_secure(users);
        if peer == Peer::Ringwall {
            // What `apply` needed is no part of what a phone costs.
            server.restart();
        }
        let mut phones = SecurePhones::new(SECURE_SERVER, &peers::numbers(users));
        let (memory, cpu) = (usage::memory(server.pid), usage::cpu(server.pid));
        let outcome = phones.sign_in(rate);
        let (memory_after, cpu_after) = (usage::memory(server.pid), usage::cpu(server.pid));
        let (p50, p99) = quantiles(&outcome.delays);
        let per_thousand = (cpu_after - cpu).as_secs_f64() * 1000.0 / outcome.good.max(1) as f64;
        println!(
            "- {}: {} of {users} signed in over TLS at {rate}/s (a handshake and two REGISTERs each), {} failed; {per_thousand:.3} s \
             of processor time per 1,000, p50 {p50:.1} ms, p99 {p99:.1} ms; {:.1} KB each while idle",
            peer.name(),
            outcome.good,
            outcome.failed,
            memory_after.saturating_sub(memory) as f64 / 1024.0 / outcome.good.max(1) as f64,
        );
        if peer == Peer::Ringwall {
            server.restart();
            let back = phones.sign_in(AT_ONCE);
            println!(
                "- Ringwall: {} of them back {:.1} s after a restart, {} failed",
                back.good,
                back.lasted.as_secs_f64(),
                back.failed
            );
        }
    }
}

/// How long a start takes until a phone has registered.
pub fn start() {
    for users in [1000, 10_000] {
        let folder = std::env::temp_dir().join(format!("bench-{}-start", std::process::id()));
        let _ = std::fs::create_dir_all(&folder);
        let file = folder.join("office.toml");
        std::fs::write(&file, peers::office(users)).expect("a file in its folder");
        let serve = |more: &[&str]| {
            let mut command = Command::new(peers::binary());
            command.arg("serve").arg("--data").arg(folder.join("data")).args(more);
            command.env("RINGWALL_ADMIN_PASSWORD", PASSWORD).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("the binary starts")
        };
        let first = first_registration(|| serve(&["--apply", &file.to_string_lossy()]));
        let again = first_registration(|| serve(&[]));
        println!(
            "- {users} extensions: {again:.0} ms (the first start, with its configuration: {first:.0} ms)"
        );
        let _ = std::fs::remove_dir_all(&folder);
    }
}

/// Milliseconds from starting a server to the first 200; the server is ended.
fn first_registration(start: impl FnOnce() -> std::process::Child) -> f64 {
    let mut phones = Phones::new(2, 1).expect("an address");
    let begin = Instant::now();
    let mut child = start();
    let numbers = peers::numbers(1);
    let patience = Duration::from_secs(60);
    let asked = loop {
        // The first datagrams meet a closed port; a phone in a hurry asks again at once.
        let outcome = Registering::new(&mut phones, SERVER, &numbers).impatient();
        if outcome.good == 1 || begin.elapsed() > patience {
            break begin.elapsed();
        }
    };
    if let Some(pid) = rustix::process::Pid::from_raw(child.id() as i32) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    let _ = child.wait();
    asked.as_secs_f64() * 1000.0
}

/// The machine, as a reader of the figures must know it.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|l| l.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, m)| m.trim());
    let cores = info.lines().filter(|l| l.starts_with("processor")).count();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}
