//! The views over the socket.

use model::record::{CallRecord, CallResult, Direction};
use model::{CallId, Id, Wall};

use super::{Fake, house};
use crate::letters::{MailTrial, MailTried};
use crate::views::body::{DialPlanRow, Firewall};
use crate::{Author, Problem, Views};

/// A record of the fake's history.
pub(super) fn record(number: u128) -> CallRecord {
    CallRecord {
        id: CallId(Id::from_bits(number)),
        from: "=cmd()".into(),
        to: "102".into(),
        direction: Direction::Internal,
        started: Wall::from_millis(1_000),
        answered: None,
        ended: Some(Wall::from_millis(2_000)),
        duration_s: 0.0,
        result: Some(CallResult::Busy),
        reason: "declined, by \"102\"".into(),
        route: String::new(),
        quality: None,
    }
}

impl Views for Fake {
    async fn call(&self, call: CallId) -> Result<CallRecord, Problem> {
        Ok(record(call.0.bits()))
    }
    async fn dial_plan(&self) -> Result<Vec<DialPlanRow>, Problem> {
        Ok(Vec::new())
    }
    async fn firewall(&self) -> Result<Firewall, Problem> {
        Ok(Firewall { rows: Vec::new(), pending: None })
    }
    async fn confirm(&self, _: Author) -> Result<(), Problem> {
        Ok(())
    }
    async fn revert(&self, _: Author) -> Result<(), Problem> {
        Err(Problem::not_found("nothing waits"))
    }
}

impl crate::Letters for Fake {
    async fn try_mail(&self, author: Author, trial: MailTrial) -> Result<MailTried, Problem> {
        self.asked((author, &trial));
        let to = trial.to.unwrap_or_default();
        Ok(MailTried { to, server: "mail.example.test:587".into(), said: "250 fine".into() })
    }
    async fn tell_user(
        &self,
        author: Author,
        extension: String,
    ) -> Result<crate::letters::UserTold, Problem> {
        self.asked((author, &extension));
        Err(Problem::not_found("there is no such extension"))
    }
}

#[tokio::test]
async fn history_comes_as_pages_as_a_table_and_as_the_command_lines_array() {
    let house = house("history");
    let page =
        house.ask("GET /api/v1/history?order=newest&limit=2&search=a%26b&direction=internal", "").await;
    let link = page.lines().find(|line| line.starts_with("link: ")).expect("a next page");
    assert!(
        link.contains("/api/v1/history?direction=internal&search=a%26b&order=newest&limit=2&after="),
        "{link}"
    );
    assert_eq!(page.matches("\"id\"").count(), 2, "{page}");
    assert!(house.asked().contains("limit: Some(3)"), "{}", house.asked());
    let whole = house.ask("GET /api/v1/history?limit=3", "").await;
    assert!(!whole.contains("link: "), "{whole}");
    let table = house.ask("GET /api/v1/history.csv?limit=1", "").await;
    assert!(table.contains("attachment") && table.contains("id,started,answered"), "{table}");
    assert!(table.contains(",'=cmd(),102,internal,0.000,busy,\"declined, by \"\"102\"\"\",\r\n"), "{table}");
    for bad in ["order=up", "order=newest&limit=0", "after=x", "direction=up", "order=newest&limit=1001"] {
        let answer = house.ask(&format!("GET /api/v1/history?{bad}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bad}: {answer}");
    }
    let story = house.ask(&format!("GET /api/v1/history/{}", Id::from_bits(7)), "").await;
    assert!(story.contains("It found the line busy"), "{story}");
    assert!(house.ask("GET /api/v1/history/x", "").await.starts_with("HTTP/1.1 404 "));
}
