//! What does not work at the moment, and since when: told by events, forgotten when they tell that it is mended. Shown by
//! `status`, `check` and the dashboard. Not here: what is wrong with the configuration (`check`).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use api::body::{Check, Finding, Trouble, Weight};
use model::Wall;
use model::event::{self, Event};
use store::Store;

/// Handles of files below which it is told that they run out: a call takes four.
const FEW_HANDLES: u64 = 64;
const DISK_CURE: &str =
    "free space on the disk of the data folder, or mend it; what waits in memory is written then";
const HANDLES_CURE: &str =
    "see who holds connections (ringwall status), and raise LimitNOFILE= of the service";

/// Parts whose writer says when it can write again.
const WRITERS: [&str; 3] = [store::RECORDS, store::REGISTRATIONS, store::BLOCKS];

/// The list.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<BTreeMap<&'static str, (Wall, String)>>);

impl Troubles {
    /// An event passes by.
    pub fn see(&self, event: &Event) {
        let is = |kind| std::ptr::eq(event.kind, kind);
        let failed = is(&raw const event::STORE_FAILED);
        if !failed && !is(&raw const event::STORE_MENDED) {
            return;
        }
        let field = |name: &str| event.fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
        let Some(part) = field("what").and_then(|what| WRITERS.into_iter().find(|part| part == what)) else {
            return;
        };
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failed {
            list.entry(part).or_insert((event.at, field("why").cloned().unwrap_or_default()));
        } else {
            list.remove(part);
        }
    }

    /// All of now.
    pub fn list(&self, store: &Store) -> Vec<Trouble> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let trouble = |part: &str, since, why, cure: &str| Trouble {
            part: part.to_owned(),
            since,
            why,
            cure: cure.to_owned(),
        };
        let written = told.into_iter().map(|(part, (since, why))| trouble(part, Some(since), why, DISK_CURE));
        let mut all: Vec<Trouble> = written.collect();
        if store.logs().is_refused() {
            all.push(trouble("logs", None, "the disk refuses lines".to_owned(), DISK_CURE));
        }
        let (open, allowed) = net::handles_of_files();
        if open.saturating_add(FEW_HANDLES) >= allowed {
            let why = format!("{open} are open and {allowed} are allowed");
            all.push(trouble("file handles", None, why, HANDLES_CURE));
        }
        all
    }
}

/// The findings of a check, with what does not work before them.
pub fn first(troubles: Vec<Trouble>, mut check: Check) -> Check {
    let found = |trouble: Trouble| Finding {
        id: format!("trouble.{}", trouble.part.replace(' ', "-")),
        weight: Weight::High,
        what: match trouble.since {
            Some(since) => format!("{} has failed since {since}: {}", trouble.part, trouble.why),
            None => format!("{}: {}", trouble.part, trouble.why),
        },
        cure: trouble.cure,
    };
    let mut findings: Vec<Finding> = troubles.into_iter().map(found).collect();
    findings.append(&mut check.findings);
    Check { findings, ..check }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_listed_since_its_first_failure_until_it_is_mended() {
        let troubles = Troubles::default();
        let told = |kind, what: &str, at| {
            let at = Wall::from_millis(at);
            troubles.see(&Event::new(kind, at).with("what", what).with("why", "database or disk is full"));
        };
        let parts = || -> Vec<_> {
            troubles.0.lock().unwrap().iter().map(|(part, (since, _))| (*part, since.as_millis())).collect()
        };
        told(&event::STORE_FAILED, "registrations", 1);
        told(&event::STORE_FAILED, "registrations", 2);
        told(&event::STORE_FAILED, "call records", 3);
        // Whoever does not say when it is mended is not listed for ever.
        told(&event::STORE_FAILED, "certificates", 4);
        assert_eq!(parts(), [("call records", 3), ("registrations", 1)]);
        told(&event::STORE_MENDED, "registrations", 5);
        assert_eq!(parts(), [("call records", 3)]);
    }
}
