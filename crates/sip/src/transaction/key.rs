//! What makes two requests the same (RFC 3261 section 17.2.3).

use std::sync::Arc;

use model::Flow;
use wire::sip::{Message, Method};

/// Identity of a server transaction.
pub(crate) type Key = Arc<[u8]>;

/// The key under which a request's transaction is found. An ACK finds the INVITE that it acknowledges.
pub(crate) fn of_request(message: &Message, flow: &Flow) -> Option<Key> {
    keyed(message, message.method()?, flow)
}

/// The key of the INVITE that this CANCEL is about.
pub(crate) fn of_cancelled(message: &Message, flow: &Flow) -> Option<Key> {
    keyed(message, Method::Invite, flow)
}

/// The source is part of the key, beyond the RFC: two phones behind different routers may have the same private
/// address and a poor choice of branches.
fn keyed(message: &Message, method: Method, flow: &Flow) -> Option<Key> {
    let via = message.top_via().ok()?;
    let mut key = Vec::with_capacity(96);
    let method_text = match method {
        Method::Ack => Method::Invite.text().as_bytes(),
        Method::Other => message.method_text(),
        known => known.text().as_bytes(),
    };
    match flow.remote.ip() {
        std::net::IpAddr::V4(v4) => key.extend_from_slice(&v4.octets()),
        std::net::IpAddr::V6(v6) => key.extend_from_slice(&v6.octets()),
    }
    if via.has_magic_branch() {
        append(&mut key, &[b"3261", method_text, via.branch()?, via.sent_by]);
    } else {
        // RFC 2543 elements choose no unique branch. The To tag and the Request-URI, which section 17.2.3 also
        // lists, are left out: they differ between an INVITE and its ACK for no reason that matters here.
        let number = message.cseq().ok()?.number.to_be_bytes();
        let from = message.from().ok()?;
        let tag = from.tag().unwrap_or_default();
        append(&mut key, &[b"2543", method_text, message.call_id(), tag, &number, via.sent_by]);
    }
    Some(key.into())
}

/// Each part with its length, so that no two lists of parts make the same key.
fn append(key: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        key.extend_from_slice(&length.to_be_bytes());
        key.extend_from_slice(part);
    }
}
