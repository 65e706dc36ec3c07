//! What arrives at a phone's audio ports, heard on the loopback itself: for phones whose own recorder stops (baresip's does at
//! any hold, and never goes on). G.711 A-law alone.
//!
//! Nothing here can be satisfied by old sound: whoever expects something counts from the moment at which he asks.

use crate::tone::{self, Peak};
use crate::wait;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SocketType, eth, recv, socket};
use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The ports of phones' audio; the server's lie elsewhere.
pub const PORTS: std::ops::RangeInclusive<u16> = 20_000..=20_999;
/// Samples that are analysed at once: half a second.
const WINDOW: usize = 4096;
/// A-law has so many samples a second.
const RATE: u32 = 8000;
/// RTP's payload type for A-law (RFC 3551 section 6).
const PCMA: u8 = 8;
/// The loopback shows each packet as it leaves and as it arrives: a sequence number among the last so many was heard already.
const REMEMBERED: usize = 16;
/// How far a decoded tone may lie from what was played, in Hz: two bins of the spectrum.
const TOLERANCE: f32 = 8.0;
/// A tone quieter than this (dB below full scale) was not passed whole.
const QUIETEST: f32 = -30.0;
/// Above this a sample is not silence (A-law's own noise is 0.00024).
const LOUD: f32 = 0.01;

/// An ear at one phone.
pub struct Ear {
    pid: u32,
    heard: Arc<Mutex<HashMap<u16, Heard>>>,
    ended: Arc<AtomicBool>,
}

/// What came to one port.
#[derive(Default)]
struct Heard {
    recent: VecDeque<u16>,
    samples: Vec<f32>,
}

impl Ear {
    /// Listens at the phone that this process is, until dropped.
    pub fn at(pid: u32) -> Self {
        let packets = socket(AddressFamily::PACKET, SocketType::DGRAM, Some(eth::IP))
            .expect("root may listen on the loopback");
        set_socket_timeout(&packets, Timeout::Recv, Some(Duration::from_millis(100))).expect("a timeout");
        let (heard, ended) = (Arc::<Mutex<HashMap<u16, Heard>>>::default(), Arc::<AtomicBool>::default());
        let (to, until) = (heard.clone(), ended.clone());
        std::thread::spawn(move || listen(&packets, &to, &until));
        Self { pid, heard, ended }
    }

    /// Waits until half a second of a tone of so many hertz has come, counted from now.
    pub fn expect_tone(&self, hertz: u32) {
        let from = self.lengths();
        let mut last: Option<Peak> = None;
        let found = wait::within(wait::PATIENCE, || {
            self.since(&from)
                .iter()
                .filter_map(|new| new.len().checked_sub(WINDOW).map(|start| &new[start..]))
                .find_map(|window| {
                    let peak = tone::peak(window, RATE);
                    last = Some(peak);
                    ((peak.frequency - hertz as f32).abs() <= TOLERANCE && peak.level_db >= QUIETEST)
                        .then_some(())
                })
        });
        let new: Vec<_> = self.since(&from).iter().map(Vec::len).collect();
        assert!(found.is_some(), "{last:?} instead of {hertz} Hz; new samples by port: {new:?}");
    }

    /// Waits until a second passes in which nothing louder than silence comes.
    pub fn expect_silence(&self) {
        wait::until("silence for a second", || {
            let from = self.lengths();
            let is_loud =
                || self.since(&from).iter().flatten().any(|sample| sample.abs() > LOUD).then_some(());
            wait::within(Duration::from_secs(1), is_loud).is_none().then_some(())
        });
    }

    fn lengths(&self) -> HashMap<u16, usize> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().map(|(port, heard)| (*port, heard.samples.len())).collect()
    }

    /// What came to each of the phone's ports after there was so much.
    fn since(&self, from: &HashMap<u16, usize>) -> Vec<Vec<f32>> {
        let ports = udp_ports(self.pid);
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let new = |port: &u16| {
            let skip = from.get(port).copied().unwrap_or_default();
            heard.get(port).map(|heard| heard.samples[skip..].to_vec())
        };
        ports.iter().filter_map(new).collect()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn listen(packets: &OwnedFd, heard: &Mutex<HashMap<u16, Heard>>, ended: &AtomicBool) {
    let mut buffer = vec![0; 65_536];
    while !ended.load(Ordering::Relaxed) {
        // A timeout, to look whether to go on.
        let Ok((length, _)) = recv(packets, &mut buffer[..], RecvFlags::empty()) else { continue };
        let Some((port, sequence, audio)) = audio(&buffer[..length]) else { continue };
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = heard.entry(port).or_default();
        if heard.recent.contains(&sequence) {
            continue;
        }
        heard.recent.push_back(sequence);
        if heard.recent.len() > REMEMBERED {
            heard.recent.pop_front();
        }
        heard.samples.extend(audio.iter().map(|byte| decode(*byte)));
    }
}

/// The port, sequence number and audio of an IPv4 packet with A-law for a phone (RFC 791 section 3.1, RFC 768, RFC 3550 section 5.1).
fn audio(packet: &[u8]) -> Option<(u16, u16, &[u8])> {
    const UDP: u8 = 17;
    const RTP_HEADER: usize = 12;
    let udp = packet.get(usize::from(packet.first()? & 15) * 4..).filter(|_| packet.get(9) == Some(&UDP))?;
    let port = u16::from_be_bytes([*udp.get(2)?, *udp.get(3)?]);
    let rtp = udp.get(8..).filter(|_| PORTS.contains(&port))?;
    let is_plain = *rtp.first()? == 0x80 && rtp.get(1)? & 0x7f == PCMA;
    let sequence = u16::from_be_bytes([*rtp.get(2)?, *rtp.get(3)?]);
    is_plain.then(|| rtp.get(RTP_HEADER..)).flatten().map(|audio| (port, sequence, audio))
}

/// A-law (ITU-T G.711 section 3): sign, three bits of exponent, four of mantissa, every other bit inverted.
fn decode(byte: u8) -> f32 {
    let bits = byte ^ 0x55;
    let (exponent, mantissa) = (i32::from(bits >> 4 & 7), i32::from(bits & 15));
    let size = if exponent == 0 { mantissa * 16 + 8 } else { (mantissa * 16 + 264) << (exponent - 1) };
    let signed = if bits & 0x80 == 0 { -size } else { size };
    signed as f32 / 32_768.0
}

/// The UDP ports that a process holds, from what the kernel says of it.
fn udp_ports(pid: u32) -> Vec<u16> {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let sockets: Vec<String> = links
        .filter_map(|link| std::fs::read_link(link.path()).ok())
        .filter_map(|name| Some(name.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = std::fs::read_to_string(format!("/proc/{pid}/net/udp")).unwrap_or_default();
    let port = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_its = sockets.iter().any(|inode| Some(&inode.as_str()) == words.get(9));
        is_its.then(|| u16::from_str_radix(words.get(1)?.split(':').nth(1)?, 16).ok()).flatten()
    };
    table.lines().skip(1).filter_map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_decodes_to_the_values_of_the_standard() {
        // Decoder output values of ITU-T G.711 table 1a, 13 bits wide: of 4096.
        for (byte, value) in [(0xD5, 1), (0x55, -1), (0xD4, 3), (0xC5, 33), (0xAA, 4032), (0x2A, -4032)] {
            assert_eq!(decode(byte) * 4096.0, value as f32, "{byte:#x}");
        }
    }

    #[test]
    fn audio_is_found_behind_the_headers_and_nothing_else_is() {
        let mut packet = vec![0; 20 + 8];
        (packet[0], packet[9]) = (0x45, 17);
        packet[22..24].copy_from_slice(&20_002u16.to_be_bytes());
        packet.extend([0x80, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0xD5]);
        assert_eq!(audio(&packet), Some((20_002, 7, &[0xD5][..])));
        for (at, byte) in [(9, 6), (22, 0), (28, 0x81), (29, 0)] {
            let mut other = packet.clone();
            other[at] = byte;
            assert_eq!(audio(&other), None, "byte {at}");
        }
        assert_eq!(audio(&packet[..25]), None);
    }
}
