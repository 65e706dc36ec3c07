//! The TLS listener, with clients that are good, old, slow or lost.

use std::sync::Arc;

use model::event;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls::{Local, Names};

fn names(domain: &str) -> Names {
    let mut names = Names { subject: domain.to_owned(), ..Names::default() };
    names.add(domain);
    names
}

async fn tls_house(patience: Patience) -> (House, Local) {
    let mut house = house(Limits::default(), patience).await;
    let local = Local::make(&names("pbx.test"), Clock::wall()).unwrap();
    house.door.certificates().show(&local.leaves());
    let both = [wanted(Transport::Tls, "127.0.0.1:0"), wanted(Transport::Tcp, "127.0.0.1:0")];
    house.listeners.prepare(&both).await.unwrap();
    house.listeners.commit().await;
    (house, local)
}

/// A client that trusts the authority.
fn client(
    local: &Local,
    provider: CryptoProvider,
    versions: &[&'static SupportedProtocolVersion],
) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(local.authority().certificate().to_vec())).unwrap();
    let builder =
        ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

fn any_client(local: &Local) -> TlsConnector {
    client(local, aws_lc_rs::default_provider(), rustls::ALL_VERSIONS)
}

async fn connect(
    house: &House,
    connector: &TlsConnector,
    name: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(house.address(Transport::Tls)).await.unwrap();
    connector.connect(ServerName::try_from(name.to_owned()).unwrap(), socket).await
}

impl House {
    async fn told(&self, kind: &'static event::Kind) -> String {
        let look = || self.seen.0.lock().unwrap().iter().find(|event| event.kind == kind).map(Event::line);
        let found = async {
            loop {
                match look() {
                    Some(line) => return line,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        timeout(LONG, found).await.expect("an event")
    }
}

#[tokio::test]
async fn phones_of_either_version_and_with_either_kind_of_key_are_answered() {
    let (house, local) = tls_house(Patience::default()).await;
    for (version, suite) in [
        (&rustls::version::TLS13, None),
        (&rustls::version::TLS12, Some("ECDHE_ECDSA")),
        (&rustls::version::TLS12, Some("ECDHE_RSA")),
    ] {
        let mut provider = aws_lc_rs::default_provider();
        let wanted = |name: &str| suite.is_none_or(|suite| name.contains(suite));
        provider.cipher_suites.retain(|known| wanted(&format!("{:?}", known.suite())));
        let mut phone = connect(&house, &client(&local, provider, &[version]), "pbx.test").await.unwrap();
        phone.write_all(&request("OPTIONS", "secret")).await.unwrap();
        let flow = house.arrival().await.flow;
        assert_eq!(flow.transport, Transport::Tls);
        house.door.flows().send(&flow, &bytes::Bytes::from_static(b"answer"));
        let mut answer = [0; 6];
        timeout(LONG, phone.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"answer", "{version:?} {suite:?}");
    }
}

#[tokio::test]
async fn half_handshakes_and_slow_ones_are_ended_and_counted_out() {
    let patience = Patience { message: Duration::from_millis(200), ..Patience::default() };
    let (house, _) = tls_house(patience).await;
    for begun in [&b""[..], b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut stream = TcpStream::connect(house.address(Transport::Tls)).await.unwrap();
        stream.write_all(begun).await.unwrap();
        while !read(&mut stream).await.is_empty() {}
        house.closed().await;
    }
    let (mut reader, mut writer) =
        TcpStream::connect(house.address(Transport::Tls)).await.unwrap().into_split();
    let slow = tokio::spawn(async move {
        for byte in std::iter::once(0x16).chain(std::iter::repeat(3)) {
            if writer.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut buffer = [0; 64];
    let until_closed = async { while reader.read(&mut buffer).await.is_ok_and(|count| count > 0) {} };
    timeout(LONG, until_closed).await.unwrap();
    house.closed().await;
    slow.await.unwrap();
    assert_eq!(house.door.open_connections(), 0);
}

#[tokio::test]
async fn a_handshake_that_claims_to_be_long_is_ended_before_it_is_kept() {
    let (house, _) = tls_house(Patience::default()).await;
    let mut stream = TcpStream::connect(house.address(Transport::Tls)).await.unwrap();
    // A ClientHello of 60,000 bytes in records of 16,384: all of the first and a part of the second.
    let record = [0x16, 3, 1, 0x40, 0];
    let mut bytes = record.to_vec();
    bytes.extend([1, 0, 0xea, 0x60, 3, 3]);
    bytes.resize(record.len() + 0x4000, 7);
    bytes.extend(record);
    bytes.resize(20_000, 7);
    stream.write_all(&bytes).await.unwrap();
    let line = house.told(&event::CONNECTION_ENDED).await;
    assert!(line.contains("too long"), "{line}");
    house.closed().await;
}

#[tokio::test]
async fn connections_in_a_handshake_count_as_strangers_of_their_source() {
    let limits = Limits { unproven_per_source: 2, ..Limits::default() };
    let mut house = house(limits, Patience::default()).await;
    house.listeners.prepare(&[wanted(Transport::Tls, "127.0.0.1:0")]).await.unwrap();
    house.listeners.commit().await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(TcpStream::connect(house.address(Transport::Tls)).await.unwrap());
    }
    let mut third = TcpStream::connect(house.address(Transport::Tls)).await.unwrap();
    assert!(read(&mut third).await.is_empty());
    house.told(&event::CONNECTION_REFUSED).await;
}

/// A ClientHello of TLS 1.0 with one suite of then.
fn old_hello() -> Vec<u8> {
    let mut body = vec![3, 1];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x00, 0x2f, 1, 0]);
    let mut bytes = vec![0x16, 3, 1, 0, u8::try_from(body.len() + 4).unwrap(), 1, 0, 0];
    bytes.push(u8::try_from(body.len()).unwrap());
    bytes.extend(body);
    bytes
}

#[tokio::test]
async fn a_phone_too_old_is_one_line_that_names_what_it_offered() {
    let (house, _) = tls_house(Patience::default()).await;
    let mut phone = TcpStream::connect(house.address(Transport::Tls)).await.unwrap();
    phone.write_all(&old_hello()).await.unwrap();
    let line = house.told(&event::TLS_REFUSED).await;
    for word in ["TLS 1.2 or 1.3 is needed", "TLS 1.0", "TLS_RSA_WITH_AES_128_CBC_SHA"] {
        assert!(line.contains(word), "{word}: {line}");
    }
    house.closed().await;
    assert_eq!(house.seen.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn plain_sip_on_the_tls_port_and_tls_on_the_plain_one_are_a_line_each() {
    let (house, _) = tls_house(Patience::default()).await;
    for (transport, said) in [(Transport::Tls, request("OPTIONS", "plain")), (Transport::Tcp, old_hello())] {
        let mut phone = TcpStream::connect(house.address(transport)).await.unwrap();
        phone.write_all(&said).await.unwrap();
        let line = house.told(&event::WRONG_PORT).await;
        assert!(line.contains("port for"), "{line}");
        house.closed().await;
        house.seen.0.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn a_phone_that_does_not_trust_us_is_told_of_with_the_cure() {
    let (house, _) = tls_house(Patience::default()).await;
    let other = Local::make(&names("pbx.test"), Clock::wall()).unwrap();
    connect(&house, &any_client(&other), "pbx.test").await.unwrap_err();
    let line = house.told(&event::TLS_REFUSED).await;
    assert!(line.contains("does not trust our certificate") && line.contains("ringwall ca"), "{line}");
}

#[tokio::test]
async fn new_certificates_are_shown_to_newcomers_and_leave_standing_connections_alone() {
    let (house, local) = tls_house(Patience::default()).await;
    let mut before = connect(&house, &any_client(&local), "pbx.test").await.unwrap();
    let renewed = local.renewed(&names("voice.test"), Clock::wall()).unwrap().unwrap();
    house.door.certificates().show(&renewed.leaves());
    connect(&house, &any_client(&local), "voice.test").await.unwrap();
    before.write_all(&request("OPTIONS", "still")).await.unwrap();
    assert_eq!(house.arrival().await.message.call_id(), b"still");
}
