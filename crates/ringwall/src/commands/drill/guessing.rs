//! Guessing: one name with many passwords, many names with one password, and what a blocked address still gets.

use std::io::{Read as _, Write as _};

use super::field::{ANSWER_WITHIN, Field, Halt, MOST_GUESSES};
use super::report::{Finding, Trial, Verdict};

/// Who guesses one name's password.
const GUESSER: u8 = 20;
/// Who tries many names.
const SPRAYER: u8 = 21;
/// What to do when guessing is not stopped.
const CURE: &str = "lower security.guessing.attempts, and take this machine's loopback out of the group of security.guessing.trusted";

pub fn attack(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let account = field.callee()?;
    let (blocked, guesses) = guess(field, GUESSER, |_| account.number.clone())?;
    findings.push(
        Trial {
            step: "guessing",
            tried: format!("{guesses} wrong passwords for one name from one address"),
            expected: "the wrong password that the settings name blocks the address",
            cure: CURE,
        }
        .judged(if blocked {
            Ok(format!("blocked after {guesses} wrong passwords"))
        } else {
            Err(format!("not blocked after {guesses} wrong passwords"))
        }),
    );
    if blocked {
        after_block(field, findings)?;
    }
    spray(field, findings)
}

/// Guesses until the address is blocked or enough is seen: whether it is, and how many guesses it took.
fn guess(field: &Field, source: u8, name: impl Fn(u32) -> String) -> Result<(bool, u32), Halt> {
    let most = field.ground().attempts.min(MOST_GUESSES);
    let mut phone = field.phone(source)?;
    for guess in 1..=most {
        phone.guess(&name(guess))?;
        if field.is_blocked(field.source(source))?.is_some() {
            return Ok((true, guess));
        }
    }
    Ok((false, most))
}

/// What a blocked address gets.
fn after_block(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let account = field.callee()?;
    let mut phone = field.phone(GUESSER)?;
    let trial = |tried: &str| Trial {
        step: "guessing",
        tried: format!("{tried}, from the blocked address"),
        expected: "no answer at all",
        cure: "please report this: a blocked address must get nothing",
    };
    let status = phone.register(account)?;
    findings.push(trial("the right password").judged(match status {
        0 => Ok("no answer".to_owned()),
        status => Err(format!("answered {status}")),
    }));
    let wish = phone.invitation(&account.number, &field.caller()?.number, String::new());
    let answer = phone.ask(&wish, ANSWER_WITHIN)?;
    findings.push(trial("a call").judged(match answer {
        None => Ok("no answer".to_owned()),
        Some(answer) => Err(format!("answered {}", answer.status())),
    }));
    let Some(server) = field.sip_tcp() else { return Ok(()) };
    field.spend()?;
    let said = net::drill::tcp(field.source(GUESSER), server, ANSWER_WITHIN).and_then(|mut stream| {
        stream.write_all(phone.compose(&wish).0.as_bytes())?;
        let mut buffer = [0; 64];
        stream.read(&mut buffer)
    });
    findings.push(trial("a connection over TCP").judged(match said {
        Ok(1..) => Err("it was answered".to_owned()),
        Ok(0) | Err(_) => Ok("refused or closed without a word".to_owned()),
    }));
    Ok(())
}

fn spray(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let name = |guess: u32| format!("{}{guess}", field.nobody(4));
    let (blocked, tried) = guess(field, SPRAYER, name)?;
    let trial = Trial {
        step: "spraying",
        tried: format!("one password for {tried} names from one address"),
        expected: "the address is blocked, and the names that it tried are told to the administrator",
        cure: CURE,
    };
    if !blocked {
        findings.push(trial.judged(Err(format!("not blocked after {tried} names"))));
        return Ok(());
    }
    let Some(block) = field.is_blocked(field.source(SPRAYER))? else {
        findings.push(trial.found(Verdict::NotTested, "somebody lifted the block meanwhile"));
        return Ok(());
    };
    let named = block.accounts.iter().filter(|account| account.starts_with(&field.nobody(4))).count();
    findings.push(trial.judged(if named > 0 {
        Ok(format!("blocked after {tried} names; {named} of them are in the list of blocks"))
    } else {
        Err("blocked, but none of the names is in the list of blocks".to_owned())
    }));
    Ok(())
}
