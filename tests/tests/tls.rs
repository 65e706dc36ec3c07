//! SIP over TLS: certificates, who must encrypt, and phones that come back.

use blackbox::raw::{Message, Request};
use blackbox::secure::{Trust, accepted};
use blackbox::{Office, Pbx, RawPhone, TlsPhone, wait};
use rustix::process::Signal;
use std::io::Write;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::{Command, Stdio};

const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";

/// A server with a TLS listener, and where that is.
fn secured(office: Office, more: &str) -> (Pbx, SocketAddrV4) {
    let mut pbx = Pbx::prepare(office.clone());
    let sip = pbx.sip;
    let tls = SocketAddrV4::new(*sip.ip(), 5061);
    let listen = format!(
        "sip_udp = [\"{sip}\"]\nsip_tcp = [\"{sip}\"]\nsip_tls = [\"{tls}\"]\nconsole = []\nmedia_ports = \"10000-19999\"\n"
    );
    let more = more.replace("FOLDER", &pbx.place.join("").display().to_string());
    pbx.reconfigure(|office| {
        office.listen = listen;
        office.more = more;
    });
    (pbx, tls)
}

fn started(office: Office) -> (Pbx, SocketAddrV4, String) {
    let (mut pbx, tls) = secured(office, "");
    pbx.launch();
    let authority = pbx.run(&["ca"]).done();
    (pbx, tls, authority)
}

/// What `openssl s_client` says of the server.
fn s_client(server: SocketAddrV4, options: &[&str]) -> String {
    let mut client = Command::new("openssl")
        .args(["s_client", "-connect", &server.to_string()])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl");
    client.stdin.take().expect("piped").write_all(b"Q\n").expect("written");
    let output = client.wait_with_output().expect("its end");
    [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

/// A certificate for `name` with its key, good until then (year, month, day).
fn certificate(folder: &Path, file: &str, name: &str, until: (i32, u8, u8)) {
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.distinguished_name.push(rcgen::DnType::CommonName, "own");
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
    let key = rcgen::KeyPair::generate().expect("a key");
    let made = params.self_signed(&key).expect("a certificate");
    std::fs::write(folder.join(format!("{file}.crt")), made.pem()).expect("written");
    std::fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).expect("written");
}

/// Far enough away for the life of this test.
const LATE: (i32, u8, u8) = (2090, 1, 1);
const PAST: (i32, u8, u8) = (2021, 1, 1);

fn warnings(pbx: &Pbx, word: &str) -> Vec<String> {
    let log = pbx.run(&["log", "warning"]).done();
    log.lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
}

#[test]
fn the_exported_authority_verifies_what_is_shown_before_and_after_a_restart() {
    let (mut pbx, tls, authority) = started(Office::of(101, 1));
    let file = pbx.place.write("ca.pem", &authority).display().to_string();
    let ip = tls.ip().to_string();
    let verify = ["-CAfile", &file, "-verify_ip", &ip, "-verify_return_error"];
    for (kind, bits) in [("ECDSA+SHA256", "256 bit"), ("RSA+SHA256:RSA-PSS+SHA256", "2048 bit")] {
        let trust: &[&str] = if kind.starts_with("RSA") { &[] } else { &verify };
        let said = s_client(tls, &[&["-tls1_2", "-sigalgs", kind], trust].concat());
        assert!(said.contains(&format!("Server public key is {bits}")), "{said}");
    }
    let said = s_client(tls, &verify);
    assert!(said.contains("Verify return code: 0 (ok)") && said.contains("TLSv1.3"), "{said}");
    let der = pbx.run(&["ca", "--json"]).done();
    assert!(der.contains("fingerprint_sha256") && !der.contains("PRIVATE"), "{der}");
    let database = std::fs::read(pbx.data().join("ringwall.db")).expect("the database");
    assert!(!String::from_utf8_lossy(&database).contains("PRIVATE KEY"), "a key in clear on the disk");
    pbx.terminate();
    pbx.restart();
    assert_eq!(pbx.run(&["ca"]).done(), authority);
    assert!(s_client(tls, &verify).contains("Verify return code: 0 (ok)"));
}

#[test]
fn phones_of_both_versions_register_and_call_each_other() {
    let (pbx, tls, authority) = started(Office::of(101, 2));
    let phone = |number, version| {
        let mut phone = TlsPhone::connect(number, tls, &Trust::of(&authority, &[version])).expect("TLS");
        assert_eq!(phone.register(600).status(), 200);
        phone
    };
    let mut caller = phone("101", &rustls::version::TLS13);
    let mut callee = phone("102", &rustls::version::TLS12);
    pbx.expect_registrations(2);
    assert!(pbx.registrations().iter().all(|row| row["transport"] == "tls"), "{:?}", pbx.registrations());
    let invite = Request {
        method: "INVITE",
        uri: format!("sip:102@{}", tls.ip()),
        from: "101",
        to: "102",
        more: "Content-Type: application/sdp\r\n".into(),
        body: SDP.into(),
    };
    let answering = std::thread::spawn(move || {
        let invite = callee.receive();
        assert!(invite.0.starts_with("INVITE") && invite.0.contains("SIP/2.0/TLS"), "{}", invite.0);
        callee.send(&accepted(&invite, "sip:102@127.0.0.1;transport=tls", SDP));
        loop {
            let message = callee.receive();
            if message.0.starts_with("BYE") {
                callee.send(&accepted(&message, "sip:102@127.0.0.1;transport=tls", ""));
                return callee;
            }
        }
    });
    let mut answer = caller.ask(&invite);
    while answer.status() < 200 {
        answer = caller.receive();
    }
    assert_eq!(answer.status(), 200, "{}", answer.0);
    let contact = answer.header("Contact").unwrap_or_default().to_owned();
    assert!(contact.contains("transport=tls"), "{contact}");
    inside(&mut caller, "ACK", &answer, 2);
    wait::until("an answered call", || (pbx.calls().first()?["state"] == "answered").then_some(()));
    inside(&mut caller, "BYE", &answer, 10);
    assert_eq!(caller.receive().status(), 200);
    let _callee = answering.join().expect("the callee");
    assert_eq!(pbx.expect_records(1)[0]["result"], "answered");
    pbx.expect_nothing_held();
}

/// A request inside the dialog of an answered call.
fn inside(phone: &mut TlsPhone, method: &str, answer: &Message, cseq: u32) {
    let line = |name: &str| answer.header(name).unwrap_or_default().to_owned();
    let uri = line("Contact").trim_start_matches('<').trim_end_matches('>').to_owned();
    let via = line("Via").replace("tls-", &format!("{method}-"));
    let cseq = if method == "ACK" { line("CSeq").replace(" INVITE", "") } else { cseq.to_string() };
    let text = format!(
        "{method} {uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\n\
         CSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n",
        line("From"),
        line("To"),
        line("Call-ID")
    );
    phone.send(&text);
}

#[test]
fn an_own_certificate_is_shown_and_bad_ones_are_refused_with_file_fault_and_cure() {
    let section = "[tls]\ncertificate = \"FOLDER/good.crt\"\nkey = \"FOLDER/good.key\"\n";
    let (mut pbx, tls) = secured(Office::of(101, 1), section);
    let folder = pbx.place.join("");
    certificate(&folder, "good", "elsewhere.test", LATE);
    certificate(&folder, "old", &tls.ip().to_string(), PAST);
    pbx.launch();
    assert!(s_client(tls, &[]).contains("CN = own"));
    assert_eq!(warnings(&pbx, "tls.certificate-doubtful").len(), 1, "it does not cover the domain");
    let section = |crt: &str, key: &str| {
        let path = |name: &str| folder.join(name).display().to_string();
        format!("[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", path(crt), path(key))
    };
    for (crt, key, word) in [
        ("old.crt", "old.key", "expired"),
        ("good.crt", "old.key", "does not belong"),
        ("none.crt", "old.key", "no such file"),
        ("good.key", "good.key", "no certificate"),
    ] {
        let refused = pbx.apply(&section(crt, key), &[]);
        assert_eq!(refused.code, 1, "{crt} {key}: {}", refused.stdout);
        let line = refused.stderr.trim();
        assert!(
            line.contains(word) && line.contains("nothing was changed") && line.lines().count() == 1,
            "{line}"
        );
        assert!(s_client(tls, &[]).contains("CN = own"), "the one in force stays");
    }
    std::fs::copy(folder.join("old.crt"), folder.join("good.crt")).expect("copied");
    std::fs::copy(folder.join("old.key"), folder.join("good.key")).expect("copied");
    // A change that is not about it goes on, whatever became of the files.
    pbx.run(&["password", "101"]).done();
    assert!(s_client(tls, &[]).contains("CN = own"), "the one in force stays");
    let doubts = warnings(&pbx, "tls.certificate-doubtful");
    assert!(doubts.iter().any(|line| line.contains("expired")), "{doubts:?}");
    pbx.terminate();
    pbx.begin_with(&[]);
    let status = pbx.process().end_within(wait::PATIENCE);
    assert_eq!(status.and_then(|status| status.code()), Some(1));
    let said = pbx.process().stderr();
    assert!(said.contains("tls.certificate") && said.contains("expired"), "{said}");
}

#[test]
fn a_bad_certificate_at_sighup_leaves_the_old_one_and_says_so() {
    let section = "[tls]\ncertificate = \"FOLDER/own.crt\"\nkey = \"FOLDER/own.key\"\n";
    let (mut pbx, tls) = secured(Office::of(101, 1), section);
    let folder = pbx.place.join("");
    certificate(&folder, "own", &tls.ip().to_string(), LATE);
    let first = std::fs::read_to_string(folder.join("own.crt")).expect("a certificate");
    pbx.launch();
    let mut phone = TlsPhone::connect("101", tls, &Trust::of(&first, rustls::ALL_VERSIONS)).expect("TLS");
    assert_eq!(phone.register(600).status(), 200);

    std::fs::write(folder.join("own.crt"), "spoilt").expect("written");
    pbx.process().signal(Signal::HUP);
    let kept = || pbx_log(&pbx, "error", "tls.certificate-kept");
    let line = wait::until("the log", kept);
    assert!(line.contains("own.crt"), "{line}");
    TlsPhone::connect("101", tls, &Trust::of(&first, rustls::ALL_VERSIONS))
        .expect("the old one is still shown");

    certificate(&folder, "own", &tls.ip().to_string(), LATE);
    let second = std::fs::read_to_string(folder.join("own.crt")).expect("a certificate");
    pbx.process().signal(Signal::HUP);
    wait::until("the new one", || {
        TlsPhone::connect("101", tls, &Trust::of(&second, rustls::ALL_VERSIONS)).ok()
    });
    assert_eq!(phone.register(600).status(), 200, "the connection that stood goes on");
}

fn pbx_log(pbx: &Pbx, name: &str, word: &str) -> Option<String> {
    pbx.run(&["log", name]).done().lines().find(|line| line.contains(word)).map(str::to_owned)
}

#[test]
fn an_old_client_and_one_with_odd_suites_are_a_line_each_that_names_their_offer() {
    let (pbx, tls, _) = started(Office::of(101, 1));
    s_client(tls, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    s_client(tls, &["-tls1_2", "-cipher", "AES128-SHA"]);
    let lines =
        wait::until("two lines", || Some(warnings(&pbx, "net.tls-refused")).filter(|lines| lines.len() == 2));
    assert!(lines[0].contains("TLS 1.2 or 1.3 is needed") && lines[0].contains("TLS 1.1"), "{}", lines[0]);
    assert!(
        lines[1].contains("cipher suite") && lines[1].contains("TLS_RSA_WITH_AES_128_CBC_SHA"),
        "{}",
        lines[1]
    );
}

#[test]
fn required_encryption_refuses_plain_phones_with_a_reason_in_log_and_history() {
    let office = Office::of(101, 2).with("101", "encryption = \"required\"");
    let (pbx, tls, authority) = started(office);
    let mut plain = RawPhone::new("101", pbx.sip);
    let refused = plain.register(60);
    assert_eq!(refused.status(), 403, "{}", refused.0);
    assert!(refused.0.contains("Encryption required"), "{}", refused.0);
    let invite = Request {
        method: "INVITE",
        uri: format!("sip:102@{}", pbx.sip),
        from: "101",
        to: "102",
        more: "Content-Type: application/sdp\r\n".into(),
        body: SDP.into(),
    };
    let password = blackbox::config::password_of("101");
    assert_eq!(plain.ask_as(&invite, "101", &password).status(), 403);
    let record = &pbx.expect_records(1)[0];
    assert_eq!(record["result"], "refused");
    assert!(record["reason"].as_str().is_some_and(|reason| reason.contains("encryption")), "{record}");
    let line = wait::until("the log", || pbx_log(&pbx, "auth", "auth.not-encrypted"));
    assert!(line.contains("extension=101") && line.contains("transport=udp"), "{line}");
    let trust = Trust::of(&authority, rustls::ALL_VERSIONS);
    let mut phone = TlsPhone::connect("101", tls, &trust).expect("TLS");
    assert_eq!(phone.register(600).status(), 200);
}

#[test]
fn two_hundred_phones_come_back_over_tls_after_a_restart() {
    let (mut pbx, tls, authority) = started(Office::of(101, 200));
    let trust = Trust::of(&authority, rustls::ALL_VERSIONS);
    let sign_in = |pbx: &Pbx| -> Vec<TlsPhone> {
        let phones = (101..301).map(|number| {
            let mut phone = TlsPhone::connect(&number.to_string(), tls, &trust).expect("TLS");
            assert_eq!(phone.register(600).status(), 200, "{number}");
            phone
        });
        let phones = phones.collect();
        wait::until("all reachable", || {
            // Those of before the restart are still listed, without a connection.
            let rows = pbx.registrations();
            (rows.iter().filter(|row| row["reachable"] == true).count() == 200).then_some(())
        });
        phones
    };
    let before = sign_in(&pbx);
    pbx.terminate();
    drop(before);
    pbx.restart();
    let _after = sign_in(&pbx);
    assert!(warnings(&pbx, "net.connection-refused").is_empty());
}
