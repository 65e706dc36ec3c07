use std::net::{IpAddr, Ipv4Addr};

use super::*;

fn source(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
}

#[test]
fn where_phones_were_registered_is_known_after_a_restart_for_a_day_and_bounded() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let (now, day) = (crate::wall(), Duration::from_secs(86_400));
        let writer = store.known();
        writer.keep(source(0), Wall::from_millis(now.as_millis() - 86_500_000));
        for number in 1..=10 {
            writer.keep(source(number), now);
        }
        writer.keep("2001:db8::".parse().unwrap(), now.after(day));
        store.close().await;
        drop(store);

        let opened = open(&scratch).await;
        let kept: Vec<IpAddr> = opened.known.iter().map(|(source, _)| *source).collect();
        assert_eq!((kept.len(), kept.contains(&source(0))), (11, false), "{kept:?}");
        assert_eq!(opened.known.last(), Some(&("2001:db8::".parse().unwrap(), now.after(day))));
        let writer = opened.store.known();
        for half in 0..2_u32 {
            for number in 0..10_000 {
                writer
                    .keep(source(100 + half * 10_000 + number), now.after(Duration::from_secs(half.into())));
            }
            let closed = opened.store.known();
            assert!(eventually(|| closed.0.is_empty()).await);
        }
        opened.store.close().await;
        drop(opened);
        let opened = open(&scratch).await;
        assert_eq!(opened.known.len(), crate::known::MAX_KNOWN);
        assert!(opened.known.iter().any(|(known, _)| *known == source(20_099)), "the newest stay");
        opened.store.close().await;
    });
}

/// Whether it becomes true within some seconds.
async fn eventually(done: impl Fn() -> bool) -> bool {
    for _ in 0..1_000 {
        if done() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}
