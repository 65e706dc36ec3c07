//! A scripted phone, written from the RFCs and not from the server: its own transactions, dialogs, offers, answers and
//! media over nothing but `wire`. It is a machine like those it tests: it is given messages and time, and says what it
//! sends. What it must never see it writes down as a [`Complaint`].
//!
//! Not here: the network, the time, and who tells the phone what to do (`world`, `walker`).

mod audio;
mod client;
mod dial;
mod dialog;
mod habits;
mod inside;
mod late;
mod refer;
mod register;
mod reliable;
mod ring;
mod server;
mod sound;
mod watch;
mod write;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use model::{Entropy, Mono, Transport};
use wire::sip::{Message, Method};

pub use audio::Tone;
pub use dialog::{Dialog, DialogId, Ending, Role, Stage};
pub use habits::{Answering, Habits};
pub use late::Late;
pub use refer::Referred;
pub use register::Registered;
pub use watch::{Lamp, Watch};

use client::Client;
use register::Registrar;
use server::Served;
use write::KnownChallenge;

/// RFC 3261's estimate of a round trip.
const T1: std::time::Duration = std::time::Duration::from_millis(500);
/// RFC 3261's longest interval between repetitions.
const T2: std::time::Duration = std::time::Duration::from_secs(4);
/// 64 x T1.
const LIFE: std::time::Duration = std::time::Duration::from_secs(32);

/// Who the phone is.
#[derive(Clone, Debug)]
pub struct Account {
    /// SIP username of its line.
    pub username: String,
    /// Its password, right or wrong.
    pub password: String,
    /// The extension behind it.
    pub extension: String,
}

/// What the phone wants done.
#[derive(Clone, Debug)]
pub enum Out {
    /// Send a SIP message to the server.
    Sip(Bytes),
    /// Send a media packet.
    Media {
        /// From this port of the phone's.
        port: u16,
        /// Whereto.
        to: SocketAddr,
        /// What.
        bytes: Bytes,
    },
    /// Open a connection to the server.
    Connect,
}

/// Something that a phone must never see. `since`: it excuses itself by a loss on the link after that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// A request got no answer in its time.
    Unanswered {
        /// When it was first sent.
        since: Mono,
        /// Which.
        what: String,
    },
    /// The final response to an INVITE was never acknowledged.
    NotAcknowledged {
        /// When the INVITE came.
        since: Mono,
        /// Which.
        what: String,
    },
    /// The server contradicts itself or a rule, whatever the network does.
    Wrong(String),
}

/// How the phone reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Datagrams,
    NoStream,
    Connecting,
    Stream,
}

/// A phone. Its fields are for tests to look at.
pub struct Phone {
    /// Its place in the world.
    pub number: u16,
    /// Who it is.
    pub account: Account,
    /// What it does by itself.
    pub habits: Habits,
    /// Its own SIP address, as it knows it.
    pub address: SocketAddr,
    /// The server's.
    pub server: SocketAddr,
    /// How it talks SIP.
    pub transport: Transport,
    /// Whether it runs.
    pub on: bool,
    /// What it must never have seen.
    pub complaints: Vec<Complaint>,
    /// INVITEs outside dialogs that it was sent, repetitions left out.
    pub invited: u64,
    /// INVITEs outside dialogs that it sent with credentials.
    pub called: u64,
    /// The last status that a request of its own got from the server.
    pub last_status: u16,
    /// BYEs in dialogs that it has no more, or never had.
    pub foreign_byes: u32,
    /// When it was last granted a registration.
    pub registered_at: Option<Mono>,
    /// Its busy lamp, if it has one.
    pub lamp: Option<Watch>,
    line: Line,
    dialogs: BTreeMap<u32, Dialog>,
    past: BTreeMap<u32, Dialog>,
    next_dialog: u32,
    clients: Vec<Client>,
    served: Vec<Served>,
    registrar: Registrar,
    challenge: Option<KnownChallenge>,
    waiting: Vec<Bytes>,
    /// The time it was last told.
    clock: Mono,
    out: VecDeque<Out>,
    entropy: Entropy,
}

impl Phone {
    /// A phone that is off.
    pub fn new(
        number: u16,
        account: Account,
        habits: Habits,
        (address, server, transport): (SocketAddr, SocketAddr, Transport),
        mut entropy: Entropy,
    ) -> Phone {
        Phone {
            number,
            account,
            habits,
            address,
            server,
            transport,
            on: false,
            complaints: Vec::new(),
            invited: 0,
            called: 0,
            last_status: 0,
            foreign_byes: 0,
            registered_at: None,
            lamp: None,
            line: Line::Datagrams,
            dialogs: BTreeMap::new(),
            past: BTreeMap::new(),
            next_dialog: 0,
            clients: Vec::new(),
            served: Vec::new(),
            registrar: Registrar::new(&mut entropy),
            challenge: None,
            waiting: Vec::new(),
            clock: Mono::ZERO,
            out: VecDeque::new(),
            entropy,
        }
    }

    /// It is switched on: connects if it uses a stream, and registers.
    pub fn power_on(&mut self, now: Mono) {
        self.on = true;
        self.registrar = Registrar::new(&mut self.entropy);
        self.line = match self.transport {
            Transport::Udp => Line::Datagrams,
            Transport::Tcp | Transport::Tls => Line::NoStream,
        };
        if self.habits.registers {
            self.register(now);
        }
        self.watch_again(now + std::time::Duration::from_secs(1));
    }

    /// Its cable is pulled: everything in it is gone, nobody is told.
    pub fn crash(&mut self) {
        self.on = false;
        let running: Vec<u32> = self.dialogs.keys().copied().collect();
        for number in running {
            self.finish(number, Ending::Crashed);
        }
        self.clients.clear();
        self.served.clear();
        self.waiting.clear();
        self.out.clear();
        self.challenge = None;
        self.registrar = Registrar::new(&mut self.entropy);
    }

    /// Tells the time, before the phone is told to do something.
    pub fn tell_time(&mut self, now: Mono) {
        self.clock = now;
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Out> {
        self.out.pop_front()
    }

    /// When [`Phone::wake`] has something to do.
    pub fn next_wake(&self) -> Option<Mono> {
        if !self.on {
            return None;
        }
        let clients = self.clients.iter().filter_map(Client::next_wake);
        let served = self.served.iter().map(Served::next_wake);
        let dialogs = self.dialogs.values().filter_map(Dialog::next_wake);
        let lamp = self.lamp.as_ref().and_then(|watch| watch.next);
        clients.chain(served).chain(dialogs).chain(self.registrar.next_wake()).chain(lamp).min()
    }

    /// Does what is due.
    pub fn wake(&mut self, now: Mono) {
        if self.on {
            self.clock = now;
            self.wake_clients(now);
            self.wake_served(now);
            self.wake_dialogs(now);
            self.wake_registrar(now);
            self.wake_watch(now);
        }
    }

    /// A SIP message arrived.
    pub fn hear(&mut self, now: Mono, bytes: Bytes) {
        // Keep-alives of the server's, and reports that it guesses behind a router's mapping of the SIP port.
        let is_report = bytes.first().is_some_and(|first| *first >= 128);
        if !self.on || is_report || bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            return;
        }
        self.clock = now;
        match Message::parse(bytes) {
            Ok(message) if message.is_request() => self.serve(now, &message),
            Ok(message) => self.hear_response(now, &message),
            Err(malformed) => self.wrong(format!("the server sent a malformed message: {malformed}")),
        }
    }

    /// The connection that was asked for is there.
    pub fn connected(&mut self) {
        self.line = Line::Stream;
        for bytes in std::mem::take(&mut self.waiting) {
            self.out.push_back(Out::Sip(bytes));
        }
    }

    /// The connection is gone, or was refused. A phone comes back by itself.
    pub fn disconnected(&mut self, now: Mono) {
        self.line = Line::NoStream;
        self.waiting.clear();
        if self.on {
            self.registrar_lost(now);
        }
    }

    /// A call that runs or ran.
    pub fn dialog(&self, id: DialogId) -> Option<&Dialog> {
        self.dialogs.get(&id.number).or_else(|| self.past.get(&id.number)).filter(|_| id.phone == self.number)
    }

    /// Its calls that are not over, oldest first.
    pub fn running(&self) -> impl Iterator<Item = &Dialog> {
        self.dialogs.values()
    }

    /// Its last call, running or over.
    pub fn last_dialog(&self) -> Option<&Dialog> {
        let running = self.dialogs.last_key_value();
        running
            .into_iter()
            .chain(self.past.last_key_value())
            .max_by_key(|(number, _)| **number)
            .map(|(_, d)| d)
    }

    /// Every call it ever had.
    pub fn all_dialogs(&self) -> impl Iterator<Item = &Dialog> {
        self.past.values().chain(self.dialogs.values())
    }

    /// Forgets all calls that are over but the last ones, as a phone's list of calls does.
    pub fn forget_past(&mut self, kept: usize) {
        while self.past.len() > kept {
            self.past.pop_first();
        }
    }

    /// Whether a transaction of its own, or one that it serves, is under way.
    pub fn is_quiet(&self) -> bool {
        self.dialogs.is_empty() && self.clients.is_empty() && self.served.is_empty()
    }

    fn wrong(&mut self, what: String) {
        self.complaints.push(Complaint::Wrong(what));
    }

    fn send(&mut self, bytes: Bytes) {
        match self.line {
            Line::Datagrams | Line::Stream => self.out.push_back(Out::Sip(bytes)),
            Line::Connecting => self.waiting.push(bytes),
            Line::NoStream => {
                self.line = Line::Connecting;
                self.waiting.push(bytes);
                self.out.push_back(Out::Connect);
            }
        }
    }

    fn new_id(&mut self) -> u32 {
        self.next_dialog += 1;
        self.next_dialog
    }

    /// A request that no transaction knows.
    fn serve_new(&mut self, now: Mono, request: &Message) {
        let inside = request.to().is_ok_and(|to| to.tag().is_some());
        match (request.method(), inside) {
            (Some(Method::Invite), false) => self.on_invite(now, request),
            (Some(Method::Invite), true) => self.on_reinvite(now, request),
            (Some(Method::Bye), true) => self.on_bye(now, request),
            (Some(Method::Info), true) => self.on_info(now, request),
            (Some(Method::Cancel), _) => self.on_cancel(now, request),
            (Some(Method::Notify), true) if self.on_watched(now, request) => {}
            (Some(Method::Notify), true) => self.on_notify(now, request),
            (Some(Method::Notify), _) => self.reply(now, request, 481, None),
            (Some(Method::Options), _) => self.reply(now, request, 200, None),
            _ => self.reply(now, request, 405, None),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn user_of(address: Result<wire::sip::NameAddr<'_>, wire::sip::FieldError>) -> String {
    let uri = address.ok().and_then(|address| address.uri().ok());
    match uri.as_ref().and_then(wire::sip::Uri::sip) {
        Some(sip) => text(&sip.user_decoded()),
        None => String::new(),
    }
}
