//! An exchange without sockets: messages to phones lie in their mailboxes, time passes when a test says so.
//!
//! Phones do by themselves only what needs no person: they acknowledge refusals, answer CANCEL and BYE. After a test,
//! [`Office::close`] proves that nothing is left and that each call has exactly one record.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::Add;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calls::{Command, Exchange, Input, Output, Setup};
use media::{MediaPort, PortSource, PortsExhausted};
use model::directory::{DigestPolicy, Directory, Extension, Forwarding, Line, Nat};
use model::event::Event;
use model::record::{CallRecord, RecordUpdate};
use model::{CallId, Entropy, Flow, FlowId, Mono, Now, Secret, Transport, Wall};
use wire::sip::Message;

use crate::phone;

/// A phone, by its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Phone(pub &'static str, pub u16);

impl Phone {
    pub fn address(self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.1))
    }
}

/// Phones with ports from here on have a TCP connection.
const FIRST_STREAM: u16 = 40_000;

/// Ports as long as `left` lasts.
pub struct Ports {
    pub left: usize,
    next: u16,
    pub open: HashSet<MediaPort>,
}

impl PortSource for Ports {
    fn open(&mut self, local: IpAddr) -> Result<MediaPort, PortsExhausted> {
        self.left = self.left.checked_sub(1).ok_or(PortsExhausted)?;
        self.next += 2;
        let port =
            MediaPort { rtp: SocketAddr::new(local, self.next), rtcp: SocketAddr::new(local, self.next + 1) };
        assert!(self.open.insert(port));
        Ok(port)
    }

    fn close(&mut self, port: MediaPort) {
        assert!(self.open.remove(&port), "a port is closed once");
        self.left += 1;
    }
}

pub struct Office {
    pub exchange: Exchange,
    pub ports: Ports,
    pub now: Now,
    mail: HashMap<SocketAddr, VecDeque<Message>>,
    seen: HashSet<(SocketAddr, Bytes)>,
    pub records: Vec<RecordUpdate>,
    pub events: Vec<Event>,
    pub media: Vec<(usize, media::Command)>,
    cseq: u32,
}

/// An office of extensions 101 to 105; 101 has two lines.
pub fn directory() -> Directory {
    let mut directory = Directory::empty();
    for number in ["101", "102", "103", "104", "105"] {
        let lines: &[&str] = if number == "101" { &["101", "101-b"] } else { &[number] };
        let extension = Extension {
            number: number.into(),
            description: format!("Person {number}"),
            lines: lines.iter().map(|line| Arc::from(*line)).collect(),
            forwarding: Forwarding::default(),
            do_not_disturb: false,
        };
        for line in lines {
            let line = Line {
                username: Arc::from(*line),
                extension: number.into(),
                password: Secret::new(format!("secret-{line}")),
                digest: DigestPolicy::Both,
                nat: Nat::Off,
                encryption: model::directory::Encryption::Optional,
            };
            directory.lines.insert(Arc::clone(&line.username), Arc::new(line));
        }
        directory.extensions.insert(number.into(), Arc::new(extension));
    }
    directory
}

/// Changes one extension of a directory.
pub fn change(directory: &mut Directory, number: &str, change: impl FnOnce(&mut Extension)) {
    let extension = directory.extensions.get_mut(number).unwrap();
    change(Arc::make_mut(extension));
}

impl Office {
    pub fn new(directory: Directory) -> Office {
        let entropy = Entropy::from_seed([5; 32]);
        let setup = Setup { node: 1, shards: 2, directory: Arc::new(directory), entropy };
        Office {
            exchange: Exchange::new(setup),
            ports: Ports { left: 1_000, next: 30_000, open: HashSet::new() },
            now: Now { mono: Mono::from_nanos(1), wall: Wall::from_millis(1_800_000_000_000) },
            mail: HashMap::new(),
            seen: HashSet::new(),
            records: Vec::new(),
            events: Vec::new(),
            media: Vec::new(),
            cseq: 0,
        }
    }

    /// An office where these lines' phones are registered.
    pub fn with_phones(directory: Directory, phones: &[Phone]) -> Office {
        let mut office = Office::new(directory);
        for phone in phones {
            phone::register(&mut office, *phone);
        }
        office
    }

    pub fn next_cseq(&mut self) -> u32 {
        self.cseq += 1;
        self.cseq
    }

    /// Something happens, and all that comes of it.
    pub fn handle(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.exchange.handle(self.now, input, &mut self.ports);
            while let Some(output) = self.exchange.poll() {
                match output {
                    Output::Send { flow, bytes } => inputs.extend(self.deliver(&flow, bytes)),
                    Output::Media { shard, command } => self.media.push((shard, command)),
                    Output::Record(update) => self.records.push(update),
                    Output::Event(event) => self.events.push(event),
                    Output::Close(_) | Output::Binding(_) | Output::Ruling(_) => {}
                }
            }
        }
    }

    /// A phone sends a message.
    pub fn send(&mut self, phone: Phone, bytes: impl Into<Bytes>) {
        let message = Message::parse(bytes.into()).unwrap();
        self.handle(Input::Received { flow: flow(phone.address()), message });
    }

    /// Puts a message into a phone's mailbox; gives back what the phone does by itself.
    fn deliver(&mut self, to: &Flow, bytes: Bytes) -> Vec<Input> {
        if !self.seen.insert((to.remote, bytes.clone())) {
            return Vec::new();
        }
        let message = Message::parse(bytes).unwrap();
        let reflexes = phone::reflexes(&message);
        let quiet = message.status() == Some(100) || message.method_text() == b"ACK";
        if !quiet {
            self.mail.entry(to.remote).or_default().push_back(message);
        }
        let flow = flow(to.remote);
        reflexes.into_iter().map(|message| Input::Received { flow, message }).collect()
    }

    /// The next message that a phone got.
    pub fn next(&mut self, phone: Phone) -> Message {
        let mailbox = self.mail.entry(phone.address()).or_default();
        mailbox.pop_front().unwrap_or_else(|| panic!("{phone:?} got nothing"))
    }

    /// The next message, which is a request with this method.
    pub fn request(&mut self, phone: Phone, method: &str) -> Message {
        let message = self.next(phone);
        assert_eq!(message.method_text(), method.as_bytes(), "{}", text(&message));
        message
    }

    /// The next message, which is a response with this status.
    pub fn response(&mut self, phone: Phone, status: u16) -> Message {
        let message = self.next(phone);
        assert_eq!(message.status(), Some(status), "{}", text(&message));
        message
    }

    /// The phone got nothing more.
    pub fn silent(&mut self, phone: Phone) {
        let mailbox = self.mail.entry(phone.address()).or_default();
        assert!(mailbox.is_empty(), "{}", text(&mailbox[0]));
    }

    /// A phone's TCP connection ends.
    pub fn cut_connection(&mut self, phone: Phone) {
        self.handle(Input::Closed(FlowId(phone.1.into())));
    }

    pub fn command(&mut self, command: Command) {
        self.handle(Input::Command(command));
    }

    /// Time passes, with all that falls due.
    pub fn pass(&mut self, duration: Duration) {
        let until = self.now.mono.add(duration);
        for _ in 0..10_000 {
            let Some(at) = self.exchange.next_wake().filter(|at| *at <= until) else {
                self.jump(until);
                return;
            };
            self.jump(at.max(self.now.mono));
            self.handle(Input::Wake);
        }
        panic!("the exchange wakes up without end");
    }

    fn jump(&mut self, to: Mono) {
        let passed = to.saturating_since(self.now.mono);
        self.now = Now { mono: to, wall: self.now.wall.after(passed) };
    }

    pub fn only_call(&self) -> model::live::Call {
        let mut calls = self.exchange.calls(self.now);
        assert_eq!(calls.len(), 1);
        calls.remove(0)
    }

    pub fn told(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event.kind.name == kind).count()
    }

    /// Waits until all is over; nothing may be left, and each call has one record. Gives back the records.
    pub fn close(mut self) -> Vec<CallRecord> {
        self.pass(Duration::from_secs(120));
        let held = self.exchange.held();
        let left = (held.transactions, held.dialogs, held.legs, held.media_ports);
        assert_eq!(left, (0, 0, 0, 0), "{held:?}");
        assert!(self.ports.open.is_empty() && self.exchange.calls(self.now).is_empty());
        self.no_leg_is_left();
        let mut closed = Vec::new();
        let mut open: HashSet<CallId> = HashSet::new();
        for update in self.records {
            match update {
                RecordUpdate::Open(record) => {
                    assert!(record.ended.is_none() && record.result.is_none());
                    open.insert(record.id);
                }
                RecordUpdate::Closed(record) => {
                    assert!(record.ended.is_some() && record.result.is_some());
                    assert!(open.remove(&record.id), "closed twice or never open: {record:?}");
                    closed.push(record);
                }
            }
        }
        assert!(open.is_empty(), "calls without a last record: {open:?}");
        closed
    }

    /// The one record of the one call.
    pub fn close_one(self) -> CallRecord {
        let mut records = self.close();
        assert_eq!(records.len(), 1, "{records:?}");
        records.remove(0)
    }

    fn no_leg_is_left(&self) {
        let mut legs = HashSet::new();
        for (shard, command) in &self.media {
            match command {
                media::Command::Open { leg, .. } => assert!(legs.insert((*shard, *leg))),
                media::Command::Close { leg } => assert!(legs.remove(&(*shard, *leg))),
                media::Command::Bridge { a, b, .. } => {
                    assert!(legs.contains(&(*shard, *a)) && legs.contains(&(*shard, *b)));
                }
                media::Command::Describe { leg, .. } => assert!(legs.contains(&(*shard, *leg))),
                _ => {}
            }
        }
        assert!(legs.is_empty());
    }
}

fn flow(remote: SocketAddr) -> Flow {
    let local = SocketAddr::from(([127, 0, 0, 1], 5060));
    if remote.port() >= FIRST_STREAM {
        return Flow { id: FlowId(remote.port().into()), transport: Transport::Tcp, local, remote };
    }
    Flow { id: FlowId(1), transport: Transport::Udp, local, remote }
}

pub fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.bytes()).into_owned()
}
