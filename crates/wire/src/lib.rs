//! Bytes to types and back: SIP and its event bodies, SDP, RTP, RTCP, digest. No clock, no I/O. Not here: what a message
//! means to a call (`sip`), and which packets a leg takes (`media`).
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

pub mod dialog_info;
pub mod digest;
pub mod message_summary;
pub mod rtp;
pub mod sdp;
pub mod sip;
