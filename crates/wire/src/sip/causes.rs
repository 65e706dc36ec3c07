//! Reason and Privacy: why something was done (RFC 3326), and what a caller wants hidden (RFC 3323).

use super::error::FieldError;
use super::message::Message;
use super::name::Name;
use super::params::value_and_params;
use super::text::{self, is_token};

/// One value of the Reason field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason<'a> {
    /// `SIP`, `Q.850` ... as written; compare it without case.
    pub protocol: &'a [u8],
    /// The protocol's cause: a SIP status, a Q.850 cause.
    pub cause: Option<u32>,
    /// The text, escapes still inside.
    pub text: Option<&'a [u8]>,
}

impl<'a> Reason<'a> {
    /// Reads one whole value: `SIP;cause=200;text="Call completed elsewhere"`.
    pub fn parse(value: &'a [u8]) -> Result<Self, FieldError> {
        let (protocol, params) = value_and_params(value)?;
        if protocol.is_empty() || !protocol.iter().all(|b| is_token(*b)) {
            return Err(FieldError::Syntax);
        }
        let cause = params.value("cause").map(|digits| {
            text::decimal(digits).and_then(|n| u32::try_from(n).map_err(|_| FieldError::Range))
        });
        Ok(Self { protocol, cause: cause.transpose()?, text: params.value("text") })
    }
}

impl Message {
    /// Every reason in order.
    pub fn reasons(&self) -> impl Iterator<Item = Result<Reason<'_>, FieldError>> {
        self.values(Name::Reason).map(Reason::parse)
    }

    /// Whether the sender asks for this kind of privacy (`id`, `header`, `user`, `session`); without case. Values stand between
    /// semicolons; commas are taken as well, since some trunks send them.
    pub fn asks_privacy(&self, kind: &str) -> bool {
        self.values(Name::Privacy)
            .flat_map(|value| value.split(|b| *b == b';'))
            .any(|value| text::trim(value).eq_ignore_ascii_case(kind.as_bytes()))
    }
}
