//! How subscriptions end by themselves, and what lost connections and a new directory do to them.

use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use model::directory::Directory;
use model::{Flow, FlowId, Mono, Transport};
use wire::sip::Uri;

use super::{Reason, Sending, SubscriptionId, Timer, Topic};
use crate::stack::Stack;

impl Stack {
    /// One due timer; false: none was due.
    pub(crate) fn wake_subscriptions(&mut self, now: Mono) -> bool {
        let Some((at, (id, timer))) = self.subscriptions.due(now) else { return false };
        match timer {
            Timer::Pace => {
                if let Some(paced) = self.subscriptions.find(id).filter(|s| s.sending == Sending::Paced) {
                    paced.sending = Sending::From(now);
                }
                self.notify_if_due(now, id);
            }
            Timer::Expiry => self.expire_subscription(now, id, at),
        }
        true
    }

    fn expire_subscription(&mut self, now: Mono, id: SubscriptionId, at: Mono) {
        let Some(subscription) = self.subscriptions.find(id).filter(|s| s.looked_at == at) else { return };
        if subscription.expires > now {
            let next = subscription.expires;
            subscription.looked_at = next;
            self.subscriptions.set_timer(next, id, Timer::Expiry);
        } else {
            self.end_subscription(now, id, Reason::Timeout);
        }
    }

    /// It lasts until `expires` now.
    pub(crate) fn prolong_subscription(&mut self, id: SubscriptionId, expires: Mono) {
        let Some(subscription) = self.subscriptions.find(id) else { return };
        subscription.expires = expires;
        if expires < subscription.looked_at {
            subscription.looked_at = expires;
            self.subscriptions.set_timer(expires, id, Timer::Expiry);
        }
    }

    /// The phone is reached over another flow now.
    pub(crate) fn move_subscription(&mut self, now: Mono, id: SubscriptionId, flow: Flow) {
        self.subscriptions.move_to(id, flow);
        if let Some(subscription) = self.subscriptions.find(id)
            && subscription.sending == Sending::Lost
        {
            (subscription.sending, subscription.due) = (Sending::From(now), true);
        }
    }

    /// A connection closed: what was watched over it waits for the phone to come back, as long as it would have lasted.
    pub(crate) fn lose_subscriptions(&mut self, flow: FlowId) {
        for id in self.subscriptions.on_stream(flow).to_vec() {
            if let Some(subscription) = self.subscriptions.find(id) {
                subscription.sending = Sending::Lost;
            }
        }
    }

    /// A phone proved who it is on a new connection: its lost subscriptions go on there, and tell what it missed.
    /// `contact` tells it from other phones of the line at the same address.
    pub(crate) fn recover_subscriptions(
        &mut self,
        now: Mono,
        line: &str,
        flow: Flow,
        contact: Option<&Uri<'_>>,
    ) {
        if flow.transport == Transport::Udp {
            return;
        }
        for id in self.subscriptions.of_line(line).to_vec() {
            let Some(subscription) = self.subscriptions.find(id) else { continue };
            let target = Uri::parse(subscription.dialog.remote_target.as_bytes()).ok();
            let its = subscription.sending == Sending::Lost
                && subscription.flow.remote.ip() == flow.remote.ip()
                && target.as_ref().and_then(Uri::sip).map(|uri| uri.host)
                    == contact.and_then(Uri::sip).map(|uri| uri.host);
            if its {
                self.move_subscription(now, id, flow);
                self.notify_if_due(now, id);
            }
        }
    }

    /// A phone proved itself at `flow`, having been registered from `old`: what it watches over datagrams follows it.
    pub(crate) fn follow_watcher(&mut self, now: Mono, line: &str, old: SocketAddr, flow: Flow) {
        if flow.transport != Transport::Udp || old == flow.remote {
            return;
        }
        for id in self.subscriptions.of_line(line).to_vec() {
            let its = self.subscriptions.find(id).is_some_and(|subscription| {
                subscription.flow.transport == Transport::Udp && subscription.flow.remote == old
            });
            if its {
                self.move_subscription(now, id, flow);
            }
        }
    }

    /// A line may not watch any more: it is gone, or its password changed.
    pub(crate) fn forget_subscriptions(&mut self, now: Mono, line: &str) {
        for id in self.subscriptions.of_line(line).to_vec() {
            self.end_subscription(now, id, Reason::Rejected);
        }
    }

    /// Whoever is shut out watches no more. He is not told: nothing is sent to where nothing is taken from.
    pub(crate) fn forget_refused_watchers(&mut self) {
        for id in self.subscriptions.at(|source| self.is_refused(source)) {
            self.subscriptions.remove(id);
        }
    }

    /// The same where only one network is newly refused: at the price of what is there.
    pub(crate) fn forget_watchers_within(&mut self, network: IpNet) {
        for id in self.subscriptions.within(network) {
            let flow = self.subscriptions.find(id).map(|subscription| subscription.flow);
            // Some of a refused network may be trusted.
            if flow.is_some_and(|flow| self.is_refused(flow.remote.ip())) {
                self.subscriptions.remove(id);
            }
        }
    }

    /// Another directory is in force: lines for which `is_changed` says so stop watching, and extensions that are gone
    /// are watched no more.
    pub(crate) fn review_subscriptions(
        &mut self,
        now: Mono,
        directory: &Directory,
        is_changed: impl Fn(&Arc<str>) -> bool,
    ) {
        let lines: Vec<Arc<str>> =
            self.subscriptions.lines().filter(|line| is_changed(line)).cloned().collect();
        for line in lines {
            self.forget_subscriptions(now, &line);
        }
        let is_gone = |topic: &&Topic| !directory.extensions.contains_key(&topic.extension);
        let topics: Vec<Topic> = self.subscriptions.topics().filter(is_gone).cloned().collect();
        for topic in topics {
            for id in self.subscriptions.watchers(&topic).to_vec() {
                self.end_subscription(now, id, Reason::NoResource);
            }
        }
    }

    /// Subscriptions alive.
    pub fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }
}
