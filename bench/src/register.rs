//! The load of phones that register: REGISTER, challenge, REGISTER with credentials, 200.

use crate::digest::{Account, WRONG_PASSWORD};
use crate::pace::{Delays, Pace, T1, TRIES, Timers};
use crate::phones::Phones;
use crate::sip::Reading;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddrV4;
use std::ops::Range;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long [`Registering::impatient`] tries.
const IMPATIENCE: Duration = Duration::from_millis(50);

/// What a load came to.
#[derive(Default)]
pub struct Outcome {
    /// Operations that began.
    pub offered: u64,
    /// Operations that succeeded.
    pub good: u64,
    /// Of the good ones, those that were served before the offer ended: registered, or answered.
    pub in_time: u64,
    /// Operations that were refused or never answered.
    pub failed: u64,
    /// Of the failed calls, those that were refused, by status; the others found no answer.
    pub refused: BTreeMap<u16, u64>,
    /// Messages that had to be sent again.
    pub again: u64,
    /// From the first message to the last answer.
    pub delays: Delays,
    /// From the first operation to the last one's end.
    pub lasted: Duration,
}

impl Outcome {
    /// Counts one that succeeded, while the offer runs or after it.
    pub fn succeeded(&mut self, offer: Offer) {
        self.good += 1;
        self.in_time += u64::from(offer == Offer::Runs);
    }
}

/// Whether new operations still begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// They do.
    Runs,
    /// What is under way is waited for.
    Over,
}

/// One phone's registration.
struct Line {
    account: Account,
    sequence: u32,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Asking { begun: Instant, tries: u32, answered_challenge: bool },
}

/// Phones that register.
pub struct Registering<'a> {
    phones: &'a mut Phones,
    server: SocketAddrV4,
    lines: Vec<Line>,
    timers: Timers<(usize, u32)>,
    credentials: Vec<String>,
    text: String,
    outcome: Outcome,
    pending: usize,
    offer: Offer,
    /// What a registration is expected to end with: 200, or for guessers a refusal, 403 or a second challenge.
    expected: Range<u16>,
    /// Tells this load's Call-IDs from those of one before it, as a phone's restart does.
    stamp: u128,
}

impl<'a> Registering<'a> {
    /// One line per phone, named by `numbers`.
    pub fn new(phones: &'a mut Phones, server: SocketAddrV4, numbers: &[String]) -> Self {
        let line = |n: &String| Line { account: Account::new(n.clone()), sequence: 0, state: State::Idle };
        Self {
            phones,
            server,
            lines: numbers.iter().map(line).collect(),
            timers: Timers::default(),
            credentials: vec![String::new(); numbers.len()],
            text: String::new(),
            outcome: Outcome::default(),
            pending: 0,
            offer: Offer::Runs,
            expected: 200..300,
            stamp: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros()),
        }
    }

    /// They all have a wrong password: a refusal is what is expected.
    pub fn guessing(mut self) -> Self {
        for line in &mut self.lines {
            line.account = Account::with(std::mem::take(&mut line.account.user), WRONG_PASSWORD);
        }
        self.expected = 401..404;
        self
    }

    /// Registers every line once, at this rate.
    pub fn all_once(mut self, rate: u32) -> Outcome {
        let seconds = self.lines.len() as f64 / f64::from(rate);
        self.run(rate, Duration::from_secs_f64(seconds))
    }

    /// Registers the first line once, asking every few milliseconds instead of by RFC 3261's timer, for 50 ms.
    pub fn impatient(mut self) -> Outcome {
        let begin = Instant::now();
        self.begin(0, begin);
        while self.pending > 0 && begin.elapsed() < IMPATIENCE {
            self.receive(Instant::now() + IMPATIENCE / 25);
            if self.lines[0].sequence == 1 {
                self.send(0);
            }
        }
        self.outcome
    }

    /// Offers `rate` registrations a second for `duration`, line after line.
    pub fn run(&mut self, rate: u32, duration: Duration) -> Outcome {
        let begin = Instant::now();
        let mut pace = Pace::new(rate, duration);
        while pace.next().is_some() || self.pending > 0 {
            let now = Instant::now();
            self.offer = pace.offer();
            while let Some(number) = pace.next_due(now) {
                self.begin(number as usize % self.lines.len(), now);
            }
            while let Some((line, sequence)) = self.timers.due(now) {
                self.overdue(line, sequence, now);
            }
            let until = [pace.next(), self.timers.next()].into_iter().flatten().min().unwrap_or(now);
            self.receive(until);
        }
        self.outcome.offered = pace.total();
        self.outcome.lasted = begin.elapsed();
        std::mem::take(&mut self.outcome)
    }

    fn begin(&mut self, line: usize, now: Instant) {
        if self.lines[line].state != State::Idle {
            // The phone is still waiting for the last answer: it can't ask again, so this one failed.
            self.outcome.failed += 1;
            return;
        }
        self.pending += 1;
        self.lines[line].state = State::Asking { begun: now, tries: 0, answered_challenge: false };
        self.credentials[line].clear();
        self.ask(line, now);
    }

    /// Sends a new REGISTER.
    fn ask(&mut self, line: usize, now: Instant) {
        self.lines[line].sequence += 1;
        self.send(line);
        self.timers.set(now + T1, (line, self.lines[line].sequence));
    }

    fn send(&mut self, line: usize) {
        let (me, server, stamp) = (self.phones.address(line), self.server, self.stamp);
        let Line { account: Account { user, .. }, sequence, .. } = &self.lines[line];
        let credentials = &self.credentials[line];
        self.text.clear();
        let _ = write!(
            self.text,
            "REGISTER sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK-{line}-{sequence};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@{server}>;tag=f{line}\r\nTo: <sip:{user}@{server}>\r\n\
             Call-ID: register-{line}-{stamp}@{me}\r\nCSeq: {sequence} REGISTER\r\nContact: <sip:{user}@{me}>\r\n\
             Expires: 3600\r\nUser-Agent: bench\r\n{credentials}Content-Length: 0\r\n\r\n"
        );
        self.phones.send(line, self.text.as_bytes(), server);
    }

    fn receive(&mut self, until: Instant) {
        let mut answers: Vec<(usize, u16, Option<String>)> = Vec::new();
        let (lines, server) = (&mut self.lines, self.server);
        self.phones.receive(until, |line, bytes| {
            let message = Reading(bytes);
            let Some(status @ 200..) = message.status() else { return };
            let Line { account, sequence, .. } = &mut lines[line];
            let current =
                message.value(b"CSeq:").is_some_and(|c| c.starts_with(format!("{sequence} ").as_bytes()));
            if !current {
                return;
            }
            let credentials = message.challenge().and_then(|(challenge, name)| {
                let value = account.answer(challenge, "REGISTER", &format!("sip:{server}"))?;
                Some(format!("{name}: {value}\r\n"))
            });
            answers.push((line, status, credentials));
        });
        let now = Instant::now();
        for (line, status, credentials) in answers {
            self.answered(line, status, credentials, now);
        }
    }

    fn answered(&mut self, line: usize, status: u16, credentials: Option<String>, now: Instant) {
        let State::Asking { begun, answered_challenge, .. } = self.lines[line].state else { return };
        match (status, credentials) {
            (200.., _) if self.expected.contains(&status) && (status < 300 || answered_challenge) => {
                self.outcome.succeeded(self.offer);
                self.outcome.delays.add(now - begun);
                self.finish(line);
            }
            (401, Some(credentials)) if !answered_challenge => {
                self.credentials[line] = credentials;
                self.lines[line].state = State::Asking { begun, tries: 0, answered_challenge: true };
                self.ask(line, now);
            }
            _ => {
                self.outcome.failed += 1;
                self.finish(line);
            }
        }
    }

    fn overdue(&mut self, line: usize, sequence: u32, now: Instant) {
        if self.lines[line].sequence != sequence {
            return;
        }
        let State::Asking { tries, .. } = &mut self.lines[line].state else { return };
        if *tries == TRIES {
            self.outcome.failed += 1;
            self.finish(line);
            return;
        }
        *tries += 1;
        let wait = T1 * 2u32.pow(*tries);
        self.outcome.again += 1;
        self.send(line);
        self.timers.set(now + wait, (line, sequence));
    }

    fn finish(&mut self, line: usize) {
        self.lines[line].state = State::Idle;
        self.pending -= 1;
    }
}
