//! The phone's half of digest authentication (RFC 7616, RFC 8760), written from the RFC and not from the product.

use md5::{Digest, Md5};
use sha2::Sha256;

/// A challenge as it stood in WWW-Authenticate or Proxy-Authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The protection space.
    pub realm: String,
    /// The server's nonce.
    pub nonce: String,
    /// `MD5` or `SHA-256`.
    pub algorithm: String,
    /// Whether `qop="auth"` is offered.
    pub qop: bool,
    /// The server says that only the nonce was too old.
    pub stale: bool,
}

/// What is answered with.
pub struct Credentials<'a> {
    /// The user name.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
    /// How often this nonce was used, this time included.
    pub count: u32,
    /// The phone's own nonce.
    pub cnonce: &'a str,
}

impl Challenge {
    /// Reads the value of a challenge header.
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim().strip_prefix("Digest ")?;
        let field = |name: &str| {
            parameters(value).into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v)
        };
        Some(Self {
            realm: field("realm")?,
            nonce: field("nonce")?,
            algorithm: field("algorithm").unwrap_or_else(|| "MD5".into()),
            qop: field("qop").is_some_and(|q| q.split(',').any(|q| q.trim() == "auth")),
            stale: field("stale").is_some_and(|s| s.eq_ignore_ascii_case("true")),
        })
    }

    /// The value of the header that answers it.
    pub fn answer(&self, credentials: &Credentials, method: &str, uri: &str) -> String {
        let Credentials { user, password, count, cnonce } = credentials;
        let hash = |text: String| {
            if self.algorithm == "MD5" { hex(&Md5::digest(text)) } else { hex(&Sha256::digest(text)) }
        };
        let secret = hash(format!("{user}:{}:{password}", self.realm));
        let request = hash(format!("{method}:{uri}"));
        let nonce = &self.nonce;
        let (response, tail) = if self.qop {
            let nc = format!("{count:08x}");
            let response = hash(format!("{secret}:{nonce}:{nc}:{cnonce}:auth:{request}"));
            (response, format!(", qop=auth, nc={nc}, cnonce=\"{cnonce}\""))
        } else {
            (hash(format!("{secret}:{nonce}:{request}")), String::new())
        };
        format!(
            "Digest username=\"{user}\", realm=\"{}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={}{tail}",
            self.realm, self.algorithm
        )
    }
}

/// `name=value` and `name="value"`, separated by commas; commas inside quotes don't separate.
fn parameters(text: &str) -> Vec<(String, String)> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    for character in text.chars() {
        quoted ^= character == '"';
        match character {
            ',' if !quoted => parts.push(String::new()),
            other => parts.last_mut().expect("never empty").push(other),
        }
    }
    let pair = |part: String| {
        let (name, value) = part.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
    };
    parts.into_iter().filter_map(pair).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7616_section_3_9_1_gives_its_responses() {
        let answer = |algorithm: &str| {
            let challenge = Challenge {
                realm: "http-auth@example.org".into(),
                nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v".into(),
                algorithm: algorithm.into(),
                qop: true,
                stale: false,
            };
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let mufasa = Credentials { user: "Mufasa", password: "Circle of Life", count: 1, cnonce };
            challenge.answer(&mufasa, "GET", "/dir/index.html")
        };
        assert!(answer("MD5").contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""));
        let long = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert!(answer("SHA-256").contains(long));
    }

    #[test]
    fn a_comma_inside_quotes_does_not_end_a_parameter() {
        let challenge =
            Challenge::parse("Digest realm=\"a, b\", nonce=\"n\", qop=\"auth,auth-int\", stale=TRUE")
                .unwrap();
        assert_eq!((challenge.realm.as_str(), challenge.qop, challenge.stale), ("a, b", true, true));
    }
}
