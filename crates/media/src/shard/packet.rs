//! The packet path: receive, source check, unprotect, taps, transform, rewrite, protect, send.
//!
//! Constant work per packet, no allocation; the only table looked at is the leg's own. Two legs take part, one
//! after the other, so neither is ever borrowed with the other.

use std::net::SocketAddr;

use model::Mono;
use wire::rtp::{Class, Header, classify, rewrite};

use super::Shard;
use crate::buffer::Buffer;
use crate::command::{Event, Out, Port, Verdict, Why};
use crate::id::LegId;
use crate::latch::{Judgement, canonical};
use crate::leg::Leg;
use crate::payload::Role;
use crate::receiver::Timing;

/// A packet on its way from one leg to the other.
struct Passing {
    to: LegId,
    header: Header,
    payload_type: u8,
    clock: u32,
}

impl Shard {
    /// Takes a packet that arrived at a leg's socket and says what becomes of it. When it is forwarded, its
    /// header in `buffer` is the partner leg's.
    pub fn packet(
        &mut self,
        now: Mono,
        leg: LegId,
        port: Port,
        source: SocketAddr,
        buffer: &mut Buffer<'_>,
    ) -> Verdict {
        let source = canonical(source);
        let result = match (port, classify(buffer.bytes())) {
            (Port::Rtp, Class::Rtp) => self
                .receive(now, leg, source, buffer)
                .and_then(|passing| self.send(now, leg, &passing, buffer)),
            (_, Class::Rtcp) => self.control(now, leg, port, source, buffer.bytes()),
            _ => Err(Why::NotMedia),
        };
        result.unwrap_or_else(|why| {
            if let Some(count) = self.dropped.get_mut(why as usize) {
                *count = count.saturating_add(1);
            }
            Verdict::Dropped(why)
        })
    }

    /// The incoming leg's half.
    fn receive(
        &mut self,
        now: Mono,
        id: LegId,
        source: SocketAddr,
        buffer: &mut Buffer<'_>,
    ) -> Result<Passing, Why> {
        let header = Header::parse(buffer.bytes()).ok_or(Why::Malformed)?;
        let leg = self.leg_mut(id).ok_or(Why::UnknownLeg)?;
        let judgement = leg.latch.judge(now, source, &header);
        match judgement {
            Judgement::Accept | Judgement::Pinned => {}
            Judgement::Learning => return Err(Why::Learning),
            Judgement::Foreign => {
                let is_told = leg.refuse(source);
                return Err(self.refused(id, source, is_told));
            }
        }
        let result = pass(leg, now, header, buffer);
        if judgement == Judgement::Pinned {
            self.out.push_back(Out::Event(Event::Pinned { leg: id, remote: source }));
        }
        result
    }

    /// A stranger's packet was refused; the event goes out when it is due.
    #[cold]
    pub(super) fn refused(&mut self, leg: LegId, source: SocketAddr, is_told: bool) -> Why {
        if is_told {
            self.out.push_back(Out::Event(Event::Foreign { leg, source }));
        }
        Why::ForeignSource
    }

    /// The outgoing leg's half.
    fn send(
        &mut self,
        now: Mono,
        from: LegId,
        passing: &Passing,
        buffer: &mut Buffer<'_>,
    ) -> Result<Verdict, Why> {
        let Passing { to, header, payload_type, clock } = passing;
        let leg = self.leg_mut(*to).ok_or(Why::Unbridged)?;
        if !leg.direction.receives() {
            return Err(Why::Held);
        }
        let address = leg.latch.rtp().ok_or(Why::NoAddress)?;
        let new = leg.sender.rewrite(now, from, header, *payload_type, *clock).ok_or(Why::Late)?;
        rewrite(buffer.bytes_mut(), new).ok_or(Why::Malformed)?;
        leg.protection.protect(buffer).ok_or(Why::Malformed)?;
        Ok(Verdict::Forward { leg: *to, port: Port::Rtp, to: address })
    }
}

/// From the source check to the end of the incoming leg.
fn pass(leg: &mut Leg, now: Mono, header: Header, buffer: &mut Buffer<'_>) -> Result<Passing, Why> {
    leg.protection.unprotect(buffer).ok_or(Why::Malformed)?;
    let role = leg.payloads.role(header.payload_type);
    let clock = leg.payloads.clock(header.payload_type);
    let timing = if role == Some(Role::Speech) { Timing::Sampled } else { Timing::Repeated };
    leg.heard(now, role);
    leg.receiver.packet(now, &header, clock, timing);
    if role.is_none() {
        return Err(Why::UnknownPayload);
    }
    if !leg.direction.sends() {
        return Err(Why::Held);
    }
    leg.tap.hear(buffer.bytes().get(header.payload.clone()).unwrap_or(&[]));
    let to = leg.partner.ok_or(Why::Unbridged)?;
    let payload_type = leg.map.get(header.payload_type).ok_or(Why::UnknownPayload)?;
    leg.transform.apply(buffer).ok_or(Why::Malformed)?;
    Ok(Passing { to, header, payload_type, clock })
}
