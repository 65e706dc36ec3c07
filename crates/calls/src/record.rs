//! How calls end: what history says, what the caller is told, what the phones are told; and the one place that
//! writes a call's record.

use std::time::Duration;

use model::event::{self, Event};
use model::record::{
    CallQuality, CallRecord, CallResult, Direction, LegQuality, RecordUpdate, StreamQuality,
};
use model::{CallId, Wall};
use sip::{Cause, Refusal};

use crate::api::Output;
use crate::call::Call;
use crate::leg::Leg;
use crate::route::Nowhere;
use crate::step::Step;

/// When a caller may try again after a limit of ours refused him: calls end every few seconds.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How a call ends. Made once; the first one counts.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// For history.
    pub result: CallResult,
    /// For history: why, in a few plain words.
    pub reason: String,
    /// What a caller is told whose call was not answered; `None`: `cause` says it.
    pub refusal: Option<Refusal>,
    /// What everybody else is told.
    pub cause: Cause,
}

impl Outcome {
    /// Nobody was reached.
    pub fn refused(result: CallResult, reason: impl Into<String>, refusal: Refusal) -> Outcome {
        Outcome { result, reason: reason.into(), refusal: Some(refusal), cause: Cause::Failure }
    }

    /// The caller offered nothing that can be relayed.
    pub fn no_codec() -> Outcome {
        let reason = "the caller offered no audio that can be carried";
        Outcome::refused(CallResult::Failed, reason, Refusal::new(488))
    }

    /// The caller must encrypt and does not (SPEC R4.15).
    pub fn unencrypted() -> Outcome {
        let refusal = Refusal::because(403, "Encryption required, use TLS");
        Outcome::refused(CallResult::Refused, "the caller's extension requires encryption", refusal)
    }

    /// A limit of ours.
    pub fn full(phrase: &'static str) -> Outcome {
        let refusal = Refusal { status: 503, phrase: Some(phrase), retry_after: Some(RETRY_AFTER) };
        Outcome::refused(CallResult::Failed, phrase.to_lowercase(), refusal)
    }

    /// Somebody, or something, ended it.
    pub fn ended(result: CallResult, reason: impl Into<String>, cause: Cause) -> Outcome {
        Outcome { result, reason: reason.into(), refusal: None, cause }
    }
}

impl From<&Nowhere> for Outcome {
    fn from(nowhere: &Nowhere) -> Outcome {
        let (result, reason, refusal) = match nowhere {
            Nowhere::Unknown => (CallResult::Failed, "unknown number".to_owned(), Refusal::new(404)),
            Nowhere::ForwardUnknown(extension, number) => {
                let reason = format!("{extension} forwards to the unknown number {number}");
                (CallResult::Failed, reason, Refusal::new(404))
            }
            Nowhere::Locked => {
                let refusal = Refusal::because(403, "Outgoing calls are locked");
                (CallResult::Locked, "outgoing calls are locked".to_owned(), refusal)
            }
            Nowhere::Loop => (CallResult::Failed, "forwarding loop".to_owned(), Refusal::new(482)),
            Nowhere::TooManyHops => (CallResult::Failed, "too many hops".to_owned(), Refusal::new(483)),
            Nowhere::Undisturbed(extension) => {
                (CallResult::Busy, format!("{extension} does not wish to be disturbed"), Refusal::new(486))
            }
            Nowhere::Unreachable(extension) => {
                let reason = format!("no phone of {extension} is registered");
                (CallResult::Failed, reason, Refusal::because(480, "No phone registered"))
            }
        };
        Outcome::refused(result, reason, refusal)
    }
}

/// The record of a call that begins.
pub(crate) fn blank(id: CallId, from: String, to: String, started: Wall) -> CallRecord {
    CallRecord {
        id,
        from,
        to,
        direction: Direction::Internal,
        started,
        answered: None,
        ended: None,
        duration_s: 0.0,
        result: None,
        reason: String::new(),
        route: String::new(),
        quality: None,
    }
}

/// Keeps the record of a call that goes on.
pub(crate) fn note(step: &mut Step<'_>, call: &mut Call) {
    call.record.route = call.route();
    call.record.direction = call.way.direction();
    step.desk.outputs.push_back(Output::Record(RecordUpdate::Open(call.record.clone())));
}

/// A call began.
pub(crate) fn begin(step: &mut Step<'_>, call: &Call) {
    let started = Event::new(&event::CALL_STARTED, step.now.wall)
        .with("call", call.id)
        .with("from", &call.record.from)
        .with("to", &call.record.to);
    step.tell(started);
}

/// A call is over: its last record. Called by the exchange alone, once for each call.
pub(crate) fn close(step: &mut Step<'_>, call: Call, outcome: Outcome) {
    let duration = call.answered.map(|answered| step.now.mono.saturating_since(answered));
    let record = CallRecord {
        ended: Some(step.now.wall),
        duration_s: duration.unwrap_or_default().as_secs_f64(),
        result: Some(outcome.result),
        reason: outcome.reason,
        route: call.route(),
        direction: call.way.direction(),
        quality: quality(&call),
        ..call.record
    };
    let ended = Event::new(&event::CALL_ENDED, step.now.wall)
        .with("call", record.id)
        .with("from", &record.from)
        .with("to", &record.to)
        .with("result", outcome.result.text())
        .with("reason", &record.reason)
        .with("duration_s", format!("{:.1}", record.duration_s));
    step.tell(ended);
    step.desk.outputs.push_back(Output::Record(RecordUpdate::Closed(record)));
}

/// How the media of an answered call was.
fn quality(call: &Call) -> Option<CallQuality> {
    call.answered?;
    let (caller, callee) = (side(&call.caller), call.phones.first().and_then(side));
    (caller.is_some() || callee.is_some()).then_some(CallQuality { caller, callee })
}

fn side(leg: &Leg) -> Option<LegQuality> {
    let quality = leg.quality?;
    let direction = |stream: media::Stream| StreamQuality {
        packets: stream.packets,
        // Nobody said that nothing was lost, where there is no jitter either: the phone has reported nothing.
        loss_percent: stream.jitter_ms.and(stream.loss_percent()),
        jitter_ms: stream.jitter_ms,
    };
    Some(LegQuality {
        codec: leg.talk.codec().map(str::to_owned),
        encrypted: false,
        rtt_ms: quality.rtt.map(|rtt| rtt.as_secs_f64() * 1_000.0),
        received: direction(quality.received),
        sent: direction(quality.sent),
    })
}
