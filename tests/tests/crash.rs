//! The server dies at any instant: what was acknowledged is there, no call's record is lost or doubled, and the phones
//! call at once when it is back (SPEC R3.7).

use blackbox::sipp::Running;
use blackbox::{Office, Pbx, RawPhone, Sipp, faults, place, sipp, wait};
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How often the server is killed in the midst of calls.
const CRASHES: u32 = 4;
/// A call older than this has a record after a crash.
const RECORDED_AFTER: Duration = Duration::from_secs(1);

#[test]
fn killed_in_the_midst_of_calls_and_changes_it_loses_no_record_and_no_acknowledged_change() {
    let mut pbx = Pbx::start(Office::of(101, 2));
    let callee = waiting_phone(&pbx);
    let mut last = 0;
    for crash in 1..=CRASHES {
        let callers =
            Sipp::new("caller", pbx.sip).row("101", "102").calls(1000).rate(20, 500).with("HOLD_MS", "3000");
        let callers = callers.start();
        wait::until("calls are up", || (pbx.calls().len() > 20).then_some(()));
        let up = pbx.calls();
        let seen = Instant::now();
        // A different instant each time, and past the second after which a record must be there.
        let until = RECORDED_AFTER + Duration::from_millis(u64::from(crash * 137 % 500));
        while seen.elapsed() < until {
            last += 1;
            add_extension(&pbx, last);
        }
        pbx.crash();
        callers.stop();
        pbx.restart();
        every_call_has_one_record(&pbx, &up);
        expect_extension(&pbx, last);
        assert_eq!(pbx.calls().len(), 0);
        assert!(pbx.registrations().len() == 1, "registrations survive: {:#?}", pbx.registrations());
        Sipp::new("caller", pbx.sip).row("101", "102").run();
    }
    callee.stop();
    pbx.expect_nothing_held();
}

#[test]
fn killed_at_each_sync_it_starts_again_with_all_that_was_acknowledged() {
    sweep("fsync,fdatasync");
}

#[test]
fn killed_at_each_write_it_starts_again_with_all_that_was_acknowledged() {
    sweep("pwrite64");
}

#[test]
fn asked_to_stop_it_ends_calls_in_order_and_writes_their_records() {
    let mut office = Office::of(101, 2);
    office.system = "drain = \"1s\"\n".into();
    let mut pbx = Pbx::start(office);
    let callee = waiting_phone(&pbx);
    let caller = Sipp::new("caller_is_hung_up_on", pbx.sip).row("101", "102").start();
    wait::until("the call is up", || (pbx.calls().first()?["state"] == "answered").then_some(()));
    assert!(pbx.terminate().success());
    caller.succeed();
    callee.stop();
    pbx.restart();
    assert_eq!(pbx.expect_records(1)[0]["result"], "answered");
}

/// Kills the server at the n-th of these system calls of any of its threads, for every n until it survives them all.
fn sweep(calls: &str) {
    let most: u32 = std::env::var("BLACKBOX_FAULTS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let mut deaths = 0;
    for n in 1..=most {
        let words = faults::kill_at(calls, n);
        let mut pbx =
            Pbx::prepare(Office::of(101, 2)).under(&words.iter().map(String::as_str).collect::<Vec<_>>());
        pbx.begin();
        let acknowledged = live_until_death(&mut pbx);
        let died = pbx.process().ended().is_some();
        deaths += u32::from(died);
        pbx.crash();
        pbx.next_under(&[]);
        if acknowledged.is_some() {
            pbx.restart();
        } else {
            pbx.launch();
        }
        expect_extension(&pbx, acknowledged.unwrap_or(0));
        each_record_is_there_once(&pbx);
        let mut phone = RawPhone::new("101", pbx.sip);
        assert_eq!(phone.register(60).status(), 200, "{calls} {n}");
        if !died {
            break;
        }
    }
    assert!(deaths > 3, "fault injection killed the server only {deaths} times at {calls}");
}

/// Uses a server that will die: changes, registrations, calls. Says the last change that was acknowledged; none when the
/// server never became ready.
fn live_until_death(pbx: &mut Pbx) -> Option<u32> {
    let ready = wait::within(wait::PATIENCE, || {
        let process = pbx.process();
        let ended = process.ended().is_some();
        (process.stdout().contains("ready\n") || ended).then(|| process.stdout().contains("ready\n"))
    });
    if ready != Some(true) {
        return None;
    }
    let mut phone = RawPhone::new("102", pbx.sip);
    let mut acknowledged = 0;
    for change in 1..=6 {
        let file = pbx.place.write("change.toml", &extension(change));
        if pbx.run(&["apply", &file.to_string_lossy(), "--merge"]).code == 0 {
            acknowledged = change;
        }
        let request = blackbox::raw::registration("102", pbx.sip, 60);
        let text = phone.compose(&request);
        phone.send(&text);
        refused_call(pbx, change);
    }
    Some(acknowledged)
}

/// A call to nobody: it leaves a record without needing a second phone.
fn refused_call(pbx: &Pbx, number: u32) {
    let mut phone = RawPhone::new("101", pbx.sip);
    let uri = format!("sip:{number}@{}", pbx.sip);
    let to = number.to_string();
    let request = blackbox::raw::Request {
        method: "INVITE",
        uri,
        from: "101",
        to: &to,
        more: String::new(),
        body: String::new(),
    };
    let text = phone.compose(&request);
    phone.send(&text);
    let Some(challenge) = phone.receive_within(Duration::from_millis(200)) else { return };
    let Some(challenge) = challenge.challenges().first().cloned() else { return };
    let password = blackbox::config::password_of("101");
    let credentials =
        blackbox::digest::Credentials { user: "101", password: &password, count: 1, cnonce: "crash" };
    let value = challenge.answer(&credentials, "INVITE", &request.uri);
    for name in ["Authorization", "Proxy-Authorization"] {
        let mut again = request.clone();
        again.more.push_str(&format!("{name}: {value}\r\n"));
        let text = phone.compose(&again);
        phone.send(&text);
    }
}

/// A registered phone that answers for ever.
fn waiting_phone(pbx: &Pbx) -> Running {
    let from = place::sip_address();
    sipp::register(&["102"], from, pbx.sip);
    let phone = Sipp::new("callee", pbx.sip).from(from).calls(1_000_000).start().listening();
    pbx.expect_registrations(1);
    phone
}

fn extension(number: u32) -> String {
    let number = 5000 + number;
    format!("[[extensions]]\nnumber = \"{number}\"\nlines = [{{ username = \"{number}\" }}]\n")
}

fn add_extension(pbx: &Pbx, number: u32) {
    pbx.apply(&extension(number), &["--merge"]).done();
}

/// Every extension up to the last acknowledged one is there.
fn expect_extension(pbx: &Pbx, last: u32) {
    let exported = pbx.run(&["export"]).done();
    for number in (1..=last).map(|n| 5000 + n) {
        assert!(
            exported.contains(&format!("number = \"{number}\"")),
            "{number} was acknowledged:\n{exported}"
        );
    }
    assert!(exported.contains("number = \"101\""), "{exported}");
}

fn every_call_has_one_record(pbx: &Pbx, calls: &[Value]) {
    let counts = each_record_is_there_once(pbx);
    for call in calls {
        let id = call["id"].as_str().expect("a call has an id");
        assert!(counts.contains_key(id), "no record of {call:#}");
    }
}

fn each_record_is_there_once(pbx: &Pbx) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for record in pbx.history() {
        *counts.entry(record["id"].as_str().expect("a record has an id").to_owned()).or_insert(0) += 1;
        assert!(record["result"].is_string() && record["ended"].is_string(), "not closed: {record:#}");
    }
    assert!(counts.values().all(|n| *n == 1), "doubled records: {counts:#?}");
    counts
}
