//! The phone's client transactions (RFC 3261 section 17.1): repetition, time-outs, the ACK of refusals, and answers to
//! challenges.

use std::time::Duration;

use bytes::Bytes;
use model::Mono;
use wire::sip::{Message, Method, Name, Writer};

use super::write::Draft;
use super::{Complaint, LIFE, Phone, T1, T2, text};

/// Answers to challenges in a row: the first, and one more for `stale=true`.
const MAX_CHALLENGES: u8 = 3;

/// On whose behalf a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Register,
    Invite(u32),
    Reinvite(u32),
    Update(u32),
    Bye,
    Info(u32),
    Watch,
    Refer(u32),
    Nobody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Calling,
    Proceeding,
    Completed,
}

/// A request of the phone's and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub owner: Owner,
    pub branch: String,
    pub cseq: u32,
    pub draft: Draft,
    bytes: Bytes,
    ack: Option<Bytes>,
    phase: Phase,
    challenges: u8,
    since: Mono,
    interval: Duration,
    repeat: Option<Mono>,
    deadline: Option<Mono>,
}

impl Client {
    pub fn next_wake(&self) -> Option<Mono> {
        [self.repeat, self.deadline].into_iter().flatten().min()
    }

    fn is_invite(&self) -> bool {
        self.draft.method == "INVITE"
    }
}

impl Phone {
    /// Sends a request as a transaction of its own.
    pub(super) fn start(&mut self, now: Mono, owner: Owner, draft: Draft, cseq: u32) {
        let eager = self.habits.eager && matches!(draft.method, "INVITE" | "REGISTER");
        let credentials = if eager { self.credentials(&draft) } else { None };
        self.start_with(now, owner, draft, cseq, (0, credentials));
    }

    fn start_with(
        &mut self,
        now: Mono,
        owner: Owner,
        draft: Draft,
        cseq: u32,
        (challenges, credentials): (u8, Option<(Name, String)>),
    ) {
        if credentials.is_some() && matches!(owner, Owner::Invite(_)) {
            self.called += 1;
        }
        let branch = format!("z9hG4bK{}", self.entropy.hex(8));
        let bytes = self.write(&draft, &branch, cseq, credentials);
        let reliable = self.transport.is_reliable();
        self.clients.push(Client {
            owner,
            branch,
            cseq,
            draft,
            bytes: bytes.clone(),
            ack: None,
            phase: Phase::Calling,
            challenges,
            since: now,
            interval: T1,
            repeat: (!reliable).then(|| now + T1),
            deadline: Some(now + LIFE),
        });
        self.send(bytes);
    }

    pub(super) fn wake_clients(&mut self, now: Mono) {
        let mut place = 0;
        while place < self.clients.len() {
            let client = &mut self.clients[place];
            if client.deadline.is_some_and(|deadline| deadline <= now) {
                let client = self.clients.swap_remove(place);
                if client.phase != Phase::Completed {
                    self.gave_up(now, &client);
                }
                continue;
            }
            if client.repeat.is_some_and(|repeat| repeat <= now) {
                client.interval = match client.is_invite() {
                    true => client.interval * 2,
                    false => (client.interval * 2).min(T2),
                };
                client.repeat = Some(now + client.interval);
                let bytes = client.bytes.clone();
                self.send(bytes);
            }
            place += 1;
        }
    }

    fn gave_up(&mut self, now: Mono, client: &Client) {
        let what = format!("{} {} for {:?}", client.draft.method, client.draft.uri, client.owner);
        self.complaints.push(Complaint::Unanswered { since: client.since, what });
        self.on_final(now, client.owner, 408, None);
    }

    pub(super) fn hear_response(&mut self, now: Mono, response: &Message) {
        let status = response.status().unwrap_or_default();
        let branch = response.top_via().ok().and_then(|via| via.branch()).map(text).unwrap_or_default();
        let method = response.cseq().ok().map(|cseq| text(cseq.token)).unwrap_or_default();
        let same = |client: &Client| client.branch == branch && client.draft.method == method;
        let Some(place) = self.clients.iter().position(same) else {
            return self.hear_stray(response, status);
        };
        let client = &mut self.clients[place];
        if client.phase == Phase::Completed {
            if let Some(ack) = client.ack.clone() {
                self.send(ack);
            }
            return;
        }
        if status < 200 {
            let first = client.phase == Phase::Calling;
            client.phase = Phase::Proceeding;
            if client.is_invite() {
                // Later ones leave the deadline alone that a CANCEL has set meanwhile.
                if first {
                    (client.repeat, client.deadline) = (None, None);
                }
            } else {
                client.interval = T2;
            }
            let owner = client.owner;
            return self.on_provisional(now, owner, status, response);
        }
        self.last_status = status;
        if client.is_invite() && status >= 300 {
            let ack = self.ack_of_refusal(place, response);
            self.send(ack);
        }
        let client = self.complete(now, place, status);
        if matches!(status, 401 | 407) && self.answer_challenge(now, &client, response) {
            return;
        }
        self.on_final(now, client.owner, status, Some(response));
    }

    /// A final response is there: a refused INVITE stays to absorb repetitions, everything else is done.
    fn complete(&mut self, now: Mono, place: usize, status: u16) -> Client {
        let stays = self.clients[place].is_invite() && status >= 300 && !self.transport.is_reliable();
        if !stays {
            return self.clients.swap_remove(place);
        }
        let client = &mut self.clients[place];
        client.phase = Phase::Completed;
        (client.repeat, client.deadline) = (None, Some(now + LIFE));
        client.clone()
    }

    fn ack_of_refusal(&mut self, place: usize, response: &Message) -> Bytes {
        let client = &self.clients[place];
        let via = format!("SIP/2.0/{} {};branch={}", self.transport.via_token(), self.address, client.branch);
        let ack = Writer::request("ACK", &client.draft.uri)
            .header(Name::Via, via)
            .header(Name::From, &client.draft.from)
            .copy_all(response, Name::To)
            .header(Name::CallId, &client.draft.call_id)
            .header(Name::CSeq, format!("{} ACK", client.cseq))
            .header(Name::MaxForwards, "70")
            .finish();
        self.clients[place].ack = Some(ack.clone());
        ack
    }

    /// Sends the request again with credentials, unless it had its chance.
    fn answer_challenge(&mut self, now: Mono, client: &Client, response: &Message) -> bool {
        let stale = response.all(Name::WwwAuthenticate).any(|value| text(value).contains("stale=true"));
        if client.challenges >= MAX_CHALLENGES || (client.challenges > 0 && !stale) {
            return false;
        }
        if !self.learn_challenge(response) {
            return false;
        }
        let Some(credentials) = self.credentials(&client.draft) else { return false };
        let cseq = self.next_cseq(client.owner, client.cseq);
        let again = (client.challenges + 1, Some(credentials));
        self.start_with(now, client.owner, client.draft.clone(), cseq, again);
        self.resent(client.owner, cseq);
        true
    }

    /// The number of the request sent again.
    fn next_cseq(&mut self, owner: Owner, before: u32) -> u32 {
        match owner {
            Owner::Register => self.registrar.next_cseq(),
            Owner::Watch => self.lamp.as_mut().map_or(before + 1, super::watch::Watch::next_cseq),
            Owner::Invite(number)
            | Owner::Reinvite(number)
            | Owner::Update(number)
            | Owner::Info(number)
            | Owner::Refer(number) => match self.dialogs.get_mut(&number) {
                Some(dialog) => dialog.next_cseq(),
                None => before + 1,
            },
            Owner::Bye | Owner::Nobody => before + 1,
        }
    }

    /// The branch of the INVITE that a CANCEL would be for.
    pub(super) fn invite_of(&self, number: u32) -> Option<&Client> {
        let is_it =
            |client: &&Client| client.owner == Owner::Invite(number) && client.phase != Phase::Completed;
        self.clients.iter().find(is_it)
    }

    pub(super) fn may_cancel(&self, number: u32) -> bool {
        self.invite_of(number).is_some_and(|client| client.phase == Phase::Proceeding)
    }

    /// Sends a CANCEL for an INVITE (RFC 3261 section 9.1): the INVITE's own branch and number.
    pub(super) fn send_cancel(&mut self, now: Mono, number: u32) {
        let Some(invite) = self.invite_of(number) else { return };
        let (branch, cseq) = (invite.branch.clone(), invite.cseq);
        let draft = Draft {
            method: "CANCEL",
            contact: None,
            body: None,
            headers: Vec::new(),
            ..invite.draft.clone()
        };
        let bytes = self.write(&draft, &branch, cseq, None);
        let reliable = self.transport.is_reliable();
        // A cancelled INVITE must get its final response at last.
        if let Some(invite) = self.clients.iter_mut().find(|client| client.branch == branch) {
            invite.deadline = Some(now + LIFE);
        }
        self.clients.push(Client {
            owner: Owner::Nobody,
            branch,
            cseq,
            draft,
            bytes: bytes.clone(),
            ack: None,
            phase: Phase::Calling,
            challenges: MAX_CHALLENGES,
            since: now,
            interval: T1,
            repeat: (!reliable).then(|| now + T1),
            deadline: Some(now + LIFE),
        });
        self.send(bytes);
    }

    fn on_provisional(&mut self, now: Mono, owner: Owner, status: u16, response: &Message) {
        if let Owner::Invite(number) = owner {
            self.on_invite_progress(now, number, status, response);
        }
    }

    /// `None`: there was none in time.
    fn on_final(&mut self, now: Mono, owner: Owner, status: u16, response: Option<&Message>) {
        match owner {
            Owner::Register => self.on_registered(now, status, response),
            Owner::Watch => self.on_subscribed(now, status, response),
            Owner::Invite(number) => self.on_invite_final(now, number, status, response),
            Owner::Reinvite(number) => self.on_reinvite_final(now, number, status, response),
            Owner::Update(number) => self.on_update_final(now, number, status, response),
            Owner::Info(number) if matches!(status, 408 | 481) => {
                self.finish(number, super::Ending::Forgotten)
            }
            Owner::Refer(number) => self.on_refer_final(number, status),
            Owner::Info(_) | Owner::Bye | Owner::Nobody => {}
        }
    }

    /// A response that no transaction waits for: a repeated 2xx is acknowledged again; another final one than before is
    /// a contradiction.
    fn hear_stray(&mut self, response: &Message, status: u16) {
        let invite = response.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        if !invite || status < 200 {
            return;
        }
        let call_id = text(response.call_id());
        let cseq = response.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let tag = response.to().ok().and_then(|to| to.tag()).map(text);
        let all = self.dialogs.values().chain(self.past.values());
        let Some(dialog) = all.into_iter().find(|dialog| dialog.call_id == call_id) else { return };
        let finals = dialog.finals.iter().find(|(number, _)| *number == cseq).map(|(_, status)| *status);
        // A copy of the INVITE that was long on its way is a new request to who has forgotten the first (RFC 3261
        // section 17.2.3), and is challenged.
        if finals.is_some_and(|before| before != status) && status != 401 {
            let what = format!("{} got {status} after {finals:?} to INVITE {cseq}", dialog.id);
            return self.wrong(what);
        }
        if status < 300 && dialog.remote_tag.is_some() && dialog.remote_tag != tag {
            let what = format!("{} got a second 2xx with another tag", dialog.id);
            return self.wrong(what);
        }
        if let Some((_, ack)) = dialog.acks.iter().find(|(number, _)| *number == cseq) {
            let ack = ack.clone();
            self.send(ack);
        }
    }
}
