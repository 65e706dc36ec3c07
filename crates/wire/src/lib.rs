//! Bytes to types and back: SIP, SDP, RTP, RTCP, digest. No clock, no I/O.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod digest;
pub mod rtp;
pub mod sdp;
pub mod sip;
