//! The other half of a busy or mailbox lamp: a raw phone that subscribes (RFC 6665) and reads what it is told.

use crate::call::Call;
use crate::config::password_of;
use crate::raw::{Message, RawPhone, Request};

/// Subscribes to an extension's events and gives the dialog that was made.
pub fn subscribe(phone: &mut RawPhone, extension: &str, event: &str) -> Call {
    let me = phone.number.clone();
    let request = Request {
        method: "SUBSCRIBE",
        uri: format!("sip:{extension}@{}", phone.server),
        from: &me,
        to: extension,
        more: format!("Event: {event}\r\nExpires: 600\r\n"),
        body: String::new(),
    };
    let answer = phone.ask_as(&request, &me, &password_of(&me));
    assert!(matches!(answer.status(), 200 | 202), "{}", answer.0);
    let field =
        |name: &str| answer.header(name).unwrap_or_else(|| panic!("no {name} in {}", answer.0)).to_owned();
    Call {
        id: field("Call-ID"),
        local: field("From"),
        remote: field("To"),
        target: answer.contact(),
        sequence: answer.sequence(),
        invite: answer,
    }
}

/// Waits for the NOTIFY of this subscription that `shows` what is waited for, and agrees to all on the way.
pub fn expect(phone: &RawPhone, subscription: &Call, what: &str, shows: impl Fn(&Message) -> bool) {
    phone.expect(what, |m| {
        let ours = m.method() == "NOTIFY" && m.header("Call-ID") == Some(&subscription.id);
        if m.method() == "NOTIFY" {
            phone.agree(m);
        }
        ours && shows(m)
    });
}

/// Ends it, and waits to be told so.
pub fn end(phone: &mut RawPhone, subscription: &mut Call, event: &str) {
    let more = format!("Event: {event}\r\nExpires: 0\r\n");
    let status = phone.ask_inside(subscription, "SUBSCRIBE", &more, "").status();
    assert!(matches!(status, 200 | 202), "{status}");
    let terminated =
        |m: &Message| m.header("Subscription-State").is_some_and(|s| s.starts_with("terminated"));
    expect(phone, subscription, "a last NOTIFY", terminated);
}
