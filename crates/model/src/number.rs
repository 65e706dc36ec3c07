//! What people dial.

use std::fmt;

/// Longest thing that can be dialled: E.164 has 15 digits, a prefix, an access code and a dial code's argument
/// fit in thrice that.
pub const MAX_DIALLED: usize = 48;

/// What was dialled: `[0-9A-D*#+]`, separators removed; or the name of an extension, which `model` checks where
/// extensions are defined. Nothing else is ever dialled (SPEC R4.18).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialString(String);

/// Why text can't be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDialled {
    /// Nothing was left after separators were removed.
    #[error("nothing was dialled")]
    Empty,
    /// Longer than [`MAX_DIALLED`].
    #[error("more than {MAX_DIALLED} characters were dialled")]
    TooLong,
    /// A character that no keypad has.
    #[error("only digits, A to D, *, # and + can be dialled")]
    Character,
}

impl DialString {
    /// Reads what a phone sent, percent escapes decoded already: separators (space, `-`, `.`, `(`, `)`, `/`) are
    /// removed, `a` to `d` count as `A` to `D`, `+` stands only in front.
    ///
    /// # Errors
    /// Nothing, too much, or something no keypad has.
    pub fn parse(text: &[u8]) -> Result<DialString, NotDialled> {
        let mut dialled = String::new();
        for &byte in text {
            match byte {
                b' ' | b'-' | b'.' | b'(' | b')' | b'/' => continue,
                b'+' if !dialled.is_empty() => return Err(NotDialled::Character),
                b'0'..=b'9' | b'A'..=b'D' | b'*' | b'#' | b'+' => dialled.push(char::from(byte)),
                b'a'..=b'd' => dialled.push(char::from(byte.to_ascii_uppercase())),
                _ => return Err(NotDialled::Character),
            }
            if dialled.len() > MAX_DIALLED {
                return Err(NotDialled::TooLong);
            }
        }
        if dialled.is_empty() { Err(NotDialled::Empty) } else { Ok(DialString(dialled)) }
    }

    /// The characters dialled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DialString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The country's way of writing numbers (`[system] country`, `international_prefix`, `national_prefix`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// Country calling code without `+`, for example `420`; empty if unknown.
    pub country_code: String,
    /// What is dialled before a country code, for example `00`.
    pub international_prefix: String,
    /// What is dialled before an area code, for example `0`; empty where there is none.
    pub national_prefix: String,
}

impl Numbering {
    /// The canonical form, `+` and country code, of a number as dialled outside; the number unchanged where it has
    /// none (service numbers, dial codes, an unknown country).
    pub fn canonical(&self, dialled: &DialString) -> DialString {
        let text = dialled.as_str();
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if text.starts_with('+') {
            return dialled.clone();
        }
        if let Some(rest) = non_empty_prefix(text, &self.international_prefix).filter(|r| digits(r)) {
            return DialString(format!("+{rest}"));
        }
        if let Some(rest) = non_empty_prefix(text, &self.national_prefix).filter(|r| digits(r))
            && !self.country_code.is_empty()
        {
            return DialString(format!("+{}{rest}", self.country_code));
        }
        dialled.clone()
    }
}

fn non_empty_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() { None } else { text.strip_prefix(prefix) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_go_and_strange_characters_are_refused() {
        let dialled = DialString::parse(b"+420 (2) 55-50.1/01").unwrap();
        assert_eq!(dialled.as_str(), "+42025550101");
        assert_eq!(DialString::parse(b"12+3"), Err(NotDialled::Character));
        assert_eq!(DialString::parse(b"101;phone-context=x"), Err(NotDialled::Character));
        assert_eq!(DialString::parse(b" - "), Err(NotDialled::Empty));
        assert_eq!(DialString::parse(&[b'1'; MAX_DIALLED + 1]), Err(NotDialled::TooLong));
    }

    #[test]
    fn canonical_numbers_carry_the_country() {
        let german = Numbering {
            country_code: "49".into(),
            international_prefix: "00".into(),
            national_prefix: "0".into(),
        };
        let canonical = |text: &[u8]| german.canonical(&DialString::parse(text).unwrap()).to_string();
        assert_eq!(canonical(b"0043 1 234"), "+431234");
        assert_eq!(canonical(b"030 1234"), "+49301234");
        assert_eq!(canonical(b"*22"), "*22");
        assert_eq!(canonical(b"101"), "101");
    }
}
