//! Hostile text where the API takes text: SQL in every parameter of a list, and lines that would forge a log.

use super::common::{admin, server};
use blackbox::https::sign_in;

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

#[test]
fn a_row_of_the_firewall_ends_the_connections_of_who_is_shut_out() {
    let (pbx, web) = server("");
    let inside = admin(&web);
    let guest = web.visitor();
    let mut line = web.connect(guest.from).expect("a connection");
    let rows = format!(
        "[firewall]\nweb = \"Here\"\n[[address_groups]]\nname = \"Here\"\nmembers = [\"{}\"]\n",
        inside.from
    );
    let applied = pbx.apply(&rows, &["--merge", "--yes"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let _ = line.end();
    super::common::expect_shut_out(&guest);
    assert_eq!(inside.status(), 200);
}
