use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::StoredBlock;

fn block(number: u32) -> StoredBlock {
    StoredBlock {
        name: format!("10.0.{}.{}/32", number / 250, number % 250),
        until: None,
        body: "{}".to_owned(),
    }
}

#[test]
fn who_blocks_by_hand_under_a_storm_of_blocks_is_told_that_his_is_on_the_disk() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let (writer, over) = (store.blocks(), Arc::new(AtomicBool::new(false)));
        let storm = {
            let (writer, over) = (writer.clone(), over.clone());
            std::thread::spawn(move || {
                let mut number = 0;
                while !over.load(Ordering::Relaxed) {
                    writer.keep(block(number % 2_000));
                    number += 1;
                }
            })
        };
        let mut told = true;
        for number in 0..3 {
            writer.keep(block(60_000 + number));
            told &= writer.written(Duration::from_secs(20)).await;
        }
        over.store(true, Ordering::Relaxed);
        storm.join().unwrap();
        assert!(told);
        assert!(writer.written(Duration::from_secs(20)).await, "also when the storm is over");
        store.close().await;
    });
}
