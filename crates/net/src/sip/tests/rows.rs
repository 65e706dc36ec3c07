//! Rows of the firewall at the sockets: datagrams, connections, and what was there before.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use guard::{AddressSet, Row, Rows, Service};
use model::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{House, LONG, house, read, request, udp_peer};
use crate::Patience;

/// Only 127.0.0.1 reaches SIP.
fn one_address() -> Arc<Rows> {
    let set = AddressSet::of(["127.0.0.1/32".parse().unwrap()]);
    Arc::new(Rows { sip: Arc::new(Row::Only(set)), ..Rows::default() })
}

async fn outsider(house: &House) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    socket.connect(house.address(Transport::Udp)).await.unwrap();
    socket
}

async fn connect_from(house: &House, from: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(from).unwrap();
    socket.connect(house.address(Transport::Tcp)).await.unwrap()
}

/// The connection is reset, and not a byte came on it.
async fn is_reset(stream: &mut TcpStream) {
    let mut buffer = [0; 1];
    let read = timeout(LONG, stream.read(&mut buffer)).await.unwrap();
    assert_eq!(read.expect_err("a reset").kind(), ErrorKind::ConnectionReset);
}

fn response() -> Vec<u8> {
    let text = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n\
                To: <sip:b@x>;tag=2\r\nCall-ID: ours\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";
    text.as_bytes().to_vec()
}

#[tokio::test]
async fn a_row_rules_the_next_datagram_and_what_is_outside_hears_nothing() {
    let house = house(Default::default(), Patience::default()).await;
    let (outside, inside) = (outsider(&house).await, udp_peer(&house).await);
    outside.send(&request("OPTIONS", "before")).await.unwrap();
    assert_eq!(house.arrival().await.message.call_id(), b"before");
    house.door.change_rows(one_address());
    outside.send(&request("OPTIONS", "after")).await.unwrap();
    outside.send(b"not SIP at all\r\n\r\n").await.unwrap();
    inside.send(&request("OPTIONS", "inside")).await.unwrap();
    assert_eq!(house.arrival().await.message.call_id(), b"inside");
    assert!(outside.try_recv(&mut [0; 9]).is_err(), "not even the word that it was no SIP");
    assert_eq!(house.door.counters().malformed.load(std::sync::atomic::Ordering::Relaxed), 0, "unparsed");
}

#[tokio::test]
async fn on_a_flow_of_our_own_answers_pass_and_requests_do_not() {
    let house = house(Default::default(), Patience::default()).await;
    let provider = outsider(&house).await;
    house.gate.set_established([(Service::Sip, provider.local_addr().unwrap())]);
    house.door.change_rows(one_address());
    provider.send(&request("INVITE", "call")).await.unwrap();
    provider.send(b"not SIP at all\r\n\r\n").await.unwrap();
    provider.send(&response()).await.unwrap();
    assert_eq!(house.arrival().await.message.call_id(), b"ours");
    assert!(provider.try_recv(&mut [0; 9]).is_err());
    let stranger = outsider(&house).await;
    stranger.send(&response()).await.unwrap();
    provider.send(&response()).await.unwrap();
    assert_eq!(house.arrival().await.flow.remote, provider.local_addr().unwrap(), "its port counts too");
}

#[tokio::test]
async fn who_is_outside_is_reset_at_the_door_and_on_the_connection_that_he_has() {
    let house = house(Default::default(), Patience::default()).await;
    let mut old = connect_from(&house, "127.0.0.2:0".parse().unwrap()).await;
    old.write_all(&request("OPTIONS", "before")).await.unwrap();
    assert_eq!(house.arrival().await.message.call_id(), b"before");
    let mut inside = connect_from(&house, "127.0.0.1:0".parse().unwrap()).await;
    house.door.change_rows(one_address());
    is_reset(&mut old).await;
    house.closed().await;
    let mut new = connect_from(&house, "127.0.0.2:0".parse().unwrap()).await;
    is_reset(&mut new).await;
    inside.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut inside).await, b"\r\n", "who is inside notices nothing");
}

#[tokio::test]
async fn a_connection_with_a_call_goes_on_for_that_call_alone_and_is_reset_when_it_is_over() {
    let house = house(Default::default(), Patience::default()).await;
    let mut old = connect_from(&house, "127.0.0.2:0".parse().unwrap()).await;
    old.write_all(&request("OPTIONS", "before")).await.unwrap();
    let flow = house.arrival().await.flow;
    house.gate.set_established([(Service::Sip, flow.remote)]);
    house.door.change_rows(one_address());
    old.write_all(&request("INVITE", "new")).await.unwrap();
    old.write_all(&response()).await.unwrap();
    assert_eq!(house.arrival().await.message.call_id(), b"ours");
    house.gate.set_established([]);
    house.door.reset_refused();
    is_reset(&mut old).await;
}
