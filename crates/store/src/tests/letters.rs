use super::*;
use crate::{HeldRow, LetterRow};

fn held(number: u128, stands_for: u64) -> HeldRow {
    HeldRow {
        id: Id::from_bits(number),
        happened: Wall::from_millis(1_800_000_000_000),
        recipient: "it@example.test".to_owned(),
        line: format!("203.0.113.{number}: 5 failures'); DROP TABLE held_letters; --"),
        stands_for,
    }
}

fn digest(number: u128) -> LetterRow {
    LetterRow {
        id: Id::from_bits(number),
        recipient: "it@example.test".to_owned(),
        subject: "more blocks".to_owned(),
        body: "all of them".to_owned(),
        written: Wall::from_millis(1_800_000_000_000),
        tries: 0,
        due: Wall::from_millis(1_800_000_000_000),
    }
}

#[test]
fn what_waits_for_a_digest_is_bounded_on_the_disk_and_none_of_it_is_uncounted() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let letters = store.letters();
        for number in 1..=40 {
            letters.hold(&held(number, 1), 10).await.unwrap();
        }
        letters.hold(&held(41, 700), 10).await.unwrap();
        store.close().await;
        drop((letters, store));

        let store = open(&scratch).await.store;
        let letters = store.letters();
        let kept = letters.held().await.unwrap();
        assert_eq!(kept.len(), 10, "also after a restart");
        assert_eq!(kept[..9], (1..=9).map(|number| held(number, 1)).collect::<Vec<_>>(), "the eldest, whole");
        assert_eq!(kept[9], held(10, 731), "the last one stands for those that found no room");

        letters.fold(&[digest(50)]).await.unwrap();
        assert!(letters.held().await.unwrap().is_empty(), "told once");
        assert_eq!(letters.next().await.unwrap(), Some(digest(50)));
        letters.hold(&held(51, 1), 10).await.unwrap();
        assert_eq!(letters.held().await.unwrap(), [held(51, 1)], "there is room again");
        store.close().await;
    });
}
