//! What a certificate says of itself: for whom it is, from whom, and for how long.

use std::collections::BTreeSet;
use std::net::IpAddr;

use model::Wall;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What is read of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whom it was issued to, as in `CN=pbx.example.test`.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// From when on it is good.
    pub begins: Wall,
    /// Until when.
    pub expires: Wall,
    /// DNS names it covers, lower case.
    pub dns: BTreeSet<String>,
    /// Addresses it covers.
    pub addresses: BTreeSet<IpAddr>,
}

impl Facts {
    /// Reads a certificate (DER); `None`: it is none.
    pub fn of(der: &[u8]) -> Option<Facts> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let wall = |seconds: i64| Wall::from_millis(seconds.saturating_mul(1_000));
        let mut facts = Facts {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            begins: wall(certificate.validity().not_before.timestamp()),
            expires: wall(certificate.validity().not_after.timestamp()),
            dns: BTreeSet::new(),
            addresses: BTreeSet::new(),
        };
        let named = certificate.subject_alternative_name().ok().flatten();
        for name in named.into_iter().flat_map(|extension| &extension.value.general_names) {
            match name {
                GeneralName::DNSName(name) => drop(facts.dns.insert(name.to_ascii_lowercase())),
                GeneralName::IPAddress(bytes) => facts.addresses.extend(address(bytes)),
                _ => {}
            }
        }
        Some(facts)
    }

    /// Whether it covers a name or an address of ours; a `*` stands for one label (RFC 9525 section 6.3).
    pub fn covers(&self, name: &str) -> bool {
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return self.addresses.contains(&address.to_canonical());
        }
        let name = bare.trim_end_matches('.').to_ascii_lowercase();
        let parent = name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        self.dns.contains(&name) || parent.is_some_and(|wildcard| self.dns.contains(&wildcard))
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}
