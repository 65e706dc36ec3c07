//! One's own certificate, from the files that the settings name.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use model::Wall;

use super::{BadPair, Pair};

/// Largest certificate or key file: a chain of ten is some 20 kB.
const MAX_BYTES: u64 = 1 << 20;

/// A certificate that can't be used: which file, what is wrong, what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} {path}: {why}; {cure}", path = path.display())]
pub struct BadCertificate {
    /// The setting.
    pub key: &'static str,
    /// The file it names.
    pub path: PathBuf,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub cure: &'static str,
}

const CERTIFICATE: &str = "tls.certificate";
const KEY: &str = "tls.key";
const CURE_FILE: &str = "name a file that this server's user can read";
const CURE_CONTENT: &str = "put the right file there, or remove [tls] to use the local authority's";

/// Reads a certificate and its key, and judges them at `now`.
///
/// # Errors
/// A file can't be read, holds something else, does not fit the other one; or the certificate is not good now.
pub fn read(certificate: &Path, key: &Path, now: Wall) -> Result<Pair, BadCertificate> {
    let chain = bytes(CERTIFICATE, certificate)?;
    let secret = bytes(KEY, key)?;
    let pair = Pair::read(&chain, &secret).map_err(|why| {
        let (setting, path) = match why {
            BadPair::NoCertificate | BadPair::Certificate => (CERTIFICATE, certificate),
            BadPair::NoKey | BadPair::Kind | BadPair::Mismatch => (KEY, key),
        };
        bad(setting, path, why.to_string(), CURE_CONTENT)
    })?;
    let facts = pair.facts();
    if facts.expires <= now {
        let why = format!("the certificate expired on {}", facts.expires);
        return Err(bad(CERTIFICATE, certificate, why, CURE_CONTENT));
    }
    if facts.begins > now {
        let why = format!("the certificate is not good before {}", facts.begins);
        return Err(bad(CERTIFICATE, certificate, why, CURE_CONTENT));
    }
    Ok(pair)
}

fn bad(key: &'static str, path: &Path, why: String, cure: &'static str) -> BadCertificate {
    BadCertificate { key, path: path.to_owned(), why, cure }
}

fn bytes(key: &'static str, path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, BadCertificate> {
    let read = || -> io::Result<zeroize::Zeroizing<Vec<u8>>> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a file"));
        }
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| {
        let text = error.to_string();
        bad(key, path, text.split(" (os error").next().unwrap_or(&text).to_lowercase(), CURE_FILE)
    })?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(bad(key, path, "larger than a certificate can be".to_owned(), CURE_CONTENT));
    }
    Ok(bytes)
}
