//! A leg's side of offer and answer: what its peer said, what we said to it, and how to go back when an offer is
//! refused.
//!
//! The rules are `media::sdp`'s; here they meet the relay, which is told at once what was agreed. Not here: when an
//! offer is made (`ring`, `bridge`).

use bytes::Bytes;
use media::sdp::{self, Agreed, End, Local, LocalMedia, Refused, Said};
use media::{Command, PayloadMap, Payloads};
use model::directory::Nat;
use wire::sdp::{Direction, Media, Session};

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
    /// Whether it has taken its audio away.
    stream: Stream,
    /// Whether that was an offer or an answer.
    said: Said,
    /// The peer's offer that is not answered yet.
    offered: Option<(Session, Stream)>,
    codec: Option<String>,
    /// Whether the peer holds the other side, by what is in force.
    holds: bool,
}

/// Whether a description has its audio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stream {
    #[default]
    There,
    /// It had port 0: what is kept of it is what it was before, inactive.
    Away,
}

/// The peer's description can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoUse;

impl From<Refused> for NoUse {
    fn from(_: Refused) -> NoUse {
        NoUse
    }
}

impl Talk {
    /// The leg has media from now on: our address and port as its peer is shown them.
    pub fn begin(&mut self, ours: LocalMedia, session_id: u64) {
        self.local = Some(Local::new(ours, session_id));
    }

    /// The peer makes an offer.
    ///
    /// # Errors
    /// It is no SDP, or has no audio that can be relayed, nor had any before that it takes away.
    pub fn offered(&mut self, body: &[u8]) -> Result<(), NoUse> {
        let offered = self.read(body)?;
        self.before.clone_from(&self.local);
        self.offered = Some(offered);
        Ok(())
    }

    /// The peer answers our offer. It counts once both legs agree.
    ///
    /// # Errors
    /// It is no SDP, or has no audio that can be relayed, nor had any before that it takes away.
    pub fn answered(&mut self, body: &[u8]) -> Result<(), NoUse> {
        let (theirs, stream) = self.read(body)?;
        (self.theirs, self.stream) = (Some(theirs), stream);
        self.said = Said::Answer;
        Ok(())
    }

    /// Our offer on this leg, made from what the peer of leg `from` said last; all that we take if he has said nothing.
    ///
    /// # Errors
    /// What he said can't be offered, or this leg has no media.
    pub fn offer(&mut self, from: &Talk) -> Result<Bytes, NoUse> {
        self.before.clone_from(&self.local);
        let local = self.local.as_mut().ok_or(NoUse)?;
        let ours = match from.said_last() {
            Some(theirs) => sdp::offer(theirs, local)?,
            None => sdp::offer_everything(local),
        };
        Ok(ours.to_bytes().into())
    }

    /// Our offer for a peer that asks for one inside the call: what the peer of leg `from` speaks, and all that he would do,
    /// even if he was only allowed less so far.
    ///
    /// # Errors
    /// He said nothing that could be offered, or this leg has no media.
    pub fn offer_all(&mut self, from: &Talk) -> Result<Bytes, NoUse> {
        let theirs = from.theirs.as_ref().ok_or(NoUse)?;
        self.before.clone_from(&self.local);
        let ours = sdp::offer_as(theirs, self.local.as_mut().ok_or(NoUse)?, from.wish())?;
        Ok(ours.to_bytes().into())
    }

    /// What we said last, to be said again: the same description, the same version.
    pub fn again(&self) -> Option<Bytes> {
        Some(self.local.as_ref()?.current()?.to_bytes().into())
    }

    /// Whether this is the peer's description in force once more, and nothing else.
    pub fn said_before(&self, body: &[u8]) -> bool {
        self.read(body)
            .is_ok_and(|(session, stream)| self.theirs.as_ref() == Some(&session) && self.stream == stream)
    }

    /// Whether the peer has described nothing yet: its INVITE had no offer, and ours is not answered.
    pub fn is_undescribed(&self) -> bool {
        self.theirs.is_none() && self.offered.is_none()
    }

    /// Whether what is in force was the peer's offer, not its answer: for a phone that rings, that it has offered anew since.
    pub fn has_offered(&self) -> bool {
        self.theirs.is_some() && self.said == Said::Offer
    }

    /// Whether what is in force was the peer's answer: for a caller, that his INVITE had no offer.
    pub fn has_answered(&self) -> bool {
        self.theirs.is_some() && self.said == Said::Answer
    }

    /// Whether this leg's peer was told of the peer of leg `of` what that one does now.
    pub fn knows(&self, of: &Talk) -> bool {
        let Some(does) = of.theirs.as_ref().and_then(sdp::direction_of) else { return true };
        let told = self.local.as_ref().and_then(Local::audio).and_then(Media::direction).unwrap_or_default();
        let wish = self.wish().mirrored();
        told.and(wish) == does.and(wish)
    }

    fn wish(&self) -> Direction {
        let wish = |theirs| sdp::wish(theirs, self.local.as_ref(), self.said);
        self.theirs.as_ref().map_or(Direction::Sendrecv, wish)
    }

    /// The offer under way, the peer's or ours, came to nothing.
    pub fn roll_back(&mut self) {
        self.offered = None;
        if let Some(before) = self.before.take() {
            self.local = Some(before);
        }
    }

    /// What the peer can speak and would do, by what is in force, without anything of ours.
    pub fn wishes(&self) -> Talk {
        let (mut theirs, wish) = (self.theirs.clone(), self.wish());
        for media in theirs.iter_mut().flat_map(|session| &mut session.media) {
            media.set_direction(wish);
        }
        Talk { theirs, ..Talk::default() }
    }

    /// Our side listens where `stand_in` did, from the next description on; no offer is under way any more.
    pub fn move_to(&mut self, stand_in: &Talk) {
        self.roll_back();
        if let (Some(ours), Some(there)) = (&mut self.local, &stand_in.local) {
            ours.set_media(there.media());
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

    fn read(&self, body: &[u8]) -> Result<(Session, Stream), NoUse> {
        let session = Session::parse(body).map_err(|_| NoUse)?;
        if sdp::audio(&session).is_some() {
            return Ok((session, Stream::There));
        }
        let before = self.theirs.as_ref().ok_or(NoUse)?;
        Ok((sdp::taken_away(&session, before).ok_or(NoUse)?, Stream::Away))
    }

    /// What the peer said last, whether that is in force or waits for its answer.
    fn said_last(&self) -> Option<&Session> {
        self.offered.as_ref().map(|(session, _)| session).or(self.theirs.as_ref())
    }

    fn end(&self) -> Result<End<'_>, NoUse> {
        let theirs = self.theirs.as_ref().ok_or(NoUse)?;
        Ok(End { theirs, ours: self.local.as_ref().ok_or(NoUse)? })
    }

    fn settle(&mut self, codec: &str) {
        if let Some((offered, stream)) = self.offered.take() {
            (self.theirs, self.stream) = (Some(offered), stream);
            self.said = Said::Offer;
        }
        self.holds = self.theirs.as_ref().is_some_and(sdp::holds);
        self.before = None;
        self.codec = Some(codec.to_owned());
    }
}

/// `answerer` answered what was made of `offerer`'s offer: the relay joins the two as agreed, and the offerer's
/// answer comes back.
///
/// # Errors
/// They have no codec in common; nothing was changed.
pub(crate) fn agree(step: &mut Step<'_>, offerer: &mut Leg, answerer: &mut Leg) -> Result<Bytes, NoUse> {
    let offered = offerer.talk.said_last().ok_or(NoUse)?;
    let stream = offerer.talk.offered.as_ref().map_or(offerer.talk.stream, |(_, stream)| *stream);
    let answered = answerer.talk.theirs.as_ref().ok_or(NoUse)?;
    let asked = answerer.talk.local.as_ref().ok_or(NoUse)?;
    let mut local = offerer.talk.local.clone().ok_or(NoUse)?;
    let listens = local.media();
    if stream == Stream::Away {
        // A stream that the offer refuses is refused in the answer as well (RFC 3264 section 6); our port waits.
        local.set_media(LocalMedia { rtp_port: 0, ..listens });
    }
    let Agreed {
        answer,
        codec,
        offerer_payloads,
        answerer_payloads,
        offerer_to_answerer,
        answerer_to_offerer,
    } = sdp::answer(offered, &mut local, answered, asked)?;
    local.set_media(listens);
    offerer.talk.local = Some(local);
    offerer.talk.settle(&codec.name);
    answerer.talk.settle(&codec.name);
    let payloads = (offerer_payloads, answerer_payloads);
    bridge(step, (offerer, answerer), payloads, (offerer_to_answerer, answerer_to_offerer));
    Ok(answer.to_bytes().into())
}

/// Both sides have agreed with us, each on an offer of its own or of ours: only the relay is told.
///
/// # Errors
/// They have no codec in common; nothing was changed.
pub(crate) fn align(step: &mut Step<'_>, one: &mut Leg, other: &mut Leg) -> Result<(), NoUse> {
    let joined = sdp::join(one.talk.end()?, other.talk.end()?)?;
    one.talk.settle(&joined.codec.name);
    other.talk.settle(&joined.codec.name);
    bridge(step, (one, other), (joined.payloads, joined.other_payloads), (joined.onward, joined.back));
    Ok(())
}

/// Whether a stand-in and `other` will agree. The relay joins them only once the offer is answered that is due then.
///
/// # Errors
/// They have no codec in common.
pub(crate) fn promise(stand_in: &mut Leg, other: &mut Leg) -> Result<(), NoUse> {
    stand_in.talk.offer_all(&other.talk)?;
    let joined = sdp::join(stand_in.talk.end()?, other.talk.end()?)?;
    other.talk.settle(&joined.codec.name);
    Ok(())
}

/// Tells the relay what two legs speak, and joins them.
fn bridge(
    step: &mut Step<'_>,
    (one, other): (&Leg, &Leg),
    (payloads, other_payloads): (Payloads, Payloads),
    (onward, back): (PayloadMap, PayloadMap),
) {
    let (Some(here), Some(there)) = (one.place, other.place) else { return };
    describe(step, one, here, payloads);
    describe(step, other, there, other_payloads);
    let bridge =
        Command::Bridge { a: here.leg, b: there.leg, map_ab: Box::new(onward), map_ba: Box::new(back) };
    step.command(here.shard, bridge);
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
