//! What phones say to a machine, as bytes that can be mutated.
//!
//! A script is a list of steps, each begun by `%%%`, a digit for the flow (0 and 1 are datagrams, 2 and 3 connections), seconds to
//! wait before, and a newline; what follows is sent. Line ends become CR LF. `$PROVE 101` becomes the credentials of line 101 for the
//! last challenge on that flow, `$TAG` the last tag that the server gave there; `$ANSWER 200` as first line answers the last
//! request that was sent there.

use std::time::Duration;

use bytes::Bytes;
use model::{Flow, FlowId, Mono, Now, Transport, Wall};
use wire::digest::{Answer, Challenge, Request, ha1};
use wire::sip::{Frame, Message, Method, Name, StreamFramer, Writer};

/// Steps that are looked at, so that one input takes no minute.
const STEPS: usize = 48;
/// Wakes in one stretch of time: more is a machine that never rests.
const WAKES: usize = 200_000;
/// After this long, with nobody saying anything, nothing may be held: longer than any registration.
const QUIET: Duration = Duration::from_secs(3 * 24 * 3_600);

/// A machine that takes SIP.
pub trait Machine {
    /// Bytes of one message arrived.
    fn receive(&mut self, now: Now, flow: Flow, bytes: Bytes);
    /// A connection ended.
    fn closed(&mut self, now: Now, flow: FlowId);
    /// When it wants to be woken.
    fn next_wake(&self) -> Option<Mono>;
    /// Time came.
    fn wake(&mut self, now: Now);
    /// What it sends, and whether it closed a flow.
    fn drain(&mut self, now: Now) -> Vec<(FlowId, Bytes)>;
    /// The password of a line.
    fn password(&self, line: &str) -> String;
    /// The domain of the lines.
    fn domain(&self) -> &'static str;
}

/// A machine and what its phones remember.
pub struct World<M> {
    /// The machine.
    pub machine: M,
    /// Whether somebody showed right credentials.
    pub proved: bool,
    /// The time.
    pub now: Now,
    phones: [Phone; 4],
}

#[derive(Default)]
struct Phone {
    challenge: Option<Vec<u8>>,
    tag: String,
    request: Option<Message>,
    framer: StreamFramer,
    closed: bool,
}

impl<M: Machine> World<M> {
    /// A world about this machine.
    pub fn new(machine: M) -> World<M> {
        let now = Now { mono: Mono::from_nanos(1_000_000_000), wall: Wall::from_millis(1_795_369_458_000) };
        World { machine, proved: false, now, phones: Default::default() }
    }

    /// Plays a script, then waits until everything must be over.
    pub fn play(&mut self, script: &[u8]) {
        for step in split(script).take(STEPS) {
            self.step(step);
        }
        for phone in 2..4 {
            self.close(phone);
        }
        self.pass(QUIET);
    }

    fn step(&mut self, step: &[u8]) {
        let end = step.iter().position(|byte| *byte == b'\n').unwrap_or(step.len());
        let head = String::from_utf8_lossy(&step[..end]).into_owned();
        let mut numbers = head.split_whitespace().map(|word| word.parse::<u64>().unwrap_or(0));
        let phone = usize::try_from(numbers.next().unwrap_or(0) % 4).unwrap_or(0);
        self.pass(Duration::from_secs(numbers.next().unwrap_or(0).min(7_200)));
        let text = step.get(end + 1..).unwrap_or_default();
        let Some(bytes) = self.written(phone, text) else { return self.close(phone) };
        if phone < 2 {
            self.machine.receive(self.now, flow(phone), bytes);
            return self.settle();
        }
        if self.phones[phone].closed || self.phones[phone].framer.push(&bytes).is_err() {
            return self.close(phone);
        }
        loop {
            match self.phones[phone].framer.next() {
                Ok(Some(Frame::Message(bytes))) => {
                    self.machine.receive(self.now, flow(phone), bytes);
                    self.settle();
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(_) => return self.close(phone),
            }
        }
    }

    fn close(&mut self, phone: usize) {
        if phone >= 2 && !self.phones[phone].closed {
            self.phones[phone].closed = true;
            self.machine.closed(self.now, flow(phone).id);
            self.settle();
        }
    }

    /// Everything said is heard; and a machine that is woken before it wants to be says nothing.
    fn settle(&mut self) {
        self.hear();
        if self.machine.next_wake().is_none_or(|at| at > self.now.mono) {
            self.machine.wake(self.now);
            let sent = self.machine.drain(self.now);
            assert!(sent.is_empty(), "woken before it was due, it said {sent:?}");
        }
    }

    fn hear(&mut self) {
        for (id, bytes) in self.machine.drain(self.now) {
            let Some(phone) = (0..4).find(|phone| flow(*phone).id == id && (*phone >= 2 || id.0 == 1)) else {
                continue;
            };
            let Ok(message) = Message::parse(bytes.clone()) else {
                assert!(
                    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')),
                    "no message was sent: {bytes:?}"
                );
                continue;
            };
            // Both datagram phones hear what either is sent: the script says who reacts.
            let phones = if phone < 2 { 0..2 } else { phone..phone + 1 };
            for phone in phones {
                self.phones[phone].hears(&message);
            }
        }
    }

    /// Lets time pass, timers included.
    pub fn pass(&mut self, time: Duration) {
        let end = Now { mono: self.now.mono.after(time), wall: self.now.wall.after(time) };
        for count in 0.. {
            assert!(count < WAKES, "it never rests");
            let Some(at) = self.machine.next_wake().filter(|at| *at <= end.mono) else { break };
            let step = at.saturating_since(self.now.mono);
            self.now = Now { mono: at.max(self.now.mono), wall: self.now.wall.after(step) };
            self.machine.wake(self.now);
            self.hear();
        }
        self.now = end;
    }

    /// The bytes of a step; `None` closes the connection.
    fn written(&mut self, phone: usize, text: &[u8]) -> Option<Bytes> {
        if text.starts_with(b"$CLOSE") {
            return None;
        }
        let text = if text.contains(&b'\r') { text.to_vec() } else { replaced(text, b"\n", b"\r\n") };
        let text = replaced(&text, b"$TAG", self.phones[phone].tag.as_bytes());
        if let Some(rest) = text.strip_prefix(b"$ANSWER ") {
            return Some(self.phones[phone].answers(rest, flow(phone)));
        }
        let text = replaced(&text, b"$DOMAIN", self.machine.domain().as_bytes());
        Some(self.proving(phone, &text).into())
    }

    /// Credentials are computed for the line, whatever the rest of the message says.
    fn proving(&mut self, phone: usize, text: &[u8]) -> Vec<u8> {
        let mark = b"$PROVE ";
        let Some(at) = text.windows(mark.len()).position(|window| window == mark) else {
            return text.to_vec();
        };
        let Some(challenge) = self.phones[phone].challenge.clone() else { return text.to_vec() };
        let name = text[at + mark.len()..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let line = String::from_utf8_lossy(&text[at + mark.len()..at + mark.len() + name]).into_owned();
        let mut words = text.split(|byte| *byte == b' ');
        let (method, uri) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let Ok(challenge) = Challenge::parse(&challenge) else { return text.to_vec() };
        let password = self.machine.password(&line);
        let ha1 = ha1(challenge.algorithm, line.as_bytes(), challenge.realm.as_bytes(), password.as_bytes());
        let answer = Answer { username: &line, ha1: &ha1, nc: 1, cnonce: "0a4f113b" };
        let value = challenge.answer(&answer, &Request { method, uri, body: b"" });
        self.proved = true;
        [&text[..at], value.as_bytes(), &text[at + mark.len() + name..]].concat()
    }
}

impl Phone {
    fn hears(&mut self, message: &Message) {
        if let Some(challenge) = message.first(Name::WwwAuthenticate) {
            self.challenge = Some(challenge.to_vec());
        }
        let theirs = if message.is_request() { message.from() } else { message.to() };
        if let Some(tag) = theirs.ok().and_then(|address| address.tag()) {
            self.tag = String::from_utf8_lossy(tag).into_owned();
        }
        if message.is_request() && message.method() != Some(Method::Ack) {
            self.request = Some(message.clone());
        }
    }

    /// `200`, then header lines, an empty line and a body.
    fn answers(&self, text: &[u8], flow: Flow) -> Bytes {
        let Some(request) = &self.request else { return Bytes::copy_from_slice(text) };
        let text = String::from_utf8_lossy(text).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|status| status.trim().parse().ok()).unwrap_or(200);
        let mut writer = Writer::answer(request, status, "Said", None, Some("phone"));
        writer.header_fmt(Name::Contact, format_args!("<sip:phone@{}>", flow.remote));
        for line in lines {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            writer.raw(name.trim(), value.trim());
        }
        if !body.is_empty() {
            writer.body("application/sdp", body);
        }
        writer.finish()
    }
}

/// The flow of a phone: two behind the same socket for datagrams, two with connections of their own.
pub fn flow(phone: usize) -> Flow {
    let number = u8::try_from(phone + 1).unwrap_or(1);
    let (id, transport) =
        if phone < 2 { (1, Transport::Udp) } else { (100 + u64::from(number), Transport::Tcp) };
    let remote = ([192, 0, 2, number], 5060).into();
    Flow { id: FlowId(id), transport, local: ([198, 51, 100, 1], 5060).into(), remote }
}

fn split(script: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut starts: Vec<usize> =
        script.windows(3).enumerate().filter(|(_, w)| *w == b"%%%").map(|(at, _)| at).collect();
    starts.push(script.len());
    let pairs: Vec<(usize, usize)> = starts.windows(2).map(|pair| (pair[0] + 3, pair[1])).collect();
    pairs.into_iter().filter_map(move |(from, to)| script.get(from..to))
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}
