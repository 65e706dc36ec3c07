//! One's own certificate: good, expired, of another key, unreadable.

use std::path::PathBuf;
use std::time::Duration;

use model::Wall;
use rcgen::{CertificateParams, KeyPair};

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
