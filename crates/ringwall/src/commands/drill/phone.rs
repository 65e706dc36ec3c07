//! A phone that says what it is told to: a socket at one source, requests as text, answers as they come.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use api::drill::Canary;
use wire::digest::{Algorithm, Answer, Challenge, Request as Signed, ha1};

use super::field::{ANSWER_WITHIN, Field, Halt, SILENCE};

/// A request goes again after this, as UDP loses packets when a server is busy.
const AGAIN: Duration = Duration::from_millis(500);
/// Longest message read.
const MAX_MESSAGE: usize = 65_536;

/// A message that came.
#[derive(Clone, Debug)]
pub struct Message(pub String);

impl Message {
    /// The status of an answer; 0 for a request.
    pub fn status(&self) -> u16 {
        self.0.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
    }

    /// Whether it is a request with this method.
    pub fn is_request(&self, method: &str) -> bool {
        self.0.strip_prefix(method).is_some_and(|rest| rest.starts_with(' '))
    }

    /// All values of a header.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        fields
            .filter(move |(known, _)| known.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// The first value of a header, or nothing.
    pub fn header<'a>(&'a self, name: &'a str) -> &'a str {
        self.headers(name).next().unwrap_or_default()
    }

    /// The body.
    pub fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// The URI in Contact.
    pub fn contact(&self) -> &str {
        let value = self.header("Contact");
        value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(value, |(uri, _)| uri)
    }

    /// The answer to this request.
    pub fn answer(&self, status: u16, more: &str, body: &str) -> String {
        let mut text = format!("SIP/2.0 {status} Drill\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            for value in self.headers(name) {
                let tag = if name == "To" && !value.contains(";tag=") { ";tag=drill" } else { "" };
                text.push_str(&format!("{name}: {value}{tag}\r\n"));
            }
        }
        text + &format!("{more}Content-Length: {}\r\n\r\n{body}", body.len())
    }

    /// Its answer to the first challenge in it that we know.
    pub fn signed(&self, user: &str, password: &str, method: &str, uri: &str) -> Option<String> {
        let (name, header) = match self.status() {
            401 => ("WWW-Authenticate", "Authorization"),
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => return None,
        };
        let challenge = self.headers(name).find_map(|value| Challenge::parse(value.as_bytes()).ok())?;
        let algorithm: Algorithm = challenge.algorithm;
        let key = ha1(algorithm, user.as_bytes(), challenge.realm.as_bytes(), password.as_bytes());
        let answer = Answer { username: user, ha1: &key, nc: 1, cnonce: "drill" };
        let request = Signed { method: method.as_bytes(), uri: uri.as_bytes(), body: b"" };
        Some(format!("{header}: {}\r\n", challenge.answer(&answer, &request)))
    }
}

/// How often a phone asks that must be registered.
const SIGN_INS: u32 = 4;
/// How long it waits before it asks again, whatever it is told: a refusal under a flood names 2 to 10 seconds.
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// What a request consists of besides what every request has.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The method.
    pub method: &'static str,
    /// The Request-URI.
    pub uri: String,
    /// The user in From and Contact.
    pub from: String,
    /// The user in To.
    pub to: String,
    /// Further header lines.
    pub more: String,
    /// The body.
    pub body: String,
}

/// A phone at one source.
pub struct Phone<'a> {
    field: &'a Field,
    socket: UdpSocket,
    /// Where it is.
    pub at: SocketAddr,
    server: SocketAddr,
    sent: u32,
}

impl<'a> Phone<'a> {
    /// A phone at `source`, any port.
    pub fn new(field: &'a Field, source: Ipv4Addr, server: SocketAddr) -> Result<Phone<'a>, Halt> {
        let socket = net::drill::udp(source)?;
        let at = socket.local_addr()?;
        Ok(Phone { field, socket, at, server, sent: 0 })
    }

    /// Where its requests go.
    pub fn domain(&self) -> &str {
        &self.field.ground().domain
    }

    /// Sends bytes as they are, to the server.
    pub fn send(&self, bytes: &[u8]) -> Result<(), Halt> {
        self.field.spend()?;
        self.socket.send_to(bytes, self.server)?;
        Ok(())
    }

    /// The next message within `patience`.
    pub fn receive(&self, patience: Duration) -> Result<Option<Message>, Halt> {
        self.field.go_on()?;
        self.socket.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
        let mut buffer = vec![0; MAX_MESSAGE];
        match self.socket.recv(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                Ok(Some(Message(String::from_utf8_lossy(&buffer).into_owned())))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            // A port that was closed says so over ICMP: nobody answers.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether nothing comes for a while.
    pub fn hears_nothing(&self) -> Result<Option<Message>, Halt> {
        self.receive(SILENCE)
    }

    /// A request in full, in a transaction of its own; its Call-ID.
    pub fn compose(&mut self, wish: &Wish) -> (String, String) {
        self.sent += 1;
        let (me, n, domain) = (self.at, self.sent, self.domain());
        let Wish { method, uri, from, to, more, body } = wish;
        let call = format!("drill-{n}-{}@{}", me.port(), me.ip());
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK-{n}-{};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{from}@{domain}>;tag=drill{n}\r\nTo: <sip:{to}@{domain}>\r\nCall-ID: {call}\r\n\
             CSeq: {n} {method}\r\nContact: <sip:{from}@{me}>\r\nUser-Agent: Ringwall drill\r\n{more}Content-Length: {}\r\n\r\n{body}",
            me.port(),
            body.len()
        );
        (text, call)
    }

    /// Sends a request and gives the first final answer to it, if there is one within `patience`.
    pub fn ask(&mut self, wish: &Wish, patience: Duration) -> Result<Option<Message>, Halt> {
        let (text, call) = self.compose(wish);
        self.send(text.as_bytes())?;
        let (until, mut again) = (Instant::now() + patience, Instant::now() + AGAIN);
        loop {
            let now = Instant::now();
            if now >= until {
                return Ok(None);
            }
            if now >= again {
                self.send(text.as_bytes())?;
                again = now + AGAIN;
            }
            let wait = until.min(again).saturating_duration_since(now);
            if let Some(message) = self.receive(wait)?
                && message.header("Call-ID") == call
                && message.status() >= 200
            {
                return Ok(Some(message));
            }
        }
    }

    /// The same, answering a challenge with this password. The last answer; `None`: there was none.
    pub fn ask_as(&mut self, wish: &Wish, user: &str, password: &str) -> Result<Option<Message>, Halt> {
        let Some(first) = self.ask(wish, ANSWER_WITHIN)? else { return Ok(None) };
        self.acknowledge(wish, &first)?;
        match first.signed(user, password, wish.method, &wish.uri) {
            None => Ok(Some(first)),
            Some(line) => {
                let mut again = wish.clone();
                again.more.push_str(&line);
                let last = self.ask(&again, ANSWER_WITHIN)?;
                if let Some(last) = &last {
                    self.acknowledge(wish, last)?;
                }
                Ok(last)
            }
        }
    }

    /// The ACK to a refused INVITE, so that the refusal does not come again (RFC 3261 section 17.1.1.3).
    pub fn acknowledge(&self, wish: &Wish, refusal: &Message) -> Result<(), Halt> {
        if wish.method != "INVITE" || refusal.status() < 300 {
            return Ok(());
        }
        self.send(self.ack(&wish.uri, refusal, refusal.header("Via")).as_bytes())
    }

    /// An ACK to `answer`.
    pub fn ack(&self, uri: &str, answer: &Message, via: &str) -> String {
        let number = answer.header("CSeq").split(' ').next().unwrap_or("1");
        format!(
            "ACK {uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\n\
             CSeq: {number} ACK\r\nContent-Length: 0\r\n\r\n",
            answer.header("From"),
            answer.header("To"),
            answer.header("Call-ID"),
        )
    }

    /// A REGISTER of `user` for so many seconds.
    pub fn registration(&self, user: &str, seconds: u32) -> Wish {
        Wish {
            method: "REGISTER",
            uri: format!("sip:{}", self.domain()),
            from: user.to_owned(),
            to: user.to_owned(),
            more: format!("Expires: {seconds}\r\n"),
            body: String::new(),
        }
    }

    /// An INVITE from `user` to `number`.
    pub fn invitation(&self, user: &str, number: &str, body: String) -> Wish {
        Wish {
            method: "INVITE",
            uri: format!("sip:{number}@{}", self.domain()),
            from: user.to_owned(),
            to: number.to_owned(),
            more: "Content-Type: application/sdp\r\n".to_owned(),
            body,
        }
    }

    /// Registers a canary with its own password: the status, 0 if nobody answered.
    pub fn register(&mut self, canary: &Canary) -> Result<u16, Halt> {
        let wish = self.registration(&canary.number, 120);
        let answer = self.ask_as(&wish, &canary.number, canary.password.expose())?;
        Ok(answer.map_or(0, |answer| answer.status()))
    }

    /// Registers a canary for a step that needs it registered. As phones do, it asks again a few times where the server is
    /// too busy (RFC 3261 section 21.5.4) or says nothing. The last status, 0 if nobody answered.
    pub fn sign_in(&mut self, canary: &Canary) -> Result<u16, Halt> {
        let wish = self.registration(&canary.number, 120);
        for _ in 1..SIGN_INS {
            let answer = self.ask_as(&wish, &canary.number, canary.password.expose())?;
            match answer.as_ref().map_or(0, Message::status) {
                0 | 503 => {}
                status => return Ok(status),
            }
            let wait =
                answer.and_then(|answer| answer.header("Retry-After").parse().ok()).unwrap_or_default();
            let until = Instant::now() + Duration::from_secs(wait).min(LONGEST_RETRY);
            while Instant::now() < until {
                self.receive(until.saturating_duration_since(Instant::now()))?;
            }
        }
        self.register(canary)
    }

    /// Tries one wrong password: the status, 0 if nobody answered.
    pub fn guess(&mut self, user: &str) -> Result<u16, Halt> {
        let wish = self.registration(user, 120);
        let answer = self.ask_as(&wish, user, "guessed-by-the-drill")?;
        Ok(answer.map_or(0, |answer| answer.status()))
    }
}
