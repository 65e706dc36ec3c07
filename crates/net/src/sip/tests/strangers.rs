//! What connections of strangers may hold together.

use std::sync::atomic::Ordering;

use super::super::Sent;
use super::*;

#[tokio::test]
async fn strangers_half_messages_take_little_room_together_and_give_it_back() {
    let patience = Patience { unproven_pending_of_all: 2_000, ..Patience::default() };
    let house = house(Limits::default(), patience).await;
    let whole = String::from_utf8(request("OPTIONS", "half")).unwrap();
    let half = whole.replace("Length: 0\r\n\r\n", &format!("Length: 9000\r\n\r\n{}", "x".repeat(600)));
    let begin = async |words: &str| {
        let mut stream = TcpStream::connect(house.address(Transport::Tcp)).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        stream
    };
    let held = async |bytes: usize| {
        let is_so = async {
            while house.door.halves.load(Ordering::Relaxed) != bytes {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, is_so).await.unwrap();
    };
    let first = begin(&half).await;
    let mut other = begin(&format!("{whole}{half}")).await;
    held(2 * half.len()).await;
    assert!(read(&mut begin(&half).await).await.is_empty(), "there is no room for it");
    drop(first);
    held(half.len()).await;
    house.door.flows().prove(house.arrival().await.flow.id);
    other.write_all(b"x").await.unwrap();
    held(0).await;
    let _fourth = begin(&half).await;
    held(half.len()).await;
}

#[tokio::test]
async fn few_messages_wait_for_a_stranger_and_more_for_who_has_signed_in() {
    let house = house(Limits::default(), Patience::default()).await;
    for (has_signed_in, expected) in [(false, 16), (true, 64)] {
        let mut stream = TcpStream::connect(house.address(Transport::Tcp)).await.unwrap();
        stream.write_all(&request("OPTIONS", "one")).await.unwrap();
        let flow = house.arrival().await.flow;
        if has_signed_in {
            house.door.flows().prove(flow.id);
        }
        // None is written meanwhile: writer and test share a thread.
        let answer = bytes::Bytes::from_static(b"x");
        let sends = || house.door.flows().send(&flow, &answer) == Sent::Yes;
        assert_eq!((0..100).take_while(|_| sends()).count(), expected);
    }
}
