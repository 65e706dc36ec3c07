//! One phone calls another.

use std::time::Duration;

use model::live::CallState;
use model::record::{CallResult, RecordUpdate};

use crate::office::{directory, text};
use crate::phone::{body, cancel, connected, dial, dial_with, hang_up, pick_up, respond, sdp};
use crate::{ALICE, BOB, office, talking};

#[test]
fn a_call_rings_is_answered_and_ended_by_the_caller() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    assert!(text(&invite).contains("From: \"Person 101\" <sip:101@localhost>"), "{}", text(&invite));
    assert_eq!(invite.max_forwards(), Ok(Some(69)));
    assert_eq!(office.only_call().state, CallState::Dialling);
    respond(&mut office, BOB, &invite, 180, None);
    respond(&mut office, BOB, &invite, 180, None);
    office.response(ALICE, 180);
    office.silent(ALICE);
    assert_eq!(office.only_call().state, CallState::Ringing);
    pick_up(&mut office, BOB, &invite);
    let (alice, accepted) = connected(&mut office, ALICE);
    let call = office.only_call();
    assert_eq!((call.state, call.caller.codec.as_deref()), (CallState::Answered, Some("PCMA")));
    assert_eq!(call.callee_source, Some(BOB.address()));
    // Each is told our address, not the other's.
    assert!(body(&invite).contains("m=audio 30004 RTP/AVP 8 0 101"), "{}", body(&invite));
    assert!(body(&accepted).contains("m=audio 30002 RTP/AVP 8 0 101"), "{}", body(&accepted));
    office.pass(Duration::from_secs(7));
    hang_up(&mut office, &alice);
    office.request(BOB, "BYE");
    let record = office.close_one();
    assert_eq!((record.from.as_str(), record.to.as_str(), record.route.as_str()), ("101", "102", "102"));
    assert_eq!((record.result, record.reason.as_str()), (Some(CallResult::Answered), "101 hung up"));
    assert!((record.duration_s - 7.0).abs() < 0.01, "{}", record.duration_s);
}

#[test]
fn the_callee_may_hang_up_too() {
    let mut office = office(directory());
    let (_, bob) = talking(&mut office);
    hang_up(&mut office, &bob);
    office.request(ALICE, "BYE");
    assert_eq!(office.close_one().reason, "102 hung up");
}

#[test]
fn both_hanging_up_at_once_is_one_end() {
    let mut office = office(directory());
    let (alice, bob) = talking(&mut office);
    hang_up(&mut office, &alice);
    crate::phone::ask(&mut office, &bob, "BYE", None);
    assert_eq!(office.close_one().result, Some(CallResult::Answered));
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing() {
    let mut office = office(directory());
    let dialling = dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 180, None);
    office.response(ALICE, 180);
    cancel(&mut office, &dialling);
    office.response(ALICE, 200);
    office.response(ALICE, 487);
    office.request(BOB, "CANCEL");
    let record = office.close_one();
    assert_eq!((record.result, record.reason.as_str()), (Some(CallResult::Cancelled), "101 hung up"));
}

#[test]
fn an_answer_that_crosses_the_callers_cancel_is_hung_up() {
    let mut office = office(directory());
    let dialling = dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    cancel(&mut office, &dialling);
    pick_up(&mut office, BOB, &invite);
    office.request(BOB, "BYE");
    assert_eq!(office.close_one().result, Some(CallResult::Cancelled));
}

#[test]
fn busy_declined_and_strange_answers_reach_the_caller_and_the_record() {
    let cases = [
        (486, 486, CallResult::Busy, "102 is busy"),
        (600, 603, CallResult::Busy, "declined by 102"),
        (603, 603, CallResult::Busy, "declined by 102"),
        (480, 480, CallResult::Failed, "no phone of 102 could be reached"),
        (488, 488, CallResult::Failed, "no common codec with 102"),
        (401, 480, CallResult::Failed, "the phone of 102 answered 401"),
        (500, 480, CallResult::Failed, "the phone of 102 answered 500"),
    ];
    for (said, heard, result, reason) in cases {
        let mut office = office(directory());
        dial(&mut office, ALICE, "102");
        let invite = office.request(BOB, "INVITE");
        respond(&mut office, BOB, &invite, said, None);
        office.response(ALICE, heard);
        let record = office.close_one();
        assert_eq!((record.result, record.reason.as_str()), (Some(result), reason), "{said}");
        assert_eq!(record.duration_s, 0.0);
    }
}

#[test]
fn a_phone_that_rings_out_was_not_answered() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &invite, 180, None);
    office.response(ALICE, 180);
    office.pass(Duration::from_secs(121));
    office.request(BOB, "CANCEL");
    office.response(ALICE, 480);
    let record = office.close_one();
    assert_eq!(
        (record.result, record.reason.as_str()),
        (Some(CallResult::NoAnswer), "nobody answered at 102")
    );
}

#[test]
fn a_phone_that_says_nothing_at_all_is_given_up() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "102");
    office.pass(Duration::from_secs(40));
    office.response(ALICE, 480);
    assert_eq!(office.close_one().reason, "no phone of 102 could be reached");
}

#[test]
fn an_unknown_number_is_told_and_recorded_as_dialled() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "9-99");
    office.response(ALICE, 404);
    let record = office.close_one();
    assert_eq!((record.to.as_str(), record.reason.as_str()), ("999", "unknown number"));
    assert_eq!((record.result, record.route.as_str()), (Some(CallResult::Failed), ""));
}

#[test]
fn an_extension_without_a_phone_is_unreachable() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "104");
    office.response(ALICE, 480);
    assert_eq!(office.close_one().reason, "no phone of 104 is registered");
}

#[test]
fn an_invite_without_audio_is_not_acceptable() {
    let fax =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=image 9 udptl t38\r\n";
    let mut office = office(directory());
    dial_with(&mut office, ALICE, "102", 70, fax);
    office.response(ALICE, 488);
    office.silent(BOB);
    assert_eq!(office.close_one().result, Some(CallResult::Failed));
}

#[test]
fn an_invite_without_an_offer_gets_the_codecs_of_who_answers() {
    let mut office = office(directory());
    dial_with(&mut office, ALICE, "102", 70, "");
    let invite = office.request(BOB, "INVITE");
    assert!(body(&invite).contains("RTP/AVP 8 0 9 107 101\r\n"), "{}", body(&invite));
    pick_up(&mut office, BOB, &invite);
    let accepted = office.response(ALICE, 200);
    assert!(body(&accepted).contains("RTP/AVP 8 0 101\r\n"), "{}", body(&accepted));
    let alice = crate::phone::caller(ALICE, &accepted);
    crate::phone::acknowledge_with(&mut office, &alice, &accepted, &sdp(21_101));
    office.silent(BOB);
    hang_up(&mut office, &alice);
    assert_eq!(office.close_one().result, Some(CallResult::Answered));
}

#[test]
fn video_is_answered_with_port_zero() {
    let mut office = office(directory());
    let offer = sdp(21_101) + "m=video 21103 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n";
    dial_with(&mut office, ALICE, "102", 70, &offer);
    let invite = office.request(BOB, "INVITE");
    assert!(!body(&invite).contains("video"));
    pick_up(&mut office, BOB, &invite);
    let (alice, accepted) = connected(&mut office, ALICE);
    assert!(body(&accepted).contains("m=video 0 "), "{}", body(&accepted));
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn the_record_is_kept_from_the_first_moment_on() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    let open = |update: &RecordUpdate| matches!(update, RecordUpdate::Open(_));
    assert!(office.records.iter().all(open));
    let Some(RecordUpdate::Open(last)) = office.records.last() else { panic!("no record") };
    assert!(last.answered.is_some());
    hang_up(&mut office, &alice);
    assert_eq!(office.told("call.started"), 1);
    assert_eq!(office.told("call.ended"), 1);
    office.close_one();
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_the_call() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    pick_up(&mut office, BOB, &invite);
    office.response(ALICE, 200);
    office.pass(Duration::from_secs(40));
    office.request(BOB, "BYE");
    let record = office.close_one();
    assert_eq!(record.reason, "the phone of 101 did not answer any more");
}
