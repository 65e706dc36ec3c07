//! Thousands of connections with requests that were cut, doubled, bent and mixed, of HTTP/1.1 and HTTP/2, from an address
//! each: the door answers what is documented or nothing, holds no more afterwards, and serves who is signed in.
//!
//! Each case has a number of its own and comes again from it alone: `RINGWALL_CASE=NUMBER` runs just that one.

use super::common::{admin, person, server};
use super::doors::expect_guards;
use blackbox::https::{Browser, PASSWORD, Web, sign_in};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Connections.
const CASES: u64 = 2_000;
/// As many at once.
const AT_ONCE: usize = 8;
/// After this many cases everything is there that is made once.
const WARM: u64 = 400;
/// By how much the server may be larger at the end: two passwords that were just hashed hold 19 MB each. If each connection
/// left 30 KB behind, it would be more.
const MAX_GROWTH_KB: u64 = 48 << 10;
/// How long an answer is waited for before we end our side: most cases never get one.
const QUIET: Duration = Duration::from_millis(100);
/// How long the server has to end its side, before we hang up.
const HANG_UP_AFTER: Duration = Duration::from_secs(1);

/// Sebastiano Vigna's SplitMix64: a case's own numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where that is 0.
    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Requests that are right. `guest` may only look, so that nothing is changed by accident.
fn seeds(guest: &Browser, stranger: &Browser) -> Vec<Vec<u8>> {
    let wrong = sign_in("admin", "wrong");
    let chunked = format!("{:x}\r\n{wrong}\r\n0\r\n\r\n", wrong.len());
    let post = stranger.compose("POST /api/v1/session", &[], "");
    let post = post.replace("content-length: 0", "transfer-encoding: chunked");
    let texts = [
        stranger.compose("GET /", &[], ""),
        stranger.compose("GET /api/v1/session", &[], ""),
        stranger.compose("HEAD /assets/none.js", &[("range", "bytes=0-10")], ""),
        stranger.compose("POST /api/v1/session", &[("content-type", "application/json")], &wrong),
        post + &chunked,
        stranger.compose("POST /api/v1/session", &[("expect", "100-continue")], &wrong),
        stranger.compose("POST /api/v1/setup", &[], "{\"code\":\"1\"}"),
        stranger.compose("GET /api/v1/status", &[("authorization", "Bearer rw_0000")], ""),
        stranger.compose("GET /api/v1/session", &[], "").repeat(3),
        stranger.compose("GET /", &[("connection", "upgrade, http2-settings"), ("upgrade", "h2c")], ""),
        stranger.compose("GET /", &[("connection", "upgrade"), ("upgrade", "websocket")], ""),
        guest.compose("GET /api/v1/status", &[], ""),
        guest.compose("GET /api/v1/history?limit=5&search=1&order=newest", &[("accept", "text/csv")], ""),
        guest.compose("GET /api/v1/extensions/101", &[("if-none-match", "\"a\"")], ""),
        guest.compose("GET /api/v1/events", &[], ""),
        guest.compose("GET /api/v1/logs/security?follow=true", &[], ""),
        guest.compose("PUT /api/v1/configuration", &[], "[system]\nname = \"x\"\n"),
        guest.compose("POST /api/v1/extensions", &[], "{\"number\":\"150\"}"),
        guest.compose("DELETE /api/v1/extensions/101", &[], ""),
    ];
    let mut seeds: Vec<Vec<u8>> = texts.map(String::into_bytes).into();
    // HTTP/2 (RFC 9113): the preface, SETTINGS, HEADERS of GET /, WINDOW_UPDATE, PING, RST_STREAM.
    let mut http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    http2.extend([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100]);
    http2.extend([0, 0, 3, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x87]);
    http2.extend([0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]);
    http2.extend([0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    http2.extend([0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8]);
    seeds.push(http2[24..].to_vec());
    seeds.push(http2);
    seeds
}

/// Pieces on which readers of HTTP have stumbled.
const PIECES: [&[u8]; 20] = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\r\n ",
    b": ",
    b" ",
    b"\t",
    b"%00",
    b"%ff%c0%ae",
    b"../",
    b"//",
    b"\xff\xfe",
    b"0\r\n\r\n",
    b"ffffffffffffffff",
    b"18446744073709551616",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n",
    b"Host: evil.test\r\n",
];

/// A request that is wrong in one to six places.
fn mutant(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = dice.one(seeds).clone();
    for _ in 0..=dice.below(6) {
        let at = dice.below(bytes.len());
        let end = (at + 1 + dice.below(40)).min(bytes.len());
        match dice.below(9) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = dice.roll() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            4 => drop(bytes.splice(at..at, dice.one(&PIECES).iter().copied())),
            5 => drop(bytes.splice(at..end, dice.one(&PIECES).iter().copied())),
            6 => bytes.truncate(at),
            7 => drop(bytes.splice(at..at, vec![dice.roll() as u8; 1 << dice.below(17)])),
            _ => {
                let other = dice.one(seeds);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[dice.below(other.len())..]);
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// What the description of the API names, and what HTTP itself does: pages, time-outs, heads that are none.
fn is_documented(status: u16) -> bool {
    matches!(status, 100 | 200 | 201 | 204 | 304 | 400 | 401 | 403..=405 | 408 | 409)
        || matches!(status, 412 | 413 | 415 | 421 | 422 | 428 | 429 | 431)
}

/// One case: how the server answered first, if it did.
fn attempt(case: u64, web: &Web, seeds: &[Vec<u8>]) -> Option<u16> {
    let bytes = mutant(&mut Dice(case), seeds);
    let shown = || format!("case {case}: {}", bytes[..bytes.len().min(300)].escape_ascii());
    let mut line = web.connect(web.visitor().from).unwrap_or_else(|error| panic!("{}: {error}", shown()));
    // It may be refused before it is all sent.
    let _ = line.send(&bytes);
    line.patience(QUIET);
    let early = line.head().ok();
    line.finish();
    line.patience(HANG_UP_AFTER);
    // A live answer goes on for whoever reads on, so the last word is ours.
    let deadline = Instant::now() + HANG_UP_AFTER;
    while Instant::now() < deadline && line.take().is_ok_and(|count| count > 0) {}
    let answer = early.or_else(|| line.head().ok())?;
    assert!(is_documented(answer.status), "{}: {answer:?}", shown());
    if answer.status != 100 {
        expect_guards(&shown(), &answer);
    }
    Some(answer.status)
}

/// Memory that the process holds, kB.
fn resident_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a running server");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn thousands_of_bent_requests_are_answered_as_documented_or_not_at_all() {
    let (mut pbx, web) = server("");
    let inside = admin(&web);
    person(&inside, "guest", "read-only");
    let guest = web.visitor().sign_in("guest", PASSWORD);
    let seeds = seeds(&guest, &web.visitor());
    if let Some(case) = std::env::var("RINGWALL_CASE").ok().and_then(|case| case.parse().ok()) {
        println!("{:?}", attempt(case, &web, &seeds));
        return;
    }
    let before = inside.ask("GET /api/v1/status", "").json()["revision"].clone();
    let pid = pbx.process().pid();
    let (next, answered) = (AtomicU64::new(0), AtomicU64::new(0));
    let until = |end: u64| {
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Ok(case) = next.fetch_update(Ordering::AcqRel, Ordering::Acquire, |case| {
                        (case < end).then_some(case + 1)
                    }) {
                        let status = attempt(case, &web, &seeds);
                        answered.fetch_add(status.is_some().into(), Ordering::AcqRel);
                    }
                });
            }
        });
    };
    until(WARM);
    let warm = resident_kb(pid);
    until(CASES);
    let grown = resident_kb(pid).saturating_sub(warm);
    let answered = answered.into_inner();
    assert!(grown < MAX_GROWTH_KB, "{grown} kB more after {CASES} connections");
    assert!(answered > CASES / 100, "only {answered} of {CASES} were answered: this bends too much");
    let status = inside.ask("GET /api/v1/status", "");
    assert_eq!(
        (status.status, &status.json()["revision"]),
        (200, &before),
        "still in, and nothing was changed"
    );
    admin(&web);
    assert!(pbx.process().ended().is_none() && !pbx.process().stderr().contains("panicked"));
}
