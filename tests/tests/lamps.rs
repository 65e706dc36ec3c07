//! Busy lamps: what a phone that watches another is told while that one is called (RFC 6665, RFC 4235), and the mailbox
//! lamp (RFC 3842). The phones that call are baresips; who watches is a raw phone, because baresip knows no dialog-info.

use blackbox::call::Call;
use blackbox::config::password_of;
use blackbox::raw::{Message, Request};
use blackbox::{Baresip, Office, Pbx, RawPhone};

/// Subscribes to an extension's events and gives the dialog that was made.
fn subscribe(phone: &mut RawPhone, extension: &str, event: &str) -> Call {
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
fn expect_notify(phone: &RawPhone, subscription: &Call, what: &str, shows: impl Fn(&Message) -> bool) {
    phone.expect(what, |m| {
        let ours = m.method() == "NOTIFY" && m.header("Call-ID") == Some(&subscription.id);
        if m.method() == "NOTIFY" {
            phone.agree(m);
        }
        ours && shows(m)
    });
}

fn end(phone: &mut RawPhone, subscription: &mut Call, event: &str) {
    let more = format!("Event: {event}\r\nExpires: 0\r\n");
    let status = phone.ask_inside(subscription, "SUBSCRIBE", &more, "").status();
    assert!(matches!(status, 200 | 202), "{status}");
    let terminated =
        |m: &Message| m.header("Subscription-State").is_some_and(|s| s.starts_with("terminated"));
    expect_notify(phone, subscription, "a last NOTIFY", terminated);
}

#[test]
fn a_lamp_blinks_while_a_phone_rings_burns_while_it_talks_and_goes_out() {
    let pbx = Pbx::start(Office::of(101, 3).with_old_phones());
    let mut one = Baresip::phone("101", pbx.sip).playing(1000).start();
    let mut other = Baresip::phone("102", pbx.sip).playing(1600).answering_by_hand().start();
    let mut watcher = RawPhone::new("103", pbx.sip);
    assert_eq!(watcher.register(600).status(), 200);
    let mut lamp = subscribe(&mut watcher, "102", "dialog");
    let dark = |m: &Message| m.body().contains("<dialog-info") && !m.body().contains("<state>");
    expect_notify(&watcher, &lamp, "a dark lamp", dark);

    one.dial("102");
    expect_notify(&watcher, &lamp, "a blinking lamp", |m| m.body().contains("early"));
    other.answer();
    expect_notify(&watcher, &lamp, "a burning lamp", |m| m.body().contains("confirmed"));
    one.expect_tone(1600);
    one.hang_up();
    let out = |m: &Message| dark(m) || m.body().contains("terminated");
    expect_notify(&watcher, &lamp, "a lamp that goes out", out);
    end(&mut watcher, &mut lamp, "dialog");
    pbx.expect_nothing_held();
}

#[test]
fn a_mailbox_lamp_says_that_there_is_nothing_new() {
    let pbx = Pbx::start(Office::of(101, 1));
    let mut phone = RawPhone::new("101", pbx.sip);
    assert_eq!(phone.register(600).status(), 200);
    let mut lamp = subscribe(&mut phone, "101", "message-summary");
    expect_notify(&phone, &lamp, "a dark lamp", |m| m.body().contains("Messages-Waiting: no"));
    end(&mut phone, &mut lamp, "message-summary");
}
