//! Host names in address groups: looked up again when their time is over, their last good addresses kept for a day, also
//! over a restart (SPEC R4.1). Nobody waits for a name server but who asked for a change. Not here: what the addresses
//! are good for (`firewall`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::body::Trouble;
use model::Wall;
use model::config::Office;
use model::event::{self, Event};
use net::{Addresses, Names};
use store::{KeptHost, Store};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::desk::Desk;
use super::notes::names_in_use;
use super::now;

/// How long last good addresses are kept (SPEC R4.1).
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// Names are looked up again no sooner and no later than this, whatever their zone says: a TTL of zero must not make
/// work without end, one of a week must not hide a move.
const SOONEST: Duration = Duration::from_secs(5);
const LATEST: Duration = Duration::from_secs(3_600);
/// After failures in a row the next try waits at most this long.
const LATEST_RETRY: Duration = Duration::from_secs(300);
/// Names asked at the same time: a name server on the same network answers thousands a second.
const AT_ONCE: usize = 16;
/// What was last seen is written again after this time though it is the same, so that a day is counted from about then.
const REWRITTEN: Duration = Duration::from_secs(1_800);
/// A name that the office does not use is kept for this long after it was seen: a change may be under way that needs it.
const SPARED: Duration = Duration::from_secs(120);

/// Names shown as trouble: a dead name server is seen by the first.
const TROUBLES_SHOWN: usize = 16;

/// What is known of the host names in use.
pub struct Hosts {
    store: Store,
    book: Mutex<Book>,
    /// The office has other names now.
    changed: Notify,
}

impl Hosts {
    /// What was known before a restart.
    pub fn restore(store: Store, kept: Vec<KeptHost>) -> Hosts {
        Hosts { store, book: Mutex::new(Book::restore(kept, now())), changed: Notify::new() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The addresses that these names have, as far as is known.
    pub fn addresses<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<IpAddr> {
        let book = self.book();
        names
            .into_iter()
            .filter_map(|name| book.hosts.get(name))
            .flat_map(|host| host.addresses.clone())
            .collect()
    }

    /// The names of `office` that lead nowhere as far as is known.
    pub fn unresolved(&self, office: &Office) -> Vec<String> {
        let book = self.book();
        let leads = |name: &String| book.hosts.get(name).is_some_and(|host| !host.addresses.is_empty());
        names_in_use(office).into_iter().filter(|name| !leads(name)).collect()
    }

    /// The names in use that no name server tells of at the moment.
    pub fn troubles(&self) -> Vec<Trouble> {
        let used = names_in_use(&self.store.office());
        let book = self.book();
        let trouble = |(name, host): (&String, &Host)| {
            let (since, why) = host.failing.clone()?;
            let cure = "mend the name server or the name; its last good addresses stay in force for a day";
            let part = format!("host name {name}");
            Some(Trouble { part, since: Some(since), why, cure: cure.to_owned() })
        };
        let failing = book.hosts.iter().filter(|(name, _)| used.contains(*name)).filter_map(trouble);
        failing.take(TROUBLES_SHOWN).collect()
    }

    /// The office may use other names now.
    pub fn look_again(&self) {
        self.changed.notify_one();
    }

    /// Keeps the names of the office known, as long as the server runs.
    pub async fn look_after(self: Arc<Hosts>, desk: Arc<Desk>) {
        loop {
            let used = names_in_use(&self.store.office());
            let due = self.book().due(&used, now());
            self.look_up(due).await;
            let forgotten = self.book().forget(&used, now());
            for name in &forgotten {
                self.tell(Event::new(&event::HOST_FORGOTTEN, now()).with("host", name));
            }
            desk.refresh_rows().await;
            self.keep().await;
            let wait = self.book().next(&used, now());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Asks for the addresses of `names`. Takes 5 s for each sixteen of them at the most.
    pub async fn look_up(&self, names: Vec<String>) {
        for some in names.chunks(AT_ONCE) {
            // Read anew each time: an administrator who mends the system's settings need not restart anything.
            let resolver = Names::of_system().map(Arc::new);
            let mut asked = JoinSet::new();
            for name in some.iter().cloned() {
                let resolver = resolver.clone();
                asked.spawn(async move {
                    let found = match &resolver {
                        Ok(names) => names.addresses_of(&name).await,
                        Err(why) => Err(why.to_string()),
                    };
                    (name, found)
                });
            }
            while let Some(answered) = asked.join_next().await {
                // A lookup that panicked has found nothing, and is tried again.
                if let Ok((name, found)) = answered {
                    self.note(name, found);
                }
            }
        }
    }

    fn note(&self, name: String, found: Result<Addresses, String>) {
        let event = match found {
            Ok(found) => {
                let list: Vec<String> = found.found.iter().map(IpAddr::to_string).collect();
                let moved = self.book().found(&name, found, now());
                moved.then(|| Event::new(&event::HOST_MOVED, now()).with("addresses", list.join(" ")))
            }
            Err(why) => {
                let first = self.book().failed(&name, &why, now());
                first.then(|| Event::new(&event::HOST_UNRESOLVED, now()).with("why", why))
            }
        };
        if let Some(event) = event {
            self.tell(event.with("host", name));
        }
    }

    fn tell(&self, event: Event) {
        self.store.logs().write(event);
    }

    async fn keep(&self) {
        let Some(list) = self.book().to_keep(now()) else { return };
        // What can't be written now is written when the names are next looked up; the disk's trouble is told elsewhere.
        if self.store.keep_hosts(list).await.is_ok() {
            self.book().kept(now());
        }
    }
}

/// What is known, and when to look again; told the time.
#[derive(Default)]
struct Book {
    hosts: BTreeMap<String, Host>,
    /// When it was last written, and whether something changed since.
    written: Wall,
    is_dirty: bool,
}

#[derive(Clone, Debug, Default)]
struct Host {
    addresses: Vec<IpAddr>,
    seen: Wall,
    due: Wall,
    failures: u32,
    /// Since when it fails, and why.
    failing: Option<(Wall, String)>,
}

impl Book {
    fn restore(kept: Vec<KeptHost>, now: Wall) -> Book {
        let good = kept.into_iter().filter(|host| now.saturating_since(host.seen) < KEPT);
        let host = |kept: KeptHost| {
            (kept.name, Host { addresses: kept.addresses, seen: kept.seen, ..Host::default() })
        };
        Book { hosts: good.map(host).collect(), ..Book::default() }
    }

    /// The names that are to be looked up now.
    fn due(&self, used: &BTreeSet<String>, now: Wall) -> Vec<String> {
        let is_due = |name: &&String| {
            // A time further away than any wait is one of before the clock was set back.
            self.hosts.get(*name).is_none_or(|host| host.due <= now || host.due > now.after(LATEST))
        };
        used.iter().filter(is_due).cloned().collect()
    }

    /// True: it leads elsewhere than before.
    fn found(&mut self, name: &str, found: Addresses, now: Wall) -> bool {
        let host = self.hosts.entry(name.to_owned()).or_default();
        let moved = host.addresses != found.found;
        let due = now.after(found.ttl.clamp(SOONEST, LATEST));
        *host = Host { addresses: found.found, seen: now, due, failures: 0, failing: None };
        self.is_dirty |= moved;
        moved
    }

    /// True: it is the first failure in a row.
    fn failed(&mut self, name: &str, why: &str, now: Wall) -> bool {
        let host = self.hosts.entry(name.to_owned()).or_default();
        let wait = SOONEST.saturating_mul(1 << host.failures.min(10)).min(LATEST_RETRY);
        host.failures = host.failures.saturating_add(1);
        host.failing.get_or_insert_with(|| (now, why.to_owned()));
        host.due = now.after(wait);
        host.failures == 1
    }

    /// Drops names that nobody uses, and addresses that were good for the last time a day ago; the names of these.
    fn forget(&mut self, used: &BTreeSet<String>, now: Wall) -> Vec<String> {
        let before = self.hosts.len();
        self.hosts.retain(|name, host| used.contains(name) || now.saturating_since(host.seen) < SPARED);
        self.is_dirty |= self.hosts.len() != before;
        let mut forgotten = Vec::new();
        for (name, host) in &mut self.hosts {
            if !host.addresses.is_empty() && now.saturating_since(host.seen) >= KEPT {
                host.addresses.clear();
                self.is_dirty = true;
                forgotten.push(name.clone());
            }
        }
        forgotten
    }

    /// How long until the next of these names is due.
    fn next(&self, used: &BTreeSet<String>, now: Wall) -> Duration {
        let hosts = used.iter().filter_map(|name| self.hosts.get(name));
        let due = hosts.map(|host| host.due.saturating_since(now)).min();
        due.unwrap_or(LATEST).clamp(Duration::from_millis(100), LATEST)
    }

    fn to_keep(&self, now: Wall) -> Option<Vec<KeptHost>> {
        let is_old = !self.hosts.is_empty() && now.saturating_since(self.written) >= REWRITTEN;
        let kept = |(name, host): (&String, &Host)| KeptHost {
            name: name.clone(),
            addresses: host.addresses.clone(),
            seen: host.seen,
        };
        let good = self.hosts.iter().filter(|(_, host)| !host.addresses.is_empty());
        (self.is_dirty || is_old).then(|| good.map(kept).collect())
    }

    fn kept(&mut self, now: Wall) {
        (self.written, self.is_dirty) = (now, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Wall {
        Wall::from_millis(1_800_000_000_000).after(Duration::from_secs(seconds))
    }

    fn leads_to(address: &str, ttl: u64) -> Addresses {
        Addresses { found: vec![address.parse().unwrap()], ttl: Duration::from_secs(ttl) }
    }

    fn used() -> BTreeSet<String> {
        BTreeSet::from(["a.test".to_owned()])
    }

    const DAY: u64 = 86_400;

    #[test]
    fn a_name_is_looked_up_again_when_its_time_is_over() {
        let mut book = Book::default();
        assert_eq!(book.due(&used(), at(0)), ["a.test"]);
        assert!(book.found("a.test", leads_to("192.0.2.1", 60), at(0)));
        assert!(book.due(&used(), at(59)).is_empty());
        assert_eq!(book.next(&used(), at(0)), Duration::from_secs(60));
        assert_eq!(book.due(&used(), at(60)), ["a.test"]);
        assert!(!book.found("a.test", leads_to("192.0.2.1", 60), at(60)), "it is where it was");
        assert!(book.found("a.test", leads_to("192.0.2.2", 0), at(120)));
        assert!(book.due(&used(), at(124)).is_empty(), "a TTL of zero is not heeded to the letter");
        book.found("a.test", leads_to("192.0.2.2", 999_999), at(200));
        assert_eq!(book.due(&used(), at(200 + 3_600)), ["a.test"], "nor one of weeks");
        let set_back = at(0);
        book.found("a.test", leads_to("192.0.2.2", 60), at(DAY));
        assert_eq!(book.due(&used(), set_back), ["a.test"], "the clock was set back");
    }

    #[test]
    fn the_last_good_addresses_stay_for_a_day_and_not_longer() {
        let mut book = Book::default();
        book.found("a.test", leads_to("192.0.2.1", 60), at(0));
        assert!(book.failed("a.test", "no answer", at(60)), "the first failure is told");
        assert!(!book.failed("a.test", "no answer", at(65)), "the next ones are not");
        assert!(book.due(&used(), at(70)).is_empty(), "and are further apart");
        assert!(book.forget(&used(), at(DAY - 1)).is_empty());
        assert_eq!(book.hosts["a.test"].addresses.len(), 1);
        assert_eq!(book.forget(&used(), at(DAY)), ["a.test"]);
        assert!(book.hosts["a.test"].addresses.is_empty());
        assert!(book.forget(&used(), at(DAY + 1)).is_empty(), "told once");
    }

    #[test]
    fn a_restart_keeps_what_is_not_older_than_a_day() {
        let kept = |name: &str, seen| KeptHost {
            name: name.to_owned(),
            addresses: vec!["192.0.2.1".parse().unwrap()],
            seen,
        };
        let book = Book::restore(vec![kept("a.test", at(0)), kept("b.test", at(10))], at(DAY + 5));
        assert_eq!(book.hosts.keys().collect::<Vec<_>>(), ["b.test"]);
        assert_eq!(
            book.due(&BTreeSet::from(["b.test".to_owned()]), at(DAY + 5)),
            ["b.test"],
            "but asks at once"
        );
    }

    #[test]
    fn what_changed_is_written_and_nothing_else_but_now_and_then() {
        let mut book = Book::default();
        book.found("a.test", leads_to("192.0.2.1", 60), at(0));
        assert_eq!(book.to_keep(at(0)).unwrap().len(), 1);
        book.kept(at(0));
        book.found("a.test", leads_to("192.0.2.1", 60), at(60));
        assert!(book.to_keep(at(60)).is_none());
        assert_eq!(book.to_keep(at(1_800)).unwrap()[0].seen, at(60));
        book.forget(&BTreeSet::new(), at(61));
        assert!(book.to_keep(at(61)).is_none(), "a change may need it");
        book.forget(&BTreeSet::new(), at(180));
        assert_eq!(book.to_keep(at(180)), Some(Vec::new()), "names that nobody uses go");
    }
}
