//! What strangers and phones write about themselves reaches lists, logs and JSON, and breaks none of them: no control
//! reaches a terminal, no line is forged, no JSON ends early. Letters are in tests/tests/mail.rs.

use blackbox::digest::Credentials;
use blackbox::raw::{Request, registration};
use blackbox::{Office, Pbx, RawPhone, wait};

/// Each breaks something if it is not escaped: terminals, log lines, pages, JSON, spreadsheets, the direction of writing.
const HOSTILE: &[&str] = &[
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "\u{9b}2J\u{85}next",
    "<script>alert(1)</script>",
    "\"},{\"forged\":\"",
    "',=cmd|' /C calc'!A0,",
    "\u{202e}gnp.exe\u{2066}\u{200b}\u{feff}",
    "a\u{2028}2026-01-01T00:00:00.000Z error forged.event b=\"c\"\u{2029}",
    "%0d%0a2026-01-01T00:00:00.000Z%20error%20forged.event",
    "\\\\\\\" reason=\"fine\" \\",
    "'; DROP TABLE blocks; --",
    "${jndi:ldap://x}{{7*7}}%s%n",
];

/// Text as part of a URI.
fn in_uri(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02x}") }).collect()
}

/// Text within quotes.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A phone with the right password says hostile things, and calls somebody with a hostile name.
fn introduce(server: &Pbx, text: &str) {
    let mut phone = RawPhone::new("101", server.sip);
    let mut request = registration("101", server.sip, 60);
    request.more.push_str(&format!("User-Agent: {text}\r\n"));
    let status = phone.ask_as(&request, "101", &blackbox::config::password_of("101")).status();
    assert!(status == 200 || status == 400, "{status} to {text:?}");
    let call = Request {
        method: "INVITE",
        uri: format!("sip:{}@{}", in_uri(text), server.sip),
        from: "101",
        to: "whom",
        more: format!(
            "User-Agent: {text}\r\nSubject: {text}\r\nP-Asserted-Identity: \"{}\" <sip:1@x>\r\n",
            quoted(text)
        ),
        body: String::new(),
    };
    let status = phone.ask_as(&call, "101", &blackbox::config::password_of("101")).status();
    assert!(status >= 400, "{status} to {text:?}");
}

/// A stranger gives a wrong password under a hostile name: blocked, unless his message is none.
fn guess(server: &Pbx, text: &str) {
    let mut phone = RawPhone::new("101", server.sip);
    let mut request = registration("101", server.sip, 60);
    let challenge = phone.ask(&request).challenges().first().cloned().expect("a challenge");
    let account = quoted(text);
    let credentials = Credentials { user: &account, password: "wrong", count: 1, cnonce: "x" };
    let value = challenge.answer(&credentials, request.method, &request.uri);
    request.more.push_str(&format!("User-Agent: {text}\r\nAuthorization: {value}\r\n"));
    let request = phone.compose(&request);
    phone.send(&request);
    let address = phone.address.ip().to_string();
    wait::until("a block or a refusal", || {
        let refused =
            phone.receive_within(std::time::Duration::from_millis(20)).is_some_and(|m| m.status() == 400);
        (refused || server.run(&["blocks"]).done().contains(&address)).then_some(())
    });
}

/// Whether a terminal would obey or hide the character.
fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[test]
fn hostile_text_breaks_no_list_no_log_and_no_json() {
    let mut office = Office::of(101, 1);
    office.more = "[security.guessing]\nattempts = 1\n".into();
    let server = Pbx::start(office);
    for text in HOSTILE {
        introduce(&server, text);
        guess(&server, text);
    }
    server.expect_records(HOSTILE.len());
    let seen = "<script>alert(1)</script>";
    let mut told = Vec::new();
    for words in [&["registrations"][..], &["history"], &["blocks"], &["calls"], &["status"], &["check"]] {
        let text = server.run(words).done();
        assert!(!text.contains(is_obeyed), "{words:?}\n{text:?}");
        let json = server.run(&[words, &["--json"]].concat()).done();
        assert!(!json.contains(is_obeyed), "{words:?}\n{json:?}");
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert!(!json.contains("\"forged\":"), "{words:?}\n{json}");
        if text.contains(seen) && value.to_string().contains(seen) {
            told.push(words[0]);
        }
    }
    assert_eq!(told, ["registrations", "history", "blocks"], "what was said is shown, not lost");
    for name in ["security", "auth", "config", "warning", "error", "debug"] {
        let text = server.run(&["log", name]).done();
        assert!(!text.contains(is_obeyed), "{name}\n{text:?}");
        for line in text.lines() {
            let mut parts = line.split(' ');
            let (time, level, event) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
            assert!(time.is_some_and(|time| time.starts_with("20") && time.ends_with('Z')), "{line}");
            assert!(matches!(level, Some("debug" | "info" | "warning" | "error")), "{line}");
            assert!(event.contains('.') && event != "forged.event", "{line}");
        }
        let lines = server.json(&["log", name, "--json"]);
        assert!(
            lines.as_array().is_some_and(|lines| lines.iter().all(|line| line["event"] != "forged.event"))
        );
    }
    let security = server.run(&["log", "security"]).done();
    let failures = security.lines().filter(|line| line.contains("Authentication failed")).count();
    assert!(failures >= HOSTILE.len() - 2, "{failures} failures\n{security}");
}

#[test]
fn hostile_reasons_of_administrators_are_shown_harmless() {
    let server = Pbx::start(Office::of(101, 1));
    for (number, text) in HOSTILE.iter().enumerate() {
        let address = format!("203.0.113.{number}");
        // Taken or refused: never obeyed.
        let answer = server.run(&["block", &address, "--why", text]);
        assert!(!answer.stdout.contains(is_obeyed) && !answer.stderr.contains(is_obeyed), "{answer:?}");
    }
    for text in [server.run(&["blocks"]).done(), server.run(&["blocks", "--json"]).done()] {
        assert!(!text.contains(is_obeyed), "{text:?}");
    }
}
