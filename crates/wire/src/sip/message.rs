//! A SIP message: its bytes and the index of them. Typed fields are read when asked for and borrow from the bytes.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::addr::NameAddr;
use super::error::{FieldError, Malformed, MalformedKind};
use super::limits::{MAX_CALL_ID, MAX_VIAS};
use super::method::Method;
use super::name::{Multiplicity, Name};
use super::scan::{self, Index, Start};
use super::text::{self, Values};
use super::uri::Uri;
use super::via::Via;

/// A request or response. Cloning shares bytes and index.
#[derive(Clone)]
pub struct Message {
    bytes: Bytes,
    index: Arc<Index>,
}

/// One header line.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Which field it is.
    pub name: Name,
    /// Its name as written.
    pub raw_name: &'a [u8],
    /// Its value without whitespace at the ends; folds are still inside.
    pub value: &'a [u8],
}

/// The CSeq field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Less than 2^31 (RFC 3261 section 8.1.1.5).
    pub number: u32,
    /// The method; [`Method::Other`] for an extension.
    pub method: Method,
    /// The method's token as written.
    pub token: &'a [u8],
}

impl Message {
    /// Reads one datagram or one framed message of a stream.
    ///
    /// Without Content-Length the body is what follows the headers; with it, surplus bytes are dropped (RFC 3261 section
    /// 18.3). Via, From, To, Call-ID and CSeq are there and readable afterwards. A field that may stand once may stand twice
    /// if both values are the same bytes: then there is one reading.
    pub fn parse(bytes: Bytes) -> Result<Self, Malformed> {
        let index = scan::scan(&bytes)?;
        let mut message = Self { bytes, index: Arc::new(index) };
        message.check_single_values()?;
        message.cut_surplus()?;
        message.check_mandatory()?;
        Ok(message)
    }

    fn check_single_values(&self) -> Result<(), MalformedKind> {
        let mut seen = 0_u128;
        for entry in &self.index.entries {
            if entry.name.multiplicity() == Multiplicity::One {
                let bit = entry.name.bit();
                if seen & bit != 0 && self.first(entry.name) != Some(entry.value(&self.bytes)) {
                    return Err(MalformedKind::Conflicting(entry.name));
                }
                seen |= bit;
            }
        }
        Ok(())
    }

    fn cut_surplus(&mut self) -> Result<(), MalformedKind> {
        let present = self.bytes.len().saturating_sub(self.index.body);
        let Some(claimed) = self.first(Name::ContentLength) else {
            return Ok(());
        };
        let claimed = text::decimal(claimed).map_err(|why| MalformedKind::Field(Name::ContentLength, why))?;
        match usize::try_from(claimed) {
            Ok(claimed) if claimed <= present => {
                self.bytes.truncate(self.index.body.saturating_add(claimed));
                Ok(())
            }
            _ => Err(MalformedKind::BodyTooShort),
        }
    }

    fn check_mandatory(&self) -> Result<(), MalformedKind> {
        let wrong = |name| {
            move |why| match why {
                FieldError::Missing => MalformedKind::Missing(name),
                why => MalformedKind::Field(name, why),
            }
        };
        if let Some(uri) = self.request_uri() {
            Uri::parse(uri).map_err(|_| MalformedKind::RequestUri)?;
        }
        if self.values(Name::Via).nth(MAX_VIAS).is_some() {
            return Err(MalformedKind::TooManyVias);
        }
        self.top_via().map_err(wrong(Name::Via))?;
        self.from().map_err(wrong(Name::From))?;
        self.to().map_err(wrong(Name::To))?;
        let call_id = self.first(Name::CallId).ok_or(MalformedKind::Missing(Name::CallId))?;
        check_call_id(call_id).map_err(wrong(Name::CallId))?;
        let cseq = self.cseq().map_err(wrong(Name::CSeq))?;
        if self.is_request() && cseq.token != self.method_text() {
            return Err(MalformedKind::MethodMismatch);
        }
        Ok(())
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.index.start, Start::Request { .. })
    }

    /// The request's method.
    pub fn method(&self) -> Option<Method> {
        match self.index.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The request's method as written; empty in a response.
    pub fn method_text(&self) -> &[u8] {
        match self.index.start {
            Start::Request { token, .. } => token.of(&self.bytes),
            Start::Response { .. } => &[],
        }
    }

    /// The request's URI as written; [`Uri::parse`] accepts it.
    pub fn request_uri(&self) -> Option<&[u8]> {
        match self.index.start {
            Start::Request { uri, .. } => Some(uri.of(&self.bytes)),
            Start::Response { .. } => None,
        }
    }

    /// The response's status, 100 to 699.
    pub fn status(&self) -> Option<u16> {
        match self.index.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The response's reason phrase; empty in a request.
    pub fn reason(&self) -> &[u8] {
        match self.index.start {
            Start::Request { .. } => &[],
            Start::Response { reason, .. } => reason.of(&self.bytes),
        }
    }

    /// Every header line in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.index.entries.iter().map(|entry| Header {
            name: entry.name,
            raw_name: entry.raw_name(&self.bytes),
            value: entry.value(&self.bytes),
        })
    }

    /// The first line of this name.
    pub fn first(&self, name: Name) -> Option<&[u8]> {
        self.index.entries.iter().find(|entry| entry.name == name).map(|entry| entry.value(&self.bytes))
    }

    /// Every line of this name.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.index
            .entries
            .iter()
            .filter(move |entry| entry.name == name)
            .map(|entry| entry.value(&self.bytes))
    }

    /// Every value of this name: comma lists are taken apart, empty values left out.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.all(name).flat_map(Values::new)
    }

    /// Every line of a name that [`Name`] does not list.
    pub fn other(&self, raw_name: &str) -> impl Iterator<Item = &[u8]> {
        let same = move |header: &Header<'_>| header.raw_name.eq_ignore_ascii_case(raw_name.as_bytes());
        self.headers().filter(same).map(|header| header.value)
    }

    /// Whether a token stands in a comma list such as Supported or Require; without case.
    pub fn lists(&self, name: Name, token: &str) -> bool {
        self.values(name).any(|value| value.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The Via of the hop that sent this.
    pub fn top_via(&self) -> Result<Via<'_>, FieldError> {
        Via::parse(self.values(Name::Via).next().ok_or(FieldError::Missing)?)
    }

    /// Every Via, top first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'_>, FieldError>> {
        self.values(Name::Via).map(Via::parse)
    }

    /// Who it is from, as claimed.
    pub fn from(&self) -> Result<NameAddr<'_>, FieldError> {
        self.address(Name::From)
    }

    /// Whom it is to.
    pub fn to(&self) -> Result<NameAddr<'_>, FieldError> {
        self.address(Name::To)
    }

    /// One address of a field that has one: From, To, Refer-To, Referred-By ...
    pub fn address(&self, name: Name) -> Result<NameAddr<'_>, FieldError> {
        NameAddr::parse(self.first(name).ok_or(FieldError::Missing)?)
    }

    /// Every address of a field that has a list: Route, P-Asserted-Identity, Diversion ...
    pub fn addresses(&self, name: Name) -> impl Iterator<Item = Result<NameAddr<'_>, FieldError>> {
        self.values(name).map(NameAddr::parse)
    }

    /// The Call-ID; compare it by bytes.
    pub fn call_id(&self) -> &[u8] {
        self.first(Name::CallId).unwrap_or_default()
    }

    /// The sequence number and method.
    pub fn cseq(&self) -> Result<CSeq<'_>, FieldError> {
        CSeq::parse(self.first(Name::CSeq).ok_or(FieldError::Missing)?)
    }

    /// Hops left. More than 255 is out of range.
    pub fn max_forwards(&self) -> Result<Option<u8>, FieldError> {
        let Some(value) = self.first(Name::MaxForwards) else { return Ok(None) };
        u8::try_from(text::decimal(value)?).map(Some).map_err(|_| FieldError::Range)
    }

    /// Seconds. More than 2^32-1 counts as that.
    pub fn expires(&self) -> Result<Option<u32>, FieldError> {
        self.first(Name::Expires).map(seconds).transpose()
    }

    /// The contacts: a star, or a list (empty when there is no Contact).
    pub fn contacts(&self) -> Result<Contacts<'_>, FieldError> {
        Contacts::collect(self.values(Name::Contact))
    }

    /// The Route values in order.
    pub fn routes(&self) -> impl Iterator<Item = Result<NameAddr<'_>, FieldError>> {
        self.addresses(Name::Route)
    }

    /// The Record-Route values in order.
    pub fn record_routes(&self) -> impl Iterator<Item = Result<NameAddr<'_>, FieldError>> {
        self.addresses(Name::RecordRoute)
    }

    /// The body; may be empty.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.index.body..).unwrap_or_default()
    }

    /// The body, sharing the message's bytes.
    pub fn body_bytes(&self) -> Bytes {
        let body = self.index.body.min(self.bytes.len());
        self.bytes.slice(body..)
    }

    /// The body's type with its parameters.
    pub fn content_type(&self) -> Option<&[u8]> {
        self.first(Name::ContentType)
    }

    /// Whether the body's type is this (`application/sdp`), whatever its parameters; without case.
    pub fn has_content_type(&self, media_type: &str) -> bool {
        let value = self.content_type().unwrap_or_default();
        let (value, _) = text::take_while(value, |b| b != b';');
        value.iter().filter(|b| !text::is_space(**b)).map(u8::to_ascii_lowercase).eq(media_type.bytes())
    }

    /// The bytes it was read from, without surplus after the body.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Header lines the index has room for: bounded by the lines there are, never by what a peer claims.
    pub fn index_capacity(&self) -> usize {
        self.index.entries.capacity()
    }
}

/// Only the start line: headers may hold credentials.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index.start {
            Start::Request { .. } => write!(f, "Message({})", self.method_text().escape_ascii()),
            Start::Response { status, .. } => write!(f, "Message({status})"),
        }
    }
}

impl<'a> CSeq<'a> {
    /// Reads one whole value.
    pub fn parse(value: &'a [u8]) -> Result<Self, FieldError> {
        let (digits, rest) = text::take_while(value, |b| b.is_ascii_digit());
        let token = text::trim_start(rest);
        if token.is_empty() || token.len() == rest.len() || !token.iter().all(|b| text::is_token(*b)) {
            return Err(FieldError::Syntax);
        }
        let number = u32::try_from(text::decimal(digits)?).ok().filter(|n| *n < 1 << 31);
        Ok(Self { number: number.ok_or(FieldError::Range)?, method: Method::parse(token), token })
    }
}

/// The contacts of a message.
#[derive(Debug, Clone)]
pub enum Contacts<'a> {
    /// `Contact: *`, all bindings of a line.
    Star,
    /// The values in order.
    List(smallvec::SmallVec<[NameAddr<'a>; 2]>),
}

impl<'a> Contacts<'a> {
    fn collect(values: impl Iterator<Item = &'a [u8]>) -> Result<Self, FieldError> {
        let mut list = smallvec::SmallVec::new();
        let mut star = false;
        for value in values {
            if star || list.len() >= super::limits::MAX_CONTACTS {
                return Err(if star { FieldError::Syntax } else { FieldError::TooMany });
            }
            if value == b"*" {
                star = true;
            } else {
                list.push(NameAddr::parse(value)?);
            }
        }
        match (star, list.is_empty()) {
            (false, _) => Ok(Self::List(list)),
            (true, true) => Ok(Self::Star),
            (true, false) => Err(FieldError::Syntax),
        }
    }
}

/// Seconds as in Expires and the parameters of that name: more than 2^32-1 counts as that (RFC 3261 section 20.19).
pub fn seconds(value: &[u8]) -> Result<u32, FieldError> {
    match text::decimal(value) {
        Ok(number) => Ok(u32::try_from(number).unwrap_or(u32::MAX)),
        Err(FieldError::Range) => Ok(u32::MAX),
        Err(why) => Err(why),
    }
}

pub(super) fn check_call_id(value: &[u8]) -> Result<(), FieldError> {
    if value.is_empty() || value.iter().any(|b| *b <= b' ' || *b == 0x7f) {
        return Err(FieldError::Syntax);
    }
    if value.len() > MAX_CALL_ID { Err(FieldError::TooMany) } else { Ok(()) }
}
