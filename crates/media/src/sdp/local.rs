//! Our side of one leg's offer/answer: what we said last, its version, and what each payload type has meant.

use std::net::IpAddr;

use wire::sdp::{Codec, Connection, Direction, Line, Media, Origin, Session};

/// Where we listen on a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalMedia {
    /// The address the peer is shown.
    pub ip: IpAddr,
    /// The RTP port; RTCP is one above.
    pub rtp_port: u16,
}

/// Our description on one leg. The session id stays, the version grows with each change and with nothing else
/// (RFC 3264 8).
#[derive(Clone, Debug)]
pub struct Local {
    media: LocalMedia,
    session_id: u64,
    version: u64,
    current: Option<Session>,
    /// Where the audio stream is among the `m=` lines.
    audio_at: usize,
    /// Every payload type that ever had a meaning on this leg keeps it (RFC 3264 8.3.2). At most 128.
    meanings: Vec<Codec>,
}

impl Local {
    /// A leg that has said nothing yet. `session_id` is random; 62 bits of it are used, as some peers read signed
    /// numbers.
    #[must_use]
    pub fn new(media: LocalMedia, session_id: u64) -> Self {
        let session_id = session_id >> 2;
        Self { media, session_id, version: 1, current: None, audio_at: 0, meanings: Vec::new() }
    }

    /// What we said last on this leg.
    #[must_use]
    pub fn current(&self) -> Option<&Session> {
        self.current.as_ref()
    }

    /// Where we listen.
    #[must_use]
    pub fn media(&self) -> LocalMedia {
        self.media
    }

    /// Another port or address, from the next description on.
    pub fn set_media(&mut self, media: LocalMedia) {
        self.media = media;
    }

    /// Our audio stream of now, as we described it.
    #[must_use]
    pub fn audio(&self) -> Option<&Media> {
        self.current.as_ref()?.media.get(self.audio_at)
    }

    /// The codec's number on this leg: the one it has, else the one wished for, else a free one. `None` when the
    /// numbers are used up, or `taken` by this very description.
    pub(super) fn number(&mut self, codec: &Codec, taken: &[Codec]) -> Option<u8> {
        let is_free = |payload: u8| !taken.iter().any(|other| other.payload == payload);
        let known = |exactly: bool| {
            let fits = |known: &&Codec| {
                known.same_format(codec) && (!exactly || known.fmtp == codec.fmtp) && is_free(known.payload)
            };
            self.meanings.iter().find(fits).map(|known| known.payload)
        };
        if let Some(payload) = known(true).or_else(|| known(false)) {
            return Some(payload);
        }
        let meanings = &self.meanings;
        let unused =
            |payload: &u8| is_free(*payload) && !meanings.iter().any(|known| known.payload == *payload);
        // 35 to 63 are the numbers RFC 3551 leaves for more when the dynamic ones are used up.
        let wish = std::iter::once(codec.payload);
        let payload = wish.chain(96..128).chain(35..64).find(unused)?;
        self.meanings.push(Codec { payload, ..codec.clone() });
        Some(payload)
    }

    /// Keeps what the peer's own numbers mean.
    pub(super) fn learn(&mut self, codecs: &[Codec]) {
        for codec in codecs {
            match self.meanings.iter_mut().find(|known| known.payload == codec.payload) {
                Some(known) => *known = codec.clone(),
                None => self.meanings.push(codec.clone()),
            }
        }
    }

    /// Our audio section with these codecs; `like` lends what is not about codecs.
    pub(super) fn audio_section(&self, codecs: &[Codec], direction: Direction, like: &Media) -> Media {
        let mut media = Media::audio(self.media.rtp_port, codecs);
        for name in ["ptime", "maxptime"] {
            if let Some(value) = like.attribute(name) {
                media.lines.push(Line::attribute(name, value));
            }
        }
        media.set_direction(direction);
        media
    }

    /// An offer of ours: the `m=` lines of before keep their places, refused but for the audio (RFC 3264 8).
    pub(super) fn publish_offer(&mut self, audio: Media) -> Session {
        let mut sections: Vec<Media> =
            self.current.iter().flat_map(|session| session.media.iter().map(Media::refused)).collect();
        match sections.get_mut(self.audio_at) {
            Some(place) => *place = audio,
            None => sections.push(audio),
        }
        self.publish(sections, self.audio_at)
    }

    /// An answer of ours, or an offer whose sections are complete.
    pub(super) fn publish(&mut self, media: Vec<Media>, audio_at: usize) -> Session {
        let origin = |version| Origin::new(self.session_id, version, self.media.ip);
        let mut session = Session::new(origin(self.version), Connection::new(self.media.ip));
        session.media = media;
        if let Some(current) = &self.current
            && *current != session
        {
            self.version = self.version.saturating_add(1);
            session.origin = origin(self.version);
        }
        self.audio_at = audio_at;
        self.current = Some(session.clone());
        session
    }
}
