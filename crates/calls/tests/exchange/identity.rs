//! Who is shown to whom.

use model::DialString;
use wire::sip::{Message, Name};

use crate::office::{Office, change, directory, text};
use crate::phone::{connected, dial, dial_as, hang_up, pick_up, respond, sdp};
use crate::{ALICE, BOB, CAROL, office};

fn values(message: &Message, name: Name) -> Vec<String> {
    message.all(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

fn number(text: &str) -> Option<DialString> {
    Some(DialString::parse(text.as_bytes()).unwrap())
}

/// Alice calls Bob like this; the call is ended, Bob's INVITE given back with the number in the call's record.
fn invited(address: &str, headers: &str) -> (Message, String) {
    let mut office = office(directory());
    dial_as(&mut office, ALICE, "102", (address, headers), &sdp(21_101));
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 486, None);
    (invite, office.close_one().from)
}

#[test]
fn a_phone_is_told_who_calls_by_what_was_proven() {
    let forged = "Max-Forwards: 70\r\nP-Asserted-Identity: <sip:911@localhost>\r\n\
        P-Preferred-Identity: <sip:912@localhost>\r\nRemote-Party-ID: <sip:913@localhost>\r\n\
        Diversion: <sip:914@localhost>;reason=unconditional\r\nHistory-Info: <sip:915@localhost>;index=1\r\n";
    let (invite, from) = invited("\"Boss\" <sip:910@localhost>", forged);
    assert_eq!(values(&invite, Name::PAssertedIdentity), ["\"Person 101\" <sip:101@localhost>"]);
    assert!(text(&invite).contains("From: \"Person 101\" <sip:101@localhost>;tag="), "{}", text(&invite));
    for number in 910..=915 {
        assert!(!text(&invite).contains(&number.to_string()), "{}", text(&invite));
    }
    assert_eq!(from, "101");
}

#[test]
fn who_does_not_want_to_be_shown_is_not_but_history_knows_him() {
    let rows = [
        ("<sip:101@localhost>", "Privacy: id\r\n"),
        ("<sip:101@localhost>", "Privacy: header;user;critical\r\n"),
        ("\"Anonymous\" <sip:anonymous@anonymous.invalid>", ""),
        ("<sip:Anonymous@localhost>", "Privacy: none\r\n"),
    ];
    for (address, privacy) in rows {
        let (invite, from) = invited(address, &format!("Max-Forwards: 70\r\n{privacy}"));
        let all = text(&invite);
        assert!(all.contains("From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="), "{all}");
        assert_eq!(values(&invite, Name::Privacy), ["id"]);
        assert!(values(&invite, Name::PAssertedIdentity).is_empty(), "{all}");
        let without_media = all.split("\r\n\r\n").next().unwrap();
        assert!(!without_media.contains("101"), "{without_media}");
        assert_eq!(from, "101");
    }
}

#[test]
fn a_wish_for_no_privacy_shows_the_caller() {
    let (invite, _) = invited("<sip:101@localhost>", "Max-Forwards: 70\r\nPrivacy: none\r\n");
    assert_eq!(values(&invite, Name::PAssertedIdentity).len(), 1);
    assert!(values(&invite, Name::Privacy).is_empty());
}

#[test]
fn the_caller_is_told_who_rings_and_who_answered() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 180, None);
    let ringing = office.response(ALICE, 180);
    let bob = "\"Person 102\" <sip:102@localhost>";
    assert_eq!(values(&ringing, Name::PAssertedIdentity), [bob]);
    pick_up(&mut office, BOB, &invite);
    let (alice, accepted) = connected(&mut office, ALICE);
    assert_eq!(values(&accepted, Name::PAssertedIdentity), [bob]);
    hang_up(&mut office, &alice);
    office.close_one();
}

fn forwarded(mut office: Office, prepare: impl FnOnce(&mut Office)) -> Message {
    dial(&mut office, ALICE, "102");
    prepare(&mut office);
    let invite = office.request(CAROL, "INVITE");
    pick_up(&mut office, CAROL, &invite);
    while office.next(ALICE).status() != Some(200) {}
    assert_eq!(office.exchange.calls(office.now).len(), 1);
    invite
}

#[test]
fn a_forwarded_call_says_over_whom_it_came_and_why() {
    let mut always = directory();
    change(&mut always, "102", |bob| bob.forwarding.always = number("103"));
    let invite = forwarded(office(always), |_| {});
    assert_eq!(values(&invite, Name::Diversion), ["<sip:102@localhost>;reason=unconditional;counter=1"]);
    let history = ["<sip:102@localhost>;index=1", "<sip:103@localhost;cause=302>;index=1.1;mp=1"];
    assert_eq!(values(&invite, Name::HistoryInfo), history);

    let mut busy = directory();
    change(&mut busy, "102", |bob| bob.forwarding.busy = number("103"));
    let invite = forwarded(office(busy), |office| {
        let invite = office.request(BOB, "INVITE");
        assert!(values(&invite, Name::Diversion).is_empty() && values(&invite, Name::HistoryInfo).is_empty());
        respond(office, BOB, &invite, 486, None);
    });
    assert_eq!(values(&invite, Name::Diversion), ["<sip:102@localhost>;reason=user-busy;counter=1"]);
    assert!(values(&invite, Name::HistoryInfo)[1].contains(";cause=486>"));

    let mut disturbed = directory();
    change(&mut disturbed, "102", |bob| {
        bob.do_not_disturb = true;
        bob.forwarding.busy = number("103");
    });
    let invite = forwarded(office(disturbed), |_| {});
    assert_eq!(values(&invite, Name::Diversion), ["<sip:102@localhost>;reason=user-busy;counter=1"]);
}

#[test]
fn a_chain_of_forwardings_is_told_newest_first_and_as_a_tree() {
    let mut chain = directory();
    change(&mut chain, "102", |bob| bob.forwarding.always = number("104"));
    change(&mut chain, "104", |dave| dave.forwarding.unreachable = number("103"));
    let invite = forwarded(office(chain), |_| {});
    let diversions = [
        "<sip:104@localhost>;reason=unavailable;counter=1",
        "<sip:102@localhost>;reason=unconditional;counter=1",
    ];
    assert_eq!(values(&invite, Name::Diversion), diversions);
    let history = [
        "<sip:102@localhost>;index=1",
        "<sip:104@localhost;cause=302>;index=1.1;mp=1",
        "<sip:103@localhost;cause=503>;index=1.1.1;mp=1.1",
    ];
    assert_eq!(values(&invite, Name::HistoryInfo), history);
}
