//! Every bound of the stack, with its reason. Beyond one: shed, count, tell.

use std::time::Duration;

/// RFC 3261 section 17.1.1.1: estimate of a round trip, and the unit of all transaction timers.
pub const T1: Duration = Duration::from_millis(500);
/// RFC 3261: longest interval between retransmissions of non-INVITE requests and INVITE responses.
pub const T2: Duration = Duration::from_secs(4);
/// RFC 3261: how long a message may stay in the network.
pub const T4: Duration = Duration::from_secs(5);
/// 64 x T1: the life of a transaction that hears nothing (timers B, F, H, J, L, M).
pub const TRANSACTION_LIFE: Duration = Duration::from_secs(32);
/// Timer D: how long a refused INVITE's client transaction absorbs retransmitted responses (RFC 3261: at least 32 s).
pub const TIMER_D: Duration = Duration::from_secs(32);

/// Transactions alive at once: 1,000 calls a second hold about 4 x 32 s of them; beyond it new requests get 503.
pub const MAX_TRANSACTIONS: usize = 400_000;
/// Of these, kept for what happens inside dialogs: who was let in can hold, refresh and hang up while new requests are
/// refused. A tenth: in a call there are fewer requests than around its beginning.
pub const RESERVED_TRANSACTIONS: usize = MAX_TRANSACTIONS / 10;
/// Pause before a re-INVITE is tried again that found no room: some transactions have ended by then.
pub const CROWDED_PAUSE: Duration = T2;
/// Sessions alive at once: 5,000 people with both legs, ten times over.
pub const MAX_SESSIONS: usize = 100_000;
/// Sessions that one line may have at once: a desk phone has 2 to 12 keys; a paging gateway some dozens.
pub const MAX_SESSIONS_PER_LINE: usize = 200;
/// Contacts of one line: a person's desk phone, softphones, and those it forgot to unregister.
pub const MAX_CONTACTS_PER_LINE: usize = 10;
/// Longest Contact URI kept: longer ones are no phone's.
pub const MAX_CONTACT_URI: usize = 512;
/// Longest Call-ID kept with a binding or a dialog.
pub const MAX_CALL_ID: usize = 256;
/// Longest User-Agent kept for the list of registrations.
pub const MAX_USER_AGENT: usize = 128;
/// Early dialogs of one INVITE of ours: a phone that forks behind one contact has a handful of devices.
pub const MAX_EARLY_DIALOGS: usize = 8;
/// Record-Route values kept as a dialog's route set.
pub const MAX_ROUTE_SET: usize = 8;
/// Requests from one source in dialogs and transactions that there are none of, answered 481: what a phone still has to
/// say of calls that a restart cut is a handful, and each registration there adds to it.
pub const STRAY_PACE: guard::Pace = guard::Pace { rate: 10, burst: 100 };
/// Answered nonces whose counts are remembered; beyond it older nonces turn stale early, which costs their phones one
/// more challenge. 10,000 phones that each answer one within its life, and twice as many calls, have room; it is what a
/// hash table of 32,768 places holds, one MB with the order of answering.
pub const MAX_ANSWERED_NONCES: usize = 28_672;
/// How long a nonce is good: a phone that answers later is asked again with `stale=true`.
pub const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Nonce counts may arrive this far out of order (SPEC R6.2).
pub const NONCE_WINDOW: u32 = 64;
/// Retries of a re-INVITE that met the peer's own (491), after RFC 3261 section 14.1's pauses.
pub const MAX_GLARE_RETRIES: u8 = 4;
/// Subscriptions alive at once: 1,000 phones that watch 60 keys each, and then some; beyond it 503.
pub const MAX_SUBSCRIPTIONS: usize = 100_000;
/// Subscriptions of one line: a phone with three expansion modules has 200 keys. Beyond it the line's oldest goes.
pub const MAX_SUBSCRIPTIONS_PER_LINE: usize = 250;
/// Shortest subscription granted; a shorter wish is answered 423: refreshing 60 keys costs as much as 60 calls.
pub const MIN_SUBSCRIPTION: Duration = Duration::from_secs(60);
/// Longest subscription granted; a longer wish is shortened: so long a phone that is gone is remembered at most.
pub const MAX_SUBSCRIPTION: Duration = Duration::from_secs(3_600);
/// Granted to who does not say (RFC 4235 section 3.4 and RFC 3842 section 3.4: in the order of an hour).
pub const DEFAULT_SUBSCRIPTION: Duration = Duration::from_secs(3_600);
/// Longest `id` of an Event kept; phones that send one count with it.
pub const MAX_EVENT_ID: usize = 32;
/// Pause between two NOTIFYs of a subscription. RFC 4235 section 3.10 recommends a second, which is long for a lamp
/// that tells whether to pick up.
pub const NOTIFY_PAUSE: Duration = Duration::from_millis(500);
/// Refused NOTIFYs in a row after which a subscription is given up.
pub const MAX_NOTIFY_FAILURES: u8 = 3;
/// Reliable provisional responses that wait in line for a PRACK: nobody rings in more ways than these.
pub const MAX_PROVISIONALS: usize = 4;
/// Between two tries to refresh a session: longer than a transaction, so that they never overlap.
pub const REFRESH_RETRY: Duration = Duration::from_secs(40);
/// Timers that a session may have in the heap before those of sessions long gone are looked for.
pub const TIMERS_PER_SESSION: usize = 4;
/// Fewer timers than these are never worth a sweep.
pub const SWEPT_FROM: usize = 1_024;
/// How often a request is sent again with a longer interval (422): the peer says which, so once is enough but for a second
/// hop with another opinion.
pub const MAX_LONGER_RETRIES: u8 = 2;
/// Longest session interval (RFC 4028) that is believed: a peer may not put off for ever that its death is noticed.
pub const MAX_SESSION_EXPIRES: Duration = Duration::from_secs(86_400);
/// How long a session waits for its phone to come back after its connection closed.
pub const FLOW_GRACE: Duration = Duration::from_secs(32);

/// How often it is looked whether blocks are over, at the latest: they end by the wall clock, which may jump.
pub const LOOK_AT_BLOCKS: Duration = Duration::from_secs(30);
/// Wrong answers remembered, so that one that is repeated counts once. A repetition comes within 32 s; 200 failures a second
/// have room until then, and beyond that a repeated guess may count twice.
pub const MAX_WRONG_ANSWERS: usize = 6_400;

/// How often it is said that somebody who has signed in at an address, and is not registered there, did so again: an hour keeps
/// a gateway of 1,000 calls a minute to 24 lines a day.
pub const SIGNED_IN_PACE: Duration = Duration::from_secs(3_600);
/// Lines and addresses of which this is remembered; beyond it the eldest is said anew. About 100 bytes each.
pub const MAX_SIGNED_IN: usize = 10_000;
/// How often tries of a refused account become a line; what comes between is counted in the next one.
pub const REFUSED_PACE: Duration = Duration::from_secs(60);
/// Refused accounts, each at its address, of which this is counted; beyond it the eldest is said early.
pub const MAX_REFUSED_TRIES: usize = 1_000;
