//! Phones and servers that die, ports that run out, registrations that end.

use calls::Command;
use model::Transport;
use model::record::CallResult;
use sim::{Answering, Ending, Habits, Office, Place, Plan, Stage, World, secs};

fn office() -> Office {
    Office::of(&["101", "102", "103"])
}

fn tcp() -> Plan {
    Plan { place: Place::Inside, transport: Transport::Tcp, ..Plan::default() }
}

#[test]
fn a_phone_that_dies_while_it_rings_leaves_a_call_that_ends_with_the_ring_time() {
    let mut world = World::new(1, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call(alice, "102");
    world.wait_ringing(bob);
    world.crash(bob);
    world.wait_stage(caller, Stage::Ended(Ending::Refused(480)));
    let records = world.finish();
    assert_eq!((records.len(), records[0].result), (1, Some(CallResult::NoAnswer)));
}

#[test]
fn a_phone_that_dies_in_a_call_is_noticed_by_its_silence() {
    let mut world = World::new(2, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, _) = world.connect_call(alice, "102", bob);
    world.crash(bob);
    world.run(secs(8));
    assert_eq!(world.dialog(caller).stage, Stage::Answered);
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    let records = world.finish();
    assert_eq!(records[0].reason, "no media from 102 for 10 s");
    assert_eq!(records[0].result, Some(CallResult::Answered));
    assert_eq!(world.server().logged(&model::event::DEAD_MEDIA), 1);
}

#[test]
fn who_hangs_up_on_a_dead_phone_is_done_at_once() {
    let mut world = World::new(3, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, _) = world.connect_call(alice, "102", bob);
    world.crash(bob);
    world.hang_up(caller);
    world.run(secs(1));
    assert!(world.phones[alice].is_quiet() || world.dialog(caller).is_over());
    assert_eq!(world.finish()[0].reason, "101 hung up");
}

#[test]
fn a_caller_that_dies_before_the_answer_leaves_no_call_behind() {
    let mut world = World::new(4, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.crash(alice);
    world.answer(callee);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn a_phone_that_comes_back_after_its_death_calls_at_once() {
    let mut world = World::new(5, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (old, _) = world.connect_call(alice, "102", bob);
    world.crash(bob);
    world.run(secs(2));
    world.power_on(bob);
    world.wait_registered();
    let caller = world.call(bob, "103");
    world.wait("it is answered", secs(5), |world| world.dialog(caller).is_over());
    world.wait_stage(old, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 2);
}

#[test]
fn a_server_that_dies_in_a_call_closes_its_record_as_failed_and_phones_call_at_once_after() {
    let mut world = World::new(6, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.run(secs(3));
    world.crash_server();
    world.run(secs(1));
    world.start_server();
    let again = world.connect_call(alice, "102", bob);
    world.assert_talking(again.0, again.1);
    world.hang_up(again.0);
    world.hang_up(caller);
    world.hang_up(callee);
    let records = world.finish();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].result, Some(CallResult::Failed));
    assert_eq!(records[0].reason, "the server ended during the call");
    assert_eq!(records[1].result, Some(CallResult::Answered));
}

#[test]
fn a_call_that_the_server_has_forgotten_ends_when_a_phone_says_something_in_it() {
    let mut world = World::new(7, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.run(secs(2));
    world.crash_server();
    world.start_server();
    world.reoffer(caller, wire::sdp::Direction::Inactive);
    world.wait("the phone gives up", secs(40), |world| world.dialog(caller).is_over());
    world.hang_up(callee);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn a_phone_on_a_connection_is_unreachable_after_a_restart_until_it_is_back() {
    let mut world = World::new(8, office());
    let alice = world.phone("101", Plan::default());
    let bob = world.phone("102", tcp());
    world.wait_registered();
    world.run(secs(3));
    world.link(bob).down = true;
    world.crash_server();
    world.start_server();
    let now = world.now();
    let rows = world.server().exchange.registrations(now);
    let reachable = |line: &str| rows.iter().find(|row| row.line == line).map(|row| row.reachable);
    assert_eq!((reachable("101"), reachable("102")), (Some(true), Some(false)));
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(480)));
    world.link(bob).down = false;
    world.tell(bob, |phone, now| phone.register(now.mono));
    world.run(secs(10));
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_registration_of_the_last_second_may_be_lost_and_an_older_one_never() {
    let mut world = World::new(9, office());
    world.phones(["101", "102"]);
    world.run(secs(3));
    for _ in 0..3 {
        world.crash_server();
        world.start_server();
        let now = world.now();
        assert_eq!(world.server().exchange.registrations(now).len(), 2);
    }
}

#[test]
fn no_free_media_port_is_a_clean_503() {
    for limit in [0, 1] {
        let mut world = World::new(10, office());
        let [alice, bob] = world.phones(["101", "102"]);
        world.server().ports.limit = limit;
        let caller = world.call(alice, "102");
        world.wait_stage(caller, Stage::Ended(Ending::Refused(503)));
        assert_eq!(world.phones[bob].invited, 0);
        assert!(world.server().logged(&model::event::PORTS_EXHAUSTED) > 0);
        world.server().ports.limit = usize::MAX;
        let (caller, callee) = world.connect_call(alice, "102", bob);
        world.assert_talking(caller, callee);
        world.hang_up(caller);
        assert_eq!(world.finish().len(), 2);
    }
}

#[test]
fn ports_that_run_out_for_a_fork_leave_the_phones_that_have_one() {
    let mut world = World::new(11, office().line("102", "102-b"));
    let [alice, desk, soft] = world.phones(["101", "102", "102-b"]);
    world.server().ports.limit = 2;
    let caller = world.call(alice, "102");
    world.wait("one rings", secs(5), |world| world.ringing(desk).is_some() || world.ringing(soft).is_some());
    world.run(secs(1));
    let rings = [desk, soft].into_iter().filter_map(|phone| world.ringing(phone)).collect::<Vec<_>>();
    assert_eq!(rings.len(), 1);
    world.answer(rings[0]);
    world.wait_stage(caller, Stage::Answered);
    world.assert_talking(caller, rings[0]);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_registration_that_is_not_renewed_ends() {
    let mut world = World::new(12, office());
    let short = Habits { expires: secs(90), ..Habits::default() };
    let alice = world.phone("101", Plan::default());
    let bob = world.phone("102", Plan { habits: short, ..Plan::default() });
    world.wait_registered();
    world.crash(bob);
    world.run(secs(80));
    let now = world.now();
    assert_eq!(world.server().exchange.registrations(now).len(), 2);
    world.run(secs(15));
    let now = world.now();
    assert_eq!(world.server().exchange.registrations(now).len(), 1);
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(480)));
    world.finish();
}

#[test]
fn a_registration_that_is_renewed_lasts() {
    let mut world = World::new(13, office());
    let short = Plan { habits: Habits { expires: secs(90), ..Habits::default() }, ..Plan::default() };
    let (alice, bob) = (world.phone("101", short.clone()), world.phone("102", short));
    world.run(secs(3_000));
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn too_short_a_registration_is_told_the_shortest() {
    let mut world = World::new(14, office());
    let hasty = Habits { expires: secs(5), ..Habits::default() };
    let bob = world.phone("102", Plan { habits: hasty, ..Plan::default() });
    world.run(secs(2));
    let now = world.now().mono;
    assert!(world.phones[bob].is_registered(now));
    assert!(world.phones[bob].is_registered(now + secs(50)));
}

#[test]
fn a_phone_that_signs_off_is_not_called() {
    let mut world = World::new(15, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.tell(bob, |phone, now| phone.unregister(now.mono));
    world.run(secs(2));
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(480)));
    assert_eq!(world.phones[bob].invited, 0);
    world.finish();
}

#[test]
fn a_phone_that_moves_rings_at_its_new_address() {
    let mut world = World::new(16, office());
    let [alice, bob] = world.phones(["101", "102"]);
    world.move_phone(bob, "10.0.0.200");
    world.tell(bob, |phone, now| phone.register(now.mono));
    world.run(secs(1));
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.assert_talking(caller, callee);
    world.hang_up(callee);
    world.finish();
}

#[test]
fn credentials_given_without_being_asked_are_good_until_the_nonce_is_stale() {
    let mut world = World::new(17, office());
    let eager = Plan { habits: Habits { eager: true, ..Habits::default() }, ..Plan::default() };
    let (alice, bob) = (world.phone("101", eager), world.phone("102", Plan::default()));
    world.phones[bob].habits.answering = Answering::Refuses(486);
    world.wait_registered();
    for pause in [1, 1, 250, 400, 1] {
        world.run(secs(pause));
        let caller = world.call(alice, "102");
        world.wait_stage(caller, Stage::Ended(Ending::Refused(486)));
    }
    assert_eq!(world.finish().len(), 5);
    assert_eq!(world.server().logged(&model::event::AUTHENTICATION_FAILED), 0);
}

#[test]
fn a_wall_clock_that_jumps_ends_no_call_and_no_registration() {
    let mut world = World::new(18, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.set_wall_clock(86_400_000);
    world.run(secs(3));
    world.set_wall_clock(-172_800_000);
    world.assert_talking(caller, callee);
    let now = world.now();
    let rows = world.server().exchange.registrations(now);
    assert_eq!(rows.len(), 2);
    world.hang_up(caller);
    let records = world.finish();
    assert!((6.0..8.0).contains(&records[0].duration_s), "{}", records[0].duration_s);
    assert_eq!(world.phones[bob].invited, 1);
}

#[test]
fn a_server_that_drains_takes_no_new_call_and_lets_old_ones_talk_until_the_end() {
    let mut world = World::new(19, office());
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.command(Command::Drain);
    let refused = world.call(carol, "102");
    world.wait_stage(refused, Stage::Ended(Ending::Refused(503)));
    world.assert_talking(caller, callee);
    world.command(Command::EndAll);
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    let records = world.finish();
    assert_eq!(records[0].reason, "the server stopped");
}

#[test]
fn a_server_that_stops_while_a_phone_rings_stops_the_ringing() {
    let mut world = World::new(20, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.command(Command::EndAll);
    world.wait_stage(caller, Stage::Ended(Ending::Refused(503)));
    world.wait_stage(callee, Stage::Ended(Ending::Cancelled));
    assert_eq!(world.finish().len(), 1);
}
