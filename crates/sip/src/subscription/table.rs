//! Who watches what: by subscription, by line, by connection, by topic.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use guard::Places;
use ipnet::IpNet;
use model::{FlowId, Mono};

use super::{Published, Subscription, SubscriptionId, Timer, Topic, Watch};
use crate::timers::Timers;

/// Timers below which the heap is not swept.
const SWEPT_FROM: usize = 1_024;

/// All subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    live: HashMap<SubscriptionId, Box<Subscription>, foldhash::fast::RandomState>,
    /// In the order in which they came.
    lines: HashMap<Arc<str>, Vec<SubscriptionId>, foldhash::fast::RandomState>,
    streams: HashMap<FlowId, Vec<SubscriptionId>, foldhash::fast::RandomState>,
    places: Places<SubscriptionId>,
    topics: HashMap<Topic, Watched, foldhash::fast::RandomState>,
    timers: Timers<(SubscriptionId, Timer)>,
    watches: VecDeque<Watch>,
}

#[derive(Debug, Default)]
struct Watched {
    /// `None`: `calls` has not said yet.
    state: Option<Published>,
    watchers: Vec<SubscriptionId>,
}

impl Subscriptions {
    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }

    pub(crate) fn find(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.live.get_mut(&id).map(Box::as_mut)
    }

    /// The subscriptions of a line, the oldest first.
    pub(crate) fn of_line(&self, line: &str) -> &[SubscriptionId] {
        self.lines.get(line).map(Vec::as_slice).unwrap_or_default()
    }

    /// The subscriptions on a stream connection.
    pub(crate) fn on_stream(&self, flow: FlowId) -> &[SubscriptionId] {
        self.streams.get(&flow).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn watchers(&self, topic: &Topic) -> &[SubscriptionId] {
        self.topics.get(topic).map(|watched| watched.watchers.as_slice()).unwrap_or_default()
    }

    /// Subscriptions of whoever is where `is_refused` says.
    pub(crate) fn at(&self, is_refused: impl Fn(IpAddr) -> bool) -> Vec<SubscriptionId> {
        let refused = self.live.values().filter(|watch| is_refused(watch.flow.remote.ip()));
        let mut ids: Vec<SubscriptionId> = refused.map(|watch| watch.id).collect();
        ids.sort_unstable();
        ids
    }

    /// Lines that watch.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Arc<str>> {
        self.lines.keys()
    }

    /// What is watched.
    pub(crate) fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.keys()
    }

    /// Subscriptions of whoever is within a network.
    pub(crate) fn within(&self, network: IpNet) -> Vec<SubscriptionId> {
        self.places.within(network).collect()
    }

    pub(crate) fn insert(&mut self, subscription: Subscription) {
        let id = subscription.id;
        self.places.add(subscription.flow.remote.ip(), id);
        if subscription.flow.transport.is_reliable() {
            self.streams.entry(subscription.flow.id).or_default().push(id);
        }
        self.lines.entry(Arc::clone(&subscription.line)).or_default().push(id);
        let watched = self.topics.entry(subscription.topic.clone()).or_default();
        if watched.watchers.is_empty() {
            self.watches.push_back(Watch::Began(subscription.topic.clone()));
        }
        watched.watchers.push(id);
        self.sweep();
        self.timers.set(subscription.looked_at, (id, Timer::Expiry));
        self.live.insert(id, Box::new(subscription));
    }

    pub(crate) fn remove(&mut self, id: SubscriptionId) -> Option<Subscription> {
        let subscription = *self.live.remove(&id)?;
        self.leave_stream(subscription.flow.id, id);
        self.places.remove(subscription.flow.remote.ip(), id);
        drop_from(&mut self.lines, &subscription.line, id);
        if let Some(watched) = self.topics.get_mut(&subscription.topic) {
            watched.watchers.retain(|other| *other != id);
            if watched.watchers.is_empty() {
                self.topics.remove(&subscription.topic);
                self.watches.push_back(Watch::Ended(subscription.topic.clone()));
            }
        }
        Some(subscription)
    }

    /// The subscription's dialog runs over another flow from now on.
    pub(crate) fn move_to(&mut self, id: SubscriptionId, flow: model::Flow) {
        let Some(subscription) = self.live.get_mut(&id) else { return };
        let old = std::mem::replace(&mut subscription.flow, flow);
        self.leave_stream(old.id, id);
        self.places.remove(old.remote.ip(), id);
        self.places.add(flow.remote.ip(), id);
        if flow.transport.is_reliable() {
            self.streams.entry(flow.id).or_default().push(id);
        }
    }

    fn leave_stream(&mut self, flow: FlowId, id: SubscriptionId) {
        drop_from(&mut self.streams, &flow, id);
    }

    /// Takes in a topic's state. False: nobody watches it, or it is what it was.
    pub(crate) fn set_state(&mut self, topic: &Topic, state: Published) -> bool {
        let Some(watched) = self.topics.get_mut(topic).filter(|w| w.state.as_ref() != Some(&state)) else {
            return false;
        };
        watched.state = Some(state);
        true
    }

    pub(crate) fn state(&self, topic: &Topic) -> Option<&Published> {
        self.topics.get(topic)?.state.as_ref()
    }

    pub(crate) fn next_watch(&mut self) -> Option<Watch> {
        self.watches.pop_front()
    }

    pub(crate) fn set_timer(&mut self, at: Mono, id: SubscriptionId, timer: Timer) {
        self.timers.set(at, (id, timer));
    }

    pub(crate) fn next_wake(&self) -> Option<Mono> {
        self.timers.next()
    }

    pub(crate) fn due(&mut self, now: Mono) -> Option<(Mono, (SubscriptionId, Timer))> {
        self.timers.due(now)
    }

    /// Drops the timers of subscriptions that are gone, before they are most of the heap: a phone that subscribes and
    /// unsubscribes in turn would fill it.
    fn sweep(&mut self) {
        let needed = self.live.len().saturating_mul(2);
        if self.timers.len() > needed.saturating_mul(2).saturating_add(SWEPT_FROM) {
            self.timers.retain(|(id, _)| self.live.contains_key(id));
        }
    }
}

/// Takes an id out of a list, and the list away if that was its last.
fn drop_from<K: Eq + std::hash::Hash>(
    lists: &mut HashMap<K, Vec<SubscriptionId>, foldhash::fast::RandomState>,
    key: &K,
    id: SubscriptionId,
) {
    if let Some(list) = lists.get_mut(key) {
        list.retain(|other| *other != id);
        if list.is_empty() {
            lists.remove(key);
        }
    }
}
