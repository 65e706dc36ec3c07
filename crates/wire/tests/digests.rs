//! Digest authentication against the examples of the RFCs and against what clients get wrong.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use wire::digest::{
    Algorithm, Answer, Challenge, Credentials, DigestError, Freshness, Qop, QopOffer, Request, ha1, response,
    verify,
};

fn header(rest: &str) -> String {
    format!("Digest username=\"Mufasa\", realm=\"testrealm@host.com\", {rest}")
}

/// RFC 2617 section 3.5.
const RFC2617: &str = "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, \
    nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", \
    opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";

const ALL: [Algorithm; 6] = [
    Algorithm::Md5,
    Algorithm::Md5Sess,
    Algorithm::Sha256,
    Algorithm::Sha256Sess,
    Algorithm::Sha512_256,
    Algorithm::Sha512_256Sess,
];

#[test]
fn the_example_of_rfc_2617_verifies() {
    let header = header(RFC2617);
    let credentials = Credentials::parse(header.as_bytes()).unwrap();
    let secret = ha1(Algorithm::Md5, b"Mufasa", b"testrealm@host.com", b"Circle Of Life");
    assert!(verify(&credentials, &secret, b"GET", b""));
    assert!(!verify(&credentials, &secret, b"POST", b""));
    let wrong = ha1(Algorithm::Md5, b"Mufasa", b"testrealm@host.com", b"Circle of Life");
    assert!(!verify(&credentials, &wrong, b"GET", b""));
    assert_eq!((credentials.nc, credentials.qop), (1, Qop::Auth));
    assert_eq!(credentials.opaque, Some(&b"5ccc069c403ebaf9f0171e9517f40e41"[..]));
    assert_eq!(credentials.username_text(), Some("Mufasa"));
}

#[test]
fn the_examples_of_rfc_7616_verify() {
    // Section 3.9.1; the password is "Circle of Life".
    for (algorithm, digest) in [
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let header = format!(
            "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", \
             algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
             cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"{digest}\", \
             opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let credentials = Credentials::parse(header.as_bytes()).unwrap();
        let secret = ha1(algorithm, b"Mufasa", b"http-auth@example.org", b"Circle of Life");
        assert!(verify(&credentials, &secret, b"GET", b""), "{algorithm}");
    }
}

#[test]
fn rfc_2069_without_qop_is_computed() {
    // HA1 and HA2 of RFC 2617's example, joined without qop.
    let header = header(
        "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", response=\"670fd8c2df070c60b045671b8b24ff02\"",
    );
    let credentials = Credentials::parse(header.as_bytes()).unwrap();
    let secret = ha1(Algorithm::Md5, b"Mufasa", b"testrealm@host.com", b"Circle Of Life");
    assert_eq!((credentials.qop, credentials.nc), (Qop::Absent, 0));
    assert!(verify(&credentials, &secret, b"GET", b""));
}

#[test]
fn an_answer_verifies_for_every_algorithm_and_protection() {
    for algorithm in ALL {
        for qop in [QopOffer::Absent, QopOffer::Auth, QopOffer::AuthInt] {
            let challenge = Challenge {
                realm: "ring \"wall\"".into(),
                nonce: "bm9uY2U=",
                algorithm,
                freshness: Freshness::Stale,
                qop,
                opaque: Some("o"),
            };
            let text = challenge.to_string();
            let read = Challenge::parse(text.as_bytes()).unwrap();
            assert_eq!(read, challenge);
            let secret = ha1(algorithm, b"a\"b", b"ring \"wall\"", b"secret");
            assert_eq!(secret.algorithm(), algorithm.base());
            let answer = Answer { username: "a\"b", ha1: &secret, nc: 0x1a, cnonce: "c" };
            let request = Request { method: b"INVITE", uri: b"sip:1@x.example", body: b"v=0" };
            let line = read.answer(&answer, &request);
            let credentials = Credentials::parse(line.as_bytes()).unwrap();
            assert_eq!(credentials.username.as_ref(), b"a\"b");
            assert_eq!(credentials.realm.as_ref(), b"ring \"wall\"");
            assert!(verify(&credentials, &secret, b"INVITE", b"v=0"), "{line}");
            let body_counts = qop == QopOffer::AuthInt;
            assert_eq!(verify(&credentials, &secret, b"INVITE", b"v=1"), !body_counts);
            let other = if algorithm.base() == Algorithm::Md5 { Algorithm::Sha256 } else { Algorithm::Md5 };
            let other = ha1(other, b"a\"b", b"ring \"wall\"", b"secret");
            assert!(!verify(&credentials, &other, b"INVITE", b"v=0"));
            assert!(response(&credentials, &other, b"INVITE", b"v=0").is_none());
        }
    }
}

#[test]
fn clients_that_quote_otherwise_are_understood() {
    let line = "digest\r\n username = Mufasa , REALM=\"testrealm@host.com\",nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",\
        uri=\"/dir/index.html\",qop=\"auth\",algorithm=\"md5\",NC=1,cnonce=0a4f113b,response=00";
    let credentials = Credentials::parse(line.as_bytes()).unwrap();
    assert_eq!((credentials.algorithm, credentials.qop, credentials.nc), (Algorithm::Md5, Qop::Auth, 1));
    assert_eq!((credentials.nc_text, credentials.cnonce), (&b"1"[..], &b"0a4f113b"[..]));
    let high = header(&RFC2617.replace("nc=00000001", "nc=ffffffff"));
    assert_eq!(Credentials::parse(high.as_bytes()).unwrap().nc, u32::MAX);
}

#[test]
fn an_upper_case_response_is_the_same_response() {
    let line =
        header(&RFC2617.replace("6629fae49393a05397450978507c4ef1", "6629FAE49393A05397450978507C4EF1"));
    let secret = ha1(Algorithm::Md5, b"Mufasa", b"testrealm@host.com", b"Circle Of Life");
    assert!(verify(&Credentials::parse(line.as_bytes()).unwrap(), &secret, b"GET", b""));
}

#[test]
fn credentials_that_are_none_are_refused() {
    for (rest, why) in [
        (
            RFC2617.replace("nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", ", ""),
            DigestError::Missing("nonce"),
        ),
        (RFC2617.replace("uri=\"/dir/index.html\", ", ""), DigestError::Missing("uri")),
        (RFC2617.replace("qop=auth", "qop=none"), DigestError::Qop),
        (RFC2617.replace("nc=00000001, ", ""), DigestError::Qop),
        (RFC2617.replace("nc=00000001", "nc=000000001"), DigestError::Qop),
        (RFC2617.replace("nc=00000001", "nc=+1"), DigestError::Qop),
        (RFC2617.replace("cnonce=\"0a4f113b\", ", ""), DigestError::Qop),
        (format!("{RFC2617}, algorithm=SHA256"), DigestError::Algorithm),
        (format!("{RFC2617}, username=\"boss\""), DigestError::Duplicate),
        (format!("{RFC2617}, Username=boss"), DigestError::Duplicate),
        (format!("{RFC2617}, x"), DigestError::Syntax),
        (format!("{RFC2617}, x=\"y"), DigestError::Syntax),
        (format!("{RFC2617}, x=\"y\" z"), DigestError::Syntax),
        (format!("{RFC2617}, x=\"y\\\""), DigestError::Syntax),
        (format!("{RFC2617}, x y=z"), DigestError::Syntax),
    ] {
        assert_eq!(Credentials::parse(header(&rest).as_bytes()).unwrap_err(), why, "{rest}");
    }
    for line in ["", "Dig", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Digestusername=x", "Bearer x"] {
        assert_eq!(Credentials::parse(line.as_bytes()).unwrap_err(), DigestError::Scheme, "{line}");
    }
}

#[test]
fn a_response_of_the_wrong_length_is_wrong() {
    let secret = ha1(Algorithm::Md5, b"Mufasa", b"testrealm@host.com", b"Circle Of Life");
    for wrong in
        ["", "6629fae49393a05397450978507c4ef", "6629fae49393a05397450978507c4ef10", &"6".repeat(1000)]
    {
        let line = header(&RFC2617.replace("6629fae49393a05397450978507c4ef1", wrong));
        assert!(!verify(&Credentials::parse(line.as_bytes()).unwrap(), &secret, b"GET", b""), "{wrong}");
    }
}

#[test]
fn challenges_of_the_field_are_read() {
    let line = b"Digest realm=\"asterisk\",nonce=\"1700000000/abc\",opaque=\"12\",algorithm=MD5,qop=\"auth,auth-int\",stale=FALSE";
    let challenge = Challenge::parse(line).unwrap();
    assert_eq!((challenge.qop, challenge.freshness), (QopOffer::Auth, Freshness::First));
    let old = Challenge::parse(b"Digest realm=\"x\", nonce=\"y\"").unwrap();
    assert_eq!((old.qop, old.algorithm), (QopOffer::Absent, Algorithm::Md5));
    assert_eq!(Challenge::parse(b"Digest nonce=\"y\"").unwrap_err(), DigestError::Missing("realm"));
    assert_eq!(
        Challenge::parse(b"Digest realm=x, nonce=y, algorithm=X").unwrap_err(),
        DigestError::Algorithm
    );
}

#[test]
fn nothing_secret_is_shown() {
    let line = header(RFC2617);
    let secret = ha1(Algorithm::Md5, b"Mufasa", b"testrealm@host.com", b"Circle Of Life");
    let shown = format!("{:?} {secret:?}", Credentials::parse(line.as_bytes()).unwrap());
    for hidden in ["6629fae4", "939e7578", "Mufasa", "dcd98b71"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
