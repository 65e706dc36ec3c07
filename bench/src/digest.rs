//! Digest answers (RFC 7616, MD5, qop=auth) by somebody in a hurry: the secret's hash is computed once per phone.

use md5::{Digest, Md5};

/// As long as the right one, so that what is said and hashed is as much.
pub const WRONG_PASSWORD: &str = "gWq8-vTzR-31xK-ppLm-Zk4x";

/// A phone's account.
pub struct Account {
    /// The SIP user name, which is the extension's number.
    pub user: String,
    password: &'static str,
    secret: Option<(Vec<u8>, String)>,
    used: u32,
}

/// All accounts of a load have this password: a server must hash them apart anyway.
pub const PASSWORD: &str = "gWq8-vTzR-31xK-ppLm-Zk4w";

impl Account {
    /// The account of this number.
    pub fn new(user: String) -> Self {
        Self::with(user, PASSWORD)
    }

    /// The account of this number, with a password that may be wrong.
    pub fn with(user: String, password: &'static str) -> Self {
        Self { user, password, secret: None, used: 0 }
    }

    /// The credentials that answer a challenge header's value, or none if it can't be read.
    pub fn answer(&mut self, challenge: &[u8], method: &str, uri: &str) -> Option<String> {
        let realm = parameter(challenge, b"realm=\"")?;
        let nonce = String::from_utf8_lossy(parameter(challenge, b"nonce=\"")?);
        if self.secret.as_ref().is_none_or(|(of, _)| of != realm) {
            let realm_text = String::from_utf8_lossy(realm);
            let secret = hex(&format!("{}:{realm_text}:{}", self.user, self.password));
            self.secret = Some((realm.to_vec(), secret));
        }
        let (realm, secret) = self.secret.as_ref()?;
        self.used += 1;
        let cnonce = format!("{:08x}", self.used);
        let request = hex(&format!("{method}:{uri}"));
        let response = hex(&format!("{secret}:{nonce}:00000001:{cnonce}:auth:{request}"));
        let (user, realm) = (&self.user, String::from_utf8_lossy(realm));
        Some(format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm=MD5, qop=auth, nc=00000001, cnonce=\"{cnonce}\""
        ))
    }
}

fn parameter<'a>(challenge: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = memchr::memmem::find(challenge, name)? + name.len();
    let rest = &challenge[start..];
    Some(&rest[..memchr::memchr(b'"', rest)?])
}

fn hex(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = String::with_capacity(32);
    for byte in Md5::digest(text) {
        hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
        hex.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    hex
}
