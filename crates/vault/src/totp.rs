//! Time-based one-time passwords (RFC 6238 over RFC 4226), as every authenticator app makes them: HMAC-SHA-1, 30 seconds,
//! six digits. The secret is text in base 32 (RFC 4648 section 6). Not here: the clock, and which step was used already.

use aws_lc_rs::hmac;
use model::Secret;

/// Seconds of a step.
pub const STEP_S: u64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Bytes of a new secret: as many as the hash has (RFC 4226 section 4, R6).
pub const SECRET_BYTES: usize = 20;
/// Steps before and after the present one whose codes are taken: clocks of phones are off by seconds (RFC 6238 section 5.2).
const SKEW: u64 = 1;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A secret from random bytes, in base 32 without padding.
pub fn secret(random: &[u8; SECRET_BYTES]) -> Secret {
    let mut text = String::with_capacity(32);
    for chunk in random.chunks(5) {
        let bits = chunk.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        for place in (0..8_u32).rev() {
            let index = usize::try_from((bits >> place.saturating_mul(5)) & 31).unwrap_or(0);
            text.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'A')));
        }
    }
    Secret::new(text)
}

/// The bytes of a base 32 text; `None`: it is none.
fn decoded(text: &str) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(SECRET_BYTES));
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = ((bits << 5) | u32::try_from(value).ok()?) & 0xffff;
        held = held.saturating_add(5);
        if held >= 8 {
            held = held.saturating_sub(8);
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// The code of a step.
fn code(key: &hmac::Key, step: u64) -> Secret {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 15);
    let part = tag.iter().skip(offset).take(4).fold(0_u32, |part, byte| (part << 8) | u32::from(*byte));
    Secret::new(format!("{:06}", (part & 0x7fff_ffff) % 1_000_000))
}

/// The step whose code this is, if it is one of around `now_s` (seconds since 1970). Takes the same time whatever it is.
pub fn step_of(secret: &Secret, given: &str, now_s: u64) -> Option<u64> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &decoded(secret.expose())?);
    let given = Secret::new(given.to_owned());
    let present = now_s / STEP_S;
    let around = present.saturating_sub(SKEW)..=present.saturating_add(SKEW);
    around.fold(None, |found, step| if code(&key, step) == given { Some(step) } else { found })
}

/// The code of the step at `now_s`, for who plays the app.
pub fn code_at(secret: &Secret, now_s: u64) -> Option<Secret> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &decoded(secret.expose())?);
    Some(code(&key, now_s / STEP_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the ASCII secret, the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let secret = secret(b"12345678901234567890");
        assert_eq!(secret.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (time, expected) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(code_at(&secret, time).unwrap().expose(), expected);
            assert_eq!(step_of(&secret, expected, time), Some(time / STEP_S));
            assert_eq!(step_of(&secret, expected, time + 30), Some(time / STEP_S));
            assert_eq!(step_of(&secret, expected, time + 90), None);
        }
        assert_eq!(step_of(&secret, "", 59), None);
        assert_eq!(step_of(&Secret::new("no base 32!".into()), "287082", 59), None);
    }
}
