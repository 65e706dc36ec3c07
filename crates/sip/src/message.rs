//! Writing our requests and responses, and reading text out of theirs.

use std::fmt::Write as _;
use std::net::SocketAddr;

use bytes::Bytes;
use model::Flow;
use model::directory::Directory;
use wire::sip::{Message, Name, NameAddr, Uri, Writer, quote, reason_phrase};

use crate::api::Party;
use crate::limits::MAX_ROUTE_SET;
use crate::session::{Dialog, Session};
use crate::transaction::client::Branch;

/// Methods we take; the value of Allow.
pub(crate) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, REGISTER, UPDATE, PRACK, SUBSCRIBE";
/// Extensions we know, as one list: the value of Supported.
pub(crate) const SUPPORTED: &str = "100rel, replaces, timer";
/// The same, one by one: what a Require may name.
pub(crate) const KNOWN: [&str; 3] = ["100rel", "replaces", "timer"];
/// Media type of offers and answers.
pub(crate) const SDP: &str = "application/sdp";
/// Hops that a request of ours may take (RFC 3261 section 8.1.1.6).
pub(crate) const MAX_FORWARDS: u8 = 70;

/// Starts a response with what every response carries; `None` for the phrase: the RFC's.
pub(crate) fn answer(
    request: &Message,
    source: SocketAddr,
    status: u16,
    phrase: Option<&str>,
    tag: &str,
) -> Writer {
    let phrase = phrase.unwrap_or_else(|| reason_phrase(status));
    let tag = (status > 100).then_some(tag);
    let mut writer = Writer::answer(request, status, phrase, Some(source), tag);
    if (101..300).contains(&status) {
        for value in request.all(Name::RecordRoute) {
            writer.header(Name::RecordRoute, value);
        }
    }
    writer
}

/// `"display" <sip:user@host>`; a user part that is no token is escaped.
pub(crate) fn name_addr(party: &Party, host: &str) -> String {
    let mut text = String::new();
    if !party.display.is_empty() {
        text.push_str(&quote(&party.display));
        text.push(' ');
    }
    text.push('<');
    text.push_str(&uri(&party.user, host));
    text.push('>');
    text
}

/// `sip:user@host`; a user part that is no token is escaped.
pub(crate) fn uri(user: &str, host: &str) -> String {
    let at = if user.is_empty() { "" } else { "@" };
    format!("sip:{}{at}{}", escape_user(user), bracketed(host))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
}

/// RFC 3261 section 25.1: `unreserved` and the harmless part of `user-unreserved` stay as they are.
fn escape_user(user: &str) -> String {
    let mut text = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Our Contact on a flow: an address of ours that this peer reaches.
pub(crate) fn contact(directory: &Directory, flow: &Flow, user: &str) -> String {
    let shown =
        SocketAddr::new(directory.network.shown_to(flow.remote.ip(), flow.local.ip()), flow.local.port());
    let user = escape_user(user);
    let at = if user.is_empty() { "" } else { "@" };
    if flow.transport.is_reliable() {
        format!("<sip:{user}{at}{shown};transport={}>", flow.transport.uri_token())
    } else {
        format!("<sip:{user}{at}{shown}>")
    }
}

/// The Via of a request of ours; asks for the answer to come back to this very port (RFC 3581).
pub(crate) fn via(directory: &Directory, flow: &Flow, branch: Branch) -> String {
    let shown =
        SocketAddr::new(directory.network.shown_to(flow.remote.ip(), flow.local.ip()), flow.local.port());
    format!("SIP/2.0/{} {shown};branch={branch};rport", flow.transport.via_token())
}

/// Starts a request inside a session's dialog.
pub(crate) fn in_dialog(
    directory: &Directory,
    session: &Session,
    method: &str,
    cseq: u32,
    branch: Branch,
) -> Writer {
    let tag = session.tag();
    let dialog = (&session.dialog, &session.flow, tag.as_str());
    let mut writer = of_dialog(directory, dialog, method, cseq, branch);
    if let Some(asserted) = session.asserted.as_ref().filter(|_| matches!(method, "INVITE" | "UPDATE")) {
        writer.header(Name::PAssertedIdentity, &**asserted);
    }
    writer
}

/// Starts a request inside a dialog that runs over `flow` and in which `tag` is ours.
pub(crate) fn of_dialog(
    directory: &Directory,
    (dialog, flow, tag): (&Dialog, &Flow, &str),
    method: &str,
    cseq: u32,
    branch: Branch,
) -> Writer {
    let Dialog { call_id, local, remote, remote_tag, remote_target, routes, .. } = dialog;
    let mut writer = Writer::request(method, remote_target);
    writer.header(Name::Via, via(directory, flow, branch));
    for route in routes {
        writer.header(Name::Route, route);
    }
    writer.header_fmt(Name::MaxForwards, format_args!("{MAX_FORWARDS}"));
    writer.header_fmt(Name::From, format_args!("{local};tag={tag}"));
    match remote_tag {
        Some(tag) => writer.header_fmt(Name::To, format_args!("{remote};tag={tag}")),
        None => writer.header(Name::To, remote),
    };
    writer.header(Name::CallId, call_id);
    writer.header_fmt(Name::CSeq, format_args!("{cseq} {method}"));
    writer
}

/// ACK or CANCEL of the same transaction: Request-URI, top Via, From, Call-ID, CSeq number and Route of the INVITE
/// (RFC 3261 sections 9.1 and 17.1.1.3). `to`: the response's To for an ACK, the INVITE's for a CANCEL.
pub(crate) fn of_same_transaction(invite: &Message, method: &str, to: &Message) -> Writer {
    let mut writer = Writer::request(method, invite.request_uri().unwrap_or_default());
    if let Some(via) = invite.first(Name::Via) {
        writer.header(Name::Via, via);
    }
    writer.copy_all(invite, Name::Route);
    writer.header_fmt(Name::MaxForwards, format_args!("{MAX_FORWARDS}"));
    writer.copy_all(invite, Name::From).copy_all(to, Name::To).copy_all(invite, Name::CallId);
    let number = invite.cseq().map_or(1, |cseq| cseq.number);
    writer.header_fmt(Name::CSeq, format_args!("{number} {method}"));
    writer
}

/// ACK or BYE to a 2xx, out of the 2xx alone: the dialog it opened need not exist here (RFC 3261 section 13.2.2.4).
pub(crate) fn to_accepted(
    directory: &Directory,
    accepted: &Message,
    flow: &Flow,
    method: &str,
    cseq: u32,
    branch: Branch,
) -> Option<Bytes> {
    to_response(directory, accepted, flow, method, cseq, branch).map(|mut writer| writer.finish())
}

/// Starts a request in the dialog that a response opens, early or not, out of that response alone.
pub(crate) fn to_response(
    directory: &Directory,
    accepted: &Message,
    flow: &Flow,
    method: &str,
    cseq: u32,
    branch: Branch,
) -> Option<Writer> {
    let target = remote_target(accepted)?;
    let mut writer = Writer::request(method, target);
    writer.header(Name::Via, via(directory, flow, branch));
    for route in route_set(accepted, Order::Reversed) {
        writer.header(Name::Route, route);
    }
    writer.header_fmt(Name::MaxForwards, format_args!("{MAX_FORWARDS}"));
    writer.copy_all(accepted, Name::From).copy_all(accepted, Name::To).copy_all(accepted, Name::CallId);
    writer.header_fmt(Name::CSeq, format_args!("{cseq} {method}"));
    Some(writer)
}

/// Which way Record-Route values become a route set (RFC 3261 sections 12.1.1 and 12.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they stand: who was called.
    Kept,
    /// Turned round: who called.
    Reversed,
}

/// The route set of the dialog that this message opens.
pub(crate) fn route_set(message: &Message, order: Order) -> Vec<String> {
    let mut routes: Vec<String> = message.values(Name::RecordRoute).take(MAX_ROUTE_SET).map(lossy).collect();
    if order == Order::Reversed {
        routes.reverse();
    }
    routes
}

/// The peer's Contact URI, where its further requests want to go.
pub(crate) fn remote_target(message: &Message) -> Option<String> {
    message.addresses(Name::Contact).next()?.ok().map(|contact| lossy(contact.uri))
}

/// A From or To value without its tag and other parameters.
pub(crate) fn without_tag(address: &NameAddr<'_>) -> String {
    match address.display {
        Some(_) => format!("{} <{}>", quote(&address.display_text()), lossy(address.uri)),
        None => format!("<{}>", lossy(address.uri)),
    }
}

/// The user part of a URI, percent escapes decoded; a tel URI's number.
pub(crate) fn user_of(uri: &Uri<'_>) -> Option<Vec<u8>> {
    match uri {
        Uri::Sip(sip) => sip.user.map(|_| sip.user_decoded().into_owned()),
        Uri::Tel { number, .. } => Some(number.to_vec()),
        Uri::Other { .. } => None,
    }
}

/// Where the response to a request goes (RFC 3261 section 18.2.2, RFC 3581 section 4).
pub(crate) fn reply_flow(request: &Message, arrived: Flow) -> Flow {
    if arrived.transport.is_reliable() {
        return arrived;
    }
    let Ok(via) = request.top_via() else { return arrived };
    let translated = via.host.address().is_none_or(|address| address != arrived.remote.ip().to_canonical());
    if via.rport().is_some() || translated {
        // See `tolerance`: behind a router that translates, the port in Via leads nowhere.
        return arrived;
    }
    let port = via.port.unwrap_or(5060);
    Flow { remote: SocketAddr::new(arrived.remote.ip(), port), ..arrived }
}

/// Text of bytes that may be anything; what is not UTF-8 becomes U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `lossy`, cut to `limit` characters.
pub(crate) fn lossy_cut(bytes: &[u8], limit: usize) -> String {
    String::from_utf8_lossy(bytes).chars().take(limit).collect()
}

/// The body, if it is SDP.
pub(crate) fn sdp_of(message: &Message) -> Option<Bytes> {
    let body = message.body_bytes();
    (!body.is_empty() && message.has_content_type(SDP)).then_some(body)
}
