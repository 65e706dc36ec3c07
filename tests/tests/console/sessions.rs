//! Sessions: what their cookie says, that nobody is given one he brought along, and everything that ends them.

use super::common::{admin, new_server, person, server, token, with_token};
use blackbox::https::{Answer, Browser, Line, PASSWORD};
use blackbox::wait;
use serde_json::{Value, json};

const OTHER: &str = "another horse, another battery 7";

fn sessions(browser: &Browser) -> Vec<Value> {
    browser.ask("GET /api/v1/sessions", "").json().as_array().cloned().unwrap_or_default()
}

/// The key in a cookie.
fn key(answer: &Answer) -> String {
    answer
        .cookie()
        .and_then(|cookie| cookie.split_once('=').map(|(_, key)| key.to_owned()))
        .expect("a cookie")
}

/// A live answer that has begun.
fn live(browser: &Browser, path: &str, more: &[(&str, &str)]) -> Line {
    let mut line = browser.web.connect(browser.from).expect("a connection");
    line.send(browser.compose(&format!("GET {path}"), more, "").as_bytes()).expect("sent");
    assert_eq!(line.head().expect("a head").status, 200, "{path}");
    line
}

#[test]
fn the_cookie_is_bound_to_this_host_and_port_and_no_script_reads_it() {
    let (_pbx, web) = server("");
    let answer = web.visitor().guess("admin", PASSWORD).expect("an answer");
    let key = key(&answer);
    assert_eq!((key.len(), key.bytes().all(|byte| byte.is_ascii_hexdigit())), (64, true));
    let cookies: Vec<_> = answer.fields().into_iter().filter(|(name, _)| name == "set-cookie").collect();
    let expected = format!("__Host-ringwall-4021={key}; Path=/; Secure; HttpOnly; SameSite=Strict");
    assert_eq!(cookies, [("set-cookie".to_owned(), expected)]);
    let mut inside = web.visitor();
    inside.cookie = answer.cookie();
    let out = inside.ask("DELETE /api/v1/session", "");
    let expected = "__Host-ringwall-4021=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";
    assert_eq!((out.status, out.header("set-cookie").as_deref()), (204, Some(expected)));
    assert_eq!(inside.status(), 401);
}

#[test]
fn a_key_from_before_the_sign_in_is_never_taken_over() {
    let (_pbx, web) = server("");
    let mut victim = web.visitor();
    let planted = "f".repeat(64);
    victim.cookie = Some(format!("__Host-ringwall-4021={planted}"));
    let first = victim.guess("admin", PASSWORD).expect("an answer");
    assert_ne!(key(&first), planted);
    assert_eq!(victim.status(), 401, "the planted key opens nothing");
    let mut attacker = web.visitor();
    attacker.cookie = first.cookie();
    assert_eq!(attacker.status(), 200);
    let mut again = web.visitor();
    again.cookie = first.cookie();
    let second = again.guess("admin", PASSWORD).expect("an answer");
    assert_ne!(key(&second), key(&first));
    assert_eq!(attacker.status(), 401, "a key that was known before is over with the next sign-in");
}

#[test]
fn cookies_of_another_port_doubled_ones_and_wrong_ones_open_nothing() {
    let (_pbx, web) = server("");
    let inside = admin(&web);
    let good = inside.cookie.clone().expect("a cookie");
    let key = good.split_once('=').expect("a value").1.to_owned();
    let status = |cookie: String| Browser { cookie: Some(cookie), ..inside.clone() }.status();
    assert_eq!(status(format!("a=b; {good}; c=d")), 200);
    for bad in [
        format!("__Host-ringwall-443={key}"),
        format!("__Host-ringwall={key}"),
        format!("ringwall-4021={key}"),
        format!("__host-ringwall-4021={key}"),
        format!("__Secure-ringwall-4021={key}"),
        format!("{good}; {good}"),
        format!("__Host-ringwall-4021=x; {good}"),
        format!("{good}0"),
        good.to_uppercase(),
        format!("__Host-ringwall-4021=\"{key}\""),
        format!("__Host-ringwall-4021={}", "0".repeat(64)),
        format!("__Host-ringwall-4021={}", "0".repeat(9_000)),
        "__Host-ringwall-4021=' OR 1=1 --".to_owned(),
    ] {
        assert_eq!(status(bad.clone()), 401, "{bad}");
    }
    assert_eq!(inside.status(), 200);
}

#[test]
fn a_session_ended_elsewhere_is_out_at_once_and_so_is_what_it_listens_to() {
    let (_pbx, web) = server("");
    let (here, there) = (admin(&web), admin(&web));
    let mut streams =
        [live(&there, "/api/v1/events", &[]), live(&there, "/api/v1/logs/security?follow=true", &[])];
    let rows = sessions(&here);
    assert_eq!(rows.len(), 2);
    let other = rows.iter().find(|row| row["current"] == false).expect("the other");
    let ended = here.ask(&format!("DELETE /api/v1/sessions/{}", other["id"].as_str().expect("an id")), "");
    assert_eq!((ended.status, there.status(), here.status()), (204, 401, 200));
    for stream in &mut streams {
        stream.rest().expect("an end in order");
    }
}

#[test]
fn what_a_token_listens_to_ends_with_the_token() {
    let (_pbx, web) = server("");
    let admin = admin(&web);
    let (text, id) = token(&admin, &["view"]);
    let script = web.visitor();
    let bearer = format!("Bearer {text}");
    let mut stream = live(&script, "/api/v1/events", &[("authorization", &bearer)]);
    assert_eq!(admin.ask(&format!("DELETE /api/v1/tokens/{id}"), "").status, 204);
    stream.rest().expect("an end in order");
    assert_eq!(with_token(&script, "GET /api/v1/status", &text).expect("an answer").status, 401);
}

#[test]
fn a_session_ends_when_it_is_idle_and_when_it_is_old_and_listening_is_no_use() {
    let (_pbx, web) = server("[console]\nidle_timeout = \"2s\"\nsession_lifetime = \"1h\"\n");
    let inside = admin(&web);
    let view = inside.ask("GET /api/v1/session", "").json();
    assert_eq!((view["state"].as_str(), view["idle_s"].as_f64()), (Some("signed-in"), Some(2.0)));
    let mut stream = live(&inside, "/api/v1/events", &[]);
    let rest = stream.rest().expect("it ends by itself");
    assert!(rest.contains("event: bye"), "{rest}");
    assert_eq!(inside.status(), 401);
    let (_pbx, web) = server("[console]\nidle_timeout = \"1h\"\nsession_lifetime = \"2s\"\n");
    let inside = admin(&web);
    wait::until("the session is old, however busy", || (inside.status() == 401).then_some(()));
    assert_eq!(inside.ask("GET /api/v1/session", "").json()["state"], "signed-out");
}

#[test]
fn sessions_and_tokens_stand_after_a_restart_and_those_that_were_ended_do_not() {
    let (mut pbx, web) = server("");
    let (stays, leaves) = (admin(&web), admin(&web));
    let ((kept, _), (dropped, id)) = (token(&stays, &["view"]), token(&stays, &["view"]));
    assert_eq!(leaves.ask("DELETE /api/v1/session", "").status, 204);
    assert_eq!(stays.ask(&format!("DELETE /api/v1/tokens/{id}"), "").status, 204);
    pbx.crash();
    pbx.restart();
    assert_eq!((stays.status(), leaves.status()), (200, 401));
    let asked =
        |token: &str| with_token(&web.visitor(), "GET /api/v1/status", token).expect("an answer").status;
    assert_eq!((asked(&kept), asked(&dropped)), (200, 401));
}

#[test]
fn a_change_of_the_role_is_in_force_at_once_also_for_tokens() {
    let (_pbx, web) = server("");
    let admin = admin(&web);
    person(&admin, "boss", "full");
    let boss = web.visitor().sign_in("boss", PASSWORD);
    let (text, _) = token(&boss, &["view", "administer", "audit"]);
    let asked = |path: &str| {
        with_token(&web.visitor(), &format!("GET /api/v1{path}"), &text).expect("an answer").status
    };
    let role = |role: &str| {
        let mut user = admin.ask("GET /api/v1/users/boss", "").json();
        user["role"] = json!(role);
        let done = admin.ask("PUT /api/v1/users/boss", &user.to_string());
        assert_eq!(done.status, 200, "{done:?}");
    };
    assert_eq!((boss.ask("GET /api/v1/audit", "").status, asked("/audit")), (200, 200));
    role("read-only");
    assert_eq!((boss.ask("GET /api/v1/audit", "").status, asked("/audit")), (403, 403));
    assert_eq!((boss.status(), asked("/status")), (200, 200));
    let mut stream = live(&boss, "/api/v1/events", &[]);
    role("user");
    assert_eq!((boss.status(), asked("/status")), (401, 401), "who may not come in any more is out");
    stream.rest().expect("what he listened to ends");
    assert_eq!(boss.guess("boss", PASSWORD).expect("an answer").status, 401);
}

#[test]
fn who_is_deleted_is_out_and_somebody_new_of_his_name_inherits_nothing() {
    let (_pbx, web) = server("");
    let admin = admin(&web);
    person(&admin, "boss", "full");
    let boss = web.visitor().sign_in("boss", PASSWORD);
    let (text, _) = token(&boss, &["view"]);
    let asked = || with_token(&web.visitor(), "GET /api/v1/status", &text).expect("an answer").status;
    assert_eq!(admin.ask("DELETE /api/v1/users/boss", "").status, 200);
    assert_eq!((boss.status(), asked()), (401, 401));
    person(&admin, "boss", "full");
    assert_eq!((boss.status(), asked()), (401, 401));
    let listed = sessions(&admin);
    assert!(listed.iter().all(|row| row["login"] == "admin"), "{listed:?}");
}

#[test]
fn a_new_password_ends_the_other_sessions_and_a_reset_one_all_of_them() {
    let (pbx, web) = server("");
    let (here, there) = (admin(&web), admin(&web));
    let wrong = json!({ "current": "wrong", "new": OTHER });
    assert_eq!(here.ask("PUT /api/v1/me/password", &wrong.to_string()).status, 401);
    assert_eq!(there.status(), 200);
    let right = json!({ "current": PASSWORD, "new": OTHER });
    let changed = here.ask("PUT /api/v1/me/password", &right.to_string());
    assert_eq!(changed.status, 204, "{changed:?}");
    assert_eq!((here.status(), there.status()), (200, 401));
    assert_eq!(web.visitor().guess("admin", PASSWORD).expect("an answer").status, 401);
    let there = web.visitor().sign_in("admin", OTHER);
    let mut stream = live(&there, "/api/v1/events", &[]);
    let said = pbx.run(&["admin", "reset-password"]).done();
    assert_eq!((here.status(), there.status()), (401, 401));
    stream.rest().expect("what was listened to ends");
    let reset = said.split_whitespace().find(|word| {
        word.len() >= 16 && web.visitor().guess("admin", word).is_ok_and(|answer| answer.status == 200)
    });
    assert!(reset.is_some(), "the new password is among what was said");
}

#[test]
fn a_password_that_another_administrator_sets_ends_the_sessions_of_whose_it_is() {
    let (_pbx, web) = server("");
    let admin = admin(&web);
    person(&admin, "boss", "full");
    let boss = web.visitor().sign_in("boss", PASSWORD);
    let set = admin.ask("PUT /api/v1/users/boss/password", &json!({ "password": OTHER }).to_string());
    assert!(matches!(set.status, 200 | 204), "{set:?}");
    assert_eq!((boss.status(), admin.status()), (401, 200));
    boss.sign_in("boss", OTHER);
}

#[test]
fn nobody_takes_all_live_answers_nor_a_new_password_from_an_open_window() {
    let (_pbx, web) = server("");
    let admin = admin(&web);
    person(&admin, "eyes", "read-only");
    let eyes = web.visitor().sign_in("eyes", PASSWORD);
    for (resource, most) in [("/api/v1/events", 16), ("/api/v1/logs/security?follow=true", 8)] {
        let streams: Vec<_> = (0..most).map(|_| live(&eyes, resource, &[])).collect();
        let one_more = eyes.ask(&format!("GET {resource}"), "");
        assert_eq!((one_more.status, one_more.code().as_str()), (429, "slow-down"), "{resource}");
        drop(live(&admin, resource, &[]));
        drop(streams);
        wait::until("there is room again", || {
            let mut line = eyes.web.connect(eyes.from).ok()?;
            line.send(eyes.compose(&format!("GET {resource}"), &[], "").as_bytes()).ok()?;
            (line.head().ok()?.status == 200).then_some(())
        });
    }
    let reset =
        admin.ask("POST /api/v1/administrators/reset-password", &json!({ "login": "admin" }).to_string());
    assert!(reset.status >= 400 && reset.body.contains("present one"), "{reset:?}");
    assert_eq!(admin.status(), 200);
}

#[test]
fn before_the_set_up_only_the_set_up_answers_and_its_key_opens_nothing_else() {
    let (pbx, web) = new_server("");
    let mut visitor = web.visitor();
    let state = |browser: &Browser| browser.ask("GET /api/v1/session", "").json()["state"].clone();
    assert_eq!(state(&visitor), "setup");
    let code = std::fs::read_to_string(pbx.data().join("setup-code")).expect("a code");
    let entered = visitor.ask("POST /api/v1/setup/code", &json!({ "code": code.trim() }).to_string());
    assert_eq!(entered.status, 200, "{entered:?}");
    let stranger = visitor.clone();
    visitor.cookie = entered.cookie();
    for browser in [&stranger, &visitor] {
        for line in
            ["GET /api/v1/status", "GET /api/v1/openapi.json", "GET /api/v1/nothing", "PUT /api/v1/lock"]
        {
            let answer = browser.ask(line, "");
            assert_eq!((answer.status, answer.code().as_str()), (403, "setup-first"), "{line}");
        }
        let answer = browser.guess("admin", PASSWORD).expect("an answer");
        assert_eq!((answer.status, answer.code().as_str()), (403, "setup-first"));
    }
    let wish = json!({ "login": "boss", "password": PASSWORD });
    let without = stranger.ask("POST /api/v1/setup", &wish.to_string());
    assert!(matches!(without.status, 400 | 401), "{without:?}");
    assert_eq!(state(&visitor), "setup", "nothing was changed");
}

#[test]
fn a_row_of_the_first_set_up_that_shuts_its_maker_out_comes_back_by_itself() {
    let (pbx, web) = new_server("[firewall]\nconfirm_within = \"2s\"\n");
    let mut visitor = web.visitor();
    let code = std::fs::read_to_string(pbx.data().join("setup-code")).expect("a code");
    let entered = visitor.ask("POST /api/v1/setup/code", &json!({ "code": code.trim() }).to_string());
    visitor.cookie = entered.cookie();
    let wish = json!({
        "login": "boss", "password": PASSWORD, "name": "Office", "time_zone": "Europe/Vienna", "language": "en",
        "domain": pbx.sip.ip().to_string(), "first_extension": "101",
        "firewall": { "web": true, "sip": false, "members": ["192.0.2.0/24"] },
    });
    // It may be shut out before it hears the answer.
    let _ = visitor.try_with("POST /api/v1/setup", &[], &wish.to_string());
    wait::until("the row is there", || {
        pbx.run(&["revisions", "--json"]).stdout.contains("boss").then_some(())
    });
    wait::until("and comes back", || (!pbx.run(&["export"]).stdout.contains("web = \"")).then_some(()));
    wait::until("so that its maker signs in", || {
        let answer = web.visitor().guess("boss", PASSWORD).ok()?;
        (answer.status == 200).then_some(())
    });
}
