//! What a server costs: processor time and memory of its process and all its descendants, as the kernel counts them.

use std::collections::HashMap;
use std::time::Duration;

/// Processor time used so far, by the process and its living descendants, user and system.
pub fn cpu(pid: u32) -> Duration {
    let ticks: u64 = family(pid).iter().filter_map(|p| Stat::of(*p)).map(|s| s.ticks).sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

/// Processor time that the threads of this name have used, with what the kernel did in their time.
pub fn thread(pid: u32, name: &str) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |task: std::fs::DirEntry| {
        let named = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        let nanos = text.split(' ').next()?.parse().ok()?;
        (named.trim_end() == name).then(|| Duration::from_nanos(nanos))
    };
    tasks.filter_map(of).sum()
}

/// Processor time that this process has used itself, without its children.
pub fn own() -> Duration {
    let ticks = Stat::of(std::process::id()).map_or(0, |stat| stat.ticks);
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

/// Datagrams that the kernel dropped so far because a socket on an address that begins so had no room: the last column
/// of proc(5)'s `net/udp`. Only sockets that are open still count.
pub fn dropped(prefix: &[u8]) -> u64 {
    let reversed: String = prefix.iter().rev().map(|byte| format!("{byte:02X}")).collect();
    let text = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let sockets = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = |columns: &Vec<&str>| {
        let address = columns.get(1).and_then(|local| local.split(':').next());
        address.is_some_and(|address| address.ends_with(&reversed))
    };
    sockets.filter(ours).filter_map(|columns| columns.last()?.parse::<u64>().ok()).sum()
}

/// Memory in bytes: proportional set size, so that what processes share is counted once.
pub fn memory(pid: u32) -> u64 {
    let pss = |pid: &u32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find(|l| l.starts_with("Pss:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    family(pid).iter().filter_map(pss).sum::<u64>() * 1024
}

/// The process and its descendants.
fn family(pid: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = entries.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    let parents: HashMap<u32, u32> = all.filter_map(|p| Some((p, Stat::of(p)?.parent))).collect();
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(child, _)| *child));
        next += 1;
    }
    family
}

struct Stat {
    parent: u32,
    ticks: u64,
}

impl Stat {
    /// Fields 4, 14 and 15 of proc(5)'s `stat`; the name in field 2 may hold anything, so count from its end.
    fn of(pid: u32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self { parent: number(4)? as u32, ticks: number(14)? + number(15)? })
    }
}
