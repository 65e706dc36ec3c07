//! The signalling sockets with real peers on the loopback, and nobody behind the inbox.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use guard::{Gate, Limits};
use model::Transport;
use model::event::Event;
use model::live::BindingUpdate;
use model::record::RecordUpdate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::door::Received;
use super::{Door, Listeners, Patience, Wanted};
use crate::inbox::{self, Arrival, MAX_FRESH, Order, Tray};
use crate::tls::Shown;
use crate::{Clock, Effects};

mod rows;
mod strangers;
mod tls;

/// Long enough for a busy machine; a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Seen(Mutex<Vec<Event>>);

impl Effects for Seen {
    fn record(&self, _: RecordUpdate) {}
    fn binding(&self, _: BindingUpdate) {}
    fn ruling(&self, _: &guard::Ruling) {}
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

struct House {
    gate: Arc<Gate>,
    door: Arc<Door>,
    tray: Tray,
    listeners: Listeners,
    seen: Arc<Seen>,
}

fn wanted(transport: Transport, address: &str) -> Wanted {
    Wanted { service: guard::Service::Sip, transport, address: address.parse().unwrap() }
}

async fn house(limits: Limits, patience: Patience) -> House {
    let (inbox, tray) = inbox::inbox();
    let gate = Gate::open();
    let seen = Arc::<Seen>::default();
    let door = Door::new(
        gate.clone(),
        inbox,
        Clock::start(),
        seen.clone(),
        Shown::nothing().unwrap(),
        limits,
        patience,
    );
    let mut listeners = Listeners::new(door.clone());
    let both = [wanted(Transport::Udp, "127.0.0.1:0"), wanted(Transport::Tcp, "127.0.0.1:0")];
    listeners.prepare(&both).await.unwrap();
    listeners.commit().await;
    House { gate, door, tray, listeners, seen }
}

impl House {
    fn address(&self, transport: Transport) -> SocketAddr {
        let shown = self.listeners.shown();
        let listener = shown.iter().find(|listener| listener.transport == transport).unwrap();
        SocketAddr::new(listener.address, listener.port)
    }

    async fn arrival(&self) -> Arrival {
        let tray = &self.tray;
        let queues = [&tray.unknown.receiver, &tray.familiar.receiver, &tray.in_progress].map(Clone::clone);
        let wait = move || {
            let mut select = crossbeam_channel::Select::new();
            for queue in &queues {
                select.recv(queue);
            }
            select.ready_timeout(LONG).unwrap();
            queues.iter().find_map(|queue| queue.try_recv().ok()).unwrap()
        };
        tokio::task::spawn_blocking(wait).await.unwrap()
    }

    async fn closed(&self) {
        let orders = self.tray.orders.clone();
        let order = tokio::task::spawn_blocking(move || orders.recv_timeout(LONG)).await.unwrap();
        assert!(matches!(order, Ok(Order::Closed(_))));
    }
}

fn request(method: &str, call_id: &str) -> Vec<u8> {
    format!(
        "{method} sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport\r\nFrom: <sip:a@x>;tag=1\r\n\
         To: <sip:b@x>\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    let count = timeout(LONG, stream.read(&mut buffer)).await.unwrap().unwrap_or(0);
    buffer.truncate(count);
    buffer
}

async fn receive(socket: &UdpSocket) -> String {
    let mut buffer = vec![0; 4096];
    let count = timeout(LONG, socket.recv(&mut buffer)).await.unwrap().unwrap();
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

async fn udp_peer(house: &House) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(house.address(Transport::Udp)).await.unwrap();
    socket
}

#[tokio::test]
async fn a_datagram_arrives_with_its_flow_and_is_answered_on_it() {
    let house = house(Limits::default(), Patience::default()).await;
    let peer = udp_peer(&house).await;
    peer.send(b"\r\n\r\n").await.unwrap();
    peer.send(&request("OPTIONS", "one")).await.unwrap();
    let arrival = house.arrival().await;
    assert_eq!(arrival.message.call_id(), b"one");
    assert_eq!(arrival.flow.remote, peer.local_addr().unwrap());
    assert_eq!(arrival.flow.local, house.address(Transport::Udp));
    house.door.flows().send(&arrival.flow, &bytes::Bytes::from_static(b"answer"));
    assert_eq!(receive(&peer).await, "answer");
    let restored = house.door.flows().restored(Transport::Udp, arrival.flow.local, arrival.flow.remote);
    assert_eq!(restored, Some(arrival.flow));
}

#[tokio::test]
async fn a_wildcard_answers_from_the_address_that_was_asked() {
    let mut house = house(Limits::default(), Patience::default()).await;
    house
        .listeners
        .prepare(&[wanted(Transport::Udp, "0.0.0.0:0"), wanted(Transport::Udp, "[::]:0")])
        .await
        .unwrap();
    house.listeners.commit().await;
    for (shown, asked, from) in [(0, "127.0.3.7", "127.0.0.1:0"), (1, "::1", "[::1]:0")] {
        let port = house.listeners.shown()[shown].port;
        let asked = SocketAddr::new(asked.parse().unwrap(), port);
        let peer = UdpSocket::bind(from).await.unwrap();
        peer.send_to(&request("OPTIONS", "x"), asked).await.unwrap();
        let arrival = house.arrival().await;
        assert_eq!(arrival.flow.local, asked);
        // Longer than a packet of an Ethernet: it may be cut into fragments.
        let answer = bytes::Bytes::from(vec![b'x'; 9_000]);
        assert_eq!(house.door.flows().send(&arrival.flow, &answer), super::Sent::Yes);
        let mut buffer = vec![0; 10_000];
        let (count, source) = timeout(LONG, peer.recv_from(&mut buffer)).await.unwrap().unwrap();
        assert_eq!((count, source), (9_000, asked));
    }
}

#[tokio::test]
async fn a_malformed_request_is_answered_and_what_is_no_sip_is_dropped() {
    let house = house(Limits::default(), Patience::default()).await;
    let peer = udp_peer(&house).await;
    peer.send(b"\x16\x03\x01 not sip at all").await.unwrap();
    let bad = String::from_utf8(request("OPTIONS", "bad")).unwrap().replace("Length: 0", "Length: 99");
    peer.send(bad.as_bytes()).await.unwrap();
    assert!(receive(&peer).await.starts_with("SIP/2.0 400 "));
    let seen = house.seen.0.lock().unwrap();
    assert!(seen.iter().any(|event| event.kind.name == "sip.malformed"));
    assert!(seen.iter().all(|event| !event.line().contains("not sip at all")));
}

#[tokio::test]
async fn forged_sources_do_not_fill_the_log() {
    let house = house(Limits::default(), Patience::default()).await;
    for number in 0..20_000_u32 {
        let source = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into();
        house.door.report(&model::event::MALFORMED, source, |event| event);
    }
    house.door.report(&model::event::CONNECTION_REFUSED, "192.0.2.1".parse().unwrap(), |event| event);
    let seen = house.seen.0.lock().unwrap();
    assert!(seen.len() < 5_000, "{}", seen.len());
    assert_eq!(seen.last().unwrap().kind.name, "net.connection-refused");
}

#[tokio::test]
async fn whom_the_gate_denies_gets_neither_datagram_nor_connection() {
    let house = house(Limits::default(), Patience::default()).await;
    house.gate.block("127.0.0.2/32".parse().unwrap());
    let denied = UdpSocket::bind("127.0.0.2:0").await.unwrap();
    denied.send_to(&request("OPTIONS", "denied"), house.address(Transport::Udp)).await.unwrap();
    let peer = udp_peer(&house).await;
    peer.send(&request("OPTIONS", "allowed")).await.unwrap();
    assert_eq!(house.arrival().await.message.call_id(), b"allowed");
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stream = socket.connect(house.address(Transport::Tcp)).await.unwrap();
    assert!(read(&mut stream).await.is_empty());
    assert_eq!(house.gate.counts().denied, 2);
}

#[tokio::test]
async fn a_stream_is_framed_and_pings_are_answered() {
    let house = house(Limits::default(), Patience::default()).await;
    let mut stream = TcpStream::connect(house.address(Transport::Tcp)).await.unwrap();
    stream.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut stream).await, b"\r\n");
    let two = [request("OPTIONS", "one"), request("OPTIONS", "two")].concat();
    stream.write_all(&two[..100]).await.unwrap();
    stream.write_all(&two[100..]).await.unwrap();
    let first = house.arrival().await;
    assert_eq!(first.message.call_id(), b"one");
    assert_eq!(house.arrival().await.message.call_id(), b"two");
    house.door.flows().send(&first.flow, &bytes::Bytes::from_static(b"answer"));
    assert_eq!(read(&mut stream).await, b"answer");
    assert_eq!(house.door.open_connections(), 1);
    house.door.flows().close(first.flow.id);
    assert!(read(&mut stream).await.is_empty());
    house.closed().await;
    assert_eq!(house.door.open_connections(), 0);
}

#[tokio::test]
async fn broken_framing_ends_the_connection() {
    let house = house(Limits::default(), Patience::default()).await;
    let mut stream = TcpStream::connect(house.address(Transport::Tcp)).await.unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00 TLS on the wrong port\r\n\r\n").await.unwrap();
    assert!(read(&mut stream).await.is_empty());
    house.closed().await;
}

#[tokio::test]
async fn a_source_has_so_many_connections_and_no_more() {
    let limits = Limits { total: 10, per_source: 2, unproven_per_source: 2, unproven: 10 };
    let house = house(limits, Patience::default()).await;
    let address = house.address(Transport::Tcp);
    let mut streams = Vec::new();
    for number in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"\r\n\r\n").await.unwrap();
        assert_eq!(read(&mut stream).await, b"\r\n", "{number}");
        streams.push(stream);
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    assert!(read(&mut third).await.is_empty());
    drop(streams.pop());
    house.closed().await;
    let mut fourth = TcpStream::connect(address).await.unwrap();
    fourth.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut fourth).await, b"\r\n");
}

#[tokio::test]
async fn half_a_message_an_idle_stranger_and_a_talkative_one_are_cut_off() {
    let short = Duration::from_millis(50);
    let patience = Patience { message: short, unproven: short, unproven_bytes: 2_000, ..Patience::default() };
    let house = house(Limits::default(), patience).await;
    for sent in [&b""[..], b"OPTIONS sip:x SIP", b"\r\n\r\n"] {
        let mut stream = TcpStream::connect(house.address(Transport::Tcp)).await.unwrap();
        stream.write_all(sent).await.unwrap();
        while !read(&mut stream).await.is_empty() {}
        house.closed().await;
    }
    let patience = Patience { unproven_bytes: 300, ..Patience::default() };
    let house = self::house(Limits::default(), patience).await;
    let mut stream = TcpStream::connect(house.address(Transport::Tcp)).await.unwrap();
    stream.write_all(&request("OPTIONS", "one")).await.unwrap();
    let first = house.arrival().await;
    house.door.flows().prove(first.flow.id);
    for number in 0..4 {
        stream.write_all(&request("OPTIONS", &format!("{number}"))).await.unwrap();
        house.arrival().await;
    }
    let mut stranger = TcpStream::connect(house.address(Transport::Tcp)).await.unwrap();
    stranger
        .write_all(
            &[request("OPTIONS", "one"), request("OPTIONS", "two"), request("OPTIONS", "three")].concat(),
        )
        .await
        .unwrap();
    while !read(&mut stranger).await.is_empty() {}
    house.closed().await;
}

#[tokio::test]
async fn pings_do_not_keep_a_stranger_s_connection() {
    let patience = Patience { unproven: Duration::from_millis(200), ..Patience::default() };
    let house = house(Limits::default(), patience).await;
    let (mut reader, mut writer) =
        TcpStream::connect(house.address(Transport::Tcp)).await.unwrap().into_split();
    let pings = tokio::spawn(async move {
        while writer.write_all(b"\r\n\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut buffer = [0; 64];
    let until_closed = async { while reader.read(&mut buffer).await.is_ok_and(|count| count > 0) {} };
    timeout(LONG, until_closed).await.unwrap();
    house.closed().await;
    pings.await.unwrap();
}

#[tokio::test]
async fn a_stranger_s_half_message_takes_little_room() {
    let patience = Patience { unproven_pending: 1_000, ..Patience::default() };
    let house = house(Limits::default(), patience).await;
    let mut stream = TcpStream::connect(house.address(Transport::Tcp)).await.unwrap();
    let whole = String::from_utf8(request("OPTIONS", "large")).unwrap();
    let half = whole.replace("Length: 0\r\n\r\n", &format!("Length: 9000\r\n\r\n{}", "x".repeat(2_000)));
    stream.write_all(half.as_bytes()).await.unwrap();
    while !read(&mut stream).await.is_empty() {}
    house.closed().await;
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_dropped() {
    let house = house(Limits::default(), Patience::default()).await;
    let mut stream = TcpStream::connect(house.address(Transport::Tcp)).await.unwrap();
    stream.write_all(&request("OPTIONS", "one")).await.unwrap();
    let flow = house.arrival().await.flow;
    let answer = bytes::Bytes::from(vec![b'x'; 60_000]);
    let mut sent = 0;
    while house.door.flows().send(&flow, &answer) == super::Sent::Yes {
        sent += 1;
        assert!(sent < 100_000, "the queue has no end");
        tokio::task::yield_now().await;
    }
    assert_eq!(house.door.flows().send(&flow, &answer), super::Sent::Closed);
}

#[tokio::test]
async fn a_change_that_cannot_bind_leaves_all_as_it_was() {
    let mut house = house(Limits::default(), Patience::default()).await;
    let before = house.listeners.shown();
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let change = [
        wanted(Transport::Tcp, "127.0.0.1:0"),
        Wanted {
            service: guard::Service::Sip,
            transport: Transport::Udp,
            address: taken.local_addr().unwrap(),
        },
    ];
    let error = house.listeners.prepare(&change).await.unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    assert_eq!(house.listeners.shown(), before);
    let peer = udp_peer(&house).await;
    peer.send(&request("OPTIONS", "still")).await.unwrap();
    assert_eq!(house.arrival().await.message.call_id(), b"still");
}

#[tokio::test]
async fn a_listener_moves_from_one_address_to_all_and_back_on_its_port() {
    let mut house = house(Limits::default(), Patience::default()).await;
    for transport in [Transport::Udp, Transport::Tcp] {
        let port = house.address(transport).port();
        let wildcard = wanted(transport, &format!("0.0.0.0:{port}"));
        house.listeners.prepare(&[wildcard]).await.unwrap();
        house.listeners.roll_back().await;
        assert_eq!(house.address(transport).ip().to_string(), "127.0.0.1");
        house.listeners.prepare(&[wildcard]).await.unwrap();
        house.listeners.commit().await;
        assert_eq!(house.address(transport), wildcard.address);
        let both = [wanted(Transport::Udp, "127.0.0.1:0"), wanted(Transport::Tcp, "127.0.0.1:0")];
        house.listeners.prepare(&both).await.unwrap();
        house.listeners.commit().await;
    }
}

#[tokio::test]
async fn what_does_not_fit_any_more_is_told_to_come_back_later() {
    let house = house(Limits::default(), Patience::default()).await;
    let peer = udp_peer(&house).await;
    let mut told = None;
    for number in 0..inbox::MAX_FRESH + 1_000 {
        peer.send(&request("INVITE", &format!("{number}"))).await.unwrap();
        let mut buffer = [0; 2_000];
        tokio::task::yield_now().await;
        if let Ok(count) = peer.try_recv(&mut buffer) {
            told = Some(String::from_utf8(buffer[..count].to_vec()).unwrap());
            break;
        }
    }
    let told = match told {
        Some(told) => told,
        None => receive(&peer).await,
    };
    assert!(told.starts_with("SIP/2.0 503 "), "{told}");
    assert!(told.contains("Retry-After: ") && told.contains("To: <sip:b@x>;tag="), "{told}");
    assert_eq!(house.tray.unknown.receiver.len(), inbox::MAX_FRESH);
}

#[tokio::test]
async fn strangers_are_dropped_unread_when_neither_room_nor_a_refusal_is_left() {
    let house = house(Limits::default(), Patience::default()).await;
    let (door, invite) = (&house.door, request("INVITE", "new"));
    let remote: SocketAddr = "127.0.0.1:5070".parse().unwrap();
    let flow = |transport| model::Flow {
        id: model::FlowId(1),
        transport,
        local: house.address(Transport::Udp),
        remote,
    };
    let entrance = door.admit(remote, house.address(Transport::Udp)).unwrap();
    let comes = |transport, bytes: &[u8]| {
        door.receive(&entrance, flow(transport), bytes::Bytes::copy_from_slice(bytes))
    };
    for _ in 0..MAX_FRESH {
        assert!(
            !door.drops_unread(remote.ip(), &invite)
                && matches!(comes(Transport::Udp, &invite), Received::Taken)
        );
    }
    assert!(!door.drops_unread(remote.ip(), &invite), "it is refused");
    let Received::Answer(Some(refusal)) = comes(Transport::Udp, &invite) else { panic!("no refusal") };
    assert!(refusal.starts_with(b"SIP/2.0 503 "));
    // Taken from the far future: none is back now.
    assert!(door.refusals.take(model::Mono::from_nanos(u64::MAX / 2)));
    assert!(door.drops_unread(remote.ip(), &invite));
    assert!(matches!(comes(Transport::Udp, &invite), Received::Answer(None)));
    assert!(matches!(comes(Transport::Tcp, &invite), Received::Answer(Some(_))), "nobody repeats it there");
    let text = String::from_utf8(invite).unwrap();
    let inside = text.replace("To: <sip:b@x>", "To: <sip:b@x>;tag=2");
    assert!(!door.drops_unread(remote.ip(), inside.as_bytes()));
    assert!(
        matches!(comes(Transport::Udp, inside.as_bytes()), Received::Answer(None)),
        "anybody can write a tag"
    );
    door.expect(remote.ip());
    assert!(matches!(comes(Transport::Udp, inside.as_bytes()), Received::Taken));
    assert_eq!(house.tray.in_progress.len(), 1);
    assert_eq!(door.inbox.shed().messages(), 5);
}
