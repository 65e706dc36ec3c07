//! A certificate that is uploaded: in force at once at both doors, kept sealed, back with its revision, refused whole.

use super::common::admin;
use blackbox::https::{Answer, Browser, Web, open_console};
use blackbox::{Office, Pbx};
use serde_json::json;
use std::io::Write;
use std::net::{IpAddr, SocketAddrV4};
use std::process::{Command, Stdio};

/// An authority of a test's own.
struct Authority {
    pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Office authority");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        let key = rcgen::KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("an authority").pem();
        Authority { pem, issuer: rcgen::Issuer::new(params, key) }
    }

    /// A certificate called so, for this address, and its key.
    fn issue(&self, called: &str, address: IpAddr) -> (String, String) {
        let mut params = rcgen::CertificateParams::new(vec![address.to_string()]).expect("an address");
        params.distinguished_name.push(rcgen::DnType::CommonName, called);
        let key = rcgen::KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("a certificate").pem(), key.serialize_pem())
    }
}

fn bring(browser: &Browser, certificate: &str, key: &str) -> Answer {
    browser.ask("POST /api/v1/certificates", &json!({ "certificate": certificate, "key": key }).to_string())
}

/// Whom the certificate that is shown there was issued to.
fn shown(at: SocketAddrV4) -> String {
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &at.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    client.stdin.take().expect("piped").write_all(b"Q\n").expect("written");
    let said = client.wait_with_output().expect("its end").stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let subject = said.lines().find(|line| line.starts_with("subject=")).unwrap_or_default();
    subject.rsplit("CN").next().unwrap_or_default().trim_matches([' ', '=']).to_owned()
}

/// A server whose machine trusts the authority; where its console and its SIP over TLS are.
fn server(authority: &Authority) -> (Pbx, SocketAddrV4, SocketAddrV4) {
    let mut pbx = Pbx::prepare(Office::of(101, 1));
    let console = open_console(&mut pbx);
    let sip = pbx.sip;
    let tls = SocketAddrV4::new(*sip.ip(), 5061);
    pbx.reconfigure(|office| {
        office.listen = office.listen.replace("sip_tls = []", &format!("sip_tls = [\"{tls}\"]"))
    });
    let file = pbx.place.write("authorities.pem", &authority.pem).display().to_string();
    pbx.next_under(&["env", &format!("SSL_CERT_FILE={file}")]);
    pbx.launch();
    (pbx, console, tls)
}

#[test]
fn an_uploaded_certificate_is_shown_at_every_door_survives_a_restart_and_goes_back_with_its_revision() {
    let authority = Authority::new();
    let (mut pbx, console, tls) = server(&authority);
    let address = IpAddr::V4(*console.ip());
    let local = shown(console);
    let inside = admin(&Web::of(&pbx, console));
    let before = inside.ask("GET /api/v1/status", "");
    assert_eq!(
        before.header("strict-transport-security"),
        None,
        "nobody is told to insist on the local authority's"
    );

    let (certificate, key) = authority.issue("first", address);
    let made = bring(&inside, &certificate, &key);
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json()["object"]["local"], false);
    assert!(made.json()["notes"].as_array().is_some_and(Vec::is_empty), "{made:?}");
    let first = made.json()["revision"].as_u64().expect("a revision");
    assert_eq!((shown(console), shown(tls)), ("first".into(), "first".into()));

    let inside = admin(&Web::trusting(console, &authority.pem));
    let after = inside.ask("GET /api/v1/status", "");
    assert!(after.header("strict-transport-security").is_some(), "browsers may insist on it: {after:?}");
    let exported = pbx.run(&["export", "--with-secrets"]).done();
    assert!(exported.contains("uploaded = \"") && !exported.contains("PRIVATE"), "{exported}");
    let kept = std::fs::read(pbx.data().join("ringwall.db")).expect("the database");
    assert!(!String::from_utf8_lossy(&kept).contains("PRIVATE KEY"), "a key in clear on the disk");
    let logs = pbx.run(&["log", "config"]).done() + &pbx.run(&["log", "debug"]).done();
    assert!(!logs.contains("PRIVATE"), "{logs}");

    let (other, other_key) = authority.issue("second", address);
    assert_eq!(bring(&inside, &other, &other_key).status, 201);
    assert_eq!(shown(tls), "second");
    pbx.run(&["revisions", "rollback", &first.to_string()]).done();
    assert_eq!((shown(console), shown(tls)), ("first".into(), "first".into()), "the former one is kept");
    pbx.terminate();
    pbx.restart();
    assert_eq!((shown(console), shown(tls)), ("first".into(), "first".into()));
    pbx.run(&["revisions", "rollback", &(first - 1).to_string()]).done();
    assert_eq!(shown(console), local);
    let unknown = format!("[tls]\nuploaded = \"{}\"\n", "0".repeat(64));
    let refused = pbx.apply(&unknown, &["--merge"]);
    assert!(refused.code == 1 && refused.stderr.contains("was uploaded here"), "{refused:?}");
}

#[test]
fn a_wrong_certificate_is_refused_whole_with_field_line_and_cure_and_its_key_is_told_nobody() {
    let authority = Authority::new();
    let (pbx, console, _) = server(&authority);
    let address = IpAddr::V4(*console.ip());
    let inside = admin(&Web::of(&pbx, console));
    let (certificate, key) = authority.issue("good", address);
    let (_, other) = authority.issue("other", address);
    let (before, exported) = (shown(console), pbx.run(&["export"]).done());
    let after = certificate.lines().count() as u64 + 1;
    for (text, secret, field, line) in [
        (String::new(), key.clone(), "certificate", 1),
        (format!("{certificate}{key}"), key.clone(), "certificate", after),
        (certificate.replace("-----END", "-----FIN"), key.clone(), "certificate", 1),
        (certificate.clone(), other, "key", 1),
        (
            certificate.clone(),
            format!("\n\n{}", key.replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE")),
            "key",
            3,
        ),
    ] {
        let refused = bring(&inside, &text, &secret);
        assert_eq!(refused.status, 422, "{refused:?}");
        let told = refused.json()["problems"][0].clone();
        assert_eq!((told["key"].as_str(), told["line"].as_u64()), (Some(field), Some(line)), "{told}");
        assert!(told["cure"].as_str().is_some_and(|cure| !cure.is_empty()));
        let secret = key.lines().nth(1).expect("a line of the key");
        assert!(!refused.body.contains(secret), "{}", refused.body);
    }
    let large = inside.ask(
        "POST /api/v1/certificates",
        &json!({ "certificate": "x".repeat(70_000), "key": "" }).to_string(),
    );
    assert_eq!(large.status, 422, "{large:?}");
    let strange = inside.ask("POST /api/v1/certificates", "{\"key\": \"hunter2\"}");
    assert!(strange.status == 400 && !strange.body.contains("hunter2"), "{strange:?}");
    assert_eq!((shown(console), pbx.run(&["export"]).done()), (before, exported), "nothing was changed");
}
