//! The way into the control thread: two bounded queues of messages, and orders that are never lost.
//!
//! Under a flood calls in progress come before new calls (SPEC R4.17): messages that belong to something we already hold
//! wait in a queue of their own, which is emptied first; the other one is short, so that what waits in it is
//! still wanted when its turn comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calls::Exchange;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use model::{Flow, FlowId, Now};
use wire::sip::{Message, Method};

use crate::Bell;

/// Messages of calls in progress that may wait: what 2,000 calls send within a second.
pub const MAX_IN_PROGRESS: usize = 16_384;
/// New requests that may wait. At 8,000 a second this is a quarter of a second, so an INVITE is served before its
/// sender's timer A (500 ms) repeats it.
pub const MAX_FRESH: usize = 2_048;

/// A message and where it came from.
pub struct Arrival {
    /// The flow that it came on.
    pub flow: Flow,
    /// What came.
    pub message: Message,
}

/// A question to the exchange, asked on the control thread.
pub type Question = Box<dyn FnOnce(&mut Exchange, Now) + Send>;

/// What the control thread must not miss. Unbounded: each connection closes once, each administrator's wish waits for
/// its answer.
pub enum Order {
    /// A stream ended.
    Closed(FlowId),
    /// A wish of the rest of the server.
    Command(calls::Command),
    /// A question.
    Ask(Question),
    /// Other media ports.
    MediaPorts(model::config::PortRange),
    /// The end of the control thread.
    Stop,
}

/// What a full queue does to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It waits for its turn.
    Queued,
    /// Its queue is full; it was dropped and counted.
    Shed,
    /// The control thread is gone.
    Gone,
}

/// The senders' end.
#[derive(Clone)]
pub struct Inbox {
    in_progress: Sender<Arrival>,
    fresh: Sender<Arrival>,
    orders: Sender<Order>,
    shed: Arc<AtomicU64>,
    bell: Bell,
}

/// The control thread's end.
pub struct Tray {
    /// Emptied first.
    pub in_progress: Receiver<Arrival>,
    /// New requests.
    pub fresh: Receiver<Arrival>,
    /// Orders.
    pub orders: Receiver<Order>,
    /// Rung when one of them got something.
    pub bell: Bell,
}

impl Tray {
    /// Whether nothing waits in it.
    pub fn is_empty(&self) -> bool {
        self.in_progress.is_empty() && self.fresh.is_empty() && self.orders.is_empty()
    }
}

/// Both ends.
pub fn inbox() -> (Inbox, Tray) {
    let (in_progress, progress_end) = crossbeam_channel::bounded(MAX_IN_PROGRESS);
    let (fresh, fresh_end) = crossbeam_channel::bounded(MAX_FRESH);
    let (orders, orders_end) = crossbeam_channel::unbounded();
    let bell = Bell::new();
    let inbox = Inbox { in_progress, fresh, orders, shed: Arc::default(), bell: bell.clone() };
    (inbox, Tray { in_progress: progress_end, fresh: fresh_end, orders: orders_end, bell })
}

impl Inbox {
    /// Puts a message into its queue.
    pub fn deliver(&self, arrival: Arrival) -> Delivery {
        let queue = if is_in_progress(&arrival.message) { &self.in_progress } else { &self.fresh };
        match queue.try_send(arrival) {
            Ok(()) => {
                self.bell.ring();
                Delivery::Queued
            }
            Err(TrySendError::Full(_)) => {
                self.shed.fetch_add(1, Ordering::Relaxed);
                Delivery::Shed
            }
            Err(TrySendError::Disconnected(_)) => Delivery::Gone,
        }
    }

    /// Gives an order; without effect when the control thread has ended.
    pub fn order(&self, order: Order) {
        // The only failure is that nobody is there to obey any more.
        let _ = self.orders.send(order);
        self.bell.ring();
    }

    /// The control thread's bell, for who fills another queue of its.
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Messages dropped because a queue was full, since the start.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }
}

/// Whether a message belongs to a transaction or dialog that we hold, or claims so.
pub fn is_in_progress(message: &Message) -> bool {
    match message.method() {
        None | Some(Method::Ack | Method::Bye | Method::Cancel) => true,
        Some(_) => message.to().is_ok_and(|to| to.tag().is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(start: &str, to: &str, method: &str) -> Message {
        let text = format!(
            "{start}\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: {to}\r\n\
             Call-ID: c\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        );
        Message::parse(text.into_bytes().into()).unwrap()
    }

    #[test]
    fn what_belongs_to_a_call_goes_before_what_is_new() {
        for (start, to, method, expected) in [
            ("INVITE sip:b@x SIP/2.0", "<sip:b@x>", "INVITE", false),
            ("REGISTER sip:x SIP/2.0", "<sip:b@x>", "REGISTER", false),
            ("INVITE sip:b@x SIP/2.0", "<sip:b@x>;tag=2", "INVITE", true),
            ("BYE sip:b@x SIP/2.0", "<sip:b@x>;tag=2", "BYE", true),
            ("CANCEL sip:b@x SIP/2.0", "<sip:b@x>", "CANCEL", true),
            ("SIP/2.0 200 OK", "<sip:b@x>;tag=2", "INVITE", true),
        ] {
            assert_eq!(is_in_progress(&message(start, to, method)), expected, "{start} {to}");
        }
    }
}
