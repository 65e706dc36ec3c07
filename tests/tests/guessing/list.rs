//! What administrators read: the list of blocks, the log, and both with hostile text in them.

use super::common::{blocks, fail, failures_logged, is_silent, server};
use blackbox::place::address;
use blackbox::{Guesser, RawPhone};

#[test]
fn a_block_is_listed_with_its_evidence_and_one_plain_sentence() {
    let pbx = server(2, "");
    let source = address();
    let mut guesser = Guesser::udp(source, pbx.sip);
    for account in ["admin", "101", "101", "1000"] {
        assert_eq!(guesser.guess(account, "1234"), 403);
    }
    assert_eq!(guesser.guess("test", "test"), 403);
    let list = blocks(&pbx);
    let block = &list[0];
    assert_eq!(block["address"], source.to_string());
    assert_eq!((&block["service"], &block["by"]), (&"sip".into(), &"guard".into()));
    assert_eq!(block["accounts"], serde_json::json!(["admin", "101", "1000", "test"]));
    assert_eq!(block["user_agents"], serde_json::json!(["friendly-scanner"]));
    for time in ["first", "last", "until"] {
        assert!(block[time].as_str().is_some_and(|text| text.ends_with('Z')), "{block}");
    }
    let sentence = format!(
        "5 wrong passwords came from {source} within 5 minutes for admin, 101, 1000, test. None was right, and nobody is \
         signed in from there; there is nothing to do unless you know the address."
    );
    assert_eq!(block["evidence"], sentence);
    let table = pbx.run(&["blocks"]).done();
    assert!(table.contains(&sentence) && table.contains("everything"), "{table}");
    let lines = failures_logged(&pbx);
    let first = &lines[0];
    for part in ["service=sip", "account=admin", &format!("source={source}:"), "reason=\"unknown user\""] {
        assert!(first.contains(part), "{part} in {first}");
    }
    assert!(lines[1].contains("reason=\"wrong password\""), "{}", lines[1]);
    let log = pbx.run(&["log", "security"]).done();
    assert!(log.contains(&format!("guard.blocked Address blocked address={source} service=sip")), "{log}");
}

#[test]
fn an_administrator_blocks_and_lifts_by_hand() {
    let pbx = server(1, "");
    let source = address();
    let mut phone = RawPhone::at(std::net::SocketAddrV4::new(source, 5060), "101", pbx.sip);
    assert_eq!(phone.register(600).status(), 200);
    let answer = pbx.run(&["block", &source.to_string(), "--why", "stolen phone"]);
    assert!(answer.code == 0 && answer.stdout.contains("note: 1 phone is registered"), "{answer:?}");
    assert!(is_silent(&pbx, &mut Guesser::udp(source, pbx.sip)));
    let block = &blocks(&pbx)[0];
    assert!(block["until"].is_null(), "{block}");
    assert_eq!((&block["failures"], &block["scope"]), (&0.into(), &"address".into()));
    assert_ne!(block["by"], "guard");
    assert!(block["evidence"].as_str().is_some_and(|text| text.contains("stolen phone")), "{block}");
    assert_eq!(pbx.run(&["block", &source.to_string(), "--for", "1h"]).code, 0);
    let list = blocks(&pbx);
    assert_eq!((list.len(), list[0]["until"].is_string()), (1, true), "the last word counts");
    let refused = pbx.run(&["block", &source.to_string(), "--for", "0s"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(blocks(&pbx), list, "what is refused changes nothing");
    let log = pbx.run(&["log", "security"]).done();
    assert!(log.contains("guard.blocked-by-hand") && log.contains("why=\"stolen phone\""), "{log}");
    let around = format!("{}/30", std::net::Ipv4Addr::from(u32::from(source) & !3));
    assert_eq!(pbx.run(&["unblock", &around]).code, 0);
    assert_eq!(phone.register(600).status(), 200);
    assert_eq!(
        pbx.run(&["unblock", &source.to_string()]).code,
        0,
        "the counters can be set to zero any time"
    );
    for (arguments, code) in [
        (&["block", "nobody"][..], 2),
        (&["block", "0.0.0.0/0"], 1),
        (&["block", "10.0.0.1", "--for", "soon"], 2),
        (&["block", "10.0.0.1", "--for", "9999999d"], 2),
        (&["block", "10.0.0.1/16"], 2),
        (&["block", "96.0.0.0/5"], 1),
        (&["block", "2000::/3", "--for", "1h"], 1),
        (&["block", "10.0.0.1", "--why", &"x".repeat(201)], 2),
        (&["unblock", "300.1.1.1"], 2),
    ] {
        let answer = pbx.run(arguments);
        assert_eq!(answer.code, code, "{answer:?}");
        assert!(!answer.stderr.is_empty() && blocks(&pbx).is_empty());
    }
}

#[test]
fn many_blocks_are_lifted_at_once_only_by_somebody_who_means_it() {
    let pbx = server(1, "");
    for number in 0..21 {
        assert_eq!(pbx.run(&["block", &format!("198.51.100.{number}")]).code, 0);
    }
    let refused = pbx.run(&["unblock", "0.0.0.0/0"]);
    assert!(refused.code == 1 && refused.stderr.contains("21 blocks"), "{refused:?}");
    assert_eq!(blocks(&pbx).len(), 21);
    let lifted = pbx.run(&["unblock", "0.0.0.0/0", "--yes"]);
    assert!(lifted.code == 0 && lifted.stdout.contains("21 blocks lifted"), "{lifted:?}");
    let wide = pbx.run(&["block", "96.0.0.0/5", "--yes"]);
    assert!(wide.code == 0 && blocks(&pbx).len() == 1, "{wide:?}");
}

#[test]
fn hostile_names_stay_on_their_line_and_in_their_quotes() {
    let pbx = server(1, "");
    let mut guesser = Guesser::udp(address(), pbx.sip);
    let name = "\u{1b}[2J</td><script>alert(1)</script>,=cmd|' /C calc'!A0\u{202e}\u{0}\",\"by\":\"x";
    guesser.agent = format!("a{}\u{1b}]0;x\u{7}{{\"a\":1}}", "\t");
    let plain = name.replace('\u{0}', "").replace('"', "\\\"");
    fail(&mut guesser, "909", 1);
    for _ in 0..4 {
        let challenge = guesser.challenge("909").expect("a challenge");
        let value = guesser.credentials(&challenge, ("HOSTILE", "wrong"), 1).replace("HOSTILE", &plain);
        let text = guesser.compose("909", Some(&value));
        guesser.send(&text);
        assert_eq!(guesser.hear().status(), 403);
    }
    assert!(is_silent(&pbx, &mut guesser));
    let bare = |text: &str| !text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
    for command in [&["blocks"][..], &["log", "security"], &["log", "warning"]] {
        let shown = pbx.run(command).done();
        assert!(bare(&shown), "{command:?}: {shown:?}");
    }
    let json = pbx.run(&["blocks", "--json"]).done();
    assert!(bare(&json), "{json:?}");
    assert_eq!(blocks(&pbx)[0]["by"], "guard");
    assert_eq!(failures_logged(&pbx).len(), 5);
}

#[test]
fn one_account_tried_from_many_addresses_and_many_accounts_from_one_are_named() {
    let pbx = server(1, "attempts = 20");
    for _ in 0..6 {
        fail(&mut Guesser::udp(address(), pbx.sip), "101", 2);
    }
    let mut sprayer = Guesser::udp(address(), pbx.sip);
    for number in 0..6 {
        assert_eq!(sprayer.guess(&format!("90{number}"), "1234"), 403);
    }
    let log = pbx.run(&["log", "security"]).done();
    assert!(log.contains("guard.distributed") && log.contains("account=101"), "{log}");
    assert!(log.contains("guard.sprayed"), "{log}");
    assert!(blocks(&pbx).is_empty());
}
