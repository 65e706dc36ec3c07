//! Calls as `ringwall calls` shows them.

use model::live::{self, CallState, Side};

use crate::call::Call;
use crate::leg::Leg;

/// The call's row.
pub(crate) fn row(call: &Call) -> live::Call {
    let callee = if call.answered.is_some() { call.phones.first() } else { None };
    let held = callee.is_some_and(|phone| phone.talk.holds() || call.caller.talk.holds());
    let state = match (call.answered.is_some(), held, call.rings()) {
        (true, true, _) => CallState::Held,
        (true, false, _) => CallState::Answered,
        (false, _, true) => CallState::Ringing,
        (false, _, false) => CallState::Dialling,
    };
    live::Call {
        id: call.id,
        from: call.record.from.clone(),
        to: call.record.to.clone(),
        state,
        started: call.record.started,
        answered: call.record.answered,
        caller_source: call.caller.flow.remote,
        callee_source: callee.map(|phone| phone.flow.remote),
        caller: side(&call.caller),
        callee: callee.map(side).unwrap_or_default(),
    }
}

fn side(leg: &Leg) -> Side {
    let quality = leg.quality.unwrap_or_default();
    Side {
        codec: leg.talk.codec().map(str::to_owned),
        encrypted: false,
        loss_percent: quality.received.loss_percent(),
        jitter_ms: quality.received.jitter_ms,
        rtt_ms: quality.rtt.map(|rtt| rtt.as_secs_f64() * 1_000.0),
    }
}
