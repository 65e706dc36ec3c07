//! The local authority and the certificates that it issues (SPEC R3.2).
//!
//! One authority, ECDSA P-256, that phones are told to trust; of its certificates one has an RSA key, for phones that
//! know nothing else, and one an ECDSA key, which is thirty times cheaper to sign with. Keys never leave this
//! process but sealed.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Secret, Wall};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize, SanType,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::{Names, Pair};

const DAY: Duration = Duration::from_secs(86_400);
/// How long the authority is good: as long as a phone is used; each of them must be told to trust the next one.
const AUTHORITY_LASTS: Duration = Duration::from_secs(3_652 * 86_400);
/// How long a certificate is good: the most that browsers and phones take from a private authority (825 days).
pub const LASTS: Duration = Duration::from_secs(824 * 86_400);
/// How long before its end a certificate is made anew.
pub const RENEWED_BEFORE: Duration = Duration::from_secs(30 * 86_400);
/// Certificates begin a day ago, for phones whose clock is behind.
const BEGINS_BEFORE: Duration = DAY;
/// Longest common name (RFC 5280 appendix A.1, ub-common-name).
const MAX_COMMON_NAME: usize = 64;
const AUTHORITY: &str = "authority";
const RSA: &str = "rsa";
const ECDSA: &str = "ecdsa";

/// The local authority and its two certificates.
#[derive(Clone, Debug)]
pub struct Local {
    authority: Pair,
    ecdsa: Pair,
    rsa: Pair,
}

/// Making a certificate failed: no random bytes, or a name that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("the local certificates can't be made: {0}")]
pub struct Unmade(String);

impl From<rcgen::Error> for Unmade {
    fn from(error: rcgen::Error) -> Unmade {
        Unmade(error.to_string())
    }
}

impl From<super::BadPair> for Unmade {
    fn from(error: super::BadPair) -> Unmade {
        Unmade(error.to_string())
    }
}

impl Local {
    /// A new authority and its certificates. Takes a moment (an RSA key): not on a thread that serves.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn make(names: &Names, now: Wall) -> Result<Local, Unmade> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        let organisation = names.subject.get(..MAX_COMMON_NAME).unwrap_or(&names.subject);
        params.distinguished_name = authority_name(organisation, &key);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = authority_usages();
        lasts(&mut params, now, AUTHORITY_LASTS);
        let certificate = params.self_signed(&key)?;
        let authority = pair(&certificate.pem(), &key)?;
        Local::issue(authority, names, now)
    }

    fn issue(authority: Pair, names: &Names, now: Wall) -> Result<Local, Unmade> {
        let text = authority.text().ok_or_else(|| Unmade("the authority has no key".to_owned()))?;
        let key =
            PrivateKeyDer::from_pem_slice(text.expose().as_bytes()).map_err(|_| super::BadPair::NoKey)?;
        let key = KeyPair::try_from(&key)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = read_name(&authority.facts().subject);
        params.key_usages = authority_usages();
        let issuer = Issuer::new(params, key);
        let left = authority.facts().expires.saturating_since(now).min(LASTS);
        let ecdsa = leaf(names, now, left, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?, &issuer)?;
        let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let rsa = leaf(names, now, left, rsa, &issuer)?;
        Ok(Local { authority, ecdsa, rsa })
    }

    /// What was kept; `None`: nothing, or not all of it, so that it is made anew.
    ///
    /// # Errors
    /// Something kept can't be read: the database was changed by another hand.
    pub fn restore(texts: &BTreeMap<String, Secret>) -> Result<Option<Local>, super::BadPair> {
        let read = |name| texts.get(name).map(Pair::restore).transpose();
        let (authority, ecdsa, rsa) = (read(AUTHORITY)?, read(ECDSA)?, read(RSA)?);
        Ok(authority.zip(ecdsa).zip(rsa).map(|((authority, ecdsa), rsa)| Local { authority, ecdsa, rsa }))
    }

    /// What is to be kept, sealed: names and texts.
    pub fn texts(&self) -> BTreeMap<String, Secret> {
        [(AUTHORITY, &self.authority), (ECDSA, &self.ecdsa), (RSA, &self.rsa)]
            .into_iter()
            .filter_map(|(name, pair)| Some((name.to_owned(), pair.text()?.clone())))
            .collect()
    }

    /// New certificates, if these end soon or don't cover a name; also a new authority, if that one ends soon.
    ///
    /// # Errors
    /// As [`Local::make`].
    pub fn renewed(&self, names: &Names, now: Wall) -> Result<Option<Local>, Unmade> {
        let ends = |pair: &Pair| pair.facts().expires.saturating_since(now) < RENEWED_BEFORE;
        if ends(&self.authority) {
            return Local::make(names, now).map(Some);
        }
        let stays = |pair: &Pair| {
            let facts = pair.facts();
            !ends(pair) && names.dns.is_subset(&facts.dns) && names.addresses.is_subset(&facts.addresses)
        };
        if stays(&self.ecdsa) && stays(&self.rsa) {
            return Ok(None);
        }
        Local::issue(self.authority.clone(), names, now).map(Some)
    }

    /// The authority's certificate, which phones are told to trust.
    pub fn authority(&self) -> &Pair {
        &self.authority
    }

    /// The certificates that are shown, the preferred one first.
    pub fn leaves(&self) -> [Pair; 2] {
        [self.ecdsa.clone(), self.rsa.clone()]
    }
}

fn authority_usages() -> Vec<KeyUsagePurpose> {
    vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign]
}

/// `CN=Ringwall authority 3f2a9c41 of pbx.example.test`: two servers' authorities are told apart in a phone's list.
fn authority_name(organisation: &str, key: &KeyPair) -> DistinguishedName {
    let tail = key.public_key_raw().iter().rev().take(4);
    let mark: String = tail.map(|byte| format!("{byte:02x}")).collect();
    common_name(&format!("Ringwall authority {mark} of {organisation}"))
}

fn common_name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    let cut: String = text.chars().filter(char::is_ascii).take(MAX_COMMON_NAME).collect();
    name.push(DnType::CommonName, cut);
    name
}

/// The name that [`common_name`] made, from how a certificate shows it.
fn read_name(shown: &str) -> DistinguishedName {
    common_name(shown.strip_prefix("CN=").unwrap_or(shown))
}

fn leaf(
    names: &Names,
    now: Wall,
    good_for: Duration,
    key: KeyPair,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<Pair, Unmade> {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&names.subject);
    for name in &names.dns {
        params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into()?));
    }
    params.subject_alt_names.extend(names.addresses.iter().copied().map(SanType::IpAddress));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    lasts(&mut params, now, good_for);
    let certificate = params.signed_by(&key, issuer)?;
    pair(&certificate.pem(), &key)
}

fn lasts(params: &mut CertificateParams, now: Wall, good_for: Duration) {
    let since_epoch = now.saturating_since(Wall::from_millis(0));
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_epoch.saturating_sub(BEGINS_BEFORE);
    params.not_after = epoch + since_epoch.saturating_add(good_for);
}

fn pair(certificate: &str, key: &KeyPair) -> Result<Pair, Unmade> {
    let text = Secret::new(format!("{certificate}{}", key.serialize_pem()));
    Ok(Pair::restore(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Wall = Wall::from_millis(1_790_000_000_000);

    fn names() -> Names {
        let mut names = Names { subject: "pbx.example.test".into(), ..Names::default() };
        names.add("pbx.example.test");
        names.add("192.0.2.7");
        names
    }

    #[test]
    fn certificates_cover_every_name_and_last_no_longer_than_phones_take() {
        let local = Local::make(&names(), NOW).unwrap();
        for leaf in local.leaves() {
            let facts = leaf.facts();
            assert!(facts.covers("pbx.example.test") && facts.covers("192.0.2.7"), "{facts:?}");
            assert!(!facts.covers("other.example.test"));
            let lasts = facts.expires.saturating_since(facts.begins);
            assert!(lasts <= Duration::from_secs(825 * 86_400), "{lasts:?}");
            assert_eq!(facts.issuer, local.authority().facts().subject);
        }
        assert!(local.authority().facts().expires.saturating_since(NOW) > 3_650 * DAY);
    }

    #[test]
    fn what_was_kept_is_the_same_and_is_renewed_for_a_new_name_or_near_its_end() {
        let local = Local::make(&names(), NOW).unwrap();
        let back = Local::restore(&local.texts()).unwrap().unwrap();
        assert_eq!(back.authority().certificate(), local.authority().certificate());
        assert!(back.renewed(&names(), NOW).unwrap().is_none());

        let mut more = names();
        more.add("voice.example.test");
        let renewed = back.renewed(&more, NOW).unwrap().unwrap();
        assert!(renewed.leaves().iter().all(|leaf| leaf.facts().covers("voice.example.test")));
        assert_eq!(renewed.authority().certificate(), local.authority().certificate());
        assert!(renewed.renewed(&names(), NOW).unwrap().is_none(), "one name less is no reason");

        let later = NOW.after(LASTS - 20 * DAY);
        let renewed = back.renewed(&names(), later).unwrap().unwrap();
        assert!(renewed.leaves()[0].facts().expires.saturating_since(later) > 800 * DAY);
    }

    #[test]
    fn no_certificate_outlives_its_authority_and_the_authority_is_made_anew() {
        let local = Local::make(&names(), NOW).unwrap();
        let late = NOW.after(AUTHORITY_LASTS - 100 * DAY);
        let renewed = local.renewed(&names(), late).unwrap().unwrap();
        assert_eq!(renewed.leaves()[1].facts().expires, local.authority().facts().expires);
        let last = NOW.after(AUTHORITY_LASTS - 10 * DAY);
        let anew = local.renewed(&names(), last).unwrap().unwrap();
        assert_ne!(anew.authority().certificate(), local.authority().certificate());
    }
}
