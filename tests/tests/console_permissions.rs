//! Every operation of the API, as its own description lists them, by every role: exactly the table of permissions (SPEC R8.1).

use blackbox::resource::ask;
use blackbox::secure::Trust;
use blackbox::{Office, Pbx, place};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

/// What each role may.
const ROLES: [(&str, &[&str]); 4] = [
    ("full", &["view", "operate", "configure", "administer", "reveal", "audit"]),
    ("operator", &["view", "operate"]),
    ("read-only", &["view"]),
    ("auditor", &["view", "audit"]),
];
const PASSWORD: &str = "correct-horse-battery-staple-9";

/// An answer: status, head, and what its length says of the body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

struct Console {
    at: SocketAddrV4,
    trust: Trust,
}

impl Console {
    /// Asks on a connection of its own, as a browser's page does.
    fn ask(&self, method: &str, path: &str, cookie: Option<&str>, body: &str) -> Answer {
        let mut socket = TcpStream::connect(self.at).expect("the console listens");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        let name = ServerName::from(IpAddr::V4(*self.at.ip()));
        let mut connection = ClientConnection::new(self.trust.config(), name).expect("a client");
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).expect("a handshake");
        }
        let mut stream = StreamOwned::new(connection, socket);
        let cookie = cookie.map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nX-Ringwall: 1\r\nIf-Match: *\r\n{cookie}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.at,
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut bytes = Vec::new();
        let mut chunk = [0; 4_096];
        // A stream of events has no length, and no end.
        let (head, length) = loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
                });
                break (head.to_owned(), length.unwrap_or(0));
            }
            let count = stream.read(&mut chunk).expect("an answer in time");
            assert!(count > 0, "{method} {path}: closed without an answer");
            bytes.extend_from_slice(&chunk[..count]);
        };
        while bytes.len() < head.len() + 4 + length {
            match stream.read(&mut chunk) {
                Ok(count @ 1..) => bytes.extend_from_slice(&chunk[..count]),
                Ok(_) | Err(_) => break,
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = String::from_utf8_lossy(&bytes[head.len() + 4..]).into_owned();
        Answer { status, head, body }
    }

    /// Signs in; the cookie.
    fn sign_in(&self, login: &str) -> Option<String> {
        let body = json!({ "login": login, "password": PASSWORD }).to_string();
        let answer = self.ask("POST", "/session", None, &body);
        let cookie = answer.header("set-cookie")?.split(';').next()?.to_owned();
        (answer.status == 200).then_some(cookie)
    }
}

/// A server with somebody of each role.
fn office() -> (Pbx, Console) {
    let mut pbx = Pbx::prepare(Office::of(101, 1));
    let sip = pbx.sip;
    let at = SocketAddrV4::new(*sip.ip(), place::free_port());
    let listen = format!(
        "sip_udp = [\"{sip}\"]\nsip_tcp = [\"{sip}\"]\nsip_tls = []\nconsole = [\"{at}\"]\nmedia_ports = \"10000-19999\"\n"
    );
    pbx.reconfigure(|office| office.listen = listen);
    pbx.launch();
    for role in ["full", "operator", "read-only", "auditor", "user"] {
        let user = json!({ "login": role, "name": role, "role": role, "password": PASSWORD });
        ask(&pbx, "POST /users", &[], &user.to_string()).expect(201);
    }
    let authority = pbx.run(&["ca"]).done();
    let trust = Trust::of(&authority, &[&rustls::version::TLS13]);
    (pbx, Console { at, trust })
}

/// Method, path and permission of every operation, as the description lists them.
fn operations(pbx: &Pbx) -> Vec<(String, String, String)> {
    let document = ask(pbx, "GET /openapi.json", &[], "").expect(200).json();
    let paths = document["paths"].as_object().expect("paths").clone();
    let mut operations = Vec::new();
    for (path, item) in &paths {
        for (method, operation) in item.as_object().expect("operations") {
            let permission = operation["x-permission"].as_str().expect("a permission").to_owned();
            let path = path.trim_start_matches("/api/v1");
            // Objects that there are not: who may is told so, and nothing changes.
            let parts = path.split('/').map(|part| if part.starts_with('{') { "999" } else { part });
            operations.push((method.to_uppercase(), parts.collect::<Vec<_>>().join("/"), permission));
        }
    }
    assert!(operations.len() > 60, "{}", operations.len());
    operations
}

#[test]
fn each_operation_answers_exactly_the_roles_that_the_table_of_permissions_names() {
    let (pbx, console) = office();
    let operations = operations(&pbx);
    assert!(console.sign_in("user").is_none(), "who has no role may not sign in");
    for (role, may) in ROLES {
        let cookie = console.sign_in(role).expect("signed in");
        for (method, path, permission) in operations.iter().filter(|(_, _, needs)| needs != "open") {
            let answer = console.ask(method, path, Some(&cookie), "{}");
            let refused = answer.status == 403 && answer.json()["code"] == "not-allowed";
            let expected = permission != "person" && !may.contains(&permission.as_str());
            assert_eq!(
                refused, expected,
                "{role}: {method} {path} needs {permission}: {} {}",
                answer.status, answer.body
            );
            assert!(expected || answer.status != 401, "{role}: {method} {path}: {}", answer.body);
        }
    }
    for (method, path, permission) in operations.iter().filter(|(_, _, needs)| needs != "open") {
        let answer = console.ask(method, path, None, "{}");
        let signed_out = (answer.status, answer.json()["code"].as_str().map(str::to_owned));
        assert_eq!(signed_out, (401, Some("signed-out".to_owned())), "{method} {path} needs {permission}");
    }
}

#[test]
fn an_export_with_secrets_needs_more_than_one_without() {
    let (_pbx, console) = office();
    for (role, may) in ROLES {
        let cookie = console.sign_in(role).expect("signed in");
        let plain = console.ask("GET", "/configuration", Some(&cookie), "");
        let secret = console.ask("GET", "/configuration?secrets=true", Some(&cookie), "");
        let expected = if may.contains(&"reveal") { 200 } else { 403 };
        assert_eq!((plain.status, secret.status), (200, expected), "{role}");
    }
}

#[test]
fn somebody_elses_session_is_seen_and_ended_only_by_who_may() {
    let (_pbx, console) = office();
    let [full, operator, auditor] =
        ["full", "operator", "auditor"].map(|role| console.sign_in(role).expect("signed in"));
    let sessions = |cookie: &str| console.ask("GET", "/sessions", Some(cookie), "").json();
    let logins = |list: &Value| {
        let rows = list.as_array().cloned().unwrap_or_default();
        let mut logins: Vec<String> =
            rows.iter().filter_map(|row| row["login"].as_str()).map(str::to_owned).collect();
        logins.sort();
        logins
    };
    let all = sessions(&full);
    assert_eq!(logins(&all), ["auditor", "full", "operator"]);
    assert_eq!(logins(&sessions(&auditor)), ["auditor", "full", "operator"]);
    assert_eq!(logins(&sessions(&operator)), ["operator"]);
    let id = |login: &str| {
        let rows = all.as_array().expect("a list");
        rows.iter()
            .find(|row| row["login"] == login)
            .and_then(|row| row["id"].as_str())
            .expect("an id")
            .to_owned()
    };
    for other in [&operator, &auditor] {
        let answer = console.ask("DELETE", &format!("/sessions/{}", id("full")), Some(other), "");
        assert!(matches!(answer.status, 403 | 404), "{} {}", answer.status, answer.body);
    }
    assert_eq!(console.ask("GET", "/status", Some(&full), "").status, 200);
    assert_eq!(console.ask("DELETE", &format!("/sessions/{}", id("operator")), Some(&full), "").status, 204);
    assert_eq!(console.ask("GET", "/status", Some(&operator), "").status, 401, "ended at once");
}
