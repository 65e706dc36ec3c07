//! Many calls on end: a small office that never comes to rest, until so many calls are over. After each thousand and at
//! the end it is looked at what is held, and whether the exchange's tables have grown with the number of calls.

use model::{Entropy, Transport};
use wire::sdp::Direction;

use super::acts::random_faults;
use crate::clock::{millis, secs};
use crate::network::Faults;
use crate::office::Office;
use crate::phone::{Answering, Dialog, DialogId, Habits, Role, Stage};
use crate::world::{Failure, Place, Plan, World};

/// Phones in this office.
const PHONES: u32 = 24;
/// Calls of a phone that are over and still known to it: what is on its way for an older one is nobody's.
const KEPT: usize = 60;
/// Calls after which the tables have been as full as they get.
const WARM: usize = 1_000;

/// What a long run was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Calls made, by the records.
    pub calls: usize,
    /// Calls answered.
    pub answered: usize,
    /// Steps of the world.
    pub steps: u64,
    /// Room in the exchange's tables after the first thousand calls, or at the end of a shorter run.
    pub capacity_early: usize,
    /// Room in them at the end.
    pub capacity_late: usize,
}

/// Runs until at least `calls` calls were made.
///
/// # Errors
/// What must not have happened.
pub fn many(seed: u64, calls: usize) -> Result<Tally, Failure> {
    let mut crowd = Crowd::new(seed);
    crowd.world.pass(secs(3))?;
    let mut early = None;
    let mut made = 0;
    while made < calls {
        for _ in 0..50 {
            crowd.act();
            let pause = millis(u64::from(crowd.entropy.below(60)));
            crowd.world.pass(pause)?;
        }
        crowd.world.forget_past(KEPT);
        made = crowd.world.store.calls();
        if made >= WARM {
            early.get_or_insert_with(|| crowd.world.server().exchange.capacity());
        }
    }
    crowd.rest()?;
    let records = crowd.world.history();
    let late = crowd.world.server().exchange.capacity();
    Ok(Tally {
        calls: records.len(),
        answered: records.iter().filter(|record| record.answered.is_some()).count(),
        steps: crowd.world.steps(),
        capacity_early: early.unwrap_or(late),
        capacity_late: late,
    })
}

struct Crowd {
    world: World,
    entropy: Entropy,
    numbers: Vec<String>,
}

impl Crowd {
    fn new(seed: u64) -> Crowd {
        let mut bytes = [0x5a; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut entropy = Entropy::from_seed(bytes);
        let numbers: Vec<String> = (0..PHONES).map(|n| (200 + n).to_string()).collect();
        let known: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let mut office = Office::of(&known).times(|times| {
            times.ring_timeout = secs(8);
            times.dead_media = secs(20);
        });
        office = office.forward_busy("201", "202").forward_no_answer("203", "204", secs(2));
        for number in known.iter().step_by(4) {
            office = office.nat(number);
        }
        let mut world = World::new(seed, office);
        for (place, number) in known.iter().enumerate() {
            let habits = Habits {
                answering: answering(&mut entropy),
                packet: secs(2),
                eager: entropy.below(2) == 0,
                expires: secs(300),
                keys: 3,
                ..Habits::default()
            };
            let transport = if entropy.below(3) == 0 { Transport::Tcp } else { Transport::Udp };
            let at = match place % 4 {
                0 => Place::BehindNat,
                1 => Place::InsideV6,
                _ => Place::Inside,
            };
            let phone = world.phone(number, Plan { place: at, transport, habits });
            world.link(phone).faults = random_faults(&mut entropy);
        }
        Crowd { world, entropy, numbers }
    }

    fn act(&mut self) {
        match self.entropy.below(20) {
            0..9 => self.dial(),
            9..11 => self.with(|d| d.stage == Stage::Ringing && d.role == Role::Callee, World::answer),
            11..15 => self.with(|d| d.stage == Stage::Answered, World::hang_up),
            15 => self.with(|d| d.stage != Stage::Answered, World::hang_up),
            16 => self.with(|d| d.stage == Stage::Answered, |w, id| w.reoffer(id, Direction::Inactive)),
            17 => self.with(|d| d.stage == Stage::Answered, World::ask_for_offer),
            18 => {
                let phone = self.any_phone();
                self.world.phones[phone].habits.answering = answering(&mut self.entropy);
            }
            _ if self.entropy.below(10) == 0 => {
                let phone = self.any_phone();
                self.world.break_stream(phone);
            }
            _ => {}
        }
    }

    fn any_phone(&mut self) -> usize {
        self.entropy.below(PHONES) as usize
    }

    fn dial(&mut self) {
        let phone = self.any_phone();
        if self.world.phones[phone].running().count() < 2 {
            let number = self.entropy.below(PHONES + 1) as usize;
            let number = self.numbers.get(number).cloned().unwrap_or_else(|| "999".to_owned());
            self.world.call(phone, &number);
        }
    }

    fn with(&mut self, wanted: impl Fn(&Dialog) -> bool, act: impl Fn(&mut World, DialogId)) {
        let running = self.world.phones.iter().flat_map(|phone| phone.running());
        let found: Vec<DialogId> = running.filter(|dialog| wanted(dialog)).map(|dialog| dialog.id).collect();
        let place = self.entropy.below(u32::try_from(found.len()).unwrap_or(0));
        if let Some(id) = found.get(place as usize) {
            act(&mut self.world, *id);
        }
    }

    fn rest(&mut self) -> Result<(), Failure> {
        for phone in 0..self.world.phones.len() {
            self.world.link(phone).faults = Faults::NONE;
            self.world.phones[phone].habits.answering = Answering::Refuses(486);
        }
        for _ in 0..2 {
            let running = self.world.phones.iter().flat_map(|phone| phone.running().map(|dialog| dialog.id));
            let running: Vec<DialogId> = running.collect();
            for id in running {
                self.world.hang_up(id);
            }
            self.world.pass(secs(40))?;
        }
        self.world.pass(secs(300))?;
        self.world.check_quiet()
    }
}

fn answering(entropy: &mut Entropy) -> Answering {
    let pause = millis(u64::from(entropy.below(3_000)));
    match entropy.below(12) {
        0 => Answering::Refuses(486),
        1 => Answering::RefusesAfter(603, pause),
        2 => Answering::Silent,
        3 => Answering::AtOnce,
        4 => Answering::EarlyMedia(pause),
        5 => Answering::Rings,
        _ => Answering::After(pause),
    }
}
