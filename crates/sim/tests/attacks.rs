//! People without a password: they call nobody, end nothing, are heard by nobody.

use bytes::Bytes;
use model::event;
use sim::{Ending, Office, Place, Plan, SERVER_V4, Stage, World, millis, secs};
use wire::sip::Message;

fn office() -> Office {
    Office::of(&["101", "102", "103"])
}

#[test]
fn a_call_without_a_password_reaches_nobody_and_leaves_no_record() {
    let mut world = World::new(1, office());
    let [_, bob] = world.phones(["101", "102"]);
    let mallory = world.attacker();
    for number in ["102", "101", "999"] {
        let invite = world.attackers[mallory].invite("101", number);
        world.attack(mallory, SERVER_V4, invite);
    }
    world.run(secs(5));
    assert_eq!(world.phones[bob].invited, 0);
    assert!(world.attackers[mallory].statuses.iter().all(|status| *status == 401));
    assert!(world.attackers[mallory].statuses.len() >= 3);
    assert!(world.finish().is_empty());
}

#[test]
fn a_guessed_password_is_refused_and_logged() {
    let mut world = World::new(2, office());
    let guesser = world.phone("101", Plan::default());
    world.crash(guesser);
    world.phones[guesser].account.password = "12345".into();
    world.power_on(guesser);
    world.run(secs(2));
    let now = world.now();
    assert!(!world.phones[guesser].is_registered(now.mono));
    assert!(world.server().logged(&event::AUTHENTICATION_FAILED) > 0);
    let call = world.call(guesser, "102");
    world.wait("it is refused", secs(3), |world| world.dialog(call).is_over());
    assert!(world.finish().is_empty());
}

#[test]
fn an_overheard_call_sent_again_from_elsewhere_is_asked_for_a_password() {
    let mut world = World::new(3, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    let mallory = world.attacker();
    let overheard = Message::parse(world.overheard().expect("a call with credentials")).expect("SIP");
    let replayed = world.attackers[mallory].replay(&overheard);
    world.attack(mallory, SERVER_V4, replayed);
    world.attack(mallory, SERVER_V4, overheard.bytes().clone());
    world.run(secs(2));
    assert_eq!(world.phones[bob].invited, 1);
    assert!(world.attackers[mallory].statuses.iter().all(|status| *status >= 400));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn a_bye_from_elsewhere_ends_nothing() {
    let mut world = World::new(4, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    let mallory = world.attacker();
    for id in [caller, callee] {
        let (call_id, from, to, target) = world.dialog(id).overheard();
        let bye = world.attackers[mallory].bye(&call_id, &from, &to, &target);
        world.attack(mallory, SERVER_V4, bye);
    }
    world.run(secs(2));
    assert!(world.attackers[mallory].statuses.iter().all(|status| matches!(status, 401 | 407 | 481)));
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_refer_from_elsewhere_or_outside_a_call_transfers_nobody() {
    let mut world = World::new(31, office());
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    let mallory = world.attacker();
    let (call_id, from, to, target) = world.dialog(caller).overheard();
    let untagged = to.split(";tag=").next().unwrap_or_default();
    let unknown = format!("{untagged};tag=0123456789abcdef");
    for to in [to.as_str(), &unknown, untagged] {
        let refer = world.attackers[mallory].refer((&call_id, &from, to, &target), "103");
        world.attack(mallory, SERVER_V4, refer);
    }
    world.run(secs(2));
    assert_eq!(world.attackers[mallory].statuses, [401, 481, 403]);
    assert_eq!(world.server().logged(&event::FOREIGN_DIALOG), 1);
    assert_eq!(world.server().logged(&event::TRANSFER_REFUSED), 2);
    assert_eq!(world.phones[carol].invited, 0);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn media_from_a_stranger_is_heard_by_nobody() {
    let mut world = World::new(5, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let mallory = world.attacker();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    for sequence in 0..40 {
        for port in (10_000..11_000).step_by(2) {
            let mut to = SERVER_V4;
            to.set_port(port);
            if world.server().has_socket(to) {
                let voice = world.attackers[mallory].voice(sequence);
                world.attack(mallory, to, voice);
            }
        }
        world.run(millis(20));
    }
    world.assert_talking(caller, callee);
    assert!(world.server().dropped(media::Why::ForeignSource) > 0);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn media_from_a_stranger_before_the_first_packet_of_a_nat_phone_is_heard_by_nobody() {
    let mut world = World::new(6, office().nat("102"));
    let alice = world.phone("101", Plan::default());
    let bob = world.phone("102", Plan { place: Place::BehindNat, ..Plan::default() });
    let mallory = world.attacker();
    world.wait_registered();
    world.phones[bob].habits.speechless = true;
    let caller = world.call(alice, "102");
    let callee = world.wait_ringing(bob);
    world.answer(callee);
    for sequence in 0..40 {
        for port in (10_000..11_000).step_by(2) {
            let mut to = SERVER_V4;
            to.set_port(port);
            let voice = world.attackers[mallory].voice(sequence);
            if world.server().has_socket(to) {
                world.attack(mallory, to, voice);
            }
        }
        world.run(millis(20));
    }
    assert_eq!(world.attackers[mallory].requests, 0, "no media goes to a stranger");
    world.hang_up(caller);
    world.finish();
}

#[test]
fn garbage_harms_nobody() {
    let mut world = World::new(7, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let mallory = world.attacker();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    for _ in 0..2_000 {
        let garbage = world.attackers[mallory].garbage();
        world.attack(mallory, SERVER_V4, garbage);
        world.run(millis(5));
    }
    for odd in [&b""[..], b"\0", b"\r\n\r\n", b"INVITE", b"SIP/2.0 200 OK\r\n\r\n"] {
        world.attack(mallory, SERVER_V4, Bytes::from_static(odd));
    }
    world.assert_talking(caller, callee);
    assert!(world.attackers[mallory].statuses.iter().all(|status| *status >= 400));
    world.hang_up(caller);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn a_flood_without_passwords_leaves_calls_alone_and_nothing_behind() {
    let mut world = World::new(8, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let mallory = world.attacker();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    for _ in 0..5_000 {
        let invite = world.attackers[mallory].invite("101", "102");
        world.attack(mallory, SERVER_V4, invite);
    }
    world.assert_talking(caller, callee);
    let held = world.server().held();
    assert!(held.transactions < 20, "{held:?}");
    assert!(world.attackers[mallory].statuses.len() < 2_000, "the surplus is not answered");
    assert!(world.server().logged(&event::CHALLENGES_LIMITED) > 0);
    world.hang_up(caller);
    assert_eq!(world.finish().len(), 1);
}

#[test]
fn a_line_that_gets_another_password_is_forgotten_and_its_phone_refused() {
    let mut world = World::new(9, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let changed = world.office().password("102", "another one");
    world.configure(changed);
    let now = world.now();
    assert_eq!(world.server().exchange.registrations(now).len(), 1);
    let caller = world.call(alice, "102");
    world.wait_stage(caller, Stage::Ended(Ending::Refused(480)));
    let call = world.call(bob, "101");
    world.wait_stage(call, Stage::Ended(Ending::Refused(403)));
    assert_eq!(world.finish().len(), 1);
}

/// 10,000 requests in dialogs that there are none of, over two seconds.
fn flood_with_strays(world: &mut World, mallory: usize, from: std::net::SocketAddr) {
    for round in 0..2_000 {
        for method in ["BYE", "CANCEL", "INVITE", "INFO", "ACK"] {
            let stray = world.attackers[mallory].stray(method);
            world.attack_as(mallory, from, stray);
        }
        if round % 10 == 0 {
            world.run(millis(10));
        }
    }
}

#[test]
fn a_flood_of_forged_requests_in_calls_that_there_are_none_of_is_answered_as_far_as_its_bucket_goes() {
    let mut world = World::new(10, office());
    let [alice, bob, carol] = world.phones(["101", "102", "103"]);
    let mallory = world.attacker();
    let (caller, callee) = world.connect_call(alice, "102", bob);
    let from = world.attackers[mallory].address;
    flood_with_strays(&mut world, mallory, from);
    assert!(world.attackers[mallory].statuses.iter().all(|status| *status == 481));
    let answered = world.attackers[mallory].statuses.len();
    assert!((100..200).contains(&answered), "{answered}");
    assert!(world.server().logged(&event::STRAYS_LIMITED) > 0);
    assert!(world.server().held().transactions < 20);
    world.assert_talking(caller, callee);
    let other = world.call(carol, "999");
    world.wait_stage(other, Stage::Ended(Ending::Refused(404)));
    world.hang_up(callee);
    world.wait_stage(caller, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 2);
}

#[test]
fn a_flood_of_forged_requests_in_the_name_of_a_phone_does_not_keep_it_from_calling() {
    let mut world = World::new(11, office());
    let [alice, bob] = world.phones(["101", "102"]);
    let mallory = world.attacker();
    let phone = world.phones[alice].address;
    flood_with_strays(&mut world, mallory, phone);
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.wait_stage(callee, Stage::Ended(Ending::PeerHungUp));
    assert_eq!(world.finish().len(), 1);
}
