//! One side of a call: a session of the stack, a place in the relay, and an offer/answer state of its own.
//!
//! Because a leg owns all three, it can be joined with another leg, parted and joined again without either peer
//! noticing. Not here: offers and answers (`talk`), which legs are joined (`bridge`).

use std::sync::Arc;

use media::sdp::LocalMedia;
use media::{PortsExhausted, Quality};
use model::directory::{Line, Nat};
use model::{CallId, Flow};
use sip::{Cause, SessionId};

use crate::ring::Rang;
use crate::step::{Place, Step};
use crate::talk::Talk;

pub(crate) struct Leg {
    /// `None`: the stack has nothing more to say of it, nor to hear.
    pub session: Option<SessionId>,
    /// How its signalling travels.
    pub flow: Flow,
    /// The extension at this end.
    pub extension: Arc<str>,
    pub nat: Nat,
    pub rang: Rang,
    /// `None`: it has no media yet, or no more.
    pub place: Option<Place>,
    pub talk: Talk,
    pub quality: Option<Quality>,
}

impl Leg {
    /// The caller's leg, before it has media.
    pub fn of_caller(session: SessionId, caller: &Line, flow: Flow) -> Leg {
        Leg {
            session: Some(session),
            flow,
            extension: Arc::clone(&caller.extension),
            nat: caller.nat,
            rang: Rang::No,
            place: None,
            talk: Talk::default(),
            quality: None,
        }
    }

    /// The leg of a phone that is about to be called.
    pub fn of_phone(extension: Arc<str>, nat: Nat, flow: Flow) -> Leg {
        Leg {
            session: None,
            flow,
            extension,
            nat,
            rang: Rang::No,
            place: None,
            talk: Talk::default(),
            quality: None,
        }
    }

    /// Stands in for a leg that is still in another call: media of its own, and what its peer can speak.
    pub fn standing_in(extension: Arc<str>, nat: Nat, flow: Flow, talk: Talk) -> Leg {
        Leg { talk, ..Leg::of_phone(extension, nat, flow) }
    }

    /// Comes from another call into `call`, in the place of its stand-in.
    pub fn take_place(&mut self, step: &mut Step<'_>, stand_in: Leg, call: CallId) {
        self.close(step);
        self.place = stand_in.place;
        self.talk.move_to(&stand_in.talk);
        if let Some(session) = self.session {
            step.desk.sessions.insert(session, call);
        }
    }

    /// Gives it media: a port on the address that its peer reaches, shown to it as SPEC R2.23 says. Once.
    ///
    /// # Errors
    /// No port is free.
    pub fn open(&mut self, step: &mut Step<'_>, call: CallId) -> Result<(), PortsExhausted> {
        if self.place.is_some() {
            return Ok(());
        }
        let place = step.open(call, &self.flow)?;
        self.place = Some(place);
        let network = &step.desk.directory.network;
        let ip = network.shown_to(self.flow.remote.ip(), self.flow.local.ip());
        let ours = LocalMedia { ip, rtp_port: place.port.rtp.port() };
        self.talk.begin(ours, step.desk.entropy.next_u64());
        Ok(())
    }

    /// Its signalling comes over `flow` now. Behind a router that translates, its media has most likely moved as well.
    pub fn follow(&mut self, step: &mut Step<'_>, flow: Flow) {
        let moved = self.flow.remote != flow.remote;
        self.flow = flow;
        if let (true, Nat::On, Some(place)) = (moved, self.nat, self.place) {
            let reopen = media::Command::Reopen { leg: place.leg, nat_source: flow.remote };
            step.command(place.shard, reopen);
        }
    }

    /// Ends what is left of it. `cause` is for the peer.
    pub fn end(&mut self, step: &mut Step<'_>, cause: Cause) {
        if let Some(session) = self.session.take() {
            step.desk.sessions.remove(&session);
            step.desk.stack.end(step.now, session, cause);
        }
        self.close(step);
    }

    /// The stack said that the session is gone.
    pub fn gone(&mut self, step: &mut Step<'_>) {
        if let Some(session) = self.session.take() {
            step.desk.sessions.remove(&session);
        }
        self.close(step);
    }

    fn close(&mut self, step: &mut Step<'_>) {
        if let Some(place) = self.place.take() {
            step.close(place);
        }
    }
}
