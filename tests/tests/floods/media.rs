//! Audio at the ports of running calls, from where none is to come.

use crate::attack::{Datagrams, Flood};
use crate::office::withstands;
use std::net::SocketAddrV4;

/// Packets a second, 1,000 for each who talks: twenty times what he hears.
const PER_SECOND: u64 = 4_000;
/// A flood goes on until it has sent so many, on however slow a machine.
const LEAST: u64 = 1_000;

/// A packet as those who talk send them, of a stranger's stream.
fn audio(number: u64) -> [u8; 172] {
    let mut packet = [0x55; 172];
    packet[..2].copy_from_slice(&[0x80, 8]);
    packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&(number as u32).wrapping_mul(160).to_be_bytes());
    packet[8..12].copy_from_slice(&0x6666_6666_u32.to_be_bytes());
    packet
}

#[test]
fn a_flood_of_audio_at_the_ports_of_calls_is_not_heard_and_harms_nobody() {
    withstands("RTP", LEAST, |aim| {
        let datagrams = Datagrams::from(aim.source);
        Flood::begin(PER_SECOND, move |number| {
            let port = aim.media[number as usize % aim.media.len()];
            // Now and then at the port of its reports, the next one.
            let beside = u16::from(number % 16 == 5);
            datagrams.send(number, &audio(number), SocketAddrV4::new(*port.ip(), port.port() + beside));
        })
    });
}
