//! What happens inside an answered call.

use std::time::Duration;

use model::live::CallState;
use wire::sip::Name;

use crate::office::directory;
use crate::phone::{acknowledge, ask, body, connected, described, hang_up, pick_up, respond, sdp};
use crate::{ALICE, BOB, office, talking};

const SDP: &str = "application/sdp";

#[test]
fn hold_and_resume_reach_the_other_side() {
    let mut office = office(directory());
    let (alice, bob) = talking(&mut office);
    ask(&mut office, &alice, "INVITE", Some((SDP, &described(21_101, "8 0 101", "sendonly"))));
    let hold = office.request(BOB, "INVITE");
    assert!(body(&hold).contains("a=sendonly") && body(&hold).contains("m=audio 30004 "), "{}", body(&hold));
    respond(&mut office, BOB, &hold, 200, Some(&described(21_102, "8 0 101", "recvonly")));
    let held = office.response(ALICE, 200);
    assert!(body(&held).contains("a=recvonly"), "{}", body(&held));
    acknowledge(&mut office, &alice, &held);
    assert_eq!(office.only_call().state, CallState::Held);
    ask(&mut office, &alice, "INVITE", Some((SDP, &sdp(21_101))));
    let resume = office.request(BOB, "INVITE");
    assert!(body(&resume).contains("a=sendrecv"), "{}", body(&resume));
    respond(&mut office, BOB, &resume, 200, Some(&sdp(21_102)));
    let resumed = office.response(ALICE, 200);
    acknowledge(&mut office, &alice, &resumed);
    assert_eq!(office.only_call().state, CallState::Answered);
    hang_up(&mut office, &bob);
    office.request(ALICE, "BYE");
    office.close_one();
}

#[test]
fn a_phone_that_takes_its_audio_away_holds_the_other_side_and_may_bring_it_back() {
    let mut office = office(directory());
    let (alice, bob) = talking(&mut office);
    let away = described(0, "8", "sendrecv");
    ask(&mut office, &alice, "INVITE", Some((SDP, &away)));
    let hold = office.request(BOB, "INVITE");
    assert!(body(&hold).contains("m=audio 30004 ") && body(&hold).contains("a=inactive"), "{}", body(&hold));
    respond(&mut office, BOB, &hold, 200, Some(&described(21_102, "8 0 101", "inactive")));
    let held = office.response(ALICE, 200);
    assert!(body(&held).contains("m=audio 0 RTP/AVP 8"), "{}", body(&held));
    acknowledge(&mut office, &alice, &held);
    assert_eq!(office.only_call().state, CallState::Held);
    // Said again, as phones refresh: the same answer, and nobody else is asked.
    ask(&mut office, &alice, "INVITE", Some((SDP, &away)));
    let again = office.response(ALICE, 200);
    assert_eq!(body(&again), body(&held));
    acknowledge(&mut office, &alice, &again);
    office.silent(BOB);
    // The other side holds meanwhile; who has no audio refuses the stream once more.
    ask(&mut office, &bob, "INVITE", Some((SDP, &described(21_102, "8 0 101", "sendonly"))));
    let crossing = office.request(ALICE, "INVITE");
    assert!(body(&crossing).contains("a=sendonly"), "{}", body(&crossing));
    respond(&mut office, ALICE, &crossing, 200, Some(&away));
    let accepted = office.response(BOB, 200);
    assert!(body(&accepted).contains("m=audio 30004 ") && body(&accepted).contains("a=inactive"));
    acknowledge(&mut office, &bob, &accepted);
    ask(&mut office, &bob, "INVITE", Some((SDP, &sdp(21_102))));
    let crossing = office.request(ALICE, "INVITE");
    respond(&mut office, ALICE, &crossing, 200, Some(&sdp(21_101)));
    let accepted = office.response(BOB, 200);
    assert!(body(&accepted).contains("a=sendrecv"), "{}", body(&accepted));
    acknowledge(&mut office, &bob, &accepted);
    assert_eq!(office.only_call().state, CallState::Answered);
    hang_up(&mut office, &bob);
    office.request(ALICE, "BYE");
    office.close_one();
}

#[test]
fn an_offer_that_the_other_side_refuses_is_refused_and_the_call_goes_on() {
    let mut office = office(directory());
    let (alice, bob) = talking(&mut office);
    ask(&mut office, &bob, "INVITE", Some((SDP, &described(21_102, "0", "sendrecv"))));
    let offered = office.request(ALICE, "INVITE");
    respond(&mut office, ALICE, &offered, 488, None);
    office.response(BOB, 488);
    assert_eq!(office.only_call().state, CallState::Answered);
    // The next one passes.
    ask(&mut office, &bob, "INVITE", Some((SDP, &sdp(21_104))));
    let offered = office.request(ALICE, "INVITE");
    respond(&mut office, ALICE, &offered, 200, Some(&sdp(21_101)));
    let accepted = office.response(BOB, 200);
    acknowledge(&mut office, &bob, &accepted);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn an_offer_without_sense_is_refused_and_the_call_goes_on() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    ask(&mut office, &alice, "INVITE", Some((SDP, "v=0\r\nm=nonsense\r\n")));
    office.response(ALICE, 488);
    office.silent(BOB);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn when_both_sides_offer_at_once_both_are_told_to_wait_and_one_gets_through() {
    let mut office = office(directory());
    let (alice, bob) = talking(&mut office);
    ask(&mut office, &alice, "INVITE", Some((SDP, &described(21_101, "8 0 101", "sendonly"))));
    let crossing = office.request(BOB, "INVITE");
    ask(&mut office, &bob, "INVITE", Some((SDP, &described(21_102, "8 0 101", "sendonly"))));
    office.response(BOB, 491);
    respond(&mut office, BOB, &crossing, 491, None);
    office.pass(Duration::from_secs(5));
    let again = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &again, 200, Some(&described(21_102, "8 0 101", "recvonly")));
    let held = office.response(ALICE, 200);
    acknowledge(&mut office, &alice, &held);
    assert_eq!(office.only_call().state, CallState::Held);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn an_offer_while_the_other_sides_waits_is_told_to_wait() {
    let mut office = office(directory());
    crate::phone::dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    let bob = pick_up(&mut office, BOB, &invite);
    // Alice's ACK is still on its way.
    ask(&mut office, &bob, "INVITE", Some((SDP, &described(21_102, "8 0 101", "sendonly"))));
    office.response(BOB, 491);
    let (alice, _) = connected(&mut office, ALICE);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn a_re_invite_without_an_offer_gets_ours_and_an_ack_without_an_answer_changes_nothing() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    ask(&mut office, &alice, "INVITE", None);
    let accepted = office.response(ALICE, 200);
    assert!(body(&accepted).contains("RTP/AVP 8 0 101\r\n"), "{}", body(&accepted));
    acknowledge(&mut office, &alice, &accepted);
    office.silent(BOB);
    assert_eq!(office.only_call().state, CallState::Answered);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn a_re_invite_that_says_the_same_again_is_answered_without_asking_the_other_side() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    ask(&mut office, &alice, "INVITE", Some((SDP, &sdp(21_101))));
    let accepted = office.response(ALICE, 200);
    assert!(body(&accepted).contains("o=- ") && body(&accepted).contains("a=sendrecv"));
    acknowledge(&mut office, &alice, &accepted);
    office.silent(BOB);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn an_answer_inside_the_call_that_makes_no_sense_ends_it() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    ask(&mut office, &alice, "INVITE", Some((SDP, &sdp(40_000))));
    let reoffer = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &reoffer, 200, Some("v=0\r\nm=nonsense\r\n"));
    office.response(ALICE, 488);
    office.request(ALICE, "BYE");
    office.request(BOB, "BYE");
    office.close_one();
}

#[test]
fn keys_sent_by_info_pass_through() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    let key = ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n");
    ask(&mut office, &alice, "INFO", Some(key));
    office.response(ALICE, 200);
    let info = office.request(BOB, "INFO");
    assert_eq!(info.first(Name::ContentType), Some(key.0.as_bytes()));
    assert_eq!(body(&info), key.1);
    respond(&mut office, BOB, &info, 200, None);
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn hanging_up_while_an_offer_waits_ends_everything() {
    let mut office = office(directory());
    let (alice, bob) = talking(&mut office);
    ask(&mut office, &alice, "INVITE", Some((SDP, &described(21_101, "8 0 101", "sendonly"))));
    office.request(BOB, "INVITE");
    hang_up(&mut office, &bob);
    office.response(ALICE, 487);
    office.request(ALICE, "BYE");
    office.close_one();
}

#[test]
fn a_side_that_has_forgotten_the_call_ends_it() {
    let mut office = office(directory());
    let (alice, _) = talking(&mut office);
    ask(&mut office, &alice, "INVITE", Some((SDP, &described(21_101, "8 0 101", "sendonly"))));
    let hold = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &hold, 481, None);
    office.response(ALICE, 487);
    office.request(ALICE, "BYE");
    assert_eq!(office.close_one().reason, "the phone of 102 has forgotten the call");
}
