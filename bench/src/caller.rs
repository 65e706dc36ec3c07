//! The calling end: INVITE, challenge, ACK, INVITE with credentials, 200, ACK, and after the call's time BYE.

use crate::digest::Account;
use crate::pace::{T1, TRIES, Timers};
use crate::phones::Phones;
use crate::register::{Offer, Outcome};
use crate::sip::{Reading, session};
use std::collections::HashMap;
use std::net::SocketAddrV4;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A call that rings longer than this has hung.
const RINGS_AT_MOST: Duration = Duration::from_secs(10);

/// What is to be done for a call later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// Send the request with this CSeq again, unless it was answered.
    Again(u32, u32),
    /// The call has lasted its time.
    HangUp(u32),
    /// Nobody answered at all.
    GiveUp(u32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Calling,
    Ringing,
    Talking,
    Ending,
}

struct Call {
    phone: usize,
    state: State,
    sequence: u32,
    tries: u32,
    begun: Instant,
    asked: String,
    /// Whether calls still began when this one was answered.
    answered: Offer,
    /// To with its tag, the remote target, the route set: what a request inside the dialog needs.
    dialog: (String, String, String),
}

/// All calling phones.
pub struct Callers {
    /// The server.
    pub server: SocketAddrV4,
    /// How long a call lasts; none: it stays.
    pub hold: Option<Duration>,
    /// Whether new calls still begin.
    pub offer: Offer,
    /// Calls that are neither over nor staying.
    pub pending: usize,
    /// The count so far.
    pub outcome: Outcome,
    /// Where the server wants the caller's audio, by call.
    pub answers: HashMap<u32, SocketAddrV4>,
    accounts: Vec<Account>,
    numbers: Vec<String>,
    media: Rc<dyn Fn(u32) -> (SocketAddrV4, SocketAddrV4)>,
    calls: HashMap<u32, Call>,
    /// Which offer this is: identifiers never repeat.
    pub run: u32,
}

impl Callers {
    /// The first half of `numbers` calls the second.
    pub fn new(
        server: SocketAddrV4,
        numbers: &[String],
        media: Rc<dyn Fn(u32) -> (SocketAddrV4, SocketAddrV4)>,
    ) -> Self {
        Self {
            server,
            hold: None,
            offer: Offer::Runs,
            pending: 0,
            outcome: Outcome::default(),
            answers: HashMap::new(),
            accounts: numbers[..numbers.len() / 2].iter().cloned().map(Account::new).collect(),
            numbers: numbers.to_vec(),
            media,
            calls: HashMap::new(),
            run: 0,
        }
    }

    /// Calls that are up.
    pub fn talking(&self) -> Vec<u32> {
        self.calls.iter().filter(|(_, c)| c.state == State::Talking).map(|(id, _)| *id).collect()
    }

    /// Begins a call.
    pub fn begin(&mut self, id: u32, now: Instant, phones: &Phones, timers: &mut Timers<Due>) {
        let phone = id as usize % self.accounts.len();
        let nothing = (String::new(), String::new(), String::new());
        let call = Call {
            phone,
            state: State::Calling,
            sequence: 0,
            tries: 0,
            begun: now,
            asked: String::new(),
            answered: Offer::Over,
            dialog: nothing,
        };
        self.calls.insert(id, call);
        self.pending += 1;
        timers.set(now + RINGS_AT_MOST, Due::GiveUp(id));
        self.invite(id, "", now, phones, timers);
    }

    fn invite(
        &mut self,
        id: u32,
        credentials: &str,
        now: Instant,
        phones: &Phones,
        timers: &mut Timers<Due>,
    ) {
        let server = self.server;
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.sequence += 1;
        let (me, sequence, run) = (phones.address(call.phone), call.sequence, self.run);
        let (user, callee) =
            (&self.accounts[call.phone].user, &self.numbers[call.phone + self.accounts.len()]);
        let body = session((self.media)(id).0);
        call.asked = format!(
            "INVITE sip:{callee}@{server} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK-{run}-{id}-{sequence};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{server}>;tag=c{run}x{id}\r\nTo: <sip:{callee}@{server}>\r\n\
             Call-ID: {id}x{run}@{me}\r\nCSeq: {sequence} INVITE\r\nContact: <sip:{user}@{me}>\r\nUser-Agent: bench\r\n\
             {credentials}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        call.tries = 0;
        call.state = State::Calling;
        phones.send(call.phone, call.asked.as_bytes(), server);
        timers.set(now + T1, Due::Again(id, sequence));
    }

    /// A response to one of our requests.
    pub fn answered(
        &mut self,
        status: u16,
        message: Reading,
        now: Instant,
        phones: &Phones,
        timers: &mut Timers<Due>,
    ) {
        let Some(id) = self.call_of(message) else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some((sequence, method)) = message.value(b"CSeq:").and_then(sequence_and_method) else { return };
        match (call.state, status, method) {
            (State::Calling, 100..200, b"INVITE") if sequence == call.sequence => call.state = State::Ringing,
            (State::Calling, 401 | 407, b"INVITE") if sequence == 1 && call.sequence == 1 => {
                self.refuse_acknowledged(id, message, phones);
                self.answer_challenge(id, message, now, phones, timers);
            }
            (State::Calling | State::Ringing, 200..300, b"INVITE") => {
                self.connect(id, message, now, phones, timers)
            }
            (State::Talking, 200..300, b"INVITE") => self.acknowledge(id, phones),
            (State::Calling | State::Ringing, 300.., b"INVITE") if sequence == call.sequence => {
                self.refuse_acknowledged(id, message, phones);
                *self.outcome.refused.entry(status).or_default() += 1;
                self.over(id, Ended::Failed);
            }
            (_, 300.., b"INVITE") => self.refuse_acknowledged(id, message, phones),
            (State::Ending, 200.., b"BYE") => {
                self.over(id, if status == 200 { Ended::Well } else { Ended::Failed });
            }
            _ => {}
        }
    }

    /// Something is due for a call.
    pub fn due(&mut self, due: Due, now: Instant, phones: &Phones, timers: &mut Timers<Due>) {
        match due {
            Due::HangUp(id) => self.hang_up(id, now, phones, timers),
            Due::GiveUp(id) => {
                let hung = self.calls.get(&id).is_some_and(|c| {
                    now - c.begun >= RINGS_AT_MOST && matches!(c.state, State::Calling | State::Ringing)
                });
                if hung {
                    self.over(id, Ended::Failed);
                }
            }
            Due::Again(id, sequence) => {
                let Some(call) = self.calls.get_mut(&id) else { return };
                if call.sequence != sequence || !matches!(call.state, State::Calling | State::Ending) {
                    return;
                }
                if call.tries == TRIES {
                    return self.over(id, Ended::Failed);
                }
                call.tries += 1;
                self.outcome.again += 1;
                phones.send(call.phone, call.asked.as_bytes(), self.server);
                timers.set(now + T1 * 2u32.pow(call.tries), due);
            }
        }
    }

    /// Sends BYE.
    pub fn hang_up(&mut self, id: u32, now: Instant, phones: &Phones, timers: &mut Timers<Due>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.state != State::Talking {
            return;
        }
        if self.hold.is_none() {
            self.pending += 1;
        }
        call.state = State::Ending;
        call.sequence += 1;
        call.tries = 0;
        let sequence = call.sequence;
        let request = self.inside(id, "BYE", sequence, phones);
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.asked = request;
        phones.send(call.phone, call.asked.as_bytes(), self.server);
        timers.set(now + T1, Due::Again(id, sequence));
    }

    fn answer_challenge(
        &mut self,
        id: u32,
        message: Reading,
        now: Instant,
        phones: &Phones,
        timers: &mut Timers<Due>,
    ) {
        let phone = self.calls.get(&id).map_or(0, |c| c.phone);
        let uri = format!("sip:{}@{}", self.numbers[phone + self.accounts.len()], self.server);
        let account = &mut self.accounts[phone];
        let answer =
            message.challenge().and_then(|(c, name)| Some((name, account.answer(c, "INVITE", &uri)?)));
        match answer {
            Some((name, value)) => self.invite(id, &format!("{name}: {value}\r\n"), now, phones, timers),
            None => self.over(id, Ended::Failed),
        }
    }

    fn connect(
        &mut self,
        id: u32,
        message: Reading,
        now: Instant,
        phones: &Phones,
        timers: &mut Timers<Due>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut routes: Vec<_> =
            message.lines(b"Record-Route:").map(|l| text(&l[b"Record-Route:".len()..])).collect();
        routes.reverse();
        let routes = routes.iter().map(|r| format!("Route:{r}\r\n")).collect();
        let (to, target) = (message.value(b"To:").unwrap_or_default(), message.contact().unwrap_or_default());
        call.dialog = (text(to), text(target), routes);
        call.state = State::Talking;
        call.answered = self.offer;
        self.outcome.delays.add(now - call.begun);
        if let Some(media) = message.media() {
            self.answers.insert(id, media);
        }
        self.acknowledge(id, phones);
        match self.hold {
            Some(hold) => timers.set(now + hold, Due::HangUp(id)),
            None => {
                self.pending -= 1;
                self.outcome.succeeded(self.offer);
            }
        }
    }

    fn acknowledge(&self, id: u32, phones: &Phones) {
        let Some(call) = self.calls.get(&id) else { return };
        let request = self.inside(id, "ACK", call.sequence, phones);
        phones.send(call.phone, request.as_bytes(), self.server);
    }

    /// A request inside the dialog.
    fn inside(&self, id: u32, method: &str, sequence: u32, phones: &Phones) -> String {
        let Some(call) = self.calls.get(&id) else { return String::new() };
        let (to, target, routes) = &call.dialog;
        let (me, server, run, user) =
            (phones.address(call.phone), self.server, self.run, &self.accounts[call.phone].user);
        format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK-{run}-{id}-{method}-{sequence};rport\r\n{routes}\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{server}>;tag=c{run}x{id}\r\nTo: {to}\r\nCall-ID: {id}x{run}@{me}\r\n\
             CSeq: {sequence} {method}\r\nContent-Length: 0\r\n\r\n"
        )
    }

    /// ACK to a refusal: of the same transaction (RFC 3261 section 17.1.1.3).
    fn refuse_acknowledged(&self, id: u32, message: Reading, phones: &Phones) {
        let Some(call) = self.calls.get(&id) else { return };
        let Some((sequence, _)) = message.value(b"CSeq:").and_then(sequence_and_method) else { return };
        let (me, server, run) = (phones.address(call.phone), self.server, self.run);
        let (user, callee) =
            (&self.accounts[call.phone].user, &self.numbers[call.phone + self.accounts.len()]);
        let to = String::from_utf8_lossy(message.value(b"To:").unwrap_or_default());
        let request = format!(
            "ACK sip:{callee}@{server} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK-{run}-{id}-{sequence};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{server}>;tag=c{run}x{id}\r\nTo: {to}\r\nCall-ID: {id}x{run}@{me}\r\n\
             CSeq: {sequence} ACK\r\nContent-Length: 0\r\n\r\n"
        );
        phones.send(call.phone, request.as_bytes(), server);
    }

    fn over(&mut self, id: u32, ended: Ended) {
        let Some(call) = self.calls.remove(&id) else { return };
        self.pending -= 1;
        match ended {
            // A call that lasts half a second is served when it is answered, if it then ends well.
            Ended::Well => self.outcome.succeeded(call.answered),
            Ended::Failed => self.outcome.failed += 1,
        }
    }

    /// Our Call-IDs begin with the call's number and the run's.
    fn call_of(&self, message: Reading) -> Option<u32> {
        let value = std::str::from_utf8(message.value(b"Call-ID:")?).ok()?;
        let (id, rest) = value.split_once('x')?;
        let (run, _) = rest.split_once('@')?;
        (run.parse() == Ok(self.run)).then(|| id.parse().ok()).flatten()
    }
}

enum Ended {
    Well,
    Failed,
}

fn sequence_and_method(value: &[u8]) -> Option<(u32, &[u8])> {
    let space = memchr::memchr(b' ', value)?;
    Some((std::str::from_utf8(&value[..space]).ok()?.parse().ok()?, value[space + 1..].trim_ascii()))
}
