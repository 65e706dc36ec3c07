//! Connections: silent ones, half a handshake, half a message, and those who ask and never read the answers.

use crate::attack::Flood;
use crate::office::{Aim, SECURE, SERVER, withstands};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::ClientConnection;
use std::collections::VecDeque;
use std::io::Write;
use std::net::{SocketAddrV4, TcpStream};

/// Connections a second: in a third of a second as many as strangers may have in all.
const PER_SECOND: u64 = 3_000;
/// Of those who talk, each with so many questions.
const SLOW_PER_SECOND: u64 = 600;
const QUESTIONS: u32 = 60;
/// A flood goes on until it has opened so many: more than one address may have, or all strangers.
const LEAST: u64 = 1_000;
/// Connections held at once, if the system gives so many file handles: more than strangers may have in all.
const HELD: u64 = 4_000;
/// File handles that everything else in the test's process needs.
const OTHERS: u64 = 500;
/// So many connections later one is surely established.
const ESTABLISHED: usize = 60;
/// The kernel's room for what a slow reader does not read: the least there is.
const SMALL_BUFFER: usize = 2_048;

/// Connections that are held open; when there are too many the eldest goes.
struct Connections {
    aim: Aim,
    to: SocketAddrV4,
    waiting: VecDeque<TcpStream>,
    held: VecDeque<TcpStream>,
    room: u64,
}

impl Connections {
    fn new(aim: Aim, to: SocketAddrV4) -> Self {
        let maximum = getrlimit(Resource::Nofile).maximum;
        let allowed = maximum.unwrap_or(u64::MAX).min(HELD + OTHERS);
        // The soft limit alone, up to what this process was given.
        setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum })
            .expect("below the hard limit");
        Self { aim, to, waiting: VecDeque::new(), held: VecDeque::new(), room: allowed - OTHERS }
    }

    /// Opens one, and says `words` on one that was opened a little earlier.
    fn open(&mut self, number: u64, words: &[u8]) {
        self.waiting.extend(self.dial(number));
        if self.waiting.len() > ESTABLISHED
            && let Some(mut one) = self.waiting.pop_front()
        {
            // Refused ones are let go of, and what the server does not take need not be said.
            if one.write(words).is_ok() || words.is_empty() {
                self.held.push_back(one);
            }
        }
        if self.held.len() + self.waiting.len() > self.room as usize {
            self.held.pop_front();
        }
    }

    fn dial(&self, number: u64) -> Option<TcpStream> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).ok()?;
        let _ = sockopt::set_socket_recv_buffer_size(&socket, SMALL_BUFFER);
        bind(&socket, &SocketAddrV4::new(self.aim.source.address(number), 0)).ok()?;
        // It goes on by itself.
        let _ = connect(&socket, &self.to);
        Some(TcpStream::from(socket))
    }
}

fn connections(
    aim: Aim,
    (to, per_second): (SocketAddrV4, u64),
    words: impl Fn(u64) -> Vec<u8> + Send + 'static,
) -> Flood {
    let mut connections = Connections::new(aim, to);
    Flood::begin(per_second, move |number| connections.open(number, &words(number)))
}

#[test]
fn a_flood_of_connections_harms_nobody() {
    withstands("TCP connects", LEAST, |aim| connections(aim, (SERVER, PER_SECOND), |_| Vec::new()));
}

#[test]
fn a_flood_of_half_handshakes_harms_nobody() {
    withstands("TLS half handshakes", LEAST, |aim| {
        let hello = hello();
        connections(aim, (SECURE, PER_SECOND), move |number| {
            // Half of what begins a handshake; or all of it, and nothing more though the server has answered.
            let said = if number.is_multiple_of(2) { hello.len() / 2 } else { hello.len() };
            hello[..said].to_vec()
        })
    });
}

#[test]
fn a_flood_of_half_messages_harms_nobody() {
    withstands("half messages", LEAST, |aim| {
        let head = format!("REGISTER sip:{SERVER} SIP/2.0\r\nContent-Length: 60000\r\n");
        let half = [head.into_bytes(), format!("Subject: {}\r\n", "x".repeat(7_500)).repeat(2).into_bytes()]
            .concat();
        connections(aim, (SERVER, PER_SECOND), move |_| half.clone())
    });
}

#[test]
fn a_flood_of_slow_readers_harms_nobody() {
    withstands("slow readers", LEAST, |aim| {
        let question = |number: u32| {
            format!(
                "OPTIONS sip:{SERVER} SIP/2.0\r\nVia: SIP/2.0/TCP {SERVER};branch=z9hG4bK-{number};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:a@{SERVER}>;tag={number}\r\nTo: <sip:{SERVER}>\r\n\
                 Call-ID: slow-{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            )
        };
        let many = (0..QUESTIONS).map(question).collect::<String>().into_bytes();
        connections(aim, (SERVER, SLOW_PER_SECOND), move |_| many.clone())
    });
}

/// What begins a TLS handshake (ClientHello).
fn hello() -> Vec<u8> {
    let authority =
        rcgen::generate_simple_self_signed(vec!["nobody.invalid".into()]).expect("a certificate").cert.pem();
    let trust = blackbox::secure::Trust::of(&authority, rustls::ALL_VERSIONS);
    let name = rustls::pki_types::ServerName::from(std::net::IpAddr::V4(*SECURE.ip()));
    let mut connection = ClientConnection::new(trust.config(), name).expect("a client");
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).expect("memory");
    hello
}
