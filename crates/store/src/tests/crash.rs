use model::live::BindingUpdate;
use model::record::RecordUpdate;

use super::*;
use crate::Log;
use model::history::HistoryQuery;

#[test]
fn an_acknowledged_change_is_in_a_copy_taken_without_closing() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let mut copies = Vec::new();
        for revision in 1..=20_u64 {
            apply(&opened.store, &format!("[system]\nname = \"Name {revision}\"\n{TWO}")).await;
            copies.push((revision, scratch.copy()));
        }
        for (revision, copy) in copies {
            let office = open(&copy).await.store.office();
            assert_eq!(office.revision, revision);
            assert_eq!(office.system.name, format!("Name {revision}"));
            assert_eq!(office.sip_passwords.len(), 2);
        }
    });
}

#[test]
fn a_copy_taken_while_changes_run_opens_whole_with_every_change_acknowledged_before() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let store = opened.store.clone();
        let working = tokio::spawn(async move {
            for number in 0..60 {
                let text = format!("[system]\nname = \"{number}\"\n[sip]\ndead_media = \"{}s\"", number + 1);
                apply(&store, &text).await;
                store.records().send(RecordUpdate::Closed(record(number, 1_000, Some(2_000))));
            }
        });
        let mut copies = Vec::new();
        while !working.is_finished() {
            let acknowledged = opened.store.office().revision;
            copies.push((acknowledged, scratch.copy()));
            tokio::task::yield_now().await;
        }
        working.await.unwrap();
        assert!(!copies.is_empty());
        // The first, the last and some between: each open checks the whole file.
        let step = (copies.len() / 8).max(1);
        for (acknowledged, copy) in copies.into_iter().step_by(step) {
            let office = open(&copy).await.store.office();
            assert!(office.revision >= acknowledged, "{} < {acknowledged}", office.revision);
            if office.revision > 0 {
                assert_eq!(office.system.name, (office.revision - 1).to_string());
                assert_eq!(office.sip.dead_media.0.as_secs(), office.revision, "never half taken");
            }
        }
    });
}

#[test]
fn calls_that_a_crash_cut_are_closed_as_failed_and_say_so() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let records = opened.store.records();
        let started = crate::wall().as_millis() - 60_000;
        records.send(RecordUpdate::Open(record(1, started, None)));
        let mut ringing = record(2, started, None);
        ringing.answered = None;
        records.send(RecordUpdate::Open(ringing));
        records.send(RecordUpdate::Closed(record(3, started, Some(started + 5_000))));
        let all = || async { opened.store.history(&HistoryQuery::default()).await.unwrap().len() == 3 };
        until("the records are stored", all).await;
        let copy = scratch.copy();
        let again = open(&copy).await;
        assert_eq!(again.recovered, 2);
        let history = again.store.history(&HistoryQuery::default()).await.unwrap();
        for record in &history[..2] {
            assert_eq!(record.result, Some(CallResult::Failed));
            assert_eq!(record.reason, "the server ended during the call");
            let ended = record.ended.unwrap().as_millis();
            assert!((started + 59_000..=crate::wall().as_millis()).contains(&ended));
        }
        assert!((58.0..120.0).contains(&history[0].duration_s), "{}", history[0].duration_s);
        assert_eq!(history[1].duration_s, 0.0);
        assert_eq!(history[2].result, Some(CallResult::Answered));
        again.store.logs().flush();
        let (lines, _) = again.store.log_reader().tail(Log::Warning, None, 10).unwrap();
        assert!(lines.iter().any(|line| line.text.ends_with("calls=2")), "{lines:?}");
        again.store.close().await;
        drop(again);
        assert_eq!(open(&copy).await.recovered, 0, "once");
    });
}

#[test]
fn a_registration_older_than_a_second_is_in_a_copy_taken_without_closing() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let later = crate::wall().after(Duration::from_secs(600));
        let binding = binding("101", "sip:101@127.0.0.1:5070", later);
        opened.store.bindings().send(BindingUpdate::Keep(std::sync::Arc::new(binding.clone())));
        let there = || async {
            let copy = scratch.copy();
            open(&copy).await.bindings.len() == 1
        };
        until("the registration is stored", there).await;
    });
}
