//! A browser made of text: HTTPS to the console byte by byte, from whichever loopback address a test says.

use crate::Pbx;
use crate::place;
use crate::secure::Trust;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

/// The password that the harness gives `admin`.
pub const PASSWORD: &str = "correct horse battery staple";
/// Far beyond what any answer takes; also beyond the server's own time limits, which tests wait for.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Status line and fields as they came.
    pub head: String,
    /// The body, without its chunks.
    pub body: String,
}

impl Answer {
    /// The fields in their order, names in small letters.
    pub fn fields(&self) -> Vec<(String, String)> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect()
    }

    /// A field's value.
    pub fn header(&self, name: &str) -> Option<String> {
        self.fields().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The problem's code; empty where there is none.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The cookie that it sets: `name=value`.
    pub fn cookie(&self) -> Option<String> {
        Some(self.header("set-cookie")?.split(';').next()?.to_owned())
    }
}

/// The console of a server.
#[derive(Clone)]
pub struct Web {
    /// Where it listens.
    pub at: SocketAddrV4,
    trust: Trust,
}

/// Lets the server listen for HTTPS from its next start on; where.
pub fn open_console(pbx: &mut Pbx) -> SocketAddrV4 {
    let sip = pbx.sip;
    let at = SocketAddrV4::new(*sip.ip(), 4021);
    let listen = format!(
        "sip_udp = [\"{sip}\"]\nsip_tcp = [\"{sip}\"]\nsip_tls = []\nconsole = [\"{at}\"]\nmedia_ports = \"10000-19999\"\n"
    );
    pbx.reconfigure(|office| office.listen = listen);
    at
}

impl Web {
    /// A running server's, which its own authority vouches for.
    pub fn of(pbx: &Pbx, at: SocketAddrV4) -> Web {
        Web { at, trust: Trust::of(&pbx.run(&["ca"]).done(), &[&rustls::version::TLS13]) }
    }

    /// One that this authority (PEM) vouches for.
    pub fn trusting(at: SocketAddrV4, authority: &str) -> Web {
        Web { at, trust: Trust::of(authority, &[&rustls::version::TLS13]) }
    }

    /// A connection from this address, its handshake done. What is blocked fails here.
    pub fn connect(&self, from: Ipv4Addr) -> io::Result<Line> {
        let mut tcp = self.tcp(from)?;
        let name = ServerName::from(IpAddr::V4(*self.at.ip()));
        let mut connection = ClientConnection::new(self.trust.config(), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut tcp)?;
        }
        Ok(Line { stream: StreamOwned::new(connection, tcp), heard: Vec::new() })
    }

    /// A connection on which `bytes` are sent along with the end of the handshake, as browsers do.
    pub fn connect_saying(&self, from: Ipv4Addr, bytes: &[u8]) -> io::Result<Line> {
        let mut tcp = self.tcp(from)?;
        let name = ServerName::from(IpAddr::V4(*self.at.ip()));
        let mut connection = ClientConnection::new(self.trust.config(), name).map_err(io::Error::other)?;
        connection.set_buffer_limit(None);
        while connection.is_handshaking() {
            while connection.wants_write() {
                connection.write_tls(&mut tcp)?;
            }
            connection.read_tls(&mut tcp)?;
            connection.process_new_packets().map_err(io::Error::other)?;
        }
        connection.writer().write_all(bytes)?;
        let mut together = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut together)?;
        }
        tcp.write_all(&together)?;
        Ok(Line { stream: StreamOwned::new(connection, tcp), heard: Vec::new() })
    }

    /// A connection on which nothing was said yet.
    pub fn tcp(&self, from: Ipv4Addr) -> io::Result<TcpStream> {
        let tcp = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&tcp, &SocketAddrV4::new(from, 0))?;
        connect(&tcp, &self.at)?;
        let tcp = TcpStream::from(tcp);
        tcp.set_read_timeout(Some(ANSWER_WITHIN))?;
        Ok(tcp)
    }

    /// A browser at an address that nobody else has.
    pub fn visitor(&self) -> Browser {
        Browser { web: self.clone(), from: place::address(), cookie: None }
    }
}

/// A connection.
pub struct Line {
    stream: StreamOwned<ClientConnection, TcpStream>,
    heard: Vec<u8>,
}

impl Line {
    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Says that nothing more will come; what comes back can still be read.
    pub fn finish(&mut self) {
        self.stream.conn.send_close_notify();
        // The server may have ended it already.
        let _ = self.stream.flush();
        let _ = self.stream.sock.shutdown(Shutdown::Write);
    }

    /// Waits no longer than this for a piece.
    pub fn patience(&self, patience: Duration) {
        self.stream.sock.set_read_timeout(Some(patience)).expect("a time-out");
    }

    /// Takes more of what came; how much, 0: the end.
    pub fn take(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 16_384];
        let count = match self.stream.read(&mut chunk) {
            // TLS that ends without a word of good-bye.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
            read => read?,
        };
        self.heard.extend_from_slice(&chunk[..count]);
        Ok(count)
    }

    /// Everything that came and was not read as an answer.
    pub fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard).into_owned()
    }

    /// The next answer's head.
    pub fn head(&mut self) -> io::Result<Answer> {
        loop {
            if let Some(end) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.heard[..end]).into_owned();
                self.heard.drain(..end + 4);
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
                return Ok(Answer { status, head, body: String::new() });
            }
            if self.take()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The next answer; `method` is what was asked.
    pub fn receive(&mut self, method: &str) -> io::Result<Answer> {
        let mut answer = self.head()?;
        let body = if method == "HEAD" || matches!(answer.status, 204 | 304) {
            Vec::new()
        } else if answer.header("transfer-encoding").is_some() {
            self.chunks()?
        } else {
            let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            self.exactly(length)?
        };
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Ok(answer)
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.heard.len() < length {
            if self.take()? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.heard.drain(..length).collect())
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut whole = Vec::new();
        let deadline = Instant::now() + ANSWER_WITHIN;
        loop {
            late(deadline)?;
            let end = loop {
                if let Some(end) = self.heard.windows(2).position(|two| two == b"\r\n") {
                    break end;
                }
                if self.take()? == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
            };
            let line = self.exactly(end + 2)?;
            let size = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).unwrap_or(0);
            let chunk = self.exactly(size + 2)?;
            if size == 0 {
                return Ok(whole);
            }
            whole.extend_from_slice(&chunk[..size]);
        }
    }

    /// The rest of a live answer, whose head was read, to its end.
    pub fn rest(&mut self) -> io::Result<String> {
        self.chunks().map(|whole| String::from_utf8_lossy(&whole).into_owned())
    }

    /// Reads until the connection has ended; how.
    pub fn end(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        while self.take()? > 0 {
            late(deadline)?;
        }
        Ok(())
    }
}

/// An error once it is later than that: what goes on and on is no answer in time.
fn late(deadline: Instant) -> io::Result<()> {
    if Instant::now() < deadline { Ok(()) } else { Err(ErrorKind::TimedOut.into()) }
}

/// Somebody who opens a connection for each request.
#[derive(Clone)]
pub struct Browser {
    /// Whose pages he looks at.
    pub web: Web,
    /// Where he comes from.
    pub from: Ipv4Addr,
    /// The cookie he sends: `name=value`.
    pub cookie: Option<String>,
}

impl Browser {
    /// A request as our pages send it, with these further fields.
    pub fn compose(&self, line: &str, more: &[(&str, &str)], body: &str) -> String {
        let (method, path) = line.split_once(' ').expect("METHOD PATH");
        let mut text = format!("{method} {path} HTTP/1.1\r\n");
        let own = [("host", self.web.at.to_string()), ("x-ringwall", "1".into()), ("if-match", "*".into())];
        for (name, value) in own.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name)) {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        if let Some(cookie) = &self.cookie {
            let _ = write!(text, "cookie: {cookie}\r\n");
        }
        for (name, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        let _ = write!(text, "content-length: {}\r\n\r\n{body}", body.len());
        text
    }

    /// Asks on a connection of its own. A field with an empty value is left out.
    pub fn try_with(&self, line: &str, more: &[(&str, &str)], body: &str) -> io::Result<Answer> {
        let mut connection = self.web.connect(self.from)?;
        connection.send(self.compose(line, more, body).as_bytes())?;
        connection.receive(line.split(' ').next().unwrap_or_default())
    }

    /// The same, which has to be answered.
    pub fn with(&self, line: &str, more: &[(&str, &str)], body: &str) -> Answer {
        self.try_with(line, more, body).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// The same without more.
    pub fn ask(&self, line: &str, body: &str) -> Answer {
        self.with(line, &[], body)
    }

    /// Tries a password.
    pub fn guess(&self, login: &str, password: &str) -> io::Result<Answer> {
        self.try_with("POST /api/v1/session", &[], &sign_in(login, password))
    }

    /// Signs in, and keeps the cookie.
    pub fn sign_in(mut self, login: &str, password: &str) -> Browser {
        let answer = self.guess(login, password).expect("an answer to the sign-in");
        assert_eq!(answer.status, 200, "{answer:?}");
        self.cookie = answer.cookie();
        self
    }

    /// The status of a page that needs a session.
    pub fn status(&self) -> u16 {
        self.ask("GET /api/v1/status", "").status
    }
}

/// The body of a sign-in.
pub fn sign_in(login: &str, password: &str) -> String {
    json!({ "login": login, "password": password }).to_string()
}
