//! The n-th wrong guess is the last that is answered, at whatever door and however the guesses come.

use super::common::{admin, blocks, expect_shut_out, failures, new_server, server, token, with_token};
use blackbox::https::{Browser, PASSWORD, sign_in};
use blackbox::{Guesser, wait};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// So many wrong passwords, each answered like one.
fn fail(browser: &Browser, times: u32) {
    for time in 1..=times {
        let answer = browser.guess("admin", &format!("wrong-{time}")).expect("an answer");
        assert_eq!((answer.status, answer.code().as_str()), (401, "wrong-credentials"), "try {time}");
    }
}

#[test]
fn the_fifth_wrong_password_is_answered_the_next_connection_is_reset_and_unblock_frees() {
    let (pbx, web) = server("");
    let (guesser, other) = (web.visitor(), web.visitor());
    fail(&guesser, 4);
    assert!(blocks(&pbx).is_empty());
    fail(&guesser, 1);
    expect_shut_out(&guesser);
    assert_eq!(blocks(&pbx)[0]["address"], guesser.from.to_string());
    assert_eq!((failures(&pbx), pbx.status()["blocks"].as_u64()), (5, Some(1)), "the socket answers");
    other.sign_in("admin", PASSWORD);
    assert_eq!(pbx.run(&["unblock", &guesser.from.to_string()]).code, 0);
    fail(&guesser, 4);
    assert_eq!(guesser.clone().sign_in("admin", PASSWORD).status(), 200, "counted from nought again");
}

#[test]
fn a_right_password_in_between_resets_no_count_and_unknown_users_count_as_well() {
    let (pbx, web) = server("[security.guessing]\nknown = \"address\"\n");
    let guesser = web.visitor();
    fail(&guesser, 2);
    let inside = guesser.clone().sign_in("admin", PASSWORD);
    assert_eq!(guesser.guess("nobody", PASSWORD).expect("an answer").status, 401);
    assert_eq!(inside.status(), 200);
    fail(&guesser, 1);
    assert_eq!(guesser.clone().sign_in("admin", PASSWORD).status(), 200);
    fail(&guesser, 1);
    expect_shut_out(&guesser);
    assert_eq!(failures(&pbx), 5);
}

/// SPEC R4.6: an office behind one address does not lose the console to one forgetful person.
#[test]
fn where_somebody_is_signed_in_the_account_is_refused_first_and_who_is_in_stays_in() {
    let (pbx, web) = server("");
    let inside = admin(&web);
    let guesser = Browser { cookie: None, ..inside.clone() };
    fail(&guesser, 5);
    let right = guesser.guess("admin", PASSWORD).expect("an answer");
    assert_eq!((right.status, right.code().as_str()), (401, "wrong-credentials"));
    assert_eq!(inside.status(), 200);
    let block = &blocks(&pbx)[0];
    assert_eq!((block["scope"].as_str(), block["accounts"][0].as_str()), (Some("account"), Some("admin")));
    admin(&web);
}

#[test]
fn wrong_tokens_are_counted_like_passwords() {
    let (pbx, web) = server("[security.guessing]\nattempts = 3\n");
    let (right, _) = token(&admin(&web), &["view"]);
    let guesser = web.visitor();
    let ask = |token: &str| with_token(&guesser, "GET /api/v1/status", token);
    for wrong in ["rw_0000", "'; --", &right[..right.len() - 1]] {
        assert_eq!(ask(&right).expect("an answer").status, 200);
        assert_eq!(ask(wrong).expect("an answer").status, 401);
    }
    expect_shut_out(&guesser);
    assert_eq!(with_token(&web.visitor(), "GET /api/v1/status", &right).expect("an answer").status, 200);
    assert_eq!((failures(&pbx), blocks(&pbx)[0]["service"].as_str()), (3, Some("api")));
    let log = pbx.run(&["log", "security"]).done();
    assert!(!log.contains(&right[..20]), "a token that was nearly right is in no log");
    assert_eq!(pbx.run(&["unblock", &guesser.from.to_string()]).code, 0);
    assert_eq!(ask(&right).expect("an answer").status, 200);
}

#[test]
fn wrong_set_up_codes_are_counted_and_the_right_one_helps_only_before() {
    let (pbx, web) = new_server("");
    let code = std::fs::read_to_string(pbx.data().join("setup-code")).expect("a code");
    let ask = |browser: &Browser, code: &str| {
        browser.try_with("POST /api/v1/setup/code", &[], &json!({ "code": code }).to_string())
    };
    let guesser = web.visitor();
    for time in 1..=5 {
        let answer = ask(&guesser, &format!("{}{time}", code.trim())).expect("an answer");
        assert_eq!(answer.status, 401, "try {time}: {answer:?}");
    }
    expect_shut_out(&guesser);
    assert_eq!((failures(&pbx), blocks(&pbx)[0]["service"].as_str()), (5, Some("setup")));
    assert_eq!(ask(&web.visitor(), &code).expect("an answer").status, 200);
    assert_eq!(pbx.run(&["unblock", &guesser.from.to_string()]).code, 0);
    assert_eq!(ask(&guesser, &code).expect("an answer").status, 200);
}

#[test]
fn failures_at_the_console_and_at_sip_count_together() {
    let (pbx, web) = server("");
    let browser = web.visitor();
    let mut phone = Guesser::udp(browser.from, pbx.sip);
    fail(&browser, 2);
    assert_eq!(phone.guess("101", "wrong"), 403);
    let answer = with_token(&browser, "GET /api/v1/status", "rw_1").expect("an answer");
    assert_eq!(answer.status, 401);
    assert!(blocks(&pbx).is_empty());
    assert_eq!(phone.guess("101", "wrong"), 403, "the fifth");
    expect_shut_out(&browser);
    let block = blocks(&pbx).remove(0);
    let service = block["service"].as_str().unwrap_or_default().to_owned();
    assert!(["sip", "console", "api"].iter().all(|one| service.contains(one)), "{service}");
}

#[test]
fn guesses_on_one_connection_one_after_the_other_or_all_at_once_are_not_more_than_five() {
    for at_once in [false, true] {
        let (pbx, web) = server("");
        let guesser = web.visitor();
        let mut line = web.connect(guesser.from).expect("a connection");
        let guess = |number: usize| {
            let password = if number < 9 { format!("wrong-{number}") } else { PASSWORD.to_owned() };
            guesser.compose("POST /api/v1/session", &[], &sign_in("admin", &password))
        };
        if at_once {
            let all: String = (0..12).map(guess).collect();
            line.send(all.as_bytes()).expect("sent");
        }
        let mut statuses = Vec::new();
        for number in 0..12 {
            if !at_once && line.send(guess(number).as_bytes()).is_err() {
                break;
            }
            match line.receive("POST") {
                Ok(answer) => statuses.push(answer.status),
                Err(_) => break,
            }
        }
        // One that was read in the moment of the fifth answer is told to come again, unheard.
        assert_eq!(statuses.get(..5), Some(&[401; 5][..]), "at once: {at_once}: {statuses:?}");
        assert!(matches!(statuses.get(5..), Some([] | [429])), "at once: {at_once}: {statuses:?}");
        assert_eq!(failures(&pbx), 5);
        expect_shut_out(&guesser);
    }
}

/// Those beyond the count are told to come again, unheard, or find their connection reset.
#[test]
fn parallel_guesses_are_not_more_than_five() {
    let (pbx, web) = server("");
    let guesser = web.visitor();
    let lines: Vec<_> = (0..24).map(|_| web.connect(guesser.from).expect("a connection")).collect();
    let statuses: Vec<Option<u16>> = std::thread::scope(|scope| {
        let guesses = lines.into_iter().enumerate().map(|(number, mut line)| {
            let text =
                guesser.compose("POST /api/v1/session", &[], &sign_in("admin", &format!("no-{number}")));
            scope.spawn(move || {
                line.send(text.as_bytes()).ok()?;
                line.receive("POST").ok().map(|answer| answer.status)
            })
        });
        let guesses: Vec<_> = guesses.collect();
        guesses.into_iter().map(|guess| guess.join().expect("no panic")).collect()
    });
    let wrong = statuses.iter().filter(|status| **status == Some(401)).count();
    assert!(statuses.iter().all(|status| matches!(status, None | Some(401 | 429))), "{statuses:?}");
    assert!(wrong <= 5 && failures(&pbx) == wrong, "{statuses:?}");
    for time in wrong..5 {
        assert_eq!(guesser.guess("admin", &format!("more-{time}")).expect("an answer").status, 401);
    }
    expect_shut_out(&guesser);
}

/// Passwords are hashed two at a time; strangers who keep that busy are told to come again, never who was in lately.
#[test]
fn a_flood_of_guesses_leaves_room_for_who_signed_in_before() {
    // So that the strangers are never blocked.
    let all = "[[address_groups]]\nname = \"All\"\nmembers = [\"127.0.0.0/8\"]\n[security.guessing]\ntrusted = \"All\"\n";
    let (_pbx, web) = server(all);
    let known = web.visitor().sign_in("admin", PASSWORD);
    assert_eq!(known.ask("DELETE /api/v1/session", "").status, 204);
    let (over, told) = (AtomicBool::new(false), AtomicUsize::new(0));
    let before = || told.load(Ordering::Acquire);
    std::thread::scope(|scope| {
        let _end = Ends(&over);
        for _ in 0..12 {
            let stranger = web.visitor();
            let (over, told) = (&over, &told);
            scope.spawn(move || {
                while !over.load(Ordering::Acquire) {
                    let status = stranger.guess("nobody", "wrong").map(|answer| answer.status);
                    let refused = usize::from(status.expect("an answer") == 429);
                    told.fetch_add(refused, Ordering::AcqRel);
                }
            });
        }
        wait::until("strangers are told to come again", || (before() > 0).then_some(()));
        for time in 0..10 {
            let seen = before();
            let answer = known.guess("admin", PASSWORD).expect("an answer");
            assert_eq!(answer.status, 200, "time {time}: {answer:?}");
            let cookie = Browser { cookie: answer.cookie(), ..known.clone() };
            assert_eq!(cookie.ask("DELETE /api/v1/session", "").status, 204);
            wait::until("the flood goes on", || (before() > seen).then_some(()));
        }
    });
}

/// Ends a flood, also when the test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
