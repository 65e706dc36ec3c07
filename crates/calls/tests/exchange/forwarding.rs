//! Calls that go elsewhere.

use std::time::Duration;

use model::DialString;
use model::directory::{Directory, Extension, Forwarding};
use model::record::{CallResult, RecordUpdate};

use crate::office::{change, directory};
use crate::phone::{body, connected, dial, dial_with, hang_up, pick_up, respond, sdp};
use crate::{ALICE, BOB, CAROL, office};

fn to(number: &str) -> Option<DialString> {
    Some(DialString::parse(number.as_bytes()).unwrap())
}

/// The office where 102 forwards like this.
fn forwarding(set: impl FnOnce(&mut Forwarding)) -> Directory {
    let mut directory = directory();
    change(&mut directory, "102", |bob| set(&mut bob.forwarding));
    directory
}

/// Carol picks up, the call ends, and its record says which way it took.
fn carol_takes_it(mut office: crate::office::Office) {
    let invite = office.request(CAROL, "INVITE");
    pick_up(&mut office, CAROL, &invite);
    let (alice, accepted) = connected(&mut office, ALICE);
    assert!(body(&accepted).contains("m=audio 30002 "), "{}", body(&accepted));
    hang_up(&mut office, &alice);
    office.request(CAROL, "BYE");
    let record = office.close_one();
    assert_eq!(record.result, Some(CallResult::Answered));
    assert_eq!((record.to.as_str(), record.route.as_str()), ("102", "102 > 103"));
}

#[test]
fn every_call_may_be_forwarded() {
    let mut office = office(forwarding(|forward| forward.always = to("103")));
    dial(&mut office, ALICE, "102");
    office.silent(BOB);
    carol_takes_it(office);
}

#[test]
fn a_busy_phone_forwards_and_so_does_one_who_declines() {
    for status in [486, 603] {
        let mut office = office(forwarding(|forward| forward.busy = to("103")));
        dial(&mut office, ALICE, "102");
        let invite = office.request(BOB, "INVITE");
        respond(&mut office, BOB, &invite, status, None);
        office.response(ALICE, 181);
        carol_takes_it(office);
    }
}

#[test]
fn do_not_disturb_is_busy_with_and_without_forwarding() {
    let quiet = |forward: Option<DialString>| {
        let mut directory = directory();
        change(&mut directory, "102", |bob: &mut Extension| {
            bob.do_not_disturb = true;
            bob.forwarding.busy = forward;
        });
        directory
    };
    let mut alone = office(quiet(None));
    dial(&mut alone, ALICE, "102");
    alone.silent(BOB);
    alone.response(ALICE, 486);
    let record = alone.close_one();
    assert_eq!(record.result, Some(CallResult::Busy));
    assert_eq!(record.reason, "102 does not wish to be disturbed");
    let mut both = office(quiet(to("103")));
    dial(&mut both, ALICE, "102");
    carol_takes_it(both);
}

#[test]
fn nobody_there_in_time_forwards() {
    let after = Duration::from_secs(15);
    let mut office = office(forwarding(|forward| forward.no_answer = to("103").map(|to| (to, after))));
    dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 180, None);
    office.response(ALICE, 180);
    office.pass(Duration::from_secs(14));
    office.silent(CAROL);
    office.pass(Duration::from_secs(2));
    office.request(BOB, "CANCEL");
    let on_the_way =
        |update: &RecordUpdate| matches!(update, RecordUpdate::Open(r) if r.route == "102 > 103");
    assert!(office.records.iter().any(on_the_way));
    carol_takes_it(office);
}

#[test]
fn an_unreachable_phone_forwards_whether_it_is_known_before_or_found_out() {
    let mut known = forwarding(|_| {});
    change(&mut known, "104", |gone| gone.forwarding.unreachable = to("103"));
    let mut office_one = office(known);
    dial(&mut office_one, ALICE, "104");
    let invite = office_one.request(CAROL, "INVITE");
    respond(&mut office_one, CAROL, &invite, 486, None);
    office_one.response(ALICE, 486);
    assert_eq!(office_one.close_one().route, "104 > 103");
    let mut office_two = office(forwarding(|forward| forward.unreachable = to("103")));
    dial(&mut office_two, ALICE, "102");
    office_two.pass(Duration::from_secs(33));
    office_two.response(ALICE, 181);
    carol_takes_it(office_two);
}

#[test]
fn forwarding_in_a_circle_is_a_loop_and_an_event() {
    let mut circle = forwarding(|forward| forward.always = to("103"));
    change(&mut circle, "103", |carol| carol.forwarding.always = to("102"));
    let mut office = office(circle);
    dial(&mut office, ALICE, "102");
    office.response(ALICE, 482);
    assert_eq!(office.told("call.loop"), 1);
    let record = office.close_one();
    assert_eq!((record.result, record.reason.as_str()), (Some(CallResult::Failed), "forwarding loop"));
    assert_eq!(record.route, "102 > 103");
}

#[test]
fn a_loop_through_ringing_phones_ends_too() {
    let mut circle = forwarding(|forward| forward.busy = to("103"));
    change(&mut circle, "103", |carol| carol.forwarding.busy = to("102"));
    let mut office = office(circle);
    dial(&mut office, ALICE, "102");
    for phone in [BOB, CAROL] {
        let invite = office.request(phone, "INVITE");
        respond(&mut office, phone, &invite, 486, None);
    }
    office.response(ALICE, 181);
    office.response(ALICE, 482);
    assert_eq!(office.close_one().reason, "forwarding loop");
}

#[test]
fn a_call_without_hops_left_ends_before_it_rings() {
    let mut office = office(forwarding(|forward| forward.always = to("103")));
    dial_with(&mut office, ALICE, "102", 1, &sdp(21_101));
    office.response(ALICE, 483);
    office.silent(CAROL);
    assert_eq!(office.close_one().reason, "too many hops");
}

#[test]
fn a_forwarding_to_nobody_says_so() {
    let mut office = office(forwarding(|forward| forward.always = to("999")));
    dial(&mut office, ALICE, "102");
    office.response(ALICE, 404);
    assert_eq!(office.close_one().reason, "102 forwards to the unknown number 999");
}

#[test]
fn a_phone_may_send_the_call_elsewhere_by_itself() {
    for contact in ["<sip:103@pbx.example.com>", "<sip:1-0-3@192.0.2.99:5060>", "<tel:103>"] {
        let mut office = office(directory());
        dial(&mut office, ALICE, "102");
        let invite = office.request(BOB, "INVITE");
        redirect(&mut office, BOB, &invite, contact);
        office.response(ALICE, 181);
        carol_takes_it(office);
    }
}

#[test]
fn a_phone_that_sends_the_call_in_a_circle_or_nowhere_ends_it() {
    for (contact, status) in
        [("<sip:102@pbx.example.com>", 482), ("<sip:999@pbx.example.com>", 404), ("<sip:x>", 480)]
    {
        let mut office = office(directory());
        dial(&mut office, ALICE, "102");
        let invite = office.request(BOB, "INVITE");
        redirect(&mut office, BOB, &invite, contact);
        office.response(ALICE, status);
        assert_eq!(office.close_one().result, Some(CallResult::Failed), "{contact}");
    }
}

/// The phone answers 302 with this Contact.
fn redirect(
    office: &mut crate::office::Office,
    phone: crate::office::Phone,
    invite: &wire::sip::Message,
    contact: &str,
) {
    use wire::sip::{Name, Writer};
    let mut writer = Writer::answer(invite, 302, "Moved Temporarily", None, Some("moved"));
    let bytes = writer.header(Name::Contact, contact).finish();
    office.send(phone, bytes);
}
