//! Requests of ours go to nobody who has not asked for them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod phone;

use std::time::Duration;

use phone::dialog::caller;
use phone::{Office, Text, summary};
use sip::{Published, Watch};

/// 101 watches 102 with this Contact; gives where each NOTIFY of 20 s went.
fn notified(contact: &str) -> Vec<String> {
    let mut office = Office::new();
    let uri = "sip:102@pbx.example.com";
    let mut subscribe = Text::new("SUBSCRIBE", uri, "101", &format!("<{uri}>"), caller());
    let headers = [format!("Contact: <sip:101@{contact}>"), "Event: dialog".into(), "Expires: 600".into()];
    subscribe.headers.extend(headers);
    office.receive(caller(), &subscribe.to_string());
    let challenge = office.one();
    office.receive(caller(), &subscribe.next().answering(&challenge, "password-of-101").to_string());
    while let Some(watch) = office.stack.poll_watch() {
        if let Watch::Began(topic) = watch {
            office.stack.publish(office.now, &topic.extension, Published::Dialogs(Vec::new()));
        }
    }
    office.pass(Duration::from_secs(20));
    let sent = office.sent();
    assert_eq!(summary(&sent)[0], "200");
    sent[1..].iter().map(|(flow, _)| flow.remote.to_string()).collect()
}

#[test]
fn notify_goes_where_the_subscription_came_from_and_to_no_host_that_it_only_names() {
    let victim = notified("192.0.2.99:7");
    assert!(victim.len() > 3, "repeated, as nobody answers");
    assert!(victim.iter().all(|to| *to == "192.0.2.1:5060"), "{victim:?}");
    let other_port = notified("192.0.2.1:5999");
    assert!(other_port.iter().all(|to| *to == "192.0.2.1:5999"), "phones send and listen at two ports");
}
