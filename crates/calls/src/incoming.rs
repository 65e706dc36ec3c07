//! A new call: who calls is known already, what was dialled decides the rest.

use std::sync::Arc;

use bytes::Bytes;
use model::directory::{Extension, Line};
use model::{CallId, Flow};
use sip::{Presentation, SessionId};

use crate::call::Call;
use crate::identity;
use crate::leg::Leg;
use crate::record::{self, Outcome};
use crate::ring::Ringing;
use crate::route::{self, Way};
use crate::step::Step;
use crate::transfer::Transfer;

/// An authenticated INVITE.
pub(crate) struct Arrival {
    pub session: SessionId,
    pub caller: Arc<Line>,
    pub flow: Flow,
    pub dialled: Vec<u8>,
    pub presentation: Presentation,
    pub max_forwards: u8,
    pub offer: Option<Bytes>,
}

/// Whether there is room for one more call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Free,
    Full,
}

impl Call {
    /// Begins a call and rings whom it is for; `outcome` is set if that came to nothing.
    pub fn begin(step: &mut Step<'_>, arrival: Arrival, room: Room) -> Call {
        let directory = Arc::clone(&step.desk.directory);
        let (_, to) = route::dialled(&directory, &arrival.dialled);
        let id = CallId(step.desk.mint.mint(step.now.wall));
        let mut caller = Leg::of_caller(arrival.session, &arrival.caller, arrival.flow);
        let outcome = match arrival.offer.map(|offer| caller.talk.offered(&offer)) {
            _ if room == Room::Full => Some(Outcome::full("Too many calls")),
            _ if !arrival.caller.admits(arrival.flow.transport) => Some(Outcome::unencrypted()),
            Some(Err(_)) => Some(Outcome::no_codec()),
            // Without an offer he gets ours once somebody answers.
            None | Some(Ok(())) => None,
        };
        let mut call = Call {
            id,
            from: identity::party(&directory, &arrival.caller.extension),
            presentation: arrival.presentation,
            caller,
            phones: Vec::new(),
            way: Way::new(arrival.max_forwards),
            record: record::blank(id, arrival.caller.extension.to_string(), to, step.now.wall),
            line: arrival.caller,
            ringing: Ringing::default(),
            answered: None,
            reoffer: None,
            shown: Vec::new(),
            transfer: Transfer::default(),
            outcome,
        };
        record::begin(step, &call);
        if call.outcome.is_none() {
            call.dial(step, &arrival.dialled);
        }
        if call.outcome.is_some() {
            // A call that rings has noted its first record already.
            record::note(step, &mut call);
        }
        call
    }

    /// Rings whom it is for.
    pub fn dial(&mut self, step: &mut Step<'_>, dialled: &[u8]) {
        let directory = Arc::clone(&step.desk.directory);
        self.way.heed(step.desk.outgoing);
        let targets = |extension: &Extension| step.targets(extension, &self.line.username, &self.caller.flow);
        let found = route::begin(&directory, &mut self.way, dialled, targets);
        self.pursue(step, found);
    }
}
