//! One Contact value of a REGISTER.

use std::net::SocketAddr;
use std::time::Duration;

use model::directory::{Nat, Times};
use model::{Flow, Transport};
use wire::sip::{NameAddr, Uri};

use super::bindings::Naming;
use super::outbound::Outbound;
use crate::limits::MAX_CONTACT_URI;
use crate::message::lossy;

/// Longest `+sip.instance` kept; a URN of a UUID has 45 characters.
const MAX_INSTANCE: usize = 128;

/// What a phone wants of one contact.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wish {
    pub(crate) uri: String,
    /// Zero: remove it.
    pub(crate) expires: Duration,
    pub(crate) q: u16,
    pub(crate) instance: Option<String>,
    pub(crate) reg_id: Option<u32>,
    /// Where a call to it is sent.
    pub(crate) flow: Flow,
}

impl Wish {
    pub(crate) fn naming(&self) -> Naming<'_> {
        Naming { contact: &self.uri, outbound: self.instance.as_deref().zip(self.reg_id) }
    }
}

/// Why a Contact is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// No SIP URI, or too long.
    Uri,
    /// Shorter than the shortest registration.
    TooBrief,
}

impl Wish {
    /// Reads a Contact; `default_expires` is the Expires header's.
    pub(crate) fn of(
        contact: &NameAddr<'_>,
        default_expires: Option<u32>,
        times: &Times,
        arrived: Flow,
        nat: Nat,
        outbound: Outbound,
    ) -> Result<Wish, Unfit> {
        let uri = contact.uri().map_err(|_| Unfit::Uri)?;
        if contact.uri.len() > MAX_CONTACT_URI {
            return Err(Unfit::Uri);
        }
        let asked = number(contact, "expires").or(default_expires);
        let expires = asked.map_or(times.max_expires, |s| Duration::from_secs(u64::from(s)));
        if !expires.is_zero() && expires < times.min_expires {
            return Err(Unfit::TooBrief);
        }
        let instance = contact.param("+sip.instance").flatten().filter(|value| value.len() <= MAX_INSTANCE);
        // A number without a device names nothing (RFC 5626 section 6).
        let is_flow = outbound == Outbound::Asked && instance.is_some();
        Ok(Wish {
            uri: lossy(contact.uri),
            expires: expires.min(times.max_expires),
            q: q_of(contact),
            instance: instance.map(lossy),
            reg_id: number(contact, "reg-id").filter(|number| is_flow && *number > 0),
            flow: reached_at(&uri, arrived, nat).ok_or(Unfit::Uri)?,
        })
    }
}

fn number(contact: &NameAddr<'_>, name: &str) -> Option<u32> {
    std::str::from_utf8(contact.param(name)??).ok()?.trim().parse().ok()
}

/// The `q` parameter in thousandths; 1 where there is none, or none that can be read.
fn q_of(contact: &NameAddr<'_>) -> u16 {
    let value = contact.param("q").flatten().and_then(|text| std::str::from_utf8(text).ok());
    let Some(value) = value.and_then(|text| text.trim().parse::<f32>().ok()) else { return 1_000 };
    let mut thousandths = 0_u16;
    while thousandths < 1_000 && f32::from(thousandths) + 0.5 < value * 1_000.0 {
        thousandths = thousandths.saturating_add(1);
    }
    thousandths
}

/// Where a contact is reached: over the stream it registered on; at the source of its packets behind a router that
/// translates (`nat`), or if its own address is a name; else at the address that it names.
pub(crate) fn reached_at(uri: &Uri<'_>, arrived: Flow, nat: Nat) -> Option<Flow> {
    let Uri::Sip(sip) = uri else { return None };
    if arrived.transport != Transport::Udp || nat == Nat::On {
        return Some(arrived);
    }
    let Some(address) = sip.host.address() else { return Some(arrived) };
    let same_family = address.is_ipv4() == arrived.local.ip().to_canonical().is_ipv4();
    if address.is_unspecified() || address.is_multicast() || !same_family {
        return Some(arrived);
    }
    let port = sip.port.filter(|port| *port != 0).unwrap_or(5060);
    Some(Flow { remote: SocketAddr::new(address, port), ..arrived })
}
