//! A call's media as the phone describes it: offers, answers (RFC 3264), and what it may send because of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use model::{Entropy, Mono};
use wire::sdp::{Codec, Connection, Direction, Media, Origin, Session};

use super::dialog::DialogId;
use super::habits::Habits;

/// The first media port of a phone; each call takes the next pair.
const FIRST_PORT: u16 = 30_000;

/// What the peer said of its media.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    pub rtp: SocketAddr,
    pub rtcp: SocketAddr,
    pub direction: Direction,
    pub codecs: Vec<Codec>,
}

/// What was heard from one sender.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// Packets.
    pub packets: u32,
    /// When the last one came.
    pub last: Mono,
}

/// What the phone takes of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Formats,
    /// No format in common.
    Nothing,
}

/// Media of one call.
pub struct Sound {
    /// The phone's RTP port.
    pub port: u16,
    /// Who was heard.
    pub heard: BTreeMap<DialogId, Heard>,
    /// Keys heard as telephone events.
    pub keys: String,
    /// Packets sent.
    pub sent: u32,
    /// Since when it sends, if it does.
    pub sends_since: Option<Mono>,
    /// What the phone wants: `Sendrecv`, or less while it holds.
    pub wanted: Direction,
    /// What was agreed, seen from here.
    pub direction: Direction,
    pub(super) remote: Option<Remote>,
    /// Where the peer's media came from before: some of it may still be on its way.
    former: Option<SocketAddr>,
    pub(super) packet: Duration,
    pub(super) muted: bool,
    pub(super) speechless: bool,
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) next: Option<Mono>,
    pub(super) reports: Option<Mono>,
    pub(super) noise_sent: u8,
    pub(super) last_key: Option<u32>,
    ip: IpAddr,
    session_id: u64,
    version: u64,
    codecs: Vec<Codec>,
    codecs_before: Vec<Codec>,
    last_body: Option<Bytes>,
    described: Direction,
}

impl Sound {
    pub(super) fn new(id: DialogId, habits: &Habits, ip: IpAddr, entropy: &mut Entropy) -> Sound {
        let room = (id.number % 10_000) as u16;
        Sound {
            port: FIRST_PORT + 2 * room,
            heard: BTreeMap::new(),
            keys: String::new(),
            sent: 0,
            sends_since: None,
            wanted: Direction::Sendrecv,
            direction: Direction::Sendrecv,
            remote: None,
            former: None,
            packet: habits.packet,
            muted: habits.muted,
            speechless: habits.speechless,
            ssrc: entropy.next_u32(),
            sequence: (entropy.next_u32() & 0x7fff) as u16,
            timestamp: entropy.next_u32(),
            next: None,
            reports: habits.reports.then_some(Mono::ZERO),
            noise_sent: 0,
            last_key: None,
            ip,
            session_id: u64::from(entropy.next_u32()),
            version: 1,
            codecs: supported(habits),
            codecs_before: Vec::new(),
            last_body: None,
            described: Direction::Sendrecv,
        }
    }

    pub(super) fn next_wake(&self) -> Option<Mono> {
        let reports = self.reports.filter(|_| self.remote.is_some());
        [self.next, reports].into_iter().flatten().min()
    }

    pub(super) fn stop(&mut self) {
        (self.next, self.reports, self.sends_since) = (None, None, None);
    }

    /// The first offer.
    pub(super) fn offer(&mut self) -> Bytes {
        self.describe(self.wanted)
    }

    /// An offer inside the call.
    pub(super) fn reoffer(&mut self) -> Bytes {
        self.describe(self.wanted)
    }

    /// An offer inside the call came to nothing.
    pub(super) fn refused(&mut self) {
        self.described = self.direction;
    }

    /// The other side's offer: which of its formats the phone takes.
    pub(super) fn offered(&mut self, body: &[u8], habits: &Habits) -> Result<Taken, String> {
        let remote = read(body)?;
        let known = supported(habits);
        let mut codecs = remote.codecs.clone();
        codecs.retain(|offered| known.iter().any(|known| known.same_format(offered)));
        let taken = codecs.iter().any(|codec| codec.payload == habits.event_payload);
        if habits.own_payloads && !taken {
            for event in codecs.iter_mut().filter(|codec| codec.is_telephone_event()) {
                event.payload = habits.event_payload;
            }
        }
        if !codecs.iter().any(Codec::carries_speech) {
            return Ok(Taken::Nothing);
        }
        self.codecs_before = std::mem::replace(&mut self.codecs, codecs);
        self.hear_from(remote);
        Ok(Taken::Formats)
    }

    /// The answer to the other side's offer.
    pub(super) fn answer(&mut self) -> Bytes {
        let theirs = self.remote.as_ref().map_or(Direction::Sendrecv, |remote| remote.direction);
        let ours = self.wanted.and(theirs.mirrored());
        self.direction = ours;
        self.describe(ours)
    }

    /// The other side's answer to the phone's offer.
    pub(super) fn answered(&mut self, body: &[u8]) -> Result<(), String> {
        let remote = read(body)?;
        let stranger =
            remote.codecs.iter().find(|codec| !self.codecs.iter().any(|ours| ours.same_format(codec)));
        if let Some(stranger) = stranger {
            return Err(format!("the answer has {stranger}, which was not offered"));
        }
        if remote.direction.and(self.described.mirrored()) != remote.direction {
            return Err(format!("{:?} was answered to an offer of {:?}", remote.direction, self.described));
        }
        self.direction = remote.direction.mirrored().and(self.described);
        self.hear_from(remote);
        Ok(())
    }

    fn hear_from(&mut self, remote: Remote) {
        let rtp = remote.rtp;
        let before = self.remote.replace(remote).map(|before| before.rtp);
        self.former = before.filter(|before| *before != rtp).or(self.former);
    }

    /// Whether media from this address was described, now or just before.
    pub(super) fn is_described(&self, from: SocketAddr) -> bool {
        self.former == Some(from) || self.remote.as_ref().is_none_or(|remote| remote.rtp == from)
    }

    /// Starts or stops sending as was agreed.
    pub(super) fn tune(&mut self, now: Mono) {
        let sends = self.remote.is_some() && self.direction.sends() && !self.speechless;
        match (sends, self.next) {
            (true, None) if self.noise_sent == 0 => {
                self.next = Some(now);
                self.sends_since = Some(now);
            }
            (false, _) => (self.next, self.sends_since) = (None, None),
            _ => {}
        }
    }

    /// Whether its microphone is off.
    pub fn is_muted(&self) -> bool {
        self.muted
    }

    /// Whether it is agreed that the phone hears something.
    pub fn hears(&self) -> bool {
        self.remote.is_some() && self.direction.receives()
    }

    /// The format to send speech in: the first one of the peer's that the phone has.
    pub(super) fn speech(&self) -> Option<&Codec> {
        self.shared(Codec::carries_speech)
    }

    pub(super) fn events(&self) -> Option<&Codec> {
        self.shared(Codec::is_telephone_event)
    }

    pub(super) fn noise(&self) -> Option<&Codec> {
        self.shared(Codec::is_comfort_noise)
    }

    fn shared(&self, kind: impl Fn(&Codec) -> bool) -> Option<&Codec> {
        let remote = self.remote.as_ref()?;
        remote
            .codecs
            .iter()
            .find(|theirs| kind(theirs) && self.codecs.iter().any(|ours| ours.same_format(theirs)))
    }

    /// Whether the phone ever said that it takes this payload type, and as what (RFC 3264 section 8.3.2: what was agreed
    /// before may still arrive).
    pub(super) fn codec_of(&self, payload: u8) -> Option<&Codec> {
        self.codecs.iter().chain(&self.codecs_before).find(|codec| codec.payload == payload)
    }

    fn describe(&mut self, direction: Direction) -> Bytes {
        self.described = direction;
        let mut media = Media::audio(self.port, &self.codecs);
        media.set_direction(direction);
        let connection = Connection::new(self.ip);
        let mut session = Session::new(Origin::new(self.session_id, self.version, self.ip), connection);
        session.media.push(media.clone());
        let body: Bytes = session.to_bytes().into();
        if self.last_body.as_ref().is_some_and(|last| *last != body) {
            self.version += 1;
            session.origin = Origin::new(self.session_id, self.version, self.ip);
        }
        let body: Bytes = session.to_bytes().into();
        self.last_body = Some(body.clone());
        body
    }
}

fn supported(habits: &Habits) -> Vec<Codec> {
    let codec = |payload: u8, rtpmap: &str, fmtp: Option<&str>| {
        let mut parts = rtpmap.split('/');
        Codec {
            payload,
            name: parts.next().unwrap_or_default().to_owned(),
            clock: parts.next().and_then(|clock| clock.parse().ok()).unwrap_or(8_000),
            channels: parts.next().and_then(|channels| channels.parse().ok()).unwrap_or(1),
            fmtp: fmtp.map(str::to_owned),
        }
    };
    let mut codecs: Vec<Codec> = habits.formats.iter().map(|(pt, rtpmap)| codec(*pt, rtpmap, None)).collect();
    if habits.muted {
        codecs.push(codec(13, "CN/8000", None));
    }
    codecs.push(codec(habits.event_payload, "telephone-event/8000", Some("0-16")));
    codecs
}

fn read(body: &[u8]) -> Result<Remote, String> {
    let session = Session::parse(body).map_err(|error| format!("the server's SDP can't be read: {error}"))?;
    let audio = session.media.iter().find(|media| media.is_audio() && media.port != 0);
    let audio = audio.ok_or("the server's SDP has no audio")?;
    let rtp = session.rtp_address(audio).ok_or("the server's SDP has no address")?;
    let rtcp = session.rtcp_address(audio).ok_or("the server's SDP has no address for RTCP")?;
    Ok(Remote { rtp, rtcp, direction: session.direction_of(audio), codecs: audio.codecs() })
}
