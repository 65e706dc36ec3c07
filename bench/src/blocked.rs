//! A flood from blocked addresses, refused by the process or by the kernel: what it costs the server, and what a call
//! beside it loses. And what it costs to tell the kernel of many new blocks.

use crate::peers::{Peer, SERVER, Server, binary};
use crate::runs::{Exchange, MeasuredMedia, speak_through};
use crate::usage;
use blackbox::Guesser;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Where the flood comes from, and how many addresses it has there.
const NETWORK: &str = "127.66.0.0/16";
const SOURCES: u8 = 16;
/// Sent in a row before the clock is asked.
const BATCH: u32 = 16;

/// Who refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// The process alone.
    Process,
    /// The kernel: needs CAP_NET_ADMIN, and a network namespace of its own is polite.
    Kernel,
}

/// Speaks on a few calls, once without the flood and once beside it, and prints both.
pub fn measure(rate: u32, calls: u32, seconds: u64, by: By) {
    let duration = Duration::from_secs(seconds);
    println!(
        "| flood/s | calls | server CPU % of a core | packets of calls | lost | p99 ms |\n|--:|--:|--:|--:|--:|--:|"
    );
    row(0.0, &speak_through(Peer::Ringwall, calls, duration));
    let mut exchange = Exchange::open(Peer::Ringwall, 2 * calls as usize);
    let data = exchange.server.folder.join("data");
    if by == By::Kernel {
        offload(&exchange.server, "");
    }
    let blocked = Command::new(binary()).args(["block", NETWORK, "--data"]).arg(&data).status();
    assert!(blocked.is_ok_and(|status| status.success()), "the network could not be blocked");
    let stop = AtomicBool::new(false);
    let (measured, sent) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| flood(rate, &stop));
        let measured = exchange.speak(duration, |_| {});
        stop.store(true, Ordering::Relaxed);
        (measured, flood.join().expect("the flood's thread"))
    });
    row(sent, &measured);
}

fn row(flood: f64, measured: &MeasuredMedia) {
    let MeasuredMedia { calls, heard, lasted, cpu } = measured;
    println!(
        "| {flood:.0} | {calls} | {:.1} | {} | {} | {:.2} |",
        100.0 * cpu.as_secs_f64() / lasted.as_secs_f64(),
        heard.sent,
        heard.sent.saturating_sub(heard.received),
        heard.delays.quantile(0.99).as_secs_f64() * 1_000.0,
    );
}

/// Sends at this rate until told to stop; how many a second it came to.
fn flood(rate: u32, stop: &AtomicBool) -> f64 {
    let sockets: Vec<UdpSocket> = (1..=SOURCES)
        .map(|n| {
            let socket =
                UdpSocket::bind((Ipv4Addr::new(127, 66, 0, n), 0)).expect("an address in 127.66.0.0/16");
            socket.connect(SERVER).expect("the server's address");
            socket
        })
        .collect();
    let text = format!(
        "REGISTER sip:{SERVER} SIP/2.0\r\nVia: SIP/2.0/UDP 127.66.0.1;branch=z9hG4bKflood\r\nFrom: <sip:1@x>;tag=1\r\n\
         To: <sip:1@x>\r\nCall-ID: flood\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    let (begin, mut sent) = (Instant::now(), 0_u32);
    while !stop.load(Ordering::Relaxed) {
        let due = (begin.elapsed().as_secs_f64() * f64::from(rate)) as u32;
        if sent >= due {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        for _ in 0..BATCH {
            // Full, or refused since nobody listens: as lost as a packet on the way.
            let _ = sockets[sent as usize % sockets.len()].send(text.as_bytes());
            sent += 1;
        }
    }
    f64::from(sent) / begin.elapsed().as_secs_f64()
}

/// Has the server tell the kernel, and makes sure that it does.
fn offload(server: &Server, more: &str) {
    let file = server.folder.join("kernel.toml");
    std::fs::write(&file, format!("[network]\nkernel_offload = \"auto\"\n{more}"))
        .expect("a file in its folder");
    let run = |words: &[&str]| {
        let output =
            Command::new(binary()).args(words).arg("--data").arg(server.folder.join("data")).output();
        String::from_utf8_lossy(&output.expect("ringwall").stdout).into_owned()
    };
    run(&["apply", &file.to_string_lossy(), "--merge"]);
    let status = run(&["status"]);
    assert!(status.contains("kernel offload  on"), "the kernel is not told:\n{status}");
}

/// Has the guard block so many addresses evenly over the time, and prints what the thread that tells the kernel costs.
pub fn many(count: u32, seconds: u64) {
    let server = Peer::Ringwall.start(2);
    offload(&server, "[security.guessing]\nattempts = 1\nknown = \"address\"\n");
    let (begin, before, all) = (Instant::now(), usage::thread(server.pid, "kernel"), usage::cpu(server.pid));
    let mut blocked = 0;
    for n in 0..count {
        let due = Duration::from_secs(seconds).mul_f64(f64::from(n) / f64::from(count));
        std::thread::sleep(due.saturating_sub(begin.elapsed()));
        let [_, high, middle, low] = n.to_be_bytes();
        let source = Ipv4Addr::new(127, 100 + high, middle, low);
        if Guesser::udp(source, SERVER).guess("10000", "wrong") == 403 {
            blocked += 1;
        }
    }
    let lasted = begin.elapsed();
    let percent = |used: Duration| 100.0 * used.as_secs_f64() / lasted.as_secs_f64();
    println!(
        "| new blocks | within s | thread that tells the kernel, % of a core | whole server |\n|--:|--:|--:|--:|"
    );
    println!(
        "| {blocked} | {:.0} | {:.2} | {:.1} |",
        lasted.as_secs_f64(),
        percent(usage::thread(server.pid, "kernel") - before),
        percent(usage::cpu(server.pid) - all)
    );
    offload(&server, "");
}
