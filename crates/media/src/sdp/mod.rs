//! Offer and answer between the two legs of a call (RFC 3264): each leg has a description of its own.
//!
//! A peer's offer is never passed on. [`offer`] makes ours to the other leg: our address, one audio stream, the
//! codecs that can pass unchanged; [`answer`] makes ours to who offered, in its numbers, from what the other leg
//! answered. Hold needs no state here: directions pass through, mirrored by each side's own view.
//!
//! Only plain RTP (`RTP/AVP`) is agreed to so far; an offer with nothing else is refused as not acceptable.
//!
//! Not here: when to offer (`calls`), the syntax (`wire::sdp`).

mod away;
mod late;
mod local;
mod negotiate;

pub use away::taken_away;
pub use late::{End, Joined, Said, join, offer_everything, wish};
pub use local::{Local, LocalMedia};
pub use negotiate::{
    Agreed, Refused, answer, audio, direction, direction_of, holds, offer, offer_as, remote,
};

#[cfg(test)]
mod tests;
