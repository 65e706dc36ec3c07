//! A peer takes its audio away inside a call: every stream of its description has port 0 (RFC 3264 section 8.2). Old phones
//! hold so, and switches that know no other way to park a call.
//!
//! The rest of us goes on as if it had said `a=inactive` where it is; only the answer must have port 0 as well (section 6),
//! and who answers sees to that. Not here: other media in place of the audio (T.38 fax), which is refused: the phones fall
//! back to the audio that they had.

use wire::sdp::{Direction, Media, Session};

use super::negotiate::audio;

/// What a description without audio means after `before`, the same peer's description in force: its audio of then, inactive.
/// `None`: it has another stream, or is no successor of that one.
#[must_use]
pub fn taken_away(session: &Session, before: &Session) -> Option<Session> {
    let (at, media) = audio(before)?;
    let nothing_left = session.media.iter().all(|media| media.port == 0);
    if !nothing_left || !session.media.get(at).is_some_and(Media::is_audio) {
        return None;
    }
    let mut kept = Media { connection: before.connection_of(media).cloned(), ..media.clone() };
    kept.set_direction(Direction::Inactive);
    let mut session = session.clone();
    *session.media.get_mut(at)? = kept;
    Some(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(version: u8, lines: &str) -> Session {
        let head = format!(
            "v=0\r\no=phone 11 {version} IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
        );
        Session::parse(format!("{head}{lines}").as_bytes()).unwrap()
    }

    #[test]
    fn audio_with_port_0_is_the_audio_of_before_in_neither_direction() {
        let before = session(1, "m=video 0 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 8 0\r\n");
        let gone = session(2, "m=video 0 RTP/AVP 31\r\nm=audio 0 RTP/AVP 8\r\n");
        let kept = taken_away(&gone, &before).unwrap();
        let (at, media) = audio(&kept).unwrap();
        assert_eq!((at, media.codecs().len(), media.direction()), (1, 2, Some(Direction::Inactive)));
        assert_eq!(kept.origin, gone.origin);
        assert_eq!(taken_away(&gone, &kept).unwrap(), kept, "said twice");
    }

    #[test]
    fn what_has_other_media_instead_or_never_had_audio_is_not_taken_away() {
        let before = session(1, "m=audio 4000 RTP/AVP 8\r\n");
        let fax = session(2, "m=audio 0 RTP/AVP 8\r\nm=image 4002 udptl t38\r\n");
        let video = session(2, "m=video 0 RTP/AVP 31\r\n");
        let nothing = session(1, "m=audio 0 RTP/AVP 8\r\n");
        assert_eq!(taken_away(&fax, &before), None);
        assert_eq!(taken_away(&video, &before), None);
        assert_eq!(taken_away(&nothing, &nothing), None);
    }
}
