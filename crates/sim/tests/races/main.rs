//! The race conditions of RFC 5407, each with the exchange at both ends of them: it is the callee of one phone and the
//! caller of the other. Each is played on a good network, on one that doubles and overtakes, on one that loses as well,
//! and over connections; that the race really comes about is looked at on the good one.
//!
//! | RFC 5407 | what crosses | scenario |
//! |---|---|---|
//! | 3.1.1 | INVITE again, in Preparative, Early, Moratorium, Established and Mortal | `moratorium::an_invite_that_comes_again_..` |
//! | 3.1.2 | CANCEL and 200 | `moratorium::a_cancel_that_meets_the_answer_..` |
//! | 3.1.3 | BYE in the early dialog and 200 | `moratorium::a_bye_in_the_early_dialog_that_meets_the_answer_..` |
//! | 3.1.4 | re-INVITE before the ACK, offer in the INVITE | `moratorium::a_re_invite_that_overtakes_the_ack_..` |
//! | 3.1.5 | re-INVITE before the ACK, offer in the 200 | `others::a_late_answer_that_a_re_invite_overtakes_..` |
//! | 3.1.6 | BYE before the ACK | `moratorium::a_bye_that_overtakes_the_ack_..` |
//! | 3.2.1 | BYE and BYE | `mortal::both_hang_up_at_once` |
//! | 3.2.2 | BYE and re-INVITE | `mortal::a_re_invite_that_meets_bye_..` |
//! | 3.2.3 | BYE and 200 of a re-INVITE | `mortal::an_answer_to_a_re_invite_that_comes_after_bye_..` |
//! | 3.2.4 | BYE and ACK | `mortal::an_ack_that_comes_after_bye_..` |
//! | 3.3.1 | re-INVITE and re-INVITE | `crossing::two_re_invites_..` |
//! | 3.3.2 | UPDATE and re-INVITE (and UPDATE, and BYE) | `others::an_update_that_meets_..` |
//! | 3.3.3 | REFER and re-INVITE (and UPDATE, and BYE) | `others::a_refer_that_meets_..` |
//! | A | BYE instead of CANCEL | `moratorium::a_bye_in_the_early_dialog_gives_the_call_up` |
//! | B | BYE while a re-INVITE is open | `mortal::a_bye_while_a_re_invite_is_open_..` |
//! | C | CANCEL before anything was heard | `crossing::a_call_given_up_before_anything_was_heard_..` |
//! | D, E | 200 under another tag; two phones that answer at once | `crossing::two_answers_..` |

mod crossing;
mod moratorium;
mod mortal;
mod others;

use model::Transport;
use sim::{DialogId, Faults, Habits, Office, Plan, Stage, World, millis, secs};

/// What lies between the phones and the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    Good,
    Doubling,
    Losing,
    Connections,
}

const ALL: [Network; 4] = [Network::Good, Network::Doubling, Network::Losing, Network::Connections];

/// A world in which 101 and 102 are registered.
struct Stand {
    world: World,
    network: Network,
    alice: usize,
    bob: usize,
}

impl Stand {
    fn new(seed: u64, network: Network, habits: Habits) -> Stand {
        let mut world = World::new(seed, Office::of(&["101", "102", "103"]));
        let transport = if network == Network::Connections { Transport::Tcp } else { Transport::Udp };
        let plan = |habits| Plan { transport, habits, ..Plan::default() };
        let alice = world.phone("101", plan(Habits::default()));
        let bob = world.phone("102", plan(habits));
        world.wait_registered();
        let faults = match network {
            Network::Good => Faults::NONE,
            Network::Connections => Faults { delay: millis(15), ..Faults::NONE },
            Network::Doubling => {
                Faults { doubled: 200, overtaken: 150, delay: millis(5), jitter: millis(30), loss: 0 }
            }
            Network::Losing => Faults { doubled: 80, overtaken: 80, loss: 100, ..Faults::BAD },
        };
        for phone in [alice, bob] {
            world.link(phone).faults = faults;
        }
        Stand { world, network, alice, bob }
    }

    /// Whether what the scenario wrote happens and nothing besides.
    fn is_good(&self) -> bool {
        self.network == Network::Good
    }

    fn ring(&mut self) -> (DialogId, DialogId) {
        let (alice, bob) = (self.alice, self.bob);
        let caller = self.world.call(alice, "102");
        self.world.wait("the phone rings", secs(25), |world| world.ringing(bob).is_some());
        let callee = self.world.ringing(bob).expect("it rings");
        self.world
            .wait("the caller hears it", secs(25), |world| world.dialog(caller).stage != Stage::Calling);
        (caller, callee)
    }

    fn talk(&mut self) -> (DialogId, DialogId) {
        let (caller, callee) = self.ring();
        self.world.answer(callee);
        self.world.wait_stage(caller, Stage::Answered);
        self.world.wait("the answer is acknowledged", secs(25), |world| world.dialog(callee).acknowledged);
        self.world.run(secs(5));
        (caller, callee)
    }

    /// Both hear each other.
    fn assert_talking(&mut self, (caller, callee): (DialogId, DialogId)) {
        let (one, other) = self.world.talk(caller, callee, secs(4));
        assert!(one > 10 && other > 10, "{:?}: {caller} heard {one}, {callee} {other}", self.network);
    }

    /// Neither side has the call any more.
    fn wait_over(&mut self, ends: (DialogId, DialogId)) {
        self.world.wait("both ends are over", secs(70), |world| {
            world.dialog(ends.0).is_over() && world.dialog(ends.1).is_over()
        });
    }

    /// Nothing is left, and there is one record of each call.
    fn finish(mut self, calls: usize) -> Vec<model::record::CallRecord> {
        let records = self.world.finish();
        assert_eq!(records.len(), calls, "{:?}: {records:?}", self.network);
        records
    }
}

/// Plays a scenario on every network, from several seeds.
fn everywhere(scenario: impl Fn(Stand)) {
    everywhere_with(&Habits::default(), scenario);
}

/// The same, with a callee of these habits.
fn everywhere_with(habits: &Habits, scenario: impl Fn(Stand)) {
    for network in ALL {
        for seed in 1..=3 {
            scenario(Stand::new(seed, network, habits.clone()));
        }
    }
}
