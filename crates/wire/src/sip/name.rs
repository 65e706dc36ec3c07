//! Header names: the ones this exchange or its neighbours look at, with their compact forms.
//!
//! Names are compared without case (RFC 3261 section 7.3.1). A name not listed here is [`Name::Other`]; the message keeps its bytes.

use std::fmt;

/// A header field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Name {
    Via,
    From,
    To,
    CallId,
    CSeq,
    Contact,
    MaxForwards,
    Route,
    RecordRoute,
    Expires,
    MinExpires,
    ContentLength,
    ContentType,
    ContentEncoding,
    ContentDisposition,
    ContentLanguage,
    MimeVersion,
    Authorization,
    ProxyAuthorization,
    WwwAuthenticate,
    ProxyAuthenticate,
    AuthenticationInfo,
    Allow,
    AllowEvents,
    Supported,
    Require,
    ProxyRequire,
    Unsupported,
    UserAgent,
    Server,
    Reason,
    RetryAfter,
    Warning,
    Event,
    SubscriptionState,
    ReferTo,
    ReferredBy,
    ReferSub,
    Replaces,
    SessionExpires,
    MinSe,
    RSeq,
    RAck,
    PAssertedIdentity,
    PPreferredIdentity,
    PEarlyMedia,
    Privacy,
    Diversion,
    HistoryInfo,
    RemotePartyId,
    Identity,
    Accept,
    AcceptEncoding,
    AcceptLanguage,
    AcceptContact,
    RejectContact,
    RequestDisposition,
    Path,
    ServiceRoute,
    Subject,
    Date,
    AlertInfo,
    CallInfo,
    ErrorInfo,
    InReplyTo,
    Organization,
    Priority,
    ReplyTo,
    Timestamp,
    Join,
    TargetDialog,
    SipEtag,
    SipIfMatch,
    InfoPackage,
    RecvInfo,
    FlowTimer,
    SessionId,
    UserToUser,
    Other,
}

/// How often a field may stand in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Multiplicity {
    /// One value; a second, different one gives the message two readings, and it is refused.
    One,
    /// Any number of lines.
    Many,
}

impl Name {
    /// The name these bytes spell, in full or compact form, in any case.
    pub fn parse(raw: &[u8]) -> Self {
        match raw {
            [letter] => Self::compact(*letter),
            [_, ..] => {
                // Nearly everybody writes names as the RFCs do; comparing without case costs ten times as much.
                let candidates = Self::of_length(raw.len());
                let exact = candidates.iter().find(|(text, _)| text.as_bytes() == raw);
                let found = exact.or_else(|| {
                    candidates.iter().find(|(text, _)| text.as_bytes().eq_ignore_ascii_case(raw))
                });
                found.map_or(Self::Other, |(_, name)| *name)
            }
            [] => Self::Other,
        }
    }

    fn compact(letter: u8) -> Self {
        match letter.to_ascii_lowercase() {
            b'a' => Self::AcceptContact,
            b'b' => Self::ReferredBy,
            b'c' => Self::ContentType,
            b'd' => Self::RequestDisposition,
            b'e' => Self::ContentEncoding,
            b'f' => Self::From,
            b'i' => Self::CallId,
            b'j' => Self::RejectContact,
            b'k' => Self::Supported,
            b'l' => Self::ContentLength,
            b'm' => Self::Contact,
            b'o' => Self::Event,
            b'r' => Self::ReferTo,
            b's' => Self::Subject,
            b't' => Self::To,
            b'u' => Self::AllowEvents,
            b'v' => Self::Via,
            b'x' => Self::SessionExpires,
            b'y' => Self::Identity,
            _ => Self::Other,
        }
    }

    /// The known names of so many bytes: few enough to compare one by one.
    fn of_length(length: usize) -> &'static [(&'static str, Self)] {
        use Name::*;
        match length {
            2 => &[("To", To)],
            3 => &[("Via", Via)],
            4 => &[
                ("From", From),
                ("CSeq", CSeq),
                ("RSeq", RSeq),
                ("RAck", RAck),
                ("Path", Path),
                ("Date", Date),
                ("Join", Join),
            ],
            5 => &[("Route", Route), ("Allow", Allow), ("Event", Event)],
            6 => &[("Server", Server), ("Reason", Reason), ("Min-SE", MinSe), ("Accept", Accept)],
            7 => &[
                ("Call-ID", CallId),
                ("Contact", Contact),
                ("Expires", Expires),
                ("Require", Require),
                ("Warning", Warning),
                ("Privacy", Privacy),
                ("Subject", Subject),
            ],
            8 => &[
                ("Refer-To", ReferTo),
                ("Replaces", Replaces),
                ("Identity", Identity),
                ("Priority", Priority),
                ("Reply-To", ReplyTo),
                ("SIP-ETag", SipEtag),
            ],
            9 => &[
                ("Supported", Supported),
                ("Refer-Sub", ReferSub),
                ("Diversion", Diversion),
                ("Call-Info", CallInfo),
                ("Timestamp", Timestamp),
                ("Recv-Info", RecvInfo),
            ],
            10 => &[
                ("User-Agent", UserAgent),
                ("Alert-Info", AlertInfo),
                ("Error-Info", ErrorInfo),
                ("Flow-Timer", FlowTimer),
                ("Session-ID", SessionId),
            ],
            11 => &[
                ("Min-Expires", MinExpires),
                ("Unsupported", Unsupported),
                ("Retry-After", RetryAfter),
                ("Referred-By", ReferredBy),
                ("In-Reply-To", InReplyTo),
            ],
            12 => &[
                ("Max-Forwards", MaxForwards),
                ("Record-Route", RecordRoute),
                ("Content-Type", ContentType),
                ("MIME-Version", MimeVersion),
                ("Allow-Events", AllowEvents),
                ("History-Info", HistoryInfo),
                ("Organization", Organization),
                ("SIP-If-Match", SipIfMatch),
                ("Info-Package", InfoPackage),
                ("User-to-User", UserToUser),
            ],
            13 => &[
                ("Authorization", Authorization),
                ("Proxy-Require", ProxyRequire),
                ("P-Early-Media", PEarlyMedia),
                ("Service-Route", ServiceRoute),
                ("Target-Dialog", TargetDialog),
            ],
            14 => &[
                ("Content-Length", ContentLength),
                ("Accept-Contact", AcceptContact),
                ("Reject-Contact", RejectContact),
            ],
            15 => &[
                ("Session-Expires", SessionExpires),
                ("Remote-Party-ID", RemotePartyId),
                ("Accept-Encoding", AcceptEncoding),
                ("Accept-Language", AcceptLanguage),
            ],
            16 => &[
                ("Content-Encoding", ContentEncoding),
                ("Content-Language", ContentLanguage),
                ("WWW-Authenticate", WwwAuthenticate),
            ],
            18 => &[("Proxy-Authenticate", ProxyAuthenticate), ("Subscription-State", SubscriptionState)],
            19 => &[
                ("Content-Disposition", ContentDisposition),
                ("Proxy-Authorization", ProxyAuthorization),
                ("Authentication-Info", AuthenticationInfo),
                ("P-Asserted-Identity", PAssertedIdentity),
                ("Request-Disposition", RequestDisposition),
            ],
            20 => &[("P-Preferred-Identity", PPreferredIdentity)],
            _ => &[],
        }
    }

    /// The name in full, as it is written; empty for [`Name::Other`].
    pub fn text(self) -> &'static str {
        match self {
            Self::Via => "Via",
            Self::From => "From",
            Self::To => "To",
            Self::CallId => "Call-ID",
            Self::CSeq => "CSeq",
            Self::Contact => "Contact",
            Self::MaxForwards => "Max-Forwards",
            Self::Route => "Route",
            Self::RecordRoute => "Record-Route",
            Self::Expires => "Expires",
            Self::MinExpires => "Min-Expires",
            Self::ContentLength => "Content-Length",
            Self::ContentType => "Content-Type",
            Self::ContentEncoding => "Content-Encoding",
            Self::ContentDisposition => "Content-Disposition",
            Self::ContentLanguage => "Content-Language",
            Self::MimeVersion => "MIME-Version",
            Self::Authorization => "Authorization",
            Self::ProxyAuthorization => "Proxy-Authorization",
            Self::WwwAuthenticate => "WWW-Authenticate",
            Self::ProxyAuthenticate => "Proxy-Authenticate",
            Self::AuthenticationInfo => "Authentication-Info",
            Self::Allow => "Allow",
            Self::AllowEvents => "Allow-Events",
            Self::Supported => "Supported",
            Self::Require => "Require",
            Self::ProxyRequire => "Proxy-Require",
            Self::Unsupported => "Unsupported",
            Self::UserAgent => "User-Agent",
            Self::Server => "Server",
            Self::Reason => "Reason",
            Self::RetryAfter => "Retry-After",
            Self::Warning => "Warning",
            Self::Event => "Event",
            Self::SubscriptionState => "Subscription-State",
            Self::ReferTo => "Refer-To",
            Self::ReferredBy => "Referred-By",
            Self::ReferSub => "Refer-Sub",
            Self::Replaces => "Replaces",
            Self::SessionExpires => "Session-Expires",
            Self::MinSe => "Min-SE",
            Self::RSeq => "RSeq",
            Self::RAck => "RAck",
            Self::PAssertedIdentity => "P-Asserted-Identity",
            Self::PPreferredIdentity => "P-Preferred-Identity",
            Self::PEarlyMedia => "P-Early-Media",
            Self::Privacy => "Privacy",
            Self::Diversion => "Diversion",
            Self::HistoryInfo => "History-Info",
            Self::RemotePartyId => "Remote-Party-ID",
            Self::Identity => "Identity",
            Self::Accept => "Accept",
            Self::AcceptEncoding => "Accept-Encoding",
            Self::AcceptLanguage => "Accept-Language",
            Self::AcceptContact => "Accept-Contact",
            Self::RejectContact => "Reject-Contact",
            Self::RequestDisposition => "Request-Disposition",
            Self::Path => "Path",
            Self::ServiceRoute => "Service-Route",
            Self::Subject => "Subject",
            Self::Date => "Date",
            Self::AlertInfo => "Alert-Info",
            Self::CallInfo => "Call-Info",
            Self::ErrorInfo => "Error-Info",
            Self::InReplyTo => "In-Reply-To",
            Self::Organization => "Organization",
            Self::Priority => "Priority",
            Self::ReplyTo => "Reply-To",
            Self::Timestamp => "Timestamp",
            Self::Join => "Join",
            Self::TargetDialog => "Target-Dialog",
            Self::SipEtag => "SIP-ETag",
            Self::SipIfMatch => "SIP-If-Match",
            Self::InfoPackage => "Info-Package",
            Self::RecvInfo => "Recv-Info",
            Self::FlowTimer => "Flow-Timer",
            Self::SessionId => "Session-ID",
            Self::UserToUser => "User-to-User",
            Self::Other => "",
        }
    }

    /// How often the field may stand in a message.
    pub fn multiplicity(self) -> Multiplicity {
        use Name::*;
        match self {
            From | To | CallId | CSeq | MaxForwards | Expires | MinExpires | ContentLength | ContentType
            | ContentDisposition | MimeVersion | UserAgent | Server | RetryAfter | Event
            | SubscriptionState | ReferTo | ReferredBy | ReferSub | Replaces | SessionExpires | MinSe
            | RSeq | RAck | Subject | Date | Organization | Priority | ReplyTo | Timestamp | Join
            | TargetDialog | SipEtag | SipIfMatch | InfoPackage | FlowTimer | SessionId => Multiplicity::One,
            _ => Multiplicity::Many,
        }
    }

    /// A bit of its own for each name.
    pub(super) fn bit(self) -> u128 {
        1_u128.checked_shl(u32::from(self as u8)).unwrap_or(0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[Name] = &[
        Name::Via,
        Name::From,
        Name::To,
        Name::CallId,
        Name::CSeq,
        Name::Contact,
        Name::MaxForwards,
        Name::Route,
        Name::RecordRoute,
        Name::Expires,
        Name::MinExpires,
        Name::ContentLength,
        Name::ContentType,
        Name::ContentEncoding,
        Name::ContentDisposition,
        Name::ContentLanguage,
        Name::MimeVersion,
        Name::Authorization,
        Name::ProxyAuthorization,
        Name::WwwAuthenticate,
        Name::ProxyAuthenticate,
        Name::AuthenticationInfo,
        Name::Allow,
        Name::AllowEvents,
        Name::Supported,
        Name::Require,
        Name::ProxyRequire,
        Name::Unsupported,
        Name::UserAgent,
        Name::Server,
        Name::Reason,
        Name::RetryAfter,
        Name::Warning,
        Name::Event,
        Name::SubscriptionState,
        Name::ReferTo,
        Name::ReferredBy,
        Name::ReferSub,
        Name::Replaces,
        Name::SessionExpires,
        Name::MinSe,
        Name::RSeq,
        Name::RAck,
        Name::PAssertedIdentity,
        Name::PPreferredIdentity,
        Name::PEarlyMedia,
        Name::Privacy,
        Name::Diversion,
        Name::HistoryInfo,
        Name::RemotePartyId,
        Name::Identity,
        Name::Accept,
        Name::AcceptEncoding,
        Name::AcceptLanguage,
        Name::AcceptContact,
        Name::RejectContact,
        Name::RequestDisposition,
        Name::Path,
        Name::ServiceRoute,
        Name::Subject,
        Name::Date,
        Name::AlertInfo,
        Name::CallInfo,
        Name::ErrorInfo,
        Name::InReplyTo,
        Name::Organization,
        Name::Priority,
        Name::ReplyTo,
        Name::Timestamp,
        Name::Join,
        Name::TargetDialog,
        Name::SipEtag,
        Name::SipIfMatch,
        Name::InfoPackage,
        Name::RecvInfo,
        Name::FlowTimer,
        Name::SessionId,
        Name::UserToUser,
    ];

    #[test]
    fn every_name_is_found_by_its_text_in_any_case() {
        for name in ALL {
            assert_eq!(Name::parse(name.text().as_bytes()), *name);
            assert_eq!(Name::parse(name.text().to_ascii_uppercase().as_bytes()), *name);
            assert_eq!(Name::parse(name.text().to_ascii_lowercase().as_bytes()), *name);
        }
    }

    #[test]
    fn every_name_has_a_bit_of_its_own() {
        let mut seen = 0_u128;
        for name in ALL.iter().chain(&[Name::Other]) {
            assert_eq!(seen & name.bit(), 0, "{name}");
            assert_ne!(name.bit(), 0, "{name}");
            seen |= name.bit();
        }
    }

    #[test]
    fn compact_forms_are_names_in_any_case() {
        for (letter, name) in [
            (b'v', Name::Via),
            (b'F', Name::From),
            (b't', Name::To),
            (b'I', Name::CallId),
            (b'm', Name::Contact),
            (b'l', Name::ContentLength),
            (b'c', Name::ContentType),
            (b'k', Name::Supported),
            (b'x', Name::SessionExpires),
            (b'r', Name::ReferTo),
            (b'b', Name::ReferredBy),
            (b'o', Name::Event),
            (b'z', Name::Other),
        ] {
            assert_eq!(Name::parse(&[letter]), name);
        }
    }
}
