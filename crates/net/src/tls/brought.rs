//! A certificate and its key as an administrator brings them, in PEM form: judged whole, each flaw with its field, line
//! and cure. Not here: files that the settings name (`own`), where it is kept.

use model::{Secret, Wall};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::{BadPair, Facts, Pair};

/// Largest certificate and largest key, in bytes: a chain of ten is some 20 kB.
pub const MAX_PEM: usize = 64 * 1_024;
/// Certificates in one chain: an authority has one or two between itself and us.
const MAX_CHAIN: usize = 10;

/// The two texts that are brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The certificate, then those between it and its authority.
    Certificate,
    /// Its private key.
    Key,
}

/// What is wrong with one of them. Never holds a piece of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// In which text.
    pub field: Field,
    /// In which line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub cure: &'static str,
}

/// A part of a PEM text (RFC 7468 section 2), with the line that it begins at.
struct Part {
    label: String,
    line: usize,
    text: Zeroizing<String>,
    ended: bool,
}

/// Reads and judges both at `now`; what is good is one text, which [`Pair::restore`] reads.
///
/// # Errors
/// Each flaw.
pub fn judge(certificate: &str, key: &str, now: Wall) -> Result<Pair, Vec<Flaw>> {
    let mut flaws = Vec::new();
    let chain = chain(certificate, now, &mut flaws);
    let secret = secret(key, &mut flaws);
    let (Some(chain), Some(secret)) = (chain, secret) else { return Err(flaws) };
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let mut text = Zeroizing::new(String::new());
    for part in chain.iter().chain([&secret]) {
        text.push_str(&part.text);
    }
    Pair::restore(&Secret::new(text.to_string())).map_err(|why| {
        let cure = match why {
            BadPair::Mismatch => "bring the key that the certificate was asked for with",
            _ => "bring a certificate with an RSA or ECDSA key",
        };
        vec![Flaw { field: Field::Key, line: secret.line, what: why.to_string(), cure }]
    })
}

fn chain(text: &str, now: Wall, flaws: &mut Vec<Flaw>) -> Option<Vec<Part>> {
    let mut flaw = |line: usize, what: String, cure: &'static str| {
        flaws.push(Flaw { field: Field::Certificate, line, what, cure });
    };
    if text.len() > MAX_PEM {
        flaw(
            1,
            format!("it has more than {MAX_PEM} bytes"),
            "bring the certificate and those above it alone",
        );
        return None;
    }
    let parts = parts(text);
    if let Some(secret) = parts.iter().find(|part| part.label.ends_with("PRIVATE KEY")) {
        flaw(
            secret.line,
            "a private key stands among the certificates".to_owned(),
            "put it into the other field",
        );
        return None;
    }
    let chain: Vec<Part> = parts.into_iter().filter(|part| part.label == "CERTIFICATE").collect();
    let Some(first) = chain.first() else {
        let cure = "bring the text that begins with -----BEGIN CERTIFICATE----- (openssl x509 -inform der makes it of a DER file)";
        flaw(1, "it holds no certificate in PEM form".to_owned(), cure);
        return None;
    };
    if chain.len() > MAX_CHAIN {
        flaw(first.line, format!("it holds more than {MAX_CHAIN} certificates"), "leave out those of others");
        return None;
    }
    let mut issued_by: Option<String> = None;
    for part in &chain {
        let read = CertificateDer::from_pem_slice(part.text.as_bytes()).ok().filter(|_| part.ended);
        let Some(facts) = read.and_then(|der| Facts::of(&der)) else {
            flaw(
                part.line,
                "the certificate that begins here can't be read".to_owned(),
                "bring the whole of it, from its BEGIN line to its END line",
            );
            return None;
        };
        if let Some(issuer) = issued_by.filter(|issuer| *issuer != facts.subject) {
            let what =
                format!("here should be {issuer}, who issued the one before, and is {}", facts.subject);
            flaw(part.line, what, "bring the server's certificate first, then who issued it, and so on");
        }
        if facts.expires <= now {
            flaw(
                part.line,
                format!("the certificate expired on {}", facts.expires),
                "bring one that is good",
            );
        }
        if facts.begins > now {
            let what = format!("the certificate is not good before {}", facts.begins);
            flaw(part.line, what, "bring one that is good now, or look at the clock of this machine");
        }
        issued_by = Some(facts.issuer);
    }
    Some(chain)
}

fn secret(text: &str, flaws: &mut Vec<Flaw>) -> Option<Part> {
    let mut flaw = |line: usize, what: &str, cure: &'static str| {
        flaws.push(Flaw { field: Field::Key, line, what: what.to_owned(), cure });
        None
    };
    if text.len() > MAX_PEM {
        return flaw(1, "it is larger than a key can be", "bring the private key alone");
    }
    // Before an ECDSA key stand its parameters, as openssl writes them.
    let Some(part) = parts(text).into_iter().find(|part| part.label.ends_with("PRIVATE KEY")) else {
        let cure = "bring the text that begins with -----BEGIN PRIVATE KEY----- (openssl pkey makes it of other forms)";
        return flaw(1, "it holds no private key in PEM form", cure);
    };
    if part.label.starts_with("ENCRYPTED") || part.text.contains("ENCRYPTED") {
        let cure =
            "take the password off (openssl pkey -in key.pem -out plain.pem); it is sealed once it is here";
        return flaw(part.line, "the key has a password", cure);
    }
    if !part.ended || PrivateKeyDer::from_pem_slice(part.text.as_bytes()).is_err() {
        let cure = "bring the whole of it, from its BEGIN line to its END line";
        return flaw(part.line, "the key that begins here can't be read", cure);
    }
    Some(part)
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let mark = |word: &str| line.strip_prefix(word).and_then(|rest| rest.strip_suffix("-----"));
        if let Some(label) = mark("-----BEGIN ") {
            let text = Zeroizing::new(String::new());
            parts.push(Part { label: label.to_owned(), line: at.saturating_add(1), text, ended: false });
            inside = true;
        }
        let Some(part) = parts.last_mut().filter(|_| inside) else { continue };
        part.text.push_str(line);
        part.text.push('\n');
        if mark("-----END ").is_some_and(|label| label == part.label) {
            part.ended = true;
            inside = false;
        }
    }
    parts
}
