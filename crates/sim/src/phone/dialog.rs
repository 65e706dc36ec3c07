//! One call as a phone sees it.

use std::fmt;

use bytes::Bytes;
use model::Mono;

use super::late::Late;
use super::refer::Referred;
use super::sound::Sound;
use super::write::Draft;
use super::{Phone, text};

/// Names a call of a phone in the whole world; media carries it, so that a crossed wire is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId {
    /// The phone.
    pub phone: u16,
    /// Its calls, counted.
    pub number: u32,
}

impl fmt::Display for DialogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {} of phone {}", self.number, self.phone)
    }
}

/// Who began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// This phone.
    Caller,
    /// The other side.
    Callee,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing rings.
    Calling,
    /// It rings, here or there.
    Ringing,
    /// It was answered.
    Answered,
    /// It is over.
    Ended(Ending),
}

/// How a call ended for a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// This phone hung up.
    HungUp,
    /// The server's BYE.
    PeerHungUp,
    /// Refused, here or there, with this status.
    Refused(u16),
    /// The caller gave up.
    Cancelled,
    /// Nobody answered a request, or acknowledged an answer.
    TimedOut,
    /// The server knows nothing of it.
    Forgotten,
    /// The phone went off.
    Crashed,
}

/// What a phone is about to do in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Answer,
    Refuse(u16),
}

/// An offer of the phone's own inside the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reoffer {
    Sent,
    /// Sent without an offer: the 2xx brings one, and the ACK the answer.
    Asked,
    /// The other side's came in between; it is tried again then.
    At(Mono),
}

/// A call of a phone.
pub struct Dialog {
    /// Its name.
    pub id: DialogId,
    /// Who began.
    pub role: Role,
    /// How far it is.
    pub stage: Stage,
    /// The number dialled, or the number that calls.
    pub peer: String,
    /// The name that was shown of the caller.
    pub peer_name: String,
    /// Statuses heard for the INVITE, repetitions included.
    pub statuses: Vec<u16>,
    /// The Reason header of the CANCEL or BYE that ended it.
    pub reason: Option<String>,
    /// When it began.
    pub began: Mono,
    /// When it was answered.
    pub answered: Option<Mono>,
    /// When it ended.
    pub ended: Option<Mono>,
    /// Whether the 2xx that this phone sent was acknowledged.
    pub acknowledged: bool,
    /// How many re-INVITEs of its own got a 2xx.
    pub reoffers_done: u32,
    /// How many re-INVITEs of its own were told to wait.
    pub glares: u32,
    /// Bodies of INFO heard.
    pub infos: Vec<String>,
    /// Who is at the other side, as an offer inside the call said last (RFC 3325).
    pub shown: Option<String>,
    /// A transfer that was asked for in it.
    pub referred: Referred,
    /// Referred-By of the INVITE that came.
    pub referred_by: Option<String>,
    /// Media.
    pub sound: Sound,
    /// The Call-ID.
    pub call_id: String,
    /// The peer's tag.
    pub remote_tag: Option<String>,
    pub(super) finals: Vec<(u32, u16)>,
    pub(super) acks: Vec<(u32, Bytes)>,
    pub(super) local_tag: String,
    pub(super) local_uri: String,
    pub(super) remote_uri: String,
    pub(super) remote_target: String,
    pub(super) cseq: u32,
    pub(super) remote_cseq: u32,
    pub(super) act: Option<(Mono, Act)>,
    pub(super) hang_up_due: bool,
    pub(super) reoffer: Option<Reoffer>,
    pub(super) early_answer: Option<Bytes>,
    pub(super) late: Option<Late>,
    /// The last reliable response acknowledged.
    pub(super) rseq: Option<u32>,
}

impl Dialog {
    pub(super) fn new(began: Mono, id: DialogId, role: Role, peer: String, sound: Sound) -> Dialog {
        Dialog {
            id,
            role,
            stage: Stage::Calling,
            peer,
            peer_name: String::new(),
            statuses: Vec::new(),
            reason: None,
            began,
            answered: None,
            ended: None,
            acknowledged: false,
            reoffers_done: 0,
            glares: 0,
            infos: Vec::new(),
            shown: None,
            referred: Referred::default(),
            referred_by: None,
            sound,
            call_id: String::new(),
            remote_tag: None,
            finals: Vec::new(),
            acks: Vec::new(),
            local_tag: String::new(),
            local_uri: String::new(),
            remote_uri: String::new(),
            remote_target: String::new(),
            cseq: 0,
            remote_cseq: 0,
            act: None,
            hang_up_due: false,
            reoffer: None,
            early_answer: None,
            late: None,
            rseq: None,
        }
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Ended(_))
    }

    /// What somebody who overhears the call knows of it: Call-ID, From and To of a request of this phone's, and whom it
    /// would be sent to.
    pub fn overheard(&self) -> (String, String, String, String) {
        let draft = self.draft("BYE");
        (draft.call_id, draft.from, draft.to, draft.uri)
    }

    pub(super) fn next_cseq(&mut self) -> u32 {
        self.cseq += 1;
        self.cseq
    }

    pub(super) fn next_wake(&self) -> Option<Mono> {
        let act = self.act.map(|(at, _)| at);
        let again = match self.reoffer {
            Some(Reoffer::At(at)) => Some(at),
            Some(Reoffer::Sent | Reoffer::Asked) | None => None,
        };
        [act, again, self.sound.next_wake()].into_iter().flatten().min()
    }

    /// A request inside this dialog.
    pub(super) fn draft(&self, method: &'static str) -> Draft {
        let remote_tag = self.remote_tag.as_ref().map(|tag| format!(";tag={tag}")).unwrap_or_default();
        Draft {
            method,
            uri: self.remote_target.clone(),
            from: format!("{};tag={}", self.local_uri, self.local_tag),
            to: format!("{}{remote_tag}", self.remote_uri),
            call_id: self.call_id.clone(),
            contact: matches!(method, "INVITE").then(String::new),
            body: None,
            headers: Vec::new(),
        }
    }
}

/// How it stands, for who reads a failure.
impl fmt::Display for Dialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |at: Mono| at.as_nanos() as f64 / 1e9;
        let sound = &self.sound;
        write!(
            f,
            "{}: {:?} {} {:?}, Call-ID {}, answered {:?}, port {}, {:?} (wants {:?}), sends since {:?}, sent {}",
            self.id,
            self.role,
            self.peer,
            self.stage,
            self.call_id.get(..8).unwrap_or(&self.call_id),
            self.answered.map(seconds),
            sound.port,
            sound.direction,
            sound.wanted,
            sound.sends_since.map(seconds),
            sound.sent,
        )?;
        for (speaker, heard) in &sound.heard {
            write!(f, ", heard {} of {speaker} until {:.3}", heard.packets, seconds(heard.last))?;
        }
        Ok(())
    }
}

impl Phone {
    /// A call is over.
    pub(super) fn finish(&mut self, number: u32, ending: Ending) {
        let Some(mut dialog) = self.dialogs.remove(&number) else { return };
        dialog.stage = Stage::Ended(ending);
        dialog.act = None;
        dialog.reoffer = None;
        dialog.ended = Some(self.clock);
        dialog.sound.stop();
        self.past.insert(number, dialog);
    }

    /// The dialog that a request inside one belongs to (RFC 3261 section 12.2.2).
    pub(super) fn dialog_of(&self, request: &wire::sip::Message) -> Option<u32> {
        let tag = |address: Result<wire::sip::NameAddr<'_>, _>| address.ok().and_then(|a| a.tag().map(text));
        let (ours, theirs) = (tag(request.to())?, tag(request.from())?);
        let call_id = text(request.call_id());
        let is_it = |dialog: &&Dialog| {
            dialog.call_id == call_id
                && dialog.local_tag == ours
                && dialog.remote_tag.as_ref() == Some(&theirs)
        };
        self.dialogs.values().find(is_it).map(|dialog| dialog.id.number)
    }

    pub(super) fn wake_dialogs(&mut self, now: Mono) {
        let due = self.dialogs.values().filter(|dialog| dialog.next_wake().is_some_and(|at| at <= now));
        let due: Vec<u32> = due.map(|dialog| dialog.id.number).collect();
        for number in due {
            self.wake_act(now, number);
            self.wake_reoffer(now, number);
            self.wake_sound(now, number);
        }
    }
}
