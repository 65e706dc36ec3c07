//! Reliable provisional responses: RSeq numbers them, RAck names the one that a PRACK acknowledges (RFC 3262 section 7).

use std::fmt;

use super::error::FieldError;
use super::message::{CSeq, Message};
use super::name::Name;
use super::text;

/// The RAck field of a PRACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The RSeq of the response.
    pub rseq: u32,
    /// The CSeq of the response.
    pub cseq: CSeq<'a>,
}

impl<'a> RAck<'a> {
    /// Reads one whole value: `776656 1 INVITE`.
    pub fn parse(value: &'a [u8]) -> Result<Self, FieldError> {
        let (digits, rest) = text::take_while(value, |b| b.is_ascii_digit());
        let cseq = text::trim_start(rest);
        if cseq.len() == rest.len() {
            return Err(FieldError::Syntax);
        }
        Ok(Self { rseq: response_number(digits)?, cseq: CSeq::parse(cseq)? })
    }
}

/// As it is written on the wire.
impl fmt::Display for RAck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A token is ASCII, so nothing is lost.
        write!(f, "{} {} {}", self.rseq, self.cseq.number, String::from_utf8_lossy(self.cseq.token))
    }
}

impl Message {
    /// The number of this reliable response, 1 to 2^32-1; `None` when it is not reliable.
    pub fn rseq(&self) -> Result<Option<u32>, FieldError> {
        self.first(Name::RSeq).map(response_number).transpose()
    }

    /// Which response this PRACK acknowledges.
    pub fn rack(&self) -> Result<RAck<'_>, FieldError> {
        RAck::parse(self.first(Name::RAck).ok_or(FieldError::Missing)?)
    }
}

fn response_number(digits: &[u8]) -> Result<u32, FieldError> {
    u32::try_from(text::decimal(digits)?).ok().filter(|number| *number > 0).ok_or(FieldError::Range)
}
