//! Several flows of one phone (RFC 5626): what a REGISTER asks for, and what its answer says of it.
//!
//! Over streams alone: over datagrams a flow is kept alive by STUN, which is not answered on the signalling port, so a
//! phone that asks there is registered as one without. Not here: the bindings themselves (`bindings`).

use std::time::Duration;

use model::Flow;
use wire::sip::{Message, Name, Writer};

/// Silence after which a phone must ping to keep its flow (RFC 5626 section 4.4.1): shorter than routers forget
/// connections, long enough that a thousand phones cost nothing.
const FLOW_TIMER: Duration = Duration::from_secs(120);

/// Whether a phone wants its flows told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outbound {
    /// It does not.
    Unasked,
    /// It does.
    Asked,
}

impl Outbound {
    pub(crate) fn of(request: &Message, flow: Flow) -> Outbound {
        let asked = request.lists(Name::Supported, "outbound") || request.lists(Name::Require, "outbound");
        if asked && flow.transport.is_reliable() { Outbound::Asked } else { Outbound::Unasked }
    }
}

/// Whether a request requires nothing, or nothing but this.
pub(crate) fn is_all_that_is_required(request: &Message) -> bool {
    request.values(Name::Require).all(|token| token.eq_ignore_ascii_case(b"outbound"))
}

/// Tells a phone that asked that its flows are told apart (RFC 5626 section 6).
pub(crate) fn confirm(writer: &mut Writer, request: &Message, flow: Flow) {
    let names_flow = |contact: &wire::sip::NameAddr<'_>| {
        contact.param("reg-id").is_some() && contact.param("+sip.instance").is_some()
    };
    let mut contacts = request.addresses(Name::Contact).filter_map(Result::ok);
    if Outbound::of(request, flow) == Outbound::Asked && contacts.any(|contact| names_flow(&contact)) {
        writer.header(Name::Require, "outbound");
        writer.raw("Flow-Timer", FLOW_TIMER.as_secs().to_string());
    }
}
