//! What a client offered in its first message (RFC 8446 section 4.1.2), for the line in the log that says why a
//! handshake failed. Reads a bounded prefix of what came; decides nothing.

use std::fmt::Write as _;

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
const MAX_SUITES: usize = 8;
const SUPPORTED_VERSIONS: u16 = 43;

/// Versions and cipher suites of a ClientHello in words; `None`: it is none, or it was cut before them.
pub(crate) fn offer(bytes: &[u8]) -> Option<String> {
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
    let compressions = hello.byte()?;
    hello.take(compressions)?;
    let mut text = versions(hello, legacy).map(version).collect::<Vec<_>>().join(", ");
    text.push_str("; cipher suites ");
    let mut count = 0_usize;
    while let Some(suite) = suites.number() {
        // Values of the form ?A?A are there to be ignored (RFC 8701); 0x00ff is no suite (RFC 5746).
        if suite & 0x0f0f == 0x0a0a || suite == 0x00ff {
            continue;
        }
        count += 1;
        if count <= MAX_SUITES {
            let comma = if count > 1 { ", " } else { "" };
            // Writing to a String cannot fail.
            let _ = write!(text, "{comma}{}", suite_name(suite));
        }
    }
    if count > MAX_SUITES {
        let _ = write!(text, " and {} more", count - MAX_SUITES);
    }
    Some(text)
}

fn suite_name(suite: u16) -> String {
    match rustls::CipherSuite::from(suite) {
        rustls::CipherSuite::Unknown(number) => format!("0x{number:04x}"),
        known => format!("{known:?}"),
    }
}

/// The versions of the extension, or else the one of the message itself.
fn versions(mut rest: Cursor<'_>, legacy: u16) -> impl Iterator<Item = u16> {
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
    found.retain(|version| version & 0x0f0f != 0x0a0a);
    if found.is_empty() {
        found.push(legacy);
    }
    found.into_iter().take(MAX_SUITES)
}

fn version(number: u16) -> String {
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
        let text = offer(&hello(0x0301, &[0x0a0a, 0x002f, 0x0035, 0x00ff, 0xfefe], &[])).unwrap();
        assert_eq!(
            text,
            "TLS 1.0; cipher suites TLS_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_256_CBC_SHA, 0xfefe"
        );
    }

    #[test]
    fn versions_of_the_extension_go_before_the_one_of_the_message() {
        let extension = [0, 43, 0, 7, 6, 0x1a, 0x1a, 3, 4, 3, 3];
        let text = offer(&hello(0x0303, &[0x1301], &extension)).unwrap();
        assert_eq!(text, "TLS 1.3, TLS 1.2; cipher suites TLS13_AES_128_GCM_SHA256");
    }

    #[test]
    fn what_is_cut_or_strange_is_read_as_far_as_it_goes() {
        let whole = hello(0x0303, &[0x1301, 0xc02f], &[0, 43, 0, 3, 2, 3, 4]);
        for end in 0..whole.len() {
            // Must not panic; what it says of half a message does not matter.
            let _ = offer(&whole[..end]);
        }
        assert_eq!(offer(b"REGISTER sip:x SIP/2.0\r\n"), None);
        let many: Vec<u16> = (0xc000..0xc0f0).collect();
        assert!(offer(&hello(0x0303, &many, &[])).unwrap().contains(" more"));
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
