//! A leg's side of offer and answer: what its peer said, what we said to it, and how to go back when an offer is
//! refused.
//!
//! The rules are `media::sdp`'s; here they meet the relay, which is told at once what was agreed. Not here: when an
//! offer is made (`ring`, `bridge`).

use bytes::Bytes;
use media::sdp::{self, Agreed, Local, LocalMedia, Refused};
use media::{Command, Payloads};
use model::directory::Nat;
use wire::sdp::Session;

use crate::leg::Leg;
use crate::step::{Place, Step};

/// The offer/answer state of a leg.
#[derive(Default)]
pub(crate) struct Talk {
    /// Our side; `None` before the leg has media.
    local: Option<Local>,
    /// Our side before the offer that is under way.
    before: Option<Local>,
    /// The peer's description in force.
    theirs: Option<Session>,
    /// The peer's offer that is not answered yet.
    offered: Option<Session>,
    codec: Option<String>,
    /// Whether the peer holds the other side, by what is in force.
    holds: bool,
}

/// The peer's description can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoUse;

impl From<Refused> for NoUse {
    fn from(_: Refused) -> NoUse {
        NoUse
    }
}

/// Whether what is agreed on the offerer's leg is an answer that he gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Publish {
    /// It is.
    Answer,
    /// He made no offer; only the relay is told.
    Nothing,
}

impl Talk {
    /// The leg has media from now on: our address and port as its peer is shown them.
    pub fn begin(&mut self, ours: LocalMedia, session_id: u64) {
        self.local = Some(Local::new(ours, session_id));
    }

    /// The peer makes an offer.
    ///
    /// # Errors
    /// It is no SDP, or has no audio that can be relayed.
    pub fn offered(&mut self, body: &[u8]) -> Result<(), NoUse> {
        let session = read(body)?;
        self.before.clone_from(&self.local);
        self.offered = Some(session);
        Ok(())
    }

    /// The peer answers our offer. It counts once both legs agree.
    ///
    /// # Errors
    /// It is no SDP, or has no audio that can be relayed.
    pub fn answered(&mut self, body: &[u8]) -> Result<(), NoUse> {
        self.theirs = Some(read(body)?);
        Ok(())
    }

    /// Our offer on this leg, made from what the peer of leg `from` said last.
    ///
    /// # Errors
    /// He said nothing that could be offered.
    pub fn offer(&mut self, from: &Talk) -> Result<Bytes, NoUse> {
        let theirs = from.offered.as_ref().or(from.theirs.as_ref()).ok_or(NoUse)?;
        self.before.clone_from(&self.local);
        let ours = sdp::offer(theirs, self.local.as_mut().ok_or(NoUse)?)?;
        Ok(ours.to_bytes().into())
    }

    /// The offer under way, the peer's or ours, came to nothing.
    pub fn roll_back(&mut self) {
        self.offered = None;
        if let Some(before) = self.before.take() {
            self.local = Some(before);
        }
    }

    /// The codec that is spoken.
    pub fn codec(&self) -> Option<&str> {
        self.codec.as_deref()
    }

    /// Whether the peer holds the other side.
    pub fn holds(&self) -> bool {
        self.holds
    }

    fn settle(&mut self, codec: &str) {
        if let Some(offered) = self.offered.take() {
            self.theirs = Some(offered);
        }
        self.holds = self.theirs.as_ref().is_some_and(sdp::holds);
        self.before = None;
        self.codec = Some(codec.to_owned());
    }
}

fn read(body: &[u8]) -> Result<Session, NoUse> {
    let session = Session::parse(body).map_err(|_| NoUse)?;
    if sdp::audio(&session).is_some() { Ok(session) } else { Err(NoUse) }
}

/// `answerer` answered what was made of `offerer`'s offer: the relay joins the two as agreed, and the offerer's
/// answer comes back.
///
/// # Errors
/// They have no codec in common; nothing was changed.
pub(crate) fn agree(step: &mut Step<'_>, offerer: &mut Leg, answerer: &mut Leg) -> Result<Bytes, NoUse> {
    let answer = join(step, offerer, answerer, Publish::Answer)?;
    Ok(answer.to_bytes().into())
}

/// `answerer` answered an offer that was ours, made from what `offerer` said long ago: only the relay is told.
///
/// # Errors
/// They have no codec in common; nothing was changed.
pub(crate) fn align(step: &mut Step<'_>, offerer: &mut Leg, answerer: &mut Leg) -> Result<(), NoUse> {
    join(step, offerer, answerer, Publish::Nothing).map(|_| ())
}

fn join(
    step: &mut Step<'_>,
    offerer: &mut Leg,
    answerer: &mut Leg,
    publish: Publish,
) -> Result<Session, NoUse> {
    let offered = offerer.talk.offered.as_ref().or(offerer.talk.theirs.as_ref()).ok_or(NoUse)?;
    let answered = answerer.talk.theirs.as_ref().ok_or(NoUse)?;
    let asked = answerer.talk.local.as_ref().ok_or(NoUse)?;
    let mut local = offerer.talk.local.clone().ok_or(NoUse)?;
    let agreed = sdp::answer(offered, &mut local, answered, asked)?;
    if publish == Publish::Answer {
        offerer.talk.local = Some(local);
    }
    let Agreed { answer, codec, offerer_payloads, answerer_payloads, .. } = agreed;
    offerer.talk.settle(&codec.name);
    answerer.talk.settle(&codec.name);
    let (Some(one), Some(other)) = (offerer.place, answerer.place) else { return Ok(answer) };
    describe(step, offerer, one, offerer_payloads);
    describe(step, answerer, other, answerer_payloads);
    let bridge = Command::Bridge {
        a: one.leg,
        b: other.leg,
        map_ab: Box::new(agreed.offerer_to_answerer),
        map_ba: Box::new(agreed.answerer_to_offerer),
    };
    step.command(one.shard, bridge);
    Ok(answer)
}

/// Tells the relay what the peer said last.
fn describe(step: &mut Step<'_>, leg: &Leg, place: Place, payloads: Payloads) {
    let Some(theirs) = &leg.talk.theirs else { return };
    let Some(remote) = sdp::remote(theirs, leg.talk.local.as_ref()) else { return };
    let nat_source = match leg.nat {
        Nat::On => Some(leg.flow.remote),
        Nat::Off => None,
    };
    let command = Command::Describe { leg: place.leg, remote, payloads: Box::new(payloads), nat_source };
    step.command(place.shard, command);
}
