//! Sessions: the INVITE usage of dialogs (RFC 3261 sections 12 to 15), from both ends.
//!
//! One file for each thing that happens: `outgoing` (our INVITE and what is answered to it), `incoming` (an INVITE
//! to us), `inside` (requests of the peer in the dialog), `reoffer` (re-INVITE both ways), `update` (UPDATE), `refresh`
//! (session timers), `reliable` and `early` (PRACK both ways), `refer` (transfers), `replacing` (INVITE with Replaces),
//! `ending` (BYE, CANCEL, lost connections). All are parts of [`crate::Stack`]; here stands only what a session is.

mod early;
mod ending;
mod incoming;
pub(crate) mod inside;
mod outgoing;
mod refer;
mod refresh;
mod reliable;
mod reoffer;
mod replacing;
mod table;
mod update;

pub(crate) use early::{Early, Fresh};
pub(crate) use incoming::explain;
pub(crate) use inside::is_own_flow;
pub use refer::{Progress, Referral};
pub(crate) use refresh::Refresh;
pub(crate) use reliable::Reliable;
pub use reoffer::Busy;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::directory::Nat;
use model::{Flow, Mono};
use wire::sip::{Message, Uri};

use crate::api::{Cause, SessionId};
use crate::message::{self, Order};
use crate::registrar::reached_at;
use crate::transaction::client::Branch;
use crate::transaction::server::ServerId;

/// What both ends of a dialog agreed on (RFC 3261 section 12).
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    /// Our name-addr, without the tag; the tag is the session's id.
    pub(crate) local: String,
    /// The peer's name-addr, without the tag.
    pub(crate) remote: String,
    pub(crate) remote_tag: Option<String>,
    /// Request-URI of our requests: the peer's Contact.
    pub(crate) remote_target: String,
    /// Route values of our requests.
    pub(crate) routes: Vec<String>,
    /// The last CSeq number that we used.
    pub(crate) local_cseq: u32,
    /// The last CSeq number that the peer used.
    pub(crate) remote_cseq: Option<u32>,
    /// User part of our Contact.
    pub(crate) contact_user: String,
    pub(crate) opened: Opened,
}

impl Dialog {
    /// The dialog that a request of the peer opens, seen from here.
    pub(crate) fn opened_by_peer(request: &Message, contact_user: String) -> Dialog {
        let party = |address: Result<wire::sip::NameAddr<'_>, _>| {
            address.map(|address| message::without_tag(&address)).unwrap_or_default()
        };
        Dialog {
            call_id: message::lossy(request.call_id()),
            local: party(request.to()),
            remote: party(request.from()),
            remote_tag: request.from().ok().and_then(|from| from.tag().map(message::lossy)),
            remote_target: message::remote_target(request).unwrap_or_default(),
            routes: message::route_set(request, Order::Kept),
            local_cseq: 0,
            remote_cseq: request.cseq().ok().map(|cseq| cseq.number),
            contact_user,
            opened: Opened::ByPeer,
        }
    }
}

/// Who sent the INVITE that opened a dialog, and so owns its Call-ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    ByUs,
    ByPeer,
}

/// How far a session is.
#[derive(Debug)]
pub(crate) enum State {
    /// Their INVITE waits for our final response.
    Incoming { server: ServerId, request: Message },
    /// Our INVITE waits for theirs.
    Calling(Calling),
    /// A 2xx was sent or heard.
    Confirmed,
}

/// An INVITE of ours under way.
#[derive(Debug)]
pub(crate) struct Calling {
    pub(crate) branch: Branch,
    pub(crate) heard: Heard,
    /// Set once nobody wants the call any more; a 2xx that still comes is answered with ACK and BYE.
    pub(crate) given_up: Option<Cause>,
    pub(crate) early: Vec<Early>,
}

/// Whether the peer has answered at all: a CANCEL must wait for it (RFC 3261 section 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Nothing,
    Provisional,
}

/// A 2xx of ours that is repeated until its ACK comes (RFC 3261 section 13.3.1.4).
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    pub(crate) cseq: u32,
    pub(crate) flow: Flow,
    pub(crate) bytes: Bytes,
    pub(crate) next: Mono,
    pub(crate) interval: Duration,
    pub(crate) gives_up: Mono,
}

/// A re-INVITE of ours.
#[derive(Debug)]
pub(crate) struct Reinvite {
    pub(crate) offer: Bytes,
    pub(crate) retries: u8,
    /// Waiting to try again after glare; `None` while a transaction runs.
    pub(crate) retry_at: Option<Mono>,
}

/// A re-INVITE of the peer, or an UPDATE with an offer, that waits for `calls`.
#[derive(Debug)]
pub(crate) struct PeerReinvite {
    pub(crate) server: ServerId,
    pub(crate) request: Message,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) state: State,
    pub(crate) dialog: Dialog,
    /// The dialog's own flow: requests on it are believed.
    pub(crate) flow: Flow,
    /// When the session ends because its connection closed and the phone did not come back.
    pub(crate) lost_until: Option<Mono>,
    /// Who the peer is, proven or registered.
    pub(crate) line: Arc<str>,
    pub(crate) nat: Nat,
    pub(crate) unacknowledged: Option<Unacknowledged>,
    /// BYE goes out once the ACK to our 2xx came (RFC 3261 section 15); until then `calls` knows nothing of it.
    pub(crate) closing: Option<Cause>,
    pub(crate) reinvite: Option<Reinvite>,
    pub(crate) peer_reinvite: Option<PeerReinvite>,
    /// Who is at the other side, as P-Asserted-Identity says it to the peer; `None`: not said.
    pub(crate) asserted: Option<Box<str>>,
    pub(crate) refresh: Refresh,
    /// What its caller is told reliably before the answer, if anything.
    pub(crate) reliable: Option<Box<Reliable>>,
    pub(crate) refers: refer::Refers,
}

impl Session {
    /// Our tag in this dialog.
    pub(crate) fn tag(&self) -> String {
        tag_of(self.id)
    }

    /// Where our requests in this dialog go: to the Contact that the peer named if it may be believed, as its
    /// registration was; else back over the dialog's flow.
    pub(crate) fn destination(&self) -> Flow {
        let target = Uri::parse(self.dialog.remote_target.as_bytes());
        target.ok().and_then(|uri| reached_at(&uri, self.flow, self.nat)).unwrap_or(self.flow)
    }

    /// Whether `calls` still hears of this session.
    pub(crate) fn is_silent(&self) -> bool {
        let given_up = matches!(&self.state, State::Calling(calling) if calling.given_up.is_some());
        given_up || self.closing.is_some()
    }
}

/// The tag of a session: its id, 64 random bits, in hexadecimal.
pub(crate) fn tag_of(id: SessionId) -> String {
    format!("{:016x}", id.0)
}

/// The session of one of our tags.
pub(crate) fn session_of(tag: &[u8]) -> Option<SessionId> {
    let text = std::str::from_utf8(tag).ok().filter(|text| text.len() == 16)?;
    u64::from_str_radix(text, 16).ok().map(SessionId)
}

/// What a session timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Repeat a 2xx.
    Acknowledgement,
    /// Try a re-INVITE again.
    Glare,
    /// The phone did not come back.
    Lost,
    /// Repeat a reliable provisional response.
    Reliable,
    /// Refresh the session, or give it up.
    Refresh,
}
