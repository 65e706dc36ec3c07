//! What a verdict of the gate costs: 100,000 blocks and five restricted rows, asked from four threads at once.

use guard::{AddressSet, Gate, Row, Rows, Service, Verdict};
use ipnet::{IpNet, Ipv4Net};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

/// Blocked addresses, and prefixes of the group that the rows name.
const BLOCKS: u32 = 100_000;
const MEMBERS: u32 = 10_000;
const THREADS: usize = 4;
/// Sources asked for in turn: more than a processor's first cache has room for.
const SOURCES: usize = 4_096;

/// Measures and prints; with `only`, asks so many times on this thread and prints nothing, for callgrind.
pub fn measure(seconds: u64, only: Option<u64>) {
    let (gate, sources) = gate();
    if let Some(count) = only {
        ask(&gate, &sources, count);
        return;
    }
    println!(
        "| blocks | rows | threads | verdicts | ns each, on a thread's own processor time |\n|--:|--:|--:|--:|--:|"
    );
    for threads in [1, THREADS] {
        let (verdicts, spent) = on_threads(&gate, &sources, threads, Duration::from_secs(seconds));
        let each = spent.as_secs_f64() * 1e9 / verdicts as f64;
        println!("| {BLOCKS} | 5 | {threads} | {verdicts} | {each:.1} |");
    }
}

fn gate() -> (Arc<Gate>, Vec<SocketAddr>) {
    let gate = Gate::open();
    // 10.0.0.0/8 in pieces with gaps, so that no two become one.
    let member =
        |n: u32| IpNet::V4(Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 + n * 512), 24).expect("a prefix"));
    let row = Arc::new(Row::Only(AddressSet::of((0..MEMBERS).map(member))));
    gate.set_rows(Arc::new(Rows {
        web: row.clone(),
        sip: row.clone(),
        provisioning: row.clone(),
        crm: row.clone(),
        snmp: row,
        trusted: AddressSet::default(),
    }));
    let blocked = |n: u32| Ipv4Addr::from(0xc600_0000 + n * 7);
    for n in 0..BLOCKS {
        gate.block(IpNet::from(std::net::IpAddr::from(blocked(n))));
    }
    // A third each: let in, outside the row, blocked.
    let source = |n: usize| {
        let n = u32::try_from(n).unwrap_or_default();
        let ip = match n % 3 {
            0 => Ipv4Addr::from(0x0a00_0000 + (n % MEMBERS) * 512 + 5),
            1 => Ipv4Addr::from(0xcb00_7100 + n),
            _ => blocked(n * 23 % BLOCKS),
        };
        SocketAddr::from((ip, 5060))
    };
    (gate, (0..SOURCES).map(source).collect())
}

fn ask(gate: &Gate, sources: &[SocketAddr], count: u64) -> u64 {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 5060));
    let admitted = |source: &SocketAddr| {
        matches!(gate.admit(Service::Sip, black_box(*source), local), Verdict::Allow(_))
    };
    sources.iter().cycle().zip(0..count).filter(|(source, _)| admitted(source)).count() as u64
}

/// Verdicts, and the processor time that all threads took for them.
fn on_threads(
    gate: &Arc<Gate>,
    sources: &[SocketAddr],
    threads: usize,
    lasting: Duration,
) -> (u64, Duration) {
    let begin = Barrier::new(threads);
    let worker = || {
        begin.wait();
        let (before, start, mut count) = (thread_time(), Instant::now(), 0);
        while start.elapsed() < lasting {
            black_box(ask(gate, sources, SOURCES as u64));
            count += SOURCES as u64;
        }
        (count, thread_time() - before)
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let each = running.into_iter().map(|thread| thread.join().expect("a thread that asked"));
        each.fold((0, Duration::ZERO), |(count, time), (more, longer)| (count + more, time + longer))
    })
}

/// Four threads on two cores wait for each other; what they wait is not the gate's cost.
fn thread_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}
