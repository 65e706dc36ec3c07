//! The resources of `/api/v1` over the control socket, as a script without the command line would use them.

use crate::Pbx;
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Status line and headers as they came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Response {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// Panics unless this is the status.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        self
    }

    /// What is wrong with the field of this path.
    pub fn problem_at(&self, key: &str) -> Option<String> {
        let list = self.json()["problems"].as_array().cloned().unwrap_or_default();
        list.iter().find(|problem| problem["key"] == key).map(|problem| problem["what"].to_string())
    }
}

/// Sends a request and reads the answer to its end.
pub fn ask(pbx: &Pbx, line: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut stream = begin(pbx, line, headers, body);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Response { status, head: head.to_owned(), body }
}

/// Sends a request; what comes is left to be read.
pub fn begin(pbx: &Pbx, line: &str, headers: &[(&str, &str)], body: &str) -> UnixStream {
    let (method, path) = line.split_once(' ').expect("METHOD PATH");
    let mut request = format!("{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let mut stream = UnixStream::connect(pbx.data().join("control.sock")).expect("the control socket");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out");
    stream.write_all(request.as_bytes()).expect("the request is taken");
    stream
}

/// RFC 9112 section 7.1, without extensions and trailers.
fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}
