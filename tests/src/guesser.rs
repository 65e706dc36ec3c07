//! Somebody who tries passwords, over whatever transport and from whatever loopback address; and sipvicious, which does so
//! for a living.

use crate::config::password_of;
use crate::digest::{Challenge, Credentials};
use crate::raw::Message;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take on a loaded machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

enum Wire {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// What came back.
#[derive(Debug)]
pub enum Heard {
    /// A message.
    Message(Message),
    /// Nothing, for as long as was waited.
    Nothing,
    /// The connection is closed or reset.
    Closed,
}

impl Heard {
    /// Its status; 0 for none.
    pub fn status(&self) -> u16 {
        if let Heard::Message(message) = self { message.status() } else { 0 }
    }
}

/// A guesser at one socket.
pub struct Guesser {
    wire: Wire,
    address: SocketAddr,
    server: SocketAddrV4,
    heard: Vec<u8>,
    sent: u32,
    /// What it says it is.
    pub agent: String,
}

impl Guesser {
    /// Over UDP, from a port of its own at this address.
    pub fn udp(source: Ipv4Addr, server: SocketAddrV4) -> Self {
        let socket = UdpSocket::bind((source, 0)).expect("a free port");
        let address = socket.local_addr().expect("bound");
        Self::over(Wire::Udp(socket), address, server)
    }

    /// Over TCP.
    pub fn tcp(server: SocketAddrV4) -> io::Result<Self> {
        let socket = TcpStream::connect(server)?;
        let address = socket.local_addr()?;
        Ok(Self::over(Wire::Tcp(socket), address, server))
    }

    /// Over TLS, trusting as `config` says.
    pub fn tls(server: SocketAddrV4, config: &Arc<ClientConfig>) -> io::Result<Self> {
        let mut socket = TcpStream::connect(server)?;
        let address = socket.local_addr()?;
        let name = ServerName::from(std::net::IpAddr::V4(*server.ip()));
        let mut connection = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(Self::over(Wire::Tls(Box::new(StreamOwned::new(connection, socket))), address, server))
    }

    fn over(wire: Wire, address: SocketAddr, server: SocketAddrV4) -> Self {
        Self { wire, address, server, heard: Vec::new(), sent: 0, agent: "friendly-scanner".into() }
    }

    /// A REGISTER of `user`, with credentials if there are any.
    pub fn compose(&mut self, user: &str, authorization: Option<&str>) -> String {
        self.request("REGISTER", user, authorization)
    }

    /// A request of `user` to the server itself.
    pub fn request(&mut self, method: &str, user: &str, authorization: Option<&str>) -> String {
        self.sent += 1;
        let (me, server, n, agent) = (self.address, self.server, self.sent, &self.agent);
        let transport = match self.wire {
            Wire::Udp(_) => "UDP",
            Wire::Tcp(_) => "TCP",
            Wire::Tls(_) => "TLS",
        };
        let authorization =
            authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
        format!(
            "{method} sip:{server} SIP/2.0\r\nVia: SIP/2.0/{transport} {me};branch=z9hG4bK-guess-{n};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{server}>;tag=g{n}\r\nTo: <sip:{user}@{server}>\r\n\
             Call-ID: guess-{n}@{me}\r\nCSeq: {n} {method}\r\nContact: <sip:{user}@{me}>\r\nExpires: 600\r\n\
             User-Agent: {agent}\r\n{authorization}Content-Length: 0\r\n\r\n"
        )
    }

    /// The credentials that answer a challenge.
    pub fn credentials(&self, challenge: &Challenge, (user, password): (&str, &str), count: u32) -> String {
        self.credentials_for("REGISTER", challenge, (user, password), count)
    }

    /// The same for another method.
    pub fn credentials_for(
        &self,
        method: &str,
        challenge: &Challenge,
        (user, password): (&str, &str),
        count: u32,
    ) -> String {
        let credentials = Credentials { user, password, count, cnonce: "guesser" };
        challenge.answer(&credentials, method, &format!("sip:{}", self.server))
    }

    /// Sends text as it is; a connection that is gone says so when it is read.
    pub fn send(&mut self, text: &str) {
        match &mut self.wire {
            Wire::Udp(socket) => drop(socket.send_to(text.as_bytes(), self.server)),
            Wire::Tcp(socket) => drop(socket.write_all(text.as_bytes())),
            Wire::Tls(stream) => drop(stream.write_all(text.as_bytes())),
        }
    }

    /// What comes next.
    pub fn hear(&mut self) -> Heard {
        self.hear_within(ANSWER_WITHIN)
    }

    /// What comes next within `patience`.
    pub fn hear_within(&mut self, patience: Duration) -> Heard {
        let mut bytes = vec![0; 65_536];
        loop {
            if let Some(message) = self.framed() {
                return Heard::Message(message);
            }
            let read = match &mut self.wire {
                Wire::Udp(socket) => {
                    socket.set_read_timeout(Some(patience)).expect("a timeout");
                    let Ok(length) = socket.recv(&mut bytes) else { return Heard::Nothing };
                    let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
                    return Heard::Message(Message(text));
                }
                Wire::Tcp(socket) => {
                    socket.set_read_timeout(Some(patience)).expect("a timeout");
                    socket.read(&mut bytes)
                }
                Wire::Tls(stream) => {
                    stream.sock.set_read_timeout(Some(patience)).expect("a timeout");
                    stream.read(&mut bytes)
                }
            };
            match read {
                Ok(0) => return Heard::Closed,
                Ok(count) => self.heard.extend_from_slice(&bytes[..count]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Heard::Nothing;
                }
                Err(_) => return Heard::Closed,
            }
        }
    }

    fn framed(&mut self) -> Option<Message> {
        let text = String::from_utf8_lossy(&self.heard).into_owned();
        let head = text.find("\r\n\r\n")? + 4;
        let length = Message(text[..head].into()).header("Content-Length")?.parse::<usize>().ok()?;
        let whole = text.get(..head + length)?.to_owned();
        self.heard.drain(..head + length);
        Some(Message(whole))
    }

    /// Asks for a challenge; none, if the server is silent.
    pub fn challenge(&mut self, user: &str) -> Option<Challenge> {
        let text = self.compose(user, None);
        self.send(&text);
        match self.hear() {
            Heard::Message(message) => message.challenges().first().cloned(),
            Heard::Nothing | Heard::Closed => None,
        }
    }

    /// Tries a password; the answer's status, 0 for none.
    pub fn guess(&mut self, user: &str, password: &str) -> u16 {
        let Some(challenge) = self.challenge(user) else { return 0 };
        self.answer(&challenge, user, password)
    }

    /// Answers a challenge; the answer's status, 0 for none.
    pub fn answer(&mut self, challenge: &Challenge, user: &str, password: &str) -> u16 {
        let value = self.credentials(challenge, (user, password), 1);
        let text = self.compose(user, Some(&value));
        self.send(&text);
        self.hear().status()
    }

    /// Signs in with the right password.
    pub fn sign_in(&mut self, user: &str) -> u16 {
        self.guess(user, &password_of(user))
    }
}

/// A program of sipvicious, bound to `source`; what it printed.
pub fn sipvicious(program: &str, source: Ipv4Addr, server: SocketAddrV4, arguments: &[&str]) -> String {
    let (source, port) = (source.to_string(), server.port().to_string());
    let mut command = Command::new("timeout");
    command.args(["60", program, "-b", &source, "-x", &source, "-P", "5070", "-p", &port]);
    command.args(arguments).arg(server.ip().to_string());
    let output = command.output().unwrap_or_else(|e| panic!("{program}: {e}; run ./test, which installs it"));
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}
