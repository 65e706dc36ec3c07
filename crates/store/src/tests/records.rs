use model::event;
use model::history::{HistoryOrder, HistoryQuery};
use model::live::BindingUpdate;
use model::record::{CallQuality, LegQuality, RecordUpdate, StreamQuality};

use super::office::limit_pages;
use super::*;
use crate::Log;

async fn count(store: &Store) -> usize {
    store.history(&HistoryQuery::default()).await.unwrap().len()
}

#[test]
fn records_are_there_after_a_restart_and_are_found_by_number_time_and_result() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let records = opened.store.records();
        for number in 0..300 {
            let mut record = record(number, 1_000_000 + number as i64 * 1_000, Some(2_000_000));
            if number == 7 {
                record.result = Some(CallResult::NoAnswer);
            }
            records.send(RecordUpdate::Closed(record));
        }
        opened.store.close().await;
        drop(opened);
        let store = open(&scratch).await.store;
        let all = store.history(&HistoryQuery::default()).await.unwrap();
        assert_eq!(all.len(), 300);
        assert!(all.is_sorted_by_key(|record| record.started), "oldest first");
        assert_eq!(all[3], record(3, 1_003_000, Some(2_000_000)));
        let found = |query: HistoryQuery| async move {
            let records = store.history(&query).await.unwrap();
            (store, records.iter().map(|record| record.id.0.bits()).collect::<Vec<_>>())
        };
        let newest = HistoryQuery { limit: Some(2), ..HistoryQuery::default() };
        let (store, ids) = found(newest).await;
        assert_eq!(ids, [298, 299], "the newest, oldest first");
        let query = HistoryQuery {
            since: Some(Wall::from_millis(1_010_000)),
            until: Some(Wall::from_millis(1_014_000)),
            number: Some("102".into()),
            ..HistoryQuery::default()
        };
        let records = store.history(&query).await.unwrap();
        assert_eq!(records.iter().map(|record| record.id.0.bits()).collect::<Vec<_>>(), [10, 12]);
        let query = HistoryQuery { result: Some(CallResult::NoAnswer), ..HistoryQuery::default() };
        assert_eq!(store.history(&query).await.unwrap().len(), 1);
        let query = HistoryQuery { number: Some("101' OR '1'='1".into()), ..HistoryQuery::default() };
        assert_eq!(store.history(&query).await.unwrap().len(), 0);
    });
}

#[test]
fn a_call_shorter_than_a_batch_is_written_once_and_late_news_do_not_reopen_it() {
    let spool = crate::spool::Spool::new(10);
    let writer = crate::RecordWriter(std::sync::Arc::clone(&spool));
    writer.send(RecordUpdate::Open(record(1, 0, None)));
    writer.send(RecordUpdate::Closed(record(1, 0, Some(9_000))));
    writer.send(RecordUpdate::Open(record(1, 0, None)));
    spool.close();
    let taken = run(spool.next(Duration::ZERO, Duration::ZERO));
    let crate::spool::Taken::Batch(batch) = taken else { panic!("no batch") };
    assert_eq!(batch.into_values().collect::<Vec<_>>(), [record(1, 0, Some(9_000))]);
}

#[test]
fn a_record_is_written_when_it_opens_and_again_when_it_closes() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        store.records().send(RecordUpdate::Open(record(1, 5_000, None)));
        until("the open record is stored", || async { count(&store).await == 1 }).await;
        assert_eq!(store.history(&HistoryQuery::default()).await.unwrap()[0].ended, None);
        store.records().send(RecordUpdate::Closed(record(1, 5_000, Some(9_000))));
        let closed = || async { store.history(&HistoryQuery::default()).await.unwrap()[0].ended.is_some() };
        until("the closed record is stored", closed).await;
        assert_eq!(count(&store).await, 1);
    });
}

#[test]
fn how_the_media_of_a_call_was_is_kept_with_its_record_and_read_with_it_alone() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let direction = StreamQuality { packets: 90, loss_percent: Some(10.0), jitter_ms: Some(2.5) };
        let leg = LegQuality {
            codec: Some("PCMA".into()),
            encrypted: false,
            rtt_ms: Some(40.0),
            received: direction,
            sent: StreamQuality::default(),
        };
        let quality = Some(CallQuality { caller: None, callee: Some(leg) });
        store.records().send(RecordUpdate::Open(record(1, 5_000, None)));
        until("the open record is stored", || async { count(&store).await == 1 }).await;
        let closed = CallRecord { quality: quality.clone(), ..record(1, 5_000, Some(9_000)) };
        store.records().send(RecordUpdate::Closed(closed.clone()));
        store.records().send(RecordUpdate::Closed(record(2, 6_000, Some(9_000))));
        until("both are stored", || async { count(&store).await == 2 }).await;
        let id = closed.id;
        let kept =
            || async { store.record(id).await.unwrap().is_some_and(|record| record.quality == quality) };
        until("the quality is stored", kept).await;
        assert_eq!(store.record(record(2, 0, None).id).await.unwrap().unwrap().quality, None);
        let list = store.history(&HistoryQuery::default()).await.unwrap();
        assert!(list.iter().all(|record| record.quality.is_none()));
    });
}

#[test]
fn while_the_disk_is_full_records_wait_and_then_none_is_missing() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        limit_pages(&store, Some(0)).await;
        for number in 0..2_000 {
            store.records().send(RecordUpdate::Closed(record(number, 1_000, Some(3_000))));
        }
        let told = || async {
            store.logs().flush();
            !store.log_reader().tail(Log::Error, None, 10).unwrap().0.is_empty()
        };
        until("the outage is told", told).await;
        store.records().send(RecordUpdate::Closed(record(9_999, 1_000, Some(3_000))));
        limit_pages(&store, None).await;
        until("every record is stored", || async { count(&store).await == 2_001 }).await;
        assert_eq!(store.records().dropped(), 0);
        store.logs().flush();
        let (lines, _) = store.log_reader().tail(Log::Error, None, 10).unwrap();
        assert_eq!(lines.len(), 1, "once for the outage");
        assert_eq!(lines[0].event, event::STORE_FAILED.name);
        assert!(lines[0].text.contains("the disk is full"), "{}", lines[0].text);
    });
}

#[test]
fn beyond_the_limit_beginnings_are_dropped_and_counted_but_ends_still_have_room() {
    let spool = crate::spool::Spool::new(2);
    let writer = crate::RecordWriter(std::sync::Arc::clone(&spool));
    for number in 0..4 {
        writer.send(RecordUpdate::Open(record(number, 0, None)));
    }
    writer.send(RecordUpdate::Closed(record(0, 0, Some(9_000))));
    assert_eq!(writer.dropped(), 2);
    for number in 5..8 {
        writer.send(RecordUpdate::Closed(record(number, 0, Some(9_000))));
    }
    assert_eq!(writer.dropped(), 3);
    spool.close();
    let crate::spool::Taken::Batch(batch) = run(spool.next(Duration::ZERO, Duration::ZERO)) else { panic!() };
    let [ended, open] = [|number| record(number, 0, Some(9_000)), |number| record(number, 0, None)];
    assert_eq!(batch.into_values().collect::<Vec<_>>(), [ended(0), open(1), ended(5), ended(6)]);
}

#[test]
fn registrations_outlive_a_restart_until_they_run_out() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let later = crate::wall().after(Duration::from_secs(600));
        let keep = |binding: Binding| BindingUpdate::Keep(std::sync::Arc::new(binding));
        let writer = opened.store.bindings();
        let kept = binding("101", "sip:101@127.0.0.1:5070", later);
        writer.send(keep(kept.clone()));
        writer.send(keep(binding("102", "sip:102@127.0.0.1:5071", Wall::from_millis(1))));
        writer.send(keep(binding("103", "sip:103@127.0.0.1:5072", later)));
        writer.send(BindingUpdate::Remove { line: "103".into(), key: "sip:103@127.0.0.1:5072".into() });
        opened.store.close().await;
        drop(opened);
        let opened = open(&scratch).await;
        assert_eq!(opened.bindings, [kept]);
        let remove = BindingUpdate::Remove { line: "101".into(), key: "sip:101@127.0.0.1:5070".into() };
        opened.store.bindings().send(remove);
        opened.store.close().await;
        drop(opened);
        assert_eq!(open(&scratch).await.bindings, []);
    });
}

#[test]
fn a_damaged_file_of_registrations_is_begun_anew() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        apply(&opened.store, TWO).await;
        opened.store.close().await;
        drop(opened);
        fs::write(scratch.file("registrations.db"), vec![0x5a; 8_192]).unwrap();
        let opened = open(&scratch).await;
        assert!(opened.registrations_lost);
        assert_eq!(opened.store.office().extensions.len(), 2);
    });
}

#[test]
fn pages_of_history_hold_every_record_once_in_both_orders_whatever_is_filtered() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        for number in 0..30 {
            // Three calls began at each moment.
            let mut record = record(number, 1_000_000 + number as i64 / 3 * 1_000, Some(2_000_000));
            record.reason = if number == 7 { "100% _busy_!".into() } else { "plain".into() };
            opened.store.records().send(RecordUpdate::Closed(record));
        }
        opened.store.close().await;
        drop(opened);
        let store = open(&scratch).await.store;
        let bits = |records: &[model::record::CallRecord]| -> Vec<u128> {
            records.iter().map(|record| record.id.0.bits()).collect()
        };
        for (order, number) in [
            (HistoryOrder::Newest, None),
            (HistoryOrder::Oldest, None),
            (HistoryOrder::Newest, Some("102")),
            (HistoryOrder::Oldest, Some("102")),
        ] {
            let mut query = HistoryQuery { order, limit: Some(4), ..HistoryQuery::default() };
            query.number = number.map(str::to_owned);
            let whole = store.history(&HistoryQuery { limit: None, ..query.clone() }).await.unwrap();
            assert!(whole.len() >= 10, "{}", whole.len());
            let mut seen = Vec::new();
            loop {
                let page = store.history(&query).await.unwrap();
                let Some(last) = page.last() else { break };
                query.after = Some((last.started, last.id));
                seen.extend(bits(&page));
            }
            assert_eq!(seen, bits(&whole), "{order:?} {number:?}");
        }
        for (text, count) in [("0% _BUSY_!", 1), ("%", 1), ("pla_n", 0), ("PLAIN", 29), ("'", 0)] {
            let query = HistoryQuery { search: Some(text.into()), ..HistoryQuery::default() };
            assert_eq!(store.history(&query).await.unwrap().len(), count, "{text}");
        }
        let direction = Some(model::record::Direction::Outgoing);
        let query = HistoryQuery { direction, ..HistoryQuery::default() };
        assert!(store.history(&query).await.unwrap().is_empty());
        let known = store.record(record(7, 0, None).id).await.unwrap().unwrap();
        assert_eq!(known.reason, "100% _busy_!");
    });
}
