//! One's own certificate: good, expired, of another key, unreadable.

use std::path::PathBuf;
use std::time::Duration;

use model::Wall;
use rcgen::{CertificateParams, KeyPair};

use super::brought::{self, Field};
use super::own;

const NOW: Wall = Wall::from_millis(1_790_000_000_000);

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("ringwall-own-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn made(name: &str) -> (String, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_millis(1_780_000_000_000);
    params.not_after = epoch + Duration::from_millis(1_800_000_000_000);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn a_good_certificate_is_taken_with_what_it_covers() {
    let folder = Folder::new("good");
    let (certificate, key) = made("*.example.test");
    let (certificate, key) = (folder.write("crt", &certificate), folder.write("key", &key));
    let pair = own::read(&certificate, &key, NOW).unwrap();
    assert!(pair.facts().covers("PBX.example.test.") && !pair.facts().covers("a.b.example.test"));
    assert!(pair.text().is_none(), "an administrator's key is kept by who made it");
}

#[test]
fn each_way_to_be_bad_names_file_fault_and_cure() {
    let folder = Folder::new("bad");
    let (certificate, key) = made("pbx.example.test");
    let (_, other_key) = made("pbx.example.test");
    let (crt, key) = (folder.write("crt", &certificate), folder.write("key", &key));
    let other = folder.write("other", &other_key);
    let noise = folder.write("noise", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    let large = folder.write("large", &"x".repeat((1 << 20) + 1));
    let late = Wall::from_millis(1_800_000_000_000);
    let early = Wall::from_millis(1_779_999_999_000);
    for (crt, key, now, words) in [
        (&crt, &other, NOW, ["tls.key", "other", "does not belong to the certificate"]),
        (&crt, &crt, NOW, ["tls.key", "crt", "no private key"]),
        (&key, &key, NOW, ["tls.certificate", "key", "no certificate"]),
        (&noise, &key, NOW, ["tls.certificate", "noise", "can't be read"]),
        (&large, &key, NOW, ["tls.certificate", "large", "larger"]),
        (&folder.0.join("none"), &key, NOW, ["tls.certificate", "none", "no such file"]),
        (&folder.0, &key, NOW, ["tls.certificate", "bad", "not a file"]),
        (&crt, &key, late, ["tls.certificate", "crt", "expired on 2027-01-15"]),
        (&crt, &key, early, ["tls.certificate", "crt", "not good before"]),
    ] {
        let line = own::read(crt, key, now).unwrap_err().to_string();
        assert!(words.iter().all(|word| line.contains(word)), "{words:?}: {line}");
        assert!(line.contains("; ") && !line.contains('\n'), "{line}");
    }
}

/// A small authority and a certificate of it.
fn issued(name: &str) -> (String, String, String) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Authority");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    params.not_before = epoch + Duration::from_millis(1_780_000_000_000);
    let secret = KeyPair::generate().unwrap();
    let authority = params.self_signed(&secret).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, secret);
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = epoch + Duration::from_millis(1_780_000_000_000);
    params.not_after = epoch + Duration::from_millis(1_800_000_000_000);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, &issuer).unwrap().pem(), authority, key.serialize_pem())
}

#[test]
fn what_is_brought_is_taken_with_its_chain_whatever_stands_around_it() {
    let (leaf, authority, key) = issued("pbx.example.test");
    let chain = format!("Bag Attributes\r\n  friendlyName: pbx\r\n{leaf}\r\nsubject=Authority\n{authority}");
    let key = format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{key}");
    let pair = brought::judge(&chain, &key, NOW).expect("is good");
    assert!(pair.facts().covers("pbx.example.test"));
    let kept = super::Pair::restore(pair.text().expect("a text to keep")).expect("is read back");
    assert_eq!(kept.fingerprint(), pair.fingerprint());
    assert_eq!(kept.certified().cert.len(), 2);
}

#[test]
fn each_way_to_bring_a_bad_certificate_is_told_with_field_line_and_cure() {
    use Field::{Certificate, Key};
    let (leaf, authority, key) = issued("pbx.example.test");
    let (own, other_key) = made("pbx.example.test");
    let cut: String = leaf.lines().take(4).map(|line| format!("{line}\n")).collect();
    let noise = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n".to_owned();
    let locked =
        "\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n".to_owned();
    let old =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIB\n-----END RSA PRIVATE KEY-----\n";
    let second = leaf.lines().count() + 1;
    let turned = format!("{authority}{leaf}");
    let late = Wall::from_millis(1_800_000_000_000);
    let early = Wall::from_millis(1_779_999_999_000);
    for (chain, key, now, field, line, word) in [
        (String::new(), key.clone(), NOW, Certificate, 1, "no certificate"),
        ("hello".to_owned(), key.clone(), NOW, Certificate, 1, "no certificate"),
        (format!("{leaf}{key}"), key.clone(), NOW, Certificate, second, "private key stands among"),
        (cut, key.clone(), NOW, Certificate, 1, "can't be read"),
        (format!("\n\n{noise}"), key.clone(), NOW, Certificate, 3, "can't be read"),
        (format!("{leaf}{noise}"), key.clone(), NOW, Certificate, second, "can't be read"),
        (format!("{leaf}{own}"), key.clone(), NOW, Certificate, second, "CN=Authority, who issued"),
        (turned, key.clone(), NOW, Certificate, authority.lines().count() + 1, "who issued"),
        (leaf.repeat(11), key.clone(), NOW, Certificate, 1, "more than 10"),
        ("x".repeat(brought::MAX_PEM + 1), key.clone(), NOW, Certificate, 1, "more than"),
        (leaf.clone(), key.clone(), late, Certificate, 1, "expired on 2027-01-15"),
        (leaf.clone(), key.clone(), early, Certificate, 1, "not good before"),
        (leaf.clone(), String::new(), NOW, Key, 1, "no private key"),
        (leaf.clone(), leaf.clone(), NOW, Key, 1, "no private key"),
        (leaf.clone(), locked, NOW, Key, 2, "has a password"),
        (leaf.clone(), old.to_owned(), NOW, Key, 1, "has a password"),
        (leaf.clone(), key.replace("-----END", "-----FIN"), NOW, Key, 1, "can't be read"),
        (leaf.clone(), other_key, NOW, Key, 1, "does not belong"),
    ] {
        let flaws = brought::judge(&chain, &key, now).expect_err(word);
        let found = flaws.iter().find(|flaw| flaw.what.contains(word));
        let found = found.unwrap_or_else(|| panic!("{word}: {flaws:?}"));
        assert_eq!((found.field, found.line), (field, line), "{word}: {flaws:?}");
        assert!(!found.cure.is_empty() && !format!("{flaws:?}").contains("MII"), "{flaws:?}");
    }
}
