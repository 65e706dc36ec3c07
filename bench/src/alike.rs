//! Whether an answer's bytes or time tell an extension that exists from one that does not (SPEC R4.5).
//!
//! As many of both are asked, in a random order, one at a time; what an attacker could learn is the area under the ROC
//! curve of the delays: 0.5 is nothing, 1 everything.

use crate::digest::{Account, WRONG_PASSWORD};
use crate::peers::{self, Peer, SERVER};
use crate::phones::Phones;
use crate::sip::Reading;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Phones that ask, each at its own address: nobody's own limits are met.
const ASKING: usize = 250;
/// They live at 127.4.*.*.
const NET: u8 = 4;
/// Extensions that exist.
const USERS: usize = 1000;
/// Numbers of as many digits that nobody has start here.
const FIRST_UNKNOWN: usize = 60_000;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(2);
/// Orders differ by run, but the same run can be repeated.
const SEED: u64 = 0x005e_ed0f_a11a_11ce;

/// What was seen of one kind of extension.
#[derive(Default)]
struct Seen {
    challenged: Vec<Duration>,
    refused: Vec<Duration>,
    lengths: BTreeSet<(usize, usize)>,
}

/// Asks `each` times for known and unknown extensions, and says what tells them apart.
pub fn measure(peer: Peer, each: usize) {
    let mut server = peer.start(USERS);
    let mut phones = Phones::new(NET, ASKING).expect("addresses in 127.4.0.0/16 are free");
    let (mut known, mut unknown) = (Seen::default(), Seen::default());
    for (turn, exists) in shuffled(each).into_iter().enumerate() {
        let (first, seen) =
            if exists { (peers::FIRST_NUMBER, &mut known) } else { (FIRST_UNKNOWN, &mut unknown) };
        let number = (first + turn % USERS).to_string();
        ask(&mut phones, turn, number, seen).unwrap_or_else(|| panic!("no answer: {}", server.said()));
    }
    let areas = [(&known.challenged, &unknown.challenged), (&known.refused, &unknown.refused)].map(area);
    println!(
        "- {}: {each} known and {each} unknown extensions, interleaved at random: area under the ROC curve of the delays \
         {:.3} for the challenge, {:.3} for the refusal of a wrong password; lengths of both answers in bytes: known {:?}, \
         unknown {:?}",
        peer.name(),
        areas[0],
        areas[1],
        known.lengths,
        unknown.lengths,
    );
    server.stop();
}

/// A REGISTER, and again with a wrong password.
fn ask(phones: &mut Phones, turn: usize, number: String, seen: &mut Seen) -> Option<()> {
    let phone = turn % phones.count();
    let mut account = Account::with(number, WRONG_PASSWORD);
    let (challenged, delay) = exchange(phones, phone, &request(phones, phone, turn, 1, &account.user, ""))?;
    let (challenge, name) = Reading(&challenged).challenge()?;
    let value = account.answer(challenge, "REGISTER", &format!("sip:{SERVER}"))?;
    seen.challenged.push(delay);
    let credentials = format!("{name}: {value}\r\n");
    let (refused, delay) =
        exchange(phones, phone, &request(phones, phone, turn, 2, &account.user, &credentials))?;
    assert!(matches!(Reading(&refused).status(), Some(401 | 403)), "{}", String::from_utf8_lossy(&refused));
    seen.refused.push(delay);
    seen.lengths.insert((challenged.len(), refused.len()));
    Some(())
}

/// All numbers here have as many digits, so that only the server's own words differ in length.
fn request(
    phones: &Phones,
    phone: usize,
    turn: usize,
    sequence: u32,
    user: &str,
    credentials: &str,
) -> String {
    let (me, turn) = (phones.address(phone), turn + 100_000);
    format!(
        "REGISTER sip:{SERVER} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK-{turn}-{sequence};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:{user}@{SERVER}>;tag=f{turn}\r\nTo: <sip:{user}@{SERVER}>\r\n\
         Call-ID: alike-{turn}\r\nCSeq: {sequence} REGISTER\r\nContact: <sip:{user}@{me}>\r\n\
         Expires: 3600\r\nUser-Agent: bench\r\n{credentials}Content-Length: 0\r\n\r\n"
    )
}

fn exchange(phones: &mut Phones, phone: usize, request: &str) -> Option<(Vec<u8>, Duration)> {
    let begin = Instant::now();
    phones.send(phone, request.as_bytes(), SERVER);
    while begin.elapsed() < PATIENCE {
        let mut answer = None;
        phones.receive(begin + PATIENCE, |_, bytes| answer = Some((bytes.to_vec(), begin.elapsed())));
        if answer.is_some() {
            return answer;
        }
    }
    None
}

/// `each` times true and as often false, in a random order (Fisher and Yates; xorshift is random enough for that).
fn shuffled(each: usize) -> Vec<bool> {
    let mut order: Vec<bool> = (0..2 * each).map(|n| n < each).collect();
    let mut state = SEED;
    for last in (1..order.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(last, (state % (last as u64 + 1)) as usize);
    }
    order
}

/// The chance that one of the first took longer than one of the second: the area under the ROC curve (Mann and Whitney).
fn area((first, second): (&Vec<Duration>, &Vec<Duration>)) -> f64 {
    let mut sorted = second.clone();
    sorted.sort_unstable();
    let below = |delay: &Duration| {
        let (less, up_to) = (sorted.partition_point(|d| d < delay), sorted.partition_point(|d| d <= delay));
        (less + up_to) as f64 / 2.0
    };
    first.iter().map(below).sum::<f64>() / (first.len() * second.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_a_half_for_the_same_and_whole_for_what_always_takes_longer() {
        let delays = |from: u64| (from..from + 10).map(Duration::from_micros).collect::<Vec<_>>();
        assert_eq!(area((&delays(0), &delays(0))), 0.5);
        assert_eq!(area((&delays(10), &delays(0))), 1.0);
        assert_eq!(area((&delays(0), &delays(10))), 0.0);
    }

    #[test]
    fn a_shuffled_order_has_as_many_of_both() {
        let order = shuffled(500);
        assert_eq!((order.len(), order.iter().filter(|known| **known).count()), (1000, 500));
        assert!(order[..500].iter().any(|known| *known) && order[..500].iter().any(|known| !known));
    }
}
