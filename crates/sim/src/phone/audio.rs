//! Packets: numbered tones that say who sends them, keys, comfort noise, reports; and what is heard.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use model::Mono;
use wire::rtp::{
    COMPOUND_MAX, Class, Header, Outgoing, Rewrite, TelephoneEvent, classify, write_compound, write_header,
};

use super::dialog::DialogId;
use super::sound::Heard;
use super::{Out, Phone};

/// Between two reports.
const REPORT: Duration = Duration::from_secs(5);
/// Packets of comfort noise before a muted phone falls silent.
const NOISE: u8 = 5;
/// A key lasts this long, in timestamp units of 8 kHz.
const KEY_UNITS: u16 = 800;

/// The payload of a simulated voice: who speaks, and the how-manieth packet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tone {
    /// The call of the phone that speaks.
    pub speaker: DialogId,
    /// Counts the packets.
    pub number: u32,
}

impl Tone {
    /// The payload.
    pub fn to_bytes(self) -> [u8; 14] {
        let mut bytes = *b"tone..........";
        bytes[4..6].copy_from_slice(&self.speaker.phone.to_be_bytes());
        bytes[6..10].copy_from_slice(&self.speaker.number.to_be_bytes());
        bytes[10..14].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }

    /// Reads a payload.
    pub fn parse(payload: &[u8]) -> Option<Tone> {
        let [b't', b'o', b'n', b'e', p0, p1, c0, c1, c2, c3, n0, n1, n2, n3] = *payload else { return None };
        let speaker =
            DialogId { phone: u16::from_be_bytes([p0, p1]), number: u32::from_be_bytes([c0, c1, c2, c3]) };
        Some(Tone { speaker, number: u32::from_be_bytes([n0, n1, n2, n3]) })
    }
}

impl Phone {
    pub(super) fn wake_sound(&mut self, now: Mono, number: u32) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        let id = dialog.id;
        let sound = &mut dialog.sound;
        if sound.reports.is_some_and(|at| at <= now) && sound.remote.is_some() {
            sound.reports = Some(now + REPORT);
            self.report(number);
        }
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        let sound = &mut dialog.sound;
        if sound.next.is_none_or(|at| at > now) {
            return;
        }
        let elapsed = u32::try_from(sound.packet.as_millis()).unwrap_or(20).wrapping_mul(8);
        sound.timestamp = sound.timestamp.wrapping_add(elapsed);
        if let Some(noise) = sound.noise().map(|codec| codec.payload).filter(|_| sound.muted) {
            sound.noise_sent += 1;
            sound.next = (sound.noise_sent < NOISE).then(|| now + sound.packet);
            return self.packet(number, Some(noise), false, &[40]);
        }
        sound.next = Some(now + sound.packet);
        let speech = sound.speech().map(|codec| codec.payload);
        let tone = Tone { speaker: id, number: sound.sent };
        self.packet(number, speech, false, &tone.to_bytes());
    }

    fn packet(&mut self, number: u32, payload_type: Option<u8>, marker: bool, payload: &[u8]) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        let sound = &mut dialog.sound;
        let (Some(payload_type), Some(remote)) = (payload_type, &sound.remote) else { return };
        sound.sequence = sound.sequence.wrapping_add(1);
        sound.sent += 1;
        let (timestamp, ssrc) = (sound.timestamp, sound.ssrc);
        let header =
            write_header(Rewrite { marker, payload_type, sequence: sound.sequence, timestamp, ssrc });
        let bytes = Bytes::from([&header[..], payload].concat());
        self.out.push_back(Out::Media { port: sound.port, to: remote.rtp, bytes });
    }

    fn report(&mut self, number: u32) {
        let Some(dialog) = self.dialogs.get_mut(&number) else { return };
        let Some(remote) = &dialog.sound.remote else { return };
        let outgoing =
            Outgoing { ssrc: dialog.sound.ssrc, sender: None, report: None, cname: b"sim", ends: false };
        let mut bytes = [0; COMPOUND_MAX];
        if let Some(length) = write_compound(&mut bytes, &outgoing) {
            let bytes = Bytes::copy_from_slice(&bytes[..length]);
            self.out.push_back(Out::Media { port: dialog.sound.port + 1, to: remote.rtcp, bytes });
        }
    }

    /// Presses a key: three packets while it is down, three that say it is up (RFC 4733 section 2.5.1.4).
    pub fn press(&mut self, id: DialogId, key: char) {
        let Some(event) = "0123456789*#ABCD".find(key).and_then(|place| u8::try_from(place).ok()) else {
            return;
        };
        let Some(dialog) = self.dialogs.get_mut(&id.number) else { return };
        dialog.sound.timestamp = dialog.sound.timestamp.wrapping_add(u32::from(KEY_UNITS) * 2);
        let payload_type = dialog.sound.events().map(|codec| codec.payload);
        for part in 1..=6_u16 {
            let end = part > 3;
            let duration = KEY_UNITS / 3 * part.min(3);
            let event = TelephoneEvent { event, end, volume: 10, duration };
            self.packet(id.number, payload_type, part == 1, &event.to_bytes());
        }
    }

    /// A media packet arrived. Tones heard are told in `heard`.
    pub fn hear_media(
        &mut self,
        now: Mono,
        port: u16,
        from: SocketAddr,
        bytes: &[u8],
        heard: &mut Vec<(DialogId, Tone)>,
    ) {
        if !self.on || classify(bytes) != Class::Rtp {
            return;
        }
        let Some(dialog) = self.dialogs.values_mut().find(|dialog| dialog.sound.port == port) else { return };
        let id = dialog.id;
        let Some(header) = Header::parse(bytes) else { return self.wrong(format!("{id} heard broken RTP")) };
        let sound = &mut dialog.sound;
        if !sound.is_described(from) {
            return self.wrong(format!("{id} heard media from {from}, which nobody described"));
        }
        let payload = &bytes[header.payload.clone()];
        if payload.is_empty() {
            return;
        }
        let Some(codec) = sound.codec_of(header.payload_type) else {
            let what = format!("{id} heard payload type {}, which it never described", header.payload_type);
            return self.wrong(what);
        };
        if codec.is_telephone_event() {
            if let Some(event) = TelephoneEvent::parse(payload)
                && event.end
                && sound.last_key != Some(header.timestamp)
            {
                sound.last_key = Some(header.timestamp);
                sound.keys.extend(event.key());
            }
        } else if codec.carries_speech() {
            match Tone::parse(payload) {
                Some(tone) => {
                    let entry = sound.heard.entry(tone.speaker).or_insert(Heard { packets: 0, last: now });
                    entry.packets += 1;
                    entry.last = now;
                    heard.push((id, tone));
                }
                None => {
                    let what = format!("{id} heard something that is no tone of ours as {}", codec.name);
                    self.wrong(what);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_reads_back_and_noise_is_none() {
        let tone = Tone { speaker: DialogId { phone: 3, number: 70_000 }, number: 9 };
        assert_eq!(Tone::parse(&tone.to_bytes()), Some(tone));
        assert_eq!(Tone::parse(&[0; 14]), None);
    }
}
