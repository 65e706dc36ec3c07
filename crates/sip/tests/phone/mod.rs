//! A stack with two lines, and words for what phones send it. Shared by the tests of this folder.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "each test file uses its own part"
)]

pub mod dialog;
pub mod proof;
pub mod watch;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::directory::{DigestPolicy, Directory, Extension, Forwarding, Line, Nat};
use model::event::Event;
use model::{Entropy, Flow, FlowId, Mono, Now, Secret, Transport, Wall};
use sip::{Output, SessionEvent, Stack};
use wire::digest::{Answer, Challenge, Request, ha1};
use wire::sip::{Message, Name};

pub const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

pub struct Office {
    pub stack: Stack,
    pub now: Now,
}

pub fn udp(remote: &str) -> Flow {
    flow(remote, Transport::Udp, 1)
}

pub fn tcp(remote: &str, id: u64) -> Flow {
    flow(remote, Transport::Tcp, id)
}

pub fn tls(remote: &str, id: u64) -> Flow {
    flow(remote, Transport::Tls, id)
}

fn flow(remote: &str, transport: Transport, id: u64) -> Flow {
    let local: SocketAddr = "198.51.100.1:5060".parse().unwrap();
    Flow { id: FlowId(id), transport, local, remote: remote.parse().unwrap() }
}

pub fn line(username: &str, extension: &str, digest: DigestPolicy) -> Arc<Line> {
    Arc::new(Line {
        username: username.into(),
        extension: extension.into(),
        password: Secret::new(format!("password-of-{username}")),
        digest,
        nat: Nat::Off,
        encryption: model::directory::Encryption::Optional,
    })
}

pub fn directory() -> Directory {
    let mut directory = Directory::empty();
    directory.domain = "pbx.example.com".into();
    directory.realm = "pbx.example.com".into();
    for number in ["101", "102"] {
        let extension = Extension {
            number: number.into(),
            description: String::new(),
            lines: vec![number.into()],
            forwarding: Forwarding::default(),
            do_not_disturb: false,
        };
        directory.extensions.insert(number.into(), Arc::new(extension));
        directory.lines.insert(number.into(), line(number, number, DigestPolicy::Both));
    }
    directory
}

impl Office {
    pub fn new() -> Office {
        Office::with(directory())
    }

    pub fn with(directory: Directory) -> Office {
        let stack = Stack::new(Arc::new(directory), Entropy::from_seed([1; 32]));
        let wall = Wall::from_millis(1_795_369_458_000);
        Office { stack, now: Now { mono: Mono::from_nanos(1_000_000_000), wall } }
    }

    /// Lets time pass, timers included.
    pub fn pass(&mut self, time: Duration) {
        let end = Now { mono: self.now.mono + time, wall: self.now.wall.after(time) };
        while let Some(at) = self.stack.next_wake().filter(|at| *at <= end.mono) {
            let step = at.saturating_since(self.now.mono);
            self.now = Now { mono: at.max(self.now.mono), wall: self.now.wall.after(step) };
            self.stack.wake(self.now);
        }
        self.now = end;
    }

    pub fn receive(&mut self, flow: Flow, text: &str) {
        let message = Message::parse(Bytes::from(text.to_owned())).expect(text);
        self.stack.receive(self.now, flow, &message);
    }

    /// What was sent since the last look, parsed.
    pub fn sent(&mut self) -> Vec<(Flow, Message)> {
        let mut sent = Vec::new();
        while let Some(output) = self.stack.poll() {
            if let Output::Send { flow, bytes } = output {
                sent.push((flow, Message::parse(bytes).unwrap()));
            }
        }
        sent
    }

    /// The one message sent since the last look.
    pub fn one(&mut self) -> Message {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0).1
    }

    pub fn events(&mut self) -> Vec<SessionEvent> {
        std::iter::from_fn(|| self.stack.poll_event()).collect()
    }

    pub fn logged(&mut self) -> Vec<Event> {
        let outputs = std::iter::from_fn(|| self.stack.poll());
        outputs.filter_map(|o| if let Output::Event(event) = o { Some(event) } else { None }).collect()
    }

    /// Sends a request, answers the challenge, and gives the final answer to it.
    pub fn authenticated(&mut self, flow: Flow, request: &Text, password: &str) -> Message {
        self.receive(flow, &request.to_string());
        let challenge = self.one();
        assert_eq!(challenge.status(), Some(401), "{challenge:?}");
        self.receive(flow, &request.clone().next().answering(&challenge, password).to_string());
        self.sent().pop().expect("an answer").1
    }

    pub fn register(&mut self, flow: Flow, user: &str) -> Message {
        let answer = self.authenticated(flow, &Text::register(user, flow), &format!("password-of-{user}"));
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        answer
    }
}

/// A request in the making.
#[derive(Clone)]
pub struct Text {
    pub method: String,
    pub uri: String,
    pub user: String,
    pub to: String,
    pub branch: u32,
    pub cseq: u32,
    pub call_id: String,
    pub via: String,
    pub headers: Vec<String>,
    pub body: String,
}

impl Text {
    pub fn new(method: &str, uri: &str, user: &str, to: &str, flow: Flow) -> Text {
        Text {
            method: method.into(),
            uri: uri.into(),
            user: user.into(),
            to: to.into(),
            branch: 1,
            cseq: 1,
            call_id: format!("call-{user}-{method}"),
            via: format!("SIP/2.0/{} {};rport", flow.transport.via_token(), flow.remote),
            headers: vec!["Max-Forwards: 70".into()],
            body: String::new(),
        }
    }

    pub fn register(user: &str, flow: Flow) -> Text {
        let to = format!("<sip:{user}@pbx.example.com>");
        let mut text = Text::new("REGISTER", "sip:pbx.example.com", user, &to, flow);
        text.headers.push(format!("Contact: <sip:{user}@{}>", flow.remote));
        text.headers.push("Expires: 120".into());
        text
    }

    pub fn invite(user: &str, dialled: &str, flow: Flow) -> Text {
        let uri = format!("sip:{dialled}@pbx.example.com");
        let mut text = Text::new("INVITE", &uri, user, &format!("<{uri}>"), flow);
        text.headers.push(format!("Contact: <sip:{user}@{}>", flow.remote));
        text.headers.push("Content-Type: application/sdp".into());
        text.body = SDP.into();
        text
    }

    /// The same request as a new transaction.
    pub fn next(mut self) -> Text {
        self.branch += 1;
        self.cseq += 1;
        self
    }

    pub fn header(mut self, header: &str) -> Text {
        self.headers.push(header.into());
        self
    }

    pub fn without(mut self, name: &str) -> Text {
        self.headers.retain(|header| !header.starts_with(name));
        self
    }

    pub fn answering(self, challenge: &Message, password: &str) -> Text {
        self.answering_nth(challenge, password, 0, 1)
    }

    /// Answers the n-th challenge with this nonce count.
    pub fn answering_nth(mut self, challenge: &Message, password: &str, nth: usize, nc: u32) -> Text {
        let value = challenge.all(Name::WwwAuthenticate).nth(nth).expect("a challenge");
        let challenge = Challenge::parse(value).unwrap();
        let realm = challenge.realm.as_bytes();
        let key = ha1(challenge.algorithm, self.user.as_bytes(), realm, password.as_bytes());
        let answer = Answer { username: &self.user, ha1: &key, nc, cnonce: "0a4f113b" };
        let request = Request { method: self.method.as_bytes(), uri: self.uri.as_bytes(), body: b"" };
        let value = challenge.answer(&answer, &request);
        self.headers.retain(|header| !header.starts_with("Authorization"));
        self.headers.push(format!("Authorization: {value}"));
        self
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} SIP/2.0\r\n", self.method, self.uri)?;
        write!(f, "Via: {};branch=z9hG4bK-{}-{}-{}\r\n", self.via, self.user, self.branch, self.call_id)?;
        write!(f, "From: <sip:{}@pbx.example.com>;tag=from-{}\r\n", self.user, self.user)?;
        write!(f, "To: {}\r\nCall-ID: {}\r\nCSeq: {} {}\r\n", self.to, self.call_id, self.cseq, self.method)?;
        for header in &self.headers {
            write!(f, "{header}\r\n")?;
        }
        write!(f, "Content-Length: {}\r\n\r\n{}", self.body.len(), self.body)
    }
}

/// A response of a phone to a request of the stack.
pub fn response(request: &Message, status: u16, tag: &str, body: &str) -> String {
    let line = |name: Name| String::from_utf8_lossy(request.first(name).unwrap_or_default()).into_owned();
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let to = if tag.is_empty() { line(Name::To) } else { format!("{};tag={tag}", line(Name::To)) };
    format!(
        "SIP/2.0 {status} Whatever\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Contact: <sip:phone@192.0.2.2:5060>\r\n{content}Content-Length: {}\r\n\r\n{body}",
        line(Name::Via),
        line(Name::From),
        line(Name::CallId),
        line(Name::CSeq),
        body.len(),
    )
}

/// The status of each response, the method of each request.
pub fn summary(sent: &[(Flow, Message)]) -> Vec<String> {
    let name = |m: &Message| match m.status() {
        Some(status) => status.to_string(),
        None => String::from_utf8_lossy(m.method_text()).into_owned(),
    };
    sent.iter().map(|(_, message)| name(message)).collect()
}

/// Header values of a message by name, for comparing answers.
pub fn shape(message: &Message) -> HashMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    message.headers().map(|header| (text(header.raw_name), text(header.value))).collect()
}
