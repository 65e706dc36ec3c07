//! Which passwords are strong enough (SPEC R4.14), and how one is made. Messages never hold the password.

use super::office::Office;
use crate::{Entropy, Secret};

/// Length of a generated SIP password: 24 characters of 5.8 bits are beyond any guessing.
pub const GENERATED_LENGTH: usize = 24;
/// Shortest SIP password taken.
pub const MIN_SIP: usize = 12;
/// Longest password taken.
pub const MAX_PASSWORD: usize = 256;
/// Shortest password of a person taken.
pub const MIN_PERSON: usize = 8;
/// Different characters that a SIP password needs.
const MIN_DIFFERENT: usize = 6;
/// Words that guessers try first; a password that is one of them and little else is refused.
const COMMON: &[&str] = &[
    "password", "passwort", "secret", "letmein", "welcome", "qwerty", "asdfgh", "changeme", "admin",
    "asterisk", "abcdef", "iloveyou", "default", "phone", "voip", "sip",
];

/// A generated SIP password.
pub fn generate(entropy: &mut Entropy) -> Secret {
    Secret::new(entropy.readable(GENERATED_LENGTH))
}

/// Lines whose stored password would not be taken today: their name or number has changed since, or the rules have.
pub fn weak_lines(office: &Office) -> Vec<&str> {
    lines_with(office, |password, name, number| sip_weakness(password, name, number).is_some())
}

/// Lines with a password that was not generated here, as far as it shows: it is shorter than ours.
pub fn hand_set_lines(office: &Office) -> Vec<&str> {
    lines_with(office, |password, _, _| password.expose().len() < GENERATED_LENGTH)
}

fn lines_with(office: &Office, fits: impl Fn(&Secret, &str, &str) -> bool) -> Vec<&str> {
    let extensions = office.extensions.iter();
    let lines = extensions.flat_map(|(number, extension)| {
        extension.value.lines.iter().map(move |line| (number.as_str(), line.username.as_str()))
    });
    let has = |number: &str, name: &str| {
        office.sip_passwords.get(name).is_some_and(|password| fits(password, name, number))
    };
    lines.filter(|(number, name)| has(number, name)).map(|(_, name)| name).collect()
}

/// Why `password` is no SIP password for this line, if it is not.
pub(crate) fn sip_weakness(password: &Secret, username: &str, number: &str) -> Option<&'static str> {
    let text = password.expose();
    if text.chars().count() < MIN_SIP {
        return Some("the password is shorter than 12 characters");
    }
    if text.len() > MAX_PASSWORD {
        return Some("the password is longer than 256 bytes");
    }
    if text.chars().any(char::is_control) {
        return Some("the password contains a control character");
    }
    let lower = text.to_lowercase();
    let is_number_like = |c: char| c.is_ascii_digit() || c.is_whitespace() || "-._/+*#()".contains(c);
    if lower.chars().all(is_number_like) {
        return Some("the password is a number");
    }
    let mut different: Vec<char> = lower.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < MIN_DIFFERENT || is_run(&lower) {
        return Some("the password repeats or counts characters");
    }
    if rests_on(&lower, &username.to_lowercase()) || rests_on(&lower, number) {
        return Some("the password is the username or the number with little added");
    }
    COMMON
        .iter()
        .any(|word| rests_on(&lower, word))
        .then_some("the password is a common word with little added")
}

/// Whether `text` is `word`, perhaps repeated, with fewer than six other letters around it.
fn rests_on(text: &str, word: &str) -> bool {
    if word.len() < 3 || !text.contains(word) {
        return false;
    }
    text.replace(word, "").chars().filter(|c| !c.is_ascii_digit()).count() < 6
}

/// Whether most characters follow their predecessor in the alphabet.
fn is_run(text: &str) -> bool {
    let codes: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    let follows = |pair: &&[i64]| matches!(pair, [a, b] if (b.saturating_sub(*a)).abs() <= 1);
    let followers = codes.windows(2).filter(follows).count();
    followers.saturating_mul(4) >= codes.len().saturating_mul(3)
}

/// Why `password` is no password for a person, if it is not.
pub(crate) fn person_weakness(password: &Secret, login: &str) -> Option<&'static str> {
    let text = password.expose();
    if text.chars().count() < MIN_PERSON {
        return Some("the password is shorter than 8 characters");
    }
    if text.len() > MAX_PASSWORD {
        return Some("the password is longer than 256 bytes");
    }
    if text.eq_ignore_ascii_case(login) {
        return Some("the password is the login");
    }
    None
}

/// Memory that a hash may ask for when it is verified, KiB; a hostile file must not ask for more.
const MAX_HASH_MEMORY: u32 = 262_144;
/// Passes and lanes that a hash may ask for.
const MAX_HASH_COST: u32 = 16;

/// Whether `text` is an argon2id hash (PHC string) that can be verified at a bounded cost.
pub(crate) fn is_acceptable_hash(text: &str) -> bool {
    let mut parts = text.strip_prefix("$argon2id$v=19$").unwrap_or("").split('$');
    let (Some(costs), Some(salt), Some(hash), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let base64 = |part: &str, least: usize| {
        (least..=128).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b))
    };
    let cost = |name: &str, most: u32| {
        let mut found = costs.split(',').filter_map(|cost| cost.strip_prefix(name)?.strip_prefix('='));
        let count = found.next().and_then(|text| text.parse::<u32>().ok());
        count.is_some_and(|count| (1..=most).contains(&count)) && found.next().is_none()
    };
    let costs_fit = cost("m", MAX_HASH_MEMORY) && cost("t", MAX_HASH_COST) && cost("p", MAX_HASH_COST);
    costs_fit && costs.split(',').count() == 3 && base64(salt, 11) && base64(hash, 22)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weak(text: &str) -> bool {
        sip_weakness(&Secret::new(text.to_owned()), "101-mobile", "101").is_some()
    }

    #[test]
    fn weak_and_number_like_passwords_are_refused() {
        for text in [
            "short",
            "123456789012345",
            "0905-123-456-78",
            "aaaaaaaaaaaaaaaa",
            "abcdefghijklmnop",
            "101-mobile101",
        ] {
            assert!(weak(text), "{text}");
        }
        assert!(weak("password12345678") && weak("Secret-2026-2027") && weak("PasswordPassword"));
    }

    #[test]
    fn generated_and_reasonable_passwords_are_taken() {
        for text in ["gWq8-vTzR-31xK-ppLm", "Zx90-mmVa-7YtR-qqEd", "correct horse battery staple"] {
            assert!(!weak(text), "{text}");
        }
        let mut entropy = Entropy::from_seed([5; 32]);
        for _ in 0..200 {
            let password = generate(&mut entropy);
            assert_eq!(password.expose().len(), GENERATED_LENGTH);
            assert_eq!(sip_weakness(&password, "101", "101"), None);
        }
    }

    #[test]
    fn only_bounded_argon2id_hashes_are_taken() {
        let tail = "c29tZXNhbHRzb21l$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";
        assert!(is_acceptable_hash(&format!("$argon2id$v=19$m=19456,t=2,p=1${tail}")));
        assert!(!is_acceptable_hash(&format!("$argon2id$v=19$m=99999999,t=2,p=1${tail}")));
        assert!(!is_acceptable_hash(&format!("$argon2i$v=19$m=19456,t=2,p=1${tail}")));
        assert!(!is_acceptable_hash("$argon2id$v=19$m=19456,t=2,p=1$$"));
        assert!(!is_acceptable_hash("plain"));
    }
}
