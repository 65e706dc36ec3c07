//! What may happen in a walk.

use bytes::Bytes;
use calls::Command;
use model::Entropy;
use wire::sdp::Direction;
use wire::sip::Message;

use super::Walker;
use super::office::{DIALLED, HONEYPOT, STAFF, random_answering};
use crate::clock::millis;
use crate::network::Faults;
use crate::phone::{Dialog, DialogId, Late, Role, Stage};
use crate::world::SERVER_V4;

/// Calls that one phone has at once in a walk.
const BUSY: usize = 2;

/// A good network most of the time, a bad one sometimes.
pub(super) fn random_faults(entropy: &mut Entropy) -> Faults {
    match entropy.below(6) {
        0 => Faults::BAD,
        1 => Faults { loss: 20, doubled: 10, overtaken: 30, delay: millis(30), jitter: millis(20) },
        2 => Faults { doubled: 60, overtaken: 60, delay: millis(10), jitter: millis(40), ..Faults::NONE },
        _ => Faults::NONE,
    }
}

impl Walker {
    /// One random act.
    pub(super) fn act(&mut self) {
        if !self.world.server_runs() && self.entropy.below(3) == 0 {
            self.world.start_server();
        }
        match self.entropy.below(100) {
            0..31 => self.dial(),
            31..34 => self.transfer(),
            34..44 => self.pick_up(),
            44..46 => self.refuse(),
            46..57 => self.hang_up(),
            57..64 => self.hold_or_resume(),
            64..73 => self.press(),
            73..75 => self.info(),
            75..79 => self.trouble_a_phone(),
            79..84 => self.switch_on(),
            84 => self.watch(),
            85..87 => self.change_habits(),
            87..90 => self.change_network(),
            90..97 => self.attack(),
            _ => self.trouble_the_server(),
        }
    }

    fn any_phone(&mut self) -> usize {
        let place = self.entropy.below(u32::try_from(self.phones.len()).unwrap_or(1));
        self.phones[place as usize]
    }

    fn any_dialog(&mut self, wanted: impl Fn(&Dialog) -> bool) -> Option<DialogId> {
        let running = self.world.phones.iter().filter(|phone| phone.on).flat_map(|phone| phone.running());
        let found: Vec<DialogId> = running.filter(|dialog| wanted(dialog)).map(|dialog| dialog.id).collect();
        let place = self.entropy.below(u32::try_from(found.len()).unwrap_or(0));
        found.get(place as usize).copied()
    }

    fn dial(&mut self) {
        let phone = self.any_phone();
        let number = DIALLED[self.entropy.below(DIALLED.len() as u32) as usize];
        let free = self.world.phones[phone].running().count() < BUSY;
        if !self.world.phones[phone].on || !free {
            return;
        }
        match self.entropy.below(12) {
            0 => {
                let late = [Late::Answers, Late::Nothing, Late::Nonsense][self.entropy.below(3) as usize];
                self.world.call_late(phone, number, late);
            }
            1 | 2 => {
                self.world.call_late(phone, number, Late::Answers);
            }
            _ => {
                self.world.call(phone, number);
            }
        }
    }

    fn pick_up(&mut self) {
        if let Some(id) = self.any_dialog(|d| d.stage == Stage::Ringing && d.role == Role::Callee) {
            self.world.answer(id);
        }
    }

    fn refuse(&mut self) {
        let status = [486, 603, 480, 500][self.entropy.below(4) as usize];
        if let Some(id) = self.any_dialog(|d| d.stage == Stage::Ringing && d.role == Role::Callee) {
            self.world.refuse(id, status);
        }
    }

    fn hang_up(&mut self) {
        if let Some(id) = self.any_dialog(|_| true) {
            self.world.hang_up(id);
        }
    }

    fn hold_or_resume(&mut self) {
        let Some(id) = self.any_dialog(|d| d.stage == Stage::Answered) else { return };
        let direction = match self.world.dialog(id).sound.wanted {
            Direction::Sendrecv if self.entropy.below(2) == 0 => Direction::Sendonly,
            Direction::Sendrecv => Direction::Inactive,
            _ => Direction::Sendrecv,
        };
        if self.entropy.below(5) == 0 {
            return self.world.ask_for_offer(id);
        }
        self.world.reoffer(id, direction);
    }

    /// Blind to any number, or to another call of the same phone, which is answered or rings.
    fn transfer(&mut self) {
        let Some(id) = self.any_dialog(|d| d.stage == Stage::Answered) else { return };
        let other = self.any_dialog(|d| {
            let fit = d.stage == Stage::Answered || (d.stage == Stage::Ringing && d.role == Role::Caller);
            d.id.phone == id.phone && d.id != id && fit
        });
        let sent = match other {
            Some(other) => self.world.join_calls(id, other),
            None => {
                let number = DIALLED[self.entropy.below(DIALLED.len() as u32) as usize];
                self.world.transfer_away(id, number)
            }
        };
        self.transfers += u64::from(sent);
    }

    fn press(&mut self) {
        if let Some(id) = self.any_dialog(|d| d.stage == Stage::Answered) {
            self.world.press(id, '5');
        }
    }

    fn info(&mut self) {
        if let Some(id) = self.any_dialog(|d| d.stage == Stage::Answered) {
            self.world.tell(usize::from(id.phone), |phone, now| phone.info(now.mono, id, "Signal=5\r\n"));
        }
    }

    fn trouble_a_phone(&mut self) {
        let phone = self.any_phone();
        match self.entropy.below(4) {
            0 if self.world.phones[phone].on => {
                self.phone_crashed = true;
                self.world.crash(phone);
            }
            1 => {
                self.world.rebind(phone);
                if self.entropy.below(2) == 0 && self.world.phones[phone].on {
                    self.world.tell(phone, |phone, now| phone.register(now.mono));
                }
            }
            _ => self.world.break_stream(phone),
        }
    }

    fn switch_on(&mut self) {
        let off = self.phones.iter().copied().find(|phone| !self.world.phones[*phone].on);
        if let Some(phone) = off {
            self.world.power_on(phone);
        }
    }

    fn watch(&mut self) {
        let phone = self.any_phone();
        let number = STAFF[self.entropy.below(STAFF.len() as u32) as usize];
        if self.world.phones[phone].on && self.world.phones[phone].lamp.is_none() {
            self.world.watch(phone, number);
        }
    }

    fn change_habits(&mut self) {
        let phone = self.any_phone();
        self.world.phones[phone].habits.answering = random_answering(&mut self.entropy);
    }

    fn change_network(&mut self) {
        let phone = self.any_phone();
        let faults = random_faults(&mut self.entropy);
        let down = self.entropy.below(5) == 0;
        let link = self.world.link(phone);
        link.faults = faults;
        link.down = down;
    }

    fn attack(&mut self) {
        let (attacker, kind) = (self.attacker, self.entropy.below(6));
        let hand = &mut self.world.attackers[attacker];
        let bytes = match kind {
            0 => hand.invite("101", HONEYPOT),
            1 => hand.register("101"),
            2 => hand.garbage(),
            3 => return self.replay(),
            4 => return self.forge_bye(),
            _ => return self.inject(),
        };
        self.world.attack(attacker, SERVER_V4, bytes);
    }

    fn replay(&mut self) {
        let Some(Ok(request)) = self.world.overheard().map(Message::parse) else { return };
        let bytes = self.world.attackers[self.attacker].replay(&request);
        self.world.attack(self.attacker, SERVER_V4, bytes);
    }

    fn forge_bye(&mut self) {
        let Some(id) = self.any_dialog(|d| d.stage == Stage::Answered) else { return };
        let (call_id, from, to, target) = self.world.dialog(id).overheard();
        let bytes = self.world.attackers[self.attacker].bye(&call_id, &from, &to, &target);
        self.world.attack(self.attacker, SERVER_V4, bytes);
    }

    fn inject(&mut self) {
        let mut to = SERVER_V4;
        to.set_port(10_000 + 2 * (self.entropy.below(500) as u16));
        for sequence in 0..4 {
            let bytes: Bytes = self.world.attackers[self.attacker].voice(sequence);
            self.world.attack(self.attacker, to, bytes);
        }
    }

    fn trouble_the_server(&mut self) {
        if !self.world.server_runs() {
            return;
        }
        match self.entropy.below(8) {
            0 => {
                self.server_crashed = true;
                self.world.crash_server();
            }
            1 => self.world.server().ports.limit = self.entropy.below(6) as usize,
            2 | 3 => self.world.server().ports.limit = usize::MAX,
            4 => self.world.set_wall_clock(i64::from(self.entropy.below(7_200_000)) - 3_600_000),
            5 => {
                self.line_forgotten = true;
                let line = self.any_phone();
                let line = self.world.phones[line].account.username.as_str().into();
                self.world.command(Command::ForgetLine(line));
            }
            6 => {
                let now = self.world.now();
                if let Some(call) = self.world.server().exchange.calls(now).first().map(|call| call.id) {
                    self.world.command(Command::Hangup { call, author: "anna".into() });
                }
            }
            _ => {
                let office = self.world.office().do_not_disturb("104");
                self.world.configure(office);
            }
        }
    }
}
