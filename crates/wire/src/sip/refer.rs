//! Refer-To and Referred-By: whom to call, with what, and on whose word (RFC 3515, RFC 3892).
//!
//! The URI's headers are text of a peer: only Replaces is read from them, nothing else reaches a message of ours.

use std::borrow::Cow;

use super::addr::NameAddr;
use super::error::FieldError;
use super::message::Message;
use super::name::Name;
use super::replaces::Replaces;
use super::text::percent_decode;
use super::uri::{SipUri, Uri};

/// The Refer-To field.
#[derive(Debug, Clone)]
pub struct ReferTo<'a> {
    /// The address, its URI with parameters and headers as written.
    pub address: NameAddr<'a>,
    /// The method to use, when it is not INVITE, as written.
    pub method: Option<&'a [u8]>,
    replaces: Option<Cow<'a, [u8]>>,
}

impl<'a> ReferTo<'a> {
    /// Reads one whole value. A URI with two Replaces headers would be two orders, and is refused.
    pub fn parse(value: &'a [u8]) -> Result<Self, FieldError> {
        let address = NameAddr::parse(value)?;
        let uri = address.uri()?;
        let Some(sip) = uri.sip() else {
            return Ok(Self { address, method: None, replaces: None });
        };
        let mut found = sip.uri_headers().filter(|(name, _)| name.eq_ignore_ascii_case(b"Replaces"));
        let replaces = found.next().map(|(_, value)| value);
        if found.next().is_some() {
            return Err(FieldError::DuplicateParam);
        }
        if let Some(replaces) = &replaces {
            Replaces::parse(replaces)?;
        }
        let method = sip.params.value("method").filter(|method| *method != b"INVITE");
        Ok(Self { address, method, replaces })
    }

    /// Whom to call.
    pub fn uri(&self) -> Result<Uri<'a>, FieldError> {
        self.address.uri()
    }

    /// The dialog to take the place of: the transfer is attended.
    pub fn replaces(&self) -> Option<Replaces<'_>> {
        self.replaces.as_deref().and_then(|value| Replaces::parse(value).ok())
    }
}

impl<'a> SipUri<'a> {
    /// The headers behind the question mark, names and values with `%HH` decoded: any byte may be in them.
    pub fn uri_headers(&self) -> impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)> + use<'a> {
        let fields = self.headers.split(|b| *b == b'&').filter(|field| !field.is_empty());
        fields.map(|field| {
            let end = memchr::memchr(b'=', field).unwrap_or(field.len());
            let (name, value) = field.split_at_checked(end).unwrap_or((field, &[]));
            (percent_decode(name), percent_decode(value.strip_prefix(b"=").unwrap_or_default()))
        })
    }
}

impl Message {
    /// Whom this REFER asks to call.
    pub fn refer_to(&self) -> Result<ReferTo<'_>, FieldError> {
        ReferTo::parse(self.first(Name::ReferTo).ok_or(FieldError::Missing)?)
    }

    /// Who asked for this call, as claimed, if somebody did.
    pub fn referred_by(&self) -> Result<Option<NameAddr<'_>>, FieldError> {
        self.first(Name::ReferredBy).map(NameAddr::parse).transpose()
    }
}
