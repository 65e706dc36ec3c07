//! The second factor over HTTPS: what it takes to come in with it, that its guesses count, and whom it throws out.

use super::common::{admin, blocks, server};
use blackbox::https::{Browser, PASSWORD, Web};
use serde_json::json;
use std::process::Command;

/// The code of now (RFC 6238), by Python's own HMAC.
fn code(secret: &str) -> String {
    let script = "import base64,hmac,struct,sys,time\n\
        key = base64.b32decode(sys.argv[1] + '=' * (-len(sys.argv[1]) % 8))\n\
        mac = hmac.new(key, struct.pack('>Q', int(time.time()) // 30), 'sha1').digest()\n\
        at = mac[-1] & 15\n\
        print('%06d' % ((struct.unpack('>I', mac[at:at+4])[0] & 0x7fffffff) % 1000000))";
    let output = Command::new("python3").args(["-c", script, secret]).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Switches a second factor on: its secret and the recovery codes.
fn switch_on(browser: &Browser) -> (String, Vec<String>) {
    let proposed = browser.ask("POST /api/v1/me/second-factor", &json!({ "password": PASSWORD }).to_string());
    assert_eq!(proposed.status, 200, "{proposed:?}");
    let secret = proposed.json()["secret"].as_str().expect("a secret").to_owned();
    let set = browser.ask("PUT /api/v1/me/second-factor", &json!({ "code": code(&secret) }).to_string());
    assert_eq!(set.status, 200, "{set:?}");
    let codes = set.json();
    let codes = codes.get("recovery_codes").unwrap_or(&codes).as_array().expect("codes").clone();
    (secret, codes.iter().map(|code| code.as_str().expect("a code").to_owned()).collect())
}

/// Somebody who has shown the password, and not the code.
fn half_way(web: &Web) -> Browser {
    let mut browser = web.visitor();
    let answer = browser.guess("admin", PASSWORD).expect("an answer");
    assert_eq!(answer.status, 200, "{answer:?}");
    browser.cookie = answer.cookie();
    assert_eq!(browser.status(), 401, "the password alone opens nothing");
    browser
}

/// The status that a code is answered with; 0: nothing.
fn answer(browser: &Browser, code: &str) -> u16 {
    let asked =
        browser.try_with("POST /api/v1/session/second-factor", &[], &json!({ "code": code }).to_string());
    asked.map_or(0, |answer| answer.status)
}

#[test]
fn switching_it_on_ends_sessions_that_were_opened_without_it() {
    let (_pbx, web) = server("");
    let (here, there) = (admin(&web), admin(&web));
    assert_eq!((here.status(), there.status()), (200, 200));
    let (_, codes) = switch_on(&here);
    assert_eq!((here.status(), there.status()), (200, 401));
    let half = half_way(&web);
    assert_eq!(answer(&half, &codes[0]), 200, "a recovery code lets in");
    assert_eq!(answer(&half_way(&web), &codes[0]), 401, "once");
}

#[test]
fn its_guesses_count_like_those_of_passwords_and_block() {
    let (pbx, web) = server("[security.guessing]\nattempts = 5\n");
    switch_on(&admin(&web));
    let mut half = half_way(&web);
    half.from = "127.0.0.77".parse().expect("an address");
    for guess in 1..=5 {
        assert!(blocks(&pbx).is_empty(), "before guess {guess}");
        assert_eq!(answer(&half, "000000"), 401);
    }
    assert_eq!(blocks(&pbx).len(), 1, "{:?}", blocks(&pbx));
    assert_eq!(answer(&half, "000000"), 0, "nothing more is answered");
}

#[test]
fn the_list_of_users_says_who_has_one_and_the_audit_trail_what_was_done_and_why_not() {
    let (_pbx, web) = server("");
    let inside = admin(&web);
    let seen = |path: &str| inside.ask(&format!("GET /api/v1{path}"), "");
    let before = seen("/users/admin");
    assert_eq!(before.json()["second_factor"], false);
    switch_on(&inside);
    let after = seen("/users/admin");
    assert_eq!(after.json()["second_factor"], true);
    assert_eq!(after.header("etag"), before.header("etag"), "it is nothing that a form could overwrite");
    assert_eq!(seen("/users").json()[0]["second_factor"], true);

    let new = json!({ "number": "150", "description": "<b>secret&\u{202e}" });
    assert_eq!(inside.ask("POST /api/v1/extensions", &new.to_string()).status, 201);
    assert_eq!(inside.ask("POST /api/v1/extensions", &new.to_string()).status, 409);
    let weak = json!({ "login": "bob", "role": "full", "password": "hunter2" });
    assert_eq!(inside.ask("POST /api/v1/users", &weak.to_string()).status, 422);
    let trail = seen("/audit").json();
    let told: Vec<(String, String, String)> = trail
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            ["action", "outcome", "detail"].map(|key| row[key].as_str().unwrap_or_default().to_owned()).into()
        })
        .collect();
    let [weak, twice, made, ..] = &told[..] else { panic!("{told:?}") };
    assert_eq!((weak.0.as_str(), weak.1.as_str()), ("POST /users", "refused"));
    assert!(weak.2.contains("password") && !weak.2.contains("hunter2"), "{weak:?}");
    assert_eq!((twice.1.as_str(), twice.2.contains("150")), ("refused", true), "{twice:?}");
    assert_eq!(made.1, "done");
    assert!(made.2.starts_with("150, revision "), "{made:?}");
    assert!(!trail.to_string().contains("secret&"), "no value that was sent: {trail}");
}
