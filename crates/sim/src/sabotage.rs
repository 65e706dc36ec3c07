//! Planted bugs: somebody tampers with what the exchange says or hears, as a mistake in it would. If the walker does
//! not find such a bug, it would not find a real one of that kind either.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::Output;
use media::{Command, LegId};
use model::record::RecordUpdate;

/// Which bug is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The exchange is never woken after its first ten wakes.
    LostTimer,
    /// Every second call is bridged with a leg of the call before.
    CrossedWires,
    /// The payload types of the two directions of a bridge are exchanged.
    ExchangedPayloads,
    /// A record is opened and never closed.
    LostRecord,
    /// A record is closed twice.
    DoubleRecord,
    /// A leg is not closed.
    LeftLeg,
    /// ACKs are not sent.
    LostAck,
    /// CANCELs are not sent.
    LostCancel,
    /// BYEs are not sent.
    LostBye,
    /// After an answer the caller hears busy.
    ChangedMind,
    /// Answers name a media port that is not ours.
    WrongPort,
    /// Lamps are not told that a call is over.
    StuckLamp,
    /// A phone that calls without an offer gets none with the answer.
    LostOffer,
    /// Who asks for a transfer is not told that it was taken up.
    LostRefer,
    /// Who transferred is told the end of it twice.
    ToldTwice,
    /// The exchange is woken half a minute late.
    SlowTimer,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 16] = [
        Bug::LostTimer,
        Bug::CrossedWires,
        Bug::ExchangedPayloads,
        Bug::LostRecord,
        Bug::DoubleRecord,
        Bug::LeftLeg,
        Bug::LostAck,
        Bug::LostCancel,
        Bug::LostBye,
        Bug::ChangedMind,
        Bug::WrongPort,
        Bug::StuckLamp,
        Bug::LostOffer,
        Bug::LostRefer,
        Bug::ToldTwice,
        Bug::SlowTimer,
    ];
}

/// By how much [`Bug::SlowTimer`] is late.
const LATE: Duration = crate::clock::secs(30);
/// Wakes before [`Bug::LostTimer`] shows.
const WAKES: u32 = 10;

/// Who tampers; or nobody.
#[derive(Default)]
pub struct Saboteur {
    /// The bug; `None`: an honest world.
    pub bug: Option<Bug>,
    wakes: u32,
    spoilt: u32,
    late: u32,
    last_leg: BTreeMap<usize, LegId>,
}

impl Saboteur {
    /// Plants a bug.
    pub fn plant(bug: Bug) -> Saboteur {
        Saboteur { bug: Some(bug), ..Saboteur::default() }
    }

    /// The exchange was woken.
    pub fn wakes(&mut self) {
        self.wakes += 1;
    }

    /// Whether wakes are swallowed from now on.
    pub fn is_deaf(&self) -> bool {
        self.bug == Some(Bug::LostTimer) && self.wakes > WAKES
    }

    /// How much later than it asked for the exchange is woken.
    pub fn delay(&self) -> Duration {
        if self.bug == Some(Bug::SlowTimer) { LATE } else { Duration::ZERO }
    }

    /// What becomes of an output.
    pub fn tamper(&mut self, output: Output) -> Vec<Output> {
        let Some(bug) = self.bug else { return vec![output] };
        match (bug, output) {
            (Bug::CrossedWires, Output::Media { shard, command }) => {
                vec![Output::Media { shard, command: self.cross(shard, command) }]
            }
            (
                Bug::ExchangedPayloads,
                Output::Media { shard, command: Command::Bridge { a, b, map_ab, map_ba } },
            ) => {
                vec![Output::Media {
                    shard,
                    command: Command::Bridge { a, b, map_ab: map_ba, map_ba: map_ab },
                }]
            }
            (Bug::LostRecord, Output::Record(RecordUpdate::Closed(_))) if self.sometimes() => Vec::new(),
            (Bug::DoubleRecord, Output::Record(update @ RecordUpdate::Closed(_))) => {
                vec![Output::Record(update.clone()), Output::Record(update)]
            }
            (Bug::LeftLeg, Output::Media { command: Command::Close { .. }, .. }) if self.sometimes() => {
                Vec::new()
            }
            (Bug::LostAck, Output::Send { bytes, .. }) if bytes.starts_with(b"ACK ") => Vec::new(),
            (Bug::LostCancel, Output::Send { bytes, .. }) if bytes.starts_with(b"CANCEL ") => Vec::new(),
            (Bug::LostBye, Output::Send { bytes, .. }) if bytes.starts_with(b"BYE ") => Vec::new(),
            (Bug::ChangedMind, Output::Send { flow, bytes }) if answers_invite(&bytes) => {
                let busy = [b"SIP/2.0 486 Busy Here", cut_status(&bytes)].concat();
                vec![Output::Send { flow, bytes }, Output::Send { flow, bytes: busy.into() }]
            }
            (Bug::WrongPort, Output::Send { flow, bytes }) if answers_invite(&bytes) => {
                let text = String::from_utf8_lossy(&bytes).replace("m=audio 10", "m=audio 11");
                vec![Output::Send { flow, bytes: text.into_bytes().into() }]
            }
            (Bug::StuckLamp, Output::Send { bytes, .. }) if tells_of_no_call(&bytes) => Vec::new(),
            (Bug::LostOffer, Output::Send { flow, bytes }) if answers_invite(&bytes) => {
                self.late += 1;
                let bytes = if self.late.is_multiple_of(4) { without_body(&bytes).into() } else { bytes };
                vec![Output::Send { flow, bytes }]
            }
            (Bug::LostRefer, Output::Send { bytes, .. }) if bytes.starts_with(b"SIP/2.0 202 ") => Vec::new(),
            (Bug::ToldTwice, Output::Send { flow, bytes }) if ends_transfer(&bytes) => {
                let again = once_more(&bytes).into();
                vec![Output::Send { flow, bytes }, Output::Send { flow, bytes: again }]
            }
            (_, output) => vec![output],
        }
    }

    fn sometimes(&mut self) -> bool {
        self.spoilt += 1;
        self.spoilt.is_multiple_of(3)
    }

    fn cross(&mut self, shard: usize, command: Command) -> Command {
        let Command::Bridge { a, b, map_ab, map_ba } = command else { return command };
        let before = self.last_leg.insert(shard, b);
        let wrong = before.filter(|before| *before != b && self.sometimes());
        Command::Bridge { a, b: wrong.unwrap_or(b), map_ab, map_ba }
    }
}

/// A 200 to an INVITE.
fn answers_invite(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SIP/2.0 200 ") && bytes.windows(7).any(|window| window == b" INVITE")
}

/// A NOTIFY whose document has no call in it.
fn tells_of_no_call(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.starts_with("NOTIFY ") && text.contains("<dialog-info") && !text.contains("<state>")
}

/// A NOTIFY that says how a transfer ended.
fn ends_transfer(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.starts_with("NOTIFY ") && text.contains("message/sipfrag") && text.contains("terminated")
}

/// The same request as the next one of its dialog.
fn once_more(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let number =
        text.lines().find_map(|line| line.strip_prefix("CSeq: ")?.split(' ').next()?.parse::<u32>().ok());
    let number = number.unwrap_or_default();
    let next = format!("CSeq: {} ", number + 1);
    text.replace(&format!("CSeq: {number} "), &next).replace("branch=z9hG4bK", "branch=z9hG4bK2").into_bytes()
}

/// A message that says that it has no body, and has none.
fn without_body(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let head = text.split_once("\r\n\r\n").map_or(&*text, |(head, _)| head);
    let lines = head.lines().filter(|line| !line.starts_with("Content-"));
    let head: Vec<&str> = lines.collect();
    format!("{}\r\nContent-Length: 0\r\n\r\n", head.join("\r\n")).into_bytes()
}

/// What follows the status line.
fn cut_status(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(2).position(|window| window == b"\r\n").unwrap_or(0);
    &bytes[end..]
}
