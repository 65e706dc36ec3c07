//! The lock on outgoing calls (SPEC R4.11). The outside line is a phone of extension 700, in the place that trunks will have.

use calls::Command;
use model::directory::Errand;
use model::lock::Outgoing;
use model::record::{CallResult, Direction};
use sim::{Answering, Ending, Office, Stage, World, secs};

fn office() -> Office {
    Office::of(&["101", "102", "700"]).way_out("112", Errand::Emergency, "700").way_out(
        "0",
        Errand::Ordinary,
        "700",
    )
}

/// Dials, and waits until it is refused.
fn refused(world: &mut World, phone: usize, number: &str) {
    let call = world.call(phone, number);
    world.wait("it is refused", secs(3), |world| world.dialog(call).is_over());
    assert_eq!(world.dialog(call).stage, Stage::Ended(Ending::Refused(403)));
}

#[test]
fn while_locked_outgoing_calls_are_refused_and_noted_as_locked() {
    let mut world = World::new(1, office());
    let [alice, line] = world.phones(["101", "700"]);
    world.command(Command::Outgoing(Outgoing::Locked));
    refused(&mut world, alice, "0905123456");
    assert_eq!(world.phones[line].invited, 0);
    world.command(Command::Outgoing(Outgoing::Open));
    let (caller, callee) = world.connect_call(alice, "0905123456", line);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    let records = world.finish();
    assert_eq!(records[0].result, Some(CallResult::Locked));
    assert_eq!(
        (records[0].direction, records[0].reason.as_str()),
        (Direction::Outgoing, "outgoing calls are locked")
    );
    assert_eq!((records[1].result, records[1].direction), (Some(CallResult::Answered), Direction::Outgoing));
    assert_eq!((records[1].to.as_str(), records[1].route.as_str()), ("0905123456", "700"));
}

#[test]
fn internal_incoming_and_emergency_calls_pass_while_locked() {
    let mut world = World::new(2, office());
    let [alice, bob, line] = world.phones(["101", "102", "700"]);
    world.command(Command::Outgoing(Outgoing::Locked));
    for (from, number, to) in [(alice, "102", bob), (line, "101", alice), (alice, "112", line)] {
        let (caller, callee) = world.connect_call(from, number, to);
        world.assert_talking(caller, callee);
        world.hang_up(caller);
    }
    let records = world.finish();
    assert!(records.iter().all(|record| record.result == Some(CallResult::Answered)), "{records:?}");
    let directions: Vec<_> = records.iter().map(|record| record.direction).collect();
    assert_eq!(directions, [Direction::Internal, Direction::Internal, Direction::Outgoing]);
}

#[test]
fn no_forwarding_gets_round_the_lock() {
    for (seed, office) in [
        (3, office().forward_always("102", "0905123456")),
        (4, office().forward_unreachable("102", "0905123456")),
        (5, office().do_not_disturb("102").forward_busy("102", "0905123456")),
    ] {
        let mut world = World::new(seed, office);
        let [alice, line] = world.phones(["101", "700"]);
        world.command(Command::Outgoing(Outgoing::Locked));
        refused(&mut world, alice, "102");
        assert_eq!(world.phones[line].invited, 0);
        assert_eq!(world.finish()[0].result, Some(CallResult::Locked));
    }
}

#[test]
fn no_phone_that_sends_calls_on_gets_round_the_lock() {
    let mut world = World::new(6, office().forward_busy("102", "0905123456"));
    let [alice, bob, line] = world.phones(["101", "102", "700"]);
    world.phones[bob].habits.answering = Answering::Refuses(486);
    world.command(Command::Outgoing(Outgoing::Locked));
    refused(&mut world, alice, "102");
    assert_eq!(world.phones[line].invited, 0);
    assert_eq!(world.finish()[0].result, Some(CallResult::Locked));
}

#[test]
fn a_transfer_does_not_get_round_the_lock_and_the_call_goes_on() {
    let mut world = World::new(7, office());
    let [alice, bob, line] = world.phones(["101", "102", "700"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.command(Command::Outgoing(Outgoing::Locked));
    world.transfer(caller, callee, "0905123456");
    world.wait("the transfer fails", secs(5), |world| world.dialog(caller).referred.over);
    assert_eq!(world.phones[line].invited, 0);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    let records = world.finish();
    assert!(records.iter().any(|record| record.result == Some(CallResult::Locked)), "{records:?}");
}

#[test]
fn a_call_that_has_left_the_house_goes_on_when_the_lock_is_set() {
    let mut world = World::new(8, office());
    let [alice, line] = world.phones(["101", "700"]);
    let (caller, callee) = world.connect_call(alice, "0905123456", line);
    world.command(Command::Outgoing(Outgoing::Locked));
    world.run(secs(2));
    world.assert_talking(caller, callee);
    world.hang_up(callee);
    assert_eq!(world.finish()[0].result, Some(CallResult::Answered));
}

#[test]
fn a_number_without_a_way_out_is_unknown_locked_or_not() {
    let mut world = World::new(9, office());
    let [alice] = world.phones(["101"]);
    world.command(Command::Outgoing(Outgoing::Locked));
    let call = world.call(alice, "999");
    world.wait("it is refused", secs(3), |world| world.dialog(call).is_over());
    assert_eq!(world.dialog(call).stage, Stage::Ended(Ending::Refused(404)));
    assert_eq!(world.finish()[0].result, Some(CallResult::Failed));
}
