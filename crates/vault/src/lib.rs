//! Sealing what goes to disk: AES-256-GCM under the key of the data folder.
//!
//! A sealed value is bound to its name (table, key, field), so nobody who can write the database can move one
//! person's password to another's row. Format, version 1: one byte 1, 12 bytes of random nonce, ciphertext, 16
//! bytes of tag; the associated data is the version byte and the three parts of the name, each preceded by its
//! length as 8 bytes, most significant first. Not here: where the key is kept (`store`), the encryption of whole
//! files (the vault of a later release).
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod totp;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use model::Secret;
use zeroize::Zeroizing;

/// Bytes of a key.
pub const KEY_LENGTH: usize = 32;
/// The format written.
const VERSION: u8 = 1;

/// Seals and opens with one key. `Debug` shows nothing of it.
pub struct Sealer(LessSafeKey);

/// What a sealed value is: it opens under this name only.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The table, for example `secrets`.
    pub table: &'a str,
    /// The row's key.
    pub key: &'a str,
    /// The column.
    pub field: &'a str,
}

/// Why sealing or opening failed. Says nothing about the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The key is not of [`KEY_LENGTH`] bytes, or the library refused it.
    #[error("the key is not usable")]
    Key,
    /// The operating system gave no random bytes, or the value is too long to seal.
    #[error("sealing failed")]
    Seal,
    /// Another key, another name, or changed bytes.
    #[error("sealed with another key, or changed")]
    Open,
    /// A format of a later release.
    #[error("sealed in a format of a later release")]
    Version,
}

impl Sealer {
    /// A sealer with this key.
    ///
    /// # Errors
    /// [`Failure::Key`].
    pub fn new(key: &[u8; KEY_LENGTH]) -> Result<Sealer, Failure> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Failure::Key)?;
        Ok(Sealer(LessSafeKey::new(key)))
    }

    /// Seals `plain` as `name`.
    ///
    /// # Errors
    /// [`Failure::Seal`].
    pub fn seal(&self, name: Name<'_>, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        // Random nonces: 2^32 values under one key keep the chance of a repeat below 2^-32 (NIST SP 800-38D, 8.3).
        let mut nonce = [0; NONCE_LEN];
        fill_random(&mut nonce)?;
        let mut body = plain.to_vec();
        let associated = Aad::from(associated(name));
        let sealed =
            self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), associated, &mut body);
        sealed.map_err(|_| Failure::Seal)?;
        let mut blob = Vec::with_capacity(body.len().saturating_add(NONCE_LEN).saturating_add(1));
        blob.push(VERSION);
        blob.extend_from_slice(&nonce);
        blob.append(&mut body);
        Ok(blob)
    }

    /// Opens what was sealed as `name`.
    ///
    /// # Errors
    /// [`Failure::Open`] for another key or name or a changed byte, [`Failure::Version`].
    pub fn open(&self, name: Name<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (version, rest) = blob.split_first().ok_or(Failure::Open)?;
        if *version != VERSION {
            return Err(Failure::Version);
        }
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Failure::Open)?;
        let mut body = Zeroizing::new(body.to_vec());
        let associated = Aad::from(associated(name));
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), associated, &mut body);
        let length = opened.map_err(|_| Failure::Open)?.len();
        body.truncate(length);
        Ok(body)
    }

    /// Seals a secret text.
    ///
    /// # Errors
    /// [`Failure::Seal`].
    pub fn seal_text(&self, name: Name<'_>, text: &Secret) -> Result<Vec<u8>, Failure> {
        self.seal(name, text.expose().as_bytes())
    }

    /// Opens a secret text.
    ///
    /// # Errors
    /// As [`Sealer::open`]; also [`Failure::Open`] if it is no UTF-8.
    pub fn open_text(&self, name: Name<'_>, blob: &[u8]) -> Result<Secret, Failure> {
        let plain = self.open(name, blob)?;
        let text = std::str::from_utf8(&plain).map_err(|_| Failure::Open)?;
        Ok(Secret::new(text.to_owned()))
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

fn associated(name: Name<'_>) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for part in [name.table, name.key, name.field] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// Fills `bytes` from the operating system's generator.
///
/// # Errors
/// [`Failure::Seal`] if it gives none.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), Failure> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| Failure::Seal)
}

/// 32 random bytes: a new key, or the seed of a generator.
///
/// # Errors
/// [`Failure::Seal`] if the operating system gives none.
pub fn random_key() -> Result<Zeroizing<[u8; KEY_LENGTH]>, Failure> {
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    fill_random(key.as_mut_slice())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&[7; KEY_LENGTH]).unwrap()
    }

    const NAME: Name<'_> = Name { table: "secrets", key: "101", field: "sip" };

    #[test]
    fn what_is_sealed_opens_and_looks_different_each_time() {
        let sealer = sealer();
        let secret = Secret::new("gWq8-vTzR-31xK-ppLm".into());
        let blob = sealer.seal_text(NAME, &secret).unwrap();
        assert_eq!(sealer.open_text(NAME, &blob), Ok(secret.clone()));
        assert_ne!(sealer.seal_text(NAME, &secret).unwrap(), blob);
        let plain = secret.expose().as_bytes();
        assert!(!blob.windows(plain.len()).any(|window| window == plain));
    }

    #[test]
    fn a_blob_opens_under_its_own_name_and_key_only() {
        let sealer = sealer();
        let blob = sealer.seal(NAME, b"secret").unwrap();
        for name in [
            Name { key: "102", ..NAME },
            Name { field: "person", ..NAME },
            Name { table: "secrets1", key: "01", ..NAME },
        ] {
            assert_eq!(sealer.open(name, &blob).err(), Some(Failure::Open));
        }
        let other = Sealer::new(&[8; KEY_LENGTH]).unwrap();
        assert_eq!(other.open(NAME, &blob).err(), Some(Failure::Open));
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let sealer = sealer();
        let blob = sealer.seal(NAME, b"secret").unwrap();
        for place in 0..blob.len() {
            let mut changed = blob.clone();
            changed[place] ^= 1;
            assert!(sealer.open(NAME, &changed).is_err(), "byte {place}");
            assert!(sealer.open(NAME, &blob[..place]).is_err(), "cut at {place}");
        }
    }

    #[test]
    fn a_secret_value_and_the_key_are_never_printed() {
        assert_eq!(format!("{:?}", sealer()), "Sealer(..)");
    }
}
