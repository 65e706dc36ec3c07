//! Forged sources: nobody must be able to have somebody else blocked. An attacker who writes another's address on his packets
//! never sees the challenge, so all he can send are answers to challenges that he made up, or that were given to him.

use super::field::{ANSWER_WITHIN, Field, Halt, MOST_GUESSES};
use super::phone::Phone;
use super::report::{Finding, Trial};

/// Who is given challenges.
const FORGER: u8 = 30;
/// Whose address is on the packets.
const VICTIM: u8 = 31;

pub fn attack(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let account = field.caller()?;
    let mut forger = field.phone(FORGER)?;
    let challenge = forger.ask(&forger.registration(&account.number, 120), ANSWER_WITHIN)?;
    let borrowed = challenge
        .iter()
        .flat_map(|answer| answer.headers("WWW-Authenticate"))
        .find_map(|value| Some(value.split_once("nonce=\"")?.1.split_once('"')?.0.to_owned()));
    let invented = "ZHJpbGwtZHJpbGwtZHJpbGwtZHJpbGwtZHJpbGw=".to_owned();
    for (what, nonce) in [("made up", Some(invented)), ("given to another address", borrowed)] {
        let Some(nonce) = nonce else { continue };
        let mut victim = field.phone(VICTIM)?;
        let count = field.ground().attempts.min(MOST_GUESSES).saturating_add(2);
        for guess in 1..=count {
            answer(&mut victim, &account.number, &nonce, guess)?;
        }
        let blocked = field.is_blocked(field.source(VICTIM))?.is_some();
        let status = victim.register(account)?;
        findings.push(
            Trial {
                step: "forged sources",
                tried: format!("{count} wrong answers, with somebody else's address, to a challenge {what}"),
                expected: "the address is not blocked, and its phone registers",
                cure: "please report this: forged packets must not shut anybody out",
            }
            .judged(match (blocked, status) {
                (false, 200) => Ok("not blocked; the phone at that address registered".to_owned()),
                (true, _) => Err("the address is blocked".to_owned()),
                (false, status) => Err(format!("the phone at that address was answered {status}")),
            }),
        );
    }
    Ok(())
}

/// A wrong answer to a challenge that was never given to this address. Each is another one: the same again would be no
/// further guess.
fn answer(phone: &mut Phone<'_>, name: &str, nonce: &str, guess: u32) -> Result<(), Halt> {
    let mut wish = phone.registration(name, 120);
    let (uri, realm) = (&wish.uri, phone.domain());
    wish.more.push_str(&format!(
        "Authorization: Digest username=\"{name}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{guess:032x}\", algorithm=MD5, qop=auth, nc={guess:08x}, cnonce=\"drill\"\r\n"
    ));
    phone.ask(&wish, ANSWER_WITHIN).map(drop)
}
