//! Every bound of the exchange, with its reason. Beyond one: refuse cleanly, tell.

use std::time::Duration;

/// Calls at once: each has two sessions at least, and the stack keeps 100,000.
pub const MAX_CALLS: usize = 40_000;
/// Legs that one call may have at once, the caller's among them: ten lines with six phones each. The contacts
/// beyond it, those of least preference, don't ring.
pub const MAX_LEGS: usize = 64;
/// Extensions that one call may be forwarded over: nobody explains a longer chain to a colleague.
pub const MAX_FORWARDS: usize = 8;
/// Characters kept of what was dialled, when it is no number of ours: enough to recognise it in history.
pub const MAX_SHOWN: usize = 48;
/// Calls of an extension that a lamp is told of: more says nothing more, and NOTIFY shall fit into a datagram.
pub const MAX_SHOWN_CALLS: usize = 4;
/// Longest INFO body passed on: a key press has 30 bytes, nothing larger is meant for a phone.
pub const MAX_INFO: usize = 1_024;
/// How long a phone whose transfer succeeded is given to hang up by itself, as RFC 5589 has it; most need a round trip.
pub const PARTING: Duration = Duration::from_secs(4);
/// Tries of an offer that meets another one in its dialog, after a transfer: ten seconds of them.
pub const MAX_RENEWALS: u8 = 20;
