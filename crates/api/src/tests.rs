//! The resources over a real Unix socket, with an office that remembers what it was asked.

mod console;
mod registry;
mod views;

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use model::CallId;
use model::history::HistoryQuery;
use model::live::{Call, Registration};
use model::lock::Lock;
use model::record::{CallRecord, CallResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::body::{
    Applied, Block, Certificates, Check, Destination, NewPassword, PortRow, Revision, RevisionDetail, Status,
    Unblocked,
};
use crate::objects::Page;
use crate::{ApplyOptions, Author, BlockWish, LogLines, LogQuery, Office, Problem, RegistrationQuery};

#[derive(Default)]
struct Fake(Mutex<Vec<String>>);

impl Fake {
    fn asked(&self, what: impl std::fmt::Debug) {
        self.0.lock().unwrap().push(format!("{what:?}"));
    }
}

impl Office for Fake {
    async fn status(&self) -> Result<Status, Problem> {
        Err(Problem::stopping())
    }
    async fn registrations(&self, _: RegistrationQuery) -> Result<Page<Registration>, Problem> {
        Ok(Page { rows: Vec::new(), total: 0, next: None })
    }
    async fn calls(&self) -> Result<Vec<Call>, Problem> {
        Ok(Vec::new())
    }
    async fn hangup(&self, author: Author, call: CallId) -> Result<(), Problem> {
        self.asked((author, call));
        Ok(())
    }
    async fn blocks(&self) -> Result<Vec<Block>, Problem> {
        Ok(Vec::new())
    }
    async fn block(&self, author: Author, address: String, wish: BlockWish) -> Result<Block, Problem> {
        self.asked((author, address, wish));
        Err(Problem::stopping())
    }
    async fn unblock(&self, author: Author, address: String, yes: bool) -> Result<Unblocked, Problem> {
        self.asked((author, address, yes));
        Ok(Unblocked { lifted: 1 })
    }
    async fn lock(&self, author: Author, why: String) -> Result<Lock, Problem> {
        self.asked((&author, &why));
        Ok(Lock { cause: why, by: author.0, since: model::Wall::from_millis(0) })
    }
    async fn unlock(&self, author: Author) -> Result<(), Problem> {
        self.asked(author);
        Ok(())
    }
    async fn history(&self, query: HistoryQuery) -> Result<Vec<CallRecord>, Problem> {
        let count = query.limit.unwrap_or(0).min(3) as u128;
        self.asked(query);
        Ok((0..count).map(views::record).collect())
    }
    async fn revisions(&self) -> Result<Vec<Revision>, Problem> {
        Ok(Vec::new())
    }
    async fn revision(&self, number: u64) -> Result<RevisionDetail, Problem> {
        Err(Problem::not_found(format!("revision {number} does not exist")))
    }
    async fn rollback(&self, _: Author, _: u64, _: ApplyOptions) -> Result<Applied, Problem> {
        Ok(Applied::default())
    }
    async fn export(&self, _: Author, with_secrets: bool) -> Result<String, Problem> {
        Ok(format!("secrets = {with_secrets}\n"))
    }
    async fn apply(&self, author: Author, text: String, options: ApplyOptions) -> Result<Applied, Problem> {
        self.asked((author, text, options));
        Ok(Applied::default())
    }
    async fn new_password(
        &self,
        _: Author,
        _: String,
        _: Option<String>,
        _: bool,
    ) -> Result<NewPassword, Problem> {
        Err(Problem::stopping())
    }
    async fn destination(&self, name: String) -> Result<Destination, Problem> {
        Ok(Destination { destination: name, candidates: Vec::new(), lookups: Vec::new() })
    }
    async fn ports(&self) -> Result<Vec<PortRow>, Problem> {
        Ok(Vec::new())
    }
    async fn check(&self) -> Result<Check, Problem> {
        Err(Problem::stopping())
    }
    async fn drill(&self, _: Author, _: LogLines) -> Result<(), Problem> {
        Ok(())
    }
    async fn end_drill(&self) -> Result<crate::drill::Removed, Problem> {
        Ok(crate::drill::Removed::default())
    }
    async fn certificates(&self) -> Result<Certificates, Problem> {
        Err(Problem::stopping())
    }
    async fn authority(&self) -> Result<Bytes, Problem> {
        Ok(Bytes::from_static(b"\x30\x82"))
    }
    async fn attacks(&self, _: model::Wall) -> Result<crate::live::AttackView, Problem> {
        Err(Problem::stopping())
    }
    async fn events(&self, _: &crate::Caller, notes: crate::live::Notes) -> Result<(), Problem> {
        use crate::live::{Changed, Note, Resource};
        let changed = Changed { resources: vec![Resource::Blocks, Resource::Attacks] };
        let _ = notes.send(Arc::new(Note::Changed(changed))).await;
        let _ = notes.send(Arc::new(Note::Bye("a\nb".into()))).await;
        Ok(())
    }
    async fn log(&self, query: LogQuery, mut lines: LogLines) -> Result<(), Problem> {
        self.asked(query);
        tokio::spawn(async move {
            let line =
                Bytes::from_static(b"2026-11-22T17:44:18.000Z info call.started Call started from=101\n");
            lines.send_data(line).await.unwrap();
        });
        Ok(())
    }
}

struct House {
    office: Arc<Fake>,
    path: PathBuf,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn house(name: &str) -> House {
    let path = std::env::temp_dir().join(format!("rw-api-{}-{name}.sock", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    let office = Arc::<Fake>::default();
    tokio::spawn(crate::serve(listener, office.clone(), office.clone(), std::future::pending()));
    House { office, path }
}

impl House {
    async fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = UnixStream::connect(&self.path).await.unwrap();
        let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
        let request = format!(
            "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn asked(&self) -> String {
        self.office.0.lock().unwrap().join("\n")
    }
}

#[tokio::test]
async fn a_problem_is_json_with_a_sentence() {
    let house = house("problem");
    for (request, status, words) in [
        ("GET /api/v1/status", "503", "the server is stopping"),
        ("GET /api/v1/revisions/7", "404", "revision 7 does not exist"),
        ("GET /api/v1/revisions/x", "400", "Invalid URL"),
        ("DELETE /api/v1/calls/none", "400", "ringwall calls"),
        ("GET /api/v1/history?results=busy", "400", "results"),
        ("GET /api/v1/history?result=bsy", "400", "busy"),
        ("GET /api/v1/history?since=yesterday", "400", "RFC 3339"),
        ("GET /nothing", "404", "no such resource"),
        ("POST /api/v1/status", "405", "method"),
    ] {
        let answer = house.ask(request, "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(answer.contains("application/problem+json"), "{request}: {answer}");
        assert!(answer.contains(words), "{request}: {answer}");
    }
}

#[tokio::test]
async fn queries_and_bodies_reach_the_office_with_their_author() {
    let house = house("queries");
    house.ask("GET /api/v1/history?number=101&result=no-answer&limit=5", "").await;
    assert!(house.asked().contains(r#"number: Some("101"), result: Some(NoAnswer)"#), "{}", house.asked());
    house.ask("PUT /api/v1/configuration?merge=true&if_revision=4&file=a%20b.toml", "[system]\n").await;
    let asked = house.asked();
    assert!(
        asked.contains("merge: true, dry_run: false, yes: false, if_revision: Some(4), file: \"a b.toml\""),
        "{asked}"
    );
    assert!(asked.contains("[system]\\n"), "{asked}");
    let uid = own_uid();
    assert!(asked.contains(&format!("Author({:?})", crate::user_name(uid))), "{asked}");
    assert_eq!(serde_json::to_string(&CallResult::NoAnswer).unwrap(), "\"no-answer\"");
}

/// The user that this test runs as, by the owner of a file it makes.
fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").unwrap().uid()
}

#[tokio::test]
async fn a_file_that_is_no_text_is_refused() {
    let house = house("text");
    let mut stream = UnixStream::connect(&house.path).await.unwrap();
    stream
        .write_all(b"PUT /api/v1/configuration HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n\xff\xfe")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("UTF-8"), "{answer}");
}

#[tokio::test]
async fn a_log_is_text_or_an_array() {
    let house = house("log");
    let text = house.ask("GET /api/v1/logs/debug?follow=true", "").await;
    assert!(text.contains("info call.started Call started from=101\n"), "{text}");
    let json = house.ask("GET /api/v1/logs/debug\nAccept: application/json\r\n", "").await;
    assert!(
        json.contains(r#"[{"time":"2026-11-22T17:44:18.000Z","level":"info","event":"call.started""#),
        "{json}"
    );
    assert!(json.contains(r#""text":"Call started from=101"}"#) && json.contains("\r\n]\r\n"), "{json}");
    assert!(json.contains("content-type: application/json\r\n"), "{json}");
}

#[tokio::test]
async fn what_happens_comes_as_named_events_of_one_line_each() {
    let answer = house("events").ask("GET /api/v1/events", "").await;
    assert!(answer.contains("content-type: text/event-stream"), "{answer}");
    assert!(answer.contains("event: changed\ndata: {\"resources\":[\"blocks\",\"attacks\"]}\n"), "{answer}");
    assert!(answer.contains("event: bye\ndata: {\"why\":\"a\\nb\"}\n"), "{answer}");
}
