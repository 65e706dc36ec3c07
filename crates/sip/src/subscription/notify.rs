//! NOTIFY: the newest state to each subscriber, one at a time and not too often (RFC 6665 section 4.2.2).
//!
//! A change only marks the subscription; what is sent is the state at the time of sending. So a slow phone gets fewer
//! messages, never old ones.

use std::time::Duration;

use bytes::Bytes;
use model::{Mono, Now};
use wire::dialog_info::{self, Dialog, State};
use wire::sip::{Method, Name};

use super::{Published, Reason, Sending, Subscription, SubscriptionId, Timer, Topic};
use crate::limits::{MAX_NOTIFY_FAILURES, NOTIFY_PAUSE};
use crate::message;
use crate::session::Dialog as SipDialog;
use crate::stack::Stack;
use crate::transaction::client::{Branch, Owner};

impl Stack {
    /// The state of an extension, in one respect, is this now: whoever watches it is told. Nothing happens if nobody does.
    pub fn publish(&mut self, now: Now, extension: &std::sync::Arc<str>, state: Published) {
        let topic = Topic { package: state.package(), extension: std::sync::Arc::clone(extension) };
        if !self.subscriptions.set_state(&topic, state) {
            return;
        }
        for id in self.subscriptions.watchers(&topic).to_vec() {
            if let Some(subscription) = self.subscriptions.find(id) {
                subscription.due = true;
            }
            self.notify_if_due(now.mono, id);
        }
    }

    /// Sends what is due, unless something is under way or the last one was sent just now.
    pub(crate) fn notify_if_due(&mut self, now: Mono, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.find(id).filter(|subscription| subscription.due) else {
            return;
        };
        let (topic, ending) = (subscription.topic.clone(), subscription.ending);
        match subscription.sending {
            Sending::Paced | Sending::UnderWay | Sending::Lost => return,
            Sending::From(at) if at > now && ending.is_none() => {
                subscription.sending = Sending::Paced;
                return self.subscriptions.set_timer(at, id, Timer::Pace);
            }
            Sending::From(_) => {}
        }
        if self.subscriptions.state(&topic).is_none() {
            return;
        }
        match ending {
            Some(reason) => self.end_subscription(now, id, reason),
            None => self.send_active(now, id),
        }
    }

    fn send_active(&mut self, now: Mono, id: SubscriptionId) {
        let Some(subscription) = self.subscriptions.find(id) else { return };
        // Rounded up, as in answers to REGISTER.
        let left = subscription.expires.saturating_since(now).saturating_add(Duration::from_millis(999));
        let state = format!("active;expires={}", left.as_secs());
        let Some((branch, bytes)) = self.write_notify(id, &state, Body::Full) else { return };
        let Some(subscription) = self.subscriptions.find(id) else { return };
        let flow = subscription.destination();
        let owner = Owner::Notify(id, subscription.dialog.local_cseq);
        let opened = self.client.open(now, branch, flow, Method::Notify, owner, bytes.clone());
        if opened.is_err() {
            // Too much is under way: not now, and not lost either.
            let later = now.after(NOTIFY_PAUSE);
            subscription.sending = Sending::Paced;
            return self.subscriptions.set_timer(later, id, Timer::Pace);
        }
        (subscription.sending, subscription.due) = (Sending::UnderWay, false);
        subscription.paced = now.after(NOTIFY_PAUSE);
        self.send(flow, bytes);
    }

    /// The last NOTIFY; the subscription is gone. Nothing waits for it: whatever is under way is older by its CSeq.
    pub(crate) fn end_subscription(&mut self, now: Mono, id: SubscriptionId, reason: Reason) {
        let state = format!("terminated;reason={}", reason.text());
        let body = if reason.shows_state() { Body::Full } else { Body::None };
        let notify = self.write_notify(id, &state, body);
        let Some(subscription) = self.subscriptions.remove(id) else { return };
        if let Some((branch, bytes)) = notify
            && subscription.sending != Sending::Lost
        {
            let flow = subscription.destination();
            self.start_client(now, branch, flow, Method::Notify, Owner::Nobody, bytes);
        }
    }

    fn write_notify(&mut self, id: SubscriptionId, state: &str, body: Body) -> Option<(Branch, Bytes)> {
        let branch = Branch::random(&mut self.entropy);
        let domain = self.directory.domain.clone();
        let topic = self.subscriptions.find(id)?.topic.clone();
        let published = self.subscriptions.state(&topic).cloned();
        let subscription = self.subscriptions.find(id)?;
        subscription.dialog.local_cseq = subscription.dialog.local_cseq.saturating_add(1);
        let body = match body {
            Body::Full => published.map(|published| subscription.render(&published, &domain)),
            Body::None => None,
        };
        let SipDialog { local_cseq, contact_user, .. } = &subscription.dialog;
        let (directory, flow) = (&self.directory, &subscription.flow);
        let tag = id.tag();
        let dialog = (&subscription.dialog, flow, tag.as_str());
        let mut writer = message::of_dialog(directory, dialog, "NOTIFY", *local_cseq, branch);
        writer.header(Name::Contact, message::contact(directory, flow, contact_user));
        match &subscription.event_id {
            Some(event_id) => {
                writer.header_fmt(Name::Event, format_args!("{};id={event_id}", topic.package.text()))
            }
            None => writer.header(Name::Event, topic.package.text()),
        };
        writer.header(Name::SubscriptionState, state);
        if let Some(body) = body {
            writer.body(topic.package.media_type(), body);
        }
        Some((branch, writer.finish()))
    }

    /// A final answer to a NOTIFY; `None`: there was none in time.
    pub(crate) fn on_notified(&mut self, now: Mono, id: SubscriptionId, cseq: u32, status: Option<u16>) {
        let newest = |subscription: &&mut Subscription| subscription.dialog.local_cseq == cseq;
        let Some(subscription) = self.subscriptions.find(id).filter(newest) else { return };
        if subscription.sending == Sending::Lost && status.is_none() {
            return;
        }
        let accepted = status.is_some_and(|status| status < 300);
        subscription.failures = if accepted { 0 } else { subscription.failures.saturating_add(1) };
        // RFC 5057 section 5.1: these end the subscription, whatever else is in the dialog; silence does too. A
        // challenge is not met: our phones' passwords are no use to whoever asks for them (SPEC R4.18).
        let forgotten =
            matches!(status, None | Some(404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 604));
        if forgotten || subscription.failures >= MAX_NOTIFY_FAILURES {
            self.subscriptions.remove(id);
            return;
        }
        if subscription.sending == Sending::UnderWay {
            subscription.sending = Sending::From(subscription.paced);
        }
        self.notify_if_due(now, id);
    }

    /// What happens to topics, in order.
    pub fn poll_watch(&mut self) -> Option<super::Watch> {
        self.subscriptions.next_watch()
    }
}

/// What a NOTIFY carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Full,
    None,
}

impl Subscription {
    /// The next document. Calls that were told of and are over now are told of once more.
    fn render(&mut self, published: &Published, domain: &str) -> Bytes {
        let entity = message::uri(&self.topic.extension, domain);
        let dialogs = match published {
            Published::Messages(summary) => return summary.write(&entity),
            Published::Dialogs(dialogs) => dialogs,
        };
        let gone = |id: &&u128| !dialogs.iter().any(|dialog| dialog.id == **id);
        let over = self.told.iter().filter(gone);
        let over = over.map(|id| Dialog { id: *id, direction: None, state: State::Terminated });
        let document = dialog_info::write(self.version, &entity, dialogs.iter().copied().chain(over));
        self.version = self.version.wrapping_add(1);
        self.told.clear();
        self.told.extend(dialogs.iter().map(|dialog| dialog.id));
        document
    }
}
