//! A certificate, those between it and its authority, and its private key.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use model::Secret;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::Facts;

/// Certificates in one chain: an authority has one or two between itself and us.
const MAX_CHAIN: usize = 10;

/// Characters of a line (RFC 7468 section 2).
const PEM_LINE: usize = 64;

/// A certificate with its key. `Debug` shows nothing of the key.
#[derive(Clone)]
pub struct Pair {
    certified: Arc<CertifiedKey>,
    facts: Facts,
    text: Option<Secret>,
}

/// Why a certificate and a key can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPair {
    /// There is no certificate in PEM.
    #[error("it holds no certificate in PEM form")]
    NoCertificate,
    /// There is no private key in PEM.
    #[error("it holds no private key in PEM form (one with a password can't be used)")]
    NoKey,
    /// Not a certificate, or too many.
    #[error("a certificate in it can't be read")]
    Certificate,
    /// Not RSA, ECDSA or Ed25519.
    #[error("the key is of a kind that can't be used; make an RSA or ECDSA one")]
    Kind,
    /// They don't belong together.
    #[error("the key does not belong to the certificate")]
    Mismatch,
}

impl Pair {
    /// Reads certificate and key from PEM.
    ///
    /// # Errors
    /// They can't be used, or not together.
    pub fn read(certificates: &[u8], key: &[u8]) -> Result<Pair, BadPair> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).take(MAX_CHAIN).collect();
        let chain = chain.map_err(|_| BadPair::Certificate)?;
        let first = chain.first().ok_or(BadPair::NoCertificate)?;
        let facts = Facts::of(first).ok_or(BadPair::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| BadPair::NoKey)?;
        let key = any_supported_type(&key).map_err(|_| BadPair::Kind)?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(_) => return Err(BadPair::Mismatch),
        }
        Ok(Pair { certified: Arc::new(certified), facts, text: None })
    }

    /// Reads what [`Pair::text`] gave.
    ///
    /// # Errors
    /// As [`Pair::read`].
    pub fn restore(text: &Secret) -> Result<Pair, BadPair> {
        let pem = text.expose().as_bytes();
        Ok(Pair { text: Some(text.clone()), ..Pair::read(pem, pem)? })
    }

    /// Certificate and key in PEM, to be kept; none of one's own files, which are kept by who made them.
    pub fn text(&self) -> Option<&Secret> {
        self.text.as_ref()
    }

    /// What the certificate says.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        self.certified.cert.first().map_or(&[], |certificate| certificate.as_ref())
    }

    /// The certificate in PEM form (RFC 7468).
    pub fn certificate_pem(&self) -> String {
        let text = BASE64_STANDARD.encode(self.certificate());
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for (index, letter) in text.chars().enumerate() {
            if index > 0 && index % PEM_LINE == 0 {
                pem.push('\n');
            }
            pem.push(letter);
        }
        pem.push_str("\n-----END CERTIFICATE-----\n");
        pem
    }

    /// SHA-256 of the certificate, as phones show it: `AB:CD:...`.
    pub fn fingerprint(&self) -> String {
        let digest = digest(&SHA256, self.certificate());
        let bytes: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        bytes.join(":")
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        self.certified.clone()
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair").field("facts", &self.facts).finish_non_exhaustive()
    }
}
