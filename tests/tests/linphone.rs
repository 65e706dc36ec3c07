//! Linphone, which is strict where baresip is lenient, talks through the server.

use blackbox::way::{Transport, Version};
use blackbox::{Baresip, Linphone, Office, Pbx};
use std::net::{Ipv4Addr, SocketAddr};

#[test]
fn linphone_calls_and_is_called_and_a_tone_is_heard_both_ways() {
    let pbx = Pbx::start(Office::of(101, 2).with_old_phones());
    let linphone = Linphone::phone("101", pbx.sip).over(Transport::Tcp).playing(1000).start();
    let other = Baresip::phone("102", pbx.sip).playing(1600).start();
    talk(&pbx, linphone, other);
}

/// The name by which Linphone looks for the server in its certificate.
const NAME: &str = "localhost";

/// A server of that name, and where its TLS is.
fn server_with_a_name() -> (Pbx, SocketAddr) {
    let office = Office { domain: NAME.into(), ..Office::of(101, 2).with_old_phones() };
    let pbx = Pbx::start_dual_stack(office, &[Transport::Udp, Transport::Tls]);
    let port = pbx.door(Transport::Tls, Version::V6).port();
    (pbx, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

#[test]
fn linphone_trusts_our_exported_authority_and_talks_over_tls() {
    let (pbx, tls) = server_with_a_name();
    let authority = pbx.authority();
    let linphone = Linphone::phone("101", tls).over(Transport::Tls);
    let linphone = linphone.knowing(NAME).trusting(&authority).playing(1000).start();
    let other = Baresip::phone("102", pbx.sip).playing(1600).start();
    talk(&pbx, linphone, other);
}

#[test]
fn linphone_does_not_register_with_a_server_whose_authority_it_was_not_given() {
    let (pbx, tls) = server_with_a_name();
    let linphone = Linphone::phone("101", tls).over(Transport::Tls);
    linphone.knowing(NAME).start().expect_distrust();
    assert!(pbx.registrations().is_empty());
}

/// One call each way, and nothing of them left behind.
fn talk(pbx: &Pbx, mut linphone: Linphone, mut other: Baresip) {
    pbx.expect_registrations(2);
    linphone.call("102");
    linphone.expect_tone(1600);
    other.expect_tone(1000);
    linphone.hang_up();
    other.expect_event("CALL_CLOSED");
    pbx.expect_records(1);

    other.dial("101");
    linphone.answer();
    linphone.expect_tone(1600);
    other.expect_tone(1000);
    other.hang_up();
    let records = pbx.expect_records(2);
    assert!(records.iter().all(|r| r["result"] == "answered"), "{records:#?}");
    pbx.expect_nothing_held();
}
