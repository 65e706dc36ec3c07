use std::net::IpAddr;
use std::time::Duration;

use model::{Mono, Now, Wall};

use super::{Exists, Failure, Guessing, Judge, Known, KnownSource, Refused, Ruling, Scope, SignedIn};
use crate::AddressSet;

/// A moment, in seconds of the test.
fn at(seconds: u64) -> Now {
    Now {
        mono: Mono::ZERO + Duration::from_secs(100_000 + seconds),
        wall: Wall::from_millis(1_700_000_000_000 + i64::try_from(seconds).unwrap() * 1_000),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn judge(settings: Guessing) -> Judge {
    Judge::new(
        settings,
        AddressSet::of(["2001:db8:10::/48".parse().unwrap(), "192.168.0.0/16".parse().unwrap()]),
    )
}

struct Try<'a> {
    source: &'a str,
    account: &'a str,
    exists: Exists,
    signed_in: SignedIn,
}

fn stranger<'a>(source: &'a str, account: &'a str) -> Try<'a> {
    Try { source, account, exists: Exists::No, signed_in: SignedIn::Never }
}

fn phone<'a>(source: &'a str, account: &'a str) -> Try<'a> {
    Try { source, account, exists: Exists::Yes, signed_in: SignedIn::Before }
}

/// A wrong password, if one may be tried at all.
fn fail(judge: &mut Judge, seconds: u64, guess: &Try<'_>) -> Result<(), Refused> {
    let permit = judge.permit(at(seconds), ip(guess.source), guess.account)?;
    let failure = Failure {
        service: "sip",
        account: guess.account,
        exists: guess.exists,
        agent: "friendly-scanner",
        signed_in: guess.signed_in,
    };
    judge.failed(at(seconds), permit, failure);
    Ok(())
}

fn succeed(judge: &mut Judge, seconds: u64, source: &str, account: &str) -> Result<(), Refused> {
    let permit = judge.permit(at(seconds), ip(source), account)?;
    judge.succeeded(at(seconds), permit);
    Ok(())
}

#[test]
fn the_fifth_failure_blocks_and_neither_the_fourth_nor_a_success_between_changes_that() {
    let mut judge = judge(Guessing::default());
    for n in 0..4 {
        assert_eq!(fail(&mut judge, n, &stranger("198.51.100.7", "admin")), Ok(()));
        assert_eq!(succeed(&mut judge, n, "198.51.100.7", "101"), Ok(()));
        assert!(!judge.is_blocked(at(n).wall, ip("198.51.100.7")));
    }
    assert_eq!(fail(&mut judge, 4, &stranger("198.51.100.7", "admin")), Ok(()));
    assert!(judge.is_blocked(at(4).wall, ip("198.51.100.7")), "in force before anybody is answered");
    assert_eq!(
        succeed(&mut judge, 5, "198.51.100.7", "101"),
        Err(Refused::Address),
        "the right password too"
    );
    assert!(!judge.is_blocked(at(4).wall, ip("198.51.100.8")), "the neighbour");
    let blocks = judge.blocks(at(5).wall);
    let block = blocks.first().unwrap();
    assert_eq!((block.evidence.failures, block.shown().as_str()), (5, "198.51.100.7"));
    assert_eq!(block.until, Some(at(4 + 1_800).wall));
    assert!(
        block.sentence().contains("5 wrong passwords came from 198.51.100.7 within 5 minutes for admin"),
        "{}",
        block.sentence()
    );
}

#[test]
fn a_block_ends_by_the_wall_clock_and_the_count_begins_afresh() {
    let mut judge = judge(Guessing { block: Duration::from_secs(60), ..Guessing::default() });
    for n in 0..5 {
        assert_eq!(fail(&mut judge, n, &stranger("198.51.100.7", "a")), Ok(()));
    }
    assert_eq!(judge.wake(at(63)), Some(at(64).wall));
    assert!(judge.is_blocked(at(63).wall, ip("198.51.100.7")));
    assert_eq!(judge.wake(at(64)), None);
    assert!(!judge.is_blocked(at(64).wall, ip("198.51.100.7")));
    let lifts =
        std::iter::from_fn(|| judge.poll()).filter(|ruling| matches!(ruling, Ruling::Lift(_))).count();
    assert_eq!(lifts, 1);
    // Still within the period of the first five.
    for n in 65..69 {
        assert_eq!(fail(&mut judge, n, &stranger("198.51.100.7", "a")), Ok(()), "{n}");
    }
    assert!(!judge.is_blocked(at(69).wall, ip("198.51.100.7")));
    assert_eq!(fail(&mut judge, 69, &stranger("198.51.100.7", "a")), Ok(()));
    assert!(judge.is_blocked(at(69).wall, ip("198.51.100.7")));
}

#[test]
fn failures_older_than_the_period_are_forgotten() {
    let mut judge = judge(Guessing { slow: None, ..Guessing::default() });
    for n in 0..40 {
        assert_eq!(fail(&mut judge, n * 76, &stranger("198.51.100.7", "a")), Ok(()), "{n}");
    }
    assert!(!judge.is_blocked(at(40 * 76).wall, ip("198.51.100.7")), "four within any 300 seconds");
}

#[test]
fn a_patient_guesser_is_caught_by_the_slow_rule() {
    let mut judge = judge(Guessing::default());
    let mut blocked_at = None;
    for n in 0..150_u64 {
        if fail(&mut judge, n * 80, &stranger("198.51.100.7", "a")).is_err() {
            blocked_at = Some(n);
            break;
        }
    }
    assert_eq!(blocked_at, Some(100), "the hundredth within a day");
    assert!(judge.blocks(at(100 * 80).wall).first().unwrap().sentence().contains("100 wrong passwords"));
}

#[test]
fn parallel_guesses_never_outrun_the_count() {
    let mut judge = judge(Guessing::default());
    let permits: Vec<_> = (0..50).filter_map(|_| judge.permit(at(0), ip("198.51.100.7"), "a").ok()).collect();
    assert_eq!(permits.len(), 5);
    assert_eq!(judge.permit(at(0), ip("198.51.100.7"), "a"), Err(Refused::Pending));
    let guess = stranger("198.51.100.7", "a");
    for permit in permits {
        let failure = Failure {
            service: "console",
            account: guess.account,
            exists: guess.exists,
            agent: "",
            signed_in: guess.signed_in,
        };
        judge.failed(at(1), permit, failure);
    }
    assert!(judge.is_blocked(at(1).wall, ip("198.51.100.7")));
    // Permits of somebody who died in the middle are void after a while.
    for _ in 0..5 {
        let _ = judge.permit(at(10), ip("198.51.100.9"), "a").unwrap();
    }
    assert_eq!(judge.permit(at(39), ip("198.51.100.9"), "a"), Err(Refused::Pending));
    assert!(judge.permit(at(40), ip("198.51.100.9"), "a").is_ok());
}

#[test]
fn one_stale_phone_does_not_silence_the_office_behind_its_address() {
    let mut judge = judge(Guessing::default());
    for n in 0..5 {
        assert_eq!(fail(&mut judge, n, &phone("203.0.113.1", "117")), Ok(()));
    }
    assert_eq!(fail(&mut judge, 6, &phone("203.0.113.1", "117")), Err(Refused::Account));
    assert_eq!(
        succeed(&mut judge, 6, "203.0.113.1", "117"),
        Err(Refused::Account),
        "also with the right password"
    );
    assert_eq!(succeed(&mut judge, 6, "203.0.113.1", "118"), Ok(()));
    assert_eq!(succeed(&mut judge, 6, "203.0.113.2", "117"), Ok(()), "elsewhere it is nobody's business");
    let block = judge.blocks(at(6).wall).remove(0);
    assert_eq!(block.scope, Scope::Account("117".into()));
    assert!(block.sentence().contains("look for a device with an old password"), "{}", block.sentence());
    // Its failures have left the address's count: four of somebody else don't block.
    for n in 10..14 {
        assert_eq!(fail(&mut judge, n, &phone("203.0.113.1", "118")), Ok(()));
    }
    assert!(!judge.is_blocked(at(14).wall, ip("203.0.113.1")));
}

#[test]
fn a_third_account_blocks_the_address() {
    let mut judge = judge(Guessing::default());
    for (n, account) in ["117", "118", "119"].iter().enumerate() {
        for k in 0..5 {
            let seconds = u64::try_from(n).unwrap() * 10 + k;
            assert_eq!(fail(&mut judge, seconds, &phone("203.0.113.1", account)), Ok(()), "{account}");
        }
    }
    assert!(judge.is_blocked(at(30).wall, ip("203.0.113.1")));
    assert_eq!(judge.blocks(at(30).wall).len(), 3);
}

#[test]
fn failures_that_are_spread_over_accounts_or_for_nobody_block_a_known_address() {
    let mut spread = judge(Guessing::default());
    for (n, account) in ["117", "118", "117", "118", "117"].iter().enumerate() {
        assert_eq!(fail(&mut spread, u64::try_from(n).unwrap(), &phone("203.0.113.1", account)), Ok(()));
    }
    assert!(spread.is_blocked(at(5).wall, ip("203.0.113.1")));

    let mut unknown = judge(Guessing::default());
    for n in 0..5 {
        let guess = Try { exists: Exists::No, ..phone("203.0.113.1", "root") };
        assert_eq!(fail(&mut unknown, n, &guess), Ok(()));
    }
    assert!(unknown.is_blocked(at(5).wall, ip("203.0.113.1")));

    let mut strict = judge(Guessing { known: Known::Address, ..Guessing::default() });
    for n in 0..5 {
        assert_eq!(fail(&mut strict, n, &phone("203.0.113.1", "117")), Ok(()));
    }
    assert!(strict.is_blocked(at(5).wall, ip("203.0.113.1")));

    // Who signs in only after his first failure is no known address.
    let mut late = judge(Guessing::default());
    assert_eq!(
        fail(&mut late, 0, &Try { signed_in: SignedIn::Never, ..phone("203.0.113.1", "117") }),
        Ok(())
    );
    for n in 1..5 {
        assert_eq!(fail(&mut late, n, &phone("203.0.113.1", "117")), Ok(()));
    }
    assert!(late.is_blocked(at(5).wall, ip("203.0.113.1")));
}

#[test]
fn ipv6_counts_by_network_and_by_host_only_inside() {
    let mut outside = judge(Guessing::default());
    for n in 0..5_u64 {
        assert_eq!(fail(&mut outside, n, &stranger(&format!("2001:db8:99:1::{n}"), "a")), Ok(()));
    }
    assert!(outside.is_blocked(at(5).wall, ip("2001:db8:99:1:ffff::1")));
    assert!(!outside.is_blocked(at(5).wall, ip("2001:db8:99:2::1")));

    // Four from each /64, so that none is blocked: the /48 is at the fiftieth.
    let mut wide = judge(Guessing::default());
    let mut tried = 0;
    'all: for network in 0..20 {
        for host in 0..4 {
            if fail(&mut wide, tried, &stranger(&format!("2001:db8:77:{network:x}::{host}"), "a")).is_err() {
                break 'all;
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 50);
    assert!(wide.is_blocked(at(50).wall, ip("2001:db8:77:aaaa::1")));

    let mut inside = judge(Guessing::default());
    for n in 0..5_u64 {
        assert_eq!(fail(&mut inside, n, &stranger(&format!("2001:db8:10:1::{n}"), "a")), Ok(()));
        assert_eq!(fail(&mut inside, n, &stranger("fd00::5", "a")), Ok(()));
    }
    assert!(!inside.is_blocked(at(5).wall, ip("2001:db8:10:1::1")));
    assert!(inside.is_blocked(at(5).wall, ip("fd00::5")) && !inside.is_blocked(at(5).wall, ip("fd00::6")));
    // IPv4 in IPv6 is IPv4.
    for n in 0..5 {
        let source = if n % 2 == 0 { "::ffff:198.51.100.3" } else { "198.51.100.3" };
        assert_eq!(fail(&mut inside, n, &stranger(source, "a")), Ok(()));
    }
    assert!(inside.is_blocked(at(5).wall, ip("198.51.100.3")));
}

#[test]
fn the_trusted_are_never_blocked_and_blocks_by_hand_stay_until_lifted() {
    let trusted = AddressSet::of(["198.51.100.0/24".parse().unwrap()]);
    let mut judge = judge(Guessing { trusted, ..Guessing::default() });
    for n in 0..500 {
        assert_eq!(fail(&mut judge, n, &stranger("198.51.100.7", "a")), Ok(()));
    }
    assert!(judge.blocks(at(500).wall).is_empty());
    judge.block_by_hand(at(0), "203.0.113.0/24".parse().unwrap(), None, "alice", "scans us for weeks");
    assert!(judge.is_blocked(at(1_000_000).wall, ip("203.0.113.77")));
    assert!(
        judge
            .blocks(at(1).wall)
            .first()
            .unwrap()
            .sentence()
            .contains("alice blocked 203.0.113.0/24: scans us for weeks")
    );
    assert_eq!(judge.unblock(at(100), "203.0.113.77/32".parse().unwrap(), "anna"), 1);
    assert!(!judge.is_blocked(at(2).wall, ip("203.0.113.77")));
}

#[test]
fn unblock_sets_the_counters_to_zero() {
    let mut judge = judge(Guessing::default());
    for n in 0..4 {
        assert_eq!(fail(&mut judge, n, &stranger("198.51.100.7", "a")), Ok(()));
    }
    judge.unblock(at(100), "198.51.100.7/32".parse().unwrap(), "anna");
    for n in 4..8 {
        assert_eq!(fail(&mut judge, n, &stranger("198.51.100.7", "a")), Ok(()));
    }
    assert!(!judge.is_blocked(at(8).wall, ip("198.51.100.7")));
}

#[test]
fn blocks_of_before_a_restart_hold_and_so_do_refused_accounts() {
    let mut before = judge(Guessing::default());
    for n in 0..5 {
        assert_eq!(fail(&mut before, n, &phone("203.0.113.1", "117")), Ok(()));
        assert_eq!(fail(&mut before, n, &stranger("198.51.100.7", "a")), Ok(()));
    }
    let kept = before.blocks(at(5).wall);
    assert_eq!(kept.len(), 2);
    let mut after = judge(Guessing::default());
    after.restore(at(20), kept.clone());
    assert!(after.is_blocked(at(20).wall, ip("198.51.100.7")));
    assert_eq!(succeed(&mut after, 20, "203.0.113.1", "117"), Err(Refused::Account));
    assert_eq!(succeed(&mut after, 20, "203.0.113.1", "118"), Ok(()));
    let mut late = judge(Guessing::default());
    late.restore(at(5_000), kept);
    assert!(late.blocks(at(5_000).wall).is_empty());
    late.wake(at(5_000));
    let lifted =
        std::iter::from_fn(|| late.poll()).filter(|ruling| matches!(ruling, Ruling::Lift(_))).count();
    assert_eq!(lifted, 2, "the gate and the disk are to hear that they are over");
}

#[test]
fn guessing_that_no_single_address_gives_away_is_named() {
    let mut judge = judge(Guessing::default());
    for n in 0..8 {
        assert_eq!(fail(&mut judge, n, &phone(&format!("198.51.100.{n}"), "101")), Ok(()));
    }
    let names: Vec<&str> = std::iter::from_fn(|| judge.poll())
        .filter_map(|ruling| match ruling {
            Ruling::Event(event) => Some(event.kind.name),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["guard.distributed"]);
    for n in 0..5 {
        let _ = fail(&mut judge, 10, &stranger("192.0.2.1", &format!("{n}")));
    }
    let sprayed = std::iter::from_fn(|| judge.poll())
        .any(|ruling| matches!(ruling, Ruling::Event(event) if event.kind.name == "guard.sprayed"));
    assert!(sprayed);
}

#[test]
fn ten_million_sources_leave_the_tables_bounded_and_the_worst_one_remembered() {
    let mut judge = judge(Guessing { attempts: 10, ..Guessing::default() });
    for n in 0..9 {
        assert_eq!(fail(&mut judge, n, &stranger("198.51.100.7", "a")), Ok(()));
    }
    let many = if cfg!(debug_assertions) { 100_000 } else { 10_000_000 };
    for n in 0..many {
        let source = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).to_string();
        let _ = fail(&mut judge, 10, &stranger(&source, "a"));
        assert!(judge.counted() <= 16_384);
        while judge.poll().is_some() {}
    }
    assert_eq!(fail(&mut judge, 11, &stranger("198.51.100.7", "a")), Ok(()));
    assert!(judge.is_blocked(at(11).wall, ip("198.51.100.7")));
}

#[test]
fn a_strict_limit_counts_a_whole_network_too() {
    let mut judge = judge(Guessing { attempts: 1, ..Guessing::default() });
    for n in 0..10_u64 {
        let source = format!("2001:db8:7:{n:x}::1");
        assert!(!judge.is_blocked(at(n).wall, ip("2001:db8:7:ffff::1")), "before the tenth");
        assert_eq!(fail(&mut judge, n, &stranger(&source, "admin")), Ok(()));
        assert!(judge.is_blocked(at(n).wall, ip(&source)));
    }
    assert!(judge.is_blocked(at(10).wall, ip("2001:db8:7:ffff::1")), "the /48 at ten times one");
}

#[test]
fn who_is_trusted_is_not_blocked_with_the_network_around() {
    let trusted = AddressSet::of(["2001:db8:5:6::b/128".parse().unwrap()]);
    let mut judge = judge(Guessing { trusted, ..Guessing::default() });
    for n in 0..5 {
        assert_eq!(fail(&mut judge, n, &stranger("2001:db8:5:6::a", "admin")), Ok(()));
    }
    assert!(judge.is_blocked(at(5).wall, ip("2001:db8:5:6::a")));
    assert!(!judge.is_blocked(at(5).wall, ip("2001:db8:5:6::b")));
    assert!(judge.permit(at(5), ip("2001:db8:5:6::b"), "101").is_ok());
}

#[test]
fn failures_that_trickled_in_are_said_to_have_come_within_the_time_that_they_took() {
    let mut judge = judge(Guessing::default());
    for n in 0..10 {
        assert_eq!(fail(&mut judge, n * 600, &stranger("198.51.100.7", "admin")), Ok(()));
    }
    for n in 0..4 {
        assert_eq!(fail(&mut judge, 5_460 + n, &stranger("198.51.100.7", "admin")), Ok(()));
    }
    let sentence = judge.blocks(at(5_464).wall).first().unwrap().sentence();
    assert!(sentence.contains("14 wrong passwords came from 198.51.100.7 within 92 minutes"), "{sentence}");
}

#[test]
fn an_administrators_reason_is_kept_to_its_limit() {
    let mut judge = judge(Guessing::default());
    let why = "x".repeat(super::MAX_WHY);
    judge.block_by_hand(at(0), "198.51.100.7/32".parse().unwrap(), None, "anna", &why);
    assert_eq!(judge.block_of(at(0).wall, "198.51.100.7/32".parse().unwrap()).unwrap().evidence.why, why);
}

#[test]
fn an_office_that_registered_within_a_day_is_known_after_a_power_cut_of_hours() {
    let mut before = judge(Guessing::default());
    before.remember(at(0), ip("203.0.113.1"));
    before.remember(at(10), ip("203.0.113.1"));
    let kept: Vec<KnownSource> = std::iter::from_fn(|| before.poll())
        .filter_map(|ruling| if let Ruling::Known(known) = ruling { Some(known) } else { None })
        .collect();
    assert_eq!(kept.len(), 1, "the disk hears of it once");
    let stale = |judge: &mut Judge, seconds: u64| {
        for n in 0..5 {
            let guess = Try { signed_in: SignedIn::Never, ..phone("203.0.113.1", "117") };
            assert_eq!(fail(judge, seconds + n, &guess), Ok(()));
        }
        judge.blocks(at(seconds + 5).wall).remove(0).scope
    };
    let mut after = judge(Guessing::default());
    after.restore_known(kept.clone());
    assert!(
        after.remembers(at(40_000), ip("203.0.113.1")) && !after.remembers(at(40_000), ip("203.0.113.2"))
    );
    assert!(!after.remembers(at(86_401), ip("203.0.113.1")));
    assert_eq!(stale(&mut after, 40_000), Scope::Account("117".into()));
    assert_eq!(succeed(&mut after, 40_010, "203.0.113.1", "118"), Ok(()));
    let mut late = judge(Guessing::default());
    late.restore_known(kept);
    assert_eq!(stale(&mut late, 86_401), Scope::Address, "a day later it is a stranger");
    assert_eq!(stale(&mut judge(Guessing::default()), 40_000), Scope::Address);
}

#[test]
fn an_address_whose_password_is_being_looked_at_is_not_forgotten_under_a_flood_of_sources() {
    let mut judge = judge(Guessing::default());
    let permits: Vec<_> = (0..5).map(|_| judge.permit(at(0), ip("198.51.100.7"), "a").unwrap()).collect();
    for n in 0..60_000_u32 {
        let source = std::net::Ipv4Addr::from_bits(0x0a00_0000 + n).to_string();
        let _ = fail(&mut judge, 1, &stranger(&source, "a"));
        assert!(judge.counted() <= 16_384);
    }
    assert_eq!(judge.permit(at(2), ip("198.51.100.7"), "a"), Err(Refused::Pending));
    for permit in permits {
        let guess = stranger("198.51.100.7", "a");
        let failure = Failure {
            service: "console",
            account: guess.account,
            exists: guess.exists,
            agent: "",
            signed_in: guess.signed_in,
        };
        judge.failed(at(3), permit, failure);
    }
    assert!(judge.is_blocked(at(3).wall, ip("198.51.100.7")));
}
