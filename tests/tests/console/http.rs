//! HTTP as an attacker writes it: two readings of one message, paths that climb, everything too large and everything too slow.

use super::common::{admin, server};
use super::doors::expect_guards;
use blackbox::https::{Line, Web};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// Beyond each of the server's own limits of time.
const ENDED_WITHIN: Duration = Duration::from_secs(90);

/// Everything that comes back for these bytes until the server ends the connection.
fn said(web: &Web, bytes: &[u8]) -> String {
    let mut line = web.connect(web.visitor().from).expect("a connection");
    // The server may have refused it before it is all sent.
    let _ = line.send(bytes);
    let _ = line.end();
    line.heard()
}

fn statuses(heard: &str) -> Vec<u16> {
    let lines = heard.split("HTTP/1.").skip(1).filter_map(|rest| rest.split(' ').nth(1)?.parse().ok());
    lines.collect()
}

#[test]
fn a_message_of_two_readings_is_never_two_requests() {
    let (_pbx, web) = server("");
    let at = web.at;
    let smuggled = format!("GET /api/v1/session HTTP/1.1\r\nHost: {at}\r\n\r\n");
    let length = smuggled.len();
    let bodies = [
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{smuggled}"),
        format!("Content-Length: 0, {length}\r\n\r\n{smuggled}"),
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("Content-Length: -1\r\n\r\n{smuggled}"),
        format!("Content-Length: +0\r\n\r\n{smuggled}"),
        format!("Content-Length: 0x0\r\n\r\n{smuggled}"),
        format!("Content-Length: 99999999999999999999\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n{smuggled}"),
        format!("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n{smuggled}"),
    ];
    std::thread::scope(|scope| {
        for body in &bodies {
            let web = &web;
            scope.spawn(move || {
                let head = format!("POST /api/v1/session HTTP/1.1\r\nHost: {at}\r\nX-Ringwall: 1\r\n");
                let heard = said(web, format!("{head}{body}").as_bytes());
                let statuses = statuses(&heard);
                assert!(statuses.len() <= 1 && !statuses.contains(&200), "{body:?}: {heard}");
            });
        }
    });
}

#[test]
fn heads_that_are_none_are_refused_and_shown_to_nobody() {
    let (_pbx, web) = server("");
    let at = web.at;
    let heads: [Vec<u8>; 11] = [
        format!("GET / HTTP/1.1\r\nHost: {at}\r\nX: a\0b\r\n\r\n").into(),
        format!("GET / HTTP/1.1\r\nHost: {at}\r\nX: a\rSet-Cookie: b=c\r\n\r\n").into(),
        format!("GET / HTTP/1.1\r\nHost: {at}\r\nX: a\r\n folded\r\n\r\n").into(),
        format!("GET / HTTP/1.1\r\nHost: {at}\r\nX y: a\r\n\r\n").into(),
        format!("GET / HTTP/1.1\r\nHost: {at}\r\n: a\r\n\r\n").into(),
        format!("GET /\0 HTTP/1.1\r\nHost: {at}\r\n\r\n").into(),
        format!("GET / HTTP/9.9\r\nHost: {at}\r\n\r\n").into(),
        b"GET /\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
        format!("GET / HTTP/1.1\r\nHost: {at}\r\n{}\r\n", "X: y\r\n".repeat(100)).into(),
    ];
    std::thread::scope(|scope| {
        for head in &heads {
            let web = &web;
            scope.spawn(move || {
                let heard = said(web, head);
                let statuses = statuses(&heard);
                assert!(
                    statuses.iter().all(|status| (400..500).contains(status) || *status == 505)
                        && statuses.len() <= 1,
                    "{:?}: {heard}",
                    String::from_utf8_lossy(head)
                );
                assert!(!heard.contains("b=c") && !heard.contains("folded"), "{heard}");
            });
        }
    });
    let old = said(&web, format!("GET / HTTP/1.0\r\nHost: {at}\r\n\r\n").as_bytes());
    assert_eq!(statuses(&old), [200], "HTTP/1.0 is answered once, and the connection ends");
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let (_pbx, web) = server("");
    let inside = admin(&web);
    let path = format!("GET /{} HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(60_000), web.at);
    let field = format!("GET / HTTP/1.1\r\nHost: {}\r\nX: {}\r\n\r\n", web.at, "a".repeat(60_000));
    for head in [path, field] {
        let heard = said(&web, head.as_bytes());
        assert_eq!(statuses(&heard), [431], "{heard}");
    }
    // Who may not is told so without waiting for the body.
    let stranger = web.visitor();
    let claimed = stranger.compose("PUT /api/v1/configuration", &[], "");
    let mut stream = web.connect(stranger.from).expect("a connection");
    stream.send(claimed.replace("content-length: 0", "content-length: 4000000000").as_bytes()).expect("sent");
    assert_eq!(stream.receive("PUT").expect("an answer").status, 401);
    // A body without end is ended.
    let head = inside
        .compose("POST /api/v1/extensions", &[], "")
        .replace("content-length: 0", "transfer-encoding: chunked");
    let mut stream = web.connect(inside.from).expect("a connection");
    stream.send(head.as_bytes()).expect("sent");
    let chunk = format!("10000\r\n{}\r\n", "1".repeat(0x10000));
    let ended = (0..2_000).any(|_| stream.send(chunk.as_bytes()).is_err());
    assert!(ended, "more than 100 MB were taken");
    assert_eq!(inside.status(), 200);
}

#[test]
fn a_head_that_is_none_is_answered_with_the_guarding_fields_too() {
    let (_pbx, web) = server("");
    let at = web.at;
    let get = format!("GET /api/v1/session HTTP/1.1\r\nHost: {at}\r\n");
    let post = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: {at}\r\nX-Ringwall: 1\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let heads: [(String, u16, &str); 8] = [
        ("\0\r\n\r\n".into(), 400, "bad-request"),
        (format!("{get}X y: a\r\n\r\n"), 400, "bad-request"),
        (format!("{get}Content-Length: -1\r\n\r\n"), 400, "bad-request"),
        ("GET / HTTP/9.9\r\n\r\n".into(), 400, "bad-request"),
        (format!("{get}{}\r\n", "X: y\r\n".repeat(100)), 431, "too-large"),
        (format!("{get}X: {}\r\n\r\n", "a".repeat(1 << 20)), 431, "too-large"),
        (format!("GET /{}", "a".repeat(1 << 20)), 431, "too-large"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)), 431, "too-large"),
    ];
    for before in [0, 1, 2] {
        for (head, status, code) in &heads {
            let what = format!("{head:.60} after {before} answers");
            let mut line = web.connect(web.visitor().from).expect("a connection");
            let first = [format!("{get}\r\n"), post.clone()];
            for (first, expected) in first.iter().zip([200, 400]).take(before) {
                line.send(first.as_bytes()).expect("sent");
                assert_eq!(line.receive("GET").expect("an answer").status, expected, "{what}");
            }
            // Whoever is told that it is too much may have more to send.
            let _ = line.send(head.as_bytes());
            let answer = line.receive("GET").unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((answer.status, answer.code().as_str()), (*status, *code), "{what}: {answer:?}");
            assert_eq!(answer.header("content-type").as_deref(), Some("application/problem+json"), "{what}");
            assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"), "{what}");
            assert!(answer.header("date").is_some(), "{what}");
            expect_guards(&what, &answer);
            line.end().unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(line.heard(), "", "{what}");
        }
    }
}

/// Nothing of the body is ever sent: an answer shows that none was waited for.
#[test]
fn a_body_that_claims_too_much_is_refused_at_its_head() {
    let (_pbx, web) = server("");
    let (inside, stranger) = (admin(&web), web.visitor());
    let asked = [
        (&stranger, "POST /api/v1/session", (16 << 10) + 1),
        (&stranger, "POST /api/v1/session/second-factor", (16 << 10) + 1),
        (&inside, "PUT /api/v1/me/password", (16 << 10) + 1),
        (&inside, "POST /api/v1/tokens", 4_000_000_000_u64),
        (&inside, "POST /api/v1/mail/test", u64::MAX - 2),
        (&inside, "POST /api/v1/extensions", (2 << 20) + 1),
        (&inside, "PUT /api/v1/users/admin/password", 4_000_000_000),
        (&inside, "PUT /api/v1/settings/firewall", 4_000_000_000),
        (&inside, "PUT /api/v1/configuration", u64::MAX - 2),
        (&inside, "DELETE /api/v1/extensions/101", u64::MAX - 2),
    ];
    for (browser, what, length) in asked {
        for expects in [&[][..], &[("expect", "100-continue")]] {
            let head = browser.compose(what, expects, "");
            let head = head.replace("content-length: 0", &format!("content-length: {length}"));
            let mut line = web.connect(browser.from).expect("a connection");
            line.send(head.as_bytes()).expect("sent");
            let answer = line.receive("POST").unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!((answer.status, answer.code().as_str()), (413, "too-large"), "{what}: {answer:?}");
            expect_guards(what, &answer);
            line.end().unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(line.heard(), "", "{what}");
        }
    }
    assert_eq!(inside.ask("GET /api/v1/extensions/101", "").status, 200, "nothing was done");
    // What is allowed is asked for.
    let head = stranger.compose("POST /api/v1/session", &[("expect", "100-continue")], "{}");
    let (head, body) = head.split_at(head.len() - 2);
    let mut line = web.connect(stranger.from).expect("a connection");
    line.send(head.as_bytes()).expect("sent");
    assert_eq!(line.head().expect("an answer").status, 100);
    line.send(body.as_bytes()).expect("sent");
    assert_eq!(line.receive("POST").expect("an answer").status, 400);
}

/// Whole records of TLS come before the server knows that the handshake is done.
#[test]
fn a_large_request_that_comes_along_with_the_handshake_is_served() {
    let (_pbx, web) = server("");
    let inside = admin(&web);
    let trial = format!("{}{}", " ".repeat(200_000), r#"{"number":"150","lines":[{"username":"150"}]}"#);
    let request = inside.compose("POST /api/v1/extensions", &[], &trial);
    let mut line = web.connect_saying(inside.from, request.as_bytes()).expect("a connection");
    let answer = line.receive("POST").expect("an answer");
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[test]
fn paths_that_climb_lead_nowhere() {
    let (pbx, web) = server("");
    let inside = admin(&web);
    std::fs::write(pbx.data().join("planted"), "planted-text").expect("a file");
    let paths = [
        "/../planted",
        "/../../../../../../etc/passwd",
        "/assets/../../planted",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%252e%252e/planted",
        "/..\\..\\planted",
        "/..;/planted",
        "//etc/passwd",
        "/%00",
        "/assets/%00",
        "/index.html%00.js",
        "/assets/%ff%fe",
        "/%c0%ae%c0%ae/planted",
        "/api/v1/../../planted",
        "/api/v1/%2e%2e/%2e%2e/planted",
        "/api/v1//status",
        "/API/v1/status",
        "/%61pi/v1/status",
        "/api/v1/logs/..%2fplanted",
        "/api/v1/logs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/api/v1/logs/security%00",
        "/api/v1/extensions/..%2fusers",
        "/api/v1/extensions/101%2fpassword",
        "/api/v1/extensions/%00",
        "/api/v1/extensions/%ff",
        "/api/v1/users/..%2f..%2fstatus",
        "/api/v1/address-groups/%2e%2e",
        "/api/v1/settings/..%2fusers",
        "/api/v1/revisions/..%2f1",
        "/api/v1/history/%2e%2e%2f",
        "/api/v1/certificates/..%2fauthority.key",
    ];
    for path in paths {
        let answer = inside.ask(&format!("GET {path}"), "");
        assert!(matches!(answer.status, 200 | 400..=499), "{path}: {answer:?}");
        assert!(!answer.body.contains("root:") && !answer.body.contains("planted-text"), "{path}");
        if answer.status == 200 {
            assert!(answer.body.to_ascii_lowercase().contains("<!doctype html"), "{path}: {}", answer.body);
        }
    }
    assert_eq!(web.visitor().ask("GET /api/v1/../v1/status", "").status, 404);
}

/// Reads until the server has ended the connection.
fn expect_end(what: &str, line: &mut Line) {
    line.patience(ENDED_WITHIN);
    match line.end() {
        Ok(()) => {}
        Err(error) => assert!(
            !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            "{what}: still open after {ENDED_WITHIN:?}"
        ),
    }
}

/// Sends a byte now and then until the server has had enough.
fn trickle(what: &str, web: &Web, beginning: &str) {
    let mut line = web.connect(web.visitor().from).expect("a connection");
    line.send(beginning.as_bytes()).expect("sent");
    line.patience(Duration::from_millis(500));
    let deadline = Instant::now() + ENDED_WITHIN;
    loop {
        assert!(Instant::now() < deadline, "{what}: still open after {ENDED_WITHIN:?}");
        if line.send(b"1").is_err() || matches!(line.take(), Ok(0)) {
            return;
        }
        match line.take() {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) | Ok(0) => return,
            Ok(_) => {}
        }
    }
}

#[test]
fn who_is_slow_with_a_head_a_body_a_handshake_or_reading_is_ended() {
    let (_pbx, web) = server("");
    let (inside, stranger) = (admin(&web), web.visitor());
    let claims = |text: String| text.replace("content-length: 0", "content-length: 15000");
    let small = claims(stranger.compose("POST /api/v1/session", &[], ""));
    let large = claims(inside.compose("POST /api/v1/extensions", &[], ""));
    let refused = claims(stranger.compose("POST /api/v1/extensions", &[], ""));
    let silent = format!("GET / HTTP/1.1\r\nHost: {}\r\n", web.at);
    std::thread::scope(|scope| {
        let web = &web;
        scope.spawn(|| trickle("a slow head", web, "GET / HTTP/1.1\r\nX: "));
        scope.spawn(|| trickle("a slow body before signing in", web, &small));
        scope.spawn(|| trickle("a slow body after signing in", web, &large));
        scope.spawn(|| trickle("a slow body that nobody reads", web, &refused));
        for (what, text) in
            [("nothing at all", ""), ("half a head", silent.as_str()), ("half a body", small.as_str())]
        {
            scope.spawn(move || {
                let mut line = web.connect(web.visitor().from).expect("a connection");
                line.send(text.as_bytes()).expect("sent");
                expect_end(what, &mut line);
            });
        }
        scope.spawn(|| {
            let mut tcp = web.tcp(web.visitor().from).expect("a connection");
            tcp.set_read_timeout(Some(ENDED_WITHIN)).expect("a time-out");
            tcp.write_all(&[0x16, 3, 1, 2, 0, 1]).expect("sent");
            let read = tcp.read(&mut [0; 100]);
            assert!(
                !matches!(&read, Err(error) if error.kind() == ErrorKind::WouldBlock),
                "half a handshake: {read:?}"
            );
        });
        scope.spawn(|| {
            let mut line = web.connect(inside.from).expect("a connection");
            let pages = inside.compose("GET /api/v1/openapi.json", &[], "").repeat(200);
            // What the server leaves unread stays in the sockets' buffers; it resets the connection when it has had enough.
            let deadline = Instant::now() + ENDED_WITHIN;
            while line.send(pages.as_bytes()).is_ok() {
                assert!(Instant::now() < deadline, "who reads nothing is still served");
            }
        });
    });
    assert_eq!(stranger.guess("admin", "wrong").expect("an answer").status, 401);
}
