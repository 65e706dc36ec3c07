//! The phone's server transactions (RFC 3261 section 17.2): repetitions get the same answer, final answers to INVITE are
//! repeated until their ACK.

use std::time::Duration;

use bytes::Bytes;
use model::Mono;
use wire::sip::{Message, Method};

use super::{Complaint, Ending, LIFE, Phone, T1, T2, text};

/// A request that the phone was sent, and its answer.
pub(super) struct Served {
    branch: String,
    method: Method,
    pub request: Message,
    /// The dialog it made or belongs to.
    pub dialog: Option<u32>,
    status: u16,
    last: Option<Bytes>,
    since: Mono,
    interval: Duration,
    repeat: Option<Mono>,
    deadline: Mono,
    acknowledged: bool,
}

impl Served {
    pub fn next_wake(&self) -> Mono {
        self.repeat.map_or(self.deadline, |repeat| repeat.min(self.deadline))
    }

    pub fn is_invite(&self) -> bool {
        self.method == Method::Invite
    }

    /// Whether no final answer has been sent.
    pub fn is_open(&self) -> bool {
        self.status < 200
    }
}

impl Phone {
    pub(super) fn serve(&mut self, now: Mono, request: &Message) {
        let Some(method) = request.method() else { return };
        if method == Method::Ack {
            return self.on_ack(request);
        }
        let branch = branch_of(request);
        if let Some(served) = self.served.iter().find(|s| s.branch == branch && s.method == method) {
            if let Some(bytes) = served.last.clone() {
                self.send(bytes);
            }
            return;
        }
        // An INVITE that waits for a person waits for as long as it takes; the server has its own limit.
        let life = if method == Method::Invite { LIFE * 20 } else { LIFE };
        self.served.push(Served {
            branch,
            method,
            request: request.clone(),
            dialog: None,
            status: 0,
            last: None,
            since: now,
            interval: T1,
            repeat: None,
            deadline: now + life,
            acknowledged: false,
        });
        self.serve_new(now, request);
    }

    /// Answers the request that a transaction holds.
    pub(super) fn reply(&mut self, now: Mono, request: &Message, status: u16, body: Option<Bytes>) {
        let branch = branch_of(request);
        let method = request.method();
        let Some(place) = self.served.iter().position(|s| s.branch == branch && Some(s.method) == method)
        else {
            return;
        };
        if !self.served[place].is_open() {
            return;
        }
        let tag = match self.served[place].dialog {
            Some(number) => format!("{:x}p{number}", self.number),
            None => request.to().ok().and_then(|to| to.tag()).map_or_else(|| "none".to_owned(), text),
        };
        let bytes = self.write_answer(request, status, &tag, body.as_ref());
        let served = &mut self.served[place];
        served.status = status;
        served.last = Some(bytes.clone());
        if status >= 200 {
            served.deadline = now + LIFE;
            let refused_on_stream = status >= 300 && self.transport.is_reliable();
            if served.is_invite() && !refused_on_stream {
                served.repeat = Some(now + T1);
            }
        }
        self.send(bytes);
    }

    pub(super) fn wake_served(&mut self, now: Mono) {
        let mut place = 0;
        while place < self.served.len() {
            let served = &mut self.served[place];
            if served.deadline <= now {
                let served = self.served.swap_remove(place);
                if served.is_invite() && served.status >= 200 && !served.acknowledged {
                    self.never_acknowledged(now, &served);
                }
                continue;
            }
            if served.repeat.is_some_and(|repeat| repeat <= now) {
                served.interval = (served.interval * 2).min(T2);
                served.repeat = Some(now + served.interval);
                if let Some(bytes) = served.last.clone() {
                    self.send(bytes);
                }
            }
            place += 1;
        }
    }

    fn never_acknowledged(&mut self, now: Mono, served: &Served) {
        let what = format!("the {} of dialog {:?}", served.status, served.dialog);
        self.complaints.push(Complaint::NotAcknowledged { since: served.since, what });
        if let Some(number) = served.dialog.filter(|_| served.status < 300) {
            // RFC 3261 section 13.3.1.4: the session should end with a BYE.
            self.say_bye(now, number, Ending::TimedOut);
        }
    }

    fn on_ack(&mut self, ack: &Message) {
        let branch = branch_of(ack);
        let cseq = ack.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let call_id = ack.call_id();
        let place = self.served.iter().position(|served| {
            let same_branch = served.branch == branch && served.status >= 300;
            let same_dialog = served.request.call_id() == call_id
                && served.request.cseq().is_ok_and(|c| c.number == cseq)
                && (200..300).contains(&served.status);
            served.is_invite() && (same_branch || same_dialog)
        });
        // It stays a while to absorb repetitions of the INVITE (timers I and L).
        let Some(served) = place.map(|place| &mut self.served[place]) else { return };
        if served.repeat.take().is_some() || !served.acknowledged {
            served.acknowledged = true;
            if let Some(number) = served.dialog.filter(|_| served.status < 300) {
                self.acknowledged(number);
            }
        }
    }

    /// The INVITE that made a dialog, while it waits for its answer.
    pub(super) fn open_invite(&self, number: u32) -> Option<Message> {
        let is_it =
            |served: &&Served| served.dialog == Some(number) && served.is_invite() && served.is_open();
        self.served.iter().find(is_it).map(|served| served.request.clone())
    }

    /// Says which dialog a request belongs to.
    pub(super) fn belongs(&mut self, request: &Message, number: u32) {
        let branch = branch_of(request);
        let method = request.method();
        if let Some(served) = self.served.iter_mut().find(|s| s.branch == branch && Some(s.method) == method)
        {
            served.dialog = Some(number);
        }
    }

    /// The dialog whose INVITE a CANCEL is for.
    pub(super) fn cancelled_by(&self, cancel: &Message) -> Option<&Served> {
        let branch = branch_of(cancel);
        self.served.iter().find(|served| served.is_invite() && served.branch == branch)
    }
}

fn branch_of(request: &Message) -> String {
    request.top_via().ok().and_then(|via| via.branch()).map(text).unwrap_or_default()
}
