//! Hostile text where the API takes text: SQL in every parameter of a list, lines that would forge a log; and who is shut out.

use super::common::{admin, expect_shut_out, person, server};
use blackbox::https::{Browser, Line, PASSWORD, sign_in};
use blackbox::wait;
use std::time::Duration;

const SQL: [&str; 8] = [
    "%27",
    "%27%20OR%20%271%27=%271",
    "%27%20OR%201=1--",
    "1%27%20UNION%20SELECT%20*%20FROM%20users--",
    "%27;DROP%20TABLE%20history;--",
    "%22%20OR%20%22%22=%22",
    "%25",
    "x%27||(SELECT%20hex(randomblob(99)))||%27",
];

const PARAMETERS: [(&str, &[&str]); 6] = [
    ("/extensions", &["search", "sort", "order", "limit", "after"]),
    ("/users", &["search", "order", "limit", "after"]),
    ("/address-groups", &["search", "order", "limit", "after"]),
    ("/history", &["since", "until", "number", "result", "direction", "search", "order", "limit", "after"]),
    ("/audit", &["limit", "after", "author"]),
    ("/attacks", &["since"]),
];

#[test]
fn sql_in_any_parameter_finds_nothing_and_breaks_nothing() {
    let (_pbx, web) = server("");
    let inside = admin(&web);
    for (path, parameters) in PARAMETERS {
        for parameter in parameters {
            for text in SQL {
                let line = format!("GET /api/v1{path}?{parameter}={text}");
                let answer = inside.ask(&line, "");
                assert!(matches!(answer.status, 200 | 400 | 422), "{line}: {answer:?}");
                let rows = answer.json().as_array().map_or(0, Vec::len);
                let narrows = ["search", "number", "author"].contains(parameter);
                assert!(!narrows || rows == 0, "{line}: {}", answer.body);
            }
        }
    }
    assert_eq!(inside.ask("GET /api/v1/history", "").status, 200);
    let all = inside.ask("GET /api/v1/extensions", "").json();
    assert_eq!(all.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_hostile_login_or_agent_stays_on_its_line_of_the_log() {
    let (pbx, web) = server("");
    let login = "x\n2026-01-01T00:00:00.000Z notice planted.event Planted\r\n\u{1b}[2J";
    let more = [("user-agent", "a\" planted=\"yes\u{9b}2J")];
    let answer = web.visitor().with("POST /api/v1/session", &more, &sign_in(login, "wrong"));
    assert_eq!(answer.status, 401);
    let log = pbx.run(&["log", "security"]).done();
    assert!(
        log.lines().any(|line| line.contains("Authentication failed") && line.contains("Planted")),
        "{log}"
    );
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01T00:00:00.000Z")), "{log}");
    assert!(!log.contains(['\u{1b}', '\u{9b}', '\r']), "{log}");
}

/// A connection that is kept for the next request, and one that tells what happens.
fn kept_and_live(browser: &Browser) -> (Line, Line) {
    let mut kept = browser.web.connect(browser.from).expect("a connection");
    expect_served(&mut kept, browser);
    let mut live = browser.web.connect(browser.from).expect("a connection");
    live.send(browser.compose("GET /api/v1/events", &[], "").as_bytes()).expect("sent");
    assert_eq!(live.head().expect("an answer").status, 200);
    (kept, live)
}

fn expect_served(kept: &mut Line, browser: &Browser) {
    kept.send(browser.compose("GET /api/v1/status", &[], "").as_bytes()).expect("sent");
    assert_eq!(kept.receive("GET").expect("an answer").status, 200);
}

#[test]
fn a_row_of_the_firewall_ends_the_connections_of_who_is_shut_out() {
    let (pbx, web) = server("");
    let inside = admin(&web);
    person(&inside, "guest", "read-only");
    let guest = web.visitor().sign_in("guest", PASSWORD);
    let (mut kept, mut live) = kept_and_live(&inside);
    let (mut lost, mut lost_live) = kept_and_live(&guest);
    for (line, browser) in [(&mut kept, &inside), (&mut lost, &guest)] {
        expect_served(line, browser);
    }
    let rows = format!(
        "[firewall]\nweb = \"Here\"\n[[address_groups]]\nname = \"Here\"\nmembers = [\"{}\"]\n",
        inside.from
    );
    let applied = pbx.apply(&rows, &["--merge", "--yes"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    for line in [&mut lost, &mut lost_live] {
        line.end().expect("the connection ends");
    }
    // Idle for longer, and still open: the other did not end for that.
    expect_served(&mut kept, &inside);
    expect_shut_out(&guest);
    // What happens after it is still told to who is let in.
    let before = live.heard().len();
    assert_eq!(inside.ask("DELETE /api/v1/extensions/102", "").status, 200);
    live.patience(Duration::from_secs(60));
    wait::until("news on the live answer", || {
        assert!(live.take().expect("more to read") > 0, "it has ended: {}", live.heard());
        live.heard().get(before..).filter(|news| news.contains("event: ")).map(|_| ())
    });
    expect_served(&mut kept, &inside);
}
