//! What a client offered in its first message (RFC 8446 section 4.1.2), for the line in the log that says why a
//! handshake failed. Reads a bounded prefix of what came; decides nothing.

use std::fmt;

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A TLS handshake, or too little to tell.
    Tls,
    /// SIP without TLS.
    PlainSip,
    /// Something else.
    Other,
}

impl Kind {
    pub(crate) fn of(bytes: &[u8]) -> Kind {
        match bytes.first() {
            None | Some(0x16) => Kind::Tls,
            // A method's letter, or the empty line that keeps a connection alive.
            Some(first) if first.is_ascii_uppercase() || *first == b'\r' => Kind::PlainSip,
            Some(_) => Kind::Other,
        }
    }
}

/// Cipher suites named at most: what follows only makes the line longer.
const MAX_SUITES: usize = 5;
/// Versions named at most: there are five.
const MAX_VERSIONS: usize = 5;
const SUPPORTED_VERSIONS: u16 = 43;

/// What a ClientHello offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    versions: Vec<u16>,
    suites: Vec<u16>,
}

impl Offer {
    /// Reads a ClientHello; `None`: it is none, or it was cut before its suites.
    pub(crate) fn read(bytes: &[u8]) -> Option<Offer> {
        let mut hello = Cursor(bytes);
        // Record: type, version, length. Message: type, length.
        if hello.take(5)?.first() != Some(&0x16) || hello.take(4)?.first() != Some(&1) {
            return None;
        }
        let legacy = hello.number()?;
        hello.take(32)?;
        let session = hello.byte()?;
        hello.take(session)?;
        let length = usize::from(hello.number()?);
        let mut suites = Cursor(hello.take(length)?);
        let suites = std::iter::from_fn(|| suites.number()).filter(|suite| is_meant(*suite)).collect();
        let compressions = hello.byte()?;
        hello.take(compressions)?;
        Some(Offer { versions: versions(hello, legacy), suites })
    }

    /// Whether a version is among them that is taken here.
    pub(crate) fn has_version(&self) -> bool {
        self.versions.iter().any(|version| matches!(version, 0x0303 | 0x0304))
    }

    /// Whether a cipher suite is among them that is taken here.
    pub(crate) fn has_suite(&self) -> bool {
        let taken = rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;
        self.suites.iter().any(|suite| taken.iter().any(|known| u16::from(known.suite()) == *suite))
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<String> = self.versions.iter().map(|version| version_name(*version)).collect();
        let suites: Vec<String> =
            self.suites.iter().take(MAX_SUITES).map(|suite| suite_name(*suite)).collect();
        write!(f, "{} with {}", versions.join(", "), suites.join(", "))?;
        match self.suites.len().saturating_sub(MAX_SUITES) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Values of the form ?A?A are there to be ignored (RFC 8701); 0x00ff is no suite (RFC 5746).
fn is_meant(value: u16) -> bool {
    value & 0x0f0f != 0x0a0a && value != 0x00ff
}

/// Suites of old phones that the library has no names for (IANA TLS Cipher Suites).
const OLD_SUITES: &[(u16, &str)] = &[
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
];

fn suite_name(suite: u16) -> String {
    if let Some((_, name)) = OLD_SUITES.iter().find(|(number, _)| *number == suite) {
        return (*name).to_owned();
    }
    let name = format!("{:?}", rustls::CipherSuite::from(suite));
    if name.contains('(') { format!("0x{suite:04x}") } else { name }
}

/// The versions of the extension, or else the one of the message itself.
fn versions(mut rest: Cursor<'_>, legacy: u16) -> Vec<u16> {
    let mut found = Vec::new();
    rest.number();
    while let (Some(kind), Some(length)) = (rest.number(), rest.number()) {
        let Some(body) = rest.take(usize::from(length)) else { break };
        if kind == SUPPORTED_VERSIONS {
            let mut body = Cursor(body);
            body.byte();
            while let Some(version) = body.number() {
                found.push(version);
            }
        }
    }
    found.retain(|version| is_meant(*version));
    found.truncate(MAX_VERSIONS);
    if found.is_empty() {
        found.push(legacy);
    }
    found
}

fn version_name(number: u16) -> String {
    match number {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        other => format!("version 0x{other:04x}"),
    }
}

/// Reads forward, and never beyond the end.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<usize> {
        self.take(1)?.first().copied().map(usize::from)
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        <[u8; 2]>::try_from(bytes).ok().map(u16::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(legacy: u16, suites: &[u16], extensions: &[u8]) -> Vec<u8> {
        let mut body = legacy.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.push(0);
        body.extend(u16::try_from(suites.len() * 2).unwrap().to_be_bytes());
        body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
        body.extend([1, 0]);
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        let mut bytes = vec![0x16, 3, 1, 0, 0, 1];
        bytes.extend(&length[1..]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn an_old_phones_offer_is_named_and_grease_is_not() {
        let offer = Offer::read(&hello(0x0301, &[0x0a0a, 0x002f, 0x0035, 0x00ff, 0xfefe], &[])).unwrap();
        assert_eq!(
            offer.to_string(),
            "TLS 1.0 with TLS_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_256_CBC_SHA, 0xfefe"
        );
        assert!(!offer.has_version() && !offer.has_suite());
    }

    #[test]
    fn versions_of_the_extension_go_before_the_one_of_the_message() {
        let extension = [0, 43, 0, 7, 6, 0x1a, 0x1a, 3, 4, 3, 3];
        let offer = Offer::read(&hello(0x0301, &[0x1301], &extension)).unwrap();
        assert_eq!(offer.to_string(), "TLS 1.3, TLS 1.2 with TLS13_AES_128_GCM_SHA256");
        assert!(offer.has_version() && offer.has_suite());
    }

    #[test]
    fn what_is_cut_or_strange_is_read_as_far_as_it_goes() {
        let whole = hello(0x0303, &[0x1301, 0xc02f], &[0, 43, 0, 3, 2, 3, 4]);
        for end in 0..whole.len() {
            // Must not panic; what it says of half a message does not matter.
            let _ = Offer::read(&whole[..end]).map(|offer| offer.to_string());
        }
        assert_eq!(Offer::read(b"REGISTER sip:x SIP/2.0\r\n"), None);
        let many: Vec<u16> = (0xc000..0xc0f0).collect();
        assert!(Offer::read(&hello(0x0303, &many, &[])).unwrap().to_string().ends_with(" more"));
    }

    #[test]
    fn plain_sip_and_noise_are_told_from_tls() {
        assert_eq!(Kind::of(b"\x16\x03\x01"), Kind::Tls);
        assert_eq!(Kind::of(b""), Kind::Tls);
        assert_eq!(Kind::of(b"OPTIONS sip:a SIP/2.0"), Kind::PlainSip);
        assert_eq!(Kind::of(b"\r\n\r\n"), Kind::PlainSip);
        assert_eq!(Kind::of(b"\x00\x01"), Kind::Other);
    }
}
