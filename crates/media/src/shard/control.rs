//! Incoming RTCP. It ends here: each leg has its own reports, and nothing of one peer's reaches the other.
//!
//! A BYE is believed for nothing: it is neither authenticated nor needed, since SIP ends calls.

use std::net::SocketAddr;

use model::Mono;
use wire::rtp::{RtcpPacket, compound};

use super::Shard;
use crate::command::{Port, Verdict, Why};
use crate::id::LegId;
use crate::latch::Judgement;

impl Shard {
    /// Takes a compound. It is checked as a whole before anything of it counts.
    pub(super) fn control(
        &mut self,
        now: Mono,
        id: LegId,
        port: Port,
        source: SocketAddr,
        bytes: &[u8],
    ) -> Result<Verdict, Why> {
        if compound(bytes).any(|packet| packet.is_err()) {
            return Err(Why::Malformed);
        }
        let leg = self.leg_mut(id).ok_or(Why::UnknownLeg)?;
        let from_peer = match port {
            Port::Rtcp => leg.latch.judge_rtcp(source) == Judgement::Accept,
            Port::Rtp => leg.latch.is_peer(source),
        };
        if !from_peer {
            let is_told = leg.refuse(source);
            return Err(self.refused(id, source, is_told));
        }
        leg.heard_rtcp(now);
        for packet in compound(bytes).flatten() {
            let reports = match packet {
                RtcpPacket::SenderReport { info, reports, .. } => {
                    leg.receiver.sender_report(now, info.ntp);
                    reports
                }
                RtcpPacket::ReceiverReport { reports, .. } => reports,
                _ => continue,
            };
            reports.for_each(|block| leg.sender.reported(now, &block));
        }
        Ok(Verdict::Consumed)
    }
}
