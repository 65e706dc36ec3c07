//! What `calls` and the shell say to the stack and hear from it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::directory::{Line, Nat};
use model::event::Event;
use model::live::BindingUpdate;
use model::{Flow, FlowId};

use crate::identity::{Identity, Presentation};

/// A session: one INVITE we received or sent, and the dialogs that came of it. Ids are never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub(crate) u64);

/// A name in From or To.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// User part of the URI: a number. The host is always our domain.
    pub user: String,
    /// Display name; may be empty.
    pub display: String,
}

/// One place where a call can ring: a registered contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where the request is sent.
    pub flow: Flow,
    /// Request-URI: the contact as registered.
    pub uri: String,
    /// The line whose phone this is; who sends requests in the dialog from elsewhere must prove to be it.
    pub line: Arc<str>,
    /// Whether the phone sits behind a translating router.
    pub nat: Nat,
    /// The contact's preference in thousandths.
    pub q: u16,
}

/// An INVITE to send.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Where to.
    pub target: Target,
    /// Who calls; the domain is ours.
    pub from: Party,
    /// Who was called.
    pub to: Party,
    /// Whether he is shown, and over whom the call came.
    pub identity: Identity,
    /// Already decremented.
    pub max_forwards: u8,
    /// Our offer, an SDP body.
    pub offer: Bytes,
    /// The extension whose transfer this is, for Referred-By (RFC 3892).
    pub referred_by: Option<Arc<str>>,
}

/// A final refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// 300 to 699.
    pub status: u16,
    /// Plain words for the reason phrase; `None`: the RFC's.
    pub phrase: Option<&'static str>,
    /// Retry-After.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal with the RFC's reason phrase.
    pub const fn new(status: u16) -> Refusal {
        Refusal { status, phrase: None, retry_after: None }
    }

    /// A refusal that says why in its reason phrase.
    pub const fn because(status: u16, phrase: &'static str) -> Refusal {
        Refusal { status, phrase: Some(phrase), retry_after: None }
    }
}

/// Why we end a session; told to the peer in a Reason header (RFC 3326).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The other side hung up, or the caller gave up: no Reason header.
    Normal,
    /// Somebody else answered: `SIP;cause=200;text="Call completed elsewhere"`.
    CompletedElsewhere,
    /// Nobody answered in time.
    NoAnswer,
    /// An administrator hung up, or the server stops.
    Administrator,
    /// Media stayed silent for too long.
    DeadMedia,
    /// Who had promised to refresh the session did not, or nobody could (RFC 4028).
    NotRefreshed,
    /// Who transferred the call has left it, and nobody else took it.
    TransferFailed,
    /// The two sides have no codec in common, or something else went wrong.
    Failure,
}

/// How a session ended that had been answered, or why one that we sent was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer's BYE.
    Bye,
    /// A final response other than 2xx: its status and reason phrase (cut to 64 characters, as it came).
    Response {
        /// 300 to 699.
        status: u16,
        /// Reason phrase.
        phrase: String,
    },
    /// A 3xx response: the phone wants the call to go elsewhere.
    Moved {
        /// User part of its first Contact, percent escapes decoded.
        to: Vec<u8>,
    },
    /// No response, or no ACK, in 64 x T1.
    Timeout,
    /// The connection it ran on is gone and the peer did not come back on another.
    FlowClosed,
    /// A request inside the dialog was answered 408 or 481: the peer has forgotten it.
    PeerForgot,
    /// The session was not refreshed in time (RFC 4028); BYE is sent.
    NotRefreshed,
}

/// What happens to sessions. After `Failed`, `Cancelled` and `Ended` the session is gone.
#[derive(Clone, Debug)]
pub enum SessionEvent {
    /// An authenticated INVITE outside a dialog. Answer with `progress`, `accept` or `refuse`.
    Incoming {
        /// The new session.
        session: SessionId,
        /// Who calls, proven.
        caller: Arc<Line>,
        /// Where the call comes from.
        flow: Flow,
        /// User part of the Request-URI, percent escapes decoded: what was dialled.
        dialled: Vec<u8>,
        /// Whether the caller lets himself be shown.
        presentation: Presentation,
        /// Hops left, before we decrement.
        max_forwards: u8,
        /// The offer; `None`: a late offer.
        offer: Option<Bytes>,
        /// The answered session of the same extension that this one takes the place of (RFC 3891).
        replaces: Option<SessionId>,
    },
    /// 101 to 199 to an INVITE of ours.
    Progress {
        /// Our session.
        session: SessionId,
        /// 101 to 199.
        status: u16,
        /// Early answer, if it carries one.
        answer: Option<Bytes>,
    },
    /// 2xx to an INVITE of ours; ACK is already sent.
    Answered {
        /// Our session.
        session: SessionId,
        /// The answer; `None` if the 2xx had none and no provisional response carried one either.
        answer: Option<Bytes>,
    },
    /// A caller who made no offer answers ours, which a provisional response made.
    EarlyAnswered {
        /// The session.
        session: SessionId,
        /// His answer.
        answer: Bytes,
    },
    /// An INVITE of ours came to nothing.
    Failed {
        /// The session, gone.
        session: SessionId,
        /// Why.
        end: End,
    },
    /// The caller's CANCEL; it is answered already.
    Cancelled {
        /// The session, gone.
        session: SessionId,
    },
    /// The ACK to a 2xx of ours arrived, to the first INVITE or to a later one.
    Confirmed {
        /// The session.
        session: SessionId,
        /// The answer to the offer that our 2xx made, if the ACK carries one.
        answer: Option<Bytes>,
    },
    /// An answered session wants to be refreshed by a re-INVITE: call [`crate::Stack::reoffer`] with what we said last, to the
    /// letter. If another offer is under way, let it be: that refreshes too.
    RefreshDue {
        /// The session.
        session: SessionId,
    },
    /// The peer's re-INVITE, or its UPDATE with an offer; answer with `accept_reoffer` or `refuse_reoffer`.
    Reoffer {
        /// The session.
        session: SessionId,
        /// The offer; `None`: the peer wants ours.
        offer: Option<Bytes>,
    },
    /// Our re-INVITE was answered 2xx.
    ReofferAnswered {
        /// The session.
        session: SessionId,
        /// The answer.
        answer: Option<Bytes>,
    },
    /// Our re-INVITE was refused; the session goes on as it was. 491 is retried by the stack and not reported
    /// until it gives up.
    ReofferRefused {
        /// The session.
        session: SessionId,
        /// 300 to 699.
        status: u16,
    },
    /// The peer's INFO with a body (RFC 6086, and DTMF as phones send it); it is answered already.
    Info {
        /// The session.
        session: SessionId,
        /// Content-Type.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// The peer proved itself elsewhere and is there from now on; [`crate::Stack::flow`] says where.
    FlowChanged {
        /// The session.
        session: SessionId,
    },
    /// The peer's REFER; answer with `accept_refer` or `refuse_refer`.
    Refer {
        /// The session.
        session: SessionId,
        /// What the peer wants.
        referral: crate::session::Referral,
    },
    /// An answered session is over; BYE is answered, or needs none.
    Ended {
        /// The session, gone.
        session: SessionId,
        /// How.
        end: End,
    },
}

/// What the stack wants done outside.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send these bytes on this flow.
    Send {
        /// Where.
        flow: Flow,
        /// One whole message.
        bytes: Bytes,
    },
    /// Close this connection.
    Close(FlowId),
    /// Keep or forget a binding.
    Binding(BindingUpdate),
    /// The guard has ruled: in force before anything that follows is sent.
    Ruling(guard::Ruling),
    /// Something worth a log line.
    Event(Event),
}
