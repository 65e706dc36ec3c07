//! The pace of the audit trail. What is done is written always; of what is refused, a person or token gets some rows a minute, and
//! then one that says how many there were, so that nobody pushes out what he did by asking for what he may not.

use std::collections::HashMap;
use std::time::Duration;

use model::Wall;
use store::console::NewAudit;

/// Refused requests of one author that are written down one by one within [`MINUTE`].
const ONE_BY_ONE: u32 = 20;
/// How long they are counted together.
const MINUTE: Duration = Duration::from_secs(60);

/// Authors who were refused lately: people, tokens and users of the machine, of which there are so many as there are.
#[derive(Debug, Default)]
pub(super) struct Pace(HashMap<String, Lately>);

#[derive(Debug)]
struct Lately {
    ends: Wall,
    written: u32,
    more: u64,
    last: NewAudit,
}

/// What becomes of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is written.
    Written(NewAudit),
    /// It is counted; the first such one says after how long [`Pace::summary`] is to be asked for.
    Counted(Option<Duration>),
}

impl Pace {
    pub(super) fn judge(&mut self, row: NewAudit, now: Wall) -> Fate {
        if row.outcome == "done" {
            return Fate::Written(row);
        }
        // What waits for its summary is forgotten when that is asked for.
        self.0.retain(|_, lately| now < lately.ends || lately.more > 0);
        let begun = || Lately { ends: now.after(MINUTE), written: 0, more: 0, last: NewAudit::default() };
        let lately = self.0.entry(row.author.clone()).or_insert_with(begun);
        if lately.written < ONE_BY_ONE {
            lately.written = lately.written.saturating_add(1);
            return Fate::Written(row);
        }
        lately.more = lately.more.saturating_add(1);
        lately.last = row;
        Fate::Counted((lately.more == 1).then(|| lately.ends.saturating_since(now)))
    }

    /// One row for what was counted of `author`.
    pub(super) fn summary(&mut self, author: &str) -> Option<NewAudit> {
        let Lately { more, last, .. } = self.0.remove(author).filter(|lately| lately.more > 0)?;
        let requests =
            if more == 1 { "1 more request was".to_owned() } else { format!("{more} more requests were") };
        let detail = format!("{requests} refused within a minute; the last: {}", last.detail);
        Some(NewAudit { detail, ..last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(author: &str, outcome: &str, object: u32) -> NewAudit {
        let (author, outcome, object) = (author.to_owned(), outcome.to_owned(), object.to_string());
        NewAudit { author, outcome, object, detail: "not allowed".to_owned(), ..NewAudit::default() }
    }

    #[test]
    fn refused_rows_of_one_author_come_to_some_and_a_count_while_deeds_and_others_are_written() {
        let mut pace = Pace::default();
        let at = |ms| Wall::from_millis(ms);
        let mut written = 0;
        let mut asked = Vec::new();
        for number in 0..1_000 {
            match pace.judge(row("eyes", "refused", number), at(i64::from(number))) {
                Fate::Written(_) => written += 1,
                Fate::Counted(after) => asked.extend(after),
            }
        }
        assert_eq!((written, asked), (20, vec![Duration::from_millis(60_000 - 20)]));
        assert!(matches!(pace.judge(row("eyes", "done", 0), at(1_000)), Fate::Written(_)));
        assert!(matches!(pace.judge(row("other", "failed", 0), at(1_000)), Fate::Written(_)));
        let summary = pace.summary("eyes").unwrap();
        assert_eq!((summary.object.as_str(), summary.outcome.as_str()), ("999", "refused"));
        assert_eq!(summary.detail, "980 more requests were refused within a minute; the last: not allowed");
        assert_eq!(pace.summary("eyes"), None);
        assert!(matches!(pace.judge(row("eyes", "refused", 0), at(61_000)), Fate::Written(_)));
        assert_eq!(pace.0.len(), 1, "who was quiet for a minute is forgotten");
    }
}
