//! Bytes to types and back: SIP and its event bodies, SDP, RTP, RTCP, digest. No clock, no I/O.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod dialog_info;
pub mod digest;
pub mod message_summary;
pub mod rtp;
pub mod sdp;
pub mod sip;
