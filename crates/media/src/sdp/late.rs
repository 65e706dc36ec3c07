//! Offers that answer nobody's: for a caller who made none (late offer, RFC 3261 section 13.2.1), and the joining of two
//! legs that each have agreed with their own peer.
//!
//! Not here: the offer made from another leg's and its answer (`negotiate`).

use wire::sdp::{Codec, Direction, Line, Media, Session, static_codec};

use super::local::Local;
use super::negotiate::{Refused, audio, direction, matching};
use crate::payload::{PayloadMap, Payloads};

/// Static payload types we offer of our own, in order: what every phone speaks comes first, since whoever answers with
/// one codec alone mostly takes the first one, and the other side has yet to be asked.
const STATIC: [u8; 3] = [8, 0, 9];
/// Our own numbers for what has none (RFC 3551 section 3: 96 to 127 are dynamic).
const OPUS: u8 = 107;
const EVENTS: u8 = 101;

/// Everything we take: PCMA, PCMU, G.722, Opus, telephone-event.
fn everything() -> Vec<Codec> {
    let mut codecs: Vec<Codec> = STATIC.iter().filter_map(|payload| static_codec(*payload)).collect();
    let dynamic = |payload, name: &str, clock, channels, fmtp: &str| Codec {
        payload,
        name: name.to_owned(),
        clock,
        channels,
        fmtp: Some(fmtp.to_owned()),
    };
    codecs.push(dynamic(OPUS, "opus", 48_000, 2, "useinbandfec=1"));
    codecs.push(dynamic(EVENTS, "telephone-event", 8_000, 1, "0-16"));
    codecs
}

/// Our offer on `local` while nobody has offered anything: all that we take. It keeps the leg's `m=` lines and numbers.
pub fn offer_everything(local: &mut Local) -> Session {
    let mut codecs: Vec<Codec> = Vec::new();
    for codec in everything() {
        if let Some(payload) = local.number(&codec, &codecs) {
            codecs.push(Codec { payload, ..codec });
        }
    }
    let like = Media { lines: vec![Line::attribute("ptime", "20")], ..Media::audio(0, &[]) };
    let section = local.audio_section(&codecs, Direction::Sendrecv, &like);
    local.publish_offer(section)
}

/// Two legs, each agreed with its peer, joined.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The codec that the first peer likes best and the second takes, in the first one's numbers.
    pub codec: Codec,
    /// Payload types from the first leg to the second.
    pub onward: PayloadMap,
    /// The other way.
    pub back: PayloadMap,
    /// What payload types mean on the first leg.
    pub payloads: Payloads,
    /// What payload types mean on the second leg.
    pub other_payloads: Payloads,
}

/// One end of a join: what its peer said last, and what we did.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The peer's description in force.
    pub theirs: &'a Session,
    /// Ours.
    pub ours: &'a Local,
}

/// Joins two legs without telling either peer: what both took passes. Who offered last does not matter.
///
/// # Errors
/// [`Refused`] when they have no codec in common that carries speech.
pub fn join(one: End<'_>, other: End<'_>) -> Result<Joined, Refused> {
    let (theirs, ours) = sides(one)?;
    let (others, our_others) = sides(other)?;
    let mut taken = Taken::default();
    for codec in theirs {
        let Some(mine) = matching(&codec, &ours, &taken.ours) else { continue };
        let Some(far) = matching(&codec, &others, &taken.others) else { continue };
        let Some(my_far) = matching(far, &our_others, &taken.our_others) else { continue };
        taken.add(codec, mine, far, my_far);
    }
    let codec = taken.theirs.iter().find(|codec| codec.carries_speech()).cloned();
    Ok(Joined {
        codec: codec.ok_or(Refused::NoCommonCodec)?,
        payloads: Payloads::of(&[taken.ours, taken.theirs].concat()),
        other_payloads: Payloads::of(&[taken.our_others, taken.others].concat()),
        onward: taken.onward,
        back: taken.back,
    })
}

fn sides(end: End<'_>) -> Result<(Vec<Codec>, Vec<Codec>), Refused> {
    let (_, theirs) = audio(end.theirs).ok_or(Refused::NoAudio)?;
    let ours = end.ours.audio().ok_or(Refused::NotOffered)?;
    Ok((theirs.codecs(), ours.codecs()))
}

/// One codec in its four places, for each codec that passes.
#[derive(Default)]
struct Taken {
    theirs: Vec<Codec>,
    ours: Vec<Codec>,
    others: Vec<Codec>,
    our_others: Vec<Codec>,
    onward: PayloadMap,
    back: PayloadMap,
}

impl Taken {
    fn add(&mut self, theirs: Codec, ours: &Codec, others: &Codec, our_others: &Codec) {
        pass(&mut self.onward, ours.payload, theirs.payload, others.payload);
        pass(&mut self.back, our_others.payload, others.payload, theirs.payload);
        self.theirs.push(theirs);
        self.ours.push(ours.clone());
        self.others.push(others.clone());
        self.our_others.push(our_others.clone());
    }
}

/// A peer sends under the number that we said; some send under their own, which is harmless where it means nothing else.
fn pass(map: &mut PayloadMap, said: u8, own: u8, to: u8) {
    map.set(said, to);
    if map.get(own).is_none() {
        map.set(own, to);
    }
}

/// What a peer wants of its stream by what it said last. An answer says nothing of what the offer did not allow, so there
/// it counts as willing (RFC 6337 section 5.3: who asks for an offer gets all that the other side would do).
#[must_use]
pub fn wish(theirs: &Session, ours: Option<&Local>, said: Said) -> Direction {
    let Some((_, media)) = audio(theirs) else { return Direction::Sendrecv };
    let written = direction(theirs, media);
    let allowed = ours.and_then(Local::audio).and_then(Media::direction).unwrap_or_default();
    match said {
        Said::Offer => written,
        Said::Answer => Direction::from_flows(
            written.sends() || !allowed.receives(),
            written.receives() || !allowed.sends(),
        ),
    }
}

/// Whether a peer's description in force was an offer or an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// It proposed.
    #[default]
    Offer,
    /// It replied to ours.
    Answer,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::LocalMedia;

    fn session(lines: &str) -> Session {
        let head = "v=0\r\no=phone 11 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n";
        Session::parse(format!("{head}{lines}").as_bytes()).unwrap()
    }

    fn local(port: u16) -> Local {
        Local::new(LocalMedia { ip: "198.51.100.1".parse().unwrap(), rtp_port: port }, 40)
    }

    const EVENT: &str = "a=rtpmap:101 telephone-event/8000\r\n";

    #[test]
    fn our_own_offer_has_all_that_we_take_and_starts_with_what_everybody_speaks() {
        let offer = offer_everything(&mut local(10_000));
        let codecs: Vec<String> = offer.media[0].codecs().iter().map(ToString::to_string).collect();
        let all =
            ["8 PCMA/8000", "0 PCMU/8000", "9 G722/8000", "107 opus/48000/2", "101 telephone-event/8000"];
        assert_eq!(codecs, all);
        assert_eq!(offer.media[0].direction(), Some(Direction::Sendrecv));
    }

    #[test]
    fn two_peers_that_both_answered_hear_each_other_in_their_own_numbers() {
        let (mut one, mut other) = (local(10_000), local(10_002));
        offer_everything(&mut one);
        let callee = session(&format!("m=audio 4000 RTP/AVP 0 101\r\n{EVENT}"));
        super::super::offer(&callee, &mut other).unwrap();
        let caller = session("m=audio 5000 RTP/AVP 0 97\r\na=rtpmap:97 telephone-event/8000\r\n");
        let joined =
            join(End { theirs: &callee, ours: &one }, End { theirs: &caller, ours: &other }).unwrap();
        assert_eq!(joined.codec.name, "PCMU");
        assert_eq!(joined.onward.get(101), Some(97));
        assert_eq!(joined.back.get(101), Some(101), "as we offered it");
        assert_eq!(joined.back.get(97), Some(101), "as it answered");
        assert_eq!(joined.onward.get(8), None, "offered, not taken");
    }

    #[test]
    fn peers_without_a_common_codec_are_not_joined() {
        let (mut one, mut other) = (local(10_000), local(10_002));
        offer_everything(&mut one);
        offer_everything(&mut other);
        let callee = session("m=audio 4000 RTP/AVP 0\r\n");
        let caller = session("m=audio 5000 RTP/AVP 8\r\n");
        let joined = join(End { theirs: &callee, ours: &one }, End { theirs: &caller, ours: &other });
        assert_eq!(joined.unwrap_err(), Refused::NoCommonCodec);
    }

    #[test]
    fn who_is_held_still_wants_to_speak_and_who_holds_does_not_want_to_hear() {
        let mut ours = local(10_000);
        let holder = session("m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n");
        super::super::offer(&holder, &mut ours).unwrap();
        let held = session("m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n");
        assert_eq!(wish(&held, Some(&ours), Said::Answer), Direction::Sendrecv);
        assert_eq!(wish(&holder, Some(&ours), Said::Offer), Direction::Sendonly);
    }
}
