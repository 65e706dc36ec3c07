//! Media before the answer.

use model::record::CallResult;

use crate::office::{Office, directory};
use crate::phone::{
    acknowledge, ask, body, callee, connected, described, dial, hang_up, pick_up, respond, sdp,
};

const SDP: &str = "application/sdp";
use crate::{ALICE, ALICE_ALSO, BOB, office};

fn bridges(office: &Office) -> usize {
    office.media.iter().filter(|(_, command)| matches!(command, media::Command::Bridge { .. })).count()
}

#[test]
fn the_caller_hears_what_a_phone_plays_before_it_answers() {
    for status in [183, 180] {
        let mut office = office(directory());
        dial(&mut office, ALICE, "102");
        let invite = office.request(BOB, "INVITE");
        respond(&mut office, BOB, &invite, status, Some(&sdp(21_102)));
        let early = office.response(ALICE, 183);
        assert_eq!(bridges(&office), 1);
        pick_up(&mut office, BOB, &invite);
        let (alice, accepted) = connected(&mut office, ALICE);
        assert_eq!(body(&early), body(&accepted), "an offer has one answer");
        hang_up(&mut office, &alice);
        assert_eq!(office.close_one().result, Some(CallResult::Answered));
    }
}

#[test]
fn who_is_promised_one_codec_and_gets_a_phone_with_another_is_offered_that() {
    let mut office = Office::with_phones(directory(), &[ALICE, ALICE_ALSO, BOB]);
    dial(&mut office, BOB, "101");
    let (desk, mobile) = (office.request(ALICE, "INVITE"), office.request(ALICE_ALSO, "INVITE"));
    respond(&mut office, ALICE, &desk, 183, Some(&described(21_101, "8", "sendrecv")));
    let early = office.response(BOB, 183);
    assert!(body(&early).contains("RTP/AVP 8\r\n"), "{}", body(&early));
    respond(&mut office, ALICE_ALSO, &mobile, 200, Some(&described(21_111, "0", "sendrecv")));
    let (bob, accepted) = connected(&mut office, BOB);
    assert_eq!(body(&early), body(&accepted));
    let reinvite = office.request(BOB, "INVITE");
    assert!(body(&reinvite).contains("RTP/AVP 0\r\n"), "{}", body(&reinvite));
    respond(&mut office, BOB, &reinvite, 200, Some(&described(21_102, "0", "sendrecv")));
    assert_eq!(office.only_call().caller.codec.as_deref(), Some("PCMU"));
    hang_up(&mut office, &bob);
    office.close_one();
}

#[test]
fn when_the_phone_with_early_media_gives_up_another_may_play() {
    let mut office = Office::with_phones(directory(), &[ALICE, ALICE_ALSO, BOB]);
    dial(&mut office, BOB, "101");
    let (desk, mobile) = (office.request(ALICE, "INVITE"), office.request(ALICE_ALSO, "INVITE"));
    respond(&mut office, ALICE, &desk, 183, Some(&sdp(21_101)));
    office.response(BOB, 183);
    respond(&mut office, ALICE_ALSO, &mobile, 183, Some(&sdp(21_111)));
    office.silent(BOB);
    respond(&mut office, ALICE, &desk, 486, None);
    respond(&mut office, ALICE_ALSO, &mobile, 183, Some(&sdp(21_111)));
    assert_eq!(bridges(&office), 2);
    respond(&mut office, ALICE_ALSO, &mobile, 200, Some(&sdp(21_111)));
    let accepted = office.response(BOB, 200);
    let bob = crate::phone::caller(BOB, &accepted);
    acknowledge(&mut office, &bob, &accepted);
    hang_up(&mut office, &bob);
    office.close_one();
}

#[test]
fn a_phone_that_rings_may_change_its_media_once_the_caller_hears_it() {
    let mut office = office(directory());
    dial(&mut office, ALICE, "102");
    let invite = office.request(BOB, "INVITE");
    let bob = callee(BOB, &invite);
    respond(&mut office, BOB, &invite, 183, Some(&sdp(21_102)));
    let early = office.response(ALICE, 183);
    ask(&mut office, &bob, "UPDATE", Some((SDP, &described(21_140, "0 101", "sendonly"))));
    let changed = office.response(BOB, 200);
    assert!(body(&changed).contains("RTP/AVP 0 101\r\n") && body(&changed).contains("a=recvonly"));
    office.silent(ALICE);
    assert_eq!(bridges(&office), 2);
    // What can't be used is refused, and what was said before stays.
    ask(&mut office, &bob, "UPDATE", Some((SDP, &described(21_140, "9", "sendrecv"))));
    office.response(BOB, 488);
    // The answer repeats the first one, as RFC 3261 has it; what counts is what the phone said last.
    respond(&mut office, BOB, &invite, 200, Some(&sdp(21_102)));
    let (alice, accepted) = connected(&mut office, ALICE);
    assert_eq!(body(&early), body(&accepted), "an offer has one answer");
    let told = office.request(ALICE, "INVITE");
    assert!(
        body(&told).contains("RTP/AVP 0 101\r\n") && body(&told).contains("a=sendonly"),
        "{}",
        body(&told)
    );
    respond(&mut office, ALICE, &told, 200, Some(&described(21_101, "0 101", "recvonly")));
    hang_up(&mut office, &alice);
    office.close_one();
}

#[test]
fn a_phone_that_nobody_hears_yet_is_told_to_offer_later() {
    let mut office = Office::with_phones(directory(), &[ALICE, ALICE_ALSO, BOB]);
    dial(&mut office, BOB, "101");
    let (desk, mobile) = (office.request(ALICE, "INVITE"), office.request(ALICE_ALSO, "INVITE"));
    let early = callee(ALICE_ALSO, &mobile);
    respond(&mut office, ALICE_ALSO, &mobile, 180, None);
    office.response(BOB, 180);
    ask(&mut office, &early, "UPDATE", Some((SDP, &sdp(21_111))));
    office.response(ALICE_ALSO, 491);
    ask(&mut office, &early, "UPDATE", None);
    office.response(ALICE_ALSO, 200);
    respond(&mut office, ALICE, &desk, 183, Some(&sdp(21_101)));
    office.response(BOB, 183);
    respond(&mut office, ALICE_ALSO, &mobile, 183, Some(&sdp(21_111)));
    ask(&mut office, &early, "UPDATE", Some((SDP, &sdp(21_113))));
    let later = office.response(ALICE_ALSO, 500);
    assert!(later.first(wire::sip::Name::RetryAfter).is_some());
    respond(&mut office, ALICE_ALSO, &mobile, 200, Some(&sdp(21_111)));
    let (bob, _) = connected(&mut office, BOB);
    ask(&mut office, &early, "UPDATE", Some((SDP, &sdp(21_113))));
    let passed = office.request(BOB, "INVITE");
    respond(&mut office, BOB, &passed, 200, Some(&sdp(21_102)));
    office.response(ALICE_ALSO, 200);
    hang_up(&mut office, &bob);
    office.close_one();
}
