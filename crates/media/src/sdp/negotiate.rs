//! What is offered and answered: codecs by format, numbers by leg, directions by both sides.

use std::net::SocketAddr;

use wire::sdp::{Codec, Direction, Line, Media, Protocol, Session};

use super::local::Local;
use crate::command::{Port, Remote};
use crate::payload::{PayloadMap, Payloads};

/// Why there is no offer or no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No audio stream over plain RTP with an address and a codec: 488 Not Acceptable Here.
    #[error("no audio stream over RTP/AVP with an address and a codec")]
    NoAudio,
    /// The other side took no codec that carries speech: 488 Not Acceptable Here.
    #[error("no codec in common")]
    NoCommonCodec,
    /// There is an answer, but no offer of ours that it could answer.
    #[error("an answer to no offer")]
    NotOffered,
}

/// Both legs agree.
#[derive(Clone, Debug)]
pub struct Agreed {
    /// Our answer to who offered.
    pub answer: Session,
    /// The codec that both sides like best, in the offerer's numbers.
    pub codec: Codec,
    /// Payload types from the offerer's leg to the answerer's.
    pub offerer_to_answerer: PayloadMap,
    /// The other way.
    pub answerer_to_offerer: PayloadMap,
    /// What payload types mean on the offerer's leg.
    pub offerer_payloads: Payloads,
    /// What payload types mean on the answerer's leg.
    pub answerer_payloads: Payloads,
}

/// The first audio stream that can be relayed, and its place among the `m=` lines.
#[must_use]
pub fn audio(session: &Session) -> Option<(usize, &Media)> {
    session.media.iter().enumerate().find(|(_, media)| {
        media.is_audio()
            && media.protocol == Protocol::RtpAvp
            && session.rtp_address(media).is_some()
            && media.codecs().iter().any(Codec::carries_speech)
    })
}

/// The direction of a stream as its writer sees it. `c=0.0.0.0`, hold as RFC 2543 had it, takes receiving away.
#[must_use]
pub fn direction(session: &Session, media: &Media) -> Direction {
    let written = session.direction_of(media);
    let held = session.connection_of(media).is_some_and(wire::sdp::Connection::is_unspecified);
    if held { written.and(Direction::Sendonly) } else { written }
}

/// The direction of the audio stream as the writer sees it, if there is one.
#[must_use]
pub fn direction_of(session: &Session) -> Option<Direction> {
    audio(session).map(|(_, media)| direction(session, media))
}

/// Whether the writer holds the other side: it does not want to receive.
#[must_use]
pub fn holds(session: &Session) -> bool {
    audio(session).is_some_and(|(_, media)| !direction(session, media).receives())
}

/// The relay's view of a peer: its addresses, and the direction that its description and ours leave. `ours` is
/// `None` while we have said nothing on that leg.
#[must_use]
pub fn remote(peer: &Session, ours: Option<&Local>) -> Option<Remote> {
    let (_, media) = audio(peer)?;
    let rtp = peer.rtp_address(media)?;
    let rtcp = peer.rtcp_address(media).unwrap_or_else(|| SocketAddr::new(rtp.ip(), rtp.port()));
    let ours = ours.and_then(Local::audio);
    // Both must have said so (RFC 5761 section 5.1.1).
    let (rtcp, rtcp_port) = match ours {
        Some(ours) if ours.rtcp_mux() && media.rtcp_mux() => (rtp, Port::Rtp),
        _ => (rtcp, Port::Rtcp),
    };
    let allowed = ours.map_or(Direction::Sendrecv, |ours| ours.direction().unwrap_or_default().mirrored());
    Some(Remote { rtp, rtcp, rtcp_port, direction: direction(peer, media).and(allowed) })
}

/// Our offer on `local`, made from what the other leg's peer offered. Also for a re-offer (hold, resume): it
/// keeps the leg's `m=` lines and numbers, and its version grows only if something changed.
///
/// # Errors
/// [`Refused::NoAudio`].
pub fn offer(from: &Session, local: &mut Local) -> Result<Session, Refused> {
    let (_, media) = audio(from).ok_or(Refused::NoAudio)?;
    offer_as(from, local, direction(from, media))
}

/// The same with another direction: what the other leg's peer wants may be more than it was allowed to say.
///
/// # Errors
/// [`Refused::NoAudio`].
pub fn offer_as(from: &Session, local: &mut Local, direction: Direction) -> Result<Session, Refused> {
    let (_, media) = audio(from).ok_or(Refused::NoAudio)?;
    let mut codecs: Vec<Codec> = Vec::new();
    for codec in media.codecs() {
        if let Some(payload) = local.number(&codec, &codecs) {
            codecs.push(Codec { payload, ..codec });
        }
    }
    let mut section = local.audio_section(&codecs, direction, media);
    // Never proposed, but what the peer proposed and got stays as it is: a new offer without it would end it.
    if local.audio().is_some_and(Media::rtcp_mux) {
        section.lines.push(rtcp_mux());
    }
    Ok(local.publish_offer(section))
}

/// Our answer on `local` to `offered`, made from what the peer of leg `asked` answered to our offer there.
///
/// # Errors
/// [`Refused`] when the answer refuses the stream or nothing in it was offered.
pub fn answer(
    offered: &Session,
    local: &mut Local,
    answered: &Session,
    asked: &Local,
) -> Result<Agreed, Refused> {
    let (audio_at, offered_audio) = audio(offered).ok_or(Refused::NoAudio)?;
    let (_, answered_audio) = audio(answered).ok_or(Refused::NoCommonCodec)?;
    let theirs = offered_audio.codecs();
    let ours = asked.audio().ok_or(Refused::NotOffered)?.codecs();
    let mut agreed = Numbers::default();
    for codec in answered_audio.codecs() {
        let Some(asked) = matching(&codec, &ours, &agreed.asked) else { continue };
        let Some(offered) = matching(asked, &theirs, &agreed.offered) else { continue };
        agreed.add(offered, asked, codec);
    }
    let codec = agreed.answer.iter().find(|codec| codec.carries_speech()).cloned();
    let codec = codec.ok_or(Refused::NoCommonCodec)?;
    // Both must want it: the answerer's view is that of the offerer's other end.
    let flow = direction(answered, answered_audio).and(direction(offered, offered_audio).mirrored());
    let mut section = local.audio_section(&agreed.answer, flow, answered_audio);
    if offered_audio.rtcp_mux() {
        section.lines.push(rtcp_mux());
    }
    let mut sections: Vec<Media> = offered.media.iter().map(Media::refused).collect();
    if let Some(place) = sections.get_mut(audio_at) {
        *place = section;
    }
    local.learn(&theirs);
    Ok(Agreed {
        answer: local.publish(sections, audio_at),
        codec,
        offerer_payloads: Payloads::of(&agreed.offered),
        answerer_payloads: Payloads::of(&[agreed.asked, agreed.answered].concat()),
        offerer_to_answerer: agreed.onward,
        answerer_to_offerer: agreed.back,
    })
}

/// RTP and RTCP on one port (RFC 5761 section 5.1.1).
fn rtcp_mux() -> Line {
    Line::attribute("rtcp-mux", "")
}

/// One codec in its four places, for each codec agreed on.
#[derive(Default)]
struct Numbers {
    /// As the offerer numbered it, with the answerer's parameters.
    answer: Vec<Codec>,
    /// As the offerer offered it.
    offered: Vec<Codec>,
    /// As we offered it on the other leg: the peer there sends under this number.
    asked: Vec<Codec>,
    /// As the answerer numbered it: we send under this number there.
    answered: Vec<Codec>,
    onward: PayloadMap,
    back: PayloadMap,
}

impl Numbers {
    fn add(&mut self, offered: &Codec, asked: &Codec, answered: Codec) {
        self.onward.set(offered.payload, answered.payload);
        self.back.set(asked.payload, offered.payload);
        // Some phones send under the number they answered with; harmless where it means nothing else.
        if self.back.get(answered.payload).is_none() {
            self.back.set(answered.payload, offered.payload);
        }
        self.answer.push(Codec { payload: offered.payload, ..answered.clone() });
        self.offered.push(offered.clone());
        self.asked.push(asked.clone());
        self.answered.push(answered);
    }
}

/// The codec of `list` that `codec` means and that is not in `used`: same number first, then same parameters,
/// then the first of the same format.
pub(super) fn matching<'a>(codec: &Codec, list: &'a [Codec], used: &[Codec]) -> Option<&'a Codec> {
    let fits =
        |other: &&Codec| other.same_format(codec) && !used.iter().any(|used| used.payload == other.payload);
    list.iter()
        .filter(fits)
        .find(|other| other.payload == codec.payload)
        .or_else(|| list.iter().filter(fits).find(|other| other.fmtp == codec.fmtp))
        .or_else(|| list.iter().find(fits))
}
