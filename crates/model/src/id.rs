//! Ids of objects, calls, revisions and events: 128 bits, ordered by time, with the node in them.
//!
//! Layout from the top: 48 bits of wall-clock milliseconds, 16 bits of node, 64 bits that grow within the process
//! from a random start. Two nodes never collide; one node collides only if its clock and its random start repeat.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Entropy, Wall};

/// A 128-bit id; its text is 26 lower-case characters of Crockford's base 32 and sorts as the id does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u128);

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters in the text of an id: 26 x 5 bits hold 128.
const TEXT_LENGTH: usize = 26;

impl Id {
    /// The id with these bits.
    pub const fn from_bits(bits: u128) -> Id {
        Id(bits)
    }

    /// The id's bits.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(TEXT_LENGTH);
        for place in (0..TEXT_LENGTH).rev() {
            let shift = u32::try_from(place).unwrap_or(0).saturating_mul(5);
            let digit = usize::try_from((self.0 >> shift) & 31).unwrap_or(0);
            text.push(char::from(ALPHABET.get(digit).copied().unwrap_or(b'0')));
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 26 characters from 0-9 and a-z without i, l, o, u")]
pub struct NotAnId;

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Id, NotAnId> {
        if text.len() != TEXT_LENGTH {
            return Err(NotAnId);
        }
        let mut bits: u128 = 0;
        for byte in text.bytes() {
            let digit = ALPHABET.iter().position(|&c| c == byte.to_ascii_lowercase()).ok_or(NotAnId)?;
            bits = bits.checked_mul(32).ok_or(NotAnId)? | u128::try_from(digit).map_err(|_| NotAnId)?;
        }
        Ok(Id(bits))
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A call: all legs that were rung or bridged because one person dialled once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub Id);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes ids for one thread of one node.
#[derive(Clone, Debug)]
pub struct IdMint {
    node: u16,
    next: u64,
}

impl IdMint {
    /// A mint for `node`, starting at a random place.
    pub fn new(node: u16, entropy: &mut Entropy) -> IdMint {
        IdMint { node, next: entropy.next_u64() }
    }

    /// A new id, later than those of earlier milliseconds.
    pub fn mint(&mut self, wall: Wall) -> Id {
        self.next = self.next.wrapping_add(1);
        let millis = u128::try_from(wall.as_millis()).unwrap_or(0) & 0xffff_ffff_ffff;
        Id((millis << 80) | (u128::from(self.node) << 64) | u128::from(self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_and_sorts_like_the_id() {
        let mut mint = IdMint::new(7, &mut Entropy::from_seed([1; 32]));
        let first = mint.mint(Wall::from_millis(1_000));
        let later = mint.mint(Wall::from_millis(2_000));
        assert_eq!(first.to_string().parse(), Ok(first));
        assert!(first < later && first.to_string() < later.to_string());
    }

    #[test]
    fn text_that_overflows_is_refused() {
        assert_eq!("zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<Id>(), Err(NotAnId));
    }
}
