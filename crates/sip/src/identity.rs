//! Who a call comes from, is with and went over, as the headers of our messages say it: From and P-Asserted-Identity
//! (RFC 3325), Privacy (RFC 3323), Diversion (RFC 5806) and History-Info (RFC 7044).
//!
//! All of it is made here out of what `calls` knows. What phones write into these headers is never read, but for the
//! one wish that a caller may have: not to be shown. Not here: who is who (`calls`).

use std::sync::Arc;

use wire::sip::{Message, Name, Uri, Writer};

use crate::api::{Party, SessionId};
use crate::message;
use crate::stack::Stack;

/// Whether a caller lets himself be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presentation {
    /// He does.
    #[default]
    Shown,
    /// He asked that phones don't show him: Privacy `id`, `user` or `header`, or an anonymous From.
    Withheld,
}

/// Why a call went on to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// All calls go there.
    Unconditional,
    /// The extension was busy, or does not wish to be disturbed.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// No phone could be reached.
    Unreachable,
    /// The phone itself sent it there (3xx).
    Deflected,
}

impl Why {
    /// RFC 5806 section 5.
    const fn diversion(self) -> &'static str {
        match self {
            Why::Unconditional => "unconditional",
            Why::Busy => "user-busy",
            Why::NoAnswer => "no-answer",
            Why::Unreachable => "unavailable",
            Why::Deflected => "deflection",
        }
    }

    /// RFC 4458 section 2.2 and RFC 7544 section 7.2.
    const fn cause(self) -> u16 {
        match self {
            Why::Unconditional => 302,
            Why::Busy => 486,
            Why::NoAnswer => 408,
            Why::Unreachable => 503,
            Why::Deflected => 480,
        }
    }
}

/// One forwarding on a call's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// The extension that forwarded.
    pub from: Arc<str>,
    /// Why.
    pub why: Why,
}

/// What an INVITE says of who calls and of the way here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Whether the caller is shown. If not, From is anonymous and nobody is asserted: phones are not trusted with a
    /// name that they shall not show.
    pub presentation: Presentation,
    /// The forwardings so far, the first one first.
    pub diversions: Vec<Diversion>,
    /// Whose phone this INVITE is for; the last entry of History-Info.
    pub target: Option<Arc<str>>,
}

/// The From of a caller who is not shown (RFC 3323 section 4.1).
const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

impl Identity {
    /// From without its tag, the user part of our Contact, and who is asserted.
    pub(crate) fn caller(&self, from: &Party, domain: &str) -> (String, String, Option<Box<str>>) {
        match self.presentation {
            Presentation::Shown => {
                let shown = message::name_addr(from, domain);
                let asserted = (!from.user.is_empty()).then(|| shown.clone().into_boxed_str());
                (shown, from.user.clone(), asserted)
            }
            Presentation::Withheld => (ANONYMOUS.to_owned(), "anonymous".to_owned(), None),
        }
    }

    /// Writes what is not From.
    pub(crate) fn write(&self, writer: &mut Writer, asserted: Option<&str>, domain: &str) {
        if let Some(asserted) = asserted {
            writer.header(Name::PAssertedIdentity, asserted);
        }
        if self.presentation == Presentation::Withheld {
            writer.header(Name::Privacy, "id");
        }
        for Diversion { from, why } in self.diversions.iter().rev() {
            let (uri, why) = (message::uri(from, domain), why.diversion());
            writer.header_fmt(Name::Diversion, format_args!("<{uri}>;reason={why};counter=1"));
        }
        self.write_history(writer, domain);
    }

    /// Each extension that the call was for, with the reason why it came there, as parameter of its URI.
    fn write_history(&self, writer: &mut Writer, domain: &str) {
        let Some(target) = self.target.as_ref().filter(|_| !self.diversions.is_empty()) else { return };
        let visited = self.diversions.iter().map(|diversion| &diversion.from).chain([target]);
        let reasons =
            std::iter::once(None).chain(self.diversions.iter().map(|diversion| Some(diversion.why)));
        let mut index = String::from("1");
        for (extension, why) in visited.zip(reasons) {
            let uri = message::uri(extension, domain);
            match why {
                None => writer.header_fmt(Name::HistoryInfo, format_args!("<{uri}>;index={index}")),
                Some(why) => {
                    let before = index.clone();
                    index.push_str(".1");
                    let cause = why.cause();
                    let value = format_args!("<{uri};cause={cause}>;index={index};mp={before}");
                    writer.header_fmt(Name::HistoryInfo, value)
                }
            };
        }
    }
}

impl Stack {
    /// From now on our messages in this session that may say so assert that its other side is `party`: the first answers
    /// to an INVITE, and new offers.
    pub fn assert_identity(&mut self, id: SessionId, party: &Party) {
        let asserted = message::name_addr(party, &self.directory.domain).into_boxed_str();
        if let Some(session) = self.sessions.get_mut(&id) {
            session.asserted = Some(asserted);
        }
    }
}

/// Whether the caller wants to be shown (RFC 3323 section 4.2, RFC 3325 section 9.3). A From that names nobody is such
/// a wish too: it is how many phones withhold their number.
pub(crate) fn wished(request: &Message) -> Presentation {
    let values = request.all(Name::Privacy).flat_map(|line| line.split(|byte| matches!(byte, b';' | b',')));
    for value in values {
        let value = wire::sip::trim(value);
        if ["id", "user", "header"].iter().any(|wish| value.eq_ignore_ascii_case(wish.as_bytes())) {
            return Presentation::Withheld;
        }
    }
    let from = request.from().ok().and_then(|from| from.uri().ok());
    let anonymous = from.as_ref().and_then(Uri::sip).is_some_and(|uri| {
        let user = uri.user_decoded();
        user.eq_ignore_ascii_case(b"anonymous")
            || matches!(uri.host, wire::sip::Host::Name(name) if name.eq_ignore_ascii_case("anonymous.invalid"))
    });
    if anonymous { Presentation::Withheld } else { Presentation::Shown }
}
