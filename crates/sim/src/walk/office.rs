//! The office of a walk: some extensions with phones of all kinds, some that forward, one that nobody calls.

use model::Entropy;
use model::Transport;

use crate::clock::{millis, secs};
use crate::office::Office;
use crate::phone::{Answering, Habits};
use crate::world::{Place, Plan};

/// The extension that only attackers call.
pub const HONEYPOT: &str = "199";
/// Extensions with phones.
pub(super) const STAFF: [&str; 5] = ["101", "102", "103", "104", "105"];
/// Numbers that people dial: staff, some that forward, one that nobody has.
pub(super) const DIALLED: [&str; 12] =
    ["101", "102", "103", "104", "105", "101", "102", "103", "110", "111", "112", "999"];

/// A line of a walk's office.
pub(super) struct Desk {
    pub username: String,
    place: Place,
}

pub(super) fn random(entropy: &mut Entropy) -> (Office, Vec<Desk>) {
    let mut office = Office::of(&STAFF).times(|times| {
        times.ring_timeout = secs(12);
        times.dead_media = secs(8);
    });
    office = office.extension("110").forward_always("110", "101");
    office = office.extension("111").forward_unreachable("111", "112");
    office = office.extension("112").forward_always("112", "103").extension(HONEYPOT);
    office = match entropy.below(4) {
        0 => office.forward_busy("102", "103"),
        1 => office.forward_no_answer("102", "104", secs(4)),
        2 => office.forward_busy("103", "102").forward_no_answer("103", "110", secs(3)),
        _ => office.do_not_disturb("105"),
    };
    let mut desks = Vec::new();
    for number in STAFF {
        let mut usernames = vec![number.to_owned()];
        if entropy.below(3) == 0 {
            let second = format!("{number}-b");
            office = office.line(number, &second);
            usernames.push(second);
        }
        for username in usernames {
            let place = match entropy.below(8) {
                0 | 1 => Place::BehindNat,
                2 => Place::InsideV6,
                _ => Place::Inside,
            };
            if place == Place::BehindNat {
                office = office.nat(&username);
            }
            desks.push(Desk { username, place });
        }
    }
    (office, desks)
}

pub(super) fn random_plan(entropy: &mut Entropy, desk: &Desk) -> Plan {
    let transport = if entropy.below(3) == 0 { Transport::Tcp } else { Transport::Udp };
    let formats = match entropy.below(3) {
        0 => vec![(0, "PCMU/8000"), (8, "PCMA/8000")],
        1 => vec![(9, "G722/8000"), (8, "PCMA/8000"), (0, "PCMU/8000")],
        _ => vec![(8, "PCMA/8000"), (0, "PCMU/8000")],
    };
    let habits = Habits {
        answering: random_answering(entropy),
        expires: secs(60 + u64::from(entropy.below(600))),
        event_payload: 96 + (entropy.below(6) as u8),
        own_payloads: entropy.below(2) == 0,
        formats,
        packet: millis(400),
        reports: entropy.below(2) == 0,
        muted: entropy.below(10) == 0,
        eager: entropy.below(3) == 0,
        sha256: entropy.below(3) == 0,
        ..Habits::default()
    };
    Plan { place: desk.place, transport, habits }
}

pub(super) fn random_answering(entropy: &mut Entropy) -> Answering {
    let pause = millis(u64::from(entropy.below(6_000)));
    match entropy.below(15) {
        13 | 14 => Answering::Rings,
        12 => Answering::Moved("103"),
        0 => Answering::Refuses(486),
        1 => Answering::RefusesAfter(603, pause),
        2 => Answering::RefusesAfter(480, pause),
        3 => Answering::Silent,
        4 => Answering::AtOnce,
        5 | 6 => Answering::EarlyMedia(pause),
        7 => Answering::Rings,
        _ => Answering::After(pause),
    }
}
