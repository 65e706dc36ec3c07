//! Guessers of every kind against the exchange. Two things are checked after each step by the world itself: nobody is
//! blocked who has not failed often enough, and nothing from a blocked address is parsed.

use model::event;
use sim::{Office, Place, Plan, SERVER_V4, World, millis, office, secs};

fn numbers() -> Office {
    Office::of(&["101", "102", "103", "104"])
}

/// A guess over UDP: asks, hears the challenge, answers it.
fn guess(world: &mut World, guesser: usize, username: &str, password: &str) {
    let ask = world.attackers[guesser].ask(username);
    world.attack(guesser, SERVER_V4, ask);
    world.run(millis(20));
    world.guess(guesser, username, password);
    world.run(millis(20));
}

fn blocked(world: &mut World) -> usize {
    world.server().exchange.blocked()
}

#[test]
fn guessers_of_every_kind_are_blocked_and_phones_go_on() {
    for seed in 0..20 {
        let mut world = World::new(seed, numbers());
        let [alice, bob] = world.phones(["101", "102"]);
        let (caller, callee) = world.connect_call(alice, "102", bob);
        let guessers: Vec<usize> = (0..4).map(|_| world.attacker()).collect();
        for round in 0..30 {
            for &guesser in &guessers {
                // One guesses, one sprays, one has an account of his own, one pauses.
                match guesser % 4 {
                    0 => guess(&mut world, guesser, "103", &format!("guess-{round}")),
                    1 => guess(&mut world, guesser, &format!("90{round}"), "1234"),
                    2 if round % 2 == 0 => guess(&mut world, guesser, "104", &office::password("104")),
                    2 => guess(&mut world, guesser, "103", &format!("guess-{round}")),
                    _ if round % 5 == 0 => guess(&mut world, guesser, "103", &format!("guess-{round}")),
                    _ => world.run(secs(1)),
                }
            }
        }
        assert_eq!(blocked(&mut world), 4, "seed {seed}");
        // Where somebody had signed in, the account is refused.
        let logged =
            [&event::ADDRESS_BLOCKED, &event::ACCOUNT_REFUSED].map(|kind| world.server().logged(kind));
        assert_eq!(logged, [3, 1], "seed {seed}");
        assert!(world.server().denied > 0);
        world.assert_talking(caller, callee);
        world.hang_up(caller);
        world.finish();
    }
}

#[test]
fn guesses_all_at_once_outrun_no_count() {
    let mut world = World::new(40, numbers());
    let guesser = world.attacker();
    for _ in 0..40 {
        let ask = world.attackers[guesser].ask("101");
        world.attack(guesser, SERVER_V4, ask);
    }
    world.run(secs(1));
    for number in 0..40 {
        world.guess(guesser, "101", &format!("guess-{number}"));
    }
    world.run(secs(1));
    assert_eq!(world.server().logged(&event::AUTHENTICATION_FAILED), 5);
    let refused = world.attackers[guesser].statuses.iter().filter(|status| **status == 403).count();
    assert_eq!((refused, blocked(&mut world)), (5, 1));
}

#[test]
fn forged_sources_and_borrowed_nonces_block_nobody() {
    let mut world = World::new(41, numbers());
    let [alice, bob] = world.phones(["101", "102"]);
    let mallory = world.attacker();
    for number in 0..40 {
        let ask = world.attackers[mallory].ask("101");
        world.attack(mallory, SERVER_V4, ask);
        world.run(millis(20));
        // An answer to its own challenge, in the name of somebody else's address.
        let victim = world.phones[if number % 2 == 0 { alice } else { bob }].address;
        if let Some(wrong) = world.attackers[mallory].answer("101", &format!("guess-{number}")) {
            world.attack_as(mallory, victim, wrong);
        }
        let forged = world.attackers[mallory].register("101");
        world.attack_as(mallory, victim, forged.clone());
        world.attack(mallory, SERVER_V4, forged);
        world.run(millis(20));
    }
    assert_eq!((blocked(&mut world), world.server().logged(&event::AUTHENTICATION_FAILED)), (0, 0));
    let (caller, callee) = world.connect_call(alice, "102", bob);
    world.assert_talking(caller, callee);
    world.hang_up(caller);
    world.finish();
}

#[test]
fn a_guesser_beside_phones_blocks_their_address_only_when_a_third_account_fails() {
    let mut world = World::new(42, numbers());
    let alice = world.phone("101", Plan { place: Place::BehindNat, ..Plan::default() });
    world.wait_registered();
    let beside = world.attacker_beside(alice);
    for account in ["102", "103"] {
        for number in 0..8 {
            guess(&mut world, beside, account, &format!("guess-{number}"));
        }
    }
    assert_eq!(world.server().logged(&event::ACCOUNT_REFUSED), 2);
    assert_eq!(world.server().logged(&event::ADDRESS_BLOCKED), 0);
    for number in 0..5 {
        guess(&mut world, beside, "104", &format!("guess-{number}"));
    }
    assert_eq!(world.server().logged(&event::ADDRESS_BLOCKED), 1);
}

#[test]
fn a_block_holds_over_a_crash_and_ends_by_the_clock() {
    let mut world = World::new(43, numbers());
    let guesser = world.attacker();
    for number in 0..5 {
        guess(&mut world, guesser, "101", &format!("guess-{number}"));
    }
    assert_eq!(blocked(&mut world), 1);
    world.crash_server();
    world.run(secs(1));
    world.start_server();
    guess(&mut world, guesser, "101", &office::password("101"));
    assert_eq!((blocked(&mut world), world.server().denied), (1, 1));
    world.run(secs(1_800));
    assert_eq!(blocked(&mut world), 0);
    guess(&mut world, guesser, "101", &office::password("101"));
    assert_eq!(world.attackers[guesser].statuses.last(), Some(&200));
}
