//! Phones over TLS: each connects from an address of its own, registers with a challenge, and stays.
//!
//! One thread, one phone after the other at the offered rate: what is measured is the server. The phones trust whatever
//! certificate they are shown; a peer's is made by openssl for the run.

use crate::digest::Account;
use crate::pace::{Delays, Pace};
use crate::register::{Offer, Outcome};
use crate::sip::Reading;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A phone that gets no answer for so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

type Connection = StreamOwned<ClientConnection, TcpStream>;

/// Phones that are signed in as long as this lives.
pub struct SecurePhones {
    server: SocketAddrV4,
    config: Arc<ClientConfig>,
    accounts: Vec<Account>,
    connections: Vec<Option<Connection>>,
    /// The last CSeq number that each phone has used.
    sequence: u32,
}

impl SecurePhones {
    /// One phone for each number; none is connected yet.
    pub fn new(server: SocketAddrV4, numbers: &[String]) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let trusting = Arc::new(Trusting(provider.signature_verification_algorithms));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS")
            .dangerous()
            .with_custom_certificate_verifier(trusting)
            .with_no_client_auth();
        Self {
            server,
            config: Arc::new(config),
            accounts: numbers.iter().map(|n| Account::new(n.clone())).collect(),
            connections: numbers.iter().map(|_| None).collect(),
            sequence: 0,
        }
    }

    /// Connects and registers everybody anew, `rate` a second.
    pub fn sign_in(&mut self, rate: u32) -> Outcome {
        self.connections.iter_mut().for_each(|connection| *connection = None);
        let count = self.accounts.len();
        let mut pace = Pace::new(rate, Duration::from_secs_f64(count as f64 / f64::from(rate)));
        let mut outcome = Outcome { offered: count as u64, ..Outcome::default() };
        let begin = Instant::now();
        for phone in 0..count {
            while pace.next_due(Instant::now()).is_none() {
                std::thread::sleep(
                    pace.next().map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now())),
                );
            }
            let begun = Instant::now();
            match self.register(phone) {
                Ok(connection) => {
                    self.connections[phone] = Some(connection);
                    outcome.succeeded(Offer::Runs);
                    outcome.delays.add(begun.elapsed());
                }
                Err(_) => outcome.failed += 1,
            }
        }
        self.sequence += 2;
        outcome.lasted = begin.elapsed();
        outcome
    }

    /// The connection of a phone that has registered.
    fn register(&mut self, phone: usize) -> io::Result<Connection> {
        let me = Ipv4Addr::new(127, 4, (phone / 250) as u8, (phone % 250) as u8 + 2);
        let mut connection = self.connect(me)?;
        let challenge = self.ask(&mut connection, me, phone, self.sequence + 1, "")?;
        let challenge = Reading(&challenge);
        let uri = format!("sip:{}", self.server.ip());
        let credentials = challenge.challenge().and_then(|(value, name)| {
            Some(format!("{name}: {}\r\n", self.accounts[phone].answer(value, "REGISTER", &uri)?))
        });
        let credentials = credentials.ok_or_else(|| io::Error::other("no challenge"))?;
        let answer = self.ask(&mut connection, me, phone, self.sequence + 2, &credentials)?;
        match Reading(&answer).status() {
            Some(200) => Ok(connection),
            other => Err(io::Error::other(format!("{other:?}"))),
        }
    }

    fn connect(&self, me: Ipv4Addr) -> io::Result<Connection> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        bind(&socket, &SocketAddr::new(me.into(), 0))?;
        connect(&socket, &SocketAddr::V4(self.server))?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let name = ServerName::IpAddress((*self.server.ip()).into());
        let client = ClientConnection::new(self.config.clone(), name).map_err(io::Error::other)?;
        Ok(StreamOwned::new(client, stream))
    }

    /// Sends a REGISTER and reads the final answer; neither has a body.
    fn ask(
        &self,
        connection: &mut Connection,
        me: Ipv4Addr,
        phone: usize,
        sequence: u32,
        credentials: &str,
    ) -> io::Result<Vec<u8>> {
        let (user, host) = (&self.accounts[phone].user, self.server.ip());
        let text = format!(
            "REGISTER sip:{host} SIP/2.0\r\nVia: SIP/2.0/TLS {me}:5061;branch=z9hG4bK-{phone}-{sequence};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{host}>;tag=f{phone}\r\nTo: <sip:{user}@{host}>\r\n\
             Call-ID: secure-{phone}@{me}\r\nCSeq: {sequence} REGISTER\r\n\
             Contact: <sip:{user}@{me}:5061;transport=tls>\r\nExpires: 3600\r\nUser-Agent: bench\r\n{credentials}\
             Content-Length: 0\r\n\r\n"
        );
        connection.write_all(text.as_bytes())?;
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let length = connection.read(&mut buffer)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&buffer[..length]);
            if answer.ends_with(b"\r\n\r\n") {
                match Reading(&answer).status() {
                    Some(200..) => return Ok(answer),
                    _ => answer.clear(),
                }
            }
        }
    }
}

/// Takes any certificate, but checks that the server has its key, as a phone does.
#[derive(Debug)]
struct Trusting(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// The middle and the slow end of a sign-in, in milliseconds.
pub fn quantiles(delays: &Delays) -> (f64, f64) {
    let millis = |share| delays.quantile(share).as_secs_f64() * 1000.0;
    (millis(0.5), millis(0.99))
}
