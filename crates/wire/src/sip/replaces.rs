//! Replaces: the dialog that a new call takes the place of (RFC 3891). It stands in an INVITE, or escaped in a Refer-To URI.

use super::error::FieldError;
use super::message::{Message, check_call_id};
use super::name::Name;
use super::params::value_and_params;

/// The Replaces field. Tags are as the recipient of the INVITE sees its dialog: `to_tag` is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaces<'a> {
    /// The dialog's Call-ID; compare it by bytes.
    pub call_id: &'a [u8],
    /// The recipient's tag.
    pub to_tag: &'a [u8],
    /// The other side's tag; `0` stands for none (RFC 3891 section 4).
    pub from_tag: &'a [u8],
    /// Whether only a call that still rings may be replaced.
    pub early_only: bool,
}

impl<'a> Replaces<'a> {
    /// Reads one whole value, unescaped. Both tags must be there, each once (RFC 3891 section 6.1).
    pub fn parse(value: &'a [u8]) -> Result<Self, FieldError> {
        let (call_id, params) = value_and_params(value)?;
        check_call_id(call_id)?;
        let tag = |name| params.value(name).ok_or(FieldError::Syntax);
        Ok(Self {
            call_id,
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.find("early-only").is_some(),
        })
    }

    /// The value as it stands in a header line.
    pub fn value(&self) -> Vec<u8> {
        let early: &[u8] = if self.early_only { b";early-only" } else { b"" };
        [self.call_id, b";to-tag=", self.to_tag, b";from-tag=", self.from_tag, early].concat()
    }

    /// The header as it stands behind the question mark of a URI: `Replaces=...`, escaped.
    pub fn uri_header(&self) -> Vec<u8> {
        let mut out = b"Replaces=".to_vec();
        for byte in self.value() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*') {
                out.push(byte);
            } else {
                out.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
        }
        out
    }
}

impl Message {
    /// The dialog this INVITE takes the place of, if it does.
    pub fn replaces(&self) -> Result<Option<Replaces<'_>>, FieldError> {
        self.first(Name::Replaces).map(Replaces::parse).transpose()
    }
}
