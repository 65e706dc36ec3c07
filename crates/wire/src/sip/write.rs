//! Writing messages. Whatever a value holds, it stays one value: CR, LF and NUL become spaces, so nothing that came from a
//! peer or a user can add a header line.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};

use super::addr::NameAddr;
use super::message::Message;
use super::name::Name;
use super::params::{Param, Params};
use super::text::is_token;
use super::via::Via;

/// Room for an ordinary message, so that writing one allocates once.
const USUAL_MESSAGE: usize = 1_024;

/// A message in the making. Every method returns the writer, [`Writer::finish`] takes the message out of it.
///
/// ```
/// use wire::sip::{Name, Writer};
/// let bytes = Writer::request("OPTIONS", "sip:pbx.example.com")
///     .header(Name::CallId, "a84b4c76e66710")
///     .header_fmt(Name::CSeq, format_args!("{} OPTIONS", 1))
///     .finish();
/// assert!(bytes.ends_with(b"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"));
/// ```
#[derive(Debug)]
pub struct Writer {
    out: BytesMut,
    body: Bytes,
}

impl Writer {
    /// Starts a request. Bytes that can't stand in a URI are escaped, in a method they become `-`.
    pub fn request(method_text: impl AsRef<[u8]>, uri: impl AsRef<[u8]>) -> Self {
        let mut out = BytesMut::with_capacity(USUAL_MESSAGE);
        out.extend(method_text.as_ref().iter().map(|b| if is_token(*b) { *b } else { b'-' }));
        out.put_u8(b' ');
        for byte in uri.as_ref() {
            if matches!(byte, 0..=b' ' | 0x7f) {
                put_fmt(&mut out, format_args!("%{byte:02X}"));
            } else {
                out.put_u8(*byte);
            }
        }
        out.put_slice(b" SIP/2.0\r\n");
        Self { out, body: Bytes::new() }
    }

    /// Starts a response.
    pub fn response(status: u16, reason: impl AsRef<[u8]>) -> Self {
        let mut out = BytesMut::with_capacity(USUAL_MESSAGE);
        put_fmt(&mut out, format_args!("SIP/2.0 {status} "));
        put_clean(&mut out, reason.as_ref());
        out.put_slice(b"\r\n");
        Self { out, body: Bytes::new() }
    }

    /// Starts the response to a request: Via (with the source it came from), From, To, Call-ID and CSeq (RFC 3261 section
    /// 8.2.6.2). `to_tag` is added when the request's To has none.
    pub fn answer(
        request: &Message,
        status: u16,
        reason: impl AsRef<[u8]>,
        source: Option<SocketAddr>,
        to_tag: Option<&str>,
    ) -> Self {
        let mut writer = Self::response(status, reason);
        writer.copy_vias(request, source).copy_all(request, Name::From);
        let to = request.first(Name::To).unwrap_or_default();
        match to_tag {
            Some(tag) => writer.tagged_to(to, tag),
            None => writer.header(Name::To, to),
        };
        writer.copy_all(request, Name::CallId).copy_all(request, Name::CSeq);
        writer
    }

    /// Adds a header line. Content-Length is not for the caller to say: the writer adds its own.
    pub fn header(&mut self, name: Name, value: impl AsRef<[u8]>) -> &mut Self {
        self.raw(name.text(), value)
    }

    /// Adds a header line with a formatted value.
    pub fn header_fmt(&mut self, name: Name, value: fmt::Arguments<'_>) -> &mut Self {
        if is_writable(name.text().as_bytes()) {
            self.value(name.text().as_bytes(), |out| put_fmt(out, value));
        }
        self
    }

    /// Adds a header line of any name. A name that is no token, or is Content-Length, adds nothing.
    pub fn raw(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Self {
        if is_writable(name.as_ref()) {
            self.value(name.as_ref(), |out| put_clean(out, value.as_ref()));
        }
        self
    }

    /// Copies every line of a name, folds taken out.
    pub fn copy_all(&mut self, from: &Message, name: Name) -> &mut Self {
        for value in from.all(name) {
            self.header(name, value);
        }
        self
    }

    /// Copies the Via values of a request into its response. With the source, the top one says where the request really came
    /// from (RFC 3261 section 18.2.1, RFC 3581 section 4), whatever the sender had put there.
    pub fn copy_vias(&mut self, from: &Message, source: Option<SocketAddr>) -> &mut Self {
        let mut values = from.values(Name::Via);
        if let (Some(source), Ok(top)) = (source, from.top_via()) {
            values.next();
            self.value(Name::Via.text().as_bytes(), |out| put_via(out, &top, source));
        }
        for value in values {
            self.header(Name::Via, value);
        }
        self
    }

    /// Sets the body and its type.
    pub fn body(&mut self, content_type: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> &mut Self {
        self.body = Bytes::copy_from_slice(body.as_ref());
        self.header(Name::ContentType, content_type)
    }

    /// Adds Content-Length and the body, and takes the message out; the writer is empty afterwards.
    pub fn finish(&mut self) -> Bytes {
        let mut out = std::mem::take(&mut self.out);
        let body = std::mem::take(&mut self.body);
        put_fmt(&mut out, format_args!("Content-Length: {}", body.len()));
        out.put_slice(b"\r\n\r\n");
        out.put_slice(&body);
        out.freeze()
    }

    /// Writes To as it came, with a tag if it has none; an empty one is left out, since no parameter may stand twice.
    pub(super) fn tagged_to(&mut self, value: &[u8], tag: &str) -> &mut Self {
        let Some(to) = NameAddr::parse(value).ok().filter(|to| to.tag().is_none()) else {
            return self.header(Name::To, value);
        };
        let address = value.len().saturating_sub(to.params.raw().len());
        self.value(Name::To.text().as_bytes(), |out| {
            put_clean(out, value.get(..address).unwrap_or_default());
            put_params(out, &to.params, &["tag"]);
            out.put_slice(b";tag=");
            put_clean(out, tag.as_bytes());
        });
        self
    }

    fn value(&mut self, name: &[u8], write: impl FnOnce(&mut BytesMut)) {
        self.out.put_slice(name);
        self.out.put_slice(b": ");
        write(&mut self.out);
        self.out.put_slice(b"\r\n");
    }
}

fn is_writable(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|b| is_token(*b)) && Name::parse(name) != Name::ContentLength
}

fn put_clean(out: &mut BytesMut, value: &[u8]) {
    if value.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
        out.extend(value.iter().map(|b| if matches!(b, 0 | b'\r' | b'\n') { b' ' } else { *b }));
    } else {
        out.put_slice(value);
    }
}

struct Clean<'a>(&'a mut BytesMut);

impl fmt::Write for Clean<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        put_clean(self.0, text.as_bytes());
        Ok(())
    }
}

/// Line ends in what is formatted belong to a value and become spaces like any other.
fn put_fmt(out: &mut BytesMut, value: fmt::Arguments<'_>) {
    // `Clean` never fails; a value whose own Display fails stays as far as it came.
    let _ = Clean(out).write_fmt(value);
}

fn put_via(out: &mut BytesMut, via: &Via<'_>, source: SocketAddr) {
    out.put_slice(b"SIP/2.0/");
    put_clean(out, via.transport);
    out.put_u8(b' ');
    put_clean(out, via.sent_by);
    put_params(out, &via.params, &["received", "rport"]);
    let wants_port = via.rport().is_some();
    if wants_port || via.host.address() != Some(source.ip().to_canonical()) {
        put_fmt(out, format_args!(";received={}", source.ip().to_canonical()));
    }
    if wants_port {
        put_fmt(out, format_args!(";rport={}", source.port()));
    }
}

fn put_params(out: &mut BytesMut, params: &Params<'_>, left_out: &[&str]) {
    let wanted =
        |param: &Param<'_>| !left_out.iter().any(|name| param.name.eq_ignore_ascii_case(name.as_bytes()));
    for param in params.iter().filter(wanted) {
        out.put_u8(b';');
        out.put_slice(param.name);
        if let Some(value) = param.value {
            let quote: &[u8] = if param.quoted { b"\"" } else { b"" };
            out.put_u8(b'=');
            out.put_slice(quote);
            put_clean(out, value);
            out.put_slice(quote);
        }
    }
}
