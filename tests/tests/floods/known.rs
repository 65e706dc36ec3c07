//! The office's own phones: some come back over connections, the others register again and repeat what is not answered, as RFC
//! 3261 has it.

use crate::office::{SECURE, SERVER};
use blackbox::config::password_of;
use blackbox::digest::Credentials;
use blackbox::raw::{Message, Request, registration};
use blackbox::secure::Trust;
use blackbox::{Guesser, RawPhone};
use std::ops::Range;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Timers T1 and T2 (RFC 3261 section 17.1.2.1): the first and the longest wait for an answer.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// Timer F: 64 times T1, then a request has failed.
const TIMER_F: Duration = Duration::from_secs(32);
/// Seconds that a registration is asked for: longer than any test.
const EXPIRES: u32 = 600;
/// How often each registers during a flood.
const TIMES: u32 = 2;

/// All register twice, at once; what comes back is the phones, or why one did not get through.
pub fn register_all(phones: Vec<RawPhone>) -> JoinHandle<Result<Vec<RawPhone>, String>> {
    std::thread::spawn(move || {
        let each = |mut phone: RawPhone| {
            std::thread::spawn(move || (0..TIMES).try_for_each(|_| register(&mut phone)).map(|()| phone))
        };
        let all: Vec<_> = phones.into_iter().map(each).collect();
        all.into_iter().map(|phone| phone.join().expect("a phone of the test's own")).collect()
    })
}

/// These numbers' phones lost their connections and come back on new ones, over TCP and TLS in turn. What comes back is the
/// connections.
pub fn reconnect_all(numbers: Range<u32>, trust: Trust) -> JoinHandle<Result<Vec<Guesser>, String>> {
    let reconnect = move |number: u32| {
        let dialled = if number.is_multiple_of(2) {
            Guesser::tls(SECURE, &trust.config())
        } else {
            Guesser::tcp(SERVER)
        };
        let mut phone = dialled.map_err(|why| format!("{number} can't connect: {why}"))?;
        let status = phone.sign_in(&number.to_string());
        if status == 200 { Ok(phone) } else { Err(format!("{number} on a new connection: {status}")) }
    };
    std::thread::spawn(move || numbers.map(reconnect).collect())
}

/// Registers, answering the challenge.
pub fn register(phone: &mut RawPhone) -> Result<(), String> {
    let number = phone.number.clone();
    let mut request = registration(&number, phone.server, EXPIRES);
    let first = ask(phone, &request)?;
    if let Some(challenge) = first.challenges().first() {
        let password = password_of(&number);
        let credentials = Credentials { user: &number, password: &password, count: 1, cnonce: "known" };
        let value = challenge.answer(&credentials, "REGISTER", &request.uri);
        request.more.push_str(&format!("Authorization: {value}\r\n"));
    }
    let answer = ask(phone, &request)?;
    if answer.status() == 200 { Ok(()) } else { Err(format!("{number}: {}", answer.0)) }
}

/// A non-INVITE client transaction (RFC 3261 section 17.1.2).
fn ask(phone: &mut RawPhone, request: &Request) -> Result<Message, String> {
    let text = phone.compose(request);
    let id = Message(text.clone()).header("Call-ID").expect("composed with it").to_owned();
    let (begin, mut wait) = (Instant::now(), T1);
    while begin.elapsed() < TIMER_F {
        phone.send(&text);
        let repeat_at = Instant::now() + wait;
        while let Some(left) = repeat_at.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
        {
            match phone.receive_within(left) {
                Some(message) if message.status() >= 200 && message.header("Call-ID") == Some(&id) => {
                    return Ok(message);
                }
                // Something else, as the answer to a repetition of what was answered before.
                Some(_) | None => {}
            }
        }
        wait = (wait * 2).min(T2);
    }
    Err(format!("{}: no answer within {TIMER_F:?} to\n{text}", phone.number))
}
