//! A phone's connection for a program that speaks datagrams: it registers numbers over one TCP connection (or a tunnel's
//! near end), keeps that, and hands what comes on it to a UDP phone, message by message, and back. So SIPp can wait for
//! calls behind a connection that it could not keep itself.

use crate::config::password_of;
use crate::digest::Credentials;
use crate::raw::Message;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the threads look whether the bridge is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a registration may take on a loaded machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A connection that datagrams cross.
pub struct Bridge {
    gone: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Bridge {
    /// Registers these numbers at `server` over a connection to `near`, and hands what comes to the phone at `phone`.
    pub fn register(numbers: &[&str], server: SocketAddrV4, near: SocketAddrV4, phone: SocketAddrV4) -> Self {
        let stream = TcpStream::connect(near).expect("the near end listens");
        stream.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout");
        let mut link = Link { stream, pending: Vec::new() };
        numbers.iter().for_each(|number| link.register(number, server, phone));
        link.stream.set_read_timeout(Some(LOOK_EVERY)).expect("a timeout");
        let socket = UdpSocket::bind(crate::place::sip_address()).expect("a free address");
        socket.connect(phone).expect("an address");
        socket.set_read_timeout(Some(LOOK_EVERY)).expect("a timeout");
        let gone = Arc::new(AtomicBool::new(false));
        let (mut back, from_phone) =
            (link.stream.try_clone().expect("a socket"), socket.try_clone().expect("a socket"));
        let (there, here) = (gone.clone(), gone.clone());
        let threads = vec![
            std::thread::spawn(move || {
                while !there.load(Ordering::Relaxed) {
                    if let Some(message) = link.next() {
                        let _ = socket.send(message.0.as_bytes());
                    }
                }
            }),
            std::thread::spawn(move || {
                let mut buffer = vec![0; 65_536];
                while !here.load(Ordering::Relaxed) {
                    let Ok(length) = from_phone.recv(&mut buffer) else { continue };
                    let _ = back.write_all(&buffer[..length]);
                }
            }),
        ];
        Self { gone, threads }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// The connection, and what has come on it but is no whole message yet.
struct Link {
    stream: TcpStream,
    pending: Vec<u8>,
}

impl Link {
    /// The next whole message (RFC 3261 section 18.3); none when nothing more comes for now.
    fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(end) = self.pending.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = Message(String::from_utf8_lossy(&self.pending[..end + 4]).into_owned());
                let body: usize = head.header("Content-Length").and_then(|v| v.parse().ok()).unwrap_or(0);
                if let Some(whole) = self.pending.get(..end + 4 + body) {
                    let message = Message(String::from_utf8_lossy(whole).trim_start().to_owned());
                    self.pending.drain(..end + 4 + body);
                    return Some(message);
                }
            }
            let mut chunk = [0; 16_384];
            let read = self.stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
            self.pending.extend_from_slice(&chunk[..read]);
        }
    }

    fn register(&mut self, number: &str, server: SocketAddrV4, phone: SocketAddrV4) {
        let uri = format!("sip:{server}");
        let mut credentials = String::new();
        for sequence in 1..=2 {
            let text = format!(
                "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/TLS {phone};branch=z9hG4bK-{number}-{sequence};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:{number}@{server}>;tag=bridge\r\nTo: <sip:{number}@{server}>\r\n\
                 Call-ID: bridge-{number}\r\nCSeq: {sequence} REGISTER\r\n\
                 Contact: <sip:{number}@{phone};transport=tcp>\r\nExpires: 3600\r\n{credentials}Content-Length: 0\r\n\r\n"
            );
            self.stream.write_all(text.as_bytes()).expect("the connection stands");
            let answer = self.next().unwrap_or_else(|| panic!("{number}: no answer to\n{text}"));
            if answer.status() == 200 {
                return;
            }
            let challenge = answer.challenges().first().cloned().unwrap_or_else(|| panic!("{}", answer.0));
            let password = password_of(number);
            let who = Credentials { user: number, password: &password, count: 1, cnonce: "bridge" };
            credentials = format!("Authorization: {}\r\n", challenge.answer(&who, "REGISTER", &uri));
        }
        panic!("{number} is not let in");
    }
}
