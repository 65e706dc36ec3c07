//! The pulse: what the console sees while it happens. Every event passes by here; those that change what a page shows are
//! told to whoever listens, at most once a second, and failures are remembered for the attack view.
//!
//! Nobody asks in turns: without an event nothing is looked up, but for the quality of running calls.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::live::{Changed, Note, Resource};
use api::{Share, Shares};
use guard::{Attacks, Tried, View};
use ipnet::IpNet;
use model::Wall;
use model::event::{self, Event, Kind};
use tokio::sync::{Notify, broadcast};

use super::now;

/// Notes that wait for a slow listener before it is cut off; its page asks anew when it comes back.
const WAITING: usize = 32;
/// Listeners at once: each console window has one.
pub const MAX_LISTENERS: usize = 256;
/// Of these, of one person or token: more windows than anybody looks at, and nobody takes the rest from the others.
pub const MAX_OF_ONE: usize = 16;
/// Between two notes: faster than this nobody reads.
const PACE: Duration = Duration::from_secs(1);
/// Between two looks at the quality of running calls.
const QUALITY: Duration = Duration::from_secs(3);

/// What happens, for whoever listens.
pub struct Pulse {
    changed: AtomicU32,
    bell: Notify,
    notes: broadcast::Sender<Arc<Note>>,
    listeners: Arc<Shares>,
    attacks: Mutex<Attacks>,
}

impl Pulse {
    /// Nothing happened yet.
    pub fn new() -> Arc<Pulse> {
        Arc::new(Pulse {
            changed: AtomicU32::new(0),
            bell: Notify::new(),
            notes: broadcast::channel(WAITING).0,
            listeners: Shares::new(MAX_LISTENERS, MAX_OF_ONE),
            attacks: Mutex::default(),
        })
    }

    /// An event passes by.
    pub fn see(&self, event: &Event) {
        if let Some(resources) = concerned(event.kind) {
            let bits = resources.iter().fold(0, |bits, resource| bits | resource.bit());
            self.changed.fetch_or(bits, Ordering::Relaxed);
            if self.listeners.taken() > 0 {
                self.bell.notify_one();
            }
        }
        if super::drill::is_marked(event) {
            return;
        }
        if std::ptr::eq(event.kind, &raw const event::AUTHENTICATION_FAILED) {
            self.failed(event);
        } else if std::ptr::eq(event.kind, &raw const event::REGISTERED)
            && let (Some(line), Some(source)) = (field(event, "line"), source(event))
        {
            self.attacks().signed_in(line, source);
        }
    }

    fn failed(&self, event: &Event) {
        if let (Some(service), Some(account), Some(source)) =
            (field(event, "service"), field(event, "account"), source(event))
        {
            self.attacks().failed(event.at, Tried { service, account, source });
        }
    }

    /// The guard blocked somebody.
    pub fn blocked(&self, at: Wall, prefix: IpNet, account: Option<&str>) {
        self.attacks().blocked(at, prefix, account);
    }

    /// What was tried since then.
    pub fn tried(&self, since: Wall) -> View {
        self.attacks().view(now(), since)
    }

    /// Takes part in what is told, in the name of a person or token; `None`: too many do already. Who reads the state now misses
    /// nothing: what happens from here on is told.
    pub fn listen(&self, who: String) -> Option<Listener> {
        let share = self.listeners.take(who)?;
        let listener = Listener { notes: self.notes.subscribe(), _share: share };
        // Running calls are looked at from now on, also when nothing else happens.
        self.bell.notify_one();
        Some(listener)
    }

    /// Tells listeners what changed, as long as the server lives. `look` gives the state that goes with it.
    pub async fn beat<F: Future<Output = Option<State>>>(self: Arc<Pulse>, look: impl Fn() -> F) {
        let mut last = State::default();
        loop {
            let quiet = if last.calls.is_empty() { Duration::MAX } else { QUALITY };
            // Elapsed: running calls are looked at again.
            let _ = tokio::time::timeout(quiet, self.bell.notified()).await;
            if self.listeners.taken() == 0 {
                last = State::default();
                continue;
            }
            let changed = self.changed.swap(0, Ordering::Relaxed);
            let Some(state) = look().await else { return };
            if state.status != last.status {
                self.tell(Note::Status(state.status.clone()));
            }
            if state.calls != last.calls {
                self.tell(Note::Calls(state.calls.clone()));
            }
            let resources: Vec<Resource> =
                Resource::ALL.into_iter().filter(|resource| changed & resource.bit() != 0).collect();
            if !resources.is_empty() {
                self.tell(Note::Changed(Changed { resources }));
            }
            last = state;
            tokio::time::sleep(PACE).await;
        }
    }

    fn tell(&self, note: Note) {
        // Nobody listens any more: nothing is lost.
        let _ = self.notes.send(Arc::new(note));
    }

    fn attacks(&self) -> MutexGuard<'_, Attacks> {
        self.attacks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state that pages show, as JSON: what did not change is not told again.
#[derive(Debug, Default, PartialEq)]
pub struct State {
    /// `GET status` without what changes by itself.
    pub status: serde_json::Value,
    /// `GET calls`.
    pub calls: Vec<model::live::Call>,
}

/// Somebody who is told; leaving makes room.
pub struct Listener {
    notes: broadcast::Receiver<Arc<Note>>,
    _share: Share,
}

impl Listener {
    /// The next note; `None`: it was too slow, or the server ends.
    pub async fn next(&mut self) -> Option<Arc<Note>> {
        self.notes.recv().await.ok()
    }
}

/// What an event changes on the pages; `None`: nothing.
fn concerned(kind: &'static Kind) -> Option<&'static [Resource]> {
    const TABLE: &[(&Kind, &[Resource])] = &[
        (&event::REGISTERED, &[Resource::Registrations]),
        (&event::UNREGISTERED, &[Resource::Registrations]),
        (&event::CALL_STARTED, &[Resource::Calls]),
        (&event::CALL_ENDED, &[Resource::Calls, Resource::History]),
        (&event::CALL_TRANSFERRED, &[Resource::Calls]),
        (&event::AUTHENTICATION_FAILED, &[Resource::Attacks]),
        (&event::ADDRESS_BLOCKED, &[Resource::Blocks, Resource::Attacks]),
        (&event::ACCOUNT_REFUSED, &[Resource::Blocks, Resource::Attacks]),
        (&event::BLOCKED_BY_HAND, &[Resource::Blocks]),
        (&event::UNBLOCKED, &[Resource::Blocks]),
        (&event::LOCKED, &[Resource::Lock]),
        (&event::UNLOCKED, &[Resource::Lock]),
        (&event::CONFIG_CHANGED, &[Resource::Revisions]),
        (&event::PASSWORD_CHANGED, &[Resource::Revisions]),
        (&event::FIREWALL_PENDING, &[Resource::Revisions]),
        (&event::FIREWALL_CONFIRMED, &[Resource::Revisions]),
        (&event::FIREWALL_REVERTED, &[Resource::Revisions]),
    ];
    TABLE.iter().find(|(known, _)| std::ptr::eq(*known, kind)).map(|(_, resources)| *resources)
}

fn field<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    event.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}

fn source(event: &Event) -> Option<std::net::IpAddr> {
    let text = field(event, "source")?;
    text.parse::<std::net::SocketAddr>().map(|socket| socket.ip()).ok().or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use model::live::{Call, CallState, Side};
    use model::{CallId, Id};

    use super::*;

    fn failure(source: &str) -> Event {
        let event = Event::new(&event::AUTHENTICATION_FAILED, Wall::from_millis(now().as_millis()));
        event.with("service", "sip").with("account", "101").with("source", source)
    }

    #[test]
    fn failures_are_remembered_by_their_address_whatever_the_port() {
        let pulse = Pulse::new();
        pulse.see(&failure("198.51.100.7:5060"));
        pulse.see(&failure("[::ffff:198.51.100.7]:5061"));
        pulse.see(&failure("nonsense"));
        let view = pulse.tried(Wall::from_millis(0));
        assert_eq!((view.addresses.len(), view.addresses[0].failures), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_listens_is_told_once_a_second_and_nobody_is_asked_for_before() {
        let pulse = Pulse::new();
        let looks = Arc::new(AtomicU32::new(0));
        let counted = looks.clone();
        tokio::spawn(pulse.clone().beat(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Some(State::default()) }
        }));
        pulse.see(&failure("198.51.100.7:5060"));
        tokio::time::sleep(PACE * 3).await;
        assert_eq!(looks.load(Ordering::Relaxed), 0);
        let mut listener = pulse.listen("admin".to_owned()).unwrap();
        for _ in 0..1_000 {
            pulse.see(&failure("198.51.100.7:5060"));
        }
        let Note::Changed(changed) = &*listener.next().await.unwrap() else { panic!("a change") };
        assert_eq!(changed.resources, [Resource::Attacks]);
        tokio::time::sleep(PACE * 10).await;
        assert!(looks.load(Ordering::Relaxed) <= 2);
        drop(listener);
        assert_eq!(pulse.listeners.taken(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_listener_is_told_of_running_calls_though_nothing_happens() {
        let pulse = Pulse::new();
        let looks = Arc::new(AtomicU32::new(0));
        let counted = looks.clone();
        tokio::spawn(pulse.clone().beat(move || {
            let look = counted.fetch_add(1, Ordering::Relaxed);
            // What is measured of the call is another thing each time.
            let jitter_ms = Some(f64::from(look));
            let call = Call {
                id: CallId(Id::from_bits(1)),
                from: "101".to_owned(),
                to: "102".to_owned(),
                state: CallState::Answered,
                started: now(),
                answered: Some(now()),
                caller_source: ([192, 0, 2, 1], 5060).into(),
                callee_source: None,
                caller: Side { jitter_ms, ..Side::default() },
                callee: Side::default(),
            };
            async { Some(State { calls: vec![call], ..State::default() }) }
        }));
        tokio::time::sleep(QUALITY * 3).await;
        assert_eq!(looks.load(Ordering::Relaxed), 0, "looked at for nobody");
        let mut listener = pulse.listen("admin".to_owned()).unwrap();
        for _ in 0..3 {
            let note = tokio::time::timeout(QUALITY * 2, listener.next()).await.expect("told in time");
            assert!(matches!(&*note.unwrap(), Note::Calls(calls) if calls.len() == 1));
        }
    }
}
