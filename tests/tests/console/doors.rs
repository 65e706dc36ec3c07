//! What a browser may be made to do by another site, what every answer forbids it, and names that are not ours.

use super::common::{admin, person, server};
use blackbox::https::{Answer, Browser, PASSWORD, Web, sign_in};
use serde_json::json;

fn revision(browser: &Browser) -> u64 {
    browser.ask("GET /api/v1/status", "").json()["revision"].as_u64().expect("a number")
}

#[test]
fn a_write_that_another_site_causes_is_refused_whatever_it_looks_like() {
    let (_pbx, web) = server("");
    let inside = admin(&web);
    let own = format!("https://{}", web.at);
    let before = revision(&inside);
    let body = json!({ "number": "150", "lines": [{ "username": "150" }] }).to_string();
    let strange_port = format!("https://{}:443", web.at.ip());
    let http = own.replace("https", "http");
    let refused: [&[(&str, &str)]; 15] = [
        &[("x-ringwall", "")],
        &[("x-ringwall", "0")],
        &[("x-ringwall", "1, 1")],
        &[("x-ringwall", ""), ("origin", &own), ("sec-fetch-site", "same-origin")],
        &[("origin", "https://evil.test")],
        &[("origin", "null")],
        &[("origin", &strange_port)],
        &[("origin", &http)],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", &own), ("sec-fetch-site", "cross-site")],
        &[("x-ringwall", ""), ("content-type", "application/x-www-form-urlencoded")],
        &[("x-ringwall", ""), ("content-type", "multipart/form-data; boundary=a")],
        &[("x-ringwall", ""), ("content-type", "text/plain")],
    ];
    for more in refused {
        for line in ["POST /api/v1/extensions", "DELETE /api/v1/session", "POST /api/v1/session"] {
            let answer = inside.with(line, more, &body);
            assert_eq!((answer.status, answer.code().as_str()), (403, "cross-site"), "{line} {more:?}");
        }
    }
    assert_eq!((inside.status(), revision(&inside)), (200, before));
    let from_us = [("origin", own.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(inside.with("POST /api/v1/extensions", &from_us, &body).status, 201);
}

/// A form of another site can only send what the table of content types allows; none of it is JSON to us by accident.
#[test]
fn no_method_is_overridden_and_no_answer_is_shared_with_other_origins() {
    let (_pbx, web) = server("");
    let inside = admin(&web);
    let before = revision(&inside);
    for name in ["x-http-method-override", "x-method-override", "x-http-method"] {
        let more = [(name, "DELETE"), ("origin", "https://evil.test")];
        assert_eq!(inside.with("GET /api/v1/extensions/101", &more, "").status, 200);
    }
    assert_eq!(inside.ask("GET /api/v1/extensions/101?_method=DELETE", "").status, 200);
    let asked = [
        ("origin", "https://evil.test"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-ringwall"),
    ];
    for line in ["OPTIONS /api/v1/extensions", "GET /api/v1/status", "OPTIONS /"] {
        let answer = inside.with(line, &asked, "");
        let shared = answer.fields().into_iter().find(|(name, _)| name.starts_with("access-control"));
        assert_eq!(shared, None, "{line}");
        assert!(
            answer.status < 500 && (answer.status == 200) == line.starts_with("GET"),
            "{line} {answer:?}"
        );
    }
    for line in
        ["TRACE /api/v1/status", "CONNECT /api/v1/status", "PATCH /api/v1/status", "FOO /api/v1/status"]
    {
        let answer = inside.ask(line, "");
        assert!(matches!(answer.status, 400 | 405), "{line} {answer:?}");
        assert!(!answer.body.contains("__Host"), "{line} shows no cookie");
    }
    assert_eq!(revision(&inside), before);
}

/// Each answer's fields, but for those that describe its content.
fn guards(answer: &Answer) -> Vec<(String, String)> {
    let own = [
        "date",
        "content-type",
        "content-length",
        "content-encoding",
        "cache-control",
        "vary",
        "etag",
        "set-cookie",
        "clear-site-data",
        "connection",
        "transfer-encoding",
        "x-total-count",
        "link",
        "allow",
        "content-disposition",
    ];
    let mut fields = answer.fields();
    fields.retain(|(name, _)| !own.contains(&name.as_str()));
    fields.sort();
    fields
}

const GUARDS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src \
         'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types svelte-trusted-html",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// That an answer forbids the browser what every answer forbids it.
pub fn expect_guards(what: &str, answer: &Answer) {
    let expected = GUARDS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(guards(answer), expected, "{what}");
}

#[test]
fn every_answer_has_the_guarding_fields_and_no_other() {
    let (_pbx, web) = server("");
    let inside = admin(&web);
    let stranger = web.visitor();
    let seen = |browser: &Browser, line: &str, status: u16, more: &[(&str, &str)], body: &str| {
        let answer = browser.with(line, more, body);
        assert_eq!(answer.status, status, "{line} {answer:?}");
        expect_guards(line, &answer);
        answer
    };
    let page = seen(&stranger, "GET /", 200, &[], "");
    let assets = page.body.split('"').filter(|text| text.starts_with("/assets/")).map(str::to_owned);
    for asset in assets.collect::<Vec<_>>() {
        let file = seen(&stranger, &format!("GET {asset}"), 200, &[], "");
        assert_eq!(file.header("cache-control").as_deref(), Some("public, max-age=31536000, immutable"));
    }
    for (line, status) in [("HEAD /", 200), ("GET /extensions/101", 200), ("GET /assets/none.js", 404)] {
        seen(&stranger, line, status, &[], "");
    }
    seen(&stranger, "POST /", 405, &[], "");
    seen(&stranger, "GET /", 421, &[("host", "evil.test")], "");
    for (line, status) in [
        ("GET /api/v1/session", 200),
        ("GET /api/v1/status", 401),
        ("GET /api/v1/nothing", 404),
        ("GET /api", 404),
        ("DELETE /api/v1/status", 405),
    ] {
        let answer = seen(&stranger, line, status, &[], "");
        assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"), "{line}");
    }
    seen(&stranger, "POST /api/v1/session", 401, &[], &sign_in("admin", "wrong"));
    seen(&stranger, "POST /api/v1/session", 400, &[], "{");
    seen(&stranger, "POST /api/v1/session", 413, &[], &" ".repeat(1 << 20));
    seen(&stranger, "POST /api/v1/session", 403, &[("x-ringwall", "")], "");
    for (line, status) in [
        ("GET /api/v1/status", 200),
        ("GET /api/v1/history.csv", 200),
        ("GET /api/v1/extensions/999", 404),
        ("GET /api/v1/certificates/authority.der", 200),
        ("POST /api/v1/extensions", 422),
        ("PUT /api/v1/status", 405),
        ("GET /api/v1/extensions?limit=0", 400),
    ] {
        seen(&inside, line, status, &[], "");
    }
    person(&inside, "guest", "read-only");
    let guest = web.visitor().sign_in("guest", PASSWORD);
    seen(&guest, "DELETE /api/v1/extensions/101", 403, &[], "");
}

#[test]
fn names_that_are_not_ours_are_refused_before_anything_else() {
    let (_pbx, web) = server("");
    let inside = admin(&web);
    let at = web.at.to_string();
    let ours = [
        at.clone(),
        web.at.ip().to_string(),
        "localhost:4021".into(),
        "LocalHost".into(),
        "[::1]:4021".into(),
    ];
    for host in ours {
        assert_eq!(inside.with("GET /api/v1/status", &[("host", &host)], "").status, 200, "{host}");
    }
    let hostile = [
        "evil.test".to_owned(),
        format!("{at}.evil.test"),
        format!("evil.test:{}", web.at.port()),
        format!("{at}@evil.test"),
        format!("evil.test#{at}"),
        "localhost.evil.test".into(),
        "[::1".into(),
        "::1]".into(),
        "localhost:4021:4021".into(),
        "127.0.0.1:4021, evil.test".into(),
        "x".repeat(4_000),
        "localhost%00".into(),
        "l\u{f6}calhost".into(),
    ];
    for host in hostile {
        for path in ["/", "/api/v1/status"] {
            let answer = inside.with(&format!("GET {path}"), &[("host", &host)], "");
            assert!(matches!(answer.status, 400 | 421), "{host}: {answer:?}");
            assert!(!answer.body.contains("evil"), "{}", answer.body);
        }
    }
    raw_host(&web, "", 421);
    raw_host(&web, &format!("Host: {at}\r\nHost: {at}\r\n"), 421);
    raw_host(&web, "Host: \r\n", 421);
}

fn raw_host(web: &Web, field: &str, status: u16) {
    let mut line = web.connect(web.visitor().from).expect("a connection");
    line.send(format!("GET / HTTP/1.1\r\n{field}Connection: close\r\n\r\n").as_bytes()).expect("sent");
    let answer = line.receive("GET").expect("an answer");
    assert!(answer.status == status || answer.status == 400, "{field:?}: {answer:?}");
}
