//! The n-th failure blocks, not the one before and not the one after, however the guesses come.

use super::common::{blocks, expect_silence, fail, failures_logged, is_silent, server};
use blackbox::config::password_of;
use blackbox::guesser::Heard;
use blackbox::place::address;
use blackbox::way::{Transport, Version};
use blackbox::{Forger, Guesser, Office, Pbx, RawPhone};
use rustls::pki_types::pem::PemObject;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn over_udp_the_fifth_failure_is_the_last_thing_answered_and_the_right_password_helps_neither_before_nor_after()
 {
    let pbx = server(2, "");
    let mut phone = RawPhone::new("102", pbx.sip);
    assert_eq!(phone.register(600).status(), 200);
    let mut guesser = Guesser::udp(address(), pbx.sip);
    fail(&mut guesser, "101", 2);
    assert_eq!(guesser.guess("909", "wrong"), 403);
    assert_eq!(guesser.sign_in("101"), 200, "four failures are none too many");
    fail(&mut guesser, "101", 1);
    assert_eq!(guesser.sign_in("101"), 200, "and a success resets no count");
    assert!(blocks(&pbx).is_empty());
    let challenge = guesser.challenge("101").expect("a challenge");
    assert_eq!(guesser.guess("909", "wrong"), 403, "the fifth");
    let right = guesser.credentials(&challenge, ("101", &password_of("101")), 1);
    let text = guesser.compose("101", Some(&right));
    expect_silence(&pbx, &mut guesser, &text);
    for method in ["OPTIONS", "INVITE", "REGISTER", "NONSENSE"] {
        let text = guesser.request(method, "101", None);
        expect_silence(&pbx, &mut guesser, &text);
    }
    expect_silence(&pbx, &mut guesser, "no SIP at all");
    assert_eq!(phone.register(600).status(), 200, "the phone beside it");
    let blocks = blocks(&pbx);
    assert_eq!(
        (blocks.len(), &blocks[0]["failures"], &blocks[0]["scope"]),
        (1, &5.into(), &"address".into())
    );
    assert_eq!(failures_logged(&pbx).len(), 5);
    assert_eq!(pbx.status()["blocks"], 1);
}

#[test]
fn every_challenged_request_counts_and_all_of_them_together() {
    let pbx = server(1, "attempts = 3");
    let mut guesser = Guesser::udp(address(), pbx.sip);
    for method in ["REGISTER", "INVITE", "SUBSCRIBE"] {
        let text = guesser.request(method, "101", None);
        guesser.send(&text);
        let Heard::Message(challenged) = guesser.hear() else { panic!("no challenge of {method}") };
        let challenge = challenged.challenges().first().cloned().expect("a challenge");
        assert!(blocks(&pbx).is_empty());
        let value = guesser.credentials_for(method, &challenge, ("101", "wrong"), 1);
        let text = guesser.request(method, "101", Some(&value));
        guesser.send(&text);
        assert_eq!(guesser.hear().status(), 403, "{method}");
    }
    assert!(is_silent(&pbx, &mut guesser));
    assert_eq!(failures_logged(&pbx).len(), 3);
}

#[test]
fn over_tcp_and_tls_the_failure_that_blocks_is_answered_and_then_connections_are_reset_before_a_byte() {
    for transport in [Transport::Tcp, Transport::Tls] {
        let office = Office { more: super::common::section("attempts = 3"), ..Office::of(101, 1) };
        let pbx = Pbx::start_dual_stack(office, &[Transport::Udp, Transport::Tcp, Transport::Tls]);
        let std::net::SocketAddr::V4(door) = pbx.door(transport, Version::V4) else { panic!("an IPv4 door") };
        let trust = trust(&pbx);
        let connect = || match transport {
            Transport::Tls => Guesser::tls(door, &trust),
            _ => Guesser::tcp(door),
        };
        let mut idle = connect().expect("a connection");
        let mut guesser = connect().expect("a connection");
        fail(&mut guesser, "101", 2);
        fail(&mut guesser, "101", 1);
        assert!(matches!(guesser.hear(), Heard::Closed), "{transport:?}: after the third");
        assert!(matches!(idle.hear(), Heard::Closed), "{transport:?}: the connection beside it");
        // Some of it may fail before, some after it is accepted: no byte comes either way.
        if let Ok(mut socket) = std::net::TcpStream::connect(door) {
            socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
            let mut bytes = [0; 1];
            let read = socket.read(&mut bytes);
            assert!(
                matches!(read, Err(ref e) if e.kind() == std::io::ErrorKind::ConnectionReset),
                "{read:?}"
            );
        }
        assert_eq!(failures_logged(&pbx).len(), 3);
        assert_eq!(pbx.run(&["unblock", "127.0.0.1"]).code, 0);
        assert_eq!(connect().expect("a connection").sign_in("101"), 200);
    }
}

fn trust(pbx: &Pbx) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let text = pbx.run(&["ca"]).done();
    let authority =
        rustls::pki_types::CertificateDer::from_pem_slice(text.as_bytes()).expect("a certificate");
    roots.add(authority).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(config.expect("versions").with_root_certificates(roots).with_no_client_auth())
}

/// On one nonce with rising counts, on one nonce with one count, and on a nonce each.
#[test]
fn pipelined_guesses_outrun_no_count() {
    for nonces in ["rising counts", "one count", "a nonce each"] {
        let pbx = server(1, "attempts = 5");
        let mut guesser = Guesser::tcp(pbx.sip).expect("a connection");
        let challenges: Vec<_> = (0..20).map(|_| guesser.challenge("101").expect("a challenge")).collect();
        let mut all = String::new();
        for (number, own) in (0_u32..).zip(&challenges) {
            let (challenge, count) = match nonces {
                "rising counts" => (&challenges[0], number + 1),
                "one count" => (&challenges[0], 1),
                _ => (own, 1),
            };
            let password = if number < 12 { format!("wrong-{number}") } else { password_of("101") };
            let value = guesser.credentials(challenge, ("101", &password), count);
            all.push_str(&guesser.compose("101", Some(&value)));
        }
        guesser.send(&all);
        let statuses: Vec<u16> = std::iter::from_fn(|| match guesser.hear() {
            Heard::Message(message) => Some(message.status()),
            Heard::Nothing | Heard::Closed => None,
        })
        .collect();
        assert_eq!(statuses, [403; 5], "{nonces}");
        assert_eq!(failures_logged(&pbx).len(), 5, "{nonces}");
        assert!(pbx.registrations().is_empty());
    }
}

#[test]
fn parallel_guesses_from_many_ports_mixed_with_successes_outrun_no_count() {
    let pbx = server(2, "known = \"address\"");
    let source = address();
    let mut guessers: Vec<Guesser> = (0..40).map(|_| Guesser::udp(source, pbx.sip)).collect();
    let challenges: Vec<_> =
        guessers.iter_mut().map(|guesser| guesser.challenge("101").expect("a challenge")).collect();
    let mut messages = Vec::new();
    for (number, (guesser, challenge)) in guessers.iter_mut().zip(&challenges).enumerate() {
        let password = if number % 4 == 3 { password_of("101") } else { format!("wrong-{number}") };
        let value = guesser.credentials(challenge, ("101", &password), 1);
        messages.push(guesser.compose("101", Some(&value)));
    }
    std::thread::scope(|scope| {
        for (guesser, text) in guessers.iter_mut().zip(&messages) {
            scope.spawn(move || guesser.send(text));
        }
    });
    blackbox::wait::until("a block", || (!blocks(&pbx).is_empty()).then_some(()));
    let statuses: Vec<u16> =
        guessers.iter_mut().map(|guesser| guesser.hear_within(Duration::from_millis(100)).status()).collect();
    let refused = statuses.iter().filter(|status| **status == 403).count();
    assert_eq!(refused, 5, "{statuses:?}");
    assert_eq!(failures_logged(&pbx).len(), 5);
    assert_eq!(blocks(&pbx)[0]["failures"], 5);
}

#[test]
fn a_guess_that_is_repeated_counts_once() {
    let pbx = server(1, "attempts = 3");
    let mut guesser = Guesser::udp(address(), pbx.sip);
    let challenge = guesser.challenge("101").expect("a challenge");
    let value = guesser.credentials(&challenge, ("101", "wrong"), 1);
    let text = guesser.compose("101", Some(&value));
    for _ in 0..20 {
        guesser.send(&text);
        assert!(matches!(guesser.hear().status(), 401 | 403));
    }
    assert_eq!(failures_logged(&pbx).len(), 1);
    fail(&mut guesser, "101", 1);
    assert_eq!(guesser.sign_in("101"), 200);
}

#[test]
fn forged_and_borrowed_nonces_block_nobody_and_tell_nothing() {
    let pbx = server(1, "attempts = 1");
    let mut victim = Guesser::udp(address(), pbx.sip);
    let mut other = Guesser::udp(address(), pbx.sip);
    let borrowed = other.challenge("101").expect("a challenge");
    let mut forged = borrowed.clone();
    forged.nonce = forged.nonce.chars().rev().collect();
    for challenge in [&borrowed, &forged] {
        for password in ["wrong", password_of("101").as_str()] {
            let value = victim.credentials(challenge, ("101", password), 1);
            let text = victim.compose("101", Some(&value));
            victim.send(&text);
            let Heard::Message(answer) = victim.hear() else { panic!("no answer") };
            assert_eq!(answer.status(), 401);
            assert!(answer.challenges().iter().all(|challenge| challenge.stale), "{}", answer.0);
        }
    }
    assert!(blocks(&pbx).is_empty() && failures_logged(&pbx).is_empty());
    assert_eq!(other.guess("101", "wrong"), 403);
    assert!(is_silent(&pbx, &mut other), "with attempts = 1 the first blocks");
    assert_eq!(victim.sign_in("101"), 200);
}

#[test]
fn packets_with_a_forged_source_block_nobody_and_leave_the_phone_there_in_peace() {
    let pbx = server(2, "attempts = 1");
    let mut phone = RawPhone::new("101", pbx.sip);
    assert_eq!(phone.register(600).status(), 200);
    let mut guesser = Guesser::udp(address(), pbx.sip);
    let own = guesser.challenge("101").expect("a challenge");
    let mut made_up = own.clone();
    made_up.nonce = made_up.nonce.chars().rev().collect();
    let forger = Forger::default();
    for count in 1..=50 {
        for challenge in [&own, &made_up] {
            let value = guesser.credentials(challenge, ("101", "wrong"), count);
            forger.send(phone.address, pbx.sip, &guesser.compose("101", Some(&value)));
        }
        forger.send(phone.address, pbx.sip, &guesser.compose("101", None));
    }
    // That they came through: the phone is answered what it never asked.
    assert!(phone.receive_within(Duration::from_secs(5)).is_some_and(|answer| answer.status() == 401));
    assert_eq!(phone.register(600).status(), 200);
    assert!(blocks(&pbx).is_empty() && failures_logged(&pbx).is_empty());
    assert_eq!(guesser.guess("101", "wrong"), 403, "his own address is his own");
    assert_eq!(blocks(&pbx).len(), 1);
}
