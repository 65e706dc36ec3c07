//! Whole messages as bytes: what the stack answers to them, and the same bytes with credentials.

use model::Flow;
use wire::digest::{Answer, Challenge, Request, ha1};
use wire::sip::{Message, Name, bad_request};

use super::Office;

/// The first answer to these bytes, as `net` would have it given.
pub fn answer(office: &mut Office, flow: Flow, bytes: &[u8]) -> Option<Message> {
    match Message::parse(bytes.to_vec().into()) {
        Ok(message) => {
            office.stack.receive(office.now, flow, &message);
            office.sent().into_iter().map(|(_, message)| message).next()
        }
        Err(why) => {
            let answer = bad_request(bytes, &why)?;
            // The Via of another version is no Via of ours.
            let answer = String::from_utf8_lossy(&answer).replace("SIP/7.0", "SIP/2.0");
            Some(Message::parse(answer.into_bytes().into()).expect("the answer is a message"))
        }
    }
}

/// The answer to these bytes once they were challenged and came again with the credentials of `line`.
pub fn answer_proven(office: &mut Office, flow: Flow, bytes: &[u8], line: &str) -> Option<Message> {
    let first = answer(office, flow, bytes)?;
    if first.status() == Some(401) {
        answer(office, flow, &proving(bytes, &first, line))
    } else {
        Some(first)
    }
}

/// The same bytes with credentials of a line in front of the other headers.
pub fn proving(bytes: &[u8], challenge: &Message, line: &str) -> Vec<u8> {
    let message = Message::parse(bytes.to_vec().into()).unwrap();
    let challenge = Challenge::parse(challenge.first(Name::WwwAuthenticate).unwrap()).unwrap();
    let password = format!("password-of-{line}");
    let key = ha1(challenge.algorithm, line.as_bytes(), challenge.realm.as_bytes(), password.as_bytes());
    let answer = Answer { username: line, ha1: &key, nc: 1, cnonce: "0a4f113b" };
    let uri = message.request_uri().unwrap();
    let request = Request { method: message.method_text(), uri, body: message.body() };
    let header = format!("Authorization: {}\r\n", challenge.answer(&answer, &request));
    let at = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2;
    [&bytes[..at], header.as_bytes(), &bytes[at..]].concat()
}
