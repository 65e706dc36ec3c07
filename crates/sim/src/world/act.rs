//! What a scenario does: puts phones up, dials, answers, pulls cables, waits. The verbs without a `Result` panic with
//! the failure, its seed and its ladder; tests use those.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use calls::Command;
use model::Transport;
use model::record::CallRecord;
use wire::sdp::Direction;

use super::{SERVER_V4, SERVER_V6, Who, World};
use crate::attacker::Attacker;
use crate::clock::secs;
use crate::network::{Fate, Toward};
use crate::office::{Office, password};
use crate::phone::{Account, Dialog, DialogId, Habits, Phone, Stage};

/// Where a phone stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Inside, on IPv4.
    Inside,
    /// Inside, on IPv6.
    InsideV6,
    /// Behind a translating router of its own.
    BehindNat,
    /// Behind the same router as this phone.
    Beside(usize),
}

/// How a phone is put up.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where.
    pub place: Place,
    /// How it talks SIP.
    pub transport: Transport,
    /// What it does by itself.
    pub habits: Habits,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { place: Place::Inside, transport: Transport::Udp, habits: Habits::default() }
    }
}

/// After the last call nothing may be left when this long has passed: transactions take 32 s, twice in a row at worst,
/// and dead media ten times its limit where a phone may just be listening.
const QUIET: Duration = secs(170);

impl World {
    /// Puts a phone up at a line and switches it on.
    pub fn phone(&mut self, username: &str, plan: Plan) -> usize {
        let number = self.phones.len();
        let serial = number as u8;
        let mut nat = None;
        let (ip, server) = match plan.place {
            Place::Inside => (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 10 + serial)), SERVER_V4),
            Place::InsideV6 => {
                (IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x10 + u16::from(serial))), SERVER_V6)
            }
            Place::BehindNat => {
                nat = Some(self.network.add_nat(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 10 + serial))));
                (IpAddr::V4(Ipv4Addr::new(192, 168, serial, 7)), SERVER_V4)
            }
            Place::Beside(other) => {
                nat = self.network.link(self.host_of_phone[other]).nat;
                (IpAddr::V4(Ipv4Addr::new(192, 168, serial, 7)), SERVER_V4)
            }
        };
        let extension = self.office.extension_of(username).expect("the office has this line");
        let account = Account {
            username: username.to_owned(),
            password: password(username),
            extension: extension.to_string(),
        };
        let reach = (SocketAddr::new(ip, 5060), server, plan.transport);
        let entropy = self.entropy.fork();
        let host = self.network.connect(ip, nat);
        self.hosts.push(Who::Phone(number));
        self.host_of_phone.push(host);
        self.wakes.push(None);
        self.phones.push(Phone::new(serial.into(), account, plan.habits, reach, entropy));
        self.power_on(number);
        number
    }

    /// Puts phones up at these lines, inside and on UDP, and waits until they are registered.
    pub fn phones<const N: usize>(&mut self, usernames: [&str; N]) -> [usize; N] {
        let phones = usernames.map(|username| self.phone(username, Plan::default()));
        self.wait_registered();
        phones
    }

    /// Waits until every phone that registers is registered.
    pub fn wait_registered(&mut self) {
        self.wait("every phone is registered", secs(20), |world| {
            let now = world.now().mono;
            let mut wanted = world.phones.iter().filter(|phone| phone.on && phone.habits.registers);
            wanted.all(|phone| phone.is_registered(now))
        });
    }

    /// Switches a phone on.
    pub fn power_on(&mut self, phone: usize) {
        self.excuse(self.host_of_phone[phone]);
        self.tell(phone, |phone, now| phone.power_on(now.mono));
    }

    /// Pulls a phone's cable.
    pub fn crash(&mut self, phone: usize) {
        let host = self.host_of_phone[phone];
        self.excuse(host);
        self.phones[phone].tell_time(self.clock.now().mono);
        self.phones[phone].crash();
        self.abandon_stream(host);
        self.settle_phone(phone);
    }

    /// Breaks a phone's connection; it comes back by itself.
    pub fn break_stream(&mut self, phone: usize) {
        let host = self.host_of_phone[phone];
        if let Some(flow) = self.streams.of_host.get(&host).copied() {
            self.end_stream(flow);
        }
    }

    /// A phone gets another address; nobody is told.
    pub fn move_phone(&mut self, phone: usize, ip: &str) {
        let (host, ip) = (self.host_of_phone[phone], ip.parse().expect("an address"));
        let old = self.phones[phone].address;
        self.network.move_host(host, old.ip(), ip);
        self.phones[phone].address = SocketAddr::new(ip, old.port());
    }

    /// Lets a phone do something, and carries out what comes of it.
    pub fn tell<T>(&mut self, phone: usize, act: impl FnOnce(&mut Phone, model::Now) -> T) -> T {
        let now = self.now();
        self.phones[phone].tell_time(now.mono);
        let result = act(&mut self.phones[phone], now);
        self.settle_phone(phone);
        result
    }

    /// Dials.
    pub fn call(&mut self, phone: usize, number: &str) -> DialogId {
        self.tell(phone, |phone, now| phone.call(now.mono, number))
    }

    /// Dials without an offer.
    pub fn call_late(&mut self, phone: usize, number: &str, late: crate::phone::Late) -> DialogId {
        self.tell(phone, |phone, now| phone.call_late(now.mono, number, late))
    }

    /// Picks up.
    pub fn answer(&mut self, id: DialogId) {
        self.tell(usize::from(id.phone), |phone, now| phone.answer(now.mono, id));
    }

    /// Refuses a call that rings.
    pub fn refuse(&mut self, id: DialogId, status: u16) {
        self.tell(usize::from(id.phone), |phone, now| phone.refuse(now.mono, id, status));
    }

    /// Hangs up, or gives up.
    pub fn hang_up(&mut self, id: DialogId) {
        self.tell(usize::from(id.phone), |phone, now| phone.hang_up(now.mono, id));
    }

    /// Gives up a call that rings with BYE instead of CANCEL.
    pub fn bye_early(&mut self, id: DialogId) {
        self.tell(usize::from(id.phone), |phone, now| phone.bye_early(now.mono, id));
    }

    /// Holds, or resumes with `Sendrecv`.
    pub fn reoffer(&mut self, id: DialogId, direction: Direction) {
        self.tell(usize::from(id.phone), |phone, now| phone.reoffer(now.mono, id, direction));
    }

    /// Holds, or resumes, by UPDATE.
    pub fn update(&mut self, id: DialogId, direction: Direction) {
        self.tell(usize::from(id.phone), |phone, now| phone.update(now.mono, id, direction));
    }

    /// Sends a re-INVITE without an offer, as some phones do to refresh a call.
    pub fn ask_for_offer(&mut self, id: DialogId) {
        self.tell(usize::from(id.phone), |phone, now| phone.ask_for_offer(now.mono, id));
    }

    /// Transfers the other side of a call to a number.
    pub fn transfer(&mut self, id: DialogId, transferee: DialogId, number: &str) {
        self.let_go(transferee);
        self.tell(usize::from(id.phone), |phone, now| phone.transfer(now.mono, id, number));
    }

    /// Transfers the other side of a call to that of another call of the same phone.
    pub fn transfer_to_call(&mut self, id: DialogId, other: DialogId) {
        self.tell(usize::from(id.phone), |phone, now| phone.transfer_to_call(now.mono, id, other));
    }

    /// From now on this end may be left alone by its other side: it is being transferred.
    pub fn let_go(&mut self, id: DialogId) {
        self.let_go.insert(id);
    }

    /// A transfer may connect these two.
    pub fn may_connect(&mut self, one: DialogId, other: DialogId) {
        self.let_go(one);
        self.let_go(other);
        self.connected.extend([(one, other), (other, one)]);
    }

    /// Presses a key.
    pub fn press(&mut self, id: DialogId, key: char) {
        self.tell(usize::from(id.phone), |phone, _| phone.press(id, key));
    }

    /// Puts up a lamp at a phone that shows an extension's calls.
    pub fn watch(&mut self, phone: usize, number: &str) {
        self.tell(phone, |phone, now| phone.watch(now.mono, number));
    }

    /// What a phone's lamp shows.
    pub fn lamp(&self, phone: usize) -> crate::phone::Lamp {
        self.phones[phone].lamp.as_ref().map_or(crate::phone::Lamp::Unknown, |watch| watch.lamp)
    }

    /// Gives the server a command.
    pub fn command(&mut self, command: Command) {
        let now = self.now();
        self.server().command(now, command);
        self.settle_server();
    }

    /// Another configuration takes effect.
    pub fn configure(&mut self, office: Office) {
        self.directory = office.directory();
        self.office = office;
        self.command(Command::Directory(self.directory.clone()));
    }

    /// The office as it is configured.
    pub fn office(&self) -> Office {
        self.office.clone()
    }

    /// Somebody with bad intentions connects.
    pub fn attacker(&mut self) -> usize {
        let number = self.attackers.len();
        let ip = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 66 + number as u8));
        let host = self.network.connect(ip, None);
        self.hosts.push(Who::Attacker(number));
        self.host_of_attacker.push(host);
        let entropy = self.entropy.fork();
        self.attackers.push(Attacker::new(SocketAddr::new(ip, 5060), entropy));
        number
    }

    /// Somebody with bad intentions who sits behind the router of a phone, and so shares its address.
    pub fn attacker_beside(&mut self, phone: usize) -> usize {
        let attacker = self.attacker();
        let nat = self.network.link(self.host_of_phone[phone]).nat;
        self.network.link(self.host_of_attacker[attacker]).nat = nat;
        attacker
    }

    /// An attacker sends a datagram, to the server's SIP port or anywhere else.
    pub fn attack(&mut self, attacker: usize, to: SocketAddr, bytes: Bytes) {
        let (host, from) = (self.host_of_attacker[attacker], self.attackers[attacker].address);
        self.send_datagram(host, from, to, bytes);
    }

    /// An attacker answers the oldest challenge it was given; nothing, if there is none. Wrong answers are noted, to be held
    /// against what the guard does.
    pub fn guess(&mut self, attacker: usize, username: &str, password: &str) {
        let Some(bytes) = self.attackers[attacker].answer(username, password) else { return };
        if password != crate::office::password(username) {
            let ip = self.attackers[attacker].address.ip();
            let source = self.network.source_of(self.host_of_attacker[attacker], ip);
            let now = self.clock.now().mono;
            self.guesses.entry(source).or_default().push(now);
        }
        self.attack(attacker, SERVER_V4, bytes);
    }

    /// The same, with a source that is not the attacker's.
    pub fn attack_as(&mut self, attacker: usize, from: SocketAddr, bytes: Bytes) {
        let host = self.host_of_attacker[attacker];
        self.send_datagram(host, from, SERVER_V4, bytes);
    }

    /// The link of a phone.
    pub fn link(&mut self, phone: usize) -> &mut crate::network::Link {
        self.network.link(self.host_of_phone[phone])
    }

    /// A phone's router forgets its mappings, those of whoever else is behind it too; connections break.
    pub fn rebind(&mut self, phone: usize) {
        let Some(nat) = self.network.link(self.host_of_phone[phone]).nat else { return };
        self.network.rebind(nat);
        for phone in 0..self.phones.len() {
            let host = self.host_of_phone[phone];
            if self.network.link(host).nat == Some(nat) {
                self.excuse(host);
                self.rebound.insert(phone, self.clock.now().mono);
                self.break_stream(phone);
            }
        }
    }

    /// A phone's router gives its signalling another port, and leaves its media alone.
    pub fn rebind_signalling(&mut self, phone: usize) {
        let (host, inside) = (self.host_of_phone[phone], self.phones[phone].address);
        self.excuse(host);
        if let Some(nat) = self.network.link(host).nat {
            self.network.forget(nat, inside);
        }
    }

    /// The router of a phone forgets mappings over which nothing has passed for this long.
    pub fn give_router_memory(&mut self, phone: usize, memory: Duration) {
        if let Some(nat) = self.network.link(self.host_of_phone[phone]).nat {
            self.network.set_memory(nat, memory);
        }
    }

    /// A call, running or over.
    ///
    /// # Panics
    /// There never was one of this name.
    pub fn dialog(&self, id: DialogId) -> &Dialog {
        self.find(id).expect("a call that there is or was")
    }

    /// The call that rings at a phone.
    pub fn ringing(&self, phone: usize) -> Option<DialogId> {
        let mut running = self.phones[phone].running();
        running
            .find(|dialog| dialog.stage == Stage::Ringing && dialog.role == crate::phone::Role::Callee)
            .map(|d| d.id)
    }

    /// Time passes.
    ///
    /// # Panics
    /// Something must not have happened.
    pub fn run(&mut self, span: Duration) {
        if let Err(failure) = self.pass(span) {
            panic!("{failure}");
        }
    }

    /// Time passes until `done`.
    ///
    /// # Panics
    /// Something must not have happened, or `done` did not come in time.
    pub fn wait(&mut self, what: &str, limit: Duration, done: impl FnMut(&World) -> bool) {
        match self.pass_until(limit, done) {
            Ok(true) => {}
            Ok(false) => {
                self.fail(format!("waited in vain for {limit:?} until {what}"));
                panic!("{:?}", self.failure);
            }
            Err(failure) => panic!("{failure}"),
        }
    }

    /// Waits until a phone rings; the call there.
    pub fn wait_ringing(&mut self, phone: usize) -> DialogId {
        self.wait("the phone rings", secs(5), |world| world.ringing(phone).is_some());
        self.ringing(phone).expect("it rings")
    }

    /// Waits until a call is at this stage.
    pub fn wait_stage(&mut self, id: DialogId, stage: Stage) {
        self.wait(&format!("{id} is {stage:?}"), secs(70), |world| world.dialog(id).stage == stage);
    }

    /// Calls, rings, answers, talks: the usual beginning. The two ends.
    pub fn connect_call(&mut self, from: usize, number: &str, to: usize) -> (DialogId, DialogId) {
        let caller = self.call(from, number);
        let callee = self.wait_ringing(to);
        self.answer(callee);
        self.wait_stage(caller, Stage::Answered);
        self.run(secs(2));
        (caller, callee)
    }

    /// Packets that `listener` heard of `speaker`.
    pub fn heard(&self, listener: DialogId, speaker: DialogId) -> u32 {
        self.dialog(listener).sound.heard.get(&speaker).map_or(0, |heard| heard.packets)
    }

    /// Lets two talk for a while; how many packets each heard of the other.
    pub fn talk(&mut self, one: DialogId, other: DialogId, span: Duration) -> (u32, u32) {
        let before = (self.heard(one, other), self.heard(other, one));
        self.run(span);
        (self.heard(one, other) - before.0, self.heard(other, one) - before.1)
    }

    /// Whether two hear each other now.
    ///
    /// # Panics
    /// They don't.
    pub fn assert_talking(&mut self, one: DialogId, other: DialogId) {
        let (first, second) = self.talk(one, other, secs(2));
        assert!(first > 5 && second > 5, "{one} heard {first} packets, {other} heard {second}");
    }

    /// A datagram or stream message that begins like this, toward the server or a phone, meets this fate, `times`
    /// times.
    pub fn script(&mut self, toward_server: bool, start: &'static str, fate: Fate, mut times: u32) {
        self.network.rule(Box::new(move |toward, bytes| {
            let hit = times > 0 && (toward == Toward::Server) == toward_server && begins(bytes, start);
            times -= u32::from(hit);
            hit.then_some(fate)
        }));
    }

    /// Everything comes to rest: the records of all calls, and the certainty that nothing is left.
    ///
    /// # Panics
    /// Something must not have happened, or is left.
    pub fn finish(&mut self) -> Vec<CallRecord> {
        self.run(QUIET);
        if let Err(failure) = self.check_quiet() {
            panic!("{failure}");
        }
        self.history()
    }

    /// Call history so far.
    pub fn history(&mut self) -> Vec<CallRecord> {
        let now = self.now().mono;
        self.store.history(now)
    }
}

/// Whether a message begins like this; `200 INVITE` means a response of that status and method.
fn begins(bytes: &[u8], start: &str) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match start.split_once(' ') {
        Some((status, method)) if status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit()) => {
            let right = text.starts_with(&format!("SIP/2.0 {status} "));
            let cseq = text.lines().find_map(|line| line.strip_prefix("CSeq:"));
            right && cseq.is_some_and(|cseq| cseq.trim().ends_with(method))
        }
        _ => text.starts_with(start),
    }
}
