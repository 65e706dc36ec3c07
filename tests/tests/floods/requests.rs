//! Datagrams: requests as scanners send them, with and without forged credentials, noise, and messages as large as they can be.

use crate::attack::{Datagrams, Flood};
use crate::office::{Aim, SERVER, withstands};
use std::net::Ipv4Addr;

/// Datagrams a second: what a line of 20 Mbit/s brings.
const PER_SECOND: u64 = 4_000;
/// Of the largest, 30 MB a second.
const HUGE_PER_SECOND: u64 = 600;
/// A flood goes on until it has sent so many, on however slow a machine.
const LEAST: u64 = 1_000;
/// Header lines that make a message as large as a datagram can be.
const LINES: usize = 7;
const LINE_BYTES: usize = 7_500;

/// A request of nobody we know; every second one with credentials that are none.
fn request(method: &str, source: Ipv4Addr, number: u64, more: &str) -> String {
    let forged = format!(
        "Authorization: Digest username=\"101\", realm=\"{0}\", nonce=\"{number:032x}\", uri=\"sip:{0}\", \
         response=\"{number:032x}\", algorithm=MD5\r\n",
        SERVER.ip()
    );
    let forged = if number.is_multiple_of(2) { "" } else { &forged };
    format!(
        "{method} sip:101@{SERVER} SIP/2.0\r\nVia: SIP/2.0/UDP {source}:5060;branch=z9hG4bK-{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{number}@{SERVER}>;tag={number}\r\nTo: <sip:101@{SERVER}>\r\n\
         Call-ID: flood-{number}@{source}\r\nCSeq: 1 {method}\r\nContact: <sip:{number}@{source}>\r\n\
         {forged}{more}Content-Length: 0\r\n\r\n"
    )
}

fn requests(aim: Aim, method: &'static str) -> Flood {
    let datagrams = Datagrams::from(aim.source);
    Flood::begin(PER_SECOND, move |number| {
        let text = request(method, aim.source.address(number), number, "");
        datagrams.send(number, text.as_bytes(), SERVER);
    })
}

#[test]
fn a_flood_of_registrations_harms_nobody() {
    withstands("REGISTER", LEAST, |aim| requests(aim, "REGISTER"));
}

#[test]
fn a_flood_of_calls_harms_nobody() {
    withstands("INVITE", LEAST, |aim| requests(aim, "INVITE"));
}

#[test]
fn a_flood_of_questions_harms_nobody() {
    withstands("OPTIONS", LEAST, |aim| requests(aim, "OPTIONS"));
}

#[test]
fn a_flood_of_garbage_harms_nobody() {
    withstands("garbage", LEAST, |aim| {
        let datagrams = Datagrams::from(aim.source);
        Flood::begin(PER_SECOND, move |number| {
            let whole = request("INVITE", aim.source.address(number), number, "");
            let noise = noise(number);
            let bytes = match number % 3 {
                // Of no form, half a message, and one that is broken in the middle.
                0 => noise,
                1 => whole.as_bytes()[..whole.len() / 2].to_vec(),
                _ => [&whole.as_bytes()[..60], &noise, &whole.as_bytes()[60..]].concat(),
            };
            datagrams.send(number, &bytes, SERVER);
        })
    });
}

#[test]
fn a_flood_of_huge_messages_harms_nobody() {
    withstands("huge messages", LEAST / 10, |aim| {
        let datagrams = Datagrams::from(aim.source);
        let lines = format!("Subject: {}\r\n", "x".repeat(LINE_BYTES)).repeat(LINES);
        Flood::begin(HUGE_PER_SECOND, move |number| {
            let text = request("REGISTER", aim.source.address(number), number, &lines);
            datagrams.send(number, text.as_bytes(), SERVER);
        })
    });
}

/// 300 bytes of any value (a linear congruential generator), the same in each run.
fn noise(seed: u64) -> Vec<u8> {
    let next =
        |state: u64| state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    std::iter::successors(Some(next(seed)), |state| Some(next(*state)))
        .map(|state| (state >> 56) as u8)
        .take(300)
        .collect()
}
