//! The doors over plain connections: a porter who knows one person, one token and one code.

use std::sync::Arc;

use model::{Secret, Wall};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Fake;
use crate::console::{
    AuditEntry, AuditQuery, AuditRow, CodeProposals, Known, NewFactor, NewSession, NewToken, OfficeName,
    Phone, SessionRow, SetUpWish, Stage, Token, TokenWish,
};
use crate::{Author, By, Caller, Console, Https, Permission, Permissions, Problem, Visitor};

fn known(stage: Stage) -> Known {
    Known {
        id: "1".into(),
        stage,
        login: "viewer".into(),
        name: String::new(),
        role: "read-only".into(),
        permissions: [Permission::View].into_iter().collect(),
        second_factor: false,
        idle_s: 60.0,
        ends: Wall::from_millis(0),
    }
}

impl Console for Fake {
    fn is_new(&self) -> bool {
        self.0.lock().unwrap().iter().any(|said| said == "new")
    }
    fn answers_to(&self, host: &str) -> bool {
        host == "pbx.example.test"
    }
    fn has_trusted_certificate(&self) -> bool {
        false
    }
    fn office_name(&self) -> OfficeName {
        OfficeName { name: "Office".into(), language: "en".into(), time_zone: Some("UTC".into()) }
    }
    fn known(&self, key: &Secret, _: &Visitor) -> Option<Known> {
        match key.expose() {
            "good" => Some(known(Stage::SignedIn)),
            "half" => Some(known(Stage::SecondFactor)),
            _ => None,
        }
    }
    fn stands(&self, _: &Caller) -> bool {
        !self.0.lock().unwrap().iter().any(|said| said == "ended")
    }
    async fn token(&self, token: &Secret, visitor: &Visitor) -> Result<Caller, Problem> {
        let by = By::Token { id: "1".into() };
        let address = Some(visitor.remote.ip());
        let permissions = Permissions::ALL;
        let right = token.expose() == "rw_right";
        let caller = Caller { author: Author("script".into()), permissions, address, by };
        right.then_some(caller).ok_or_else(|| Problem::wrong_credentials("wrong"))
    }
    async fn sign_in(&self, _: &Visitor, login: String, _: Secret) -> Result<NewSession, Problem> {
        if login == "slow" {
            self.0.lock().unwrap().push("begun".into());
            self.until("go on").await;
            self.0.lock().unwrap().push("counted".into());
        }
        Ok(NewSession { key: Secret::new("fresh".into()), known: known(Stage::SignedIn) })
    }
    async fn second_factor(&self, _: &Visitor, _: String) -> Result<NewSession, Problem> {
        Err(Problem::signed_out())
    }
    async fn sign_out(&self, _: &Visitor) -> Result<(), Problem> {
        Ok(())
    }
    async fn setup_code(&self, _: &Visitor, _: Secret) -> Result<(NewSession, CodeProposals), Problem> {
        Err(Problem::wrong_credentials("wrong"))
    }
    async fn set_up(&self, _: &Visitor, _: SetUpWish) -> Result<(NewSession, Vec<Phone>), Problem> {
        Err(Problem::signed_out())
    }
    async fn sessions(&self, _: &Caller) -> Result<Vec<SessionRow>, Problem> {
        Ok(Vec::new())
    }
    async fn end_session(&self, _: &Caller, _: String) -> Result<(), Problem> {
        Ok(())
    }
    async fn set_password(&self, _: &Caller, _: &Visitor, _: Secret, _: Secret) -> Result<(), Problem> {
        Ok(())
    }
    async fn propose_factor(&self, _: &Caller, _: &Visitor, _: Secret) -> Result<NewFactor, Problem> {
        Err(Problem::stopping())
    }
    async fn confirm_factor(&self, _: &Caller, _: String) -> Result<Vec<String>, Problem> {
        Ok(Vec::new())
    }
    async fn remove_factor(&self, _: &Caller, _: &Visitor, _: Secret) -> Result<(), Problem> {
        Ok(())
    }
    async fn reset_password(&self, _: &Caller, _: Option<String>) -> Result<(String, Secret), Problem> {
        Err(Problem::stopping())
    }
    async fn tokens(&self) -> Result<Vec<Token>, Problem> {
        Ok(Vec::new())
    }
    async fn make_token(&self, _: &Caller, _: TokenWish) -> Result<NewToken, Problem> {
        Err(Problem::stopping())
    }
    async fn end_token(&self, _: &Caller, _: String) -> Result<(), Problem> {
        Ok(())
    }
    async fn write_audit(&self, entry: AuditEntry) {
        self.0
            .lock()
            .unwrap()
            .push(format!("{} {} {} {}", entry.author, entry.action, entry.object, entry.outcome));
    }
    async fn audit(&self, _: AuditQuery) -> Result<Vec<AuditRow>, Problem> {
        Ok(Vec::new())
    }
    fn now(&self) -> Wall {
        Wall::from_millis(0)
    }
}

impl Fake {
    async fn until(&self, what: &str) {
        while !self.0.lock().unwrap().iter().any(|said| said == what) {
            tokio::task::yield_now().await;
        }
    }
}

async fn ask(office: &Arc<Fake>, head: &str, body: &str) -> String {
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let https = Https::new(office.clone(), office.clone());
    let (remote, local) = ("192.0.2.7:40000".parse().unwrap(), "192.0.2.1:4021".parse().unwrap());
    tokio::spawn(https.serve(server, remote, local, std::future::pending()));
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let host = if headers.contains("Host:") { "" } else { "Host: 192.0.2.1:4021\r\n" };
    let headers: String = headers.lines().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let text = format!(
        "{line} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    client.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

const GOOD: &str = "Cookie: __Host-ringwall-4021=good";

#[tokio::test]
async fn nobody_sees_a_resource_before_signing_in_nor_between_the_two_steps() {
    let office = Arc::<Fake>::default();
    for cookie in ["X-A: b", "Cookie: __Host-ringwall-4021=half", "Cookie: __Host-ringwall-443=good"] {
        let answer = ask(&office, &format!("GET /api/v1/calls\n{cookie}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("signed-out"), "{answer}");
    }
    assert!(ask(&office, &format!("GET /api/v1/calls\n{GOOD}"), "").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_write_from_another_site_is_refused_and_one_beyond_the_role_is_refused_and_written_down() {
    let office = Arc::<Fake>::default();
    for more in
        ["", "\nX-Ringwall: 1\nOrigin: https://evil.test", "\nX-Ringwall: 1\nSec-Fetch-Site: cross-site"]
    {
        let answer = ask(&office, &format!("PUT /api/v1/lock\n{GOOD}{more}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("cross-site"), "{more}: {answer}");
    }
    let own = "\nX-Ringwall: 1\nOrigin: https://192.0.2.1:4021\nSec-Fetch-Site: same-origin";
    let answer = ask(&office, &format!("PUT /api/v1/lock\n{GOOD}{own}"), "").await;
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("not-allowed"), "{answer}");
    assert_eq!(*office.0.lock().unwrap(), ["viewer PUT /lock /lock refused"]);
}

#[tokio::test]
async fn a_token_needs_no_header_and_a_wrong_one_is_nobody() {
    let office = Arc::<Fake>::default();
    let answer = ask(&office, "PUT /api/v1/lock\nAuthorization: Bearer rw_right", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = ask(&office, "GET /api/v1/calls\nAuthorization: Bearer rw_wrong", "").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_port_alone_and_no_script_reads_it() {
    let office = Arc::<Fake>::default();
    let answer =
        ask(&office, "POST /api/v1/session\nX-Ringwall: 1", "{\"login\":\"viewer\",\"password\":\"x\"}")
            .await;
    let cookie = "set-cookie: __Host-ringwall-4021=fresh; Path=/; Secure; HttpOnly; SameSite=Strict\r\n";
    assert!(answer.contains(cookie), "{answer}");
    let forged = ask(&office, "POST /api/v1/session", "{\"login\":\"viewer\",\"password\":\"x\"}").await;
    assert!(forged.starts_with("HTTP/1.1 403"), "{forged}");
}

#[tokio::test]
async fn before_the_set_up_only_the_set_up_answers() {
    let office = Arc::<Fake>::default();
    office.0.lock().unwrap().push("new".into());
    for request in ["GET /api/v1/calls", "GET /api/v1/calls\nAuthorization: Bearer rw_right"] {
        let answer = ask(&office, request, "").await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("setup-first"), "{answer}");
    }
    assert!(ask(&office, "GET /api/v1/session", "").await.contains("\"state\":\"setup\""));
    let code = ask(&office, "POST /api/v1/setup/code\nX-Ringwall: 1", "{\"code\":\"x\"}").await;
    assert!(code.contains("wrong-credentials"), "{code}");
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_refused_and_every_answer_has_its_headers() {
    let office = Arc::<Fake>::default();
    for (host, status) in [
        ("pbx.example.test:4021", "200"),
        ("[2001:db8::1]:4021", "200"),
        ("evil.test", "421"),
        ("192.0.2.1.evil.test:4021", "421"),
        ("", "421"),
    ] {
        let answer = ask(&office, &format!("GET /anything\nHost: {host}"), "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
        assert!(answer.contains("frame-ancestors 'none'") && answer.contains("nosniff"), "{answer}");
        assert!(!answer.to_lowercase().contains("strict-transport-security"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_too_large_or_strange_is_refused_without_repeating_it() {
    let office = Arc::<Fake>::default();
    let large = format!("{{\"login\":\"{}\"}}", "x".repeat(20_000));
    let answer = ask(&office, "POST /api/v1/session\nX-Ringwall: 1", &large).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let answer = ask(&office, "POST /api/v1/session\nX-Ringwall: 1", "{\"pass\":\"hunter2\"}").await;
    assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains("hunter2"), "{answer}");
}

#[tokio::test]
async fn an_answer_that_goes_on_ends_with_its_session() {
    use axum::body::Body;
    use axum::http::{Response, header};
    use http_body_util::BodyExt as _;

    let console = Arc::new(Fake::default());
    let endless = tokio_stream::StreamExt::chain(
        tokio_stream::once(Ok::<_, std::convert::Infallible>("event: status\ndata: 1\n\n")),
        tokio_stream::pending(),
    );
    let answer = Response::builder().header(header::CONTENT_TYPE, "text/event-stream");
    let answer = answer.body(Body::from_stream(endless)).unwrap();
    let caller = Caller::of_socket(Author("script".into()));
    let watched = crate::console::watched::until_signed_out(console.clone(), caller, None, answer);
    let mut body = watched.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(b"event: status"));
    console.0.lock().unwrap().push("ended".into());
    let rest =
        tokio::time::timeout(std::time::Duration::from_secs(20), body.collect()).await.unwrap().unwrap();
    assert_eq!(rest.to_bytes(), "event: bye\ndata: {\"why\":\"the session has ended\"}\n\n");
}

#[tokio::test]
async fn what_made_an_answer_is_told_when_its_reader_has_gone_although_nothing_happens() {
    use axum::body::Body;
    use axum::http::Response;

    let console = Arc::new(Fake::default());
    let (notes, receiver) = tokio::sync::mpsc::channel::<Result<&str, std::convert::Infallible>>(1);
    let answer = Response::new(Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver)));
    let caller = Caller::of_socket(Author("script".into()));
    drop(crate::console::watched::until_signed_out(console, caller, None, answer));
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, notes.closed()).await.unwrap();
}

#[tokio::test]
async fn a_long_table_breaks_off_with_its_session_or_its_source_and_is_not_taken_for_whole() {
    use axum::body::Body;
    use axum::http::{Response, header};
    use http_body_util::BodyExt as _;
    use std::io;

    assert!(crate::console::watched::goes_on("/api/v1/history.csv"));
    for breaks in [false, true] {
        let console = Arc::new(Fake::default());
        let rows = tokio_stream::iter([Ok("from,to\n"), Err(io::Error::other("the disk"))]);
        let rows = tokio_stream::StreamExt::take(rows, if breaks { 2 } else { 1 });
        let rows = tokio_stream::StreamExt::chain(rows, tokio_stream::pending());
        let answer = Response::builder().header(header::CONTENT_TYPE, "text/csv");
        let answer = answer.body(Body::from_stream(rows)).unwrap();
        let caller = Caller::of_socket(Author("script".into()));
        let watched = crate::console::watched::until_signed_out(console.clone(), caller, None, answer);
        let mut body = watched.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "from,to\n");
        if !breaks {
            console.0.lock().unwrap().push("ended".into());
        }
        let patience = std::time::Duration::from_secs(20);
        assert!(tokio::time::timeout(patience, body.collect()).await.unwrap().is_err(), "{breaks}");
    }
}

#[tokio::test]
async fn a_guess_counts_although_nobody_waits_for_its_answer() {
    let office = Arc::new(Fake::default());
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let https = Https::new(office.clone(), office.clone());
    let (remote, local) = ("192.0.2.7:40000".parse().unwrap(), "192.0.2.1:4021".parse().unwrap());
    let served = tokio::spawn(https.serve(server, remote, local, std::future::pending()));
    let body = r#"{"login":"slow","password":"wrong"}"#;
    let head = "POST /api/v1/session HTTP/1.1\r\nHost: 192.0.2.1\r\nX-Ringwall: 1\r\n";
    let text = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    client.write_all(text.as_bytes()).await.unwrap();
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, office.until("begun")).await.unwrap();
    drop(client);
    tokio::time::timeout(patience, served).await.unwrap().unwrap();
    office.0.lock().unwrap().push("go on".into());
    tokio::time::timeout(patience, office.until("counted")).await.unwrap();
}

#[tokio::test]
async fn a_write_whose_author_is_thrown_out_before_its_body_is_whole_is_not_carried_out() {
    for (thrown_out, status) in [(true, "401"), (false, "200")] {
        let office = Arc::<Fake>::default();
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let https = Https::new(office.clone(), office.clone());
        let (remote, local) = ("192.0.2.7:40000".parse().unwrap(), "192.0.2.1:4021".parse().unwrap());
        tokio::spawn(https.serve(server, remote, local, std::future::pending()));
        let head = "PUT /api/v1/configuration HTTP/1.1\r\nHost: 192.0.2.1:4021\r\nConnection: close\r\n\
                    Authorization: Bearer rw_right\r\nContent-Length: 9\r\n\r\n[sys";
        client.write_all(head.as_bytes()).await.unwrap();
        if thrown_out {
            office.0.lock().unwrap().push("ended".into());
        }
        client.write_all(b"tem]\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        let applied = office.0.lock().unwrap().iter().any(|said| said.contains("[system]"));
        assert_eq!(applied, !thrown_out, "{answer}");
    }
}

#[tokio::test]
async fn over_https_history_is_always_a_page() {
    let office = Arc::<Fake>::default();
    for (query, rows) in [("", 51), ("?number=101", 51), ("?limit=1000", 1_001)] {
        let answer = ask(&office, &format!("GET /api/v1/history{query}\n{GOOD}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let asked = office.0.lock().unwrap().pop().unwrap();
        assert!(asked.contains(&format!("limit: Some({rows})")) && asked.contains("Newest"), "{asked}");
    }
    let answer = ask(&office, &format!("GET /api/v1/history?limit=1001\n{GOOD}"), "").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}
