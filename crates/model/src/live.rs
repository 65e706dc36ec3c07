//! What goes on right now: registrations, calls and what the server holds, as `/api/v1` and the command line show
//! them. Field names are the contract of the command line.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{CallId, Transport, Wall};

/// A phone's registered contact (RFC 3261 section 10), also as it is kept over a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// SIP username of the line.
    pub line: Arc<str>,
    /// Number of the extension.
    pub extension: Arc<str>,
    /// The Contact URI as the phone sent it.
    pub contact: String,
    /// How the phone is reached.
    pub transport: Transport,
    /// Our address that the phone reached.
    pub local: SocketAddr,
    /// The address that its REGISTER came from.
    pub source: SocketAddr,
    /// User-Agent header, cut to 128 characters.
    pub user_agent: String,
    /// Call-ID of the registration.
    pub call_id: String,
    /// Last CSeq number accepted under `call_id`.
    pub cseq: u32,
    /// Preference in thousandths, 0 to 1000.
    pub q: u16,
    /// `+sip.instance` of the contact, if any (RFC 5626 section 4.1).
    pub instance: Option<String>,
    /// `reg-id` of the contact, if its flow is kept by RFC 5626.
    pub reg_id: Option<u32>,
    /// When the contact was first registered.
    pub registered: Wall,
    /// When it expires.
    pub expires: Wall,
}

impl Binding {
    /// The flow it is, for a phone that keeps several (RFC 5626): device and `reg-id`.
    pub fn outbound(&self) -> Option<(&str, u32)> {
        Some((self.instance.as_deref()?, self.reg_id?))
    }

    /// What names it among those of its line: its contact, but a flow's is its device and `reg-id`, since two flows may
    /// have one contact. A space stands in no URI.
    pub fn key(&self) -> String {
        match self.outbound() {
            Some((instance, reg_id)) => format!("{instance} {reg_id}"),
            None => self.contact.clone(),
        }
    }
}

/// What the registrar tells the store; late by a second at most.
#[derive(Clone, Debug, PartialEq)]
pub enum BindingUpdate {
    /// The binding is new or refreshed.
    Keep(Arc<Binding>),
    /// The binding is gone.
    Remove {
        /// SIP username of the line.
        line: Arc<str>,
        /// Its [`Binding::key`].
        key: String,
    },
}

/// A row of `ringwall registrations`.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// Number of the extension.
    pub extension: String,
    /// SIP username of the line.
    pub line: String,
    /// The Contact URI.
    pub contact: String,
    /// The address that the REGISTER came from.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub source: SocketAddr,
    /// How the phone is reached.
    pub transport: Transport,
    /// User-Agent header.
    pub user_agent: String,
    /// When it was first registered.
    pub registered: Wall,
    /// Seconds until it expires.
    pub expires_in_s: f64,
    /// Whether a call can reach it now: a stream binding restored at start can't until the phone is back.
    pub reachable: bool,
}

/// A row of `ringwall calls`.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The call.
    pub id: CallId,
    /// The caller's number.
    pub from: String,
    /// What was dialled.
    pub to: String,
    /// How far it is.
    pub state: CallState,
    /// When it was attempted.
    pub started: Wall,
    /// When it was answered.
    #[cfg_attr(feature = "schema", schema(required))]
    pub answered: Option<Wall>,
    /// Where the caller's signalling comes from.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub caller_source: SocketAddr,
    /// Where the callee's signalling comes from, once one is chosen.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, required))]
    pub callee_source: Option<SocketAddr>,
    /// The caller's side.
    pub caller: Side,
    /// The callee's side.
    pub callee: Side,
}

/// How far a call is.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// Nobody rings yet.
    Dialling,
    /// Somebody rings.
    Ringing,
    /// Somebody answered.
    Answered,
    /// Answered, and one side holds the other.
    Held,
}

/// One side of a call, quality as received from that side.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Codec name as in SDP, for example `PCMA`; `None` before there is one.
    #[cfg_attr(feature = "schema", schema(required))]
    pub codec: Option<String>,
    /// Whether its media is encrypted.
    pub encrypted: bool,
    /// Packets lost on the way to us, percent.
    #[cfg_attr(feature = "schema", schema(required))]
    pub loss_percent: Option<f64>,
    /// Interarrival jitter, milliseconds.
    #[cfg_attr(feature = "schema", schema(required))]
    pub jitter_ms: Option<f64>,
    /// Round trip by RTCP, milliseconds.
    #[cfg_attr(feature = "schema", schema(required))]
    pub rtt_ms: Option<f64>,
}

/// What the server holds at the moment; all zero when nobody calls (but connections and file handles).
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// SIP transactions, client and server.
    pub transactions: usize,
    /// Dialogs, early and confirmed.
    pub dialogs: usize,
    /// Subscriptions of phones that watch lamps and mailboxes; they last while nobody calls.
    #[serde(default)]
    pub subscriptions: usize,
    /// Call legs.
    pub legs: usize,
    /// Media port pairs.
    pub media_ports: usize,
    /// Open stream connections.
    pub connections: usize,
    /// File handles of the process.
    pub file_handles: usize,
}

/// A listening socket as `status` and `ports` show it.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Which service: `sip`.
    pub service: String,
    /// How it travels.
    pub transport: Transport,
    /// The address bound.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub address: std::net::IpAddr,
    /// The port bound; the real one where 0 was asked.
    pub port: u16,
    /// `listening`, or `failed: WHY`.
    pub state: String,
}
