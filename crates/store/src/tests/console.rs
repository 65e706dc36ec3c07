//! What the console keeps: what is forgotten stays forgotten, and what was done stays beside any number of refusals.

use super::*;
use crate::console::{NewAudit, StoredSession, StoredToken};

#[test]
fn what_was_ended_does_not_come_back_with_a_late_last_use() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let console = store.console();
        let session = |key: &str| StoredSession {
            key_hash: key.to_owned(),
            person: "anna".to_owned(),
            login: "anna".to_owned(),
            credential: "old".to_owned(),
            address: "192.0.2.7".to_owned(),
            agent: String::new(),
            since: Wall::from_millis(1),
            seen: Wall::from_millis(1),
        };
        let token = |id: &str| StoredToken {
            id: id.to_owned(),
            key_hash: format!("hash of {id}"),
            body: "{}".to_owned(),
            used: None,
        };
        for name in ["ended", "kept"] {
            console.keep_session(&session(name)).await.unwrap();
            console.keep_token(&token(name)).await.unwrap();
        }
        console.forget_session("ended").await.unwrap();
        console.forget_token("ended").await.unwrap();
        for name in ["ended", "kept"] {
            let (address, seen) = ("192.0.2.8".to_owned(), Wall::from_millis(2));
            console.touch_session(&StoredSession { address, seen, ..session(name) }).await.unwrap();
            let credential = "new".to_owned();
            console.renew_session(&StoredSession { credential, ..session(name) }).await.unwrap();
            console.touch_token(name, Wall::from_millis(2)).await.unwrap();
        }
        let sessions = console.sessions().await.unwrap();
        let [kept] = &sessions[..] else { panic!("{sessions:?}") };
        assert_eq!(
            (kept.key_hash.as_str(), kept.credential.as_str(), kept.address.as_str(), kept.seen),
            ("kept", "new", "192.0.2.8", Wall::from_millis(2))
        );
        let tokens = console.tokens().await.unwrap();
        assert_eq!(tokens, [StoredToken { used: Some(Wall::from_millis(2)), ..token("kept") }]);
        store.close().await;
    });
}

#[test]
fn refusals_have_a_bound_of_their_own_and_push_out_nothing_that_was_done() {
    run(async {
        let scratch = Scratch::new();
        let store = open(&scratch).await.store;
        let console = store.console();
        let row = |outcome: &str| NewAudit { outcome: outcome.to_owned(), ..NewAudit::default() };
        console.add_audit(&row("done")).await.unwrap();
        let mut writer = console.0.writer().await;
        sqlx::query(
            "WITH RECURSIVE numbers(number) AS (SELECT 2 UNION ALL SELECT number + 1 FROM numbers WHERE number < 101998) \
             INSERT INTO audit (number, happened, author, action, object, detail, address, outcome) \
             SELECT number, 0, 'eyes', '', '', '', '', 'refused' FROM numbers",
        )
        .execute(&mut *writer)
        .await
        .unwrap();
        drop(writer);
        console.add_audit(&row("failed")).await.unwrap();
        console.add_audit(&row("done")).await.unwrap();
        let rows = console.audit(None, None, 200_000).await.unwrap();
        let done: Vec<i64> =
            rows.iter().filter(|row| row.row.outcome == "done").map(|row| row.number).collect();
        assert_eq!((rows.len(), done), (100_002, vec![102_000, 1]));
        store.close().await;
    });
}
