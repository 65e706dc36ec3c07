//! An office behind one address: one stale phone silences nobody else, and no guesser hides behind it.

use super::common::{blocks, fail, is_silent, server};
use blackbox::place::address;
use blackbox::{Guesser, Pbx, wait};
use std::net::Ipv4Addr;

/// Phones of these extensions, signed in from one address, a port each.
fn phones(pbx: &Pbx, source: Ipv4Addr, numbers: std::ops::Range<u32>) -> Vec<(String, Guesser)> {
    let sign_in = |number: u32| {
        let mut phone = Guesser::udp(source, pbx.sip);
        assert_eq!(phone.sign_in(&number.to_string()), 200);
        (number.to_string(), phone)
    };
    numbers.map(sign_in).collect()
}

#[test]
fn one_old_password_among_thirty_phones_behind_one_address_leaves_twenty_nine_working_and_is_named() {
    let pbx = server(31, "");
    let source = address();
    let mut office = phones(&pbx, source, 101..130);
    let mut stale = Guesser::udp(source, pbx.sip);
    for _ in 0..20 {
        assert_eq!(stale.guess("130", "last year's"), 403, "it sees no difference");
    }
    let list = blocks(&pbx);
    assert_eq!(list.len(), 1, "{list:?}");
    let block = &list[0];
    assert_eq!((&block["scope"], &block["accounts"][0]), (&"account".into(), &"130".into()));
    assert_eq!((&block["address"], &block["failures"]), (&source.to_string().into(), &5.into()));
    assert!(
        block["evidence"].as_str().is_some_and(|text| text.contains("130 is refused from there")),
        "{block}"
    );
    let log = pbx.run(&["log", "security"]).done();
    assert!(log.contains("guard.account-refused") && log.contains("accounts=130"), "{log}");
    for (number, phone) in &mut office {
        assert_eq!(phone.sign_in(number), 200, "{number}");
    }
    assert_eq!(stale.sign_in("130"), 403, "refused there with the right one too");
    assert_eq!(Guesser::udp(address(), pbx.sip).sign_in("130"), 200, "elsewhere it is welcome");
}

#[test]
fn a_phone_that_is_signed_in_goes_on_when_its_account_is_refused_to_others_at_its_address() {
    let pbx = server(2, "");
    let source = address();
    let mut office = phones(&pbx, source, 101..103);
    fail(&mut Guesser::udp(source, pbx.sip), "101", 5);
    assert_eq!(blocks(&pbx)[0]["scope"], "account");
    assert_eq!(Guesser::udp(source, pbx.sip).sign_in("101"), 403, "a new flow");
    for (number, phone) in &mut office {
        assert_eq!(phone.sign_in(number), 200, "{number}");
    }
}

#[test]
fn a_third_account_at_the_limit_blocks_the_address() {
    let pbx = server(4, "");
    let source = address();
    let mut office = phones(&pbx, source, 104..105);
    let mut guesser = Guesser::udp(source, pbx.sip);
    fail(&mut guesser, "101", 5);
    fail(&mut guesser, "102", 5);
    assert_eq!(office[0].1.sign_in("104"), 200);
    assert_eq!(blocks(&pbx).len(), 2);
    fail(&mut guesser, "103", 5);
    assert!(is_silent(&pbx, &mut guesser) && is_silent(&pbx, &mut office[0].1));
    assert!(blocks(&pbx).iter().any(|block| block["scope"] == "address"));
}

#[test]
fn failures_spread_over_accounts_block_the_address_though_phones_are_signed_in_there() {
    let pbx = server(7, "");
    let source = address();
    let mut office = phones(&pbx, source, 107..108);
    let mut guesser = Guesser::udp(source, pbx.sip);
    for account in ["101", "102", "909", "103"] {
        fail(&mut guesser, account, 1);
    }
    assert_eq!(office[0].1.sign_in("107"), 200);
    fail(&mut guesser, "104", 1);
    assert!(is_silent(&pbx, &mut office[0].1));
    let block = &blocks(&pbx)[0];
    assert_eq!((&block["scope"], &block["accounts_tried"]), (&"address".into(), &5.into()));
    assert!(
        block["evidence"].as_str().is_some_and(|text| text.contains("Somebody signed in from there too"))
    );
}

#[test]
fn with_known_address_the_address_is_blocked_at_once() {
    let pbx = server(2, "known = \"address\"");
    let source = address();
    let mut office = phones(&pbx, source, 101..102);
    fail(&mut Guesser::udp(source, pbx.sip), "102", 5);
    assert!(is_silent(&pbx, &mut office[0].1));
    assert_eq!(blocks(&pbx)[0]["scope"], "address");
}

#[test]
fn a_thousand_phones_behind_one_address_are_back_after_a_restart_with_default_settings() {
    let mut pbx = server(1_000, "");
    let source = address();
    let mut office: Vec<Guesser> = (0..1_000).map(|_| Guesser::udp(source, pbx.sip)).collect();
    return_all(&pbx, &mut office);
    pbx.process().signal(rustix::process::Signal::TERM);
    assert!(pbx.process().end_within(wait::PATIENCE).is_some());
    pbx.restart();
    assert_eq!(pbx.registrations().len(), 1_000, "they were not forgotten");
    return_all(&pbx, &mut office);
    assert!(blocks(&pbx).is_empty());
}

/// All phones come at once, and again each second while they get no answer, as phones do. All must be back within the
/// patience of any wait here, which is half of the minute that is allowed.
fn return_all(pbx: &Pbx, office: &mut [Guesser]) {
    use blackbox::config::password_of;
    use blackbox::guesser::Heard;
    use std::time::{Duration, Instant};
    let mut waiting: Vec<(usize, String, Option<Instant>)> =
        (0..office.len()).map(|place| (place, office[place].compose(&number(place), None), None)).collect();
    wait::until("all phones are back", || {
        for (place, text, sent) in &mut waiting {
            if sent.is_none_or(|sent| sent.elapsed() > Duration::from_secs(1)) {
                office[*place].send(text);
                *sent = Some(Instant::now());
            }
        }
        waiting.retain_mut(|(place, text, sent)| {
            let phone = &mut office[*place];
            let Heard::Message(answer) = phone.hear_within(Duration::from_millis(1)) else { return true };
            if let Some(challenge) = answer.challenges().first() {
                let user = number(*place);
                let value = phone.credentials(challenge, (&user, &password_of(&user)), 1);
                *text = phone.compose(&user, Some(&value));
                *sent = None;
            }
            answer.status() != 200
        });
        waiting.is_empty().then_some(())
    });
    assert_eq!(pbx.registrations().len(), 1_000);
}

fn number(place: usize) -> String {
    (101 + place).to_string()
}

#[test]
fn after_a_power_cut_that_outlasts_all_registrations_the_stale_phone_that_boots_first_costs_its_own_account()
{
    let mut pbx = server(2, "");
    let (source, elsewhere) = (address(), address());
    drop(phones(&pbx, source, 101..103));
    pbx.terminate();
    for name in ["registrations.db", "registrations.db-wal", "registrations.db-shm"] {
        let _ = std::fs::remove_file(pbx.data().join(name));
    }
    pbx.restart();
    let registrations = pbx.json(&["registrations", "--json"]);
    assert_eq!(registrations.as_array().map(Vec::len), Some(0), "{registrations}");
    fail(&mut Guesser::udp(source, pbx.sip), "101", 5);
    fail(&mut Guesser::udp(elsewhere, pbx.sip), "101", 5);
    let scope = |address: Ipv4Addr| {
        let of = |block: &serde_json::Value| block["address"] == address.to_string().as_str();
        blocks(&pbx).into_iter().find(of).map(|block| block["scope"].clone())
    };
    assert_eq!(scope(source), Some("account".into()), "the office was known");
    assert_eq!(scope(elsewhere), Some("address".into()), "a stranger was not");
    assert_eq!(Guesser::udp(source, pbx.sip).sign_in("102"), 200);
}
