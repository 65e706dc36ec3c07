//! The hash algorithms, and hashes as lower-case hex.

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

/// Which hash a challenge asks for, and whether it runs over a session key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Algorithm {
    Md5,
    Md5Sess,
    Sha256,
    Sha256Sess,
    Sha512_256,
    Sha512_256Sess,
}

impl Algorithm {
    /// The algorithm a token names, in any case; `None` for one that is not known.
    pub fn parse(token: &[u8]) -> Option<Self> {
        const ALL: [Algorithm; 6] = [
            Algorithm::Md5,
            Algorithm::Md5Sess,
            Algorithm::Sha256,
            Algorithm::Sha256Sess,
            Algorithm::Sha512_256,
            Algorithm::Sha512_256Sess,
        ];
        ALL.into_iter().find(|algorithm| algorithm.text().as_bytes().eq_ignore_ascii_case(token))
    }

    /// The token on the wire.
    pub fn text(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// Whether the hash of the password is hashed again with both nonces.
    pub fn is_session(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess | Self::Sha512_256Sess)
    }

    /// The same hash without the session key: what a stored [`Ha1`](super::Ha1) is made with.
    pub fn base(self) -> Self {
        match self {
            Self::Md5 | Self::Md5Sess => Self::Md5,
            Self::Sha256 | Self::Sha256Sess => Self::Sha256,
            Self::Sha512_256 | Self::Sha512_256Sess => Self::Sha512_256,
        }
    }

    /// The hash of the parts, joined by colons.
    pub(super) fn hash(self, parts: &[&[u8]]) -> Hex {
        match self.base() {
            Self::Md5 => Hex::of(&hashed::<Md5>(parts)),
            Self::Sha256 => Hex::of(&hashed::<Sha256>(parts)),
            _ => Hex::of(&hashed::<Sha512_256>(parts)),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

fn hashed<D: Digest>(parts: &[&[u8]]) -> sha2::digest::Output<D> {
    let mut hasher = D::new();
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    hasher.finalize()
}

/// A hash in lower-case hex: 32 digits for MD5, 64 for the others.
#[derive(Clone, PartialEq, Eq)]
pub struct Hex {
    digits: [u8; 64],
    length: usize,
}

impl Hex {
    fn of(bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = Self { digits: [0; 64], length: bytes.len().saturating_mul(2).min(64) };
        for (pair, byte) in hex.digits.chunks_exact_mut(2).zip(bytes) {
            let nibbles = [byte.wrapping_shr(4), byte & 0x0f];
            for (digit, nibble) in pair.iter_mut().zip(nibbles) {
                *digit = DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            }
        }
        hex
    }

    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or_default()
    }

    /// The digits as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl zeroize::Zeroize for Hex {
    fn zeroize(&mut self) {
        self.digits.zeroize();
    }
}

/// Not shown: it may be as good as a password.
impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hex(..)")
    }
}
