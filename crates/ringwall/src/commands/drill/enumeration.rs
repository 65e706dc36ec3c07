//! Enumeration: whether answers tell which names exist. What may differ between two answers (tags, nonces, the name itself) is
//! blotted out; all else must be the same in every byte.

use std::time::{Duration, Instant};

use super::field::{ANSWER_WITHIN, Field, Halt};
use super::phone::{Message, Phone, Wish};
use super::report::{Finding, Trial, Verdict};

const STEP: &str = "enumeration";
/// The source that asks for a name that exists.
const KNOWN: u8 = 10;
/// The source that asks for one that does not.
const UNKNOWN: u8 = 11;

/// How a name is asked for.
type Way = fn(&Phone<'_>, &str) -> Wish;

/// Two answers to the same question, and how long they took.
struct Pair {
    known: (Option<Message>, Duration),
    unknown: (Option<Message>, Duration),
}

pub fn attack(field: &Field, findings: &mut Vec<Finding>) -> Result<(), Halt> {
    let known = field.callee()?.number.clone();
    let unknown = field.nobody(9);
    let ways: [(&str, Way); 3] = [
        ("a registration without a password", |phone, name| phone.registration(name, 120)),
        ("a call without a password", |phone, name| phone.invitation("drill", name, String::new())),
        ("a question for its abilities (OPTIONS)", |phone, name| Wish {
            method: "OPTIONS",
            more: String::new(),
            ..phone.invitation("drill", name, String::new())
        }),
    ];
    for (words, wish) in ways {
        let ask = |source, name: &str| {
            let mut phone = field.phone(source)?;
            let wish = wish(&phone, name);
            let began = Instant::now();
            let answer = phone.ask(&wish, ANSWER_WITHIN)?;
            Ok::<_, Halt>((answer, began.elapsed()))
        };
        let pair = Pair { known: ask(KNOWN, &known)?, unknown: ask(UNKNOWN, &unknown)? };
        findings.push(compare(words, &pair, &known, &unknown));
    }
    let guess = |source, name: &str| {
        let mut phone = field.phone(source)?;
        let wish = phone.registration(name, 120);
        let began = Instant::now();
        let answer = phone.ask_as(&wish, name, "guessed-by-the-drill")?;
        Ok::<_, Halt>((answer, began.elapsed()))
    };
    let pair = Pair { known: guess(KNOWN, &known)?, unknown: guess(UNKNOWN, &unknown)? };
    findings.push(compare("a registration with a wrong password", &pair, &known, &unknown));
    Ok(())
}

fn compare(words: &str, pair: &Pair, known: &str, unknown: &str) -> Finding {
    let trial = Trial {
        step: STEP,
        tried: format!("{words}, for a name that exists and for one that does not"),
        expected: "the same answer to both, byte for byte",
        cure: "please report this: which names exist must not be told",
    };
    let shape = |answer: &Option<Message>, name| answer.as_ref().map(|answer| shape(&answer.0, name));
    let (first, second) = (shape(&pair.known.0, known), shape(&pair.unknown.0, unknown));
    let status = |answer: &Option<Message>| {
        answer.as_ref().map_or_else(|| "no answer".to_owned(), |answer| answer.status().to_string())
    };
    let times = format!(
        "{:.1} ms and {:.1} ms, for information",
        pair.known.1.as_secs_f64() * 1e3,
        pair.unknown.1.as_secs_f64() * 1e3
    );
    match (first, second) {
        (None, None) => trial.found(Verdict::NotTested, "neither was answered"),
        (first, second) if first == second => {
            trial.found(Verdict::Held, format!("the same answer, {}; {times}", status(&pair.known.0)))
        }
        (first, second) => {
            let differs = first
                .iter()
                .flat_map(|text| text.lines())
                .zip(second.iter().flat_map(|text| text.lines()))
                .find(|(a, b)| a != b)
                .map_or_else(String::new, |(a, b)| format!("; {a:?} became {b:?}"));
            let (a, b) = (status(&pair.known.0), status(&pair.unknown.0));
            trial.found(Verdict::GotThrough, format!("{a} for the one, {b} for the other{differs}"))
        }
    }
}

/// An answer without what differs by right: the name, digits (addresses, ports, counts), tags and nonces. Lengths stay.
fn shape(text: &str, name: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let named = text.replace(name, &"N".repeat(name.len()));
    for line in named.split("\r\n") {
        let mut rest = line;
        while let Some((at, key)) =
            ["tag=", "nonce=\"", "branch="].into_iter().filter_map(|key| Some((rest.find(key)?, key))).min()
        {
            let (before, after) = rest.split_at(at + key.len());
            out.push_str(before);
            let end = after.find(['"', ';', ',', '>']).unwrap_or(after.len());
            out.push_str(&"x".repeat(end));
            rest = after.get(end..).unwrap_or_default();
        }
        out.push_str(rest);
        out.push('\n');
    }
    out.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_differ_in_more_than_names_tags_and_nonces_differ() {
        let answer = |status: &str, name: &str, tag: &str, nonce: &str| {
            format!(
                "SIP/2.0 {status}\r\nTo: <sip:{name}@x>;tag={tag}\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"{nonce}\", qop=\"auth\"\r\n\r\n"
            )
        };
        let one = shape(&answer("401 Unauthorized", "91", "ab3", "qwe="), "91");
        assert_eq!(one, shape(&answer("401 Unauthorized", "92", "zz9", "rty="), "92"));
        assert_ne!(one, shape(&answer("401 Unauthorised", "92", "zz9", "rty="), "92"));
        assert_ne!(one, shape(&answer("401 Unauthorized", "92", "zz9", "longer"), "92"));
        assert_ne!(one, shape(&answer("401 Unauthorized", "92", "zz9", "rty=").replace("qop", "qoq"), "92"));
    }
}
