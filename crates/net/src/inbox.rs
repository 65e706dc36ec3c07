//! The way into the control thread: four bounded queues of messages, and orders that are never lost.
//!
//! Under a flood calls in progress come before new calls, and who shows credentials before who does not (SPEC R4.17).
//! So whoever was let in is served to the end, then new requests of addresses where somebody has signed in, and strangers
//! get what is left: a server that is offered twice what it can do still does what it can, and a flood of strangers does not
//! stand in the way of the office's own phones.
//!
//! What a message claims counts only from where somebody has standing: forged answers and BYEs of strangers wait with the
//! strangers, and the last quarter of the room for credentials is for addresses that we know.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use calls::Exchange;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use model::{Flow, FlowId, Mono, Now};
use wire::sip::{Message, Method, Name};

use crate::Bell;
use crate::shed::{Cause, Counts, News, Overload, Shed};
use crate::standing::Standing;

/// Messages of calls in progress that may wait: what 2,000 calls send within a second.
pub const MAX_IN_PROGRESS: usize = 16_384;
/// Requests with credentials that may wait: they were challenged a moment ago, so they are as many as were let in.
pub const MAX_CREDENTIALED: usize = 4_096;
/// Of these, from addresses where nobody has signed in so far: anybody can write a header.
pub const MAX_CREDENTIALED_OF_STRANGERS: usize = MAX_CREDENTIALED / 4 * 3;
/// Requests without credentials of known addresses that may wait, and as many of strangers: an office of 1,000 phones that all come back at once, twice.
pub const MAX_FRESH: usize = 2_048;
/// A request without credentials that waited longer, and others behind it, is refused rather than served: its sender is
/// about to repeat it (RFC 3261 timer A: 500 ms), and the one served late would only be served twice.
pub const STALE: Duration = Duration::from_millis(300);
/// So many wait behind it that it is too much work which made it wait. Behind fewer it is served: the machine gave this process
/// no time, or somebody once needed it, and soon all of them have their answer. 200 ms of work on a slow core.
pub const BACKLOG: usize = 512;

/// Requests without credentials that may wait in a crowd: whoever would wait in vain is refused at once, and who is let in
/// is served soon. 50 ms of work on a slow core.
pub const MAX_FRESH_IN_A_CROWD: usize = 128;
/// How long there is a crowd after a request was found stale; then as many as ever may wait, and it shows whether it is over.
pub const CROWD_LASTS: Duration = Duration::from_secs(5);

/// Bytes that a queue holds for each message that it may hold: messages have 1 KB, few have 4, and a flood of the
/// largest (64 KB) must not take a gigabyte.
const BYTES_EACH: usize = 4_096;

/// A message and where it came from.
pub struct Arrival {
    /// The flow that it came on.
    pub flow: Flow,
    /// What came.
    pub message: Message,
    /// When.
    pub at: Mono,
    /// The room it takes in its queue, given back when it was served.
    room: Option<Room>,
}

impl Arrival {
    /// A message that came `at` that time.
    pub fn new(flow: Flow, message: Message, at: Mono) -> Arrival {
        Arrival { flow, message, at, room: None }
    }
}

/// Bytes taken of what a queue may hold.
struct Room {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl Room {
    fn take(taken: &Arc<AtomicUsize>, bytes: usize, most: usize) -> Option<Room> {
        let before = taken.fetch_add(bytes, Ordering::Relaxed);
        let room = Room { taken: taken.clone(), bytes };
        (before + bytes <= most).then_some(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// In which order messages are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It belongs to a transaction or dialog that we hold, or claims so.
    InProgress,
    /// Something new, with credentials.
    Credentialed,
    /// Something new from whoever.
    Unknown,
}

impl Urgency {
    /// Which one a message has.
    pub fn of(message: &Message) -> Urgency {
        let in_progress = match message.method() {
            None | Some(Method::Ack | Method::Bye | Method::Cancel) => true,
            Some(_) => message.to().is_ok_and(|to| to.tag().is_some()),
        };
        let credentials = || [Name::Authorization, Name::ProxyAuthorization].map(|name| message.first(name));
        match in_progress {
            true => Urgency::InProgress,
            false if credentials().iter().any(Option::is_some) => Urgency::Credentialed,
            false => Urgency::Unknown,
        }
    }
}

/// A question to the exchange, asked on the control thread.
pub type Question = Box<dyn FnOnce(&mut Exchange, Now) -> Reply + Send>;
/// Answers a question, once what followed from it is in force.
pub type Reply = Box<dyn FnOnce() + Send>;

/// What the control thread must not miss. Unbounded: each connection closes once, each administrator's wish waits for
/// its answer.
pub enum Order {
    /// A stream ended.
    Closed(FlowId),
    /// A wish of the rest of the server.
    Command(calls::Command),
    /// A question.
    Ask(Question),
    /// Who reaches which service.
    Rows(Arc<guard::Rows>),
    /// Other media ports.
    MediaPorts(model::config::PortRange),
    /// The end of the control thread.
    Stop,
}

/// What became of a message.
pub enum Delivery {
    /// It waits for its turn.
    Queued,
    /// Its queue is full; it was counted and comes back.
    Shed(Box<Arrival>),
    /// The control thread is gone.
    Gone,
}

/// The senders' end of a queue, bounded by number and by bytes.
#[derive(Clone)]
struct Queue {
    sender: Sender<Arrival>,
    taken: Arc<AtomicUsize>,
    most: usize,
}

impl Queue {
    fn bounded(messages: usize) -> (Queue, Receiver<Arrival>) {
        let (sender, receiver) = crossbeam_channel::bounded(messages);
        (Queue { sender, taken: Arc::default(), most: messages * BYTES_EACH }, receiver)
    }

    #[allow(clippy::result_large_err, reason = "the error is what was given, as with the channel itself")]
    fn try_send(&self, mut arrival: Arrival) -> Result<(), TrySendError<Arrival>> {
        arrival.room = Room::take(&self.taken, arrival.message.bytes().len(), self.most);
        if arrival.room.is_none() { Err(TrySendError::Full(arrival)) } else { self.sender.try_send(arrival) }
    }
}

/// The senders' end of a queue of requests without credentials.
#[derive(Clone)]
struct FreshQueue {
    queue: Queue,
    /// When the crowd is over, in nanoseconds of [`Mono`].
    crowd: Arc<AtomicU64>,
}

impl FreshQueue {
    fn bounded() -> (FreshQueue, Fresh) {
        let (queue, receiver) = Queue::bounded(MAX_FRESH);
        let crowd = Arc::<AtomicU64>::default();
        (FreshQueue { queue, crowd: crowd.clone() }, Fresh { receiver, crowd })
    }

    fn is_full(&self, now: Mono) -> bool {
        let is_crowd = now.as_nanos() < self.crowd.load(Ordering::Relaxed);
        self.queue.sender.len() >= if is_crowd { MAX_FRESH_IN_A_CROWD } else { MAX_FRESH }
    }
}

/// The control thread's end of such a queue.
pub struct Fresh {
    /// What waits.
    pub receiver: Receiver<Arrival>,
    crowd: Arc<AtomicU64>,
}

impl Fresh {
    /// Whether a request, taken from the queue just now, waited too long to be served still. Then there is a crowd, and there
    /// is one until nobody waits too long any more.
    pub fn is_stale(&self, arrival: &Arrival, now: Mono) -> bool {
        let is_crowd = now.as_nanos() < self.crowd.load(Ordering::Relaxed);
        let is_stale =
            now.saturating_since(arrival.at) > STALE && (is_crowd || self.receiver.len() >= BACKLOG);
        if is_stale {
            self.crowd.store(now.after(CROWD_LASTS).as_nanos(), Ordering::Relaxed);
        }
        is_stale
    }
}

/// The senders' end.
#[derive(Clone)]
pub struct Inbox {
    in_progress: Queue,
    credentialed: Queue,
    familiar: FreshQueue,
    unknown: FreshQueue,
    orders: Sender<Order>,
    shed: Arc<Shed>,
    standing: Arc<Standing>,
    bell: Bell,
}

/// The control thread's end.
pub struct Tray {
    /// Emptied first.
    pub in_progress: Receiver<Arrival>,
    /// Then these.
    pub credentialed: Receiver<Arrival>,
    /// Then what is new from where somebody has signed in.
    pub familiar: Fresh,
    /// And strangers when there is nothing else.
    pub unknown: Fresh,
    /// Orders.
    pub orders: Receiver<Order>,
    /// Rung when one of them got something.
    pub bell: Bell,
}

impl Tray {
    /// Whether nothing waits in it.
    pub fn is_empty(&self) -> bool {
        self.in_progress.is_empty()
            && self.credentialed.is_empty()
            && self.familiar.receiver.is_empty()
            && self.unknown.receiver.is_empty()
            && self.orders.is_empty()
    }
}

/// Both ends.
pub fn inbox() -> (Inbox, Tray) {
    let (in_progress, progress_end) = Queue::bounded(MAX_IN_PROGRESS);
    let (credentialed, credentialed_end) = Queue::bounded(MAX_CREDENTIALED);
    let (familiar, familiar_end) = FreshQueue::bounded();
    let (unknown, unknown_end) = FreshQueue::bounded();
    let (orders, orders_end) = crossbeam_channel::unbounded();
    let bell = Bell::new();
    let inbox = Inbox {
        in_progress,
        credentialed,
        familiar,
        unknown,
        orders,
        shed: Arc::default(),
        standing: Arc::default(),
        bell: bell.clone(),
    };
    (
        inbox,
        Tray {
            in_progress: progress_end,
            credentialed: credentialed_end,
            familiar: familiar_end,
            unknown: unknown_end,
            orders: orders_end,
            bell,
        },
    )
}

impl Inbox {
    /// Puts a message into its queue.
    pub fn deliver(&self, arrival: Arrival) -> Delivery {
        let is_known = self.standing.has(arrival.flow.remote.ip());
        let is_full = || self.credentialed.sender.len() >= MAX_CREDENTIALED_OF_STRANGERS;
        let (queue, cause) = match Urgency::of(&arrival.message) {
            Urgency::InProgress if is_known => (Some(&self.in_progress), Cause::InProgress),
            Urgency::Credentialed if is_known || !is_full() => {
                (Some(&self.credentialed), Cause::Credentialed)
            }
            Urgency::Credentialed => (None, Cause::Credentialed),
            Urgency::InProgress | Urgency::Unknown => {
                let (fresh, cause) = self.fresh(is_known);
                ((!fresh.is_full(arrival.at)).then_some(&fresh.queue), cause)
            }
        };
        let at = arrival.at;
        let Some(queue) = queue else {
            self.count_shed(cause, at);
            return Delivery::Shed(Box::new(arrival));
        };
        match queue.try_send(arrival) {
            Ok(()) => {
                self.bell.ring();
                Delivery::Queued
            }
            Err(TrySendError::Full(arrival)) => {
                self.count_shed(cause, at);
                Delivery::Shed(Box::new(arrival))
            }
            Err(TrySendError::Disconnected(_)) => Delivery::Gone,
        }
    }

    /// Somebody at this address was signed in before the start.
    pub(crate) fn vouch(&self, address: IpAddr) {
        self.standing.give(address);
    }

    /// This is sent to that address: it may show that somebody there is known.
    pub(crate) fn learn(&self, address: IpAddr, sent: &Bytes) {
        self.standing.learn(address, sent);
    }

    /// Where requests without credentials wait, and as what they are counted when they can't.
    fn fresh(&self, is_known: bool) -> (&FreshQueue, Cause) {
        if is_known { (&self.familiar, Cause::Familiar) } else { (&self.unknown, Cause::Unknown) }
    }

    /// Whether a request without credentials from this address finds no room now.
    pub(crate) fn is_closed_to(&self, address: IpAddr, now: Mono) -> bool {
        let crowded = |queue: &FreshQueue| queue.is_full(now);
        // Mostly there is room, and nobody has to be looked up.
        (crowded(&self.familiar) || crowded(&self.unknown))
            && crowded(self.fresh(self.standing.has(address)).0)
    }

    /// Gives an order; without effect when the control thread has ended.
    pub fn order(&self, order: Order) {
        // The only failure is that nobody is there to obey any more.
        let _ = self.orders.send(order);
        self.bell.ring();
    }

    /// Counts a message that was not served.
    pub(crate) fn count_shed(&self, cause: Cause, now: Mono) {
        if self.shed.message(cause, now) == Overload::Begins {
            // The control thread tells of it, and looks when it is over.
            self.bell.ring();
        }
    }

    /// Counts a connection that was not served.
    pub(crate) fn count_connection(&self, cause: Cause) {
        self.shed.connection(cause);
    }

    /// When to ask for news of an overload.
    pub(crate) fn next_look(&self) -> Option<Mono> {
        self.shed.next_look()
    }

    /// News of an overload.
    pub(crate) fn news(&self, now: Mono) -> Option<News> {
        self.shed.news(now)
    }

    /// The control thread's bell, for who fills another queue of its.
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// What was not served since the start.
    pub fn shed(&self) -> Counts {
        self.shed.counts()
    }
}

#[cfg(test)]
mod tests;
