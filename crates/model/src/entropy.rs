//! Random bytes for machines: a seeded generator that comes in from outside, so that a run replays from its seed.
//!
//! The real server seeds it from the operating system; `sim` from the scenario's number. ChaCha12 is a
//! cryptographic generator, so tags, branches and passwords made from it can't be guessed by who saw earlier ones.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A source of random bytes. `Debug` shows nothing of its state.
#[derive(Clone)]
pub struct Entropy(ChaCha12Rng);

/// Characters of tokens: letters and digits that nobody confuses when reading them aloud (no 0 O 1 l I).
const READABLE: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const HEX: &[u8; 16] = b"0123456789abcdef";

impl Entropy {
    /// A generator whose whole future follows from `seed`.
    pub fn from_seed(seed: [u8; 32]) -> Entropy {
        Entropy(ChaCha12Rng::from_seed(seed))
    }

    /// A generator of its own for a part of the machine; this one moves on.
    #[must_use]
    pub fn fork(&mut self) -> Entropy {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Entropy::from_seed(seed)
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; 0 if `bound` is 0. The bias is below 2^-32 for every bound.
    pub fn below(&mut self, bound: u32) -> u32 {
        let wide = u128::from(self.next_u64()).wrapping_mul(u128::from(bound)) >> 64;
        u32::try_from(wide).unwrap_or(0)
    }

    /// `2 * bytes` lower-case hexadecimal digits: tags, branches, Call-IDs.
    pub fn hex(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes.saturating_mul(2));
        let mut block = [0; 16];
        for index in 0..bytes {
            let place = index & 15;
            if place == 0 {
                self.fill(&mut block);
            }
            let byte = block.get(place).copied().unwrap_or(0);
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0')));
            }
        }
        text
    }

    /// `length` characters that can be read aloud, each with 5.8 bits: passwords, set-up codes.
    pub fn readable(&mut self, length: usize) -> String {
        let count = u32::try_from(READABLE.len()).unwrap_or(1);
        let mut text = String::with_capacity(length);
        for _ in 0..length {
            let place = usize::try_from(self.below(count)).unwrap_or(0);
            text.push(char::from(READABLE.get(place).copied().unwrap_or(b'a')));
        }
        text
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_a_fork_others() {
        let mut one = Entropy::from_seed([3; 32]);
        let mut two = Entropy::from_seed([3; 32]);
        assert_eq!(one.hex(20), two.hex(20));
        assert_ne!(one.fork().hex(8), one.hex(8));
    }

    #[test]
    fn below_stays_below() {
        let mut entropy = Entropy::from_seed([9; 32]);
        assert!((0..1_000).all(|_| entropy.below(3) < 3));
        assert_eq!(entropy.below(0), 0);
    }
}
