//! Digest authentication by RFC 7616 and RFC 8760 as the wire shows it: what is offered, what is taken, and what a wrong
//! answer gets.

use blackbox::config::password_of;
use blackbox::digest::{Challenge, Credentials};
use blackbox::raw::{Message, Request, registration};
use blackbox::{Office, Pbx, RawPhone};

/// What is done to a right answer to make it wrong.
type Spoil = fn(String) -> String;

#[test]
fn md5_is_offered_first_then_sha_256_both_with_qop_and_both_are_taken() {
    let pbx = Pbx::start(Office::of(101, 1));
    let mut phone = RawPhone::new("101", pbx.sip);
    let offered = challenges(&mut phone);
    let algorithms: Vec<_> = offered.iter().map(|c| c.algorithm.as_str()).collect();
    assert_eq!(algorithms, ["MD5", "SHA-256"]);
    assert!(offered.iter().all(|c| c.qop && !c.stale && c.realm == pbx.sip.ip().to_string()));
    for nth in 0..offered.len() {
        let challenge = challenges(&mut phone).remove(nth);
        let answer = answer(&mut phone, &challenge, &right("101"), |value| value);
        assert_eq!(answer.status(), 200, "{}", challenge.algorithm);
    }
}

#[test]
fn every_wrong_answer_is_challenged_again_and_registers_nobody() {
    let pbx = Pbx::start(Office::of(101, 1));
    let mut phone = RawPhone::new("101", pbx.sip);
    let wrong: [(&str, Spoil); 9] = [
        ("another response", |v| replace_field(&v, "response", "00000000000000000000000000000000")),
        ("a short response", |v| replace_field(&v, "response", "abc")),
        ("another user", |v| replace_field(&v, "username", "909")),
        ("another realm", |v| replace_field(&v, "realm", "elsewhere.test")),
        ("another uri", |v| replace_field(&v, "uri", "sip:elsewhere.test")),
        ("a forged nonce", |v| replace_field(&v, "nonce", "Zm9yZ2Vk")),
        ("an empty nonce", |v| replace_field(&v, "nonce", "")),
        ("no response at all", |v| v.replace("response=", "nothing=")),
        ("an unknown algorithm", |v| v.replace("algorithm=MD5", "algorithm=ROT13")),
    ];
    for (what, spoil) in wrong {
        let challenge = challenges(&mut phone).remove(0);
        let answer = answer(&mut phone, &challenge, &right("101"), spoil);
        assert!(matches!(answer.status(), 400 | 401 | 403), "{what}: {}", answer.0);
        assert!(pbx.registrations().is_empty(), "{what}");
    }
}

#[test]
fn a_forged_nonce_is_stale_and_never_a_guess() {
    let pbx = Pbx::start(Office::of(101, 1));
    let mut phone = RawPhone::new("101", pbx.sip);
    let challenge = challenges(&mut phone).remove(0);
    let forged = Challenge { nonce: challenge.nonce.chars().rev().collect(), ..challenge };
    let answer = answer(&mut phone, &forged, &right("101"), |value| value);
    assert_eq!(answer.status(), 401);
    assert!(answer.challenges().iter().all(|c| c.stale), "{}", answer.0);
}

#[test]
fn a_nonce_given_to_one_address_is_worth_nothing_at_another() {
    let pbx = Pbx::start(Office::of(101, 1));
    let (mut one, mut other) = (RawPhone::new("101", pbx.sip), RawPhone::new("101", pbx.sip));
    let challenge = challenges(&mut one).remove(0);
    let answer = answer(&mut other, &challenge, &right("101"), |value| value);
    assert_eq!(answer.status(), 401);
    assert!(answer.challenges().iter().all(|c| c.stale), "{}", answer.0);
}

#[test]
fn a_nonce_count_is_taken_once_and_in_any_order_within_the_window() {
    let pbx = Pbx::start(Office::of(101, 1));
    let mut phone = RawPhone::new("101", pbx.sip);
    let challenge = challenges(&mut phone).remove(0);
    let mut status = |count: u32| {
        let password = password_of("101");
        let credentials = Credentials { user: "101", password: &password, count, cnonce: "window" };
        answer(&mut phone, &challenge, &credentials, |value| value).status()
    };
    assert_eq!([status(1), status(5), status(3)], [200, 200, 200]);
    assert_eq!(status(3), 401, "the same count again is a replay");
    assert_eq!([status(200), status(2)], [200, 401], "2 lies outside the window that 200 has moved");
}

#[test]
fn a_line_that_allows_one_algorithm_takes_only_that() {
    let mut office = Office::of(101, 1);
    office.extensions[0].digest = "sha256".into();
    let pbx = Pbx::start(office);
    let mut phone = RawPhone::new("101", pbx.sip);
    let offered = challenges(&mut phone);
    let of = |algorithm: &str| offered.iter().find(|c| c.algorithm == algorithm).cloned();
    if let Some(md5) = of("MD5") {
        assert_eq!(answer(&mut phone, &md5, &right("101"), |value| value).status(), 401);
    }
    let sha = of("SHA-256").expect("offered");
    assert_eq!(answer(&mut phone, &sha, &right("101"), |value| value).status(), 200);
}

fn right(number: &'static str) -> Credentials<'static> {
    let password = Box::leak(password_of(number).into_boxed_str());
    Credentials { user: number, password, count: 1, cnonce: "raw-phone" }
}

fn challenges(phone: &mut RawPhone) -> Vec<Challenge> {
    let number = phone.number.clone();
    phone.ask(&registration(&number, phone.server, 60)).challenges()
}

fn answer(
    phone: &mut RawPhone,
    challenge: &Challenge,
    credentials: &Credentials,
    spoil: impl Fn(String) -> String,
) -> Message {
    let number = phone.number.clone();
    let mut request: Request = registration(&number, phone.server, 60);
    let value = challenge.answer(credentials, request.method, &request.uri);
    request.more.push_str(&format!("Authorization: {}\r\n", spoil(value)));
    phone.ask(&request)
}

fn replace_field(value: &str, field: &str, with: &str) -> String {
    let start = value.find(&format!("{field}=\"")).expect("a field of the answer") + field.len() + 2;
    let end = start + value[start..].find('"').expect("quoted");
    format!("{}{with}{}", &value[..start], &value[end..])
}
