//! What a phone says that watches lamps and mailboxes, and the office that publishes to it.

use std::sync::Arc;
use std::time::Duration;

use model::Flow;
use sip::{Package, Published, Topic, Watch};
use wire::dialog_info::{Dialog, Direction, State};
use wire::sip::{Message, Name};

use super::dialog::caller;
use super::{Office, Text, response};

pub fn subscribe(user: &str, watched: &str, event: &str, flow: Flow) -> Text {
    let uri = format!("sip:{watched}@pbx.example.com");
    let mut text = Text::new("SUBSCRIBE", &uri, user, &format!("<{uri}>"), flow);
    text.call_id = format!("watch-{user}-{watched}-{event}");
    text.headers.push(format!("Contact: <sip:{user}@{}>", flow.remote));
    text.headers.push(format!("Event: {event}"));
    text.headers.push("Expires: 600".into());
    text
}

pub fn lamp() -> Text {
    subscribe("101", "102", "dialog", caller())
}

pub fn topic(package: Package, extension: &str) -> Topic {
    Topic { package, extension: extension.into() }
}

pub fn value(message: &Message, name: Name) -> String {
    String::from_utf8_lossy(message.first(name).unwrap_or_default()).into_owned()
}

pub fn body(message: &Message) -> String {
    String::from_utf8_lossy(message.body()).into_owned()
}

pub fn one_call(id: u128, state: State) -> Published {
    Published::Dialogs(vec![Dialog { id, direction: Some(Direction::Recipient), state }])
}

/// Answers the challenge; the state is published as `calls` would.
pub fn send(office: &mut Office, flow: Flow, request: &Text, state: Published) -> Vec<Message> {
    let user = request.user.clone();
    office.receive(flow, &request.to_string());
    let challenge = office.one();
    assert_eq!(challenge.status(), Some(401), "{challenge:?}");
    let answer = request.clone().next().answering(&challenge, &format!("password-of-{user}"));
    office.receive(flow, &answer.to_string());
    while let Some(watch) = office.stack.poll_watch() {
        if let Watch::Began(topic) = watch {
            office.stack.publish(office.now, &topic.extension, state.clone());
        }
    }
    office.sent().into_iter().map(|(_, message)| message).collect()
}

/// A subscription to the lamp of 102; gives the 200 and the first NOTIFY, which is answered.
pub fn watching(office: &mut Office, flow: Flow, request: &Text) -> (Message, Message) {
    let mut sent = send(office, flow, request, Published::Dialogs(Vec::new()));
    assert_eq!(sent.len(), 2, "{sent:?}");
    let (ok, notify) = (sent.remove(0), sent.remove(0));
    assert_eq!((ok.status(), notify.method_text()), (Some(200), &b"NOTIFY"[..]));
    office.receive(flow, &response(&notify, 200, "", ""));
    office.pass(Duration::from_secs(1));
    (ok, notify)
}

/// A further SUBSCRIBE in the dialog that `ok` opened.
pub fn inside(request: &Text, ok: &Message, cseq: u32) -> Text {
    let mut text = request.clone();
    text.to = value(ok, Name::To);
    (text.cseq, text.branch) = (cseq, cseq + 100);
    text
}

pub fn expiring(text: Text, seconds: u32) -> Text {
    text.without("Expires").header(&format!("Expires: {seconds}"))
}

pub fn publish(office: &mut Office, state: Published) {
    office.stack.publish(office.now, &Arc::from("102"), state);
}
