//! A phone made of text over TLS, which verifies the server by the authority that `ringwall ca` printed.

use crate::config::password_of;
use crate::digest::Credentials;
use crate::raw::{Message, Request, registration};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use std::io::{self, Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer on the loopback may take on a loaded machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What a phone trusts and speaks.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Trusts this authority (PEM) and speaks these versions.
    pub fn of(authority: &str, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate");
        roots.add(certificate).expect("an authority");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// The same, for who speaks something else than SIP.
    pub fn config(&self) -> Arc<ClientConfig> {
        self.0.clone()
    }
}

/// A phone on a connection of its own.
pub struct TlsPhone {
    stream: StreamOwned<ClientConnection, TcpStream>,
    /// Its number.
    pub number: String,
    server: SocketAddrV4,
    address: String,
    heard: Vec<u8>,
    sent: u32,
}

impl TlsPhone {
    /// Connects; the handshake is done when this returns.
    pub fn connect(number: &str, server: SocketAddrV4, trust: &Trust) -> io::Result<Self> {
        let mut socket = TcpStream::connect(server)?;
        socket.set_read_timeout(Some(ANSWER_WITHIN))?;
        let address = socket.local_addr()?.to_string();
        let name = ServerName::from(std::net::IpAddr::V4(*server.ip()));
        let mut connection = ClientConnection::new(trust.0.clone(), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let stream = StreamOwned::new(connection, socket);
        Ok(Self { stream, number: number.into(), server, address, heard: Vec::new(), sent: 0 })
    }

    /// Sends text as it is.
    pub fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("sent");
    }

    /// The next message.
    pub fn receive(&mut self) -> Message {
        loop {
            if let Some(message) = self.framed() {
                return message;
            }
            let mut bytes = [0; 4_096];
            let count = self.stream.read(&mut bytes).expect("an answer in time");
            assert!(count > 0, "the server closed the connection");
            self.heard.extend_from_slice(&bytes[..count]);
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

    /// A request in full, with a transaction and a Call-ID of its own.
    pub fn compose(&mut self, request: &Request) -> String {
        self.sent += 1;
        let (me, server, n) = (&self.address, self.server, self.sent);
        let Request { method, uri, from, to, more, body } = request;
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/TLS {me};branch=z9hG4bK-tls-{n};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{from}@{server}>;tag=tls{n}\r\nTo: <sip:{to}@{server}>\r\nCall-ID: tls-{n}@{me}\r\n\
             CSeq: {n} {method}\r\nContact: <sip:{from}@{me};transport=tls>\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Sends a request, answers the challenge, and gives the first answer above 100 to it.
    pub fn ask(&mut self, request: &Request) -> Message {
        let first = self.compose(request);
        self.send(&first);
        let challenged = self.receive();
        let Some(challenge) = challenged.challenges().first().cloned() else { return challenged };
        let number = self.number.clone();
        let password = password_of(&number);
        let credentials = Credentials { user: &number, password: &password, count: 1, cnonce: "tls-phone" };
        let value = challenge.answer(&credentials, request.method, &request.uri);
        let mut again = request.clone();
        again.more.push_str(&format!("Authorization: {value}\r\n"));
        let text = self.compose(&again);
        self.send(&text);
        loop {
            let message = self.receive();
            if message.status() > 100 {
                return message;
            }
        }
    }

    /// Registers for so many seconds.
    pub fn register(&mut self, expires: u32) -> Message {
        let number = self.number.clone();
        self.ask(&registration(&number, self.server, expires))
    }
}

/// The answer 200 to a request, as a callee gives it.
pub fn accepted(request: &Message, contact: &str, body: &str) -> String {
    let line = |name: &str| request.header(name).unwrap_or_default().to_owned();
    let vias: String = request.headers("Via").iter().map(|via| format!("Via: {via}\r\n")).collect();
    let to = line("To");
    let to = if to.contains(";tag=") { to } else { format!("{to};tag=callee") };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 200 OK\r\n{vias}From: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <{contact}>\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        line("From"),
        line("Call-ID"),
        line("CSeq"),
        body.len()
    )
}
