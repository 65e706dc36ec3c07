//! The table of bindings: by line, with expiry and keep-alives.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use guard::Source;
use model::directory::{Extension, Nat};
use model::live::{Binding, Registration};
use model::{Flow, FlowId, Mono, Now, Transport};

use crate::api::Target;
use crate::limits::MAX_CONTACTS_PER_LINE;
use crate::timers::Timers;

/// Timers below which the heap is not swept.
const SWEPT_FROM: usize = 1_024;

/// A binding of this process; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct EntryId(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Expiry,
    KeepAlive,
}

#[derive(Debug)]
struct Entry {
    id: EntryId,
    binding: Arc<Binding>,
    /// Where a call to it is sent; `None`: unreachable until the phone is back.
    flow: Option<Flow>,
    nat: Nat,
    expires: Mono,
    /// When its one expiry timer fires; a refresh leaves the timer alone and only moves `expires`.
    looked_at: Mono,
}

/// All bindings.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    lines: HashMap<Arc<str>, Vec<Entry>, foldhash::fast::RandomState>,
    ids: HashMap<EntryId, Arc<str>, foldhash::fast::RandomState>,
    streams: HashMap<FlowId, Vec<Arc<str>>, foldhash::fast::RandomState>,
    /// Phones by where they are, as the guard counts: an IPv6 network is one place.
    sources: HashMap<Source, u32, foldhash::fast::RandomState>,
    timers: Timers<(EntryId, Timer)>,
    latest: u64,
}

/// Whether a binding is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    New,
    Refreshed,
}

/// What a timer of the table brought.
#[derive(Debug)]
pub(crate) enum Due {
    Nothing,
    Expired(Arc<Binding>),
    KeepAlive(Flow),
}

impl Bindings {
    pub(crate) fn next_wake(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// Phones registered from this address, or from its IPv6 network, at the moment.
    pub(crate) fn standing_at(&self, source: IpAddr) -> u32 {
        self.sources.get(&Source::of(source)).copied().unwrap_or(0)
    }

    /// Whether a phone of this line registered over this very flow.
    pub(crate) fn is_signed_in(&self, line: &str, flow: &Flow) -> bool {
        let on = |own: &Flow| {
            let same = own.transport == flow.transport && own.remote == flow.remote;
            same && (own.id == flow.id || !own.transport.is_reliable())
        };
        self.lines.get(line).into_iter().flatten().any(|entry| entry.flow.as_ref().is_some_and(on))
    }

    /// The bindings of a line.
    pub(crate) fn of_line(&self, line: &str) -> impl Iterator<Item = &Arc<Binding>> {
        self.lines.get(line).into_iter().flatten().map(|entry| &entry.binding)
    }

    /// The bindings of a line with the time each has left; the wall clock, which may have jumped, has no say in it.
    pub(crate) fn lifetimes(&self, now: Mono, line: &str) -> impl Iterator<Item = (&Arc<Binding>, Duration)> {
        let entries = self.lines.get(line).into_iter().flatten();
        entries.map(move |entry| (&entry.binding, entry.expires.saturating_since(now)))
    }

    /// The binding of a line that `naming` means, if it is registered.
    pub(crate) fn find(&self, line: &str, naming: Naming<'_>) -> Option<&Arc<Binding>> {
        self.of_line(line).find(|binding| naming.means(binding))
    }

    /// Adds or refreshes a binding; returns those that it replaces or that had to make room.
    pub(crate) fn keep(
        &mut self,
        now: Now,
        binding: Arc<Binding>,
        flow: Option<Flow>,
        nat: Nat,
        keep_alive: Duration,
    ) -> (Kept, Vec<Arc<Binding>>) {
        let expires = now.mono.after(binding.expires.saturating_since(now.wall));
        let line = binding.line.clone();
        let old = self.take(&line, |entry| Naming::of(&binding).means(&entry.binding));
        if let Some(old) = old {
            if nat == Nat::On && old.nat == Nat::Off {
                self.timers.set(now.mono.after(keep_alive), (old.id, Timer::KeepAlive));
            }
            let entry = Entry { binding, flow, nat, expires, ..old };
            self.put(entry);
            return (Kept::Refreshed, Vec::new());
        }
        let mut gone: Vec<Arc<Binding>> = Vec::new();
        // A device that came over several flows (RFC 5626) and does no more leaves all of them.
        while let Some(same_device) = self.take(&line, |entry| is_same_device(&entry.binding, &binding)) {
            gone.push(self.forget(same_device));
        }
        if self.of_line(&line).count() >= MAX_CONTACTS_PER_LINE {
            // Phones that get a new port at each start leave their old contacts behind: the one to expire first goes.
            let first = self.lines.get(&line).into_iter().flatten().map(|entry| entry.expires).min();
            if let Some(oldest) = self.take(&line, |entry| Some(entry.expires) == first) {
                gone.push(self.forget(oldest));
            }
        }
        self.latest = self.latest.wrapping_add(1);
        let id = EntryId(self.latest);
        self.ids.insert(id, line);
        self.sweep();
        self.timers.set(expires, (id, Timer::Expiry));
        if nat == Nat::On {
            self.timers.set(now.mono.after(keep_alive), (id, Timer::KeepAlive));
        }
        self.put(Entry { id, binding, flow, nat, expires, looked_at: expires });
        (Kept::New, gone)
    }

    /// Removes the binding of a line that `naming` means.
    pub(crate) fn remove(&mut self, line: &str, naming: Naming<'_>) -> Option<Arc<Binding>> {
        let entry = self.take(line, |entry| naming.means(&entry.binding))?;
        Some(self.forget(entry))
    }

    /// Removes those bindings of a line.
    pub(crate) fn remove_if(&mut self, line: &str, which: impl Fn(&Binding) -> bool) -> Vec<Arc<Binding>> {
        let mut gone = Vec::new();
        while let Some(entry) = self.take(line, |entry| which(&entry.binding)) {
            gone.push(self.forget(entry));
        }
        gone
    }

    /// Removes all contacts of a line.
    pub(crate) fn remove_line(&mut self, line: &str) -> Vec<Arc<Binding>> {
        self.remove_if(line, |_| true)
    }

    /// Lines that have bindings.
    pub(crate) fn registered_lines(&self) -> impl Iterator<Item = &Arc<str>> {
        self.lines.keys()
    }

    /// A connection closed: the bindings on it can't be reached until their phones are back. Returns lines whose phone has
    /// another flow (RFC 5626), which is used instead.
    pub(crate) fn lose(&mut self, flow: FlowId) -> Vec<(Arc<str>, Flow)> {
        let mut spares = Vec::new();
        for line in self.streams.remove(&flow).unwrap_or_default() {
            for entry in self.lines.get_mut(&line).into_iter().flatten() {
                if entry.flow.is_some_and(|held| held.id == flow) {
                    entry.flow = None;
                }
            }
            let entries = self.lines.get(&line).map_or(&[][..], Vec::as_slice);
            let lost = entries.iter().filter(|entry| entry.flow.is_none()).filter_map(Entry::device);
            let spare = lost
                .filter_map(|device| first_flow_of(entries, device))
                .filter_map(|entry| entry.flow)
                .next();
            spares.extend(spare.map(|spare| (line, spare)));
        }
        spares
    }

    /// Whether anybody is registered over this connection.
    pub(crate) fn is_on(&self, flow: FlowId) -> bool {
        self.streams.contains_key(&flow)
    }

    /// The reachable contacts of an extension, preferred ones first.
    pub(crate) fn targets(&self, extension: &Extension) -> Vec<Target> {
        let lists = extension.lines.iter().filter_map(|line| self.lines.get(line));
        // Several flows of one phone are one phone: it rings on the first that lives.
        let rings = |entries: &[Entry], entry: &Entry| {
            entry
                .device()
                .is_none_or(|device| first_flow_of(entries, device).is_some_and(|first| first.id == entry.id))
        };
        let entries = lists.flat_map(|list| list.iter().filter(move |entry| rings(list, entry)));
        let mut targets: Vec<Target> = entries
            .filter_map(|entry| {
                let (uri, line) = (entry.binding.contact.clone(), entry.binding.line.clone());
                Some(Target { flow: entry.flow?, uri, line, nat: entry.nat, q: entry.binding.q })
            })
            .collect();
        targets.sort_by_key(|target| std::cmp::Reverse(target.q));
        targets
    }

    /// All bindings as the command line shows them, by line.
    pub(crate) fn list(&self, now: Now) -> Vec<Registration> {
        let entries = self.lines.values().flatten();
        let mut rows: Vec<Registration> = entries
            .map(|entry| Registration {
                extension: entry.binding.extension.to_string(),
                line: entry.binding.line.to_string(),
                contact: entry.binding.contact.clone(),
                source: entry.binding.source,
                transport: entry.binding.transport,
                user_agent: entry.binding.user_agent.clone(),
                registered: entry.binding.registered,
                expires_in_s: entry.expires.saturating_since(now.mono).as_secs_f64(),
                reachable: entry.flow.is_some(),
            })
            .collect();
        rows.sort_by(|a, b| (a.registered, &a.line, &a.contact).cmp(&(b.registered, &b.line, &b.contact)));
        rows
    }

    /// How many bindings came from such addresses.
    pub(crate) fn count_if(&self, such: impl Fn(IpAddr) -> bool) -> usize {
        self.lines.values().flatten().filter(|entry| such(entry.binding.source.ip())).count()
    }

    /// Takes the next due timer.
    pub(crate) fn due(&mut self, now: Mono, keep_alive: Duration) -> Option<Due> {
        let (at, (id, timer)) = self.timers.due(now)?;
        let Some(line) = self.ids.get(&id).cloned() else { return Some(Due::Nothing) };
        let entries = self.lines.get_mut(&line);
        let Some(entry) = entries.and_then(|entries| entries.iter_mut().find(|entry| entry.id == id)) else {
            return Some(Due::Nothing);
        };
        match timer {
            Timer::KeepAlive if entry.nat == Nat::Off => Some(Due::Nothing),
            Timer::KeepAlive => {
                self.timers.set(now.after(keep_alive), (id, Timer::KeepAlive));
                Some(entry.flow.map_or(Due::Nothing, Due::KeepAlive))
            }
            // A refresh with a shorter expiry has set another one.
            Timer::Expiry if entry.looked_at != at => Some(Due::Nothing),
            Timer::Expiry if entry.expires > now => {
                entry.looked_at = entry.expires;
                self.timers.set(entry.expires, (id, Timer::Expiry));
                Some(Due::Nothing)
            }
            Timer::Expiry => {
                let Some(entry) = self.take(&line, |entry| entry.id == id) else { return Some(Due::Nothing) };
                Some(Due::Expired(self.forget(entry)))
            }
        }
    }

    /// Takes an entry out of the line's list; it is put back or forgotten.
    fn take(&mut self, line: &str, which: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let entries = self.lines.get_mut(line)?;
        let place = entries.iter().position(which)?;
        let entry = entries.swap_remove(place);
        let shares = |other: &Entry| other.flow.map(|flow| flow.id) == entry.flow.map(|flow| flow.id);
        let still_there = entries.iter().any(shares);
        if entries.is_empty() {
            self.lines.remove(line);
        }
        let source = Source::of(entry.binding.source.ip());
        if let Some(count) = self.sources.get_mut(&source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.sources.remove(&source);
            }
        }
        if let Some(flow) = entry.flow.filter(|flow| flow.transport != Transport::Udp && !still_there)
            && let Some(lines) = self.streams.get_mut(&flow.id)
        {
            lines.retain(|other| **other != *line);
            if lines.is_empty() {
                self.streams.remove(&flow.id);
            }
        }
        Some(entry)
    }

    fn put(&mut self, mut entry: Entry) {
        if entry.expires < entry.looked_at {
            entry.looked_at = entry.expires;
            self.timers.set(entry.expires, (entry.id, Timer::Expiry));
        }
        let line = entry.binding.line.clone();
        let count = self.sources.entry(Source::of(entry.binding.source.ip())).or_insert(0);
        *count = count.saturating_add(1);
        if let Some(flow) = entry.flow.filter(|flow| flow.transport != Transport::Udp) {
            let lines = self.streams.entry(flow.id).or_default();
            if !lines.contains(&line) {
                lines.push(line.clone());
            }
        }
        // A line has one phone: a list that grows by itself would begin with room for four.
        self.lines.entry(line).or_insert_with(|| Vec::with_capacity(1)).push(entry);
    }

    /// Drops the timers of bindings that are gone, before they are most of the heap: a phone that registers and signs
    /// off in turn would fill it.
    fn sweep(&mut self) {
        let needed = self.ids.len().saturating_mul(2);
        if self.timers.len() > needed.saturating_mul(2).saturating_add(SWEPT_FROM) {
            self.timers.retain(|(id, _)| self.ids.contains_key(id));
        }
    }

    fn forget(&mut self, entry: Entry) -> Arc<Binding> {
        self.ids.remove(&entry.id);
        entry.binding
    }
}

impl Entry {
    /// The device that it is a flow of (RFC 5626).
    fn device(&self) -> Option<&str> {
        self.binding.outbound().map(|(instance, _)| instance)
    }
}

/// The flow on which a device is reached: that of the lowest `reg-id` that lives (RFC 5626 section 5.3: one at a time).
fn first_flow_of<'a>(entries: &'a [Entry], device: &str) -> Option<&'a Entry> {
    let flows = entries.iter().filter(|entry| entry.flow.is_some() && entry.device() == Some(device));
    flows.min_by_key(|entry| entry.binding.reg_id)
}

/// What a REGISTER calls a binding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming<'a> {
    /// The Contact URI.
    pub(crate) contact: &'a str,
    /// Device and `reg-id` of a flow, whatever its contact (RFC 5626 section 6).
    pub(crate) outbound: Option<(&'a str, u32)>,
}

impl Naming<'_> {
    fn of(binding: &Binding) -> Naming<'_> {
        Naming { contact: &binding.contact, outbound: binding.outbound() }
    }

    fn means(&self, binding: &Binding) -> bool {
        match self.outbound {
            Some(flow) => binding.outbound() == Some(flow),
            None => same_contact(&binding.contact, self.contact),
        }
    }
}

/// The same device that comes with another contact; a phone of several flows has one binding for each.
fn is_same_device(old: &Binding, new: &Binding) -> bool {
    let one_flow = old.reg_id.is_none() || new.reg_id.is_none();
    new.instance.is_some() && old.instance == new.instance && (one_flow || old.reg_id == new.reg_id)
}

/// Contacts are the same if their URIs are (RFC 3261 section 10.3, step 7).
fn same_contact(one: &str, other: &str) -> bool {
    use wire::sip::Uri;
    one == other
        || match (Uri::parse(one.as_bytes()), Uri::parse(other.as_bytes())) {
            (Ok(one), Ok(other)) => one.matches(&other),
            _ => false,
        }
}
