//! Call records: exactly one for each call, whatever dies in the middle (SPEC R6.3, R10.2).

use serde::{Deserialize, Serialize};

use crate::{CallId, Wall};

/// One call as history shows it. The number is kept as it was when the call was made.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The call.
    pub id: CallId,
    /// The caller's number.
    pub from: String,
    /// What was dialled.
    pub to: String,
    /// Between whom.
    pub direction: Direction,
    /// When the call was attempted.
    pub started: Wall,
    /// When it was answered, if it was.
    #[cfg_attr(feature = "schema", schema(required))]
    pub answered: Option<Wall>,
    /// When it ended; `None` while it runs.
    #[cfg_attr(feature = "schema", schema(required))]
    pub ended: Option<Wall>,
    /// From answer to end; 0 if never answered.
    pub duration_s: f64,
    /// How it ended; `None` while it runs.
    #[cfg_attr(feature = "schema", schema(required))]
    pub result: Option<CallResult>,
    /// Why, in a few plain words: "declined by 102", "no phone registered".
    pub reason: String,
    /// The way it took: extensions it was forwarded over, the trunk; for example `102 > 103`.
    pub route: String,
    /// How its media was; none: it had none, or ended before the first report. Lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<CallQuality>,
}

/// How the media of a call was, as of the last report before its end (about every 5 s).
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallQuality {
    /// Between the caller and us.
    #[cfg_attr(feature = "schema", schema(required))]
    pub caller: Option<LegQuality>,
    /// Between us and who answered.
    #[cfg_attr(feature = "schema", schema(required))]
    pub callee: Option<LegQuality>,
}

/// How one side of a call was.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegQuality {
    /// Codec name as in SDP, for example `PCMA`.
    #[cfg_attr(feature = "schema", schema(required))]
    pub codec: Option<String>,
    /// Whether its media was encrypted.
    pub encrypted: bool,
    /// Round trip by RTCP, milliseconds.
    #[cfg_attr(feature = "schema", schema(required))]
    pub rtt_ms: Option<f64>,
    /// From the phone to us, as we measured.
    pub received: StreamQuality,
    /// From us to the phone; losses and jitter as the phone reported them.
    pub sent: StreamQuality,
}

/// One direction of a side.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamQuality {
    /// RTP packets.
    pub packets: u64,
    /// Packets lost on the way, percent.
    #[cfg_attr(feature = "schema", schema(required))]
    pub loss_percent: Option<f64>,
    /// Interarrival jitter, milliseconds (RFC 3550 section 6.4.1).
    #[cfg_attr(feature = "schema", schema(required))]
    pub jitter_ms: Option<f64>,
}

/// Between whom a call runs.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Both ends are ours.
    Internal,
    /// From a trunk.
    Incoming,
    /// To a trunk.
    Outgoing,
}

/// How a call ended, as history shows it.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallResult {
    /// It was answered.
    Answered,
    /// The called extension was busy or declined.
    Busy,
    /// Nobody answered in time.
    NoAnswer,
    /// The caller hung up before an answer.
    Cancelled,
    /// A rule or a permission refused it.
    Refused,
    /// Something failed: unknown number, unreachable phone, no port, the server died.
    Failed,
    /// The caller is on the blacklist.
    Blacklisted,
    /// The PBX was locked.
    Locked,
}

impl CallResult {
    /// Each of them.
    pub const ALL: [CallResult; 8] = [
        CallResult::Answered,
        CallResult::Busy,
        CallResult::NoAnswer,
        CallResult::Cancelled,
        CallResult::Refused,
        CallResult::Failed,
        CallResult::Blacklisted,
        CallResult::Locked,
    ];

    /// The result of this word.
    pub fn parse(text: &str) -> Option<CallResult> {
        CallResult::ALL.into_iter().find(|result| result.text() == text)
    }

    /// The word that history, logs and the command line write.
    pub const fn text(self) -> &'static str {
        match self {
            CallResult::Answered => "answered",
            CallResult::Busy => "busy",
            CallResult::NoAnswer => "no-answer",
            CallResult::Cancelled => "cancelled",
            CallResult::Refused => "refused",
            CallResult::Failed => "failed",
            CallResult::Blacklisted => "blacklisted",
            CallResult::Locked => "locked",
        }
    }
}

/// What the exchange tells the store about a call's record.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordUpdate {
    /// The call exists, is answered or goes elsewhere: its record as of now, `ended` empty. May be written late or
    /// merged with a later one, but within a second.
    Open(CallRecord),
    /// The call is over: its last record.
    Closed(CallRecord),
}
