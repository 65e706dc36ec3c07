use model::Secret;
use model::config::{Options, Secrets, export, new_password, rollback};

use super::*;
use crate::{CommitError, ReadError};

#[test]
fn a_commit_is_there_after_a_restart_with_everything_in_it() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let text = format!(
            "{TWO}[[extensions]]\nnumber = \"103\"\ndo_not_disturb = true\nforwarding = {{ busy = \"101\" }}\n\
             [sip]\ndead_media = \"5s\"\n"
        );
        let office = apply(&opened.store, &text).await;
        assert_eq!(office.revision, 1);
        opened.store.close().await;
        drop(opened);
        let again = open(&scratch).await.store.office();
        assert_eq!(again.revision, 1);
        assert_eq!(again.rows(), office.rows());
        assert_eq!(again.personal, office.personal);
        assert_eq!(again.sip_passwords, office.sip_passwords);
        assert_eq!(again.password_hashes, office.password_hashes);
        let hash = again.password_hashes["root"].expose();
        assert!(crate::passwords::verify(hash, &Secret::new("planted people phrase".into())));
        assert!(planned(&again, &text).is_empty());
        assert!(planned(&again, &export(&again, Secrets::Include)).is_empty());
    });
}

#[test]
fn planted_secrets_reach_no_file_no_revision_and_no_export() {
    run(async {
        let scratch = Scratch::new();
        let opened = open(&scratch).await;
        let store = &opened.store;
        let office = apply(store, TWO).await;
        let (plan, _, password) = new_password(&office, "102", None, &mut supply()).unwrap();
        let office = store.commit(plan, "tester", crate::wall()).await.unwrap();
        let mut shown = export(&office, Secrets::Omit);
        for revision in store.revisions().await.unwrap() {
            let detail = store.revision(revision.number).await.unwrap();
            shown.push_str(&serde_json::to_string(&detail).unwrap());
            shown.push_str(&format!("{detail:?}"));
        }
        shown.push_str(&format!("{store:?} {office:?}"));
        let refused = model::config::plan(
            &office,
            Source::Toml("t", "[[users]]\nlogin = \"root\"\nrole = \"full\"\npassword = [\"planted\"]"),
            &Options::default(),
            &mut supply(),
        );
        shown.push_str(&refused.unwrap_err().to_string());
        store.logs().flush();
        let planted = ["planted", password.expose()];
        assert!(planted.iter().all(|secret| !shown.contains(secret)), "{shown}");
        let check = |scratch: &Scratch| {
            for (path, bytes) in scratch.bytes() {
                for secret in planted.map(str::as_bytes) {
                    let found = bytes.windows(secret.len()).any(|window| window == secret);
                    assert!(!found, "a secret in {}", path.display());
                }
            }
        };
        check(&scratch);
        store.close().await;
        check(&scratch);
    });
}

#[test]
fn of_two_plans_from_one_base_the_second_is_stale() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let (one, two) =
            (planned(&store.office(), TWO), planned(&store.office(), "[sip]\ndead_media = \"9s\""));
        store.commit(one, "one", crate::wall()).await.unwrap();
        let refused = store.commit(two, "two", crate::wall()).await;
        assert!(matches!(refused, Err(CommitError::Stale { current: 1 })), "{refused:?}");
        assert_eq!(store.office().sip, model::config::Sip::default());
        let nothing = planned(&store.office(), TWO);
        assert_eq!(store.commit(nothing, "two", crate::wall()).await.unwrap().revision, 1);
    });
}

#[test]
fn revisions_tell_who_changed_what_and_can_be_gone_back_to() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let first = apply(&store, TWO).await;
        let renamed = "[[extensions]]\nnumber = \"201\"\nwas = \"101\"\nlines = [{ username = \"101\" }]\n\
                       [system]\nname = \"Else\"";
        let second = apply(&store, renamed).await;
        apply(&store, "[[address_groups]]\nname = \"Inside\"\nmembers = [\"10.0.0.0/8\"]").await;
        let list = store.revisions().await.unwrap();
        assert_eq!(list.iter().map(|revision| revision.number).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(list.iter().all(|revision| revision.author == "tester" && revision.changes > 0));
        let detail = store.revision(2).await.unwrap();
        assert!(detail.difference.contains(&"~ extension 201: renamed from 101".to_owned()), "{detail:?}");
        assert!(matches!(store.revision(9).await, Err(ReadError::NoRevision(9))));
        assert!(matches!(store.objects_at(4).await, Err(ReadError::NoRevision(4))));

        let sorted = |mut rows: Vec<model::config::Row>| {
            rows.sort_by_key(|row| (row.kind, row.id));
            rows
        };
        for (number, office) in [(1, &first), (2, &second)] {
            let rows = store.objects_at(number).await.unwrap();
            let then = Office::restore(number, rows).unwrap();
            assert_eq!(sorted(then.rows()), sorted(office.rows()));
        }
        let rows = store.objects_at(1).await.unwrap();
        let plan = rollback(&store.office(), rows, 1, &Options::default(), &mut supply()).unwrap();
        let back = store.commit(plan, "tester", crate::wall()).await.unwrap();
        assert_eq!(back.revision, 4);
        assert_eq!(sorted(back.rows()), sorted(first.rows()));
        assert_eq!(back.sip_passwords["101"], first.sip_passwords["101"], "today's secrets are kept");
        assert_ne!(
            back.sip_passwords["102"], first.sip_passwords["102"],
            "a line that was gone has a new one"
        );
        let nothing = Office::restore(0, store.objects_at(0).await.unwrap()).unwrap();
        assert_eq!(nothing.rows(), Office::default().rows());
    });
}

#[test]
fn a_change_is_told_to_who_watches_even_if_who_made_it_is_gone() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let mut watch = store.watch();
        watch.mark_unchanged();
        let plan = planned(&store.office(), TWO);
        let held = store.writer().await;
        tokio::select! {
            biased;
            _ = store.commit(plan, "tester", crate::wall()) => panic!("the writer is held"),
            // It has begun; its caller goes away.
            () = std::future::ready(()) => {}
        }
        drop(held);
        watch.changed().await.unwrap();
        assert_eq!(watch.borrow().revision, 1);
    });
}

#[test]
fn a_full_disk_refuses_a_change_whole_and_says_so() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let before = apply(&store, TWO).await;
        limit_pages(&store, Some(0)).await;
        let mut text = String::new();
        for number in 1_000..3_000 {
            text.push_str(&format!(
                "[[extensions]]\nnumber = \"{number}\"\nlines = [{{ username = \"{number}\" }}]\n"
            ));
        }
        let plan = model::config::plan(
            &before,
            Source::Toml("t", &text),
            &Options { mode: model::config::Mode::Merge, ..Options::default() },
            &mut supply(),
        );
        let refused = store.commit(plan.unwrap(), "tester", crate::wall()).await.unwrap_err();
        assert_eq!(refused.to_string(), "nothing was changed: the disk is full");
        assert_eq!(store.office().revision, 1);
        limit_pages(&store, None).await;
        apply(&store, "[system]\nname = \"It goes on\"").await;
        assert_eq!(store.revisions().await.unwrap().len(), 2);
    });
}

/// Forbids the database to grow beyond its size and some pages, or allows it again.
pub(super) async fn limit_pages(store: &Store, beyond: Option<i64>) {
    use sqlx::Row as _;
    let mut writer = store.writer().await;
    let count = sqlx::query("PRAGMA page_count").fetch_one(&mut *writer).await.unwrap();
    let most = beyond.map_or(1_000_000, |beyond| count.get::<i64, _>(0) + beyond);
    let pragma = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {most}"));
    sqlx::query(pragma).fetch_all(&mut *writer).await.unwrap();
}

#[test]
fn a_change_that_waits_is_there_after_a_restart_until_it_is_forgotten() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let pending = crate::PendingChange {
            back_to: 3,
            made: 4,
            until: Wall::from_millis(9),
            author: "alice".into(),
            address: "192.0.2.1".into(),
        };
        store.keep_pending(Some(&crate::PendingChange { back_to: 1, ..pending.clone() })).await.unwrap();
        store.keep_pending(Some(&pending)).await.unwrap();
        store.close().await;
        drop(store);
        let store = open(&scratch).await.store;
        assert_eq!(store.pending().await.unwrap(), Some(pending));
        store.keep_pending(None).await.unwrap();
        assert_eq!(store.pending().await.unwrap(), None);
    });
}
