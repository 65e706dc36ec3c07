//! A phone made of text and one UDP socket, for tests that must see exactly what was sent and what came back. It has no
//! timers: what is lost stays lost.

use crate::config::password_of;
use crate::digest::{Challenge, Credentials};
use std::net::{SocketAddrV4, UdpSocket};
use std::time::Duration;

/// How long an answer on the loopback may take on a loaded machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A SIP message as text.
#[derive(Clone, Debug)]
pub struct Message(pub String);

impl Message {
    /// The status code of a response; 0 for a request.
    pub fn status(&self) -> u16 {
        self.0.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
    }

    /// The method of a request; nothing for a response.
    pub fn method(&self) -> &str {
        if self.status() == 0 { self.0.split(' ').next().unwrap_or_default() } else { "" }
    }

    /// The number in CSeq.
    pub fn sequence(&self) -> u32 {
        self.header("CSeq").and_then(|v| v.split(' ').next()?.parse().ok()).expect("a CSeq")
    }

    /// The URI in Contact.
    pub fn contact(&self) -> String {
        let value = self.header("Contact").unwrap_or_else(|| panic!("no Contact in\n{}", self.0));
        value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(value, |(uri, _)| uri).into()
    }

    /// An answer to this request; `tag` goes to a To that has none, `more` are further header lines.
    pub fn answer(&self, status: u16, tag: &str, more: &str, body: &str) -> String {
        let mut text = format!("SIP/2.0 {status} As Agreed\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            for value in self.headers(name) {
                let tagless = name == "To" && !value.contains(";tag=") && !tag.is_empty();
                let tag = if tagless { format!(";tag={tag}") } else { String::new() };
                text.push_str(&format!("{name}: {value}{tag}\r\n"));
            }
        }
        text.push_str(&format!("{more}Content-Length: {}\r\n\r\n{body}", body.len()));
        text
    }

    /// All values of a header, in order.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        let fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
        fields.filter(|(n, _)| n.trim().eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()).collect()
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    /// The challenges in it, in order.
    pub fn challenges(&self) -> Vec<Challenge> {
        let names = ["WWW-Authenticate", "Proxy-Authenticate"];
        names.iter().flat_map(|name| self.headers(name)).filter_map(Challenge::parse).collect()
    }

    /// The body.
    pub fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// Where its description wants audio.
    pub fn audio(&self) -> SocketAddrV4 {
        let line = |start: &str| self.body().lines().find_map(|line| line.strip_prefix(start));
        let address = line("c=IN IP4 ").expect("an address").trim().parse().expect("of IPv4");
        let port = line("m=audio ").and_then(|rest| rest.split(' ').next()).expect("a port").parse();
        SocketAddrV4::new(address, port.expect("a number"))
    }
}

/// What a request consists of besides the headers every request has.
#[derive(Clone)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: String,
    /// The user in From.
    pub from: &'a str,
    /// The user in To.
    pub to: &'a str,
    /// Further header lines, each ending in CR LF.
    pub more: String,
    /// The body.
    pub body: String,
}

/// A phone at one address.
pub struct RawPhone {
    /// Its socket.
    pub socket: UdpSocket,
    /// Where it is.
    pub address: SocketAddrV4,
    /// The server.
    pub server: SocketAddrV4,
    /// Its number.
    pub number: String,
    sent: u32,
}

impl RawPhone {
    /// A phone for this number at a fresh address.
    pub fn new(number: &str, server: SocketAddrV4) -> Self {
        Self::at(crate::place::sip_address(), number, server)
    }

    /// A phone at a given address.
    pub fn at(address: SocketAddrV4, number: &str, server: SocketAddrV4) -> Self {
        let socket = UdpSocket::bind(address).expect("a free address");
        socket.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout");
        Self { socket, address, server, number: number.into(), sent: 0 }
    }

    /// Sends text as it is.
    pub fn send(&self, text: &str) {
        self.socket.send_to(text.as_bytes(), self.server).expect("sent");
    }

    /// The next message, whatever it is.
    pub fn receive(&self) -> Option<Message> {
        let mut buffer = vec![0; 65_536];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(Message(String::from_utf8_lossy(&buffer[..length]).into_owned()))
    }

    /// The next message within `patience`, or none.
    pub fn receive_within(&self, patience: Duration) -> Option<Message> {
        self.socket.set_read_timeout(Some(patience)).expect("a timeout");
        let message = self.receive();
        self.socket.set_read_timeout(Some(ANSWER_WITHIN)).expect("a timeout");
        message
    }

    /// A request in full, with a transaction and a Call-ID of its own.
    pub fn compose(&mut self, request: &Request) -> String {
        self.sent += 1;
        let (me, server, n) = (self.address, self.server, self.sent);
        let Request { method, uri, from, to, more, body } = request;
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK-raw-{n};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{from}@{server}>;tag=raw{n}\r\nTo: <sip:{to}@{server}>\r\nCall-ID: raw-{n}@{me}\r\n\
             CSeq: {n} {method}\r\nContact: <sip:{from}@{me}>\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Sends a request and gives the first final response to it.
    pub fn ask(&mut self, request: &Request) -> Message {
        let text = self.compose(request);
        let call = format!("raw-{}@", self.sent);
        self.send(&text);
        loop {
            let message = self.receive().unwrap_or_else(|| panic!("no answer to\n{text}"));
            if message.status() >= 200 && message.header("Call-ID").is_some_and(|id| id.starts_with(&call)) {
                return message;
            }
        }
    }

    /// As [`RawPhone::ask`], answering a challenge with this password.
    pub fn ask_as(&mut self, request: &Request, user: &str, password: &str) -> Message {
        let first = self.ask(request);
        let Some(challenge) = first.challenges().first().cloned() else { return first };
        let credentials = Credentials { user, password, count: 1, cnonce: "raw-phone" };
        let value = challenge.answer(&credentials, request.method, &request.uri);
        let name = if first.status() == 401 { "Authorization" } else { "Proxy-Authorization" };
        let mut again = request.clone();
        again.more.push_str(&format!("{name}: {value}\r\n"));
        self.ask(&again)
    }

    /// Registers for so many seconds with the extension's own password.
    pub fn register(&mut self, expires: u32) -> Message {
        let number = self.number.clone();
        let request = registration(&number, self.server, expires);
        self.ask_as(&request, &number, &password_of(&number))
    }
}

/// A REGISTER for this number.
pub fn registration(number: &str, server: SocketAddrV4, expires: u32) -> Request<'_> {
    let more = format!("Expires: {expires}\r\n");
    Request {
        method: "REGISTER",
        uri: format!("sip:{server}"),
        from: number,
        to: number,
        more,
        body: String::new(),
    }
}
